"""The telephony contract, kept by the adapter for ARI, over the double and over a real Asterisk."""

from __future__ import annotations

import os

import pytest

from adapters.asterisk.ari_far_end import AriFarEnd
from adapters.asterisk.ari_real_far_end import RealFarEnd
from callbackq.testing.contracts import MischiefContract, PartContract, SnapshotContract, TelephonyContract


class TestOverTheDouble(TelephonyContract, SnapshotContract, MischiefContract, PartContract):
    """An honest Asterisk."""

    def open_far_end(self) -> AriFarEnd:
        return AriFarEnd()


@pytest.mark.skipif("CALLBACKQ_ARI_URL" not in os.environ, reason="no address of a real Asterisk is given")
class TestOverAsterisk(TelephonyContract, SnapshotContract):
    """A real one. See `ari_real_far_end`."""

    def open_far_end(self) -> RealFarEnd:
        return RealFarEnd()
