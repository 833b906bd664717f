"""The last call of a callback that nobody takes: an attempt without an agent, and what follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from callbackq.core import announcing, attempt, lifecycle
from callbackq.core.capping import Cap, Capped
from callbackq.core.consequences import After, expired, follow, overdue
from callbackq.core.decision import Decision
from callbackq.core.explain import ClosedHours, ExplainFacts, explain
from callbackq.core.legs import SAID, Context, sorry
from callbackq.core.prompts import ENGLISH
from callbackq.core.reconcile import reports_of
from callbackq.core.retry import End, Failures, Tell, counts, declined, is_told, next_step
from callbackq.effects import Dial, HangUp, LookUp, Notice, Prompt, SendDigits
from callbackq.events import CallbackAnnounced, CallbackEnded
from callbackq.ids import NodeId
from callbackq.model import (
    Ahead,
    Announcement,
    AnsweredBy,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    Cause,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    LegSnapshot,
    LegState,
    Mode,
    NoticeKind,
    Outcome,
    Report,
    ReportKind,
    Subject,
    TelephonySnapshot,
)
from callbackq.policy import AllDeclined, Confirm, QueuePolicy, RetryRule, Voicemail
from core.samples import (
    AGENT_LEG,
    ANN,
    ATTEMPT_ID,
    CALLBACK_ID,
    CUSTOMER_LEG,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    a_callback,
    a_control,
    a_subject,
    an_attempt,
    only_event,
    only_record,
)

_A, _D, _K, _L, _N = AttemptState, Disposition, ReportKind, LegState, NoticeKind
POLICY = QueuePolicy(queue=SUPPORT, all_declined=AllDeclined.TELL)
NOW = START + M
TO_BE_TOLD = a_callback(
    state=CallbackState.HELD,
    hold_reason=HoldReason.TO_BE_TOLD,
    due_at=NOW,
    due_reason=DueReason.TO_BE_TOLD,
    last_disposition=_D.AGENT_UNAVAILABLE,
)
NOBODY = a_subject(extension=None)
UNTOLD = (_N.NO_AGENT, _N.TICKET_NOTE, _N.FOLLOW_UP)
TOLD = (_N.TICKET_NOTE, _N.FOLLOW_UP)


class Call:
    """One announcement with its callback, kept as the service keeps them; the laws of history hold after each step."""

    def __init__(self, *, subject: Subject = NOBODY, mode: Mode = Mode.AGENT_FIRST, **settings: Any) -> None:
        self.subject = subject
        self.policy = attrs.evolve(POLICY, mode=mode, **settings)
        self.now = NOW
        self.book = Book()
        self.effects: list[Any] = []
        held = attrs.evolve(TO_BE_TOLD, mode=mode)
        self.callback = only_record(announcing.begin(held, ATTEMPT_ID, policy=self.policy, now=NOW))
        self._take(
            attempt.announce(
                attrs.evolve(self.context, callback=held),
                Announcement.NO_AGENT,
                attempt_id=ATTEMPT_ID,
                agent_leg_id=AGENT_LEG,
                customer_leg_id=CUSTOMER_LEG,
                node_id=NodeId("node"),
                number_key="digest",
            )
        )

    @property
    def context(self) -> Context:
        return Context(
            callback=getattr(self, "callback", TO_BE_TOLD),
            subject=self.subject,
            policy=self.policy,
            now=self.now,
        )

    @property
    def attempt(self) -> Attempt:
        record = self.book.records[Entity.ATTEMPT, ATTEMPT_ID]
        assert isinstance(record, Attempt)
        return record

    @property
    def said(self) -> list[Prompt | None]:
        """What was said with each order to hang up."""
        return [effect.prompt for effect in self.effects if isinstance(effect, HangUp)]

    def _take(self, decision: Decision) -> Decision:
        self.book.write(decision)
        self.effects += decision.effects
        return decision

    def reports(self, kind: ReportKind, **more: Any) -> Decision:
        """Let the telephony report something of the customer's leg."""
        report = Report(leg_id=CUSTOMER_LEG, kind=kind, **more)
        return self._take(attempt.report(self.attempt, report, self.context))

    def waits(self) -> Decision:
        """Let its deadline come."""
        assert self.attempt.due_at is not None
        self.now = self.attempt.due_at
        return self._take(attempt.deadline(self.attempt, self.context))

    def is_called_off(self, disposition: Disposition = _D.CANCELLED_BY_US) -> Decision:
        return self._take(attempt.call_off(self.attempt, disposition, self.context))

    def end(self) -> tuple[Callback, tuple[NoticeKind, ...]]:
        """Return the callback when the attempt is over, and who is told."""
        assert self.attempt.state is _A.ENDED
        before = attrs.evolve(self.attempt, state=_A.ENDING)
        decision = follow(After(before=before, after=self.attempt, agent=None), self.context)
        callback = only_record(decision)
        assert isinstance(callback, Callback)
        return callback, tuple(effect.kind for effect in decision.effects if isinstance(effect, Notice))


# ---------------------------------------------------------------------------- to be told


@pytest.mark.parametrize("rang", [False, True])
@pytest.mark.parametrize("choice", [AllDeclined.TELL, AllDeclined.END])
def test_what_follows_when_the_last_agent_declines(choice: AllDeclined, rang: bool) -> None:
    """F5: TELL: the customer is to be called; END: it ends, and a notice says so. Whatever else the rules say."""
    step = next_step(
        a_callback(attempts_count=9),
        an_attempt(disposition=_D.AGENT_UNAVAILABLE, customer_rang=rang),
        failures=Failures(all_declined=True),
        policy=attrs.evolve(POLICY, all_declined=choice),
        now=NOW,
    )
    assert step == (Tell() if choice is AllDeclined.TELL else declined(told_by_call=False))


@pytest.mark.parametrize("counted", [False, True])
def test_who_is_to_be_told_is_out_of_the_line_and_due_at_once(counted: bool) -> None:
    """The attempt that was declined counts as it did; the callback is HELD, and no attempt is its own any more."""
    before = a_callback(state=CallbackState.ATTEMPTING, attempt_id=ATTEMPT_ID, attempts_count=1)
    decision = lifecycle.attempt_failed(
        before, disposition=_D.AGENT_UNAVAILABLE, step=Tell(), policy=POLICY, now=NOW, counted=counted
    )
    held = only_record(decision)
    assert announcing.is_to_be_told(held)
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.TO_BE_TOLD)
    assert (held.due_at, held.due_reason) == (NOW, DueReason.TO_BE_TOLD)
    assert (held.attempt_id, held.attempts_count) == (None, 1 + counted)
    assert held.last_disposition is _D.AGENT_UNAVAILABLE
    assert only_event(decision).hold_reason is HoldReason.TO_BE_TOLD
    assert not announcing.is_to_be_told(before)


def test_nobody_is_told_of_a_call_that_is_to_come() -> None:
    """No notice goes out before it is known whether the call told them."""
    before = an_attempt(state=_A.ENDING)
    after = an_attempt(state=_A.ENDED, disposition=_D.AGENT_UNAVAILABLE)
    callback = a_callback(state=CallbackState.ATTEMPTING, attempt_id=ATTEMPT_ID)
    moved = After(before=before, after=after, agent=None, failures=Failures(all_declined=True))
    decision = follow(moved, Context(callback=callback, subject=NOBODY, policy=POLICY, now=NOW))
    assert announcing.is_to_be_told(only_record(decision))
    assert decision.effects == ()


@pytest.mark.parametrize(
    ("until", "due"),
    [
        (NOW + H, (NOW + H, DueReason.TO_BE_TOLD)),
        (START + D, (START + D, DueReason.EXPIRES)),
        (START + 2 * D, (START + D, DueReason.EXPIRES)),
    ],
)
def test_a_call_is_put_off_and_never_beyond_its_life(
    until: datetime, due: tuple[datetime, DueReason]
) -> None:
    """Still to be told, still out of the line; at the end of its life that is over, too."""
    decision = announcing.put_off(TO_BE_TOLD, until=until, now=NOW)
    later = only_record(decision)
    assert (later.due_at, later.due_reason) == due
    assert attrs.evolve(later, due_at=NOW, due_reason=DueReason.TO_BE_TOLD, version=1) == TO_BE_TOLD
    assert only_event(decision).kind == "callback_held"


@pytest.mark.parametrize(("wrong", "told"), [((), UNTOLD), ((NOBODY.number,), TOLD)])
def test_who_cannot_be_called_in_time_is_told_by_a_notice(
    wrong: tuple[str, ...], told: tuple[NoticeKind, ...]
) -> None:
    """Its life is over: declined by agents, as it was; nothing goes to a number that is somebody else's."""
    subject = a_subject(extension=None, wrong_numbers=wrong)
    decision = expired(TO_BE_TOLD, subject, now=START + D)
    callback = only_record(decision)
    assert (callback.outcome, callback.ended_at) == (Outcome.DECLINED_BY_AGENTS, START + D)
    assert (callback.attempts_count, callback.hold_reason) == (0, None)
    assert callback.last_disposition is _D.AGENT_UNAVAILABLE
    event = only_event(decision)
    assert isinstance(event, CallbackEnded)
    assert (event.reason, event.notices) == ("all_declined", told)
    assert event.follow_up_due_at == START + 2 * D
    assert [effect.kind for effect in decision.effects if isinstance(effect, Notice)] == [*told]


def test_who_has_another_number_than_the_wrong_one_is_told() -> None:
    """One right number is enough."""
    subject = a_subject(extension=None, alternatives=("+12125550199",), wrong_numbers=(NOBODY.number,))
    assert only_event(announcing.untold(TO_BE_TOLD, subject, now=NOW)).notices == UNTOLD


# ---------------------------------------------------------------------------- the call


@pytest.mark.parametrize("mode", Mode)
def test_the_call_begins_with_the_customer_and_no_agent(mode: Mode) -> None:
    """Whatever the mode of the queue: one leg, nobody reserved, nobody looked for."""
    call = Call(mode=mode)
    (dial,) = call.effects
    assert isinstance(dial, Dial)
    assert (dial.leg_id, dial.number, dial.agent_id) == (CUSTOMER_LEG, NOBODY.number, None)
    at = call.attempt
    assert (at.state, at.mode, at.announces) == (_A.INTENDED, Mode.CUSTOMER_FIRST, Announcement.NO_AGENT)
    assert (at.agent_id, at.agent_leg, at.agents_rung_count) == (None, _L.NONE, 0)
    assert (at.customer_leg, at.due_reason) == (_L.INTENDED, DueReason.RING_OVER)
    assert at.due_at == NOW + POLICY.ring_time + POLICY.hang_up_time_max
    assert not attempt.wants_agent(at)
    assert attempt.wants_agent(attrs.evolve(at, announces=None))


def test_the_callback_is_being_attempted_meanwhile() -> None:
    """It has the attempt, and must be over when that must be over; nobody was overtaken, and no turn came."""
    held = attrs.evolve(TO_BE_TOLD, number_index=2)
    decision = announcing.begin(held, ATTEMPT_ID, policy=POLICY, now=NOW)
    callback, event = only_record(decision), only_event(decision)
    assert (callback.state, callback.attempt_id) == (CallbackState.ATTEMPTING, ATTEMPT_ID)
    assert (callback.due_at, callback.due_reason) == (
        NOW + lifecycle.attempt_time_max(POLICY),
        DueReason.ATTEMPT_OVERDUE,
    )
    assert (callback.hold_reason, callback.turn_at, callback.attempts_count) == (None, None, 0)
    assert isinstance(event, CallbackAnnounced)
    assert (event.attempt_id, event.number_index) == (ATTEMPT_ID, 2)


@pytest.mark.parametrize("confirm", Confirm)
@pytest.mark.parametrize(
    ("by", "disposition"),
    [
        (AnsweredBy.HUMAN, _D.AGENT_UNAVAILABLE),
        (AnsweredBy.UNKNOWN, _D.AGENT_UNAVAILABLE),
        (AnsweredBy.MACHINE, _D.MACHINE),
    ],
)
def test_whoever_answers_is_told_and_the_leg_ends(
    by: AnsweredBy, disposition: Disposition, confirm: Confirm
) -> None:
    """No key is asked for, nobody holds, and a machine hears it whatever the policy says of voicemail."""
    call = Call(confirm=confirm, retry_rules={_D.MACHINE: RetryRule(voicemail=Voicemail.NOTHING)})
    call.reports(_K.RINGING)
    decision = call.reports(_K.ANSWERED, answered_by=by)
    (hang_up,) = decision.effects
    assert isinstance(hang_up, HangUp)
    assert (hang_up.prompt, hang_up.language) == (Prompt.NO_AGENT, "en")
    assert hang_up.text is not None
    assert hang_up.text.startswith("Hello, this is our team. We are sorry: nobody can take your callback")
    assert (call.attempt.state, call.attempt.disposition) == (_A.ENDING, disposition)
    call.reports(_K.ENDED)
    assert is_told(call.attempt)
    callback, told = call.end()
    assert (callback.outcome, callback.attempts_count) == (Outcome.DECLINED_BY_AGENTS, 0)
    assert (callback.last_disposition, told) == (_D.AGENT_UNAVAILABLE, TOLD)


def test_the_ticket_says_that_the_customer_was_told() -> None:
    """The company need not call to say it once more."""
    call = Call()
    call.reports(_K.ANSWERED)
    call.reports(_K.ENDED)
    before = attrs.evolve(call.attempt, state=_A.ENDING)
    decision = follow(After(before=before, after=call.attempt, agent=None), call.context)
    (note,) = [one.note for one in decision.effects if isinstance(one, Notice) and one.note]
    assert note == (
        "Callback declined by agents after 0 attempts; the last ended as agent unavailable."
        " The customer was called and told so."
    )


def test_a_fax_hears_nothing_and_the_customer_is_told_otherwise() -> None:
    """No words to a fax."""
    call = Call()
    call.reports(_K.ANSWERED, answered_by=AnsweredBy.FAX)
    call.reports(_K.ENDED)
    assert call.said == [None]
    assert (call.attempt.disposition, call.end()[1]) == (_D.FAX, UNTOLD)


@pytest.mark.parametrize("by", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN, AnsweredBy.MACHINE, AnsweredBy.FAX])
def test_behind_an_extension_nobody_knows_who_has_heard_it(by: AnsweredBy) -> None:
    """It is dialed and told; but since the switchboard may have heard it alone, the notice goes out as well."""
    call = Call(subject=a_subject(extension="7"))
    decision = call.reports(_K.ANSWERED, answered_by=by)
    digits, hang_up = decision.effects
    assert isinstance(digits, SendDigits)
    assert isinstance(hang_up, HangUp)
    assert (digits.digits, hang_up.prompt) == ("7", Prompt.NO_AGENT)
    call.reports(_K.ENDED)
    assert (call.attempt.disposition, call.end()[1]) == (_D.UNKNOWN, UNTOLD)


@pytest.mark.parametrize("cause", Cause)
def test_who_is_not_reached_is_not_called_again(cause: Cause) -> None:
    """F5: tried once: whatever the end means elsewhere, it is the end here, with a notice."""
    call = Call()
    call.reports(_K.ENDED, cause=cause)
    assert call.attempt.disposition is attempt.CUSTOMER_DISPOSITION[cause]
    callback, told = call.end()
    assert (callback.outcome, callback.attempts_count, told) == (Outcome.DECLINED_BY_AGENTS, 0, UNTOLD)
    assert callback.last_disposition is _D.AGENT_UNAVAILABLE


@pytest.mark.parametrize("rang", [True, False])
def test_a_phone_that_rings_in_vain_is_hung_up(rang: bool) -> None:
    """When the ring time is over; not reached, or nobody knows."""
    call = Call()
    if rang:
        call.reports(_K.RINGING)
    call.waits()
    assert call.attempt.disposition is (_D.NO_ANSWER if rang else _D.UNKNOWN)
    call.reports(_K.ENDED)
    assert (call.said, call.end()[1]) == ([None], UNTOLD)


@pytest.mark.parametrize("by", AnsweredBy)
@pytest.mark.parametrize("rang", [True, False])
def test_who_answers_as_it_is_hung_up_is_told_nevertheless(rang: bool, by: AnsweredBy) -> None:
    """And is not told once more by a notice, unless it was a fax."""
    call = Call()
    if rang:
        call.reports(_K.RINGING)
    call.waits()
    call.reports(_K.ANSWERED, answered_by=by)
    assert call.said == [None, Prompt.NO_AGENT]
    call.reports(_K.ENDED)
    assert call.end()[1] == (UNTOLD if by is AnsweredBy.FAX else TOLD)


@pytest.mark.parametrize("by", [AnsweredBy.HUMAN, AnsweredBy.MACHINE])
def test_an_end_that_nobody_reports_leaves_in_doubt_whether_they_were_told(by: AnsweredBy) -> None:
    """The telephony is asked; and the customer is told by a notice, rather than not at all."""
    call = Call()
    call.reports(_K.ANSWERED, answered_by=by)
    asked = call.waits()
    assert LookUp(attempt_id=ATTEMPT_ID) in asked.effects
    while call.attempt.state is not _A.ENDED:
        call.waits()
    assert (call.attempt.disposition, call.end()[1]) == (_D.UNKNOWN, UNTOLD)


def test_nothing_but_the_customers_leg_can_be_reported() -> None:
    """There is no agent's leg: what is said of one changes nothing, an answer is hung up, and no agent can leave it."""
    call = Call()
    for kind in ReportKind:
        if kind not in (_K.BRIDGED, _K.UNBRIDGED):
            report = Report(leg_id=AGENT_LEG, kind=kind)
            decision = attempt.report(call.attempt, report, call.context)
            hung_up = (HangUp(leg_id=AGENT_LEG),) if kind is _K.ANSWERED else ()
            assert (decision.records, decision.effects) == ((), hung_up)
    assert attempt.agent_left(call.attempt, call.context) == Decision()


@pytest.mark.parametrize("kind", [_K.DIGIT, _K.DETECTED, _K.PLAYED])
def test_what_is_heard_while_they_are_told_changes_nothing(kind: ReportKind) -> None:
    """No key means anything, and what answered is not asked again."""
    call = Call()
    call.reports(_K.ANSWERED)
    before = call.attempt
    more = {"digits": "3"} if kind is _K.DIGIT else {"answered_by": AnsweredBy.MACHINE}
    call.reports(kind, **more)
    assert call.attempt == before


# ---------------------------------------------------------------------------- taken back, settled, lost


def test_a_call_that_we_take_back_is_put_off() -> None:
    """The customer calls us while their phone rings: to be told is what they still are."""
    call = Call()
    call.reports(_K.RINGING)
    call.is_called_off()
    call.waits()
    call.reports(_K.ENDED, cause=Cause.CANCELLED)
    callback, told = call.end()
    assert announcing.is_to_be_told(callback)
    assert (callback.due_at, callback.attempts_count, told) == (call.now, 0, ())


def test_who_answers_a_call_that_was_taken_back_hears_that_it_was() -> None:
    """Not that nobody can take it: the customer may have cancelled, or be served just now."""
    call = Call()
    call.is_called_off()
    call.reports(_K.ANSWERED)
    assert call.said == [Prompt.CALLED_OFF]
    assert call.attempt.disposition is _D.CANCELLED_BY_US


def test_a_person_may_say_how_it_ended() -> None:
    """Settled as no answer while its phone rings: it is over, and the customer is told by a notice."""
    call = Call()
    call.reports(_K.RINGING)
    call._take(attempt.call_off(call.attempt, _D.NO_ANSWER, call.context, by="bob"))
    call.waits()
    call.reports(_K.ENDED)
    callback, told = call.end()
    assert (callback.outcome, told) == (Outcome.DECLINED_BY_AGENTS, UNTOLD)


def test_a_person_may_say_that_they_talked() -> None:
    """Then the promise is kept."""
    call = Call()
    call._take(attempt.call_off(call.attempt, _D.CONNECTED, call.context, by="bob"))
    call.waits()
    call.reports(_K.ENDED)
    assert call.end()[0].outcome is Outcome.COMPLETED


def test_an_attempt_that_was_lost_is_the_last_all_the_same() -> None:
    """It should long be over, and nobody knows what became of it."""
    call = Call()
    decision = overdue(call.attempt, call.context, failures=Failures())
    callback = only_record(decision)
    assert callback.outcome is Outcome.DECLINED_BY_AGENTS
    assert [effect.kind for effect in decision.effects if isinstance(effect, Notice)] == [*UNTOLD]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, UNTOLD),
        (LegSnapshot(state=_L.ANSWERED), TOLD),
    ],
)
def test_after_a_crash_the_telephony_says_what_became_of_it(
    found: LegSnapshot | None, told: tuple[NoticeKind, ...]
) -> None:
    """No such leg: over, and in doubt. Answered meanwhile: told now."""
    call = Call()
    call.now += M
    snapshot = TelephonySnapshot(as_of=call.now, legs={CUSTOMER_LEG: found} if found else {})
    for report in reports_of(call.attempt, snapshot, policy=call.policy):
        call._take(attempt.report(call.attempt, report, call.context))
    if found is not None:
        call.reports(_K.ENDED)
    assert call.end()[1] == told


# ---------------------------------------------------------------------------- it is no attempt that counts


@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize("rang", [True, False])
def test_it_never_counts(disposition: Disposition, rang: bool) -> None:
    """It tries to connect nobody; what ends otherwise than taken back is the last there is."""
    over = an_attempt(announces=Announcement.NO_AGENT, disposition=disposition, customer_rang=rang)
    assert not counts(over)
    step = next_step(
        a_callback(attempts_count=2), over, failures=Failures(all_declined=True), policy=POLICY, now=NOW
    )
    if disposition is _D.CANCELLED_BY_US:
        assert step == Tell()
        return
    assert step == declined(told_by_call=False)
    assert step == End(Outcome.DECLINED_BY_AGENTS, "all_declined", _N.NO_AGENT, 24 * H)


def test_only_what_announces_something_has_told_it() -> None:
    """An attempt that was to connect them told them nothing, however it ended."""
    over = an_attempt(disposition=_D.MACHINE, customer_answered_at=NOW)
    assert not is_told(over)
    assert is_told(attrs.evolve(over, announces=Announcement.NO_AGENT))


def test_how_a_lost_disposition_is_told() -> None:
    """Where the callback has no last disposition, as after a new number, it has that of the call."""
    call = Call()
    call.callback = attrs.evolve(call.callback, last_disposition=None)
    call.reports(_K.ENDED, cause=Cause.BUSY)
    assert call.end()[0].last_disposition is _D.BUSY


@pytest.mark.parametrize("announcement", Announcement)
def test_every_announcement_has_its_words(announcement: Announcement) -> None:
    """A new one needs a prompt, and English words for it."""
    over = an_attempt(announces=announcement)
    assert sorry(over) is SAID[announcement]
    assert ENGLISH[SAID[announcement]]
    assert sorry(an_attempt()) is Prompt.COULD_NOT_CONNECT


# ---------------------------------------------------------------------------- why


NO_FACTS = ExplainFacts(ahead=Ahead(), agents_staffed=2, agents_able=2, agents_available=2, attempt=None)
PAUSED = a_control(reason="storm")


@pytest.mark.parametrize(
    ("facts", "hindrance", "values"),
    [
        ({}, "", {}),
        (
            {"control": PAUSED},
            ", and dialing is paused",
            {"paused_at": PAUSED.changed_at.isoformat(), "paused_reason": "storm"},
        ),
        (
            {"control": attrs.evolve(PAUSED, dialing_paused=False)},
            "",
            {},
        ),
        (
            {"capped": Capped(cap=Cap.AT_ONCE, limit=3)},
            ", and as many attempts as its caps allow were started",
            None,
        ),
        (
            {
                "closed": ClosedHours(
                    reason=HoldReason.CALLING_HOURS, rule_key="DE", zone="Europe/Berlin", opens_at=START + H
                )
            },
            f", and the rules of DE in Europe/Berlin permit a call from {(START + H).isoformat()}",
            {"rule_key": "DE", "zone": "Europe/Berlin", "opens_at": (START + H).isoformat()},
        ),
    ],
    ids=["nothing", "paused", "not for dialing", "capped", "closed"],
)
def test_explain_says_what_it_waits_for(
    facts: dict[str, Any], hindrance: str, values: dict[str, str] | None
) -> None:
    """K6: out of the line, for what, and what forbids it now."""
    held = attrs.evolve(TO_BE_TOLD, due_at=NOW + H)
    explained = explain(held, facts=attrs.evolve(NO_FACTS, **facts), now=NOW)
    assert explained.rule == "to_be_told"
    assert explained.text == (
        f"not dialed: every agent declined it, and the customer is to be called and told so{hindrance};"
        f" at {(NOW + H).isoformat()} the customer is called and told that nobody can take it,"
        " if every rule permits it"
    )
    assert explained.next_change_at == NOW + H
    for name, value in (values or {}).items():
        assert explained.values[name] == value


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_A.INTENDED, "the customer's phone is being dialed, to say that nobody can take it"),
        (
            _A.ENDING,
            "the customer was called to be told that nobody can take it, and the leg is being hung up",
        ),
        (_A.ENDED, "the attempt has just ended"),
    ],
)
def test_explain_says_that_the_customer_is_being_told(state: AttemptState, words: str) -> None:
    """K6: nobody looks for an agent."""
    call = Call()
    under_way = attrs.evolve(call.attempt, state=state)
    facts = attrs.evolve(NO_FACTS, attempt=under_way)
    assert explain(call.callback, facts=facts, now=NOW).text == f"being dialed: {words}"


def test_an_announcement_is_of_one_callback() -> None:
    """Its row and its history name it, and say what it announces."""
    call = Call()
    (started,) = [event for event in call.book.events if event.kind == "attempt_started"]
    assert (started.callback_id, started.announces) == (CALLBACK_ID, Announcement.NO_AGENT)  # type: ignore[attr-defined]
    assert ANN not in {getattr(event, "agent_id", None) for event in call.book.events}
