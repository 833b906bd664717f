"""Masking: enough to recognise a number, too little to dial it; and no record shows more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    AgentId,
    AttemptId,
    CallbackId,
    CallId,
    ConnectCall,
    Dial,
    LegId,
    QueueName,
    Role,
    Subject,
    SubjectId,
)
from callbackq.core.numbers import PhoneNumber
from callbackq.ids import DEFAULT_TENANT
from callbackq.masking import mask_number, repr_masked
from callbackq.model import CallSnapshot, Channel, Person, TicketOrder

LAW = settings(derandomize=True, deadline=None, max_examples=300)
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12125550123", "+1…23"),
        ("12125550123", "1…23"),
        ("(212) 555-0123", "2…23"),
        ("  +49 30 123456", "+4…56"),
        ("123456", "1…56"),
        ("12345", "…"),
        ("+1234", "…"),
        ("anonymous", "…"),
        ("+", "…"),
        ("", "…"),
        (None, "…"),
        ("tel:+12125550123", "1…23"),
        ("٢١٢٥٥٥٠١٢٣", "٢…٢٣"),
        ("'; DROP TABLE x; -- 123456789", "1…89"),
        ("\ud800" * 5, "…"),
    ],
)
def test_what_is_shown_of_a_number(number: str | None, expected: str) -> None:
    """The first digit, the last two, and the plus; nothing of what is short or no number."""
    assert mask_number(number) == expected
    assert repr_masked(number) == repr(expected)


@LAW
@given(st.none() | st.text() | st.text(alphabet="0123456789+ -"))
def test_at_most_three_digits_are_shown_of_anything(number: str | None) -> None:
    """Never an error; never more than the plus, three digits of at least six, and the dots; never a letter."""
    masked = mask_number(number)
    digits = [character for character in masked if character.isdigit()]
    assert len(masked) <= 5
    assert len(digits) in {0, 3}
    assert masked.lstrip("+").strip("".join(digits)) == "…"
    if digits:
        assert number is not None
        assert sum(character.isdigit() for character in number) >= 6


SECRETS = {
    "number": "+12125550123",
    "extension": "4711",
    "name": "Mary Major",
    "context": {"topic": "divorce"},
}


@pytest.mark.parametrize(
    "record",
    [
        Subject(
            tenant_id=DEFAULT_TENANT,
            subject_id=SubjectId("su_1"),
            identity="tel:+12125550123;ext=4711",
            number="+12125550123",
            extension="4711",
            name="Mary Major",
            contexts={"cb_1": {"topic": "divorce"}},
            created_at=START,
        ),
        Dial(
            leg_id=LegId("leg"),
            role=Role.CUSTOMER,
            attempt_id=AttemptId("at_1"),
            callback_id=CallbackId("cb_1"),
            queue=QueueName("support"),
            agent_id=AgentId("ann"),
            entered_at=START,
            requested_at=START,
            channel=Channel.WEB,
            priority=100,
            attempt_number=1,
            ring_time=timedelta(seconds=45),
            number="+12125550123",
            extension="4711",
            name="Mary Major",
            context={"topic": "divorce"},
        ),
        ConnectCall(
            call_id=CallId("call-1"),
            agent_id=AgentId("ann"),
            queue=QueueName("support"),
            number="+12125550123",
            name="Mary Major",
            entered_at=START,
            priority=100,
            context={"topic": "divorce"},
        ),
        PhoneNumber("+12125550123", "4711"),
        TicketOrder(
            callback_id=CallbackId("cb_1"),
            queue=QueueName("support"),
            channel=Channel.WEB,
            number="+12125550123",
            name="Mary Major",
            requested_at=START,
            context={"topic": "divorce"},
        ),
    ],
    ids=["subject", "dial", "connect", "number", "ticket"],
)
def test_what_holds_personal_data_does_not_show_it(record: Any) -> None:
    """What holds a number shows it masked, and nothing else of the person."""
    for shown in (repr(record), str(record), f"{record}", f"{[record]!r}"):
        assert "'+1…23'" in shown
        for secret in ("2125550", "4711", "Mary", "divorce"):
            assert secret not in shown


@pytest.mark.parametrize(
    "said",
    [
        Person(number="+12125550123", name="Mary Major", context={"topic": "divorce"}),
        CallSnapshot(
            call_id="call-1", number="+12125550123", name="Mary Major", context={"topic": "divorce"}
        ),
    ],
    ids=["person", "snapshot"],
)
def test_what_a_host_hands_in_does_not_show_it_either(said: Any) -> None:
    """Its number may be written in any way, and is not shown at all."""
    for secret in ("55", "…", "Mary", "divorce"):
        assert secret not in repr(said)
