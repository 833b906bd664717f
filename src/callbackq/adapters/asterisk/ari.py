"""
Asterisk over its REST interface (ARI): calls, bridges, prompts, callers. Needs the extra `asterisk`.

`AriTelephony` is the telephony port; `AriSettings` says where Asterisk is. What callers do who came in by your dialplan
is a `CallerEvent`. What ARI does not know - agents, pauses, and the queues of `app_queue` - is known by AMI: see
`callbackq.adapters.asterisk`.
"""

from callbackq.adapters.asterisk.ari_callers import (
    CallerEvent,
    CallerJoined,
    CallerLeft,
    CallerRequest,
    CallerReturned,
    OnCaller,
)
from callbackq.adapters.asterisk.ari_client import NoReply
from callbackq.adapters.asterisk.ari_hands import Speak
from callbackq.adapters.asterisk.ari_settings import AriSettings, Endpoint
from callbackq.adapters.asterisk.ari_telephony import AriTelephony, Variables

__all__ = [
    "AriSettings",
    "AriTelephony",
    "CallerEvent",
    "CallerJoined",
    "CallerLeft",
    "CallerRequest",
    "CallerReturned",
    "Endpoint",
    "NoReply",
    "OnCaller",
    "Speak",
    "Variables",
]
