"""Who is next for a free agent: by queue, by rank, by id; and when nobody is, why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.choosing import Pick, keeps, pick
from callbackq.ids import PlaceId, QueueName
from callbackq.model import LiveCall, Place
from callbackq.policy import Acd, QueuePolicy
from core.samples import LAW, a_call, a_callback

SUPPORT = QueuePolicy(queue="support")
SALES = QueuePolicy(queue="sales")
VIP = QueuePolicy(queue="vip", served_first=10)
KEPT_VIP = attrs.evolve(VIP, agents_kept=2)
FOREIGN = QueuePolicy(queue="foreign", acd=Acd.HOST)
POLICIES = {policy.queue: policy for policy in (SUPPORT, SALES, VIP, FOREIGN)}


def a_place(policy: QueuePolicy, rank: int, place_id: str = "p", *, live: bool = False) -> Place:
    make = a_call if live else a_callback
    place: Place = make(queue=policy.queue, rank=rank, place_id=PlaceId(place_id))
    return place


def chosen(
    *heads: Place, serves: tuple[QueuePolicy, ...] = (), free: Mapping[str, int] | None = None
) -> Pick:
    return pick(
        heads,
        serves=serves or tuple(POLICIES.values()),
        free_counts={QueueName(name): count for name, count in (free or {}).items()},
        policies=POLICIES,
    )


def test_nobody_waits() -> None:
    """Then nobody is next, and nobody would be."""
    assert chosen() == Pick(place=None, first=None, kept_for=None, acd_goes_first=False)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        # The lower rank, also across queues that are served alike.
        ((SUPPORT, -5, "b"), (SALES, -4, "a")),
        ((SALES, -5, "b"), (SUPPORT, -4, "a")),
        # Of equal ranks, the lower id.
        ((SUPPORT, -5, "a"), (SALES, -5, "b")),
        ((SALES, -5, "a"), (SUPPORT, -5, "b")),
        # The queue that is served first, whatever the rank.
        ((VIP, 2**52, "b"), (SUPPORT, -(2**52), "a")),
    ],
)
def test_the_first_is_next(
    first: tuple[QueuePolicy, int, str], second: tuple[QueuePolicy, int, str], live: bool
) -> None:
    """Live callers and callbacks alike, in whichever order they are looked at."""
    one, other = a_place(*first, live=live), a_place(*second, live=not live)
    assert chosen(one, other) == chosen(other, one) == Pick(place=one, first=one)


@pytest.mark.parametrize(
    ("foreign_rank", "live", "expected"),
    [
        # A live caller whom the host's ACD serves and who is earlier is waited for.
        (-6, True, "waits"),
        # A later one is not; and a callback of that queue is given as any other.
        (-4, True, "support"),
        (-6, False, "foreign"),
        (-4, False, "support"),
    ],
)
def test_the_acd_of_the_host_gives_out_its_own_callers(foreign_rank: int, live: bool, expected: str) -> None:
    """An agent is given a callback as soon as no earlier live caller waits."""
    foreign, ours = a_place(FOREIGN, foreign_rank, live=live), a_place(SUPPORT, -5)
    found = chosen(ours, foreign)
    if expected == "waits":
        assert found == Pick(place=None, first=foreign, acd_goes_first=True)
    else:
        assert found.place is found.first
        assert found.place is not None
        assert found.place.queue == expected


@pytest.mark.parametrize(
    ("place", "serves", "free", "kept_for"),
    [
        # Too few would be left for the queue that keeps two: this one is the second.
        (a_place(SUPPORT, 0), (KEPT_VIP, SUPPORT), {"vip": 2}, "vip"),
        (a_place(SUPPORT, 0), (SUPPORT, KEPT_VIP), {"vip": 1}, "vip"),
        (a_place(SUPPORT, 0, live=True), (KEPT_VIP, SUPPORT), {"vip": 2}, "vip"),
        # The third may go.
        (a_place(SUPPORT, 0), (KEPT_VIP, SUPPORT), {"vip": 3}, None),
        # Its own places are what they are kept for.
        (a_place(VIP, 0), (KEPT_VIP, SUPPORT), {"vip": 1}, None),
        # Who does not serve that queue is not kept for it, and neither is anybody for one that comes no earlier.
        (a_place(SUPPORT, 0), (SUPPORT,), {}, None),
        (a_place(SUPPORT, 0), (attrs.evolve(SALES, agents_kept=9), SUPPORT), {"sales": 1}, None),
        (
            a_place(SUPPORT, 0),
            (attrs.evolve(SALES, agents_kept=9, served_first=101), SUPPORT),
            {"sales": 1},
            None,
        ),
    ],
)
def test_agents_are_kept_for_those_who_are_served_first(
    place: Place, serves: tuple[QueuePolicy, ...], free: dict[str, int], kept_for: str | None
) -> None:
    """As many as the policy says, and from places of later queues only; the reason is told."""
    counts = {QueueName(name): count for name, count in free.items()}
    assert keeps(place.queue, serves=serves, free_counts=counts, policies=POLICIES) == kept_for
    given_place = None if kept_for else place
    assert chosen(place, serves=serves, free=free) == Pick(
        place=given_place, first=place, kept_for=QueueName(kept_for) if kept_for else None
    )


QUEUES = ("a", "b", "c")
SETTINGS = st.fixed_dictionaries(
    {
        "served_first": st.integers(0, 2),
        "agents_kept": st.integers(0, 2),
        "acd": st.sampled_from(Acd),
    }
)


@LAW
@given(
    st.lists(SETTINGS, min_size=3, max_size=3),
    st.lists(
        st.tuples(st.sampled_from(QUEUES), st.integers(-2, 2), st.booleans()),
        max_size=3,
        unique_by=lambda head: head[0],
    ),
    st.lists(st.integers(1, 4), min_size=3, max_size=3),
)
def test_what_is_given_may_be_given(
    settings: list[dict[str, Any]], heads: list[tuple[str, int, bool]], free: list[int]
) -> None:
    """Whatever is set: nobody earlier is passed, no live call of a foreign ACD is given, and nobody kept is used up."""
    policies = {
        QueueName(name): QueuePolicy(queue=name, **chosen_settings)
        for name, chosen_settings in zip(QUEUES, settings, strict=True)
    }
    free_counts = dict(zip(policies, free, strict=True))
    places = [
        a_place(policies[QueueName(queue)], rank, f"p_{number}", live=live)
        for number, (queue, rank, live) in enumerate(heads)
    ]
    found = pick(places, serves=policies.values(), free_counts=free_counts, policies=policies)

    assert (found.first is None) is (not places)
    for place in places:
        assert found.first is not None
        ours, first = policies[place.queue], policies[found.first.queue]
        assert (first.served_first, found.first.rank, found.first.place_id) <= (
            ours.served_first,
            place.rank,
            place.place_id,
        )
    reasons = (found.place is not None, found.kept_for is not None, found.acd_goes_first)
    assert sum(reasons) == (1 if places else 0)
    keeps_now = {
        name
        for name, policy in policies.items()
        if found.first is not None
        and policy.served_first < policies[found.first.queue].served_first
        and free_counts[name] <= policy.agents_kept
    }
    if found.place is not None:
        assert found.place is found.first
        foreign = policies[found.place.queue].acd is Acd.HOST
        assert not (foreign and isinstance(found.place, LiveCall))
        assert not keeps_now
    if found.kept_for is not None:
        assert found.kept_for in keeps_now
    if found.acd_goes_first:
        assert isinstance(found.first, LiveCall)
        assert policies[found.first.queue].acd is Acd.HOST


@pytest.mark.parametrize(
    ("served_first", "kept", "free", "is_kept"),
    [
        # It keeps two and is served earlier: up to the second free agent is kept for it.
        (99, 2, 0, True),
        (99, 2, 1, True),
        (99, 2, 2, True),
        (99, 2, 3, False),
        (99, 0, 0, False),
        # It is served no earlier.
        (100, 2, 1, False),
        (101, 2, 1, False),
    ],
)
def test_an_agent_is_kept_or_not(served_first: int, kept: int, free: int, is_kept: bool) -> None:
    """At the very thresholds; and whoever does not serve that queue is not kept for it."""
    other = attrs.evolve(VIP, served_first=served_first, agents_kept=kept)
    counts = {other.queue: free}
    found = keeps(SUPPORT.queue, serves=(SUPPORT, other), free_counts=counts, policies=POLICIES)
    assert found == (other.queue if is_kept else None)
    assert keeps(SUPPORT.queue, serves=(SUPPORT,), free_counts={}, policies=POLICIES) is None
    assert (
        keeps(other.queue, serves=(SUPPORT, other), free_counts={}, policies={**POLICIES, other.queue: other})
        is None
    )


def test_the_first_queue_that_keeps_is_named() -> None:
    """In the order in which the agent serves them."""
    one, other = (attrs.evolve(policy, served_first=5, agents_kept=9) for policy in (SALES, VIP))
    counts = {one.queue: 1, other.queue: 1}
    for serves in ((one, other), (other, one)):
        assert keeps(SUPPORT.queue, serves=serves, free_counts=counts, policies=POLICIES) == serves[0].queue
