"""What answers, and what is dialed: keys, machines, extensions, other numbers, and what is handed to the telephony."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    AnsweredBy,
    CallbackState,
    ConfigurationError,
    Confirm,
    Confirmation,
    Disposition,
    HangUp,
    InvalidNumber,
    Mode,
    NoticeKind,
    NumberChoice,
    Outcome,
    Play,
    Prompt,
    QueueName,
    QueuePolicy,
    Report,
    ReportKind,
    RetryRule,
    Role,
    Store,
    Voicemail,
)
from callbackq.policy import RETRY_S2
from callbackq.testing import (
    ACCEPTS,
    ANSWERS,
    IS_MACHINE,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    FakeNotices,
    VirtualHost,
)
from callbackq.testing.telephony import PROMPT_TIME
from service.scenes import (
    BOB,
    DAN,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    attempt_of,
    events,
    heard,
    house,
    orders_of,
    promised,
)

UNKNOWN_ANSWERS = Behaviour(answered_by=AnsweredBy.UNKNOWN)
MACHINE = Behaviour(answered_by=AnsweredBy.MACHINE)
EXTENSION = f"{BOB} ext. 23"


def spoken(host: VirtualHost) -> list[HangUp | Play]:
    """Return the list of everything that is said from now on, in words."""
    said: list[HangUp | Play] = []
    hang_up, play = host.telephony.hang_up, host.telephony.play

    def hangs_up(order: HangUp) -> None:
        said.extend([order] if order.prompt is not None else [])
        hang_up(order)

    def plays(order: Play) -> None:
        said.append(order)
        play(order)

    host.telephony.hang_up, host.telephony.play = hangs_up, plays  # type: ignore[method-assign]
    return said


def customers_dialed(host: VirtualHost) -> list[str | None]:
    """Return the numbers that were dialed, in order."""
    log = host.telephony.log
    return [one.number for one in log if one.what is Carried.DIALED and one.role is Role.CUSTOMER]


# ---------------------------------------------------------------------------- press 1 to connect


@pytest.mark.parametrize("mode", Mode)
def test_press_1_connects(store: Store, mode: Mode) -> None:
    """F7: whoever answers is asked, and joined when the key is pressed; who pressed is a person."""
    host = house(store, mode=mode, confirm=Confirm.ALWAYS)
    host.telephony.person(BOB, ACCEPTS)
    callback_id = promised(host)
    host.run_for(SECOND)
    assert heard(host, Role.CUSTOMER) == [Prompt.PRESS_TO_CONNECT]
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(2 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    attempt = attempt_of(host, store, callback_id)
    assert (attempt.confirmation, attempt.answered_by) == (Confirmation.ACCEPTED, AnsweredBy.HUMAN)


@pytest.mark.parametrize("mode", Mode)
def test_press_2_is_called_later(store: Store, mode: Mode) -> None:
    """F7: the customer hears that we call again, the agent is told, and the rest is 15 minutes."""
    host = house(store, mode=mode, confirm=Confirm.ALWAYS)
    host.telephony.person(BOB, Behaviour(presses="2"), ACCEPTS)
    callback_id = promised(host)
    host.run_for(3 * SECOND)
    assert heard(host, Role.CUSTOMER) == [Prompt.PRESS_TO_CONNECT, Prompt.CALL_LATER]
    assert heard(host, Role.AGENT) == ([] if mode is Mode.CUSTOMER_FIRST else [Prompt.CUSTOMER_DECLINED])
    callback = host.service.get(callback_id)
    assert callback.state is CallbackState.RESTING
    assert callback.last_disposition is Disposition.DECLINED_BY_CUSTOMER
    assert callback.due_at is not None
    assert timedelta(0) <= callback.due_at - host.clock.now() - 14 * MINUTE <= MINUTE
    host.run_for(16 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("mode", Mode)
def test_press_3_cancels(store: Store, mode: Mode) -> None:
    """F7: the promise ends as cancelled, the customer hears so, the ticket says so, and nobody is dialed again."""
    notices = FakeNotices()
    host = house(store, mode=mode, notices=notices, confirm=Confirm.ALWAYS)
    host.telephony.person(BOB, Behaviour(presses="3"))
    callback_id = promised(host)
    host.run_for(HOUR)
    assert heard(host, Role.CUSTOMER) == [Prompt.PRESS_TO_CONNECT, Prompt.CALLED_OFF]
    assert host.service.get(callback_id).outcome is Outcome.CANCELLED
    (ended,) = events(host, callback_id, "callback_ended")
    assert ended.reason == "cancelled_by_key"
    assert notices.kinds(callback_id) == [NoticeKind.TICKET_NOTE]
    assert host.telephony.dialed(BOB) == 1


def test_a_key_that_means_nothing_is_answered_by_asking_again(store: Store) -> None:
    """F7: 7, and then 1; the keys are the queue's."""
    host = house(store, confirm=Confirm.ALWAYS, confirm_keys={"9": Confirmation.ACCEPTED})
    host.telephony.person(BOB, Behaviour(presses="719"))
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    assert heard(host, Role.CUSTOMER) == [Prompt.PRESS_TO_CONNECT] * 3
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("customer", "said", "disposition"),
    [
        (UNKNOWN_ANSWERS, Prompt.VOICEMAIL, Disposition.MACHINE),
        (ANSWERS, Prompt.COULD_NOT_CONNECT, Disposition.ANSWERED_THEN_LEFT),
    ],
    ids=["who knows: a machine", "known to be a person"],
)
def test_nobody_presses_a_key(
    store: Store, customer: Behaviour, said: Prompt, disposition: Disposition
) -> None:
    """F7: ten seconds after they were asked: most likely a machine listens, and the voicemail is left."""
    host = house(store, confirm=Confirm.ALWAYS)
    host.telephony.person(BOB, customer)
    callback_id = promised(host)
    host.run_for(PROMPT_TIME + 9 * SECOND)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(2 * SECOND)
    assert heard(host, Role.CUSTOMER) == [Prompt.PRESS_TO_CONNECT, said]
    attempt = attempt_of(host, store, callback_id)
    assert (attempt.confirmation, attempt.disposition) == (Confirmation.SILENT, disposition)


@pytest.mark.parametrize(
    ("customer", "asked"), [(ANSWERS, False), (UNKNOWN_ANSWERS, True)], ids=["a person", "who knows"]
)
def test_only_who_is_not_known_to_be_a_person_is_asked(
    store: Store, customer: Behaviour, asked: bool
) -> None:
    """F7: UNLESS_HUMAN: human and unknown are distinct."""
    host = house(store, confirm=Confirm.UNLESS_HUMAN)
    host.telephony.person(BOB, customer)
    callback_id = promised(host)
    host.run_for(SECOND)
    assert (Prompt.PRESS_TO_CONNECT in heard(host, Role.CUSTOMER)) is asked
    assert (host.service.get(callback_id).outcome is Outcome.COMPLETED) is not asked


def test_who_is_found_to_be_a_person_need_not_press(store: Store) -> None:
    """F7: the detection comes while they are asked: they are joined."""
    human = Behaviour(answered_by=AnsweredBy.UNKNOWN, detected_as=AnsweredBy.HUMAN)
    host = house(store, confirm=Confirm.UNLESS_HUMAN, detect=True)
    host.telephony.person(BOB, human)
    callback_id = promised(host)
    host.run_for(3 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert attempt_of(host, store, callback_id).confirmation is None


def test_customer_who_is_asked_and_hangs_up_has_answered_and_left(store: Store) -> None:
    """F7: no key is no machine where somebody put down the phone."""
    host = house(store, confirm=Confirm.ALWAYS)
    host.telephony.person(BOB, Behaviour(hangs_up_after=3 * SECOND))
    callback_id = promised(host)
    host.run_for(4 * SECOND)
    assert host.service.get(callback_id).last_disposition is Disposition.ANSWERED_THEN_LEFT
    assert heard(host, Role.AGENT) == [Prompt.CUSTOMER_LEFT]


# ---------------------------------------------------------------------------- machines


@pytest.mark.parametrize("customer", [MACHINE, IS_MACHINE], ids=["at once", "found out later"])
def test_machine_hears_the_voicemail_in_the_customers_language(store: Store, customer: Behaviour) -> None:
    """F7/G5: with agent, company and the number to call, in words; nobody is joined to it."""
    words = {"de": {Prompt.VOICEMAIL: "Hier {company}, {agent}. Rufen Sie uns an: {number}."}}
    host = house(store, detect=True, company="Acme", company_number="+1 800 555 0100", prompts=words)
    host.telephony.bridge = lambda _order: None  # type: ignore[method-assign]
    host.telephony.person(BOB, customer)
    said = spoken(host)
    callback_id = promised(host, language="de-AT", owner="ann")
    host.run_for(5 * SECOND)
    assert host.service.get(callback_id).last_disposition is Disposition.MACHINE
    (voicemail,) = [one for one in said if one.prompt is Prompt.VOICEMAIL]
    assert voicemail.text == "Hier Acme, ann. Rufen Sie uns an: +1 800 555 0100."
    assert voicemail.language == "de-AT"
    assert heard(host, Role.AGENT) == [Prompt.CUSTOMER_NOT_REACHED]


def test_voicemail_is_in_english_where_there_are_no_other_words(store: Store) -> None:
    """G5: the built-in words, complete though nothing is set."""
    host = house(store)
    host.telephony.person(BOB, MACHINE)
    said = spoken(host)
    promised(host, language="fi")
    host.run_for(SECOND)
    assert [one.text for one in said if one.prompt is Prompt.VOICEMAIL] == [
        "Hello, this is the support team from our team. We tried to call you back. Please call us at our number."
    ]


def test_machine_hears_the_agent_where_policy_says_so(store: Store) -> None:
    """G5: the agent speaks: joined, but no promise is kept by it; the rule for machines follows."""
    rules = {Disposition.MACHINE: RetryRule(retries_max=1, rest=HOUR, voicemail=Voicemail.AGENT)}
    host = house(store, retry_rules=rules)
    host.telephony.person(BOB, Behaviour(answered_by=AnsweredBy.MACHINE, talks_for=20 * SECOND), ANSWERS)
    callback_id = promised(host)
    host.run_for(19 * SECOND)
    assert Carried.BRIDGED in {entry.what for entry in host.telephony.log}
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(2 * SECOND)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.last_disposition) == (CallbackState.RESTING, Disposition.MACHINE)
    assert Prompt.VOICEMAIL not in heard(host, Role.CUSTOMER)
    host.run_for(HOUR)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_machine_hears_nothing_where_policy_says_so(store: Store) -> None:
    """G5: NOTHING: the leg just ends."""
    host = house(store, retry_rules={Disposition.MACHINE: RetryRule(voicemail=Voicemail.NOTHING)})
    host.telephony.person(BOB, MACHINE)
    callback_id = promised(host)
    host.run_for(SECOND)
    assert heard(host, Role.CUSTOMER) == []
    assert host.service.get(callback_id).last_disposition is Disposition.MACHINE


def test_fax_is_distinct_from_a_machine(store: Store) -> None:
    """F7: no voicemail for a fax; its disposition is its own, and by default it is not tried again."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(answered_by=AnsweredBy.FAX))
    callback_id = promised(host)
    host.run_for(SECOND)
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.last_disposition) == (Outcome.UNREACHED, Disposition.FAX)
    assert heard(host, Role.CUSTOMER) == []


# ---------------------------------------------------------------------------- extensions and other numbers


@pytest.mark.parametrize("mode", Mode)
def test_extension_is_dialed_after_the_answer(store: Store, mode: Mode) -> None:
    """C2: the number is dialed without it; the keys are pressed once, when the switchboard has answered."""
    host = house(store, mode=mode, detect=True)
    switchboard = Behaviour(answers_after=5 * SECOND, answered_by=AnsweredBy.MACHINE, extension="23")
    host.telephony.person(BOB, switchboard)
    orders = orders_of(host)
    callback_id = promised(host, EXTENSION)
    host.run_for(6 * SECOND)
    to_customer = next(order for order in orders if order.role is Role.CUSTOMER)
    assert (to_customer.number, to_customer.extension, to_customer.detect) == (BOB, "23", False)
    sent = [entry for entry in host.telephony.log if entry.what is Carried.DIGITS]
    assert [(entry.digits, entry.role) for entry in sent] == [("23", Role.CUSTOMER)]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED, "the machine before it says nothing"


def test_alternative_numbers_are_tried_in_order(store: Store) -> None:
    """C6: the main number, then the others, one attempt each; the agent sees which one it is."""
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=9, rest=MINUTE, number=NumberChoice.OTHER)}
    host = house(store, attempts_max=9, retry_rules=rules)
    for number in (BOB, EVE, DAN):
        host.telephony.person(number, NEVER_ANSWERS)
    orders = orders_of(host)
    callback_id = promised(host, alternatives=[EVE, BOB, DAN, EVE])
    host.run_for(HOUR)
    assert customers_dialed(host) == [BOB, EVE, DAN]
    assert [order.number for order in orders] == [BOB, BOB, EVE, EVE, DAN, DAN]
    assert [order.alternative for order in orders] == [False, False, True, True, True, True]
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.UNREACHED, 3)


def test_alternative_numbers_go_round_where_policy_says_so(store: Store) -> None:
    """C6: NEXT: the first one again after the last."""
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=9, rest=MINUTE, number=NumberChoice.NEXT)}
    host = house(store, attempts_max=4, retry_rules=rules)
    for number in (BOB, EVE):
        host.telephony.person(number, NEVER_ANSWERS)
    promised(host, alternatives=[EVE])
    host.run_for(HOUR)
    assert customers_dialed(host) == [BOB, EVE, BOB, EVE]


def test_alternative_is_dialed_when_the_first_number_is_invalid(store: Store) -> None:
    """C6: by default too; and the extension of the main number is not pressed there."""
    invalid = Behaviour(answers_after=None, fails_after=SECOND, cause="invalid_number")  # type: ignore[arg-type]
    host = house(store)
    host.telephony.person(BOB, invalid)
    callback_id = promised(host, EXTENSION, alternatives=[EVE])
    host.run_for(MINUTE)
    assert customers_dialed(host) == [BOB, EVE]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert Carried.DIGITS not in {entry.what for entry in host.telephony.log}


def test_alternative_numbers_ring_by_themselves(store: Store) -> None:
    """C6/C2: an extension is refused there, for nobody would be asked for it."""
    host = house(store)
    with pytest.raises(InvalidNumber, match="extension"):
        promised(host, alternatives=[f"{EVE} ext. 5"])


# ---------------------------------------------------------------------------- handed to the telephony


def test_caller_id_prefix_route_record_and_media_are_handed_to_the_telephony(store: Store) -> None:
    """F10/F16: on both legs; the queue's own, unless the callback brings its caller id."""
    wishes: dict[str, Any] = {
        "caller_id": "+18005550100",
        "dial_prefix": "9",
        "route": "cheap",
        "record": True,
    }
    host = house(store, detect=True, **wishes)
    orders = orders_of(host)
    promised(host, context={"reason": "refund"})
    host.run_for(5 * MINUTE)
    promised(host, EVE, caller_id="+18005550199", media="video")
    host.run_for(5 * MINUTE)
    assert [
        (one.caller_id, one.dial_prefix, one.route, one.record, one.media, one.detect, one.reason)
        for one in orders
    ] == [
        ("+18005550100", "9", "cheap", True, None, False, "refund"),
        ("+18005550100", "9", "cheap", True, None, True, "refund"),
        ("+18005550199", "9", "cheap", True, "video", False, None),
        ("+18005550199", "9", "cheap", True, "video", True, None),
    ]


def test_ring_times_are_the_queues_and_have_a_floor(store: Store) -> None:
    """F9: 45 s by default, never less than 15 s."""
    host = house(store)
    orders = orders_of(host)
    promised(host)
    host.run_for(SECOND)
    assert [(one.role, one.ring_time.total_seconds()) for one in orders] == [
        (Role.AGENT, 20),
        (Role.CUSTOMER, 45),
    ]
    with pytest.raises(ConfigurationError, match="ring_time"):
        QueuePolicy(queue=QueueName("support"), ring_time=14 * SECOND)


@pytest.mark.parametrize("kind", [ReportKind.BRIDGED, ReportKind.ENDED])
def test_reference_of_the_recording_is_kept(store: Store, kind: ReportKind) -> None:
    """F10: whichever report brings it; in the row and in history."""
    host = house(store, record=True)
    tell = host.telephony.on_report

    def with_recording(report: Report) -> None:
        known = {name: getattr(report, name) for name in ("leg_id", "kind", "cause", "answered_by")}
        tell(Report(**known, recording_id="rec-7" if report.kind is kind else None))

    host.telephony.on_report = with_recording
    callback_id = promised(host)
    host.run_for(5 * MINUTE)
    assert attempt_of(host, store, callback_id).recording_id == "rec-7"
    assert events(host, callback_id, "attempt_ended")[-1].recording_id == "rec-7"


# ---------------------------------------------------------------------------- who is told


def test_who_is_told_after_the_last_attempt(store: Store) -> None:
    """G6: the customer that we tried, the ticket what was tried, and somebody to follow up within 24 h."""
    notices = FakeNotices()
    host = house(store, notices=notices)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host, name="Bob", language="de", ticket_id="T-7", owner="uwe")
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    assert notices.kinds() == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    to_customer, note, task = notices.told
    assert (to_customer.number, to_customer.name, to_customer.language) == (BOB, "Bob", "de")
    assert (note.ticket_id, note.owner_id, note.attempts_count) == ("T-7", "uwe", 2)
    assert note.note == "Callback unreached after 2 attempts; the last ended as no answer."
    ended_at = host.service.get(callback_id).ended_at
    assert ended_at is not None
    assert task.follow_up_due_at == ended_at + timedelta(hours=24)
    assert len({notice.notice_id for notice in notices.told}) == 3
    assert "5550101" not in repr(notices.told)


def test_customer_is_told_between_two_attempts_where_policy_says_so(store: Store) -> None:
    """G1: a message of its own with each rule, once for each cause."""
    notices = FakeNotices()
    missed = RetryRule(retries_max=2, rest=MINUTE, notice=NoticeKind.MISSED)
    host = house(
        store, notices=notices, attempts_max=5, retry_rules={**RETRY_S2, Disposition.NO_ANSWER: missed}
    )
    host.telephony.person(BOB, NEVER_ANSWERS, NEVER_ANSWERS, ANSWERS)
    callback_id = promised(host)
    host.run_for(HOUR)
    assert notices.kinds(callback_id) == [NoticeKind.MISSED, NoticeKind.MISSED]
    assert len({notice.notice_id for notice in notices.told}) == 2
    rested = events(host, callback_id, "callback_rested")
    assert [event.notice for event in rested] == [NoticeKind.MISSED, NoticeKind.MISSED]


def test_a_talk_that_is_over_is_noted_and_asked_about(store: Store) -> None:
    """F13: the ticket gets its note, the customer the survey, when the conversation is over and not before."""
    notices = FakeNotices()
    host = house(store, notices=notices, survey=True)
    callback_id = promised(host, ticket_id="T-7")
    host.run_for(2 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert notices.told == []
    host.run_for(2 * MINUTE)
    assert notices.kinds(callback_id) == [NoticeKind.TICKET_NOTE, NoticeKind.SURVEY]
    assert notices.told[0].note == "Callback completed after 1 attempt; the last ended as connected."


def test_notices_that_fail_change_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """N3: what the host's messenger raises is logged without a number, and every notice is given out once."""
    notices = FakeNotices()
    notices.error = RuntimeError(BOB)
    host = house(store, notices=notices, attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(HOUR)
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    assert notices.kinds() == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert "RuntimeError" in caplog.text
    assert "5550101" not in caplog.text
