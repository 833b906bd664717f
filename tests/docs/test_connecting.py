"""What the pages say of other products, of protocols and of contracts is complete, and is there."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from callbackq import testing
from callbackq.ports import host
from callbackq.testing import contracts

PRODUCTS = {
    "phone systems": ["Twilio", "RingCentral", "Amazon Connect"],
    "help desks": ["Zendesk", "Freshdesk"],
    "CRMs": ["Salesforce", "HubSpot"],
    "text messages": ["Twilio", "Bandwidth"],
    "calendars": ["Google Calendar", "Outlook"],
    "workforce management": ["NICE WFM", "Verint"],
    "analytics": ["Tableau", "Power BI"],
    "platforms": ["Five9", "Genesys", "NICE CXone"],
}

HOSTS = {
    "AsyncMessenger": ("MessengerContract", "FakeMessenger"),
    "AsyncNotices": ("NoticesContract", "FakeNotices"),
    "AsyncTelephony": ("TelephonyContract", "FakeTelephony"),
    "CanReserve": ("ReserveContract", "FakeTelephony"),
    "CanSnapshot": ("SnapshotContract", "FaultyTelephony"),
    "Clock": ("ClockContract", "ManualClock"),
    "CodeSender": ("CodeSenderContract", "FakeCodes"),
    "DoNotCall": ("DoNotCallContract", "FakeDoNotCall"),
    "Estimator": ("EstimatorContract", "FakeEstimator"),
    "Hours": ("HoursContract", "FakeHours"),
    "IdSource": ("IdSourceContract", "SequentialIds"),
    "Listener": ("ListenerContract", "FakeListener"),
    "Messenger": ("MessengerContract", "FakeMessenger"),
    "Notices": ("NoticesContract", "FakeNotices"),
    "SlotCapacity": ("SlotCapacityContract", "FakeCapacity"),
    "Telephony": ("TelephonyContract", "FakeTelephony"),
    "Tickets": ("TicketsContract", "FakeTickets"),
}
"""Each protocol of a host, with its contract and its fake."""


@pytest.fixture(scope="module")
def connecting(docs: Path) -> str:
    """The page that has all products."""
    return (docs / "how-to" / "connect-other-products.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", PRODUCTS)
def test_every_product_has_its_place(connecting: str, kind: str) -> None:
    """In the first column of the table that says what to implement."""
    table = connecting.split("\n## ", 1)[0]
    first = " ".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE))
    assert [name for name in PRODUCTS[kind] if name not in first] == []


@pytest.mark.parametrize("page", ["connect-other-products.md", "connect-phone-platforms.md"])
def test_what_is_said_of_a_product_has_its_source(docs: Path, page: str) -> None:
    """Each table about a product says where it was read."""
    text = (docs / "how-to" / page).read_text(encoding="utf-8")
    tables = [table for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) if "| callbackq |" in table]
    assert len(tables) >= 4
    assert [table.splitlines()[0] for table in tables if "https://" not in table] == []


def test_every_protocol_of_a_host_has_a_contract_and_a_fake() -> None:
    """And the list of them is whole."""
    protocols = {
        name
        for name, value in vars(host).items()
        if inspect.isclass(value) and value.__module__ == host.__name__
    }
    assert protocols == set(HOSTS)
    for contract, fake in HOSTS.values():
        assert contract in contracts.__all__
        assert fake in testing.__all__


def test_the_reference_has_every_contract(docs: Path) -> None:
    """With what it needs."""
    page = (docs / "reference" / "api" / "testing.md").read_text(encoding="utf-8")
    named = re.findall(r"^\.\. autoclass:: callbackq\.testing\.contracts\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == sorted(contracts.__all__)


def test_the_page_on_adapters_names_tests_that_are_there(docs: Path) -> None:
    """What shows each thing that an adapter must do."""
    page = (docs / "how-to" / "write-a-telephony-adapter.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page.split("\n### What shows what\n")[1].split("\n## ")[0]))
    kinds = [value for name, value in vars(contracts).items() if name.endswith("Contract")]
    assert len(named) > 15
    assert [name for name in sorted(named) if not any(hasattr(kind, name) for kind in kinds)] == []
