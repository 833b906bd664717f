"""
The test kit: what callbackq's own tests use, for a host's tests too.

Fakes, a host in virtual time and the checkers need neither pytest nor hypothesis. The contracts
(`callbackq.testing.contracts`) and the fixtures (`callbackq.pytest_plugin`) need the extra `testing`.
"""

from callbackq.testing.clock import START, ManualClock, SequentialIds
from callbackq.testing.fakes import FakeEstimator, FakeHours, FakeTickets
from callbackq.testing.host import VirtualHost
from callbackq.testing.telephony import (
    ANSWERS,
    DECLINES,
    IS_BUSY,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    CarrierEntry,
    FakeTelephony,
)

__all__ = [
    "ANSWERS",
    "DECLINES",
    "IS_BUSY",
    "NEVER_ANSWERS",
    "START",
    "Behaviour",
    "Carried",
    "CarrierEntry",
    "FakeEstimator",
    "FakeHours",
    "FakeTelephony",
    "FakeTickets",
    "ManualClock",
    "SequentialIds",
    "VirtualHost",
]
