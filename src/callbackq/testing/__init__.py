"""
The test kit: what callbackq's own tests use, for a host's tests too.

Fakes, faults, a host in virtual time and the checkers need neither pytest nor hypothesis. The contracts
(`callbackq.testing.contracts`) and the fixtures (`callbackq.pytest_plugin`) need the extra `testing`.
"""

from callbackq.testing.clock import START, ManualClock, SequentialIds
from callbackq.testing.fakes import (
    FakeCapacity,
    FakeCodes,
    FakeDoNotCall,
    FakeEstimator,
    FakeHours,
    FakeListener,
    FakeMessenger,
    FakeNotices,
    FakeTickets,
    Reaction,
    make_send,
)
from callbackq.testing.faults import CALM, STORM, Fault, FaultyTelephony, Pbx, ShuffledReports
from callbackq.testing.host import VirtualHost
from callbackq.testing.telephony import (
    ACCEPTS,
    ANSWERS,
    DECLINES,
    IS_BUSY,
    IS_MACHINE,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    CarrierEntry,
    FakeTelephony,
)

__all__ = [
    "ACCEPTS",
    "ANSWERS",
    "CALM",
    "DECLINES",
    "IS_BUSY",
    "IS_MACHINE",
    "NEVER_ANSWERS",
    "START",
    "STORM",
    "Behaviour",
    "Carried",
    "CarrierEntry",
    "FakeCapacity",
    "FakeCodes",
    "FakeDoNotCall",
    "FakeEstimator",
    "FakeHours",
    "FakeListener",
    "FakeMessenger",
    "FakeNotices",
    "FakeTelephony",
    "FakeTickets",
    "Fault",
    "FaultyTelephony",
    "ManualClock",
    "Pbx",
    "Reaction",
    "SequentialIds",
    "ShuffledReports",
    "VirtualHost",
    "make_send",
]
