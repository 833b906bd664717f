"""`TwilioTelephony` over the double: the contracts."""

from __future__ import annotations

from adapters.twilio.far_end import BAD_DAY, TwilioFarEnd
from callbackq.testing.contracts import MischiefContract, PartContract, TelephonyContract


class TestTwilioTelephony(TelephonyContract, MischiefContract, PartContract):
    """Everything that is asked of a telephony that cannot give a snapshot."""

    def open_far_end(self) -> TwilioFarEnd:
        return TwilioFarEnd()


class TestTwilioTelephonyOnABadDay(TelephonyContract):
    """The same, where events come twice, late, and in another order."""

    def open_far_end(self) -> TwilioFarEnd:
        return TwilioFarEnd(seed=7, rates=BAD_DAY)
