"""Reports of figures: how time is cut, how parts add up, and that what goes along gives what counting anew gives."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.core.metrics import DEFINITIONS, Cells, LiveFigures, Stretch, make_report, stories
from callbackq.core.metrics import live as live_module
from callbackq.core.metrics.counts import (
    ATTEMPTS_SHOWN,
    NAMES,
    Counts,
    count_callback,
    gist_of_call,
    gist_of_callback,
)
from callbackq.core.metrics.report import LIVE_CALLS
from callbackq.core.metrics.stories import Facts, after, key_of, story_of
from callbackq.errors import InvalidTime
from callbackq.events import (
    AgentSignedOut,
    AttemptEnded,
    AttemptStarted,
    CallbackCalledIn,
    CallbackEnded,
    CallbackRequested,
    CallbackRescheduled,
    CallbackScored,
    CallEnded,
    CallJoined,
    CallMoved,
    Event,
    ReportIgnored,
)
from callbackq.ids import AttemptId, BookingId, CallbackId, CallId, QueueName
from callbackq.model import Announcement, CallOutcome, Channel, Disposition, LegState, Outcome
from callbackq.model.figures import (
    CallbackFacts,
    CallFacts,
    FigureSet,
    FigureUnit,
    Grain,
    HostFigures,
)
from callbackq.testing.builders import make_event
from core.figure_samples import (
    at,
    attempt_facts,
    call_facts,
    callback_facts,
    cells_of,
    completed,
    converted,
    counted,
    talked,
)
from core.samples import LAW, START, SUPPORT, D, H, M

BILLING, SALES = QueueName("billing"), QueueName("sales")
FEW = settings(LAW, max_examples=40)
ZONES = {BILLING: "America/New_York", SALES: "Australia/Lord_Howe"}


def stretch(**changes: Any) -> Stretch:
    """Return the day of the start, looked at when it was over."""
    fields: dict[str, Any] = {
        "tenant_id": "default",
        "from_at": START.replace(hour=0),
        "until_at": START.replace(hour=0) + D,
        "made_at": START.replace(hour=0) + D,
        "grain": Grain.DAY,
    }
    return Stretch(**{**fields, **changes})


def labels(sets: Iterable[FigureSet]) -> list[str]:
    return [one.label for one in sets]


def values(sets: Iterable[FigureSet], name: str) -> dict[str, float | None]:
    """Return one figure of each part that has any of it."""
    return {one.label: one.figure(name).value for one in sets if one.figure(name).value}


# ---------------------------------------------------------------------------- parts


def test_a_report_of_nothing_has_every_figure() -> None:
    """All of them, of the whole and of the queue that is named; and every hour of the day."""
    report = make_report(Cells(lambda _: "UTC"), stretch(queues=(SUPPORT,)))
    assert len(report.whole.figures) == len(DEFINITIONS)
    assert labels(report.queues) == ["support"]
    assert (report.channels, report.quotes, report.attempts) == ((), (), ())
    assert [one.hour for one in report.hours_of_day] == list(range(24))
    assert labels(report.periods) == ["2026-01-05"]
    assert make_report(Cells(lambda _: "UTC"), stretch()).zone == "UTC"
    with pytest.raises(KeyError):
        report.whole.figure("no such figure")


def test_live_calls_are_a_part_beside_the_channels() -> None:
    """So the parts add up to the whole, also of what only callers on the line count."""
    report = make_report(cells_of(converted(), completed(), callback_facts(channel=Channel.WEB)), stretch())
    assert labels(report.channels) == [LIVE_CALLS, "in_queue", "web"]
    assert [one.channel for one in report.channels] == [None, Channel.IN_QUEUE, Channel.WEB]
    assert values(report.channels, "inbound_calls") == {LIVE_CALLS: 1}
    assert (report.calls_count, report.callbacks_count, report.not_ended_count) == (1, 2, 1)


@pytest.mark.parametrize(
    ("grain", "wanted"),
    [
        (Grain.HOUR, {"2026-01-05 03:00": 1, "2026-01-06 02:00": 1}),
        (Grain.DAY, {"2026-01-05": 1, "2026-01-06": 1}),
        (Grain.WEEK, {"2026-W02": 2}),
        (Grain.HOUR_OF_WEEK, {"Mon 03": 1, "Tue 02": 1}),
    ],
)
def test_time_is_told_apart_on_the_clocks_of_the_queue(grain: Grain, wanted: dict[str, int]) -> None:
    """08:00 UTC is 03:00 in New York."""
    calls = call_facts(queue=BILLING), call_facts(queue=BILLING, call_id="b", entered_at=START + 23 * H)
    report = make_report(cells_of(*calls, zones=ZONES), stretch(grain=grain, until_at=START + 2 * D))
    assert report.zone == "America/New_York"
    assert values(report.periods, "inbound_calls") == wanted


def test_periods_have_their_bounds_in_one_zone_and_none_in_several() -> None:
    """A day of New York begins at five in the morning, UTC; an hour of the week begins often."""
    day = cells_of(call_facts(queue=BILLING), zones=ZONES)
    (period,) = make_report(day, stretch(from_at=at(0), until_at=at(60))).periods
    assert (period.from_at, period.until_at) == (
        datetime(2026, 1, 5, 5, tzinfo=UTC),
        datetime(2026, 1, 6, 5, tzinfo=UTC),
    )
    (hour,) = make_report(day, stretch(from_at=at(0), until_at=at(60), grain=Grain.HOUR)).periods
    assert (hour.from_at, hour.until_at) == (START, START + H)
    (of_week,) = make_report(day, stretch(from_at=at(0), until_at=at(60), grain=Grain.HOUR_OF_WEEK)).periods
    assert (of_week.from_at, of_week.until_at) == (None, None)
    two = cells_of(call_facts(queue=BILLING), call_facts(queue=SALES), zones=ZONES)
    report = make_report(two, stretch(from_at=at(0), until_at=at(60)))
    assert report.zone == "America/New_York, Australia/Lord_Howe"
    assert all(one.from_at is None for one in report.periods)


def test_hours_in_which_nothing_began_are_there_too() -> None:
    """Up to now, and unless the stretch is very long."""
    hourly = stretch(grain=Grain.HOUR, made_at=START.replace(hour=12, minute=10), queues=(SUPPORT,))
    assert len(make_report(cells_of(call_facts()), hourly).periods) == 13
    long = attrs.evolve(hourly, until_at=START + 500 * D)
    assert len(make_report(cells_of(call_facts()), long).periods) == 1


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    """Clocks go back in New York on 1 November 2026: two hours read one o'clock."""
    begin = datetime(2026, 11, 1, 5, 10, tzinfo=UTC)
    calls = [call_facts(queue=BILLING, call_id=f"c{n}", entered_at=begin + n * H) for n in range(3)]
    fall = stretch(grain=Grain.HOUR, from_at=begin - 10 * M, until_at=begin + 3 * H, made_at=begin)
    report = make_report(cells_of(*calls, zones=ZONES), fall)
    assert labels(report.periods) == [
        "2026-11-01 01:00",
        "2026-11-01 01:00 (again)",
        "2026-11-01 02:00",
    ]


def test_attempts_are_told_apart_by_number_and_hour() -> None:
    """First attempts and retries, where the customer was dialed; the hour is that of the queue."""
    tries = attempt_facts(1), attempt_facts(2, customer_dialed=False), talked(3)
    report = make_report(cells_of(completed(*tries, queue=BILLING), zones=ZONES), stretch())
    assert [attrs.astuple(one) for one in report.attempts] == [(1, 1, 0, 0), (2, 1, 1, 1)]
    assert attrs.astuple(report.hours_of_day[3]) == (3, 1, 0, 1, 1)
    many = tuple(attempt_facts(number) for number in range(1, ATTEMPTS_SHOWN + 4))
    report = make_report(cells_of(callback_facts(attempts=many)), stretch())
    assert [one.count for one in report.attempts] == [1] * (ATTEMPTS_SHOWN - 1) + [4]


def test_an_answer_that_was_not_joined_is_no_connection() -> None:
    """The customer answered, and left before the agent came."""
    left = talked(1, connected_at=None, disposition=Disposition.ANSWERED_THEN_LEFT)
    report = make_report(cells_of(callback_facts(attempts=(left,))), stretch())
    assert [attrs.astuple(one) for one in report.attempts] == [(1, 1, 1, 0)]


def test_quotes_are_grouped_by_their_length() -> None:
    """Two of about 5 minutes, and one of more than two hours."""
    quotes = [
        completed(quoted_wait_s=300.0, quoted_wait_low_s=0.0, quoted_wait_high_s=600.0),
        completed(quoted_wait_s=340.0, quoted_wait_low_s=330.0, quoted_wait_high_s=600.0),
        completed(quoted_wait_s=9_000.0),
    ]
    report = make_report(cells_of(*quotes), stretch())
    assert [attrs.astuple(one) for one in report.quotes] == [
        (300.0, 420.0, 2, 1, 320.0, 320.0),
        (7_200.0, 86_400.0, 1, 0, 9_000.0, 320.0),
    ]


# ---------------------------------------------------------------------------- what goes along


def test_stories_follow_the_law_of_history() -> None:
    """A field that an event shares with the facts is their value after it."""
    events: list[Event] = [
        make_event(CallJoined, call_id="call-1", queue=SUPPORT, entered_at=START),
        make_event(CallMoved, call_id="call-1", queue=BILLING),
        make_event(CallEnded, call_id="call-1", outcome=CallOutcome.CONVERTED, callback_id="cb_1"),
        make_event(CallbackRequested, callback_id="cb_1", queue=BILLING, booking_id=None, requested_at=START),
        make_event(CallbackCalledIn, callback_id="cb_1"),
        make_event(
            CallbackRescheduled, callback_id="cb_1", booking_id=BookingId("bk_1"), scheduled_at=at(30)
        ),
        make_event(AttemptStarted, callback_id="cb_1", attempt_id="at_1", customer_leg=LegState.INTENDED),
        make_event(ReportIgnored, callback_id="cb_1", attempt_id="at_1"),
        make_event(
            AttemptEnded,
            callback_id="cb_1",
            attempt_id="at_1",
            customer_leg=LegState.ENDED,
            disposition=Disposition.CONNECTED,
            ended_at=at(40),
        ),
        make_event(CallbackEnded, callback_id="cb_1", outcome=Outcome.COMPLETED),
        make_event(CallbackScored, callback_id="cb_1", score=4.0, resolved=True),
    ]
    call, callback = stories([*events, make_event(AgentSignedOut)])
    assert isinstance(call, CallFacts)
    assert isinstance(callback, CallbackFacts)
    assert (call.queue, call.outcome, call.callback_id) == (BILLING, CallOutcome.CONVERTED, "cb_1")
    assert (callback.queue, callback.is_booked, callback.scheduled_at) == (BILLING, True, at(30))
    assert (callback.outcome, callback.score, callback.resolved) == (Outcome.COMPLETED, 4.0, True)
    (attempt,) = callback.attempts
    assert attempt.customer_dialed
    assert (attempt.disposition, attempt.ended_at) == (Disposition.CONNECTED, at(40))
    assert not attempt.is_announcement
    assert list(stories(events[1:3])) == []


def test_an_event_belongs_to_one_story_or_to_none() -> None:
    """Attempts belong to their callback; agents, queues and messages to no story."""
    assert story_of(make_event(AttemptEnded, callback_id="cb_7")) == ("callback", "cb_7")
    assert story_of(make_event(CallEnded, call_id="c")) == ("call", "c")
    assert story_of(make_event(AgentSignedOut)) is None
    assert after(None, make_event(AttemptStarted)) is None
    assert after(call_facts(), make_event(AttemptStarted)) is None
    said = after(callback_facts(), make_event(AttemptStarted, announces=Announcement.NO_AGENT))
    assert isinstance(said, CallbackFacts)
    assert said.attempts[0].is_announcement


def test_two_attempts_are_kept_in_their_order() -> None:
    """By their start, whichever was heard of first, and once; an event of one leaves the other as it is."""
    facts: Facts | None = callback_facts()
    for number in (2, 1, 2):
        event = make_event(
            AttemptStarted, callback_id="cb_1", attempt_id=f"at_{number}", started_at=at(number)
        )
        facts = after(facts, event)
    facts = after(facts, make_event(AttemptEnded, callback_id="cb_1", attempt_id="at_1", ended_at=at(9)))
    assert isinstance(facts, CallbackFacts)
    assert [(one.attempt_id, one.ended_at) for one in facts.attempts] == [("at_1", at(9)), ("at_2", None)]


@cache
def story_events() -> tuple[Event, ...]:
    """Return what is told of a call that became a callback, with one attempt, by versions."""
    call, callback, attempt = (
        {"call_id": "call-1"},
        {"callback_id": "cb_1"},
        {"attempt_id": "at_1", "callback_id": "cb_1"},
    )
    return (
        make_event(CallJoined, **call, version=1, queue=SUPPORT, entered_at=START),
        make_event(CallMoved, **call, version=2, queue=BILLING),
        make_event(CallEnded, **call, version=3, outcome=CallOutcome.CONVERTED, callback_id="cb_1"),
        make_event(
            CallbackRequested, **callback, version=1, queue=BILLING, requested_at=START, entered_at=START
        ),
        make_event(CallbackRescheduled, **callback, version=2, scheduled_at=None),
        make_event(AttemptStarted, **attempt, version=1, started_at=at(5)),
        make_event(AttemptEnded, **attempt, version=2, ended_at=at(9)),
        make_event(CallbackEnded, **callback, version=3, outcome=Outcome.COMPLETED, ended_at=at(6)),
        make_event(CallbackScored, **callback, version=4, score=4.0),
    )


@settings(LAW, max_examples=20)
@given(order=st.permutations(range(9)), again=st.lists(st.integers(0, 8)))
def test_events_count_in_their_order_whatever_order_they_are_heard_in(
    order: list[int], again: list[int]
) -> None:
    """As threads tell of them that commit at the same time; and those that are heard again count once."""
    events, live = story_events(), LiveFigures(lambda _: "UTC")
    for index in [*order, *again]:
        live.hear(events[index])
    assert live.cells.as_mapping() == cells_of(*stories(events)).as_mapping()
    assert (live.stories_count, live.unknown_count) == (2, 0)


def test_what_nobody_knows_the_beginning_of_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept for a while, in case the beginning is told late; and is named as unknown."""
    monkeypatch.setattr(live_module, "HELD_MAX", 3)
    live = LiveFigures(lambda _: "UTC")
    live((make_event(CallEnded, call_id="call-9", version=1), make_event(AgentSignedOut)))
    for number in range(4):
        live.hear(make_event(CallEnded, call_id=f"call-{number}", version=2))
    assert (live.stories_count, live.unknown_count) == (0, 5)
    live.know(call_facts(call_id=CallId("call-1")))
    assert (live.stories_count, live.unknown_count) == (1, 4)


def test_what_was_read_goes_on_with_any_version() -> None:
    """Rows say nothing of versions; from the first event on they are counted in order again."""
    live = LiveFigures(lambda _: "UTC", guard=nullcontext())
    live.know(callback_facts(attempts=(attempt_facts(ended_at=None),)))
    over = {"callback_id": "cb_1", "attempt_id": "at_1", "ended_at": at(9), "connected_at": None}
    live.hear(make_event(AttemptEnded, **over, version=7))
    live.hear(make_event(CallbackScored, callback_id="cb_1", version=9, score=4.0))
    live.hear(make_event(CallbackScored, callback_id="cb_1", version=8, score=1.0))
    (counts,) = live.cells.as_mapping().values()
    assert (counts.score_millionths, counts.connecting_us) == (4_000_000, 240_000_000)
    assert live.unknown_count == 0


def test_live_figures_forget_what_is_old() -> None:
    """By the hour in which a story began; what is told of it later changes nothing."""
    live = LiveFigures(lambda _: "UTC")
    live.know(call_facts())
    live.know(callback_facts(requested_at=START + H))
    assert live.forget(before=START + H) == 1
    report = live.report(stretch())
    assert (report.calls_count, report.callbacks_count) == (0, 1)
    live.hear(make_event(CallEnded, call_id="call-1", version=2))
    assert live.unknown_count == 1
    assert live.forget(before=START) == 0
    assert live.unknown_count == 1


def test_live_figures_are_of_whole_hours() -> None:
    """They keep no smaller parts. What began outside the stretch is not in it."""
    live = LiveFigures(ZONES.__getitem__)
    live.know(call_facts(queue=BILLING))
    live.know(call_facts(queue=BILLING, call_id="b", entered_at=START + D))
    live.know(call_facts(queue=BILLING, call_id="c", entered_at=START - D))
    assert live.report(stretch()).calls_count == 1
    for wrong in ({"from_at": at(-0.5)}, {"until_at": at(90)}):
        with pytest.raises(InvalidTime, match="the beginning of an hour in America/New_York"):
            live.report(stretch(**wrong))


# ---------------------------------------------------------------------------- laws


SHARES = [
    name for name, one in DEFINITIONS.items() if one.unit is FigureUnit.RATIO and name != "retention_gain"
]
ADDED = [
    name
    for name, one in DEFINITIONS.items()
    if one.unit in (FigureUnit.COUNT, FigureUnit.MONEY)
    and name not in ("attempts_per_success", "agent_money_saved", "retention_money", "net_saved")
] + ["billable_time", "hold_time_saved", "outbound_line_time"]
"""What adds up over parts: sums, and what is in proportion to them."""
ALL_HOST = HostFigures(
    cost_of_abandon=10.0,
    abandons_avoided_ratio=0.4,
    cost_of_line_minute=0.06,
    cost_of_agent_hour=36.0,
    staffed_s=1e9,
)


def _some_at(chance: random.Random) -> datetime:
    return START + timedelta(microseconds=chance.randrange(3 * 86_400_000_000))


def _maybe(chance: random.Random, made: Any) -> Any:
    return made if chance.random() < 0.5 else None


def random_call(chance: random.Random, number: int) -> CallFacts:
    """Return a live call as it may be: not every one of them can come of the service."""
    entered_at = _some_at(chance)
    return call_facts(
        call_id=CallId(f"call-{number}"),
        queue=chance.choice([SUPPORT, BILLING, SALES]),
        entered_at=entered_at,
        offers_count=chance.randrange(3),
        taken_at=_maybe(chance, entered_at + chance.randrange(60) * timedelta(seconds=1)),
        outcome=chance.choice([None, *CallOutcome]),
        ended_at=_maybe(chance, _some_at(chance)),
        callback_id=_maybe(chance, CallbackId("cb_x")),
        returns_for_id=_maybe(chance, CallbackId("cb_y")),
        overtook_calls_count=chance.randrange(2),
    )


def random_callback(chance: random.Random, number: int) -> CallbackFacts:
    """Return a callback as it may be."""
    attempts = [
        attempt_facts(
            tried,
            attempt_id=AttemptId(f"at_{number}_{tried}"),
            started_at=_some_at(chance),
            customer_dialed=chance.random() < 0.8,
            is_announcement=chance.random() < 0.1,
            customer_answered_at=_maybe(chance, _some_at(chance)),
            connected_at=_maybe(chance, _some_at(chance)),
            ended_at=_maybe(chance, _some_at(chance)),
            disposition=chance.choice([None, *Disposition]),
        )
        for tried in range(chance.randrange(4))
    ]
    return callback_facts(
        callback_id=CallbackId(f"cb_{number}"),
        queue=chance.choice([SUPPORT, BILLING, SALES]),
        channel=chance.choice(list(Channel)),
        requested_at=_some_at(chance),
        call_id=_maybe(chance, CallId("call-x")),
        scheduled_at=_maybe(chance, _some_at(chance)),
        outcome=chance.choice([None, *Outcome]),
        ended_at=_maybe(chance, _some_at(chance)),
        follows_id=_maybe(chance, CallbackId("cb_z")),
        quoted_wait_s=_maybe(chance, chance.uniform(0, 9_000)),
        quoted_wait_low_s=_maybe(chance, 60.0),
        quoted_wait_high_s=_maybe(chance, 90_000.0),
        score=_maybe(chance, chance.uniform(-1, 5)),
        resolved=chance.choice([None, False, True]),
        overtook_callbacks_count=chance.randrange(2),
        attempts=tuple(attempts),
    )


def random_facts(seed: int) -> list[Facts]:
    """Return the facts of some stories: whatever can be written down."""
    chance = random.Random(seed)
    made: list[Facts] = [random_call(chance, number) for number in range(chance.randrange(8))]
    return made + [random_callback(chance, number) for number in range(chance.randrange(8))]


@FEW
@given(seed=st.integers(0, 2**32))
def test_shares_are_shares_and_parts_add_up(seed: int) -> None:
    """Whatever happened: every share is in [0, 1], and each way to cut the whole gives the whole."""
    facts, grain = random_facts(seed), list(Grain)[seed % len(Grain)]
    days = stretch(grain=grain, from_at=START - D, until_at=START + 5 * D, made_at=START - D)
    report = make_report(cells_of(*facts, zones=ZONES), days, host=ALL_HOST)
    parts = [
        {one.name: one.value for one in part.figures}
        for part in [report.whole, *report.periods, *report.queues, *report.channels]
    ]
    for part in parts:
        assert all(part[name] is None or 0 <= part[name] <= 1 for name in SHARES)  # type: ignore[operator]
    for sets in (report.periods, report.queues, report.channels):
        of_sets = [{one.name: one.value for one in part.figures} for part in sets]
        for name in ADDED:
            assert sum(part[name] or 0 for part in of_sets) == pytest.approx(parts[0][name] or 0), name


@FEW
@given(seed=st.integers(0, 2**32))
def test_what_is_taken_away_leaves_nothing(seed: int) -> None:
    """A story that is counted and taken away again, in any order, has counted nothing."""
    facts = random_facts(seed)
    cells = cells_of(*facts, zones=ZONES)
    for one in reversed(facts):
        cells.add(one, sign=-1)
    assert cells.as_mapping() == {}


@FEW
@given(seed=st.integers(0, 2**32))
def test_stories_that_change_count_as_if_they_had_always_been_so(seed: int) -> None:
    """Told in any order, and many times: the cells are those of the last of each story."""
    chance, live = random.Random(seed), LiveFigures(lambda queue: ZONES.get(queue, "UTC"))
    last: dict[Any, Facts] = {}
    for one in [*random_facts(seed), *random_facts(seed + 1), *random_facts(seed + 2)]:
        last[key_of(one)] = one
        live.know(one)
        if chance.random() < 0.3:
            live.know(one)
    assert live.cells.as_mapping() == cells_of(*last.values(), zones=ZONES).as_mapping()


@FEW
@given(seed=st.integers(0, 2**32))
def test_it_does_not_matter_who_counts_what(seed: int) -> None:
    """Counted in any parts, by as many processes, and added up; or all of a queue at once: the cells are the same."""
    facts, chance = random_facts(seed), random.Random(seed)
    whole = cells_of(*facts, zones=ZONES).as_mapping()
    parts: list[list[Facts]] = [[], [], []]
    for one in facts:
        chance.choice(parts).append(one)
    added, bare = cells_of(zones=ZONES), cells_of(zones=ZONES)
    for part in parts:
        added.add_counts(pickle.loads(pickle.dumps(list(cells_of(*part, zones=ZONES).counted()))))
    assert added.as_mapping() == whole
    for queue in {one.queue for one in facts}:
        of = [one for one in facts if one.queue == queue]
        bare.add_calls(queue, [gist_of_call(one) for one in of if isinstance(one, CallFacts)])
        bare.add_callbacks(queue, [gist_of_callback(one) for one in of if isinstance(one, CallbackFacts)])
    assert bare.as_mapping() == whole


def test_stories_of_one_hour_are_counted_one_after_the_other() -> None:
    """In the cell of their hour and channel, and in that of the next ones."""
    calls = [call_facts(entered_at=at(minute)) for minute in (0, 1, 90)]
    said = [completed(channel=channel) for channel in (Channel.WEB, Channel.WEB, Channel.IN_QUEUE)]
    cells = cells_of()
    cells.add_calls(SUPPORT, [gist_of_call(one) for one in calls])
    cells.add_callbacks(SUPPORT, [gist_of_callback(one) for one in said])
    assert cells.as_mapping() == cells_of(*calls, *said).as_mapping()
    assert sorted(counts.inbound + counts.callbacks for _, counts in cells.counted()) == [1, 1, 2, 2]


def test_counts_add_up_field_by_field() -> None:
    """Every field is added, the bins too."""
    ones = Counts(**dict.fromkeys(NAMES, 1), bins={8: 1})
    twice = Counts(**dict.fromkeys(NAMES, 1), bins={8: 2, 9: 1})
    twice.add(ones)
    assert twice == Counts(**dict.fromkeys(NAMES, 2), bins={8: 3, 9: 1})
    assert not twice.is_empty
    assert not Counts(bins={8: 1}).is_empty
    assert Counts(bins={8: 0}).is_empty
    assert Counts(bins={8: 0}).without_zeros() == Counts()


def test_one_story_can_be_counted_alone() -> None:
    """As the cells do it."""
    counts = Counts()
    count_callback(counts, gist_of_callback(completed()), hour_of=lambda moment: moment.hour, sign=1)
    assert counts == counted(completed())
