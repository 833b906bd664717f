"""What a person asks for, from whatever the host passes on; and what they are told in return."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.numbers import PhoneNumber
from callbackq.core.requests import (
    CONTEXTS_KEPT_MAX,
    Wish,
    check_same_request,
    event_key_of,
    new_subject,
    read_channel,
    read_email,
    read_numbers,
    read_rate,
    read_schedule,
    read_skills,
    read_wish,
    receipt_of,
    renewed_subject,
    request_key_of,
    request_key_of_event,
)
from callbackq.errors import InvalidNumber, InvalidText, InvalidTime, RequestKeyReused
from callbackq.ids import DEFAULT_TENANT, CallId, QueueName, SubjectId
from callbackq.model import Channel, Position, Receipt, Wait
from core.samples import (
    CALL_ID,
    CALLBACK_ID,
    LAW,
    NUMBER,
    START,
    SUPPORT,
    D,
    H,
    M,
    S,
    a_callback,
    a_subject,
)

NOTHING = Wish(context={})

# ---------------------------------------------------------------------------- wishes


def test_a_wish_is_taken_as_it_is() -> None:
    """Names in any script, long notes with line breaks: kept to the letter, in a mapping of its own."""
    context = {"topic": "Rechnung №7\nzweite Zeile\t✓", "empty": ""}
    wish = read_wish(name="山田 太郎", language="zh-Hant-TW", context=context)
    assert wish == Wish(name="山田 太郎", language="zh-Hant-TW", context=context)
    context["topic"] = "changed later"
    assert wish.context["topic"] == "Rechnung №7\nzweite Zeile\t✓"


def test_nothing_may_be_wished_for() -> None:
    """All of it may be missing."""
    assert read_wish(name=None, language=None, context={}) == NOTHING


def test_a_wish_at_its_limits_is_taken() -> None:
    """200 characters of name, 35 of language, 50 fields of 200 and 2,000 characters."""
    context = {f"{number:0>200}": "x" * 2_000 for number in range(50)}
    wish = read_wish(name="n" * 200, language="l" * 35, context=context)
    assert wish.context == context


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"name": ""}, "name has 0 characters; allowed: 1 to 200"),
        ({"name": "n" * 201}, "name has 201 characters; allowed: 1 to 200"),
        ({"name": "secret\r\n"}, "name has unprintable characters"),
        ({"name": ["secret"]}, "name is list; allowed: text"),
        ({"language": ""}, "language has 0 characters; allowed: 1 to 35"),
        ({"language": "l" * 36}, "language has 36 characters; allowed: 1 to 35"),
        ({"language": 7}, "language is int; allowed: text"),
        ({"context": {str(n): "" for n in range(51)}}, "context has 51 fields; allowed: at most 50"),
        ({"context": {"": "secret"}}, "a context field's name has 0 characters"),
        ({"context": {"k" * 201: "secret"}}, "a context field's name has 201 characters"),
        ({"context": {"k\n": "secret"}}, "a context field's name has unprintable characters"),
        ({"context": {7: "secret"}}, "a context field's name is int; allowed: text"),
        ({"context": {"k": 7}}, "a context field is no text of at most 2000 characters"),
        ({"context": {"k": None}}, "a context field is no text of at most 2000 characters"),
        ({"context": {"k": ["secret"]}}, "a context field is no text of at most 2000 characters"),
        ({"context": {"k": "x" * 2_001}}, "a context field is no text of at most 2000 characters"),
        ({"context": {"k": "secret\x00"}}, "a context field holds a NUL or half a character; allowed: text"),
        (
            {"context": {"k": "secret\ud800"}},
            "a context field holds a NUL or half a character; allowed: text",
        ),
        (
            {"context": {"k": "\udfffsecret"}},
            "a context field holds a NUL or half a character; allowed: text",
        ),
    ],
)
def test_what_is_no_wish_is_refused_and_not_shown(wish: dict[str, Any], said: str) -> None:
    """Too much, unprintable, or no text: `InvalidText`, and the text itself is not in it."""
    with pytest.raises(InvalidText) as caught:
        read_wish(**{"name": None, "language": None, "context": {}, **wish})
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@LAW
@given(
    st.none() | st.text(max_size=220),
    st.none() | st.text(max_size=40),
    st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=3),
)
def test_every_wish_that_is_taken_can_be_stored(
    name: str | None, language: str | None, context: dict[str, str]
) -> None:
    """Only `InvalidText` comes out; and what is taken is UTF-8 without NUL, which every store can keep."""
    try:
        wish = read_wish(name=name, language=language, context=context)
    except InvalidText:
        return
    for text in (wish.name or "", wish.language or "", *wish.context, *wish.context.values()):
        assert b"\x00" not in text.encode("utf-8")


# ---------------------------------------------------------------------------- a person's other numbers

OTHERS = [f"+1212555010{index}" for index in range(9)]
MAIN = PhoneNumber(e164=NUMBER)


def numbers_read(alternatives: Any, record_number: Any = None, main: PhoneNumber | None = MAIN) -> Wish:
    """Read the other numbers of a person of whom nothing else is known."""
    return read_numbers(
        NOTHING, alternatives=alternatives, record_number=record_number, main=main, region="US"
    )


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [
        ([], ()),
        ((), ()),
        (OTHERS[:5], tuple(OTHERS[:5])),
        ([OTHERS[1], OTHERS[0], OTHERS[1]], (OTHERS[1], OTHERS[0])),
        ([NUMBER, OTHERS[0], "(212) 555-0123"], (OTHERS[0],)),
        (["212-555-0100", "+1 212 555 0101"], (OTHERS[0], OTHERS[1])),
    ],
    ids=["none", "an empty tuple", "five", "one twice", "the main one", "spelled otherwise"],
)
def test_other_numbers_are_tried_in_this_order_each_once(
    alternatives: Any, expected: tuple[str, ...]
) -> None:
    """C6: in E.164, and the main number is none of them."""
    assert numbers_read(alternatives).alternatives == expected


def test_other_numbers_of_whom_the_main_one_is_not_known_yet() -> None:
    """C6: a live caller's number is not read here: all that are given are kept."""
    assert numbers_read([NUMBER], main=None).alternatives == (NUMBER,)


@pytest.mark.parametrize(
    ("alternatives", "error", "said"),
    [
        (OTHERS[0], InvalidText, "alternatives is str; allowed: a list of numbers"),
        (b"+12125550100", InvalidText, "alternatives has 12 numbers; allowed: at most 5"),
        (None, InvalidText, "alternatives is NoneType; allowed: a list of numbers"),
        ({OTHERS[0]}, InvalidText, "alternatives is set; allowed: a list of numbers"),
        (dict.fromkeys(OTHERS[:2], ""), InvalidText, "alternatives is dict; allowed: a list of numbers"),
        (OTHERS[:6], InvalidText, "alternatives has 6 numbers; allowed: at most 5"),
        ([OTHERS[0], OTHERS[0] + " ext. 7"], InvalidNumber, "an alternative number has an extension"),
        ([OTHERS[0], "911"], InvalidNumber, ""),
        ([None], InvalidNumber, ""),
    ],
)
def test_what_are_no_other_numbers_is_refused(alternatives: Any, error: type[Exception], said: str) -> None:
    """C6: and the error shows no number."""
    with pytest.raises(error) as caught:
        numbers_read(alternatives)
    assert said in str(caught.value)
    assert "55501" not in str(caught.value)


@pytest.mark.parametrize(("given_number", "kept"), [(None, None), ("(212) 555-0101", OTHERS[1])])
def test_the_number_in_the_records_is_read_like_any(given_number: str | None, kept: str | None) -> None:
    """F6: so that it can be compared with the one that is dialed."""
    assert numbers_read([], given_number).record_number == kept


@pytest.mark.parametrize("bad", ["", "anonymous", 7, "911"])
def test_what_is_no_number_in_the_records_is_refused(bad: Any) -> None:
    """F6: an agent must not be told nonsense."""
    with pytest.raises(InvalidNumber):
        numbers_read([], bad)


def test_other_numbers_are_kept_with_the_person_until_there_are_new_ones() -> None:
    """C6/B10: what is not said again is not forgotten."""
    wish = attrs.evolve(NOTHING, alternatives=(OTHERS[0],), record_number=OTHERS[1])
    subject = a_subject(alternatives=("+12125550109",), record_number=None)
    renewed = renewed_subject(subject, wish, now=START, ref=CALLBACK_ID)
    assert (renewed.alternatives, renewed.record_number) == ((OTHERS[0],), OTHERS[1])
    assert renewed.version == subject.version + 1
    assert renewed_subject(renewed, NOTHING, now=START, ref=CALLBACK_ID) is renewed
    made = new_subject(
        MAIN, wish, tenant_id=DEFAULT_TENANT, subject_id=SubjectId("su_9"), ref=CALLBACK_ID, now=START
    )
    assert (made.alternatives, made.record_number) == ((OTHERS[0],), OTHERS[1])
    assert (made.wrong_numbers, made.flagged_at) == ((), None)


# ---------------------------------------------------------------------------- skills, times, keys


@pytest.mark.parametrize(
    ("skills", "expected"),
    [
        (["agents", "Agent:ann", "an agent:"], ("Agent:ann", "agents", "an agent:")),
        ((), ()),
        (["billing"], ("billing",)),
        (["french", "billing"], ("billing", "french")),
        (("b", "a", "b"), ("a", "b")),
        ([f"{n:02}" for n in range(50)], tuple(f"{n:02}" for n in range(50))),
    ],
)
def test_skills_are_a_set_in_order(skills: Any, expected: tuple[str, ...]) -> None:
    """The same skills in any order, said any number of times, are the same."""
    assert read_skills(skills) == expected


@pytest.mark.parametrize(
    ("skills", "said"),
    [
        ("billing", "skills is one text; allowed: a list of texts"),
        ("", "skills is one text; allowed: a list of texts"),
        ([str(n) for n in range(51)], "skills has 51 entries; allowed: at most 50"),
        ([""], "a skill has 0 characters"),
        (["x" * 201], "a skill has 201 characters"),
        (["a\n"], "a skill has unprintable characters"),
        (["a", 7], "a skill is int; allowed: text"),
        ([["a"]], "a skill is list; allowed: text"),
        (b"billing", "a skill is int; allowed: text"),
        (None, "skills is NoneType; allowed: a list of texts"),
        (7, "skills is int; allowed: a list of texts"),
        (iter(["a"]), "skills is list_iterator; allowed: a list of texts"),
        (["agent:ann"], "a skill begins with 'agent:', as the skills that are made here do; allowed: others"),
        (["french", "agent:"], "a skill begins with 'agent:'"),
    ],
)
def test_what_are_no_skills_is_refused(skills: Any, said: str) -> None:
    """One text instead of a list would be read as letters; it is refused, as are too many or wrong ones."""
    with pytest.raises(InvalidText) as caught:
        read_skills(skills)
    assert str(caught.value).startswith(said)
    assert str(caught.value).partition("; allowed: ")[2] in {
        "text",
        "others",
        "1 to 200",
        "at most 50",
        "a list of texts",
        "letters, digits, signs and spaces",
    }


def test_a_time_need_not_be_chosen() -> None:
    """No time is as soon as possible."""
    assert read_schedule(None, now=START) is None


@pytest.mark.parametrize("after", [timedelta(microseconds=1), H, 366 * D])
def test_a_chosen_time_is_in_the_future(after: timedelta) -> None:
    """After now, and within 366 days; read in UTC."""
    chosen = (START + after).astimezone(timezone(timedelta(hours=-5)))
    read = read_schedule(chosen, now=START)
    assert read == START + after
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (START, "scheduled_at is 2026-01-05T08:00:00+00:00; allowed: after now, 2026-01-05T08:00:00+00:00"),
        (START - S, "within 366 days"),
        (START + 366 * D + timedelta(microseconds=1), "within 366 days"),
        (START.replace(tzinfo=None), "without a zone"),
        (datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=12))), "allowed: years 2000 to 2099"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "allowed: years 2000 to 2099"),
        ("tomorrow", "scheduled_at is str"),
    ],
)
def test_a_time_that_cannot_be_chosen_is_refused(chosen: Any, said: str) -> None:
    """Now, the past, too far away, naive, or no time: `InvalidTime`."""
    with pytest.raises(InvalidTime) as caught:
        read_schedule(chosen, now=START)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("request_key", "call_id", "expected"),
    [
        (None, None, None),
        ("order-7", None, "order-7"),
        ("order-7", "call-1", "order-7"),
        (None, "call-1", "call:call-1"),
    ],
)
def test_a_live_call_is_a_key_of_its_own(
    request_key: str | None, call_id: str | None, expected: str | None
) -> None:
    """A call gives one place only: pressing twice is the same request."""
    assert request_key_of(request_key, call_id) == expected


@pytest.mark.parametrize(
    ("request_key", "call_id", "said"),
    [
        ("", None, "request_key has 0 characters"),
        ("k" * 201, None, "request_key has 201 characters"),
        (7, None, "request_key is int"),
        (None, "", "call_id has 0 characters"),
        (None, "c\n", "call_id has unprintable characters"),
        (None, 7, "call_id is int"),
    ],
)
def test_a_key_is_a_proper_text(request_key: Any, call_id: Any, said: str) -> None:
    """Empty, too long, unprintable or no text: refused by its name."""
    with pytest.raises(InvalidText, match=said):
        request_key_of(request_key, call_id)


MARY = PhoneNumber(NUMBER, "7")


@pytest.mark.parametrize(
    ("queue", "call_id", "number", "same"),
    [
        ("support", "call-1", MARY, True),
        ("support", None, MARY, True),
        ("support", "call-1", None, True),
        ("support", None, None, True),
        ("sales", "call-1", MARY, False),
        ("support", "call-2", MARY, False),
        ("support", "call-1", PhoneNumber(NUMBER), False),
        ("support", None, PhoneNumber("+12125550199", "7"), False),
    ],
)
def test_a_known_key_asks_for_the_same_thing(
    queue: str, call_id: str | None, number: PhoneNumber | None, same: bool
) -> None:
    """What is said again must be the same: queue, live call and number; what is left out does not differ."""
    known = a_callback(call_id=CALL_ID)
    again = {
        "queue": QueueName(queue),
        "call_id": CallId(call_id) if call_id else None,
        "number": number,
    }
    if same:
        check_same_request(known, a_subject(), **again)
        return
    with pytest.raises(RequestKeyReused) as caught:
        check_same_request(known, a_subject(), **again)
    assert CALLBACK_ID in str(caught.value)
    assert "555" not in str(caught.value)


# ---------------------------------------------------------------------------- persons


@pytest.mark.parametrize(
    ("wish", "contexts"),
    [
        (NOTHING, {}),
        (Wish(name="Mary", language="en", context={"topic": "invoice"}), {"cb_1": {"topic": "invoice"}}),
    ],
)
def test_a_new_person_is_known_by_the_number(wish: Wish, contexts: dict[str, dict[str, str]]) -> None:
    """The identity is the number with its extension; the context stands under what it came with."""
    subject = new_subject(
        MARY, wish, tenant_id=DEFAULT_TENANT, subject_id=SubjectId("su_1"), ref="cb_1", now=START
    )
    assert subject == a_subject(name=wish.name, language=wish.language, contexts=contexts)
    assert subject.version == 1


def test_a_person_of_whom_nothing_is_new_is_the_same() -> None:
    """Nothing new is no new version."""
    mary = a_subject()
    assert renewed_subject(mary, NOTHING, now=START, ref="cb_2") is mary
    assert (
        renewed_subject(mary, Wish(name="Mary Major", language="en", context={}), now=START, ref="cb_2")
        is mary
    )
    assert renewed_subject(mary, Wish(context={"topic": "invoice"}), now=START, ref="cb_1") is mary
    assert renewed_subject(mary, NOTHING, now=START, ref="cb_2", moved_from="call-9") is mary


@pytest.mark.parametrize(
    ("wish", "ref", "moved_from", "changes"),
    [
        (Wish(name="M. Minor", context={}), "cb_2", None, {"name": "M. Minor"}),
        (Wish(language="fr", context={}), "cb_2", None, {"language": "fr"}),
        (
            Wish(context={"topic": "refund"}),
            "cb_2",
            None,
            {"contexts": {"cb_1": {"topic": "invoice"}, "cb_2": {"topic": "refund"}}},
        ),
        (
            Wish(context={"order": "7"}),
            "cb_1",
            None,
            {"contexts": {"cb_1": {"topic": "invoice", "order": "7"}}},
        ),
        (NOTHING, "cb_2", "cb_1", {"contexts": {"cb_2": {"topic": "invoice"}}}),
        (
            Wish(context={"topic": "refund", "order": "7"}),
            "cb_2",
            "cb_1",
            {"contexts": {"cb_2": {"topic": "refund", "order": "7"}}},
        ),
    ],
)
def test_a_known_person_is_renewed(
    wish: Wish, ref: str, moved_from: str | None, changes: dict[str, Any]
) -> None:
    """What is new replaces what was; a callback inherits the context of its live call, which gives it up."""
    mary = a_subject()
    renewed = renewed_subject(mary, wish, now=START, ref=ref, moved_from=moved_from)
    assert renewed == attrs.evolve(mary, version=2, **changes)


def test_a_person_becomes_a_customer_and_stays_that_one() -> None:
    """J2: the host's id is kept from when it is first said; the tier is the latest."""
    gold = renewed_subject(a_subject(), NOTHING, ref="cb_2", customer_id="c-42", tier="gold", now=START)
    assert gold == a_subject(customer_id="c-42", tier="gold", version=2)
    silver = renewed_subject(gold, NOTHING, ref="cb_2", customer_id="c-43", tier="silver", now=START)
    assert silver == a_subject(customer_id="c-42", tier="silver", version=3)
    assert renewed_subject(silver, NOTHING, ref="cb_2", now=START) is silver


def test_that_a_person_was_heard_of_is_written_once_a_day() -> None:
    """K5: retention counts from then, and a busy caller costs no write for it."""
    mary = a_subject()
    assert renewed_subject(mary, NOTHING, ref="cb_2", now=START + D - timedelta(microseconds=1)) is mary
    assert renewed_subject(mary, NOTHING, ref="cb_2", now=START + D).seen_at == START + D
    unseen = a_subject(seen_at=None)
    assert renewed_subject(unseen, NOTHING, ref="cb_2", now=START).seen_at == START


def test_only_the_last_contexts_are_kept() -> None:
    """A person who calls for years does not grow without end: the oldest context goes."""
    assert CONTEXTS_KEPT_MAX == 20
    subject = a_subject(contexts={})
    for number in range(25):
        subject = renewed_subject(subject, Wish(context={"n": str(number)}), now=START, ref=f"cb_{number}")
    assert list(subject.contexts) == [f"cb_{number}" for number in range(5, 25)]
    assert subject.version == 26


def test_contexts_of_open_callbacks_are_kept() -> None:
    """Behind a switchboard many wait at once: none loses what it told, however many there are."""
    subject = a_subject(contexts={})
    waiting = [f"cb_{number}" for number in range(0, 60, 2)]
    for number in range(60):
        wish = Wish(context={"n": str(number)})
        subject = renewed_subject(subject, wish, now=START, ref=f"cb_{number}", in_use=waiting)
    assert set(waiting) <= set(subject.contexts)
    assert len(subject.contexts) < 45


def test_a_key_of_the_host_cannot_be_that_of_a_live_call() -> None:
    """Otherwise a web form could take the place of a live call's request."""
    with pytest.raises(InvalidText, match="begins with 'call:'"):
        request_key_of("call:SIP/1", None)
    assert request_key_of(None, "SIP/1") == "call:SIP/1"


# ---------------------------------------------------------------------------- business events


def test_one_event_calls_a_person_once() -> None:
    """
    The same person and event have one key, whoever else is called and why; and no number stands in it.

    Nor can it be told by trying all numbers, without the store's pepper.
    """

    def keys_of(tenant_id: str, pepper: bytes) -> list[str]:
        return [
            request_key_of_event(event, identity, tenant_id=tenant_id, pepper=pepper)
            for event in events
            for identity in identities
        ]

    identities = ["tel:+12125550123", "tel:+12125550123;ext=7", "tel:+12125550199"]
    events = ["outage 7", "outage 8", "x" * 100, "x" * 99 + "y"]
    keys = keys_of("acme", bytes(32))
    assert len(set(keys)) == len(keys)
    assert keys == keys_of("acme", bytes(32))
    assert set(keys).isdisjoint(keys_of("acme", bytes([1] * 32)))
    assert set(keys).isdisjoint(keys_of("other", bytes(32)))
    for key in keys:
        assert "555" not in key
        assert len(key) <= 200
        with pytest.raises(InvalidText, match="request_key begins with 'event:', as the keys of events do"):
            request_key_of(key, None)


def test_an_event_has_a_name() -> None:
    """1 to 100 printable characters."""
    assert event_key_of("outage 7") == "outage 7"
    assert event_key_of("x" * 100) == "x" * 100
    nonsense: list[object] = ["", "x" * 101, " ", "a\n", None, 7]
    for name in nonsense:
        with pytest.raises(InvalidText, match=r"^event_key "):
            event_key_of(name)


@pytest.mark.parametrize(
    ("rate", "spacing"),
    [
        (None, None),
        (1, M),
        (0.5, 2 * M),
        (60, S),
        (100_000, timedelta(microseconds=600)),
        (0.001, 1_000 * M),
    ],
)
def test_a_rate_is_a_time_between_two(rate: float | None, spacing: timedelta | None) -> None:
    """Per minute; None is no limit."""
    assert read_rate(rate) == spacing


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0, "out of bounds; allowed: 0.001 to 100,000"),
        (-1, "out of bounds"),
        (0.0009, "out of bounds"),
        (5e-324, "out of bounds"),
        (100_000.1, "out of bounds"),
        (float("nan"), "out of bounds"),
        (float("inf"), "out of bounds"),
        (float("-inf"), "out of bounds"),
        pytest.param(10**5_000, "out of bounds", id="huge"),
        (True, "rate_per_minute is bool; allowed: a number"),
        ("1", "rate_per_minute is str"),
        (M, "rate_per_minute is timedelta"),
    ],
)
def test_what_is_no_rate_is_refused(rate: Any, said: str) -> None:
    """Whatever comes in, `InvalidText` comes out: nobody is scheduled beyond what a calendar holds."""
    with pytest.raises(InvalidText, match="rate_per_minute is") as caught:
        read_rate(rate)
    assert said in str(caught.value)


# ---------------------------------------------------------------------------- receipts


@pytest.mark.parametrize(
    ("changes", "position", "wait", "expected_at"),
    [
        (
            {
                "quoted_position": 3,
                "quoted_wait_s": 90.0,
                "quoted_wait_low_s": 30.0,
                "quoted_wait_high_s": 180.0,
            },
            Position(number=3),
            Wait(mean_s=90.0, low_s=30.0, high_s=180.0),
            START + 2 * M + 90 * S,
        ),
        (
            {
                "quoted_position": 12_000,
                "quoted_position_exact": False,
                "quoted_wait_s": 90.0,
                "quoted_by": "ql",
            },
            Position(number=12_000, exact=False),
            Wait(mean_s=90.0, low_s=None, high_s=None, estimator="ql"),
            START + 2 * M + 90 * S,
        ),
        (
            {"quoted_position": 3},
            Position(number=3),
            Wait(mean_s=None, low_s=None, high_s=None),
            None,
        ),
        (
            {"scheduled_at": START + 3 * H},
            None,
            Wait(mean_s=None, low_s=None, high_s=None),
            START + 3 * H,
        ),
    ],
)
def test_a_receipt_says_what_was_promised(
    changes: dict[str, Any], position: Position | None, wait: Wait, expected_at: datetime | None
) -> None:
    """What was quoted then; the wait counts from the request; a chosen time is the time; an unknown one is said."""
    callback = a_callback(requested_at=START + 2 * M, **changes)
    assert receipt_of(callback, a_subject()) == Receipt(
        callback_id=CALLBACK_ID,
        queue=SUPPORT,
        number_masked="+1…23",
        position=position,
        wait=wait,
        expected_at=expected_at,
        entered_at=START,
        requested_at=START + 2 * M,
        expires_at=START + D,
    )


@pytest.mark.parametrize("context", [None, "a=b", [("a", "b")], 7])
def test_a_context_is_a_mapping(context: object) -> None:
    """Anything else is refused by its type, without its contents."""
    with pytest.raises(InvalidText, match=r"context is \w+; allowed: a mapping of texts"):
        read_wish(name=None, language=None, context=context)


def test_a_channel_is_read_as_a_member_or_its_word() -> None:
    """And nothing else is one."""
    assert read_channel(Channel.WEB) is read_channel("web") is Channel.WEB
    for nonsense in ("pigeon", "", None, 7):
        with pytest.raises(InvalidText, match="channel is none of: in_queue, web, message, agent, event"):
            read_channel(nonsense)


# ---------------------------------------------------------------------------- e-mail


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace@Mail.EXAMPLE.Com", "Ada.Lovelace@mail.example.com"),
        ("o'neil+callback_1-x@sub.example.co.uk", "o'neil+callback_1-x@sub.example.co.uk"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        ("a@xn--mller-kva.de", "a@xn--mller-kva.de"),
        ("ada@Intranet", "ada@intranet"),
    ],
)
def test_an_address_is_kept_as_it_is_with_its_domain_in_small_letters(given_: str, kept: str) -> None:
    """The part before the sign is the owner's own business."""
    assert read_email(given_) == kept
    assert read_email(kept) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "secret",
        "@example.com",
        "secret@",
        "secret@@example.com",
        "a@b@example.com",
        "secret name@example.com",
        " secret@example.com",
        "secret@example.com\n",
        "secret@example.com\r\nBcc: other@example.com",
        "Secret <secret@example.com>",
        "secret@exa mple.com",
        f"secret@{'x' * 250}.com",
        "secret@example.com,other@example.com",
        None,
        7,
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(address: object) -> None:
    """Nothing can be put into the head of a mail with it."""
    with pytest.raises(InvalidText) as refused:
        read_email(address)
    assert "secret" not in str(refused.value)
