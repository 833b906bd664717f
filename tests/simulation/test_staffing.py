"""Who was on duty, inferred: on rows worked out by hand, on any rows, and on a log of a center that is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.policy import QueuePolicy
from callbackq.simulation import Caller, ContactCenter, Happened, Shift
from callbackq.simulation.inference import Hold, Service, infer_shifts, pauses, skills_by_day
from callbackq.simulation.people import AT_ANY_HOUR
from callbackq.simulation.survival import Seen, kaplan_meier
from callbackq.stores.memory import MemoryStore
from simulation.small_centers import MORNING

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def at(second: float) -> datetime:
    return MORNING + second * SECOND


def served(agent_id: str, starts: float, ends: float, kind: str = "PS") -> Service:
    return Service(agent_id, kind, at(starts), at(ends))


def held(starts: float, ends: float, kind: str = "PS") -> Hold:
    return Hold(kind, at(starts), at(ends))


def shifts(services: list[Service], holds: list[Hold]) -> list[tuple[str, float, float]]:
    """Infer with the limits of the replay; in seconds."""
    return [
        (it.agent_id, (it.starts_at - MORNING).total_seconds(), (it.ends_at - MORNING).total_seconds())
        for it in infer_shifts(services, holds, break_min=5 * MINUTE, pause_max=MINUTE)
    ]


# ---------------------------------------------------------------------------- skills


def test_agents_can_serve_what_they_served_that_day() -> None:
    """Another day may be another team; a call that says no kind needs no skill."""
    services = [
        served("ann", 0, 10, "NW"),
        served("ann", 20, 30, "IN"),
        served("ann", 40, 50, ""),
        served("ann", 86_400, 86_500, "NE"),
        served("bob", 0, 10, "PS"),
    ]
    today, tomorrow = MORNING.date(), MORNING.date() + timedelta(days=1)
    assert skills_by_day(services) == {
        ("ann", today): ("IN", "NW"),
        ("ann", tomorrow): ("NE",),
        ("bob", today): ("PS",),
    }
    found = infer_shifts(services, [], break_min=MINUTE, pause_max=MINUTE, queues=("bank",))
    assert [(it.agent_id, it.skills, it.queues) for it in found] == [
        ("ann", ("IN", "NW"), ("bank",)),
        ("bob", ("PS",), ("bank",)),
        ("ann", ("NE",), ("bank",)),
    ]


# ---------------------------------------------------------------------------- pauses


def test_a_pause_is_seen_while_somebody_waits() -> None:
    """From the end of one service to the start of the next, the line never being empty."""
    services = [served("ann", 0, 100), served("ann", 107, 200)]
    assert pauses(services, [held(50, 103), held(90, 108)]) == [Seen(7, True)]


def test_a_pause_is_censored_when_the_line_gets_empty() -> None:
    """From then on the agent may have been ready, with nobody to serve."""
    services = [served("ann", 0, 100), served("ann", 150, 200)]
    assert pauses(services, [held(50, 103), held(140, 150)]) == [Seen(3, False)]


def test_a_pause_with_nobody_waiting_is_not_seen() -> None:
    """Nor one with only callers waiting whom this agent does not serve."""
    services = [served("ann", 0, 100), served("ann", 107, 200), served("bob", 0, 20, "NW")]
    assert pauses(services, [held(101, 107)]) == []
    assert pauses(services, [held(50, 150, "NW")]) == []
    assert pauses(services, [held(50, 107), held(50, 120, "NW")]) == [Seen(7, True)]


def test_the_pause_after_the_last_service_is_censored() -> None:
    """The agent went home; that nobody took the call for 80 s is no pause of 80 s."""
    assert pauses([served("ann", 0, 100)], [held(50, 180)]) == [Seen(80, False)]


def test_services_that_overlap_have_no_pause_between_them() -> None:
    """The log has some, of one label."""
    services = [served("ann", 0, 100), served("ann", 90, 120), served("ann", 126, 130)]
    assert pauses(services, [held(50, 126)]) == [Seen(6, True)]


# ---------------------------------------------------------------------------- presence


def test_an_agent_is_away_in_a_long_break() -> None:
    """More than the limit; at the limit the agent stays."""
    assert shifts([served("ann", 0, 100), served("ann", 400, 450), served("ann", 750.5, 800)], []) == [
        ("ann", 0, 450),
        ("ann", 750.5, 800),
    ]


@pytest.mark.parametrize(
    ("holds", "away"),
    [
        ([held(110, 171)], True),
        ([held(110, 170)], False),
        ([held(50, 161)], True),
        ([held(50, 160)], False),
        ([held(110, 150), held(150, 190)], True),
        ([held(110, 150), held(151, 190)], False),
        ([held(110, 250, "NW")], False),
        ([held(110, 250, "")], True),
        ([held(245, 300)], False),
    ],
)
def test_an_agent_is_away_while_somebody_waits_for_long(holds: list[Hold], away: bool) -> None:
    """For more than a minute without a break, between two services, of a kind that this agent serves."""
    found = shifts([served("ann", 0, 100), served("ann", 250, 300)], holds)
    assert found == ([("ann", 0, 100), ("ann", 250, 300)] if away else [("ann", 0, 300)])


rows = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 3_000), st.integers(0, 300), st.sampled_from(["PS", "NW"])
    ),
    min_size=1,
    max_size=25,
)
waits = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(0, 200), st.sampled_from(["PS", "NW"])), max_size=15
)


@given(rows, waits)
def test_every_service_is_in_a_shift_that_has_its_skill(
    served_rows: list[tuple[str, int, int, str]], held_rows: list[tuple[int, int, str]]
) -> None:
    """Shifts of one agent never overlap, and begin and end with a service."""
    services = [served(agent, start, start + length, kind) for agent, start, length, kind in served_rows]
    holds = [held(start, start + length, kind) for start, length, kind in held_rows]
    found = infer_shifts(services, holds, break_min=5 * MINUTE, pause_max=MINUTE)
    for service in services:
        (shift,) = (
            it
            for it in found
            if it.agent_id == service.agent_id and it.starts_at <= service.starts_at <= it.ends_at
        )
        assert service.ends_at <= shift.ends_at
        assert service.kind in shift.skills
    for agent in "ab":
        own = [it for it in found if it.agent_id == agent]
        assert all(left.ends_at < right.starts_at for left, right in pairwise(own))
    assert {it.starts_at for it in found} <= {it.starts_at for it in services}
    assert {it.ends_at for it in found} <= {it.ends_at for it in services}


# ---------------------------------------------------------------------------- a center that is known

PAUSE = 12 * SECOND
KNOWN = QueuePolicy(queue="support", wrap_up=PAUSE, handle_time=100 * SECOND, calling=AT_ANY_HOUR)
ENDS_S = 10_000
ABSENT = {"ann": (1_500, 1_680), "bob": (2_400, 2_580), "cy": (900, 1_500)}
"""When each agent is away, for less than a long break or for more, in seconds from the morning."""


def known_center(shifts_: list[Shift], *, pause: timedelta = PAUSE) -> ContactCenter:
    """Some hours of three agents and just too many callers, of whom one in three is a prospect (NW)."""
    callers = [
        Caller(
            call_id=f"call-{index:03d}",
            number=f"+1212555{index:04d}",
            joins_at=at(36 * index),
            patience=(60 + 17 * index % 400) * SECOND,
            service=(60 + 31 * index % 80) * SECOND,
            skills=("NW",) if index % 3 == 0 else ("PS",),
        )
        for index in range(260)
    ]
    return ContactCenter(
        MemoryStore(),
        policies=[KNOWN if pause else QueuePolicy(queue="support", calling=AT_ANY_HOUR)],
        callers=callers,
        shifts=shifts_,
        accept_ratio=0,
        offer_after=None,
        pick_up=timedelta(0),
    )


def log_of(center: ContactCenter) -> tuple[list[Service], list[Hold]]:
    """Write down what a telephone system would: who served whom, and who waited. Not who was on duty."""
    joined: dict[str, datetime] = {}
    connected: dict[str, tuple[datetime, str]] = {}
    services: list[Service] = []
    holds: list[Hold] = []
    for line in center.journal.lines():
        match line.what:
            case Happened.JOINED:
                joined[line.call_id] = line.at
            case Happened.CONNECTED:
                assert line.agent_id is not None
                connected[line.call_id] = line.at, line.agent_id
                if line.at > joined[line.call_id]:
                    holds.append(Hold(kind_of(line.call_id), joined[line.call_id], line.at))
            case Happened.HUNG_UP:
                holds.append(Hold(kind_of(line.call_id), joined[line.call_id], line.at))
            case Happened.PARTED:
                starts_at, agent_id = connected[line.call_id]
                services.append(Service(agent_id, kind_of(line.call_id), starts_at, line.at))
            case _:
                pass
    return services, holds


def kind_of(call_id: str) -> str:
    return "NW" if int(call_id[-3:]) % 3 == 0 else "PS"


def known_shifts() -> list[Shift]:
    found: list[Shift] = []
    for agent_id, (leaves, returns) in ABSENT.items():
        skills = ("NW", "PS") if agent_id != "cy" else ("PS",)
        found += [
            Shift(agent_id=agent_id, starts_at=at(0), ends_at=at(leaves), skills=skills),
            Shift(agent_id=agent_id, starts_at=at(returns), ends_at=at(ENDS_S), skills=skills),
        ]
    return found


def test_pauses_and_absences_of_a_known_center_are_found() -> None:
    """Every pause that is seen is the one that was set; every absence lies in one that is inferred, and no other is."""
    center = known_center(known_shifts())
    center.run()
    services, holds = log_of(center)
    law = kaplan_meier(pauses(services, holds))
    assert law.ended > 40
    assert law.mean_of_ended_by_s(60) == pytest.approx(PAUSE.total_seconds())
    found = infer_shifts(services, holds, break_min=5 * MINUTE, pause_max=MINUTE)
    assert {it.agent_id: it.skills for it in found} == {
        "ann": ("NW", "PS"), "bob": ("NW", "PS"), "cy": ("PS",)
    }  # fmt: skip
    for agent_id, (leaves, returns) in ABSENT.items():
        own = [it for it in found if it.agent_id == agent_id]
        assert len(own) == 2
        # A call under way is finished first; on return somebody waits, and is served at once.
        assert own[0].ends_at < at(leaves) + 140 * SECOND
        assert own[1].starts_at == at(returns)


def test_a_known_center_is_replayed_as_it_was() -> None:
    """With the inferred agents as many give up, and hold as long; with all agents always there, hardly any."""
    truth = known_center(known_shifts()).run()
    first = known_center(known_shifts())
    first.run()
    services, holds = log_of(first)
    again = known_center(infer_shifts(services, holds, break_min=5 * MINUTE, pause_max=MINUTE)).run()
    assert truth.abandoned >= 10
    assert again.abandoned == pytest.approx(truth.abandoned, rel=0.15)
    assert again.mean_hold_queued_s == pytest.approx(truth.mean_hold_queued_s, rel=0.05)
    everybody = [
        Shift(agent_id=it, starts_at=at(0), ends_at=at(ENDS_S), skills=("NW", "PS")) for it in ABSENT
    ]
    assert known_center(everybody, pause=timedelta(0)).run().abandoned < truth.abandoned / 2
