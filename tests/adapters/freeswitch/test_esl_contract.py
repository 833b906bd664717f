"""The telephony contract, kept by the adapter for FreeSWITCH, over the double and over a real one."""

from __future__ import annotations

import os

import pytest

from adapters.freeswitch.esl_far_end import CallcenterFarEnd, EslFarEnd
from adapters.freeswitch.esl_real_far_end import RealFarEnd
from callbackq.testing.contracts import (
    MischiefContract,
    PartContract,
    ReserveContract,
    SnapshotContract,
    TelephonyContract,
)
from callbackq.testing.doubles.esl import EslDouble
from callbackq.testing.doubles.mischief import Mischief, Rates


class TestOverTheDouble(TelephonyContract, SnapshotContract, MischiefContract, PartContract):
    """An honest FreeSWITCH, and one that misbehaves where the contract asks for it."""

    def open_far_end(self) -> EslFarEnd:
        return EslFarEnd()


class TestOverADoubleThatShuffles(TelephonyContract, SnapshotContract):
    """Events come twice, and in another order than they happened."""

    def open_far_end(self) -> EslFarEnd:
        rates = Rates(doubled_ratio=0.5, shuffled_ratio=1.0, delay_max_s=0.02, shuffle_max_s=0.01)
        return EslFarEnd(EslDouble(mischief=Mischief(7, rates=rates)))


class TestWithCallcenter(ReserveContract):
    """The queues of mod_callcenter give a reserved agent no calls."""

    def open_far_end(self) -> CallcenterFarEnd:
        return CallcenterFarEnd()


@pytest.mark.skipif("CALLBACKQ_ESL_URL" not in os.environ, reason="no address of a real FreeSWITCH is given")
class TestOverFreeswitch(TelephonyContract, SnapshotContract):
    """A real one. See `esl_real_far_end`."""

    def open_far_end(self) -> RealFarEnd:
        return RealFarEnd()
