"""
The three modes, race by race, told as stories: who is reported to do what, and what is done then.

The whole table is in `test_attempt`; what holds along every story in `test_attempt_laws`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq.core import attempt
from callbackq.core.decision import Decision
from callbackq.core.legs import Context
from callbackq.core.numbers import number_key
from callbackq.core.retry import counts
from callbackq.effects import HangUp, Prompt, SendDigits
from callbackq.ids import AgentId, LegId, NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Confirmation,
    Disposition,
    DueReason,
    LegState,
    Mode,
    Report,
    ReportKind,
)
from callbackq.policy import Confirm, QueuePolicy, RetryRule, Voicemail
from core.samples import (
    AGENT_LEG,
    ANN,
    ATTEMPT_ID,
    CUSTOMER_LEG,
    START,
    SUPPORT,
    Book,
    S,
    a_callback,
    a_subject,
    changed,
    shown,
)

_K = ReportKind
AGENT_FIRST, CUSTOMER_FIRST, SIMULTANEOUS = Mode.AGENT_FIRST, Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS
MACHINE, FAX, HUMAN, UNKNOWN = AnsweredBy.MACHINE, AnsweredBy.FAX, AnsweredBy.HUMAN, AnsweredBy.UNKNOWN
FIRST_LEG, SECOND_LEG = "leg_agent", "leg_agent.2"


class Line:
    """
    An attempt from its start, told report by report. Each method returns the effects, read.

    Every decision is written into a `Book`, so that fold(history), versions and dials are checked at each step.
    """

    def __init__(
        self,
        mode: Mode = AGENT_FIRST,
        *,
        extension: str | None = None,
        number_index: int = 0,
        **settings: Any,
    ) -> None:
        self.book, self.now = Book(), START
        self.settings = {"customer_hold_max": 40 * S, **settings}
        self.subject = a_subject(extension=extension, alternatives=("+12125550124",))
        self.callback = a_callback(mode=mode, number_index=number_index)
        decision = attempt.start(
            self.context,
            attempt_id=ATTEMPT_ID,
            agent_id=ANN,
            agent_leg_id=AGENT_LEG,
            customer_leg_id=CUSTOMER_LEG,
            node_id=NodeId("node"),
            number_key="digest",
        )
        self.started_with = self._write(decision)

    @property
    def context(self) -> Context:
        policy = QueuePolicy(queue=SUPPORT, **self.settings)
        return Context(callback=self.callback, subject=self.subject, policy=policy, now=self.now)

    @property
    def attempt(self) -> Attempt:
        (record,) = self.book.records.values()
        assert isinstance(record, Attempt)
        return record

    @property
    def state(self) -> str:
        return self.attempt.state.value

    @property
    def ended_as(self) -> str | None:
        """The disposition of an attempt that is ENDING or ENDED."""
        assert self.attempt.state in {AttemptState.ENDING, AttemptState.ENDED}
        return self.attempt.disposition

    def _write(self, decision: Decision) -> list[str]:
        self.book.write(decision)
        return shown(decision.effects)

    def report(self, leg_id: str, kind: ReportKind, **more: Any) -> list[str]:
        said = Report(leg_id=LegId(leg_id), kind=kind, **more)
        return self._write(attempt.report(self.attempt, said, self.context))

    def agent(self, *kinds: ReportKind, leg_id: str = FIRST_LEG) -> list[str]:
        return [line for kind in kinds for line in self.report(leg_id, kind)]

    def customer(self, *kinds: ReportKind, **more: Any) -> list[str]:
        return [line for kind in kinds for line in self.report(CUSTOMER_LEG, kind, **more)]

    def presses(self, digits: str | None) -> list[str]:
        return self.report(CUSTOMER_LEG, _K.DIGIT, digits=digits)

    def after(self, time: timedelta) -> Line:
        self.now += time
        return self

    def silence(self, reason: DueReason) -> list[str]:
        """Nothing is heard until the deadline, which has this reason."""
        record = self.attempt
        assert record.due_reason is reason
        assert record.due_at is not None
        self.now = record.due_at
        return self._write(attempt.deadline(record, self.context))

    def finds(self, agent_id: str) -> list[str]:
        assert attempt.wants_agent(self.attempt)
        return self._write(attempt.found_agent(self.attempt, AgentId(agent_id), self.context))

    def agent_leaves(self) -> list[str]:
        return self._write(attempt.agent_left(self.attempt, self.context))

    def is_cancelled(self) -> list[str]:
        return self._write(attempt.call_off(self.attempt, Disposition.CANCELLED_BY_US, self.context))

    def says_nothing_new(self, leg_id: str, kind: ReportKind, **more: Any) -> bool:
        """Whether a report changes nothing, and is followed by nothing; history keeps it."""
        before = self.attempt
        effects = self.report(leg_id, kind, **more)
        return self.attempt == before and not effects and self.book.events[-1].kind == "report_ignored"


def ringing_on(**settings: Any) -> Line:
    """Agent first: the agent is there, the customer's phone rings."""
    line = Line(**settings)
    line.agent(_K.ANSWERED)
    line.customer(_K.RINGING)
    return line


def joining(**settings: Any) -> Line:
    line = ringing_on(**settings)
    assert line.customer(_K.ANSWERED) == ["Bridge"]
    return line


def connected(**settings: Any) -> Line:
    line = joining(**settings)
    line.customer(_K.BRIDGED)
    return line


def asked(mode: Mode = AGENT_FIRST, **settings: Any) -> Line:
    """The customer answered, and is asked to press a key; in agent first the agent is on the line."""
    line = Line(mode, confirm=Confirm.ALWAYS, **settings)
    if mode is AGENT_FIRST:
        line.agent(_K.ANSWERED)
    assert line.customer(_K.ANSWERED) == ["Play leg_customer press_to_connect"]
    return line


def holding(mode: Mode = CUSTOMER_FIRST, **settings: Any) -> Line:
    """The customer holds, while the agent's phone rings."""
    line = Line(mode, **settings)
    line.customer(_K.ANSWERED)
    line.agent(_K.RINGING)
    assert line.state == "customer_on_line"
    return line


# ---------------------------------------------------------------------------- how each mode goes when all goes well


def test_agent_first() -> None:
    """The agent accepts, then the customer is dialed; when the customer answers, they are bridged."""
    line = Line(AGENT_FIRST)
    assert line.started_with == ["ReserveAgent ann", "Dial leg_agent"]
    assert line.agent(_K.RINGING, _K.ANSWERED) == ["Dial leg_customer"]
    assert line.customer(_K.RINGING, _K.ANSWERED) == ["Bridge"]
    assert line.customer(_K.BRIDGED) == []
    assert line.state == "connected"


def test_customer_first() -> None:
    """The customer is dialed while an agent is kept; who answers holds, while that agent is rung."""
    line = Line(CUSTOMER_FIRST)
    assert line.started_with == ["ReserveAgent ann", "Dial leg_customer"]
    assert line.customer(_K.RINGING, _K.ANSWERED) == ["Play leg_customer please_hold", "Dial leg_agent"]
    assert line.agent(_K.RINGING, _K.ANSWERED) == ["StopPlay leg_customer", "Bridge"]
    line.customer(_K.BRIDGED)
    assert line.state == "connected"


def test_simultaneous_with_the_agent_first_to_answer() -> None:
    """Both are dialed at once; the customer's phone rings on."""
    line = Line(SIMULTANEOUS)
    assert line.started_with == ["ReserveAgent ann", "Dial leg_agent", "Dial leg_customer"]
    assert line.agent(_K.ANSWERED) == []
    assert line.customer(_K.ANSWERED) == ["Bridge"]


def test_simultaneous_with_the_customer_first_to_answer() -> None:
    """The customer holds, and the agent's phone rings on: it is not dialed again."""
    line = Line(SIMULTANEOUS)
    assert line.customer(_K.ANSWERED) == ["Play leg_customer please_hold"]
    assert line.agent(_K.ANSWERED) == ["StopPlay leg_customer", "Bridge"]


# ---------------------------------------------------------------------------- a number that was changed

PEPPER = b"pepper"


def numbered(line: Line, number: str, **report: Any) -> Decision:
    """Let the first phone be answered, with the pepper at hand and the person's number as it is by now."""
    tenant_id = line.attempt.tenant_id
    keyed = attrs.evolve(
        line.attempt, number_key=number_key(line.subject.number, tenant_id=tenant_id, pepper=PEPPER)
    )
    subject = attrs.evolve(line.subject, number=number)
    context = attrs.evolve(line.context, subject=subject, pepper=PEPPER)
    said = Report(leg_id=LegId(line.started_with[-1].split()[1]), kind=_K.ANSWERED, **report)
    return attempt.report(keyed, said, context)


def test_a_number_that_was_changed_while_the_agents_phone_rang_is_not_dialed() -> None:
    """Another number was locked: the attempt does not count, and the agent hears that it is over."""
    line = Line(AGENT_FIRST)
    decision = numbered(line, "+12125550177")
    (after,) = decision.records
    assert isinstance(after, Attempt)
    assert shown(decision.effects) == ["HangUp leg_agent no_longer_needed"]
    assert (after.state, after.disposition) == (AttemptState.ENDING, Disposition.CANCELLED_BY_US)
    assert (after.customer_leg, after.customer_rang) == (LegState.NONE, False)
    assert not counts(after)
    # The same number as before is dialed.
    assert shown(numbered(Line(AGENT_FIRST), line.subject.number).effects) == ["Dial leg_customer"]


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_a_number_that_rings_already_is_not_hung_up_for_a_new_one(mode: Mode) -> None:
    """It was dialed as it was: whoever answers is who was called."""
    assert "HangUp" not in str(shown(numbered(Line(mode), "+12125550177").effects))
    line = Line(SIMULTANEOUS)
    agents = attempt.report(
        line.attempt,
        Report(leg_id=AGENT_LEG, kind=_K.ANSWERED),
        attrs.evolve(line.context, pepper=PEPPER),
    )
    assert agents.effects == ()


# ---------------------------------------------------------------------------- races of PBX.md


@pytest.mark.parametrize("mode", [AGENT_FIRST, SIMULTANEOUS])
def test_the_customer_answers_as_the_agent_hangs_up(mode: Mode) -> None:
    """The agent's end comes first: the phone that rings is hung up; its answer gets a message, not silence."""
    line = Line(mode)
    line.agent(_K.ANSWERED)
    assert line.agent(_K.ENDED) == ["HangUp leg_customer"]
    assert line.customer(_K.ANSWERED) == ["HangUp leg_customer could_not_connect"]
    line.customer(_K.ENDED, cause=Cause.NORMAL)
    assert (line.state, line.ended_as, line.attempt.customer_rang) == ("ended", "agent_unavailable", True)


def test_the_agent_hangs_up_as_the_customer_answers() -> None:
    """The other order: they are being bridged, and the customer is told that nothing comes of it."""
    line = joining()
    assert line.report(FIRST_LEG, _K.ENDED, cause=Cause.NORMAL) == ["HangUp leg_customer could_not_connect"]
    assert line.ended_as == "agent_unavailable"


@pytest.mark.parametrize("at", [ringing_on, joining, connected])
@pytest.mark.parametrize("agent_is_first", [True, False])
def test_both_leave_at_once(at: Any, agent_is_first: bool) -> None:
    """It is over with the second report, whichever it is; and nobody is hung up twice."""
    line = at()
    orders = [lambda: line.agent(_K.ENDED), lambda: line.customer(_K.ENDED)]
    first, second = orders if agent_is_first else reversed(orders)
    assert len(first()) == 1
    assert second() == []
    assert line.state == "ended"


@pytest.mark.parametrize("mode", Mode)
def test_an_answer_at_the_moment_of_the_cancellation(mode: Mode) -> None:
    """A leg that was cancelled may answer still: it is told to end again, and a customer hears why."""
    line = Line(mode)
    line.is_cancelled()
    rung = [line.split()[1] for line in line.silence(DueReason.HANG_UP_WANTED)]
    assert rung == [leg.split()[1] for leg in line.started_with[1:]]
    for leg_id in rung:
        sorry = " could_not_connect" if leg_id == CUSTOMER_LEG else ""
        assert line.report(leg_id, _K.ANSWERED) == [f"HangUp {leg_id}{sorry}"]
        line.report(leg_id, _K.ENDED)
    assert (line.state, line.ended_as) == ("ended", "cancelled_by_us")


def test_an_answer_after_the_leg_was_given_up() -> None:
    """No end was ever reported, and it answers long after: it is told to end, in words; the row stays as it is."""
    line = ringing_on()
    line.silence(DueReason.RING_OVER)
    line.agent(_K.ENDED)
    line.silence(DueReason.HANG_UP_OVERDUE)
    line.silence(DueReason.LEG_IN_DOUBT)
    before = line.attempt
    assert line.customer(_K.ANSWERED) == ["HangUp leg_customer could_not_connect"]
    assert (line.attempt, line.state) == (before, "ended")


@pytest.mark.parametrize("leg_id", [FIRST_LEG, CUSTOMER_LEG])
@pytest.mark.parametrize("cause", [Cause.NORMAL, Cause.UNKNOWN])
def test_the_bridge_says_done_and_one_leg_is_dead(cause: Cause, leg_id: str) -> None:
    """Nobody is left alone in it: the other leg was told to end. Whether they heard each other is in doubt."""
    line = joining()
    assert len(line.report(leg_id, _K.ENDED, cause=cause)) == 1
    assert line.customer(_K.BRIDGED) == []
    assert (line.state, line.ended_as, line.attempt.connected_at) == ("ending", "unknown", None)
    assert line.says_nothing_new(CUSTOMER_LEG, _K.BRIDGED)
    for other in {FIRST_LEG, CUSTOMER_LEG} - {leg_id}:
        line.report(other, _K.ENDED, cause=Cause.NORMAL)
    assert (line.state, line.ended_as) == ("ended", "unknown")


@pytest.mark.parametrize("leg_id", [FIRST_LEG, CUSTOMER_LEG])
def test_a_leg_is_lost_while_they_are_being_joined(leg_id: str) -> None:
    """As after a lost connection to the PBX: they may have talked, so it is in doubt, and rests as such."""
    line = joining()
    line.report(leg_id, _K.ENDED, cause=Cause.UNKNOWN)
    assert line.ended_as == "unknown"


def test_a_machine_is_lost_while_the_agent_is_being_joined_to_it() -> None:
    """There is no doubt: nobody talked."""
    line = ringing_on(**voicemail(Voicemail.AGENT))
    line.customer(_K.ANSWERED, answered_by=MACHINE)
    line.agent(_K.ENDED)
    assert line.ended_as == "agent_unavailable"
    assert line.says_nothing_new(CUSTOMER_LEG, _K.BRIDGED)


@pytest.mark.parametrize("leg_id", [FIRST_LEG, CUSTOMER_LEG])
def test_one_leg_is_left_alone_in_the_bridge(leg_id: str) -> None:
    """UNBRIDGED, of whichever leg: the conversation is over, and nobody stays up in silence."""
    line = connected()
    assert line.report(leg_id, _K.UNBRIDGED) == ["HangUp leg_agent", "HangUp leg_customer"]
    assert line.ended_as == "connected"


@pytest.mark.parametrize("mode", Mode)
def test_a_dial_that_was_refused_without_any_event(mode: Mode) -> None:
    """The adapter says ENDED for it: an attempt whose only leg was refused is over at once."""
    line = Line(mode)
    leg_id = line.started_with[-1].split()[1]
    line.report(leg_id, _K.ENDED, cause=Cause.FAILED)
    assert line.ended_as == ("agent_unavailable" if mode is AGENT_FIRST else "network_failure")
    assert (line.state == "ended") is (mode is not SIMULTANEOUS)
    assert not line.attempt.customer_rang


@pytest.mark.parametrize("mode", Mode)
def test_events_come_before_the_reply_to_the_dial(mode: Mode) -> None:
    """The reply is no report, so nothing waits for it; one in doubt that comes after them changes nothing."""
    line = Line(mode)
    for leg in line.started_with[1:]:
        leg_id = leg.split()[1]
        line.report(leg_id, _K.ANSWERED)
        assert line.says_nothing_new(leg_id, _K.UNCERTAIN)
    assert line.state in {"agent_on_line", "customer_on_line", "joining"}


@pytest.mark.parametrize("mode", Mode)
def test_every_event_comes_twice(mode: Mode) -> None:
    """As after subscribing to an endpoint as well: the second changes nothing, from the first ring to the end."""
    line = Line(mode)
    agent = [(FIRST_LEG, _K.RINGING), (FIRST_LEG, _K.ANSWERED)]
    customer = [(CUSTOMER_LEG, _K.RINGING), (CUSTOMER_LEG, _K.ANSWERED)]
    first = customer + agent if mode is CUSTOMER_FIRST else agent + customer
    for leg_id, kind in [*first, (CUSTOMER_LEG, _K.BRIDGED), (CUSTOMER_LEG, _K.UNBRIDGED)]:
        line.report(leg_id, kind)
        assert line.says_nothing_new(leg_id, kind)
    for leg_id in (CUSTOMER_LEG, FIRST_LEG):
        line.report(leg_id, _K.ENDED)
        assert line.says_nothing_new(leg_id, _K.ENDED)
    assert (line.state, line.ended_as) == ("ended", "connected")


@pytest.mark.parametrize("mode", Mode)
def test_the_end_comes_before_the_answer(mode: Mode) -> None:
    """Reordered across sockets: the leg is gone, and its ringing and its answer, coming late, are nothing."""
    line = Line(mode)
    leg_id = line.started_with[-1].split()[1]
    line.report(leg_id, _K.ENDED, cause=Cause.BUSY)
    before = line.attempt
    line.report(leg_id, _K.RINGING)
    hung_up = [line.split()[1] for line in line.report(leg_id, _K.ANSWERED)]
    assert hung_up == [leg_id]
    assert line.attempt == before


@pytest.mark.parametrize("mode", Mode)
def test_the_answer_comes_before_the_ringing(mode: Mode) -> None:
    """A leg never goes back."""
    line = Line(mode)
    leg_id = line.started_with[-1].split()[1]
    line.report(leg_id, _K.ANSWERED)
    assert line.says_nothing_new(leg_id, _K.RINGING)


def test_bridged_comes_before_answered() -> None:
    """Nobody is connected who has not answered: the answer joins them, and the deadline waits for the bridge."""
    line = ringing_on()
    assert line.says_nothing_new(CUSTOMER_LEG, _K.BRIDGED)
    assert line.customer(_K.ANSWERED) == ["Bridge"]
    assert line.silence(DueReason.JOIN_OVERDUE) == [
        "HangUp leg_agent could_not_connect",
        "HangUp leg_customer could_not_connect",
    ]
    assert line.ended_as == "unknown"


@pytest.mark.parametrize("mode", Mode)
def test_after_the_end_nothing_changes(mode: Mode) -> None:
    """Whatever is reported of either leg, however late."""
    line = Line(mode)
    line.is_cancelled()
    for leg in line.started_with[1:]:
        line.report(leg.split()[1], _K.ENDED)
    before = line.attempt
    assert before.state is AttemptState.ENDED
    for leg_id in (FIRST_LEG, SECOND_LEG, CUSTOMER_LEG):
        for kind in ReportKind:
            line.report(leg_id, kind, answered_by=MACHINE, digits="1")
    assert line.attempt == before
    assert line.agent_leaves() == []
    assert line.attempt == before


# ---------------------------------------------------------------------------- "press 1 to connect"


@pytest.mark.parametrize(
    ("confirm", "answered_by", "is_asked"),
    [
        (Confirm.NEVER, HUMAN, False),
        (Confirm.NEVER, UNKNOWN, False),
        (Confirm.UNLESS_HUMAN, HUMAN, False),
        (Confirm.UNLESS_HUMAN, UNKNOWN, True),
        (Confirm.ALWAYS, HUMAN, True),
        (Confirm.ALWAYS, UNKNOWN, True),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_who_is_asked(mode: Mode, confirm: Confirm, answered_by: AnsweredBy, is_asked: bool) -> None:
    """By policy: nobody, whoever is not known to be a person, everybody."""
    line = Line(mode, confirm=confirm)
    if mode is AGENT_FIRST:
        line.agent(_K.ANSWERED)
    effects = line.customer(_K.ANSWERED, answered_by=answered_by)
    assert (effects == ["Play leg_customer press_to_connect"]) is is_asked
    assert (line.state == "confirming") is is_asked


@pytest.mark.parametrize("confirm", Confirm)
@pytest.mark.parametrize("answered_by", [MACHINE, FAX])
def test_a_machine_is_never_asked(confirm: Confirm, answered_by: AnsweredBy) -> None:
    """It is known to be one."""
    line = ringing_on(confirm=confirm)
    line.customer(_K.ANSWERED, answered_by=answered_by)
    assert line.ended_as == answered_by.value


def test_accepting_joins_the_agent_who_waits() -> None:
    """What is played is stopped first: a bridge may have to wait for it."""
    line = asked()
    assert line.presses("1") == ["StopPlay leg_customer", "Bridge"]
    assert (line.attempt.confirmation, line.attempt.answered_by) == (Confirmation.ACCEPTED, HUMAN)


def test_accepting_in_customer_first_rings_the_agent() -> None:
    """No agent is troubled before a person has said yes."""
    line = asked(CUSTOMER_FIRST)
    assert line.attempt.agent_leg is LegState.NONE
    assert line.presses("1") == [
        "StopPlay leg_customer",
        "Play leg_customer please_hold",
        "Dial leg_agent",
    ]


def test_the_agent_accepts_while_the_customer_is_asked() -> None:
    """Simultaneous: the agent waits, and has no clock any more; the key joins them."""
    line = asked(SIMULTANEOUS)
    assert line.agent(_K.ANSWERED) == []
    assert (line.state, line.attempt.agent_until_at) == ("confirming", None)
    assert line.presses("1") == ["StopPlay leg_customer", "Bridge"]


def test_the_agent_who_waits_for_the_key_hangs_up() -> None:
    """Who has accepted and leaves is gone for good: the customer is told."""
    line = asked(SIMULTANEOUS)
    line.agent(_K.ANSWERED)
    assert line.agent(_K.ENDED) == ["HangUp leg_customer could_not_connect"]
    assert line.ended_as == "agent_unavailable"


@pytest.mark.parametrize(
    ("key", "confirmation", "prompt"),
    [("2", Confirmation.LATER, "call_later"), ("3", Confirmation.CANCEL, "called_off")],
)
def test_the_customer_wants_no_call_now(key: str, confirmation: Confirmation, prompt: str) -> None:
    """Later, or not at all: said back to the customer; and which of the two is kept for what follows."""
    line = asked()
    assert line.presses(key) == ["HangUp leg_agent customer_declined", f"HangUp leg_customer {prompt}"]
    assert (line.ended_as, line.attempt.confirmation) == ("declined_by_customer", confirmation)


@pytest.mark.parametrize("key", ["9", "#", "12", "", None])
def test_a_key_that_means_nothing_is_answered_by_asking_again(key: str | None) -> None:
    """As often as it is pressed; and it wins no time."""
    line = asked()
    before = line.attempt
    for _ in range(2):
        assert line.after(S).presses(key) == ["Play leg_customer press_to_connect"]
    assert (line.attempt.due_at, line.attempt.confirmation) == (before.due_at, None)
    assert line.presses(" 1 ") == ["StopPlay leg_customer", "Bridge"]


def test_a_key_that_is_pressed_again_is_heard_once() -> None:
    """1, and in impatience 1 and 2: they are joined."""
    line = asked()
    line.presses("1")
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DIGIT, digits="1")
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DIGIT, digits="2")


def test_the_keys_are_the_policys() -> None:
    """5 accepts, 1 means nothing."""
    line = asked(confirm_keys={"5": Confirmation.ACCEPTED})
    assert line.presses("1") == ["Play leg_customer press_to_connect"]
    assert line.presses("5") == ["StopPlay leg_customer", "Bridge"]


def test_silence_is_taken_for_a_machine() -> None:
    """It is left a message; and history tells it from a machine that was detected."""
    line = asked(confirm_time_max=7 * S, prompt_time_max=20 * S)
    started = line.now
    assert line.silence(DueReason.CONFIRM_OVER) == [
        "HangUp leg_agent customer_not_reached",
        "HangUp leg_customer voicemail",
    ]
    assert line.now - started == 27 * S
    assert (line.ended_as, line.attempt.confirmation) == ("machine", Confirmation.SILENT)
    # The message is left before anybody looks whether the leg is gone.
    assert line.attempt.due_at == line.now + (10 + 20) * S


def test_silence_begins_when_the_question_was_asked() -> None:
    """Not before: it may be long, and nobody presses a key before having heard which."""
    line = asked(confirm_time_max=7 * S, prompt_time_max=20 * S).after(12 * S)
    assert line.customer(_K.PLAYED) == []
    line.silence(DueReason.CONFIRM_OVER)
    assert line.now == START + 19 * S
    assert line.attempt.confirmation is Confirmation.SILENT


@pytest.mark.parametrize("key", ["1", "9"])
def test_a_key_may_be_pressed_while_the_question_is_asked(key: str) -> None:
    """It is heard at once; and that the question is over is nothing new to who has answered it."""
    line = asked(SIMULTANEOUS)
    line.agent(_K.ANSWERED)
    assert line.after(2 * S).presses(key) == (
        ["StopPlay leg_customer", "Bridge"] if key == "1" else ["Play leg_customer press_to_connect"]
    )
    if key == "1":
        assert line.says_nothing_new(CUSTOMER_LEG, _K.PLAYED)
    else:
        line.customer(_K.PLAYED)
        assert line.attempt.due_at == START + 12 * S


def test_a_person_who_presses_nothing_is_no_machine() -> None:
    """Who is known to be one is left no message, and has left; the agent is told so."""
    line = ringing_on(confirm=Confirm.ALWAYS)
    line.customer(_K.ANSWERED, answered_by=HUMAN)
    assert line.silence(DueReason.CONFIRM_OVER) == [
        "HangUp leg_agent customer_left",
        "HangUp leg_customer could_not_connect",
    ]
    assert (line.ended_as, line.attempt.confirmation) == ("answered_then_left", Confirmation.SILENT)


def test_a_person_who_is_found_out_while_asked_is_no_machine_either() -> None:
    """Detected after the answer, and asked on, for everybody has to press a key."""
    line = asked()
    line.customer(_K.DETECTED, answered_by=HUMAN)
    line.silence(DueReason.CONFIRM_OVER)
    assert line.ended_as == "answered_then_left"


# ---------------------------------------------------------------------------- what answered is found out late


def test_a_machine_is_detected_while_the_customer_is_asked() -> None:
    """It is not asked on."""
    line = asked()
    assert line.customer(_K.DETECTED, answered_by=MACHINE) == [
        "HangUp leg_agent customer_not_reached",
        "HangUp leg_customer voicemail",
    ]
    assert (line.ended_as, line.attempt.answered_by) == ("machine", MACHINE)


def test_a_machine_is_detected_while_it_holds() -> None:
    """The agent whose phone rings need not come."""
    line = holding()
    assert line.customer(_K.DETECTED, answered_by=MACHINE) == [
        "HangUp leg_agent",
        "HangUp leg_customer voicemail",
    ]
    assert line.ended_as == "machine"


def test_a_machine_is_detected_while_they_are_being_joined() -> None:
    """The agent is spared it; the bridge that is reported then is none."""
    line = joining()
    line.customer(_K.DETECTED, answered_by=MACHINE)
    assert line.ended_as == "machine"
    assert line.says_nothing_new(CUSTOMER_LEG, _K.BRIDGED)


@pytest.mark.parametrize(
    ("confirm", "effects"),
    [
        (Confirm.UNLESS_HUMAN, ["StopPlay leg_customer", "Bridge"]),
        (Confirm.ALWAYS, []),
    ],
)
def test_a_person_is_detected_while_asked(confirm: Confirm, effects: list[str]) -> None:
    """Needs to press nothing any more, unless everybody has to."""
    line = ringing_on(confirm=confirm)
    line.customer(_K.ANSWERED)
    assert line.customer(_K.DETECTED, answered_by=HUMAN) == effects
    assert line.attempt.answered_by is HUMAN


@pytest.mark.parametrize("answered_by", [MACHINE, FAX, UNKNOWN])
@pytest.mark.parametrize("mode", [AGENT_FIRST, CUSTOMER_FIRST])
def test_who_pressed_a_key_is_no_machine(mode: Mode, answered_by: AnsweredBy) -> None:
    """Whatever a late detection says, being joined or holding."""
    line = asked(mode)
    line.presses("1")
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DETECTED, answered_by=answered_by)
    assert (line.state, line.attempt.answered_by) == (
        "joining" if mode is AGENT_FIRST else "customer_on_line",
        HUMAN,
    )


@pytest.mark.parametrize("at", [joining, holding, asked])
def test_a_detection_in_doubt_takes_back_nothing(at: Any) -> None:
    """NOTSURE after HUMAN: what was known stays known."""
    line = at()
    line.customer(_K.DETECTED, answered_by=HUMAN)
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DETECTED, answered_by=UNKNOWN)
    assert line.attempt.answered_by is HUMAN


def test_a_fax_is_left_nothing() -> None:
    """No message, and a disposition of its own."""
    line = asked()
    assert line.customer(_K.DETECTED, answered_by=FAX) == [
        "HangUp leg_agent customer_not_reached",
        "HangUp leg_customer",
    ]
    assert line.ended_as == "fax"


# ---------------------------------------------------------------------------- voicemail


def voicemail(left: Voicemail) -> dict[str, Any]:
    return {"retry_rules": {Disposition.MACHINE: RetryRule(voicemail=left)}}


@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        (voicemail(Voicemail.PROMPT), " voicemail"),
        (voicemail(Voicemail.NOTHING), ""),
        ({"retry_rules": {}}, ""),
    ],
)
def test_what_a_machine_hears(settings: dict[str, Any], prompt: str) -> None:
    """The prompt, or nothing, as the rule for machines says; nothing where there is none."""
    line = ringing_on(**settings)
    assert line.customer(_K.ANSWERED, answered_by=MACHINE) == [
        "HangUp leg_agent customer_not_reached",
        f"HangUp leg_customer{prompt}",
    ]


def test_the_agent_speaks_to_the_machine() -> None:
    """They are joined; but it ends as a machine, and is no conversation."""
    line = ringing_on(**voicemail(Voicemail.AGENT))
    assert line.customer(_K.ANSWERED, answered_by=MACHINE) == ["StopPlay leg_customer", "Bridge"]
    line.customer(_K.BRIDGED)
    assert line.state == "connected"
    assert line.agent(_K.ENDED) == ["HangUp leg_customer"]
    assert line.ended_as == "machine"


def test_the_agent_speaks_to_a_machine_that_is_found_out_late() -> None:
    """Detected while they are being joined: they go on, and have no more time for it; and it is kept."""
    line = joining(**voicemail(Voicemail.AGENT))
    due_at = line.attempt.due_at
    assert line.after(S).customer(_K.DETECTED, answered_by=MACHINE) == []
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DETECTED, answered_by=MACHINE)
    assert (line.state, line.attempt.due_at, line.attempt.answered_by) == ("joining", due_at, MACHINE)


def test_the_agent_speaks_to_a_machine_that_was_asked_to_press_a_key() -> None:
    """What is played is stopped, and they are joined."""
    line = asked(**voicemail(Voicemail.AGENT))
    assert line.customer(_K.DETECTED, answered_by=MACHINE) == ["StopPlay leg_customer", "Bridge"]


def test_a_machine_hangs_up_on_the_agent_before_they_are_joined() -> None:
    """The tape was full: a machine all the same."""
    line = ringing_on(**voicemail(Voicemail.AGENT))
    line.customer(_K.ANSWERED, answered_by=MACHINE)
    assert line.customer(_K.ENDED) == ["HangUp leg_agent customer_left"]
    assert line.ended_as == "machine"


def test_an_agent_who_never_hangs_up_on_a_machine() -> None:
    """The deadline of a talk ends it, as a machine."""
    line = ringing_on(**voicemail(Voicemail.AGENT))
    line.customer(_K.ANSWERED, answered_by=MACHINE)
    line.customer(_K.BRIDGED)
    line.silence(DueReason.TALK_OVERDUE)
    assert line.ended_as == "machine"


def test_where_no_agent_is_there_yet_the_prompt_speaks() -> None:
    """Customer first: nobody is fetched to speak to a machine."""
    line = Line(CUSTOMER_FIRST, **voicemail(Voicemail.AGENT))
    assert line.customer(_K.ANSWERED, answered_by=MACHINE) == ["HangUp leg_customer voicemail"]


def test_who_presses_nothing_is_not_joined_to_the_agent() -> None:
    """Only what is known to be a machine is spoken to by an agent; else the prompt speaks."""
    line = asked(**voicemail(Voicemail.AGENT))
    assert line.silence(DueReason.CONFIRM_OVER) == [
        "HangUp leg_agent customer_not_reached",
        "HangUp leg_customer voicemail",
    ]


# ---------------------------------------------------------------------------- extensions


@pytest.mark.parametrize(
    ("mode", "then"),
    [
        (AGENT_FIRST, ["Bridge"]),
        (CUSTOMER_FIRST, ["Play leg_customer please_hold", "Dial leg_agent"]),
        (SIMULTANEOUS, ["Play leg_customer please_hold"]),
    ],
)
@pytest.mark.parametrize("answered_by", [HUMAN, UNKNOWN, MACHINE, FAX])
def test_an_extension_is_pressed_after_the_answer(
    mode: Mode, then: list[str], answered_by: AnsweredBy
) -> None:
    """Before anything else; and that a machine answered says nothing: a switchboard is expected there."""
    line = Line(mode, extension="7")
    if mode is AGENT_FIRST:
        line.agent(_K.ANSWERED)
    assert line.customer(_K.ANSWERED, answered_by=answered_by) == ["SendDigits leg_customer 7", *then]
    assert line.attempt.answered_by is (HUMAN if answered_by is HUMAN else UNKNOWN)


def test_an_extension_is_pressed_before_a_key_is_asked_for() -> None:
    """The person behind it is asked, not the switchboard."""
    line = ringing_on(extension="7", confirm=Confirm.UNLESS_HUMAN)
    assert line.customer(_K.ANSWERED, answered_by=MACHINE) == [
        "SendDigits leg_customer 7",
        "Play leg_customer press_to_connect",
    ]


def test_an_extension_is_pressed_once() -> None:
    """An answer that is reported twice presses nothing again."""
    line = ringing_on(extension="7")
    line.customer(_K.ANSWERED, _K.ANSWERED)
    assert sum(isinstance(effect, SendDigits) for effect in line.book.effects) == 1


@pytest.mark.parametrize("answered_by", [MACHINE, FAX])
@pytest.mark.parametrize("confirm", [Confirm.NEVER, Confirm.UNLESS_HUMAN])
def test_a_machine_that_is_detected_before_an_extension_says_nothing(
    confirm: Confirm, answered_by: AnsweredBy
) -> None:
    """The switchboard is one; the call goes on."""
    line = ringing_on(extension="7", confirm=confirm)
    line.customer(_K.ANSWERED)
    assert line.says_nothing_new(CUSTOMER_LEG, _K.DETECTED, answered_by=answered_by)


def test_a_conversation_behind_a_switchboard_is_a_conversation() -> None:
    """That a machine answered first does not make it one with a machine."""
    line = ringing_on(extension="7")
    line.customer(_K.ANSWERED, answered_by=MACHINE)
    line.customer(_K.BRIDGED, _K.ENDED)
    assert line.ended_as == "connected"


def test_another_number_of_the_same_person_has_no_extension() -> None:
    """It rings by itself: nothing is pressed, and a machine there is one."""
    line = ringing_on(extension="7", number_index=1)
    assert line.customer(_K.ANSWERED) == ["Bridge"]
    line = ringing_on(extension="7", number_index=1)
    line.customer(_K.ANSWERED, answered_by=MACHINE)
    assert line.ended_as == "machine"


# ---------------------------------------------------------------------------- the agent does not come


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_the_agent_declines_while_the_customer_holds(mode: Mode) -> None:
    """The next agent is rung on a leg of their own; the customer holds on, and no longer for that."""
    line = holding(mode)
    hold_until_at = line.attempt.customer_until_at
    assert line.after(5 * S).agent(_K.ENDED) == []
    assert line.finds("bob") == ["ReserveAgent bob", f"Dial {SECOND_LEG}"]
    assert (line.state, line.attempt.customer_until_at) == ("customer_on_line", hold_until_at)
    assert line.agent(_K.ANSWERED, leg_id=SECOND_LEG) == ["StopPlay leg_customer", "Bridge"]
    bridge = line.book.effects[-1]
    assert getattr(bridge, "agent_leg_id", None) == SECOND_LEG
    line.agent(_K.BRIDGED, leg_id=SECOND_LEG)
    assert (line.state, line.attempt.agent_id) == ("connected", "bob")


def test_the_agent_declines_while_the_customers_phone_rings() -> None:
    """Simultaneous: the next agent is rung at once."""
    line = Line(SIMULTANEOUS)
    assert line.agent(_K.ENDED) == []
    assert line.finds("bob") == ["ReserveAgent bob", f"Dial {SECOND_LEG}"]
    assert line.agent(_K.ANSWERED, leg_id=SECOND_LEG) == []
    assert line.customer(_K.ANSWERED) == ["Bridge"]


def test_the_agent_declines_while_the_customer_is_asked() -> None:
    """Simultaneous: the customer hears nothing of it."""
    line = asked(SIMULTANEOUS)
    assert line.agent(_K.ENDED) == []
    assert (line.state, line.attempt.due_reason) == ("confirming", DueReason.CONFIRM_OVER)
    line.finds("bob")
    line.agent(_K.ANSWERED, leg_id=SECOND_LEG)
    assert line.presses("1") == ["StopPlay leg_customer", "Bridge"]


def test_the_agent_declines_before_the_customer_is_dialed() -> None:
    """Agent first: nobody waits, so the attempt is over; the callback keeps its place."""
    line = Line(AGENT_FIRST)
    assert line.agent(_K.ENDED) == []
    assert (line.state, line.ended_as) == ("ended", "agent_unavailable")
    assert not attempt.wants_agent(line.attempt)


@pytest.mark.parametrize("is_found", [False, True])
def test_the_late_answer_of_the_first_agent_is_hung_up(is_found: bool) -> None:
    """Whether or not the next one was found yet; and it takes the attempt from nobody."""
    line = holding()
    line.agent(_K.ENDED)
    if is_found:
        line.finds("bob")
    before = line.attempt
    assert line.agent(_K.ANSWERED) == [f"HangUp {FIRST_LEG}"]
    assert line.attempt == before
    assert line.says_nothing_new(FIRST_LEG, _K.ENDED)
    assert line.book.events[-1].reason == "the leg of an earlier agent"  # type: ignore[attr-defined]


def test_the_agent_does_not_pick_up_while_the_customer_holds() -> None:
    """That phone is hung up; another agent is looked for; the one who does not pick up has no leg any more."""
    line = holding()
    assert line.silence(DueReason.AGENT_RING_OVER) == [f"HangUp {FIRST_LEG}"]
    assert attempt.wants_agent(line.attempt)
    assert line.finds("bob") == ["ReserveAgent bob", f"Dial {SECOND_LEG}"]
    assert line.agent(_K.ANSWERED) == [f"HangUp {FIRST_LEG}"]


def test_agent_after_agent_declines() -> None:
    """Each has a leg of their own; and none of the earlier ones is listened to."""
    line = holding()
    for number, leg_id in enumerate([FIRST_LEG, SECOND_LEG, "leg_agent.3"], start=2):
        line.agent(_K.RINGING, _K.ENDED, leg_id=leg_id)
        assert line.finds(f"agent_{number}")[1] == f"Dial leg_agent.{number}"
    assert line.agent(_K.ANSWERED, leg_id=SECOND_LEG) == [f"HangUp {SECOND_LEG}"]
    assert line.agent(_K.ANSWERED, leg_id="leg_agent.4") == ["StopPlay leg_customer", "Bridge"]


def test_the_customer_leaves_while_an_agent_is_looked_for() -> None:
    """There is nobody left: it is over at once, and looks for no agent."""
    line = holding()
    line.agent(_K.ENDED)
    line.customer(_K.ENDED)
    assert (line.state, line.ended_as) == ("ended", "answered_then_left")
    assert not attempt.wants_agent(line.attempt)


def test_the_customer_answers_while_an_agent_is_looked_for() -> None:
    """Customer first, and the agent left meanwhile: the customer holds, and who is found then is rung."""
    line = Line(CUSTOMER_FIRST)
    assert line.agent_leaves() == []
    assert line.customer(_K.ANSWERED) == ["Play leg_customer please_hold"]
    assert line.finds("bob") == ["ReserveAgent bob", "Dial leg_agent"]


def test_an_agent_is_found_before_the_customer_answers() -> None:
    """Customer first: they are kept, and rung when the customer is there."""
    line = Line(CUSTOMER_FIRST)
    line.agent_leaves()
    assert line.finds("bob") == ["ReserveAgent bob"]
    assert line.customer(_K.ANSWERED) == ["Play leg_customer please_hold", "Dial leg_agent"]


def test_the_hold_is_over() -> None:
    """Nobody came within the time: the customer is told so, and it was our doing."""
    line = holding(customer_hold_max=15 * S)
    held_from = line.now
    assert line.silence(DueReason.CUSTOMER_HOLD_OVER) == [
        "HangUp leg_agent",
        "HangUp leg_customer could_not_connect",
    ]
    assert (line.ended_as, line.now - held_from) == ("agent_unavailable", 15 * S)
    assert line.agent(_K.ANSWERED) == ["HangUp leg_agent"]


def test_the_hold_begins_when_the_key_is_pressed() -> None:
    """Being asked is no holding."""
    line = asked(CUSTOMER_FIRST, customer_hold_max=15 * S).after(6 * S)
    line.presses("1")
    assert line.attempt.customer_until_at == START + 21 * S


def test_an_agent_who_leaves_while_their_phone_rings_is_hung_up() -> None:
    """By the next step, on a node that reaches the phone; then another one is looked for."""
    line = holding().after(2 * S)
    assert line.agent_leaves() == []
    assert line.silence(DueReason.AGENT_RING_OVER) == [f"HangUp {FIRST_LEG}"]
    assert line.now == START + 2 * S
    assert line.finds("bob")[1] == f"Dial {SECOND_LEG}"


def test_an_agent_who_has_gone_leaves_nothing_behind() -> None:
    """Who has declined, and then signs off, changes nothing."""
    line = holding()
    line.agent(_K.ENDED)
    before = line.attempt
    assert line.agent_leaves() == []
    assert line.attempt == before


# ---------------------------------------------------------------------------- ringing on


def rings_until(ring_on_max: timedelta | None, agent_after: timedelta) -> datetime:
    line = Line(SIMULTANEOUS, ring_on_max=ring_on_max, ring_time=45 * S, agent_ring_time=60 * S)
    line.after(agent_after).agent(_K.ANSWERED)
    until = line.attempt.customer_until_at
    assert until is not None
    assert (line.attempt.due_at, line.attempt.due_reason) == (until, DueReason.RING_OVER)
    return until


@pytest.mark.parametrize(
    ("ring_on_max", "agent_after", "in_all"),
    [
        (None, 20, 55),  # As long as it may: 45 s of ringing, 10 s until that must be known.
        (18, 20, 38),
        (18, 0, 18),
        (10, 0, 15),  # Never below 15 s in all.
        (5, 4, 15),
        (5, 10, 15),
        (5, 11, 16),
        (18, 40, 55),  # Nor longer than it would have rung anyway.
    ],
)
def test_how_long_the_customers_phone_rings_on(
    ring_on_max: int | None, agent_after: int, in_all: int
) -> None:
    """Simultaneous: once the agent is there, so much longer; counted from the dial, never below 15 s."""
    limit = None if ring_on_max is None else ring_on_max * S
    assert rings_until(limit, agent_after * S) == START + in_all * S


def test_the_customer_does_not_answer_while_the_agent_waits() -> None:
    """The agent is told; and a phone that rang is a missed call."""
    line = Line(SIMULTANEOUS, ring_on_max=18 * S)
    line.customer(_K.RINGING)
    line.agent(_K.ANSWERED)
    assert line.silence(DueReason.RING_OVER) == [
        "HangUp leg_agent customer_not_reached",
        "HangUp leg_customer",
    ]
    assert line.ended_as == "no_answer"


def test_ringing_on_is_for_simultaneous_only() -> None:
    """In agent first the customer's phone rings as long as policy says."""
    line = Line(AGENT_FIRST, ring_on_max=5 * S, ring_time=45 * S)
    line.agent(_K.ANSWERED)
    assert line.attempt.customer_until_at == START + 55 * S


# ---------------------------------------------------------------------------- what is heard at the end


def test_a_cancellation_while_the_customer_holds() -> None:
    """Said to the customer who cancelled; the agent whose phone rings hears nothing, and one who is there, why."""
    line = holding()
    line.is_cancelled()
    assert line.silence(DueReason.HANG_UP_WANTED) == ["HangUp leg_agent", "HangUp leg_customer called_off"]
    line = joining()
    line.is_cancelled()
    assert line.silence(DueReason.HANG_UP_WANTED) == [
        "HangUp leg_agent no_longer_needed",
        "HangUp leg_customer called_off",
    ]


def test_a_callback_that_is_settled_while_the_customer_holds() -> None:
    """It is not the customer's wish: nobody says that we do not call again."""
    line = joining()
    line._write(attempt.call_off(line.attempt, Disposition.UNKNOWN, line.context, by="ann"))
    assert line.silence(DueReason.HANG_UP_WANTED) == [
        "HangUp leg_agent no_longer_needed",
        "HangUp leg_customer could_not_connect",
    ]


def test_a_leg_that_hears_something_is_given_the_time() -> None:
    """`prompt_time_max` and `hang_up_time_max`; where nothing is said, the latter alone."""
    line = ringing_on(prompt_time_max=20 * S)
    line.customer(_K.ENDED, cause=Cause.BUSY)
    assert line.attempt.due_at == START + 30 * S
    line = Line(SIMULTANEOUS, prompt_time_max=20 * S)
    line.customer(_K.ENDED, cause=Cause.BUSY)
    assert line.attempt.due_at == START + 10 * S
    line = connected(prompt_time_max=20 * S)
    line.agent(_K.ENDED)
    assert line.attempt.due_at == START + 10 * S


def test_each_hears_it_in_their_own_language() -> None:
    """The customer in theirs, the agent in the house's, whoever the customer is."""
    line = asked(language="de", prompts={"de": {Prompt.CUSTOMER_DECLINED: "Kein Anruf erwünscht."}})
    line.presses("2")
    to_agent, to_customer = (effect for effect in line.book.effects if isinstance(effect, HangUp))
    assert (to_agent.text, to_agent.language) == ("Kein Anruf erwünscht.", "de")
    assert (to_customer.text, to_customer.language) == ("Thank you. We will get back to you later.", "en")


def test_a_recording_that_is_told_of_when_all_is_over() -> None:
    """The PBX closes its file after the call: its name is kept, and nothing else is changed by it."""
    line = connected()
    line.customer(_K.UNBRIDGED)
    line.agent(_K.ENDED)
    line.customer(_K.ENDED)
    before = line.attempt
    assert line.after(S).customer(_K.ENDED, recording_id="rec_1") == []
    assert changed(before, line.attempt) == {"recording_id": "rec_1"}
    assert line.says_nothing_new(CUSTOMER_LEG, _K.ENDED, recording_id="rec_1")


def test_who_answers_an_attempt_that_is_over_is_hung_up_with_a_recording_too() -> None:
    """Nobody is left in silence for the sake of a file."""
    line = Line(AGENT_FIRST)
    line.agent(_K.ENDED)
    assert line.report(FIRST_LEG, _K.ANSWERED, recording_id="rec_1") == [f"HangUp {FIRST_LEG}"]
    assert line.attempt.recording_id == "rec_1"


# ---------------------------------------------------------------------------- the end is settled by a person


def test_the_word_of_a_person_stands_over_what_was_reported() -> None:
    """The attempt is ending as unknown; somebody knows better."""
    line = joining()
    line.silence(DueReason.JOIN_OVERDUE)
    decision = attempt.call_off(
        line.attempt, Disposition.CONNECTED, line.context, by="ann", reason="we talked"
    )
    assert line._write(decision) == []
    line.silence(DueReason.HANG_UP_WANTED)
    line.agent(_K.ENDED)
    line.customer(_K.ENDED)
    assert (line.state, line.ended_as) == ("ended", "connected")


def test_a_wrong_person_is_said_during_the_talk() -> None:
    """It goes on until one hangs up, and has ended as the agent said."""
    line = connected()
    line._write(attempt.dispose(line.attempt, Disposition.WRONG_PERSON, line.context, by="ann"))
    assert line.state == "connected"
    assert line.customer(_K.ENDED) == ["HangUp leg_agent"]
    assert line.ended_as == "wrong_person"
