"""F6 and B7: all that the agent should know is there when the phone rings: of the request, the number, and the past."""

from __future__ import annotations

from typing import Any

import pytest

from callbackq import (
    Channel,
    Dial,
    Disposition,
    Mode,
    NumberChoice,
    Outcome,
    PastAttempt,
    PastCallback,
    RetryRule,
    Role,
    Store,
)
from callbackq.testing import NEVER_ANSWERS, START, Behaviour, VirtualHost
from service.scenes import BOB, DAN, EVE, HOUR, MINUTE, SECOND, ZERO, house, orders_of, promised, sign_in

CONTEXT = {
    "menu": "2-1",
    "reason": "refund",
    "account": "A-1",
    "recording": "s3://messages/7",
    "tier": "gold",
    "topic": "Rechnung №7\nzweite Zeile",
}


def to_agents(orders: list[Dial]) -> list[Dial]:
    """Return what the agents were shown, in order."""
    return [order for order in orders if order.role is Role.AGENT]


def connected(host: VirtualHost, **fields: Any) -> str:
    """Let a callback be done, and the talk be over."""
    callback_id = promised(host, **fields)
    host.run_for(5 * MINUTE)
    return callback_id


@pytest.mark.parametrize("mode", Mode)
def test_agent_sees_the_whole_request_before_accepting(store: Store, mode: Mode) -> None:
    """F6/B7: name, number, times, queue, channel, priority, tier, language, selections, reason, ticket, in any mode."""
    host = house(store, mode=mode)
    host.telephony.agent("ann", NEVER_ANSWERS)
    orders = orders_of(host)
    host.service.agent_unavailable("ann")
    entered_at = host.clock.now()
    host.service.call_joined(
        "support", call_id="c", number=BOB, name="Bob Ross", language="de", priority=7, context=CONTEXT
    )
    host.clock.advance(MINUTE)
    receipt = host.service.request("support", call_id="c", context={"tier": "platinum"}, ticket_id="T-7")
    host.clock.advance(MINUTE)
    sign_in(host, "ann")
    host.run_for(SECOND)
    (shown,) = to_agents(orders)
    assert (shown.agent_id, shown.callback_id, shown.queue) == ("ann", receipt.callback_id, "support")
    assert (shown.number, shown.name, shown.language) == (BOB, "Bob Ross", "de")
    assert (shown.entered_at, shown.requested_at) == (entered_at, entered_at + MINUTE)
    assert (shown.channel, shown.priority, shown.ticket_id, shown.mode) == (Channel.IN_QUEUE, 7, "T-7", mode)
    assert shown.reason == "refund"
    assert shown.context == {**CONTEXT, "tier": "platinum"}
    assert (shown.attempt_number, shown.past, shown.attempts) == (1, (), ())


def test_agent_sees_a_follow_up_with_its_owner_and_its_time(store: Store) -> None:
    """F6: who asked for it, and for when."""
    host = house(store)
    orders = orders_of(host)
    chosen = START + HOUR
    promised(host, owner="uwe", scheduled_at=chosen)
    host.run_for(2 * HOUR)
    (shown,) = to_agents(orders)
    assert (shown.owner_id, shown.scheduled_at, shown.channel) == ("uwe", chosen, Channel.AGENT)


@pytest.mark.parametrize(
    ("record_number", "differs"),
    [(None, None), (BOB, False), ("(212) 555-0101", False), (EVE, True)],
    ids=["no record", "the same", "the same, spelled otherwise", "another one"],
)
def test_agent_sees_whether_the_number_differs_from_the_record(
    store: Store, record_number: str | None, differs: bool | None
) -> None:
    """F6: from the one in the host's own records, if it has one."""
    host = house(store)
    orders = orders_of(host)
    promised(host, record_number=record_number)
    host.run_for(SECOND)
    assert [order.number_differs for order in orders] == [differs, differs]


def test_number_is_compared_that_is_dialed_this_time(store: Store) -> None:
    """F6/C6: an alternative may be the one in the records."""
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=1, rest=MINUTE, number=NumberChoice.OTHER)}
    host = house(store, retry_rules=rules)
    host.telephony.person(BOB, NEVER_ANSWERS)
    orders = orders_of(host)
    promised(host, alternatives=[EVE], record_number=EVE)
    host.run_for(5 * MINUTE)
    shown = [(one.number, one.number_differs, one.alternative) for one in to_agents(orders)]
    assert shown == [(BOB, True, False), (EVE, False, True)]


def test_agent_sees_the_earlier_attempts_of_the_callback(store: Store) -> None:
    """F6: when each ended and how, the earliest first; declined reservations and a person's word among them."""
    host = house(store, attempts_max=9)
    host.telephony.agent("ann", Behaviour(answers_after=None, fails_after=3 * SECOND), Behaviour())
    host.telephony.person(BOB, NEVER_ANSWERS, Behaviour())
    orders = orders_of(host)
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).outcome is Outcome.COMPLETED)
    host.run_for(5 * MINUTE)
    host.service.set_disposition(callback_id, Disposition.ANSWERED_THEN_LEFT, by="ann")
    host.run_for(5 * MINUTE)
    shown = to_agents(orders)
    assert [one.attempt_number for one in shown] == [1, 1, 2, 3]
    past = shown[-1].attempts
    assert [one.disposition for one in past] == [
        Disposition.AGENT_UNAVAILABLE,
        Disposition.NO_ANSWER,
        Disposition.ANSWERED_THEN_LEFT,
    ]
    assert past[0] == PastAttempt(at=START + 3 * SECOND, disposition=Disposition.AGENT_UNAVAILABLE)
    assert [one.at for one in past] == sorted(one.at for one in past)
    assert [len(one.attempts) for one in shown] == [0, 1, 2, 3]


def test_agent_sees_the_persons_earlier_callbacks_and_tickets(store: Store) -> None:
    """F6: of all queues, the newest first, five at most, with outcome and ticket; of nobody else; not this one."""
    host = house(store)
    orders = orders_of(host)
    connected(host, number=EVE)
    earlier: list[tuple[str, Any]] = []
    for index in range(6):
        queue = ("support", "sales")[index % 2]
        asked_at = host.clock.now()
        earlier.append((connected(host, queue=queue, ticket_id=f"T-{index}"), asked_at))
    cancelled_at = host.clock.now()
    cancelled = promised(host, scheduled_at=cancelled_at + HOUR)
    host.service.cancel(cancelled)
    host.clock.advance(SECOND)
    open_still = promised(host, queue="sales", scheduled_at=host.clock.now() + HOUR)
    open_at = host.clock.now()
    host.clock.advance(SECOND)
    host.run_for(ZERO)
    connected(host)
    past = to_agents(orders)[-1].past
    assert past[0] == PastCallback(
        callback_id=open_still, queue="sales", requested_at=open_at, outcome=None, ticket_id=None
    )
    assert past[1] == PastCallback(
        callback_id=cancelled, queue="support", requested_at=cancelled_at, outcome=Outcome.CANCELLED
    )
    assert [(one.callback_id, one.requested_at, one.ticket_id) for one in past[2:]] == [
        (earlier[5][0], earlier[5][1], "T-5"),
        (earlier[4][0], earlier[4][1], "T-4"),
        (earlier[3][0], earlier[3][1], "T-3"),
    ]
    assert {one.outcome for one in past[2:]} == {Outcome.COMPLETED}


@pytest.mark.parametrize("mode", [Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS])
def test_next_agent_sees_as_much_as_the_first(store: Store, mode: Mode) -> None:
    """F6/F15: the past too, though the attempt began with somebody else."""
    host = house(store, mode=mode)
    connected(host, ticket_id="T-0")
    host.telephony.agent("ann", Behaviour(answers_after=None, fails_after=3 * SECOND))
    orders = orders_of(host)
    promised(host, context=CONTEXT, record_number=DAN)
    sign_in(host, "ben")
    host.run_for(10 * SECOND)
    first, next_one = to_agents(orders)
    assert (first.agent_id, next_one.agent_id) == ("ann", "ben")
    for name in ("past", "attempts", "context", "number_differs", "reason", "requested_at", "number"):
        assert getattr(next_one, name) == getattr(first, name), name
    assert [one.ticket_id for one in next_one.past] == ["T-0"]


def test_what_the_agent_sees_shows_no_secrets_in_a_log(store: Store) -> None:
    """F6/K5: repr masks the number and hides name, reason, extension and context."""
    host = house(store)
    orders = orders_of(host)
    promised(host, f"{BOB} ext. 7231", name="Bob Ross", context={"reason": "a refund", "account": "A-1"})
    host.run_for(SECOND)
    shown = repr(orders)
    for secret in ("5550101", "7231", "Ross", "refund", "A-1"):
        assert secret not in shown
