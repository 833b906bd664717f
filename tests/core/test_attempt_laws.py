"""What holds along every sequence of reports and deadlines, in every mode: tried out in full, and with time."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from functools import cache
from itertools import chain, repeat
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import attempt
from callbackq.core.decision import Decision
from callbackq.core.legs import Context, agent_leg_id, is_live, role_of
from callbackq.core.lifecycle import attempt_time_max
from callbackq.effects import Bridge, Dial, HangUp, Play, Prompt, ReserveAgent
from callbackq.ids import AgentId, LegId, NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Confirmation,
    Disposition,
    DueReason,
    Entity,
    LegState,
    Mode,
    Report,
    ReportKind,
    Role,
)
from callbackq.policy import Confirm, QueuePolicy, RetryRule, Voicemail
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
    changed,
)
from core.test_attempt import BEFORE_JOINING, CUSTOMER_DUE, IN_MODES

TIMES: dict[str, Any] = {
    "agent_ring_time": 19 * S,
    "ring_time": 43 * S,
    "confirm_time_max": 13 * S,
    "customer_hold_max": 31 * S,
    "join_time_max": 11 * S,
    "talk_time_max": H,
    "hang_up_time_max": 7 * S,
    "prompt_time_max": 23 * S,
}
PLAIN: dict[str, Any] = {}
RICH: dict[str, Any] = {
    "confirm": Confirm.UNLESS_HUMAN,
    "ring_on_max": 18 * S,
    "retry_rules": {Disposition.MACHINE: RetryRule(voicemail=Voicemail.AGENT)},
}
SECOND_LEG = LegId(f"{AGENT_LEG}.2")
LEG_ORDER = list(LegState)
OVER = (AttemptState.ENDING, AttemptState.ENDED)


class World:
    """A mode and a policy, for one customer."""

    def __init__(self, mode: Mode, *, extension: str | None = None, **settings: Any) -> None:
        policy = QueuePolicy(queue=SUPPORT, **{**TIMES, **settings})
        subject = a_subject(extension=extension)
        self.mode, self.policy = mode, policy
        self.context = Context(callback=a_callback(mode=mode), subject=subject, policy=policy, now=START)

    def start(self) -> Decision:
        return attempt.start(
            self.context,
            attempt_id=ATTEMPT_ID,
            agent_id=ANN,
            agent_leg_id=AGENT_LEG,
            customer_leg_id=CUSTOMER_LEG,
            node_id=NodeId("node"),
            number_key="digest",
        )


WORLDS = {
    f"{mode}-{name}": World(mode, **settings)
    for mode in Mode
    for name, settings in (("plain", PLAIN), ("rich", RICH))
}
every_world = pytest.mark.parametrize("world", WORLDS)


class People(enum.Enum):
    """What the dispatcher and the agents do."""

    FOUND = "another agent is found"
    LEFT = "the agent goes away"
    SAID = "the agent says that it is the wrong person"


_K = ReportKind
CUSTOMER_REPORTS = [
    *(
        Report(leg_id=CUSTOMER_LEG, kind=kind)
        for kind in (_K.RINGING, _K.PLAYED, _K.BRIDGED, _K.UNBRIDGED, _K.UNCERTAIN)
    ),
    *(
        Report(leg_id=CUSTOMER_LEG, kind=kind, answered_by=by)
        for kind in (_K.ANSWERED, _K.DETECTED)
        for by in AnsweredBy
    ),
    *(Report(leg_id=CUSTOMER_LEG, kind=_K.DIGIT, digits=digits) for digits in "129"),
]
AGENT_REPORTS = [
    Report(leg_id=leg_id, kind=kind)
    for leg_id in (AGENT_LEG, SECOND_LEG)
    for kind in ReportKind
    if kind is not _K.ENDED
]
ENDS = [
    Report(leg_id=leg_id, kind=_K.ENDED, cause=cause)
    for leg_id in (AGENT_LEG, SECOND_LEG, CUSTOMER_LEG)
    for cause in Cause
]
REPORTS = [*CUSTOMER_REPORTS, *AGENT_REPORTS, *ENDS]
# In full exploration each report is tried that can mean something; of causes, those that differ in what follows.
SOME_REPORTS = [
    *CUSTOMER_REPORTS,
    *(report for report in AGENT_REPORTS if report.kind in {_K.RINGING, _K.ANSWERED, _K.BRIDGED}),
    *(
        end
        for end in ENDS
        if end.cause is Cause.UNKNOWN or (end.leg_id != SECOND_LEG and end.cause is Cause.NORMAL)
    ),
]
CALLED_OFF = [Disposition.CANCELLED_BY_US, Disposition.UNKNOWN]
CLOCKS = [DueReason.AGENT_RING_OVER, *dict.fromkeys(CUSTOMER_DUE.values())]

Step = Report | Disposition | People | DueReason | None
"""A report; or it is called off; or what people do; or the clock of one leg is over; or whatever is due."""

STEPS: list[Step] = [*REPORTS, *CALLED_OFF, *People, *CLOCKS, None]
SOME_STEPS: list[Step] = [*SOME_REPORTS, *CALLED_OFF, *People, *CLOCKS, None]


def clocks_of(at: Attempt) -> set[DueReason]:
    """Return what the attempt waits for: before the two are joined, of each leg by itself."""
    if at.state not in BEFORE_JOINING:
        return set()
    clocks = {
        DueReason.AGENT_RING_OVER: at.agent_until_at,
        CUSTOMER_DUE[at.state]: at.customer_until_at,
    }
    return {reason for reason, until_at in clocks.items() if until_at is not None}


def decide(before: Attempt, step: Step, context: Context) -> Decision | None:
    """Return what a step does, or None where nobody would take it."""
    match step:
        case Report():
            return attempt.report(before, step, context)
        case Disposition.CANCELLED_BY_US:
            allowed = attempt.may_call_off(before)
            return attempt.call_off(before, step, context) if allowed else None
        case Disposition():
            return attempt.call_off(before, step, context)
        case People.FOUND:
            allowed = attempt.wants_agent(before) and before.agents_rung_count < 2
            return attempt.found_agent(before, AgentId("bob"), context) if allowed else None
        case People.LEFT:
            return attempt.agent_left(before, context) if before.agent_id is not None else None
        case People.SAID:
            allowed = before.state is AttemptState.CONNECTED and before.disposition is None
            return attempt.dispose(before, Disposition.WRONG_PERSON, context, by="ann") if allowed else None
        case DueReason():
            due = attrs.evolve(before, due_reason=step)
            return attempt.deadline(due, context) if step in clocks_of(before) else None
        case None:
            return attempt.deadline(before, context) if before.due_reason else None


# ---------------------------------------------------------------------------- in full

Edge = tuple[Attempt, Step, Decision]


@cache
def explored(name: str) -> tuple[list[Attempt], list[Edge]]:
    """Return every attempt that any sequence of steps can lead to, at one instant, and every step between them."""
    world = WORLDS[name]
    (first,) = world.start().records
    assert isinstance(first, Attempt)
    known, found, edges = {first}, [first], []
    for before in found:
        for step in SOME_STEPS:
            decision = decide(before, step, world.context)
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


def moves(world: str) -> Iterator[tuple[Attempt, Step, Attempt, Decision]]:
    """Go through the steps that changed something."""
    for before, step, decision in explored(world)[1]:
        for record in decision.records:
            assert isinstance(record, Attempt)
            yield before, step, record, decision


@every_world
def test_the_world_is_small_enough_to_be_seen_whole(world: str) -> None:
    """Some hundred attempts, and each step out of each of them."""
    attempts, edges = explored(world)
    assert 80 < len(attempts) < 5_000
    assert len(edges) > 25 * len(attempts)


def test_the_drawn_situations_are_those_that_can_be_reached() -> None:
    """The matrix of `test_attempt` leaves out nothing that can happen, and holds nothing that cannot."""
    reached = set()
    for world in WORLDS:
        for at in explored(world)[0]:
            agent = at.agent_leg.value
            if at.agent_leg is LegState.NONE and at.state not in OVER:
                agent = "wanted" if at.agent_id is None else "reserved"
            reached.add((at.mode, (at.state, agent, at.customer_leg)))
    assert reached == set(IN_MODES)


@every_world
def test_a_leg_only_moves_forward(world: str) -> None:
    """Intended, ringing, answered, ended: never back. Another agent's leg starts anew."""
    for before, _, after, _ in moves(world):
        assert LEG_ORDER.index(before.customer_leg) <= LEG_ORDER.index(after.customer_leg)
        assert after.agents_rung_count - before.agents_rung_count in {0, 1}
        if after.agents_rung_count > before.agents_rung_count:
            assert (before.agent_leg, after.agent_leg) == (LegState.NONE, LegState.INTENDED)
        elif after.agent_leg is LegState.NONE:
            assert before.agent_leg is LegState.NONE or after.agent_id is None
        else:
            assert LEG_ORDER.index(before.agent_leg) <= LEG_ORDER.index(after.agent_leg)


@every_world
def test_a_leg_is_dialed_at_most_once_and_the_agent_first(world: str) -> None:
    """Only the step that makes a leg INTENDED dials it; in agent first the customer's only while the agent is there."""
    (first,) = WORLDS[world].start().records
    assert isinstance(first, Attempt)
    starts = [(an_attempt(agent_leg=LegState.NONE, agents_rung_count=0), None, first, WORLDS[world].start())]
    for before, _, after, decision in [*starts, *moves(world)]:
        dialed = [effect for effect in decision.effects if isinstance(effect, Dial)]
        began = []
        if after.agents_rung_count > before.agents_rung_count:
            began.append(agent_leg_id(after))
        if before.customer_leg is LegState.NONE is not after.customer_leg and after.state not in OVER:
            assert after.customer_leg is LegState.INTENDED
            began.append(CUSTOMER_LEG)
        assert [effect.leg_id for effect in dialed] == began
        for effect in dialed:
            if effect.role is Role.CUSTOMER and after.mode is Mode.AGENT_FIRST:
                assert after.agent_leg is LegState.ANSWERED
            if effect.role is Role.AGENT and after.mode is Mode.CUSTOMER_FIRST:
                assert after.customer_leg is LegState.ANSWERED
    ignored = [decision for _, _, decision in explored(world)[1] if not decision.records]
    assert not [effect for decision in ignored for effect in decision.effects if isinstance(effect, Dial)]


@every_world
def test_only_two_who_answered_are_bridged(world: str) -> None:
    """And both are still there."""
    bridged = [
        (after, effect)
        for _, _, after, decision in moves(world)
        for effect in decision.effects
        if isinstance(effect, Bridge)
    ]
    assert bridged
    for after, bridge in bridged:
        assert (after.agent_leg, after.customer_leg) == (LegState.ANSWERED, LegState.ANSWERED)
        assert after.state is AttemptState.JOINING
        assert (bridge.agent_leg_id, bridge.customer_leg_id) == (agent_leg_id(after), CUSTOMER_LEG)


@every_world
def test_only_a_bridge_connects(world: str) -> None:
    """By its own report, from JOINING; and by nothing else: one that is reported late connects nobody."""
    for before, step, after, _ in moves(world):
        if after.connected_at is not before.connected_at:
            assert before.connected_at is None
            assert (before.state, after.state) == (AttemptState.JOINING, AttemptState.CONNECTED)
            assert isinstance(step, Report)
            assert step.kind is ReportKind.BRIDGED
        if after.state is AttemptState.CONNECTED:
            assert before.state in {AttemptState.JOINING, AttemptState.CONNECTED}
            assert after.connected_at is not None
        assert (after.disposition is Disposition.CONNECTED) <= (after.connected_at is not None)


@every_world
def test_what_is_known_stays_known(world: str) -> None:
    """A disposition is said once, unless it comes into doubt: by a lost leg, or a late bridge. Who rang, rang."""
    may_have_talked = {Disposition.AGENT_UNAVAILABLE, Disposition.ANSWERED_THEN_LEFT}
    for before, step, after, _ in moves(world):
        assert before.state is not AttemptState.ENDED
        if before.disposition not in {None, after.disposition}:
            lost = before.disposition is Disposition.AGENT_UNAVAILABLE and step is None
            bridged = isinstance(step, Report) and step.kind in {ReportKind.BRIDGED, ReportKind.UNBRIDGED}
            late = bridged and before.disposition in may_have_talked and before.answered_by is not None
            assert lost or late
            assert after.disposition is Disposition.UNKNOWN
        if before.answered_by not in {None, AnsweredBy.UNKNOWN}:
            assert after.answered_by not in {None, AnsweredBy.UNKNOWN}
        if before.confirmation is not None:
            assert after.confirmation is before.confirmation
            assert after.answered_by is before.answered_by
        if before.customer_answered_at is not None:
            assert after.customer_answered_at == before.customer_answered_at
        assert before.customer_rang <= after.customer_rang
        assert (after.disposition is not None) is (after.state in OVER) or step is People.SAID
        assert (after.ended_at is not None) is (after.state is AttemptState.ENDED)


@every_world
def test_nobody_is_left_in_silence(world: str) -> None:
    """Who answers after it is over, or whom nobody waits for any more, is told to hang up, however late and often."""
    for before, step, decision in explored(world)[1]:
        if not isinstance(step, Report) or step.kind is not ReportKind.ANSWERED:
            continue
        if before.state in OVER or (
            role_of(before, step.leg_id) is Role.AGENT and step.leg_id != agent_leg_id(before)
        ):
            assert [effect.leg_id for effect in decision.effects if isinstance(effect, HangUp)] == [
                step.leg_id
            ]


@every_world
def test_a_customer_who_answers_hears_something(world: str) -> None:
    """They are joined, played to, or hung up with a prompt. Only to a fax, or where policy says so, is nothing said."""
    heard = 0
    for before, step, decision in explored(world)[1]:
        if not isinstance(step, Report) or (step.leg_id, step.kind) != (CUSTOMER_LEG, ReportKind.ANSWERED):
            continue
        if before.customer_leg is LegState.ANSWERED or before.customer_answered_at is not None:
            continue
        if step.answered_by is AnsweredBy.FAX and before.state not in OVER:
            continue
        heard += 1
        assert any(
            isinstance(effect, Bridge)
            or (
                isinstance(effect, Play | HangUp)
                and effect.leg_id == CUSTOMER_LEG
                and effect.prompt is not None
            )
            for effect in decision.effects
        )
    assert heard


@every_world
def test_an_end_is_told_to_every_leg_that_is_left(world: str) -> None:
    """Whatever ends an attempt hangs up the legs that are in the world; a called off one, at its next deadline."""
    for before, _, after, decision in moves(world):
        if after.state is not AttemptState.ENDING or before.state is AttemptState.ENDING:
            continue
        wanted = after.due_reason is DueReason.HANG_UP_WANTED
        effects = attempt.deadline(after, WORLDS[world].context).effects if wanted else decision.effects
        told = {effect.leg_id for effect in effects if isinstance(effect, HangUp)}
        live = set()
        if is_live(after.agent_leg):
            live.add(agent_leg_id(after))
        if is_live(after.customer_leg):
            live.add(CUSTOMER_LEG)
        assert told == live


@every_world
def test_who_is_told_something_has_time_to_hear_it(world: str) -> None:
    """As long as it may take to say it, and to end the leg then; unless it is hung up by the next step anyway."""
    heard = 0
    for _, _, after, decision in moves(world):
        told = [effect for effect in decision.effects if isinstance(effect, HangUp) and effect.prompt]
        if after.state is AttemptState.ENDING and after.due_reason is not DueReason.HANG_UP_WANTED and told:
            heard += 1
            assert after.due_at is not None
            assert after.due_at >= START + (7 + 23) * S
    assert heard


@every_world
def test_what_is_said_at_the_end_is_true(world: str) -> None:
    """That the customer did not want it, or that we call later or no more, is said where it is so."""
    later, cancel = {Confirmation.LATER}, {Confirmation.CANCEL}
    said_of = {
        Prompt.CUSTOMER_DECLINED: later | cancel,
        Prompt.CALL_LATER: later,
        Prompt.CALLED_OFF: cancel,
    }
    heard = set()
    for before, step, after, decision in moves(world):
        called_off = step is None and after.disposition is Disposition.CANCELLED_BY_US
        for effect in decision.effects:
            prompt = getattr(effect, "prompt", None)
            if isinstance(effect, HangUp) and prompt in said_of:
                heard.add(prompt)
                by_us = called_off and prompt is Prompt.CALLED_OFF
                assert by_us or after.confirmation in said_of[prompt]
            if prompt is Prompt.NO_LONGER_NEEDED:
                assert (step, before.due_reason) == (None, DueReason.HANG_UP_WANTED)
    assert Prompt.CALLED_OFF in heard


@every_world
def test_an_agent_who_does_not_come_is_hung_up(world: str) -> None:
    """Whose leg the attempt forgets has ended, or is told to."""
    for before, step, after, decision in moves(world):
        forgotten = is_live(before.agent_leg) and after.agent_leg is LegState.NONE
        if forgotten and not (isinstance(step, Report) and step.kind is ReportKind.ENDED):
            told = [effect.leg_id for effect in decision.effects if isinstance(effect, HangUp)]
            assert told == [agent_leg_id(before)]


@every_world
def test_an_agent_is_kept_for_every_attempt_that_has_one(world: str) -> None:
    """The step that gives it one says so to the PBX; and only where there is none is one looked for."""
    for before, step, after, decision in moves(world):
        kept = [effect.agent_id for effect in decision.effects if isinstance(effect, ReserveAgent)]
        if step is People.FOUND:
            assert (before.agent_id, kept) == (None, [after.agent_id])
        else:
            assert not kept
            assert after.agent_id in {before.agent_id, None}
        lost = after.agent_id is None
        assert attempt.wants_agent(after) is (lost and after.state not in OVER)
        assert not (lost and after.mode is Mode.AGENT_FIRST)


@every_world
def test_an_attempt_always_ends(world: str) -> None:
    """From wherever it is: if only deadlines come, and no report any more, it is over after eight."""
    for record in explored(world)[0]:
        at, deadlines, now = record, 0, WORLDS[world].context.now
        while at.due_reason is not None:
            assert at.due_at is not None
            context = attrs.evolve(WORLDS[world].context, now=max(now, at.due_at))
            now = context.now
            (moved,) = attempt.deadline(at, context).records
            assert isinstance(moved, Attempt)
            at, deadlines = moved, deadlines + 1
            assert deadlines <= 8
        assert at.state is AttemptState.ENDED
        assert not is_live(at.agent_leg)
        assert not is_live(at.customer_leg)


@every_world
def test_every_attempt_that_has_not_ended_waits_for_something(world: str) -> None:
    """It has a deadline with a rule for it, and a leg that may be in the world."""
    for at in explored(world)[0]:
        over = at.state is AttemptState.ENDED
        assert (at.due_at is None) is over
        assert over or at.due_reason in attempt.DEADLINES
        assert (is_live(at.agent_leg) or is_live(at.customer_leg)) is not over
        clocks = clocks_of(at)
        assert (at.due_reason in clocks) is (at.state in BEFORE_JOINING)
        for until_at in (at.agent_until_at, at.customer_until_at):
            assert until_at is None or (bool(clocks) and at.due_at is not None and at.due_at <= until_at)


@every_world
def test_an_ended_attempt_never_changes(world: str) -> None:
    """No report, no agent, and nobody who calls it off."""
    ended = [decision for before, _, decision in explored(world)[1] if before.state is AttemptState.ENDED]
    assert ended
    assert not [decision for decision in ended if decision.records]


@every_world
def test_all_that_an_ended_attempt_may_learn_is_its_recording(world: str) -> None:
    """Of whichever leg it is told, with whatever report; and who answers is told to hang up all the same."""
    for before, step, decision in explored(world)[1]:
        if before.state is AttemptState.ENDED and isinstance(step, Report):
            recorded = attempt.report(before, attrs.evolve(step, recording_id="rec"), WORLDS[world].context)
            (after,) = recorded.records
            assert changed(before, after) == {"recording_id": "rec"}
            assert recorded.effects == decision.effects


@every_world
@pytest.mark.parametrize("kind", ReportKind)
def test_a_report_that_comes_twice_changes_nothing_more(kind: ReportKind, world: str) -> None:
    """
    The second is kept in history, and moves nothing.

    A key that means nothing is answered again, and a leg that is still there is told to end again.
    """
    for before, step, decision in explored(world)[1]:
        if isinstance(step, Report) and step.kind is kind:
            (after,) = decision.records or (before,)
            assert isinstance(after, Attempt)
            again = attempt.report(after, step, WORLDS[world].context)
            asked_again = step.digits == "9" and after.state is AttemptState.CONFIRMING
            told_again = kind is ReportKind.UNCERTAIN and bool(decision.records)
            if asked_again or told_again:
                assert again.records == (attrs.evolve(after, version=after.version + 1),)
                continue
            assert again.records == ()
            assert not [effect for effect in again.effects if not isinstance(effect, HangUp)]


@every_world
def test_every_step_is_told_once(world: str) -> None:
    """One event for each step, with the version of the record after it."""
    for before, _, decision in explored(world)[1]:
        if decision.records:
            (event,) = decision.events
            assert event.version == before.version + 1 == decision.records[0].version
        elif decision.events:
            (event,) = decision.events
            assert (event.kind, event.version) == ("report_ignored", before.version)


# ---------------------------------------------------------------------------- with time


def said(leg_id: LegId, kind: ReportKind, **more: Any) -> Report:
    return Report(leg_id=leg_id, kind=kind, **more)


HAPPY: list[Step] = [
    said(AGENT_LEG, _K.RINGING),
    said(AGENT_LEG, _K.ANSWERED),
    said(CUSTOMER_LEG, _K.RINGING),
    said(CUSTOMER_LEG, _K.ANSWERED, answered_by=AnsweredBy.HUMAN),
    said(CUSTOMER_LEG, _K.DIGIT, digits="1"),
    said(AGENT_LEG, _K.ANSWERED),
    said(CUSTOMER_LEG, _K.BRIDGED),
    said(CUSTOMER_LEG, _K.ENDED, cause=Cause.NORMAL),
    said(AGENT_LEG, _K.ENDED, cause=Cause.NORMAL),
]
SECOND_AGENT: list[Step] = [
    said(CUSTOMER_LEG, _K.ANSWERED),
    said(AGENT_LEG, _K.ENDED),
    People.FOUND,
    said(SECOND_LEG, _K.RINGING),
    said(AGENT_LEG, _K.ANSWERED),
    said(SECOND_LEG, _K.ANSWERED),
    said(CUSTOMER_LEG, _K.BRIDGED),
]
ratios = st.sampled_from([0.0, 0.5, 0.999, 1.0])
lead = st.tuples(st.sampled_from([HAPPY, SECOND_AGENT]), st.integers(0, len(HAPPY))).map(
    lambda chosen: [(step, 0.999) for step in chosen[0][: chosen[1]]]
)
anything = st.lists(st.tuples(st.sampled_from(STEPS), ratios), max_size=12)
mixed = st.tuples(lead, anything).map(lambda parts: [*parts[0], *parts[1]])
shuffled = st.permutations([*HAPPY, *SECOND_AGENT, *HAPPY, None]).map(
    lambda steps: [(step, 0.1) for step in steps]
)
worlds = st.builds(
    World,
    st.sampled_from(Mode),
    extension=st.sampled_from([None, None, "7"]),
    confirm=st.sampled_from(Confirm),
    retry_rules=st.sampled_from([*Voicemail, None]).map(
        lambda left: {} if left is None else {Disposition.MACHINE: RetryRule(voicemail=left)}
    ),
    ring_on_max=st.sampled_from([None, 5 * S, 18 * S]),
    customer_hold_max=st.sampled_from([S, 26 * S, 300 * S]),
    confirm_time_max=st.sampled_from([S, 10 * S, 120 * S]),
    agent_ring_time=st.sampled_from([5 * S, 19 * S, 300 * S]),
    prompt_time_max=st.sampled_from([S, 23 * S, 300 * S]),
)


@LAW
@given(worlds, st.one_of(mixed, shuffled))
def test_history_tells_it_and_it_is_over_in_time(world: World, steps: list[tuple[Step, float]]) -> None:
    """Reports at any time, in any order: fold(history) is the record, and it is over before it is overdue."""
    book = Book()
    book.write(world.start())
    now, called_off, still_there = START, False, False
    for step, ratio in steps:
        record = _attempt(book)
        if record.due_at is None:
            break
        at = now + max(record.due_at - now, 0 * S) * ratio
        if at >= record.due_at or step is None:
            now = max(now, record.due_at)
            book.write(attempt.deadline(record, attrs.evolve(world.context, now=now)))
        elif not (called_off and isinstance(step, Disposition)) and not isinstance(step, DueReason):
            decision = decide(record, step, attrs.evolve(world.context, now=at))
            if decision is not None:
                now, called_off = at, called_off or isinstance(step, Disposition)
                book.write(decision)
                uncertain = isinstance(step, Report) and step.kind is ReportKind.UNCERTAIN
                still_there = still_there or (uncertain and bool(decision.records))
        _check_in_time(_attempt(book), world, still_there=still_there)
        _check_effects(book)
    while (record := _attempt(book)).due_at is not None:
        now = max(now, record.due_at)
        book.write(attempt.deadline(record, attrs.evolve(world.context, now=now)))
        _check_in_time(_attempt(book), world, still_there=still_there)
    ended = _attempt(book)
    recorded = said(CUSTOMER_LEG, _K.ENDED, recording_id="rec")
    book.write(attempt.report(ended, recorded, attrs.evolve(world.context, now=now + H)))
    assert changed(ended, _attempt(book)) == {"recording_id": "rec"}
    _check_effects(book)
    _check_identity(_attempt(book), world)


def _check_in_time(record: Attempt, world: World, *, still_there: bool) -> None:
    """Only a conversation lasts longer, and a leg of which the telephony says that it is still there."""
    if record.due_at is not None and record.connected_at is None:
        longest = attempt_time_max(world.policy) + still_there * world.policy.talk_time_max
        assert record.due_at < record.started_at + longest


def _check_effects(book: Book) -> None:
    """No leg is dialed twice, the book sees to that; only who was dialed hears anything; the customer is rung once."""
    dialed: list[Dial] = []
    for effect in book.effects:
        match effect:
            case Dial():
                dialed.append(effect)
            case Bridge():
                assert {effect.agent_leg_id, effect.customer_leg_id} <= {dial.leg_id for dial in dialed}
            case Play():
                assert effect.leg_id in {dial.leg_id for dial in dialed}
                assert effect.text
            case HangUp():
                assert bool(effect.text) is (effect.prompt is not None)
    assert sum(dial.role is Role.CUSTOMER for dial in dialed) <= 1


def _check_identity(record: Attempt, world: World) -> None:
    first = an_attempt(mode=world.mode)
    for name in ("attempt_id", "callback_id", "mode", "agent_leg_id", "customer_leg_id", "started_at"):
        assert getattr(record, name) == getattr(first, name)
    assert record.agent_id in {ANN, "bob", None}


def _attempt(book: Book) -> Attempt:
    record = book.records[Entity.ATTEMPT, ATTEMPT_ID]
    assert isinstance(record, Attempt)
    return record


ANSWERS = {
    Role.AGENT: said(AGENT_LEG, _K.ANSWERED),
    Role.CUSTOMER: said(CUSTOMER_LEG, _K.ANSWERED),
}
ACCEPTS = said(CUSTOMER_LEG, _K.DIGIT, digits="1")


@pytest.mark.parametrize(
    ("mode", "settings", "steps", "seconds"),
    [
        (Mode.AGENT_FIRST, PLAIN, [ANSWERS[Role.AGENT], ANSWERS[Role.CUSTOMER]], [19 + 7, 43 + 7, 11]),
        (
            Mode.AGENT_FIRST,
            {"confirm": Confirm.ALWAYS},
            [ANSWERS[Role.AGENT], ANSWERS[Role.CUSTOMER], ACCEPTS],
            [19 + 7, 43 + 7, 23 + 13, 11],
        ),
        (
            Mode.CUSTOMER_FIRST,
            {"confirm": Confirm.ALWAYS, "customer_hold_max": 25 * S},
            [ANSWERS[Role.CUSTOMER], ACCEPTS, ANSWERS[Role.AGENT]],
            [43 + 7, 23 + 13, 25, 11],
        ),
        (
            Mode.SIMULTANEOUS,
            {"confirm": Confirm.ALWAYS, "agent_ring_time": 300 * S},
            [ANSWERS[Role.CUSTOMER], ACCEPTS, ANSWERS[Role.AGENT]],
            [43 + 7, 23 + 13, 31, 11],
        ),
    ],
)
def test_the_longest_attempt_is_over_a_minute_before_it_is_overdue(
    mode: Mode, settings: dict[str, Any], steps: list[Step], seconds: list[int]
) -> None:
    """
    Everything at the last moment, and called off at the end, with a word to both: one minute is to spare.

    Who answered is told to hang up for two minutes from then on, each time for as long as a phone can ring.
    """
    world, at = World(mode, **settings), START
    (record,) = world.start().records
    assert isinstance(record, Attempt)
    for step in chain((*steps, Disposition.CANCELLED_BY_US), repeat(None)):
        assert record.due_at is not None
        at = record.due_at
        decision = decide(record, step, attrs.evolve(world.context, now=at))
        assert decision is not None
        (record,) = decision.records
        assert isinstance(record, Attempt)
        if record.state is AttemptState.ENDED:
            break
    assert START + attempt_time_max(world.policy) - at >= 60 * S
    assert record.customer_answered_at is not None
    over = START + (sum(seconds) + 7 + 23 + 43 + 7) * S
    while over < record.customer_answered_at + 120 * S:
        over += (43 + 7) * S
    assert at == over


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        # While the legs are told to end, and once it is in doubt whether the customer's is there still.
        ([ANSWERS[Role.AGENT], None, ANSWERS[Role.CUSTOMER], None], [19 + 7, 43 + 7, 7 + 23, 7 + 23]),
        ([ANSWERS[Role.AGENT], None, None, ANSWERS[Role.CUSTOMER]], [19 + 7, 43 + 7, 7 + 23, 43 + 7]),
    ],
)
def test_who_answers_at_the_last_moment_of_the_end_does_not_make_it_overdue(
    steps: list[Step], seconds: list[int]
) -> None:
    """They hear why it is over; and the attempt is over before the callback takes it for lost."""
    world, at = World(Mode.AGENT_FIRST), START
    (record,) = world.start().records
    heard: list[str] = []
    for step in (*steps, None):
        assert isinstance(record, Attempt)
        assert record.due_at is not None
        at = record.due_at
        decision = decide(record, step, attrs.evolve(world.context, now=at))
        assert decision is not None
        heard += [str(effect.prompt) for effect in decision.effects if isinstance(effect, HangUp)]
        (record,) = decision.records
    assert isinstance(record, Attempt)
    assert (record.state, record.customer_rang) == (AttemptState.ENDED, True)
    assert "could_not_connect" in heard
    last = 43 + 7 if steps[-1] is None else 7 + 23
    assert at == START + (sum(seconds) + last) * S
    assert START + attempt_time_max(world.policy) - at >= 60 * S
