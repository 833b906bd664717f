"""
FreeSWITCH, by its event socket (ESL): legs, and the queues of `mod_callcenter`.

* `callbackq.adapters.freeswitch.telephony`: `EslTelephony`, which places, moves and finds legs.
* `callbackq.adapters.freeswitch.callcenter`: `CallcenterTelephony`, which also knows callers and agents of
  `mod_callcenter`, and reserves agents there.
* `callbackq.adapters.freeswitch.settings`: `EslSettings`, for both.

It needs no other package. The how-to "Connect FreeSWITCH" takes you from a stock installation to a callback.
"""

from callbackq.adapters.freeswitch.callcenter import CallcenterQueues, CallcenterTelephony
from callbackq.adapters.freeswitch.callcenter_reading import CcCaller
from callbackq.adapters.freeswitch.settings import Detector, EslSettings
from callbackq.adapters.freeswitch.telephony import EslTelephony

__all__ = ["CallcenterQueues", "CallcenterTelephony", "CcCaller", "Detector", "EslSettings", "EslTelephony"]
