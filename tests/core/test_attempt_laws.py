"""What holds along every sequence of reports and deadlines: tried out in full, and with time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import attempt
from callbackq.core.attempt import Context
from callbackq.core.decision import Decision
from callbackq.core.lifecycle import attempt_time_max
from callbackq.effects import Bridge, Dial, HangUp
from callbackq.ids import NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Disposition,
    DueReason,
    Entity,
    LegState,
    Report,
    ReportKind,
    Role,
)
from callbackq.policy import QueuePolicy
from core.samples import (
    AGENT_LEG,
    ANN,
    ATTEMPT_ID,
    CUSTOMER_LEG,
    LAW,
    START,
    SUPPORT,
    Book,
    H,
    S,
    a_callback,
    a_subject,
    an_attempt,
)
from core.test_attempt import SITUATIONS

POLICY = QueuePolicy(
    queue=SUPPORT,
    agent_ring_time=19 * S,
    ring_time=43 * S,
    join_time_max=11 * S,
    talk_time_max=H,
    hang_up_time_max=7 * S,
)
CONTEXT = Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=START)
LEG = {Role.AGENT: AGENT_LEG, Role.CUSTOMER: CUSTOMER_LEG}
LEG_ORDER = [LegState.NONE, LegState.INTENDED, LegState.RINGING, LegState.ANSWERED, LegState.ENDED]
OVER = (AttemptState.ENDING, AttemptState.ENDED)
SETTLED = (AttemptState.CONNECTED, *OVER)

REPORTS = [
    *(
        Report(leg_id=leg, kind=kind)
        for leg in LEG.values()
        for kind in ReportKind
        if kind is not ReportKind.ENDED
    ),
    *(Report(leg_id=leg, kind=ReportKind.ENDED, cause=cause) for leg in LEG.values() for cause in Cause),
    *(
        Report(leg_id=CUSTOMER_LEG, kind=ReportKind.ANSWERED, answered_by=by)
        for by in AnsweredBy
        if by is not AnsweredBy.UNKNOWN
    ),
]
CALLED_OFF = [Disposition.CANCELLED_BY_US, Disposition.AGENT_UNAVAILABLE, Disposition.UNKNOWN]

Step = Report | Disposition | None
"""A report; or it is called off; or its deadline comes."""

STEPS: list[Step] = [*REPORTS, *CALLED_OFF, None]


def decide(before: Attempt, step: Step, context: Context) -> Decision | None:
    """Return what a step does, or None where the service would not take it."""
    match step:
        case Report():
            return attempt.report(before, step, context)
        case Disposition():
            if before.state in SETTLED and step is not Disposition.UNKNOWN:
                return None
            if before.state is AttemptState.CONNECTED:
                return None
            return attempt.call_off(before, step, context)
        case None:
            return attempt.deadline(before, context) if before.due_reason else None


def start() -> Decision:
    return attempt.start(
        CONTEXT,
        attempt_id=ATTEMPT_ID,
        agent_id=ANN,
        agent_leg_id=AGENT_LEG,
        customer_leg_id=CUSTOMER_LEG,
        node_id=NodeId("node"),
        number_key="digest",
    )


# ---------------------------------------------------------------------------- in full

Edge = tuple[Attempt, Step, Decision]


@cache
def explored() -> tuple[list[Attempt], list[Edge]]:
    """Return every attempt that any sequence of steps can lead to, at one instant, and every step between them."""
    (first,) = start().records
    assert isinstance(first, Attempt)
    known, found, edges = {first}, [first], []
    for before in found:
        for step in STEPS:
            decision = decide(before, step, CONTEXT)
            if decision is None:
                continue
            edges.append((before, step, decision))
            for record in decision.records:
                assert isinstance(record, Attempt)
                after = attrs.evolve(record, version=1)
                if after not in known:
                    known.add(after)
                    found.append(after)
    return found, edges


def moves() -> Iterator[tuple[Attempt, Step, Attempt, Decision]]:
    """Go through the steps that changed something."""
    for before, step, decision in explored()[1]:
        for record in decision.records:
            assert isinstance(record, Attempt)
            yield before, step, record, decision


def test_the_world_is_small_enough_to_be_seen_whole() -> None:
    """Some hundred attempts, and each step out of each of them."""
    attempts, edges = explored()
    assert 100 < len(attempts) < 5_000
    assert len(edges) > 20 * len(attempts)


def test_the_drawn_situations_are_those_that_can_be_reached() -> None:
    """The matrix of `test_attempt` leaves out nothing that can happen, and holds nothing that cannot."""
    reached = {(record.state, record.agent_leg, record.customer_leg) for record in explored()[0]}
    assert reached == set(SITUATIONS)


def test_a_leg_only_moves_forward() -> None:
    """Intended, ringing, answered, ended: never back."""
    for before, _, after, _ in moves():
        for leg in ("agent_leg", "customer_leg"):
            assert LEG_ORDER.index(getattr(before, leg)) <= LEG_ORDER.index(getattr(after, leg))


def test_a_leg_is_dialed_at_most_once_and_the_agent_first() -> None:
    """Only the step that makes a leg INTENDED dials it; the customer's only while the agent is on the line."""
    for before, _, after, decision in moves():
        for effect in decision.effects:
            if isinstance(effect, Dial):
                assert effect.leg_id == CUSTOMER_LEG
                assert (before.customer_leg, after.customer_leg) == (LegState.NONE, LegState.INTENDED)
                assert after.agent_leg is LegState.ANSWERED
    ignored = [decision for _, _, decision in explored()[1] if not decision.records]
    assert not [effect for decision in ignored for effect in decision.effects if isinstance(effect, Dial)]


def test_only_two_who_answered_are_bridged() -> None:
    """And both are still there."""
    bridged = [after for _, _, after, decision in moves() for e in decision.effects if isinstance(e, Bridge)]
    assert bridged
    for after in bridged:
        assert (after.agent_leg, after.customer_leg) == (LegState.ANSWERED, LegState.ANSWERED)
        assert after.state is AttemptState.JOINING


def test_only_a_bridge_connects() -> None:
    """CONNECTED is entered by the bridge's own report, from JOINING, and by nothing else."""
    for before, step, after, _ in moves():
        assert (after.connected_at is not None) is (
            before.connected_at is not None or after.state is AttemptState.CONNECTED
        )
        if after.state is AttemptState.CONNECTED and before.state is not AttemptState.CONNECTED:
            assert before.state is AttemptState.JOINING
            assert isinstance(step, Report)
            assert step.kind is ReportKind.BRIDGED
        assert (after.disposition is Disposition.CONNECTED) <= (after.connected_at is not None)


def test_what_is_known_stays_known() -> None:
    """A disposition is said once, unless the customer's leg is lost; who rang, rang; what ended has ended."""
    for before, _, after, _ in moves():
        assert before.state is not AttemptState.ENDED
        if before.disposition is not None:
            doubt = before.disposition is Disposition.AGENT_UNAVAILABLE
            known = {before.disposition, Disposition.UNKNOWN} if doubt else {before.disposition}
            assert after.disposition in known
        if before.answered_by is not None:
            assert after.answered_by is before.answered_by
        assert before.customer_rang <= after.customer_rang
        assert (after.disposition is not None) is (after.state in OVER)
        assert (after.ended_at is not None) is (after.state is AttemptState.ENDED)


def test_nobody_is_left_in_silence() -> None:
    """Who answers after it is over is told to hang up, however late and however often."""
    for before, step, decision in explored()[1]:
        if before.state in OVER and isinstance(step, Report) and step.kind is ReportKind.ANSWERED:
            assert [effect.leg_id for effect in decision.effects if isinstance(effect, HangUp)] == [
                step.leg_id
            ]


def test_an_end_is_told_to_every_leg_that_is_left() -> None:
    """Whatever ends an attempt hangs up the legs that are in the world; a called off one, at its next deadline."""
    for before, _, after, decision in moves():
        if after.state is not AttemptState.ENDING or before.state is AttemptState.ENDING:
            continue
        wanted = after.due_reason is DueReason.HANG_UP_WANTED
        effects = attempt.deadline(after, CONTEXT).effects if wanted else decision.effects
        told = {effect.leg_id for effect in effects if isinstance(effect, HangUp)}
        live = {LEG[role] for role in Role if attempt.is_live(getattr(after, f"{role}_leg"))}
        assert told == live


def test_an_attempt_always_ends() -> None:
    """From wherever it is: if only deadlines come, and no report any more, it is over after four."""
    for record in explored()[0]:
        at, deadlines = record, 0
        while at.due_reason is not None:
            (moved,) = attempt.deadline(at, CONTEXT).records
            assert isinstance(moved, Attempt)
            at, deadlines = moved, deadlines + 1
            assert deadlines <= 4
        assert at.state is AttemptState.ENDED
        assert not attempt.is_live(at.agent_leg)
        assert not attempt.is_live(at.customer_leg)


@pytest.mark.parametrize("kind", [kind for kind in ReportKind if kind is not ReportKind.UNCERTAIN])
def test_a_report_that_comes_twice_changes_nothing_more(kind: ReportKind) -> None:
    """The second is kept in history, and moves nothing."""
    for before, step, decision in explored()[1]:
        if isinstance(step, Report) and step.kind is kind:
            (after,) = decision.records or (before,)
            assert isinstance(after, Attempt)
            again = attempt.report(after, step, CONTEXT)
            assert again.records == ()
            assert not [effect for effect in again.effects if not isinstance(effect, HangUp)]


def test_every_step_is_told_once() -> None:
    """One event for each step, with the version of the record after it."""
    for before, _, decision in explored()[1]:
        if decision.records:
            (event,) = decision.events
            assert event.version == before.version + 1 == decision.records[0].version
        elif decision.events:
            (event,) = decision.events
            assert (event.kind, event.version) == ("report_ignored", before.version)


# ---------------------------------------------------------------------------- with time

HAPPY = [
    Report(leg_id=AGENT_LEG, kind=ReportKind.RINGING),
    Report(leg_id=AGENT_LEG, kind=ReportKind.ANSWERED),
    Report(leg_id=CUSTOMER_LEG, kind=ReportKind.RINGING),
    Report(leg_id=CUSTOMER_LEG, kind=ReportKind.ANSWERED, answered_by=AnsweredBy.HUMAN),
    Report(leg_id=CUSTOMER_LEG, kind=ReportKind.BRIDGED),
    Report(leg_id=CUSTOMER_LEG, kind=ReportKind.ENDED, cause=Cause.NORMAL),
    Report(leg_id=AGENT_LEG, kind=ReportKind.ENDED, cause=Cause.NORMAL),
]
ratios = st.sampled_from([0.0, 0.5, 0.999, 1.0])
lead = st.integers(0, len(HAPPY)).map(lambda count: [(step, 0.999) for step in HAPPY[:count]])
anything = st.lists(st.tuples(st.sampled_from(STEPS), ratios), max_size=12)
mixed = st.tuples(lead, anything).map(lambda parts: [*parts[0], *parts[1]])
shuffled = st.permutations([*HAPPY, *HAPPY, None]).map(lambda steps: [(step, 0.5) for step in steps])


@LAW
@given(st.one_of(mixed, shuffled))
def test_history_tells_it_and_it_is_over_in_time(steps: list[tuple[Step, float]]) -> None:
    """Reports at any time, in any order: fold(history) is the record, and it is over before it is overdue."""
    book = Book()
    book.write(start())
    now, called_off = START, False
    for step, ratio in steps:
        record = _attempt(book)
        if record.due_at is None:
            break
        at = now + (record.due_at - now) * ratio
        if at == record.due_at or step is None:
            now = record.due_at
            book.write(attempt.deadline(record, attrs.evolve(CONTEXT, now=now)))
        elif isinstance(step, Report) or (not called_off and record.state not in SETTLED):
            now, called_off = at, called_off or isinstance(step, Disposition)
            decision = decide(record, step, attrs.evolve(CONTEXT, now=now))
            assert decision is not None
            book.write(decision)
        _check_in_time(_attempt(book))
    while (record := _attempt(book)).due_at is not None:
        book.write(attempt.deadline(record, attrs.evolve(CONTEXT, now=record.due_at)))
        _check_in_time(_attempt(book))
    _check_identity(_attempt(book))


def _check_in_time(record: Attempt) -> None:
    if record.due_at is not None and record.connected_at is None:
        assert record.due_at < record.started_at + attempt_time_max(POLICY)


def _check_identity(record: Attempt) -> None:
    first = an_attempt()
    for name in ("attempt_id", "callback_id", "agent_id", "agent_leg_id", "customer_leg_id", "started_at"):
        assert getattr(record, name) == getattr(first, name)


def _attempt(book: Book) -> Attempt:
    record = book.records[Entity.ATTEMPT, ATTEMPT_ID]
    assert isinstance(record, Attempt)
    return record


def test_the_longest_attempt_is_over_a_minute_before_it_is_overdue() -> None:
    """Everything at the last moment, and called off at the end: one minute is to spare."""
    at = START
    (record,) = start().records
    assert isinstance(record, Attempt)
    for step in (HAPPY[1], HAPPY[3], Disposition.CANCELLED_BY_US, None, None, None):
        assert record.due_at is not None
        at = record.due_at
        decision = decide(record, step, attrs.evolve(CONTEXT, now=at))
        assert decision is not None
        (record,) = decision.records
        assert isinstance(record, Attempt)
    assert record.state is AttemptState.ENDED
    assert START + attempt_time_max(POLICY) - at >= 60 * S
    assert at == START + (19 + 7 + 43 + 7 + 11 + 7 + 43 + 7) * S
