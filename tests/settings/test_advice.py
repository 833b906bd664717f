"""A policy in words says what it does; contradictions and what the host must give are found, and nothing else."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

from callbackq import (
    AllDeclined,
    CallingPolicy,
    Caps,
    Disposition,
    ExponentialRest,
    FixedSeats,
    Messages,
    Mode,
    NextBusinessDay,
    NumberPolicy,
    PlaceFrom,
    QueuePolicy,
    RegionRule,
    RetryRule,
    SlotPolicy,
    Span,
    StaffedSeats,
    SteppedRest,
    Verify,
    Voicemail,
    WeekHours,
    Wording,
    weekdays,
)
from callbackq.policy import KEYS_S2, RETRY_S2
from callbackq.settings import TenantSettings, settings_of
from callbackq.settings.advice import Weight, remarks
from callbackq.settings.words import policy_words, rest_words

S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BUSY, BUSY_REST = Disposition.BUSY, "retry_rules.busy.rest"
SHORT = WeekHours(zone="UTC", week={0: [Span(time(9), time(9, 20))]})
DAY = WeekHours(zone="America/New_York", week=weekdays(Span(time(9), time(17))))


def words(topic: str, **given: Any) -> str:
    return dict(policy_words(QueuePolicy(queue="a", **given)))[topic]


@pytest.mark.parametrize(
    ("topic", "given", "said"),
    [
        ("open", {"hours": DAY}, "Monday to Friday 09:00-17:00, in America/New_York."),
        (
            "open",
            {
                "hours": WeekHours(
                    zone="UTC",
                    week={0: [Span(time(9), time(12)), Span(time(13), time(0))], 5: [Span(time(9), time(10))]},
                    holidays=[date(2026, 1, 1)],
                    special={date(2026, 1, 2): (), date(2026, 1, 3): ()},
                )
            },
            "Monday 09:00-12:00 and 13:00-24:00; Saturday 09:00-10:00, in UTC; besides 1 holiday and 2 special dates.",
        ),
        (
            "open",
            {"hours": WeekHours(zone="UTC", week={}, special={date(2026, 1, 2): [Span(time(1), time(2))]})},
            "On no day of the week, in UTC; besides 1 special date.",
        ),
        ("offers", {}, "To who would wait 2 min or has waited 90 s; none when the wait is longer than 45 min."),
        (
            "offers",
            {
                "offer_wait_min": None,
                "offer_position_min": 5,
                "offer_load_min": 2.5,
                "offer_ratio": 0.5,
                "offer_segments": ("gold",),
            },
            "To who has waited 90 s, stands at place 5 or behind or comes when 2.5 places wait for each agent, "
            "to 50 % of callers, of the segments gold; none when the wait is longer than 45 min.",
        ),
        (
            "offers",
            {"offer_wait_min": None, "offer_waited_min": None},
            "To nobody by itself; none when the wait is longer than 45 min.",
        ),
        ("keys", {}, "3: a callback; *: stay on hold."),
        ("keys", {"keys": {}}, "No key asks for a callback."),
        ("order", {}, "The place counts from entering the queue; a better priority always goes first."),
        (
            "order",
            {"place_from": PlaceFrom.REQUESTED, "priority_credit": 10 * M},
            "The place counts from asking for the callback; one step of priority is worth 10 min of waiting.",
        ),
        (
            "order",
            {"priority_credit": 0 * S},
            "The place counts from entering the queue; priority counts for nothing.",
        ),
        (
            "dialing",
            {"mode": Mode.SIMULTANEOUS, "caps": Caps(attempts_at_once_max=3, attempts_per_minute_max=1_000)},
            "Agent and customer are rung at once: the agent for 20 s, the customer for 45 s. A customer who answers "
            "waits 30 s for an agent at most; at most 3 at once and 1,000 a minute.",
        ),
        (
            "retries",
            {"attempts_max": 1, "retry_rules": {Disposition.BUSY: RETRY_S2[Disposition.BUSY]}},
            "1 attempt at most. busy: not again.",
        ),
        (
            "retries",
            {"attempts_max": 3, "retry_rules": {
                Disposition.MACHINE: RetryRule(retries_max=5, rest=M, voicemail=Voicemail.PROMPT),
                Disposition.AGENT_UNAVAILABLE: RetryRule(retries_max=3),
            }},
            "3 attempts at most. machine: a voicemail; again after 1 min, twice; "
            "agent unavailable: again at once, 3 times.",
        ),
        ("retries", {"retry_rules": {}}, "2 attempts at most. Nothing is tried again."),
        (
            "if all agents decline",
            {"all_declined": AllDeclined.TELL},
            "The customer is called and told so, and it is over.",
        ),
        (
            "slots",
            {"slots": SlotPolicy(seats=StaffedSeats(agents=8, share_ratio=0.25), remind_before=None)},
            "Every 30 min, 30 min long, up to 4 h from now, with as many seats as 8 agents can do in 25 % of their "
            "time.",
        ),
        (
            "slots",
            {"slots": SlotPolicy(seats=None, remind_before=None)},
            "Every 30 min, 30 min long, up to 4 h from now, with as many seats as the host says.",
        ),
        (
            "slots",
            {"slots": SlotPolicy(seats=FixedSeats(seats=2), grid=15 * M)},
            "Every 15 min, 30 min long, up to 4 h from now, with 2 seats each; a reminder 15 min before.",
        ),
        (
            "messages",
            {"messages": Messages(channels=("push", "sms"))},
            "By push or else sms, none from 21:00 to 08:00; answers are read.",
        ),
        (
            "messages",
            {"messages": Messages(quiet_from=None, quiet_until=None, answers=False)},
            "By sms, at any hour; answers are not read.",
        ),
        (
            "numbers",
            {"numbers": NumberPolicy(regions={"US": RegionRule()}, types_refused=())},
            "Read as numbers of US. US: allow; Every other region: allow. Never: no type.",
        ),
        ("calling hours", {"calling": None}, "At any hour, wherever the number is."),
        (
            "calling hours",
            {"calling": CallingPolicy(rules=(), asked_life=H)},
            "By 0 rules of the places where the number may be; at any hour within 1 h after asking.",
        ),
        ("life", {"response_window": None}, "A callback that was not done within 24 h expires."),
    ],
)  # fmt: skip
def test_a_policy_is_told_in_sentences(topic: str, given: dict[str, Any], said: str) -> None:
    assert words(topic, **given) == said


def test_rests_are_told_in_words() -> None:
    assert rest_words(SteppedRest(rests=(M, H))) == "after 1 min and then 1 h"
    assert rest_words(ExponentialRest(first=M, factor=3)) == (
        "after 1 min, then 3 times as long each time, 24 h at most"
    )
    assert rest_words(NextBusinessDay(at=time(9, 30))) == "at 09:30 of the next business day in UTC"


def found(*, today: date | None = None, **given: Any) -> list[tuple[str, str]]:
    """Return what is said of a policy, each by its weight and key."""
    settings = TenantSettings(policies=[QueuePolicy(queue="a", **given)])
    said = remarks(settings, today=today)
    assert all(one.queue == "a" and one.words.endswith(".") for one in said)
    return [(str(one.weight), one.key) for one in said]


def test_nothing_is_said_of_the_defaults() -> None:
    assert found() == []
    assert found(hours=DAY, company="Acme", messages=Messages()) == [("note", "messages")]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"keys": KEYS_S2}, "keys"),
        ({"offer_wait_min": H}, "offer_wait_min"),
        ({"offer_position_min": 2, "served_soon_position": 2}, "offer_position_min"),
        ({"hours": DAY, "offer_closing_margin": 8 * H}, "offer_closing_margin"),
        ({"hours": SHORT, "slots": SlotPolicy(seats=FixedSeats(seats=1))}, "slots.length"),
        ({"attempts_max": 3, "retry_rules": {BUSY: RetryRule(retries_max=3)}}, "retry_rules.busy.retries_max"),
        ({"retry_rules": {Disposition.BUSY: RetryRule(voicemail=Voicemail.AGENT)}}, "retry_rules.busy.voicemail"),
        ({"ring_on_max": 18 * S}, "ring_on_max"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_found(given: dict[str, Any], key: str) -> None:
    """Each is allowed by itself, and one makes the other useless."""
    assert found(**given) == [("contradiction", key)]


def test_a_queue_s_cap_above_that_of_all_queues_is_a_contradiction() -> None:
    policy = QueuePolicy(queue="a", caps=Caps(attempts_at_once_max=9, attempts_per_minute_max=5))
    settings = TenantSettings(policies=[policy], caps=Caps(attempts_at_once_max=5, attempts_per_minute_max=5))
    assert [one.key for one in remarks(settings)] == ["caps.attempts_at_once_max"]


def test_a_message_that_comes_after_the_end_is_a_contradiction() -> None:
    messages = Messages(slip_margin=2 * H)
    assert found(messages=messages, company="A", callback_life=H) == [
        ("contradiction", "messages.slip_margin"),
        ("note", "messages"),
    ]


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({"offer_ratio": 0}, ["offer_ratio"]),
        ({"offer_wait_min": None, "offer_waited_min": None}, ["offer_wait_min"]),
        ({"slots": SlotPolicy(seats=None)}, ["hours", "slots.seats"]),
        ({"verify": Verify()}, ["verify"]),
        ({"messages": Messages()}, ["messages", "company"]),
        ({"messages": Messages(wording=Wording.S2), "company": "A"}, ["messages", "messages.wording"]),
        ({"messages": Messages(message_life=H), "company": "A"}, ["messages", "messages.message_life"]),
        ({"messages": Messages(message_life=M, quiet_from=None, quiet_until=None), "company": "A"}, ["messages"]),
        ({"survey": True}, ["survey"]),
        ({"all_declined": AllDeclined.TELL}, ["company"]),
        ({"response_window": M, "retry_rules": {BUSY: RetryRule(retries_max=1, rest=H)}}, [BUSY_REST]),
        ({"retry_rules": {Disposition.MACHINE: RetryRule(voicemail=Voicemail.AGENT)}}, ["detect"]),
        ({"hours": WeekHours(zone="UTC", week={6: [Span(time(7), time(9))]})}, ["hours.week"]),
        ({"hours": WeekHours(zone="UTC", week={6: [Span(time(7), time(9))]}), "default_region": "DE"}, ["hours.week"]),
        ({"hours": WeekHours(zone="UTC", week={6: [Span(time(7), time(9))]}), "calling": None}, []),
    ],
)  # fmt: skip
def test_what_the_host_should_know_is_a_note(given: dict[str, Any], keys: list[str]) -> None:
    assert found(**given) == [("note", key) for key in keys]


def test_dates_that_are_over_are_noted() -> None:
    """Only where somebody says which day it is."""
    old = WeekHours(
        zone="UTC", week=weekdays(Span(time(9), time(17))), holidays=[date(2026, 1, 1), date(2025, 1, 1)]
    )
    assert found(hours=old) == found(hours=old, today=date(2026, 1, 1)) == []
    assert found(hours=old, today=date(2026, 1, 2)) == [("note", "hours.holidays")]


def test_an_hour_in_which_nobody_may_be_called_is_named() -> None:
    early = WeekHours(zone="UTC", week={6: [Span(time(7), time(9))], 0: [Span(time(9), time(17))]})
    (one,) = remarks(TenantSettings(policies=[QueuePolicy(queue="a", hours=early)]))
    assert one.words == (
        "The queue is open on Sunday 07:00-09:00, and numbers of US may be called 08:00-21:00 there: what was asked "
        "for longer ago than 2 h waits until then."
    )


@pytest.mark.parametrize("name", ["s2", "talkdesk", "portsip", "contaqt", "glossary", "genesys", "mindful"])
def test_presets_do_not_contradict_themselves(name: str) -> None:
    """What is said of them is what the host has to do."""
    settings = settings_of(f"[queue.a]\npreset = '{name}'")
    assert [one for one in remarks(settings) if one.weight is Weight.CONTRADICTION] == []
