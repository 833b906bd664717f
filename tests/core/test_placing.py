"""Where a place stands, and every way in which that changes: each function by table, and what holds of them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import placing
from callbackq.core.instants import microseconds
from callbackq.core.ordering import HEAD_START_MAX, booked_rank, rank
from callbackq.core.placing import Lanes, Stand
from callbackq.core.requests import read_skills
from callbackq.errors import InvalidText
from callbackq.ids import AgentId, CallbackId, PlaceId, QueueName
from callbackq.model import Callback, CallbackState, Place
from callbackq.policy import STRICT_CREDIT, PlaceAfter, PlaceFrom, QueuePolicy
from core.samples import (
    BOOKING_ID,
    CALL_ID,
    LAW,
    START,
    SUPPORT,
    D,
    H,
    M,
    S,
    a_call,
    a_callback,
    a_stand,
    rank_of,
)

US = timedelta(microseconds=1)
STRICT = QueuePolicy(queue=SUPPORT)
AGEING = QueuePolicy(queue=SUPPORT, priority_credit=M)
NO_PRIORITY = QueuePolicy(queue=SUPPORT, priority_credit=timedelta(0))
SALES = QueuePolicy(queue="sales", priority_credit=2 * M)
REQUESTED = attrs.evolve(STRICT, place_from=PlaceFrom.REQUESTED)
NOW = START + H
OPEN = Lanes(open=4)
ANNS = Lanes(open=4, own=9)
PLACES: list[Callable[..., Place]] = [a_call, a_callback]


def a_place(
    make: Callable[..., Place] = a_callback, *, policy: QueuePolicy = STRICT, **changes: Any
) -> Place:
    """Return a place whose rank is that of the policy."""
    return make(queue=policy.queue, **{"rank": rank_of(changes, policy), **changes})


# ---------------------------------------------------------------------------- skills


@pytest.mark.parametrize(
    ("skills", "expected"),
    [
        ((), ()),
        (("french",), ("french",)),
        (("agent:ann",), ()),
        (("agent:ann", "billing", "french"), ("billing", "french")),
        (("agents", "an agent:", "Agent:ann"), ("agents", "an agent:", "Agent:ann")),
    ],
)
def test_the_skill_of_one_agent_is_told_from_all_others(
    skills: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """What is left are the skills that any agent may have."""
    assert placing.open_skills(skills) == expected


@LAW
@given(st.text(min_size=1, max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_nobody_can_claim_the_skill_of_one_agent(agent_id: str, skills: list[str]) -> None:
    """It is made from the id, taken away again, and refused from outside, whatever the agent is called."""
    own = placing.own_skill(AgentId(agent_id))
    assert placing.open_skills((own,)) == ()
    with pytest.raises(InvalidText):
        read_skills([own])
    try:
        read = read_skills(skills)
    except InvalidText:
        return
    assert placing.open_skills((*read, own)) == read


@pytest.mark.parametrize(
    ("skills", "preferred", "lanes"),
    [
        ((), None, ((),)),
        (("french",), None, (("french",),)),
        ((), AgentId("ann"), ((), ("agent:ann",))),
        # In order, whatever the names.
        (("a", "french"), AgentId("ann"), (("a", "french"), ("a", "agent:ann", "french"))),
    ],
)
def test_which_lanes_a_request_may_need(
    skills: tuple[str, ...], preferred: AgentId | None, lanes: tuple[tuple[str, ...], ...]
) -> None:
    """That of its skills; and where there is a preferred agent, that agent's own."""
    assert placing.lanes_of_request(skills, preferred) == lanes


# ---------------------------------------------------------------------------- new places


@pytest.mark.parametrize(
    ("lanes", "wait", "lane", "until"),
    [
        (OPEN, 2 * M, 4, None),
        (ANNS, 2 * M, 9, NOW + 2 * M),
        (ANNS, 12 * H, 9, NOW + 12 * H),
        (ANNS, 0 * M, 4, None),
        (Lanes(), 2 * M, 0, None),
        (Lanes(own=0), 2 * M, 0, NOW + 2 * M),
    ],
)
def test_a_new_place_waits_for_its_preferred_agent_first(
    lanes: Lanes, wait: timedelta, lane: int, until: datetime | None
) -> None:
    """In a lane of its own for as long as policy says, if that agent is there; else in the open one."""
    policy = attrs.evolve(AGEING, preferred_agent_time=wait)
    expected = Stand(
        queue=SUPPORT,
        priority=70,
        lane=lane,
        ranked_at=START,
        rank=rank(START, priority=70, policy=policy),
        preferred_until_at=until,
    )
    assert placing.stand_at(START, priority=70, lanes=lanes, policy=policy, now=NOW) == expected
    other = attrs.evolve(expected, lane=77, preferred_until_at=START)
    assert placing.for_agent(other, lanes=lanes, policy=policy, now=NOW) == expected


@pytest.mark.parametrize("make", PLACES)
def test_a_place_stands_where_its_record_says(make: Callable[..., Place]) -> None:
    """Field by field; and when the caller entered is no part of it, so nothing here can change that."""
    place = make(priority=3, lane=5, ranked_at=START - H, rank=-7, preferred_until_at=NOW)
    assert placing.stand_of(place) == a_stand(
        priority=3, lane=5, ranked_at=START - H, rank=-7, preferred_until_at=NOW
    )
    assert "entered_at" not in attrs.fields_dict(Stand)
    assert set(attrs.fields_dict(Stand)) <= set(attrs.fields_dict(type(place)))


# ---------------------------------------------------------------------------- each change


def moves(place: Place, stand: Stand) -> dict[str, Any]:
    """Return what *stand* changes of a place."""
    before = attrs.asdict(placing.stand_of(place), recurse=False)
    after = attrs.asdict(stand, recurse=False)
    return {name: after[name] for name in after if after[name] != before[name]}


@pytest.mark.parametrize("make", PLACES)
def test_what_each_change_changes(make: Callable[..., Place]) -> None:
    """The fields that it is about, and no other: the same for live calls and callbacks."""
    place = a_place(make, lane=9, preferred_until_at=NOW)
    changes = {
        "opened": placing.opened(place, lane=4),
        "moved": placing.moved(place, priority=60, lane=4, policy=SALES),
        "prioritized": placing.prioritized(place, priority=60, policy=STRICT),
        "head start": placing.with_head_start(place, H, policy=STRICT),
        "again": placing.again(place, policy=AGEING),
        "kept": placing.put(place, PlaceAfter.KEEP, first_rank=-1, policy=STRICT, now=NOW),
        "end": placing.put(place, PlaceAfter.END, first_rank=-1, policy=STRICT, now=NOW),
        "front": placing.put(
            place, PlaceAfter.FRONT, first_rank=rank_of({"ranked_at": START - M}), policy=STRICT, now=NOW
        ),
    }
    assert {name: moves(place, stand) for name, stand in changes.items()} == {
        "opened": {"lane": 4, "preferred_until_at": None},
        "moved": {
            "queue": "sales",
            "priority": 60,
            "lane": 4,
            "rank": rank(START, priority=60, policy=SALES),
            "preferred_until_at": None,
        },
        "prioritized": {"priority": 60, "rank": rank(START, priority=60, policy=STRICT)},
        "head start": {"ranked_at": START - H, "rank": rank_of({"ranked_at": START - H})},
        "again": {"rank": rank(START, priority=100, policy=AGEING)},
        "kept": {},
        "end": {"ranked_at": NOW, "rank": rank_of({"ranked_at": NOW})},
        "front": {"ranked_at": START - M - US, "rank": rank_of({"ranked_at": START - M}) - 1},
    }


SLOT = START + 30 * M


@pytest.mark.parametrize(
    ("place", "policy", "start"),
    [
        (a_call(entered_at=START - M), STRICT, START - M),
        (a_call(entered_at=START - M), REQUESTED, START - M),
        (a_callback(entered_at=START - M, ranked_at=NOW), STRICT, START - M),
        (a_callback(entered_at=START - M, scheduled_at=SLOT), STRICT, SLOT),
        (a_callback(entered_at=START - M, call_id=CALL_ID), STRICT, START - M),
        # Where a live caller's callback stands by when it was asked for, the wait before that does not come back.
        (a_callback(entered_at=START - M, call_id=CALL_ID), REQUESTED, START),
        (a_callback(entered_at=START - M, call_id=CALL_ID, scheduled_at=SLOT), REQUESTED, SLOT),
        (a_callback(entered_at=START - M), REQUESTED, START - M),
    ],
)
def test_a_head_start_counts_from_where_the_place_began(
    place: Place, policy: QueuePolicy, start: datetime
) -> None:
    """From entering; from the slot's time; from asking, where policy says so. Earlier if positive, later if not."""
    for head_start in (timedelta(0), H, -H, HEAD_START_MAX, -HEAD_START_MAX):
        stand = placing.with_head_start(place, head_start, policy=policy)
        assert stand.ranked_at == start - head_start
        assert stand.rank == rank_of({"ranked_at": start - head_start})


@pytest.mark.parametrize(
    ("first_rank", "expected"),
    [
        (None, 0),
        (-2, -3),
        (-1, -2),
        (0, -1),
        (1, 0),
        (10**15, 0),
    ],
)
def test_the_front_is_before_the_first_and_nobody_is_put_back_to_it(
    first_rank: int | None, expected: int
) -> None:
    """One microsecond before the first; a place that stands before it already is kept."""
    place = a_place(ranked_at=START)
    first = None if first_rank is None else place.rank + first_rank
    stand = placing.put(place, PlaceAfter.FRONT, first_rank=first, policy=STRICT, now=NOW)
    assert stand.rank - place.rank == expected
    assert stand.ranked_at - place.ranked_at == expected * US


@pytest.mark.parametrize(
    ("policy", "credit"), [(STRICT, 155 * 366 * D), (AGEING, 155 * M), (NO_PRIORITY, 0 * M)]
)
def test_the_front_is_looked_for_half_a_step_of_strict_priority_back(
    policy: QueuePolicy, credit: timedelta
) -> None:
    """So far that no place of its priority that waits stands before it, and no better one behind it."""
    since = placing.front_from(100, policy=policy, now=NOW)
    assert since == microseconds(NOW - 180 * D) - credit // US


@pytest.mark.parametrize("later", [timedelta(0), US, 7 * D])
def test_nobody_is_put_forward_to_the_end(later: timedelta) -> None:
    """A place that the host's function ranked later than now stays behind."""
    place = a_place(ranked_at=NOW + later)
    stand = placing.put(place, PlaceAfter.END, first_rank=None, policy=STRICT, now=NOW)
    assert stand == placing.stand_of(place)


@pytest.mark.parametrize("where", PlaceAfter)
@pytest.mark.parametrize(("before", "after"), [(STRICT, AGEING), (AGEING, STRICT), (AGEING, NO_PRIORITY)])
def test_who_comes_back_into_the_line_has_the_rank_of_the_present_credits(
    where: PlaceAfter, before: QueuePolicy, after: QueuePolicy
) -> None:
    """A rank of other credits would be years before everybody, or behind everybody for ever."""
    place = a_place(policy=before, state=CallbackState.RESTING)
    waiting = a_place(policy=after, ranked_at=START - M)
    stand = placing.put(place, where, first_rank=waiting.rank, policy=after, now=NOW)
    assert stand.rank == rank(stand.ranked_at, priority=100, policy=after)
    assert START - M - US <= stand.ranked_at <= NOW


@pytest.mark.parametrize(
    ("into", "other", "priority", "ranked_at"),
    [
        ({}, {}, 100, START),
        ({}, {"priority": 50}, 50, START),
        ({"priority": 50}, {}, 50, START),
        ({}, {"ranked_at": START - H}, 100, START - H),
        ({"ranked_at": START - H}, {}, 100, START - H),
        ({}, {"priority": 7, "ranked_at": START - H}, 7, START - H),
        ({"priority": 7}, {"priority": 9, "ranked_at": START - H}, 7, START - H),
        # A slot keeps its time, and gives none of it away; and what another queue's place is worth is not known here.
        ({"scheduled_at": SLOT, "ranked_at": SLOT}, {"priority": 50}, 50, SLOT),
        ({}, {"scheduled_at": SLOT, "ranked_at": START - H}, 100, START),
        ({}, {"queue": "sales", "priority": 9, "ranked_at": START - H}, 9, START),
    ],
)
def test_what_is_merged_has_the_better_of_both(
    into: dict[str, Any], other: dict[str, Any], priority: int, ranked_at: datetime
) -> None:
    """The better priority; in one queue the earlier instant; the lane of both. Queue and preference are its own."""
    kept = a_callback(lane=9, preferred_until_at=NOW, **into)
    stand = placing.merged(kept, a_callback(lane=3, callback_id="cb_2", **other), lane=5, policy=STRICT)
    assert stand == a_stand(
        priority=priority,
        lane=5,
        ranked_at=ranked_at,
        rank=rank(ranked_at, priority=priority, policy=STRICT),
        preferred_until_at=NOW,
    )


# ---------------------------------------------------------------------------- bookings


def a_booked(slot_at: datetime = SLOT, *, policy: QueuePolicy = STRICT, **changes: Any) -> Callback:
    """Return a callback with a seat in a slot, in line where it was put when it was booked."""
    priority = changes.get("priority", 100)
    stand = placing.stand_at(slot_at, priority=priority, lanes=OPEN, policy=policy, now=NOW, booked=True)
    where = {"ranked_at": stand.ranked_at, "rank": stand.rank, "lane": stand.lane}
    return a_callback(queue=policy.queue, booking_id=BOOKING_ID, scheduled_at=slot_at, **where, **changes)


@pytest.mark.parametrize("policy", [STRICT, AGEING, NO_PRIORITY])
@pytest.mark.parametrize("priority", [0, 100, 255])
def test_a_booking_is_ranked_by_its_time_alone(priority: int, policy: QueuePolicy) -> None:
    """Before who has the best priority and has waited for a month; and it may wait for its agent as others do."""
    booking = a_booked(priority=priority, policy=policy)
    assert placing.is_booked(booking)
    assert booking.rank == booked_rank(SLOT)
    first = rank(SLOT - 30 * D, priority=0, policy=policy)
    assert booking.rank < first
    own = placing.stand_at(SLOT, priority=priority, lanes=ANNS, policy=policy, now=NOW, booked=True)
    assert (own.rank, own.lane, own.preferred_until_at) == (booking.rank, 9, NOW + 2 * M)


@pytest.mark.parametrize(
    ("place", "is_booked"),
    [(a_call(), False), (a_callback(), False), (a_callback(scheduled_at=SLOT), False), (a_booked(), True)],
)
def test_who_has_a_seat(place: Place, is_booked: bool) -> None:
    """A callback with a booking; a chosen time in a queue without slots is none."""
    assert placing.is_booked(place) is is_booked


def test_what_each_change_changes_of_a_booking() -> None:
    """It stays before all that have no slot: only among bookings, and by time, can it stand elsewhere."""
    place = a_booked(priority=100)
    vip = rank(START - 30 * D, priority=0, policy=STRICT)
    at = {"ranked_at": SLOT - H, "rank": booked_rank(SLOT - H)}
    changes = {
        "opened": placing.opened(place, lane=5),
        "moved": placing.moved(place, priority=60, lane=5, policy=SALES),
        "prioritized": placing.prioritized(place, priority=0, policy=STRICT),
        "head start": placing.with_head_start(place, H, policy=STRICT),
        "again": placing.again(place, policy=AGEING),
        "kept": placing.put(place, PlaceAfter.KEEP, first_rank=vip, policy=STRICT, now=NOW),
        "front": placing.put(place, PlaceAfter.FRONT, first_rank=vip, policy=STRICT, now=NOW),
        "end": placing.put(place, PlaceAfter.END, first_rank=vip, policy=STRICT, now=NOW),
        "merged": placing.merged(place, a_callback(priority=7, ranked_at=START - D), lane=5, policy=STRICT),
    }
    assert {name: moves(place, stand) for name, stand in changes.items()} == {
        "opened": {"lane": 5},
        "moved": {"queue": "sales", "priority": 60, "lane": 5},
        "prioritized": {"priority": 0},
        "head start": at,
        "again": {},
        "kept": {},
        "front": {},
        "end": {"ranked_at": NOW, "rank": booked_rank(NOW)},
        "merged": {"priority": 7, "lane": 5},
    }


def test_a_booking_gives_nothing_away_when_it_is_merged() -> None:
    """Who takes it up stands where they stood: its seat is given back, and its time was its own."""
    into = a_callback(ranked_at=START - M)
    stand = placing.merged(into, a_booked(priority=100), lane=5, policy=STRICT)
    assert stand == a_stand(lane=5, ranked_at=START - M, rank=rank_of({"ranked_at": START - M}))


# ---------------------------------------------------------------------------- laws

FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
ANY_TIME = st.datetimes(
    FIRST_DAY.replace(tzinfo=None), LAST_MOMENT.replace(tzinfo=None), timezones=st.just(UTC)
)
LATELY = st.integers(-30 * 24 * 3600, 0).map(lambda seconds: NOW + seconds * S)
PRIORITIES = st.integers(0, 255)
HEAD_STARTS = st.timedeltas(-HEAD_START_MAX, HEAD_START_MAX)
CREDITS = st.timedeltas(timedelta(0), STRICT_CREDIT)
AGES = st.timedeltas(timedelta(0), timedelta(hours=16))


def a_policy(credit: timedelta, **changes: Any) -> QueuePolicy:
    return QueuePolicy(queue=SUPPORT, priority_credit=credit, **changes)


def every_stand(place: Callback, other: Callback, policy: QueuePolicy, head_start: timedelta) -> list[Stand]:
    """Return every stand that can be made of a place."""
    there = attrs.evolve(policy, queue=QueueName("sales"))
    return [
        placing.stand_at(place.entered_at, priority=place.priority, lanes=ANNS, policy=policy, now=NOW),
        placing.opened(place, lane=4),
        placing.moved(place, priority=other.priority, lane=4, policy=there),
        placing.prioritized(place, priority=other.priority, policy=policy),
        placing.with_head_start(place, head_start, policy=policy),
        placing.again(place, policy=policy),
        placing.merged(place, other, lane=4, policy=policy),
        *(
            placing.put(place, where, first_rank=first, policy=policy, now=place.entered_at + H)
            for where in PlaceAfter
            for first in (None, place.rank, other.rank)
        ),
    ]


@LAW
@given(st.tuples(ANY_TIME, ANY_TIME), st.tuples(PRIORITIES, PRIORITIES), CREDITS, HEAD_STARTS)
def test_a_rank_is_the_instant_less_the_credit(
    times: tuple[datetime, datetime],
    priorities: tuple[int, int],
    credit: timedelta,
    head_start: timedelta,
) -> None:
    """Of every stand ever made; and it is exact in a double, in JSON and in any BI tool."""
    policy = a_policy(credit)
    place, other = (
        a_place(policy=policy, entered_at=at, ranked_at=at, priority=priority)
        for at, priority in zip(times, priorities, strict=True)
    )
    assert isinstance(place, Callback)
    assert isinstance(other, Callback)
    for stand in every_stand(place, other, policy, head_start):
        assert stand.rank == microseconds(stand.ranked_at) - (255 - stand.priority) * (credit // US)
        assert abs(stand.rank) < 2**53


@pytest.mark.parametrize("credit", [timedelta(0), M, STRICT_CREDIT])
@pytest.mark.parametrize("at", [FIRST_DAY, LAST_MOMENT])
@pytest.mark.parametrize("head_start", [-HEAD_START_MAX, HEAD_START_MAX])
def test_a_rank_is_exact_at_every_bound(at: datetime, credit: timedelta, head_start: timedelta) -> None:
    """Every priority, with the longest head start, in the first and in the last moment that is taken."""
    policy = a_policy(credit)
    for priority in range(256):
        place = a_place(policy=policy, priority=priority, entered_at=at)
        stand = placing.with_head_start(place, head_start, policy=policy)
        assert abs(stand.rank) < 2**53
        assert int(float(stand.rank)) == stand.rank


@LAW
@given(LATELY, PRIORITIES, CREDITS, HEAD_STARTS, HEAD_STARTS)
def test_the_same_head_start_gives_the_same_rank(
    at: datetime, priority: int, credit: timedelta, one: timedelta, other: timedelta
) -> None:
    """However often, and whatever the head start was before."""
    policy = a_policy(credit)
    place = a_place(policy=policy, entered_at=at, ranked_at=at, priority=priority)
    once = placing.with_head_start(place, one, policy=policy)
    between = placing.with_head_start(standing(place, once), other, policy=policy)
    for stand in (once, between):
        assert placing.with_head_start(standing(place, stand), one, policy=policy) == once


def standing(place: Place, stand: Stand) -> Place:
    """Return the place as it stands then."""
    return attrs.evolve(place, **attrs.asdict(stand, recurse=False))


@LAW
@given(LATELY, PRIORITIES, CREDITS, st.none() | st.integers(-(2**52), 2**52))
def test_who_keeps_the_place_stands_exactly_where_it_was(
    at: datetime, priority: int, credit: timedelta, first_rank: int | None
) -> None:
    """To the microsecond, in its lane, whoever else waits."""
    policy = a_policy(credit)
    place = a_place(policy=policy, ranked_at=at, priority=priority, lane=9, preferred_until_at=NOW)
    stand = placing.put(place, PlaceAfter.KEEP, first_rank=first_rank, policy=policy, now=NOW)
    assert stand == placing.stand_of(place) == placing.again(place, policy=policy)


LINE = st.lists(st.tuples(LATELY, PRIORITIES | st.integers(99, 101)), max_size=12)


def a_line(places: Sequence[tuple[datetime, int]], policy: QueuePolicy) -> list[Place]:
    line = [
        a_place(
            policy=policy,
            callback_id=CallbackId(f"cb_{number}"),
            place_id=PlaceId(f"cb_{number}"),
            ranked_at=at,
            priority=priority,
        )
        for number, (at, priority) in enumerate(places)
    ]
    return sorted(line, key=lambda place: (place.rank, place.place_id))


def first_of(line: Sequence[Place], place: Place, policy: QueuePolicy) -> int | None:
    """Return the rank of the first place that waits at the front, as it is read from a store."""
    start = placing.front_from(place.priority, policy=policy, now=NOW)
    return next((one.rank for one in line if (one.rank, one.place_id) > (start, place.place_id)), None)


@LAW
@given(LATELY, PRIORITIES | st.integers(99, 101), LINE, st.booleans())
def test_the_front_is_before_all_of_its_priority_and_behind_better_ones(
    at: datetime, priority: int, places: list[tuple[datetime, int]], waits: bool
) -> None:
    """Under strict credit; also for a place that is in the line itself."""
    place = a_place(policy=STRICT, place_id=PlaceId("cb_x"), ranked_at=at, priority=priority)
    others = a_line(places, STRICT)
    line = sorted([*others, place], key=lambda one: (one.rank, one.place_id)) if waits else others
    first = first_of(line, place, STRICT)
    stand = placing.put(place, PlaceAfter.FRONT, first_rank=first, policy=STRICT, now=NOW)
    for other in others:
        if other.priority >= priority:
            assert (stand.rank, place.place_id) < (other.rank, other.place_id)
        else:
            assert stand.rank > other.rank


@LAW
@given(LATELY, PRIORITIES, LINE, AGES)
def test_where_priority_ages_the_front_is_that_of_the_whole_line(
    at: datetime, priority: int, places: list[tuple[datetime, int]], credit: timedelta
) -> None:
    """A head start is all that priority is: at the front it counts no more."""
    policy = a_policy(credit)
    place = a_place(policy=policy, place_id=PlaceId("cb_x"), ranked_at=at, priority=priority)
    others = a_line(places, policy)
    first = first_of(others, place, policy)
    stand = placing.put(place, PlaceAfter.FRONT, first_rank=first, policy=policy, now=NOW)
    assert all((stand.rank, place.place_id) < (other.rank, other.place_id) for other in others)
    assert stand.ranked_at <= place.ranked_at


@LAW
@given(LATELY, PRIORITIES | st.integers(99, 101), LINE, CREDITS)
def test_the_end_is_behind_all_of_its_priority(
    at: datetime, priority: int, places: list[tuple[datetime, int]], credit: timedelta
) -> None:
    """Who waits by then is before it; who comes later is behind it. Under strict credit worse ones stay behind it."""
    policy = a_policy(credit)
    place = a_place(policy=policy, place_id=PlaceId("cb_x"), ranked_at=at, priority=priority)
    first = first_of(a_line(places, policy), place, policy)
    stand = placing.put(place, PlaceAfter.END, first_rank=first, policy=policy, now=NOW)
    for other in a_line(places, policy):
        if other.priority == priority:
            assert stand.rank >= other.rank
    assert stand.rank < rank(NOW + US, priority=priority, policy=policy)
    if priority < 255:
        strict = placing.put(place, PlaceAfter.END, first_rank=first, policy=STRICT, now=NOW)
        assert strict.rank < rank(NOW - 365 * D, priority=priority + 1, policy=STRICT)


@LAW
@given(ANY_TIME, st.timedeltas(timedelta(0), 365 * D), st.tuples(PRIORITIES, PRIORITIES))
def test_strict_priority_outweighs_any_wait_within_a_year_and_ageing_does_not(
    at: datetime, wait: timedelta, priorities: tuple[int, int]
) -> None:
    """Whoever comes a year later with a better priority is first; where it ages, a wait makes up for each step."""
    better, worse = sorted(priorities)
    if better == worse:
        return
    late, early = (a_place(ranked_at=at + wait, priority=better), a_place(ranked_at=at, priority=worse))
    assert late.rank < early.rank
    enough = (worse - better) * M
    just = rank(at + enough, priority=better, policy=AGEING), rank(at, priority=worse, policy=AGEING)
    assert just[0] == just[1]
    assert (rank(at + wait, priority=better, policy=AGEING) < just[1]) is (wait < enough)


@LAW
@given(st.tuples(LATELY, LATELY), st.tuples(PRIORITIES, PRIORITIES), CREDITS)
def test_merging_never_makes_a_place_worse(
    times: tuple[datetime, datetime], priorities: tuple[int, int], credit: timedelta
) -> None:
    """In one queue it is at least as good as either; and it does not matter which of the two goes on."""
    policy = a_policy(credit)
    one, other = (
        a_callback(ranked_at=at, priority=priority, rank=rank(at, priority=priority, policy=policy))
        for at, priority in zip(times, priorities, strict=True)
    )
    stand = placing.merged(one, other, lane=4, policy=policy)
    assert stand == placing.merged(other, one, lane=4, policy=policy)
    assert stand.rank <= min(one.rank, other.rank)
    assert (stand.priority, stand.ranked_at) == (min(priorities), min(times))


@LAW
@given(LATELY, PRIORITIES, CREDITS)
def test_moving_there_and_back_changes_nothing(at: datetime, priority: int, credit: timedelta) -> None:
    """The instant goes with the place, whatever the credits of the queue in between."""
    policy = a_policy(credit)
    place = a_place(policy=policy, ranked_at=at, priority=priority, lane=4)
    there = standing(place, placing.moved(place, priority=0, lane=5, policy=SALES))
    back = placing.moved(there, priority=priority, lane=4, policy=policy)
    assert back == placing.stand_of(place)


NEAR = st.integers(-30 * 24 * 3600, 15 * 60).map(lambda seconds: NOW + seconds * S)


@LAW
@given(
    st.tuples(NEAR, NEAR),
    st.tuples(PRIORITIES, PRIORITIES),
    st.tuples(LATELY, PRIORITIES),
    CREDITS,
    HEAD_STARTS,
)
def test_a_booking_stays_before_all_that_have_no_slot(
    slots: tuple[datetime, datetime],
    priorities: tuple[int, int],
    waiting: tuple[datetime, int],
    credit: timedelta,
    head_start: timedelta,
) -> None:
    """Whatever is done to it, and whoever waits; and bookings keep the order of their times among each other."""
    policy = a_policy(credit)
    one, other = (
        a_booked(at, policy=policy, priority=priority, entered_at=START)
        for at, priority in zip(slots, priorities, strict=True)
    )
    live = rank(waiting[0], priority=waiting[1], policy=policy)
    front = placing.front_from(one.priority, policy=policy, now=NOW)
    first = live if live >= front else None
    there = attrs.evolve(policy, queue=QueueName("sales"))
    stands = [
        placing.opened(one, lane=4),
        placing.moved(one, priority=other.priority, lane=4, policy=there),
        placing.prioritized(one, priority=other.priority, policy=policy),
        placing.again(one, policy=policy),
        placing.merged(one, other, lane=4, policy=policy),
        placing.put(one, PlaceAfter.KEEP, first_rank=first, policy=policy, now=NOW),
        placing.put(one, PlaceAfter.FRONT, first_rank=first, policy=policy, now=NOW),
    ]
    assert {stand.rank for stand in stands} == {one.rank}
    assert (one.rank < other.rank) is (slots[0] < slots[1])
    elsewhere = [
        placing.with_head_start(one, head_start, policy=policy),
        placing.put(one, PlaceAfter.END, first_rank=first, policy=policy, now=NOW),
    ]
    for stand in (*stands, *elsewhere):
        assert stand.rank == booked_rank(stand.ranked_at) < live
        assert abs(stand.rank) < 2**53
    assert front > one.rank  # No booking is taken for the first of a priority.
