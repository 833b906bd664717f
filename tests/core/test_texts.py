"""What messages say: every kind in every language, times and numbers whole, and nothing of a stranger's is obeyed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.conversation import (
    Action,
    Cancel,
    Known,
    Move,
    NewNumber,
    OfferTimes,
    OptOut,
    Prove,
    Request,
    Tell,
    hear,
)
from callbackq.core.questions import new_conversation, said
from callbackq.core.replies import all_words
from callbackq.core.texts import (
    NAME_SHOWN_MAX,
    Text,
    TextFacts,
    name_of_template,
    name_shown,
    number_end,
    text_of,
    text_of_instant,
    wait_text,
)
from callbackq.core.zones import abbreviation, text_of_date, text_of_time
from callbackq.errors import InvalidTime
from callbackq.ids import DEFAULT_TENANT, CallbackId, VerificationId
from callbackq.model import CallbackState, Medium, MessageKind, ReplyWish, Wait, choice_texts
from callbackq.policy import Catalogue, Messages, QueuePolicy, Span, WeekHours, Wording
from callbackq.policy.catalogue import BUILT_IN, REPLIES
from callbackq.policy.linting import advertised
from callbackq.policy.segments import segments_of
from callbackq.policy.templates import TEMPLATES, names_of
from core.samples import LAW, H, a_callback

NOW: Final = datetime(2026, 3, 9, 15, tzinfo=UTC)
AT: Final = datetime(2026, 3, 9, 20, tzinfo=UTC)
ZONE: Final = "America/New_York"
POLICY: Final = QueuePolicy(
    queue="support",
    company="Acme Support",
    company_number="800-555-0199",
    messages=Messages(),
    other_channels=("chat", "help@acme.example"),
)
BARE: Final = QueuePolicy(queue="support", messages=Messages(answers=False))
"""Nothing is known of the company, and what customers answer is not read."""
WAIT: Final = Wait(mean_s=700, low_s=600, high_s=850)
NO_WAIT: Final = Wait(mean_s=None, low_s=None, high_s=None)
FULL: Final = TextFacts(
    number="+12125550123",
    at=AT,
    zone=ZONE,
    now=NOW,
    choices=(AT + H, AT + 2 * H, AT + 3 * H),
    callbacks=(("support", AT), ("billing", None)),
    position=3,
    wait=WAIT,
    code="482913",
    state=CallbackState.SCHEDULED,
)
NONE: Final = TextFacts(code="482913", callbacks=(("support", None), ("billing", None)))
"""No more than must be known."""


def told(kind: MessageKind, facts: TextFacts = FULL, *, language: str = "en", **changes: Any) -> str:
    return text_of(kind, attrs.evolve(facts, **changes), policy=POLICY, language=language).text


# ---------------------------------------------------------------------------- every text

CASES: Final[Mapping[str, tuple[MessageKind, Mapping[str, Any]]]] = {
    **{str(kind): (kind, {}) for kind in MessageKind},
    "confirmation.wait": (MessageKind.CONFIRMATION, {"at": None}),
    "confirmation.turn": (MessageKind.CONFIRMATION, {"at": None, "wait": NO_WAIT}),
    "reminder.soon": (MessageKind.REMINDER, {"at": None}),
    "agent_changed.turn": (MessageKind.AGENT_CHANGED, {"at": None}),
    "reschedule.none": (MessageKind.RESCHEDULE, {"choices": ()}),
    "slots_full.none": (MessageKind.SLOTS_FULL, {"choices": ()}),
    "other_times.none": (MessageKind.OTHER_TIMES, {"choices": ()}),
    "late.none": (MessageKind.LATE, {"choices": ()}),
    "slipped.unknown": (MessageKind.SLIPPED, {"wait": None}),
    "status.turn": (MessageKind.STATUS, {"state": CallbackState.WAITING}),
    "status.later": (MessageKind.STATUS, {"state": CallbackState.RESTING}),
    "status.calling": (MessageKind.STATUS, {"state": CallbackState.ATTEMPTING}),
    "status.over": (MessageKind.STATUS, {"state": CallbackState.ENDED}),
}
"""Facts that each template tells."""

TWO_PARTS: Final = {
    "en": ("reschedule slots_full other_times other_times.none late late.none"),
    "de": (
        "confirmation.wait confirmation.turn reminder reminder.soon missed reschedule expired "
        "slots_full other_times other_times.none late late.none slipped no_shows no_agent "
        "status.turn help number_refused no_callback"
    ),
    "fr": (
        "confirmation.wait confirmation.turn reminder missed reschedule expired "
        "slots_full other_times other_times.none late late.none slipped slipped.unknown no_shows "
        "no_agent region_not_served help number_refused"
    ),
    "es": (
        "confirmation.wait confirmation.turn reminder missed unreached expired slots_full "
        "other_times late late.none help number_refused"
    ),
}
"""Which take two parts with ordinary values, by language. All others take one."""


def of_case(name: str, *, language: str, policy: QueuePolicy = POLICY, facts: TextFacts = FULL) -> Text:
    kind, changes = CASES[name]
    return text_of(kind, attrs.evolve(facts, **changes), policy=policy, language=language)


def test_there_is_a_case_for_every_template() -> None:
    assert set(CASES) == set(TEMPLATES)
    for name, (kind, changes) in CASES.items():
        assert name_of_template(kind, attrs.evolve(FULL, **changes)) == name


@pytest.mark.parametrize("language", BUILT_IN)
def test_parts_of_an_ordinary_message(language: str) -> None:
    """One or two, and in GSM-7: with a company of twelve letters, its number, and times of the same day."""
    found = {name: of_case(name, language=language) for name in TEMPLATES}
    assert {segments_of(text.text).encoding.value for text in found.values()} == {"gsm-7"}
    two = {name for name, text in found.items() if text.segments_count == 2}
    assert two == set(TWO_PARTS[language].split())
    assert {text.segments_count for name, text in found.items() if name not in two} == {1}


@pytest.mark.parametrize("language", BUILT_IN)
def test_no_month_and_no_weekday_costs_another_alphabet(language: str) -> None:
    for days in range(0, 366, 5):
        text = text_of(
            MessageKind.CONFIRMATION,
            attrs.evolve(FULL, at=AT + timedelta(days=days)),
            policy=POLICY,
            language=language,
        )
        assert segments_of(text.text).encoding.value == "gsm-7"


@pytest.mark.parametrize("language", BUILT_IN)
@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize(
    "policy", [POLICY, BARE, attrs.evolve(POLICY, messages=None)], ids=["full", "bare", "none"]
)
@pytest.mark.parametrize("facts", [FULL, NONE], ids=["full", "none"])
def test_every_text_reads_well(language: str, name: str, policy: QueuePolicy, facts: TextFacts) -> None:
    """With everything, and with nothing: no blank or stop too many, no brace, a capital first and a stop last."""
    kind, changes = CASES[name]
    known = facts if facts is NONE else attrs.evolve(facts, **changes)
    found = text_of(kind, known, policy=policy, language=language)
    for line in (found.text, found.title):
        assert line == line.strip()
        assert "  " not in line
        assert not set(line) & set("{}[]|")
        for wrong in (" .", " ,", "..", ",.", ":.", ",,", "()", "( ", ": :"):
            assert wrong not in line
    first = found.text.lstrip("¿")[0]
    assert first.isupper() or first.isdigit()
    assert found.text.endswith((".", "?"))
    assert found.title
    assert found.language == language
    assert found.segments_count == segments_of(found.text).count


@pytest.mark.parametrize("language", BUILT_IN)
@pytest.mark.parametrize("name", TEMPLATES)
def test_no_text_advertises_a_reserved_word(language: str, name: str) -> None:
    for policy in (POLICY, BARE):
        assert advertised(of_case(name, language=language, policy=policy).text) == ()


@pytest.mark.parametrize("language", BUILT_IN)
@pytest.mark.parametrize("kind", sorted(set(MessageKind) - {MessageKind.SURVEY}))
def test_languages_tell_the_same_facts(language: str, kind: MessageKind) -> None:
    """Digits stand in every language where they stand in English: times, numbers, choices, what to answer."""
    ours, english = (
        set(re.findall(r"(?<![\d:-])\d+(?!\d|[:-]\d)", told(kind, language=each)))
        for each in (language, "en")
    )
    assert ours == english


# ---------------------------------------------------------------------------- what they say


def test_a_confirmation() -> None:
    assert told(MessageKind.CONFIRMATION, name="Ann Lee") == (
        "Hello Ann Lee. Your Acme Support callback is booked for 4:00 PM EDT. We will call the number ending in 0123. "
        "Reply 9 to cancel, 2 for another time."
    )
    assert told(MessageKind.CONFIRMATION, at=None, link="https://acme.example/c/1") == (
        "We saved your place in line at Acme Support. We expect to call you in 10-15 min, at the number ending in "
        "0123. Reply 9 to cancel, 2 to choose a time. Manage it: https://acme.example/c/1"
    )


@pytest.mark.parametrize("language", BUILT_IN)
def test_where_no_other_time_can_be_had_all_else_that_can_be_answered_is_still_said(language: str) -> None:
    for name in TEMPLATES:
        kind, changes = CASES[name]
        facts = attrs.evolve(FULL, **{**changes, "choices": (), "name": None})
        full, less = (told(kind, facts, language=language, can_choose=is_full) for is_full in (True, False))
        digits, fewer = (set(re.findall(r"(?<![\d:-])[2349](?![\d:)-])", each)) for each in (full, less))
        assert digits - {"2"} <= fewer <= digits - {"2"} | {"9"}


def test_a_reminder_names_the_number_and_how_to_change_it() -> None:
    for language in BUILT_IN:
        without_time: dict[str, Any] = {"at": None}
        for changes in ({}, without_time):
            text = told(MessageKind.REMINDER, language=language, **changes)
            assert "0123" in text
            assert " 3 " in text
            assert "5550123" not in text


def test_choices_are_numbered() -> None:
    for kind in (MessageKind.RESCHEDULE, MessageKind.SLOTS_FULL, MessageKind.OTHER_TIMES, MessageKind.LATE):
        assert "1) 5:00 PM EDT, 2) 6:00 PM EDT, 3) 7:00 PM EDT." in told(kind)
        assert "1)" not in told(kind, choices=())
    assert "1) 17:00 EDT, 2) Dienstag, 10. März, 16:00 EDT." in told(
        MessageKind.RESCHEDULE, language="de", choices=(AT + H, AT + 24 * H)
    )


def test_callbacks_are_numbered() -> None:
    assert told(MessageKind.WHICH) == (
        "Which callback do you mean? 1) support: 4:00 PM EDT, 2) billing. Reply with its number."
    )


def test_the_wording_of_the_handbook() -> None:
    policy = attrs.evolve(POLICY, messages=Messages(wording=Wording.S2))

    def text(kind: MessageKind, **changes: Any) -> str:
        return text_of(kind, attrs.evolve(FULL, **changes), policy=policy, language="en").text

    assert text(MessageKind.CONFIRMATION) == (
        "Your Acme Support callback is set for 4:00 PM EDT. Reply CANCEL to cancel or RESCHEDULE for new options."
    )
    assert text(MessageKind.CONFIRMATION, can_choose=False) == (
        "Your Acme Support callback is set for 4:00 PM EDT. Reply CANCEL to cancel."
    )
    assert text(MessageKind.REMINDER) == (
        "Reminder: your Acme Support callback is at 4:00 PM EDT. Please be available. We will call the number on file, "
        "ending in 0123. Reply UPDATE to change it, CANCEL to cancel."
    )
    assert "reply RESCHEDULE for a new callback" in text(MessageKind.UNREACHED)
    assert text(MessageKind.CANCELLED) == (
        "Your Acme Support callback has been cancelled. Call 800-555-0199 any time for support."
    )
    assert "Antworten Sie CANCEL" in text_of(MessageKind.STATUS, FULL, policy=policy, language="de").text
    assert advertised(text(MessageKind.STATUS)) == (("cancel", "in capitals"),)


def test_nobody_is_told_to_answer_where_nothing_is_read() -> None:
    """By policy, or by this channel."""
    unread = attrs.evolve(FULL, can_answer=False)
    deaf = attrs.evolve(POLICY, messages=Messages(answers=False))
    for kind in (
        MessageKind.CONFIRMATION,
        MessageKind.REMINDER,
        MessageKind.STATUS,
        MessageKind.NO_CALLBACK,
        MessageKind.LATE,
        MessageKind.OTHER_TIMES,
    ):
        assert "Reply" in told(kind)
        assert "Reply" not in told(kind, unread)
        assert "Reply" not in text_of(kind, FULL, policy=deaf, language="en").text
    no_requests = attrs.evolve(POLICY, messages=Messages(requests=False))
    assert '"call me"' in told(MessageKind.NO_CALLBACK)
    assert "call me" not in text_of(MessageKind.NO_CALLBACK, FULL, policy=no_requests, language="en").text
    assert "9" in text_of(MessageKind.STATUS, FULL, policy=no_requests, language="en").text
    assert "call me" not in told(MessageKind.NO_CALLBACK, can_request=False)


def test_no_time_is_offered_where_none_can_be_chosen() -> None:
    """But it can be cancelled."""
    assert told(MessageKind.CONFIRMATION, can_choose=False).endswith(" 0123. Reply 9 to cancel.")
    assert told(MessageKind.MISSED, can_choose=False).endswith(
        "again: 4:00 PM EDT. Reply 9 to cancel. Or call us at 800-555-0199."
    )
    assert told(MessageKind.HELP) == (
        "Acme Support: Reply 9 to cancel your callback, 2 for another time, 3 for another number, 4 for its status. "
        "Or call us at 800-555-0199."
    )
    assert told(MessageKind.HELP, can_choose=False) == (
        "Acme Support: Reply 9 to cancel your callback, 3 for another number, 4 for its status. "
        "Or call us at 800-555-0199."
    )
    assert told(MessageKind.HELP, can_answer=False) == (
        "Acme Support: We are here for your callback. Or call us at 800-555-0199."
    )


def test_what_cannot_be_done() -> None:
    """Nothing is said of why, and how else."""
    assert told(MessageKind.RESCHEDULE, choices=()) == (
        "No other time can be booked at the moment. Your Acme Support callback stands as it was. "
        "You can call us at 800-555-0199."
    )
    text = told(MessageKind.NOT_POSSIBLE)
    assert text.startswith("Sorry, ")
    assert text.endswith("call us at 800-555-0199. You can also reach us here: chat, help@acme.example.")
    assert "calling" not in text


def test_who_was_not_reached_is_offered_a_new_callback() -> None:
    assert told(MessageKind.UNREACHED, link="https://acme.example/c/1") == (
        "We tried to call you back from Acme Support but could not reach you. Reply 2 for a new callback. "
        "You can call us at 800-555-0199."
    )
    assert 'Reply "call me" for a new one.' in told(MessageKind.NO_AGENT)
    assert 'Reply "call me" for a new one.' in told(MessageKind.EXPIRED)


# ---------------------------------------------------------------------------- what they say is understood

ONE, TWO = CallbackId("cb_1"), CallbackId("cb_2")
CODE: Final = VerificationId("vf_1")
OVER: Final = frozenset(
    {
        MessageKind.UNREACHED,
        MessageKind.NO_SHOWS,
        MessageKind.NO_AGENT,
        MessageKind.CANCELLED,
        MessageKind.EXPIRED,
        MessageKind.SURVEY,
    }
)
"""They tell of a callback that is over."""
ASKS: Final = frozenset({MessageKind.WHICH, MessageKind.NEW_NUMBER, MessageKind.ENTER_CODE})
"""They are answers of which the question is the point: nobody gets them whose answers are not read."""
VERBS: Final = ("reply", "antworten sie", "schreiben sie", "répondez", "responda")
ASKED_FOR: Final[Mapping[MessageKind, Sequence[str]]] = {
    MessageKind.NEW_NUMBER: ("+12125550199",),
    MessageKind.ENTER_CODE: ("482913",),
}
"""What these ask for is no word of ours."""
DEFAULTS: Final = dict.fromkeys(("slots", "answers", "requests", "can_answer", "can_request"), True)
SITUATIONS: Final[Mapping[str, Mapping[str, bool]]] = {
    "all": {},
    "no slots": {"slots": False},
    "no requests": {"requests": False},
    "neither": {"slots": False, "requests": False},
    "mail": {"can_request": False},
    "mail, no slots": {"can_request": False, "slots": False},
    "push": {"can_answer": False},
    "not heard": {"answers": False},
}


def open_ids(name: str) -> tuple[CallbackId, ...]:
    """Return which callbacks are open when this template is read."""
    kind = CASES[name][0]
    if kind in OVER | {MessageKind.NO_CALLBACK} or name == "status.over":
        return ()
    return (ONE, TWO) if kind is MessageKind.WHICH else (ONE,)


def expected(name: str, wording: Wording) -> dict[str, Action]:
    """Return what each answer that a text may name must lead to."""
    is_open = bool(open_ids(name))
    replies = REPLIES[wording]
    cancel = Cancel(ONE) if wording is Wording.DIGITS else OptOut(frozenset({Medium.MESSAGES}), (ONE,))
    numbered: list[Action] = [Move(ONE, at) for at in FULL.choices]
    if CASES[name][0] is MessageKind.WHICH:
        numbered = [Cancel(ONE), Cancel(TWO)]
    return {
        **({replies[ReplyWish.CANCEL]: cancel} if is_open else {}),
        replies[ReplyWish.OTHER_TIME]: OfferTimes(ONE) if is_open else Request(),
        replies[ReplyWish.NUMBER]: Tell(MessageKind.NEW_NUMBER),
        replies[ReplyWish.STATUS]: Tell(MessageKind.STATUS),
        **{f"{number})": action for number, action in enumerate(numbered, start=1)},
        "+12125550199": NewNumber(ONE, "+12125550199"),
        "482913": Prove(ONE, "482913", CODE),
    }


OFFERED: Final = re.compile(
    r'(?<![\d:+-])\d(?![\d:-])\)?|\b(?:CANCEL|RESCHEDULE|UPDATE|STATUS)\b|(?<=")[^"]+(?=")'
)
"""A digit alone, a choice, a word in capitals, or one in quotes."""


def heard(
    reply: str, name: str, *, messages: Messages, language: str, slots: bool, can_request: bool
) -> Action | None:
    """Return what follows from a reply to this template."""
    kind, ids = CASES[name][0], open_ids(name)
    behind = said(
        new_conversation(DEFAULT_TENANT, "sms/key", now=NOW),
        message_kind=kind,
        callback_id=None if kind in {MessageKind.WHICH, MessageKind.NO_CALLBACK} else ONE,
        choices=(ONE, TWO) if kind is MessageKind.WHICH else choice_texts(FULL.choices),
        wish=ReplyWish.CANCEL,
        verification_id=CODE,
        now=NOW,
        policy=messages,
    )
    known = Known(
        callbacks=tuple(a_callback(callback_id=one) for one in ids),
        with_slots=frozenset(ids) if slots else frozenset(),
        takes_requests=messages.requests and can_request,
    )
    return hear(
        reply,
        inbound_id="in-1",
        conversation=behind,
        known=known,
        policy=messages,
        words=all_words(messages.catalogue(language).words, messages.catalogue("en").words),
        now=NOW + H,
    ).action


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("wording", Wording)
@pytest.mark.parametrize("language", BUILT_IN)
def test_what_is_told_to_be_answered_is_understood(language: str, wording: Wording, situation: str) -> None:
    """Each answer that any text names is heard by the conversation, behind that text, as what the text says."""
    given = {**DEFAULTS, **SITUATIONS[situation]}
    messages = Messages(wording=wording, answers=given["answers"], requests=given["requests"])
    policy = QueuePolicy(queue="support", company="Acme", messages=messages)
    call_me = messages.catalogue(language).words[ReplyWish.CALL][0]
    seen: set[str] = set()
    for name in TEMPLATES:
        kind, is_open = CASES[name][0], bool(open_ids(name))
        can_request = messages.requests and given["can_request"]
        facts = attrs.evolve(
            FULL,
            position=None,
            can_answer=given["can_answer"],
            can_request=given["can_request"],
            can_choose=given["slots"] if is_open else can_request,
        )
        text = of_case(name, language=language, policy=policy, facts=facts).text
        offered = OFFERED.findall(text)
        if kind not in ASKS and not (messages.answers and given["can_answer"]):
            assert (name, offered, [verb for verb in VERBS if verb in text.lower()]) == (name, [], [])
        if not (messages.answers and given["can_answer"]):
            continue
        wanted = {**expected(name, wording), **({} if is_open else {call_me: Request()})}
        for reply in ASKED_FOR.get(kind, offered):
            found = heard(
                reply.rstrip(")"),
                name,
                messages=messages,
                language=language,
                slots=given["slots"],
                can_request=given["can_request"],
            )
            assert (name, reply, found) == (name, reply, wanted[reply])
        seen.update(offered)
    if situation == "all":
        assert seen == {*REPLIES[wording].values(), call_me, "1)", "2)", "3)"}


@pytest.mark.parametrize(
    ("state", "changes", "name"),
    [
        (CallbackState.SCHEDULED, {}, "status"),
        (CallbackState.SCHEDULED, {"at": None}, "status.later"),
        (CallbackState.WAITING, {}, "status.turn"),
        (CallbackState.ATTEMPTING, {}, "status.calling"),
        (CallbackState.RESTING, {}, "status.later"),
        (CallbackState.HELD, {}, "status.later"),
        (CallbackState.ENDED, {}, "status.over"),
        (None, {}, "status.over"),
    ],
)
def test_every_state_has_its_status(state: CallbackState | None, changes: dict[str, Any], name: str) -> None:
    assert name_of_template(MessageKind.STATUS, attrs.evolve(FULL, state=state, **changes)) == name


def test_a_time_that_is_over_is_not_promised() -> None:
    """But it is told where the text is about it."""
    past = attrs.evolve(FULL, at=NOW - H)
    for kind in (MessageKind.CONFIRMATION, MessageKind.REMINDER, MessageKind.MISSED, MessageKind.STATUS):
        assert "10:00 AM" not in told(kind, past)
        assert "11:00 AM" not in told(kind, FULL, at=NOW)
    assert "booked for 10:00 AM" not in told(MessageKind.STATUS, past)
    assert "(10:00 AM EDT)" in told(MessageKind.LATE, past)
    assert "Sorry, 10:00 AM EDT is full" in told(MessageKind.SLOTS_FULL, past)


def test_what_must_be_known() -> None:
    """A code, and callbacks to choose from: without them there is nothing to say."""
    with pytest.raises(ValueError, match="verification needs code"):
        told(MessageKind.VERIFICATION, code=None)
    with pytest.raises(ValueError, match="which needs callbacks"):
        told(MessageKind.WHICH, callbacks=())


def test_other_channels() -> None:
    """Those of the message, or else those of the policy."""
    assert "chat, help@acme.example." in told(MessageKind.REGION_NOT_SERVED)
    assert "here: WhatsApp." in told(MessageKind.REGION_NOT_SERVED, other_channels=("WhatsApp",))


def test_a_title_is_the_company_where_a_language_has_none() -> None:
    own = Catalogue(language="it", texts={name: "Ciao. {time}" if "time" in TEMPLATES[name].required else text
                    for name, text in Messages().catalogue("en").texts.items()})  # fmt: skip
    messages = Messages(languages={"it": own})
    for policy, title in ((POLICY, "Acme Support"), (BARE, "")):
        found = text_of(
            MessageKind.SURVEY, FULL, policy=attrs.evolve(policy, messages=messages), language="it"
        )
        assert (found.title, found.language) == (title, "it")


# ---------------------------------------------------------------------------- languages and times


@pytest.mark.parametrize(
    ("asked", "language", "time_text"),
    [
        ("en", "en", "Tuesday, March 10, 4:00 PM EDT"),
        ("en-US", "en", "Tuesday, March 10, 4:00 PM EDT"),
        ("en-GB", "en", "Tuesday 10 March, 16:00 EDT"),
        ("pl", "en", "Tuesday, March 10, 4:00 PM EDT"),
        ("de-AT", "de", "Dienstag, 10. März, 16:00 EDT"),
        ("fr-CA", "fr", "mardi 10 mars à 16:00 EDT"),
        ("es-MX", "es", "10 de marzo, 16:00 EDT"),
        (None, "es", "10 de marzo, 16:00 EDT"),
        ("", "es", "10 de marzo, 16:00 EDT"),
    ],
)
def test_languages_fall_back(asked: str | None, language: str, time_text: str) -> None:
    policy = attrs.evolve(POLICY, language="es-419")
    facts = attrs.evolve(FULL, at=AT + 24 * H)
    found = text_of(MessageKind.CONFIRMATION, facts, policy=policy, language=asked)
    assert found.language == language
    assert time_text in found.text


@pytest.mark.parametrize(
    ("language", "time_text"),
    [
        ("en", "Sunday, January 3, 2027, 3:00 PM EST"),
        ("de", "Sonntag, 3. Januar 2027, 15:00 EST"),
        ("fr", "dimanche 3 janvier 2027 à 15:00 EST"),
        ("es", "3 de enero de 2027, 15:00 EST"),
    ],
)
def test_a_date_of_another_year_says_so(language: str, time_text: str) -> None:
    """Also where it is not known when the message is read. The abbreviation is that of the date, not of today."""
    at = datetime(2027, 1, 3, 20, tzinfo=UTC)
    assert time_text in told(MessageKind.CONFIRMATION, language=language, at=at)
    assert time_text in told(MessageKind.CONFIRMATION, language=language, at=at, now=None)


def test_an_own_language_without_dates_has_them_in_figures() -> None:
    plain = Catalogue(language="pl", texts={"which": "Który? {callbacks}"})
    assert text_of_instant(AT, zone=ZONE, now=None, catalogue=plain) == "2026-03-09, 16:00 EDT"
    assert text_of_instant(AT, zone=ZONE, now=NOW, catalogue=plain, asked="pl-PL") == "16:00 EDT"


def test_the_zone() -> None:
    """The customer's; or else that of the queue's hours, or else UTC. One that is not known here is none."""
    hours = WeekHours(zone="Europe/Berlin", week={day: [Span(time(9), time(17))] for day in range(5)})
    open_by_day = attrs.evolve(POLICY, hours=hours)
    for zone, policy, expected in (
        ("Asia/Tokyo", open_by_day, "5:00 AM JST"),
        (None, open_by_day, "9:00 PM CET"),
        ("Nowhere/Land", open_by_day, "9:00 PM CET"),
        (None, POLICY, "8:00 PM UTC"),
    ):
        facts = attrs.evolve(FULL, zone=zone)
        assert expected in text_of(MessageKind.CONFIRMATION, facts, policy=policy, language="en").text


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(InvalidTime):
        told(MessageKind.CONFIRMATION, at=datetime(2026, 3, 9, 20), now=None)  # noqa: DTZ001


# ---------------------------------------------------------------------------- names, numbers, waits


@pytest.mark.parametrize(
    "name",
    [
        "Ann", "STOP", "End", "J. R. R. Tolkien", "J.R. Ewing", "Anne-Marie O'Neil", "José Ñuñez, Jr.", "Łukasz",
        "Nguyễn Văn An", "李小龍", "محمد", "अनुराधा", "D’Arcy", "x" * NAME_SHOWN_MAX,
    ],
)  # fmt: skip
def test_names_are_shown_as_they_are(name: str) -> None:
    """Whatever they mean elsewhere."""
    assert name_shown(name) == unicodedata.normalize("NFC", name)
    assert f"Hello {unicodedata.normalize('NFC', name)}. " in told(MessageKind.CONFIRMATION, name=name)


@pytest.mark.parametrize(
    "name",
    [
        None, "", "  ", "x" * (NAME_SHOWN_MAX + 1), "x " * 500, "{company}", "{0}", "[[x]]", "a||b", "%s", "Ann\u0000",
        "Ann\u202e", "Ann\u200b", "evil.example", "see www.evil.example", "https://evil.example", "call 900555",
        "Ann: win", "Ann; drop", "<b>Ann</b>", "-", "Ann & Bob", "😀",
    ],
)  # fmt: skip
def test_what_is_no_name_is_left_out_whole(name: str | None) -> None:
    """Too long, not to be shown, or an attempt to have a message of ours say something else."""
    assert name_shown(name) is None
    assert told(MessageKind.CONFIRMATION, name=name) == told(MessageKind.CONFIRMATION)


def test_blanks_of_a_name() -> None:
    assert name_shown(" Ann \n Lee\t") == "Ann Lee"


@pytest.mark.parametrize(
    ("number", "end"),
    [
        ("+12125550123", "0123"),
        ("+290123", "123"),
        ("+4912", "12"),
        ("+1", None),
        ("", None),
        (None, None),
        ("x", None),
    ],
)
def test_the_end_of_a_number(number: str | None, end: str | None) -> None:
    """Never more than half of it."""
    assert number_end(number) == end


@pytest.mark.parametrize(
    ("mean", "low", "high", "expected"),
    [
        (700, 600, 850, "10-15 min"), (700, None, None, "12 min"), (700, 690, 700, "11-12 min"),
        (660, 660, 660, "11 min"),
        (10, 0, 20, "1 min"), (100, 0, 200, "1-4 min"), (7_200, None, None, "120 min"), (7_201, None, None, "3 h"),
        (7_300, 3_000, 7_300, "1-3 h"), (600, 100, float("inf"), "10 min"), (600, None, 700, "10 min"),
        (float("inf"), None, None, None), (None, None, None, None),
    ],
)  # fmt: skip
def test_a_wait(mean: float | None, low: float | None, high: float | None, expected: str | None) -> None:
    """Rounded so that it is never better than the estimate."""
    assert wait_text(Wait(mean_s=mean, low_s=low, high_s=high)) == expected


def test_no_wait_is_no_text() -> None:
    assert wait_text(None) is None


def test_personal_facts_are_not_shown_in_a_repr() -> None:
    facts = attrs.evolve(FULL, name="Ann Lee", link="https://acme.example/c/secret")
    found = text_of(MessageKind.CONFIRMATION, facts, policy=POLICY, language="en")
    for shown in (repr(facts), repr(found)):
        assert not any(word in shown for word in ("Ann", "0123", "482913", "secret"))


# ---------------------------------------------------------------------------- laws

ZONES: Final = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "UTC",
)
INSTANTS: Final = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ANY_TEXT: Final = st.text(max_size=60)
FACTS: Final = st.builds(
    TextFacts,
    name=st.none() | ANY_TEXT | st.sampled_from(["STOP", "{time}", "{name.__class__}", "[[x]]", "Ann Lee"]),
    number=st.none() | st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    at=st.none() | INSTANTS,
    zone=st.none() | st.sampled_from(ZONES),
    now=st.none() | st.just(NOW),
    choices=st.lists(INSTANTS, max_size=5).map(tuple),
    callbacks=st.lists(st.tuples(ANY_TEXT, st.none() | INSTANTS), min_size=1, max_size=3).map(tuple),
    position=st.none() | st.integers(1, 10_000),
    wait=st.none() | st.just(WAIT) | st.just(NO_WAIT),
    link=st.none() | ANY_TEXT,
    code=st.from_regex(r"[0-9]{4,8}", fullmatch=True),
    other_channels=st.lists(ANY_TEXT, max_size=3).map(tuple),
    state=st.none() | st.sampled_from(CallbackState),
    can_answer=st.booleans(),
    can_choose=st.booleans(),
    can_request=st.booleans(),
)


@LAW
@given(
    kind=st.sampled_from(MessageKind),
    facts=FACTS,
    language=st.none() | st.sampled_from([*BUILT_IN, "en-GB", "fr-CA", "pl", "{x}", ""]),
    policy=st.sampled_from([POLICY, BARE]),
)
def test_any_facts_make_a_text(
    kind: MessageKind, facts: TextFacts, language: str | None, policy: QueuePolicy
) -> None:
    """On one line and without a brace; a number's end and a time are whole where they are told."""
    found = text_of(kind, facts, policy=policy, language=language)
    assert found.text
    for line in (found.text, found.title):
        assert line.isprintable()
        assert not set(line) & set("{}")
    assert found.segments_count == segments_of(found.text).count >= 1
    name, zone = name_of_template(kind, facts), facts.zone or "UTC"
    over = facts.at is not None and facts.now is not None and facts.at <= facts.now
    if kind is MessageKind.CONFIRMATION and facts.at is not None and not over:
        assert name == "confirmation"
        local = facts.at.astimezone(ZoneInfo(zone))
        american = found.language == "en" and language != "en-GB"
        clock = f"{local.hour % 12 or 12}:{local:%M %p}" if american else f"{local:%H:%M}"
        assert f"{clock} {abbreviation(facts.at, zone=zone)}" in found.text
        if facts.number is not None:
            assert facts.number[-min(4, (len(facts.number) - 1) // 2) :] in found.text
    if found.language == "en" and language != "en-GB":
        for number, at in enumerate(facts.choices, start=1):
            if "1)" in found.text and kind is not MessageKind.WHICH:
                assert f"{number}) {text_of_time(at, zone=zone, now=facts.now)}" in found.text


@LAW
@given(at=INSTANTS, zone=st.sampled_from(ZONES), now=st.none() | INSTANTS)
def test_english_times_are_those_of_the_core(at: datetime, zone: str, now: datetime | None) -> None:
    english = Messages().catalogue("en")
    shown = text_of_instant(at, zone=zone, now=now, catalogue=english, asked="en")
    assert shown == text_of_time(at, zone=zone, now=now)
    if "," in shown:
        assert shown.startswith(text_of_date(at, zone=zone, now=now))


def test_names_of_templates() -> None:
    """Every template of a kind begins with its name, and is told by some facts."""
    for kind in MessageKind:
        assert {name for name, (each, _) in CASES.items() if each is kind} == set(names_of(kind))
