"""What an account of the telephony says that was not reported: a table of what is known against what it has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import attempt as rules
from callbackq.core.legs import Context
from callbackq.core.reconcile import reports_of
from callbackq.ids import LegId
from callbackq.model import (
    Attempt,
    AttemptState,
    Cause,
    DueReason,
    LegSnapshot,
    LegState,
    Mode,
    Report,
    ReportKind,
    TelephonySnapshot,
)
from core.samples import (
    AGENT_LEG,
    CUSTOMER_LEG,
    LAW,
    POLICY,
    START,
    S,
    a_callback,
    a_subject,
    an_attempt,
)

NONE, INTENDED, RINGING, ANSWERED, ENDED = LegState
RINGS, IS_UP = LegSnapshot(state=RINGING), LegSnapshot(state=ANSWERED)
IS_JOINED = LegSnapshot(state=ANSWERED, joined=True)
LATER = START + 10 * S
A, C = AGENT_LEG, CUSTOMER_LEG


def account(as_of: datetime = LATER, **legs: LegSnapshot) -> TelephonySnapshot:
    """Return an account of the legs `agent` and `customer`, and of others by their ids."""
    names = {"agent": A, "customer": C}
    return TelephonySnapshot(legs={LegId(names.get(key, key)): leg for key, leg in legs.items()}, as_of=as_of)


def found(attempt: Attempt, said: TelephonySnapshot) -> list[tuple[str, str]]:
    """Return what was missed: which leg, and what."""
    return [(report.leg_id, str(report.kind)) for report in reports_of(attempt, said, policy=POLICY)]


def on_line(customer: LegState = RINGING, **changes: Any) -> Attempt:
    """Return an attempt whose agent is on the line, and whose customer was dialed after 5 s."""
    fields: dict[str, Any] = {
        "state": AttemptState.AGENT_ON_LINE,
        "agent_leg": ANSWERED,
        "agent_until_at": None,
        "customer_leg": customer,
        "customer_until_at": START + 5 * S + POLICY.ring_time + POLICY.hang_up_time_max,
    }
    return an_attempt(**{**fields, **changes})


def both_up(state: AttemptState, **changes: Any) -> Attempt:
    """Return an attempt with both on the line."""
    return an_attempt(state=state, agent_leg=ANSWERED, customer_leg=ANSWERED, agent_until_at=None, **changes)


ENDS, RANG, ANSWERS = "ended", "ringing", "answered"


@pytest.mark.parametrize(
    ("known", "there", "missed"),
    [
        (INTENDED, None, ENDS),
        (INTENDED, RINGS, RANG),
        (INTENDED, IS_UP, ANSWERS),
        (RINGING, None, ENDS),
        (RINGING, RINGS, None),
        (RINGING, IS_UP, ANSWERS),
        (RINGING, LegSnapshot(state=INTENDED), None),
        (ANSWERED, None, ENDS),
        (ANSWERED, RINGS, None),
        (ANSWERED, IS_UP, None),
        (ENDED, None, None),
        (ENDED, IS_UP, None),
    ],
)
def test_a_leg_as_it_is_known_and_as_it_is_there(
    known: LegState, there: LegSnapshot | None, missed: str | None
) -> None:
    """F14: it only ever moves forward, and what is not there has ended; for each of the two legs."""
    legs = {} if there is None else {"customer": there}
    said = account(agent=IS_UP, **legs)
    assert found(on_line(known), said) == ([(C, missed)] if missed else [])
    agents = {} if there is None else {"agent": there}
    ringing = an_attempt(agent_leg=known, mode=Mode.SIMULTANEOUS, customer_leg=RINGING)
    assert found(ringing, account(customer=RINGS, **agents)) == ([(A, missed)] if missed else [])


def test_a_leg_that_is_gone_ended_for_an_unknown_cause() -> None:
    """F14: and history says how it is known."""
    (report,) = reports_of(on_line(), account(agent=IS_UP), policy=POLICY)
    assert report == Report(
        leg_id=C, kind=ReportKind.ENDED, cause=Cause.UNKNOWN, raw_cause="not in the snapshot"
    )


def test_ends_come_first_and_the_bridge_last() -> None:
    """F14: an agent who has gone is not bridged to a customer who has answered since."""
    attempt = an_attempt(mode=Mode.SIMULTANEOUS, agent_leg=RINGING, customer_leg=RINGING)
    assert found(attempt, account(customer=IS_UP)) == [(A, ENDS), (C, ANSWERS)]
    assert found(attempt, account(agent=IS_UP, customer=IS_UP)) == [(A, ANSWERS), (C, ANSWERS)]


def test_the_customer_is_gone_before_the_agent_is() -> None:
    """F14: their phone may ring on where a PBX died, and an agent who left would have them called again at once."""
    attempt = an_attempt(mode=Mode.SIMULTANEOUS, agent_leg=RINGING, customer_leg=RINGING)
    assert found(attempt, account()) == [(C, ENDS), (A, ENDS)]


@pytest.mark.parametrize(
    ("attempt", "there", "missed"),
    [
        (both_up(AttemptState.JOINING), IS_UP, []),
        (both_up(AttemptState.JOINING), IS_JOINED, [(C, "bridged")]),
        (both_up(AttemptState.CONNECTED, connected_at=START), IS_JOINED, []),
        (both_up(AttemptState.CONNECTED, connected_at=START), IS_UP, [(C, "unbridged")]),
        (both_up(AttemptState.CONNECTED, connected_at=LATER), IS_UP, []),
        (both_up(AttemptState.CONNECTED, connected_at=LATER + S), IS_UP, []),
        (both_up(AttemptState.CUSTOMER_ON_LINE), IS_JOINED, []),
    ],
    ids=[
        "not joined yet",
        "joined meanwhile",
        "still joined",
        "parted meanwhile",
        "joined at that moment",
        "joined since",
        "not to be joined",
    ],
)
def test_a_bridge_as_it_is_known_and_as_it_is_there(
    attempt: Attempt, there: LegSnapshot, missed: list[tuple[str, str]]
) -> None:
    """F14: a bridge that was made after the account is not taken for one that was broken."""
    assert found(attempt, account(agent=there, customer=there)) == missed


@pytest.mark.parametrize("mode", Mode)
def test_a_leg_that_was_intended_at_or_after_the_account_is_left_alone(mode: Mode) -> None:
    """N1: the first leg is as old as the attempt, also where it rings still."""
    first = {"customer_leg": INTENDED, "agent_leg": NONE} if mode is Mode.CUSTOMER_FIRST else {}
    attempt = an_attempt(mode=mode, **first)  # type: ignore[arg-type]
    leg = C if mode is Mode.CUSTOMER_FIRST else A
    assert found(attempt, account(START - S)) == []
    assert found(attempt, account(START)) == []
    assert found(attempt, account(START + timedelta(microseconds=1))) == [(leg, ENDS)]


def test_the_second_leg_is_as_old_as_its_clock_says() -> None:
    """N1: agent first: the customer's, dialed when the agent was there; customer first: the agent's."""
    agent_first = on_line(INTENDED)
    assert found(agent_first, account(START + 5 * S, agent=IS_UP)) == []
    assert found(agent_first, account(START + 5 * S + timedelta(microseconds=1), agent=IS_UP)) == [(C, ENDS)]
    customer_first = an_attempt(
        mode=Mode.CUSTOMER_FIRST,
        state=AttemptState.CUSTOMER_ON_LINE,
        agent_until_at=START + 5 * S + POLICY.agent_ring_time + POLICY.hang_up_time_max,
        customer_leg=ANSWERED,
    )
    assert found(customer_first, account(START + 5 * S, customer=IS_UP)) == []
    assert found(customer_first, account(START + 6 * S, customer=IS_UP)) == [(A, ENDS)]


def test_the_next_agents_leg_is_as_old_as_its_clock_says() -> None:
    """N1/F4: simultaneous: the first agent's leg began with the attempt, the second one's did not."""
    second = an_attempt(
        mode=Mode.SIMULTANEOUS,
        agents_rung_count=2,
        agent_until_at=START + 5 * S + POLICY.agent_ring_time + POLICY.hang_up_time_max,
        customer_leg=RINGING,
    )
    assert found(second, account(START + 5 * S, customer=RINGS)) == []
    assert found(second, account(START + 6 * S, customer=RINGS)) == [(f"{A}.2", ENDS)]
    assert found(second, account(START + 6 * S, customer=RINGS, agent=RINGS)) == [(f"{A}.2", ENDS)]


def test_an_attempt_without_an_agent_has_no_agents_leg_to_miss() -> None:
    """F4: one is looked for: an earlier agent's leg says nothing of this attempt."""
    without = an_attempt(
        mode=Mode.SIMULTANEOUS, agent_id=None, agent_leg=NONE, agent_until_at=None, customer_leg=RINGING
    )
    assert found(without, account(customer=RINGS, agent=IS_UP)) == []
    assert found(without, account(customer=RINGS)) == []


def test_of_an_attempt_that_has_changed_since_the_telephony_was_asked_nothing_is_gone() -> None:
    """N1/N5: it is far older by the clock, but that clock may be wrong: no leg is gone, and nobody has parted."""

    def missed(attempt: Attempt, said: TelephonySnapshot) -> tuple[Report, ...]:
        return reports_of(attempt, said, policy=POLICY, has_changed=True)

    tomorrow = START + timedelta(days=1)
    together = both_up(AttemptState.CONNECTED, connected_at=START)
    assert missed(on_line(), account(tomorrow)) == ()
    assert missed(an_attempt(), account(tomorrow)) == ()
    assert missed(together, account(tomorrow, agent=IS_UP, customer=IS_UP)) == ()
    assert missed(together, account(tomorrow)) == ()


def test_of_an_attempt_that_has_changed_since_what_is_there_is_learned_all_the_same() -> None:
    """N1: what went on has gone on, whatever came about meanwhile."""
    joining = both_up(AttemptState.JOINING)
    for attempt, customer, kind in (
        (on_line(), IS_UP, ReportKind.ANSWERED),
        (joining, IS_JOINED, ReportKind.BRIDGED),
    ):
        said = account(agent=IS_UP, customer=customer)
        found = reports_of(attempt, said, policy=POLICY, has_changed=True)
        assert found == (Report(leg_id=C, kind=kind),)


@pytest.mark.parametrize("leg", [RINGS, IS_UP])
def test_a_customers_leg_that_was_told_to_end_and_is_there_still(leg: LegSnapshot) -> None:
    """F14: it is said, so that it is told again, and its number is used for nobody else; of an agent's it is not."""
    ending = on_line(leg.state, state=AttemptState.ENDING, due_reason=DueReason.LEG_IN_DOUBT)
    assert found(ending, account(agent=IS_UP, customer=leg)) == [(C, "uncertain")]
    assert found(ending, account(agent=IS_UP)) == [(C, ENDS)]


@pytest.mark.parametrize("leg", [RINGS, IS_UP])
@pytest.mark.parametrize("reason", [DueReason.HANG_UP_WANTED, DueReason.HANG_UP_OVERDUE])
def test_a_customers_leg_that_has_time_to_end_yet_is_not_in_doubt(
    reason: DueReason, leg: LegSnapshot
) -> None:
    """F14: its own deadline tells it again, and asks: to hear that it is there takes no time from it and adds none."""
    ending = on_line(leg.state, state=AttemptState.ENDING, due_reason=reason)
    assert found(ending, account(agent=IS_UP, customer=leg)) == []
    assert found(ending, account(agent=IS_UP)) == [(C, ENDS)]


LEG = st.sampled_from([None, RINGS, IS_UP, IS_JOINED])


@LAW
@given(mode=st.sampled_from(Mode), agent=LEG, customer=LEG, start=st.integers(0, 6))
def test_the_same_account_twice_says_nothing_new(
    mode: Mode, agent: LegSnapshot | None, customer: LegSnapshot | None, start: int
) -> None:
    """N2: what was missed is applied by the table; then both agree, but for who is still there and told to go."""
    attempt = _some_way(mode, start)
    legs = {name: leg for name, leg in (("agent", agent), ("customer", customer)) if leg is not None}
    said = account(**legs)
    for _ in range(4):
        for report in reports_of(attempt, said, policy=POLICY):
            attempt = _applied(attempt, report)
    again = [
        report
        for report in reports_of(attempt, said, policy=POLICY)
        if report.kind is not ReportKind.UNCERTAIN and _applied(attempt, report) != attempt
    ]
    assert again == []


def _context(attempt: Attempt) -> Context:
    return Context(
        callback=a_callback(attempt_id=attempt.attempt_id), subject=a_subject(), policy=POLICY, now=LATER
    )


def _applied(attempt: Attempt, report: Report) -> Attempt:
    decision = rules.report(attempt, report, _context(attempt))
    return next((record for record in decision.records if isinstance(record, Attempt)), attempt)


def _some_way(mode: Mode, steps: int) -> Attempt:
    """Return an attempt that has gone so many steps of its usual way."""
    started = rules.start(
        attrs.evolve(_context(an_attempt()), callback=a_callback(mode=mode), now=START),
        attempt_id=an_attempt().attempt_id,
        agent_id=an_attempt().agent_id,  # type: ignore[arg-type]
        agent_leg_id=A,
        customer_leg_id=C,
        node_id=an_attempt().node_id,
        number_key="digest",
    )
    attempt = next(record for record in started.records if isinstance(record, Attempt))
    legs = (C, A) if mode is Mode.CUSTOMER_FIRST else (A, C)
    way = [
        *((leg, kind) for leg in legs for kind in (ReportKind.RINGING, ReportKind.ANSWERED)),
        (C, ReportKind.BRIDGED),
        (C, ReportKind.UNBRIDGED),
    ]
    for leg, kind in way[:steps]:
        attempt = _applied(attempt, Report(leg_id=leg, kind=kind, answered_by="human"))  # type: ignore[arg-type]
    return attempt
