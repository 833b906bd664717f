"""Nodes as pure rules: beats, silence under clocks that disagree, who may share a queue, and what is taken over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq.core import nodes
from callbackq.core.nodes import Lookout, Myself
from callbackq.effects import LookUp
from callbackq.events import AttemptTakenOver
from callbackq.ids import DEFAULT_TENANT, NodeId
from callbackq.model import DueReason, LegState, Node, NodeState
from callbackq.policy import QueuePolicy
from core.samples import START, D, S, an_attempt

LEASE = 15 * S
BEAT = 5 * S


def myself(node_id: str = "me", **changes: Any) -> Myself:
    """Return what a node says of itself."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "node_id": NodeId(node_id),
        "instance_id": f"in_{node_id}",
        "started_at": START,
        "lease": LEASE,
        "schema_version": 7,
        "release": "1.0",
        "fingerprints": {"support": "a"},
    }
    return Myself(**{**fields, **changes})


def came(node_id: str = "other", *, at: datetime = START, **changes: Any) -> Node:
    """Return the row of a node that has just come."""
    return nodes.come(myself(node_id, **changes), None, now=at)


ME = myself()

# ---------------------------------------------------------------------------- coming, beating, going


def test_a_node_comes_as_version_one_and_is_due_when_its_lease_is_over() -> None:
    """With all that it says of itself."""
    row = nodes.come(ME, None, now=START + S)
    assert (row.version, row.state, row.instance_id) == (1, NodeState.UP, "in_me")
    assert (row.started_at, row.seen_at, row.due_at) == (START, START + S, START + S + LEASE)
    assert (row.due_reason, row.lease) == (DueReason.LEASE_OVER, LEASE)
    assert (row.release, row.schema_version, row.fingerprints) == ("1.0", 7, {"support": "a"})


def test_a_beat_is_the_next_version_and_prolongs_the_lease() -> None:
    """Nothing else changes; a node that drains says so."""
    row = nodes.come(ME, None, now=START)
    later = nodes.beat(ME, row, drains=False, now=START + BEAT)
    until = START + BEAT + LEASE
    lease: dict[str, Any] = {"lease_until_at": until, "due_at": until}
    assert later == attrs.evolve(row, version=2, seen_at=START + BEAT, **lease)
    draining = nodes.beat(ME, later, drains=True, now=START + BEAT)
    assert draining == attrs.evolve(later, version=3, state=NodeState.DRAINING)


def test_whoever_has_the_name_last_has_it() -> None:
    """A process that is started under a name that another one has, or had, supersedes it."""
    old = came("me", instance_id="in_old")
    assert nodes.is_superseded(ME, old)
    new = nodes.come(ME, old, now=START + D)
    assert (new.version, new.instance_id) == (2, "in_me")
    assert not nodes.is_superseded(ME, new)
    assert nodes.is_superseded(myself(instance_id="in_old"), new)
    assert not nodes.is_superseded(ME, None)


def test_a_node_that_was_taken_for_gone_comes_again() -> None:
    """It beats as if nothing had been: what it had is with others. One that was forgotten begins anew."""
    gone = nodes.gone(nodes.come(ME, None, now=START))
    assert (gone.version, gone.state, gone.due_at, gone.due_reason) == (2, NodeState.GONE, None, None)
    again = nodes.beat(ME, gone, drains=False, now=START + D)
    assert (again.version, again.state, again.due_at) == (3, NodeState.UP, START + D + LEASE)
    assert nodes.beat(ME, None, drains=False, now=START + D).version == 1


def test_who_goes_with_nothing_left_is_gone() -> None:
    """And who has something left hands it over: the others need not wait for the end of the lease."""
    row = nodes.come(ME, None, now=START)
    assert nodes.leave(row, has_some=False, now=START + S) == nodes.gone(row)
    left = nodes.leave(row, has_some=True, now=START + S)
    assert (left.version, left.state, left.due_at) == (2, NodeState.DRAINING, START + S)
    assert (left.due_reason, left.lease) == (DueReason.HANDED_OVER, timedelta(0))


def test_nobody_leaves_for_another() -> None:
    """Nor a second time."""
    row = nodes.come(ME, None, now=START)
    assert nodes.may_leave(ME, row)
    assert not nodes.may_leave(ME, nodes.gone(row))
    assert not nodes.may_leave(myself(instance_id="in_old"), row)


# ---------------------------------------------------------------------------- watching the others


def watched(*looks: tuple[datetime, list[Node]], me: Myself = ME) -> Lookout:
    """Return what is known after looking so often."""
    lookout = Lookout()
    for at, present in looks:
        lookout = nodes.look(lookout, present, me=me, now=at)
    return lookout


def silent(other: Node, seconds: int, *, first: datetime = START, every: int = 5) -> Lookout:
    """Watch a node that does not beat, from *first* on."""
    steps = [*range(0, seconds, every), seconds]
    return watched(*((first + n * S, [other]) for n in steps))


def test_a_silent_node_is_lost_when_its_lease_is_over_by_both_clocks() -> None:
    """Seen when it came, it is lost with its lease, and not a microsecond before."""
    other = came()
    end = START + LEASE
    lookout = silent(other, 15)
    assert nodes.is_lost(other, lookout, now=end)
    early = watched(*((START + n * S, [other]) for n in (0, 5, 10, 14)))
    assert not nodes.is_lost(other, early, now=START + 14 * S)
    assert nodes.lost_at(other, early) == end


def test_a_clock_that_is_behind_makes_nobody_lost() -> None:
    """Its lease looks over for ten minutes; as long as it beats it is there."""
    behind = [came(at=START - 600 * S)]
    for n in range(1, 10):
        behind.append(nodes.beat(myself("other"), behind[-1], drains=False, now=START - 600 * S + n * BEAT))
    looks = [(START + n * BEAT, [row]) for n, row in enumerate(behind)]
    for n in range(1, len(looks)):
        lookout = watched(*looks[: n + 1])
        assert not nodes.is_lost(behind[n], lookout, now=looks[n][0])


def test_who_is_behind_and_silent_is_lost_after_two_beats_that_did_not_come() -> None:
    """A third of the lease early, for its clock says nothing that could be waited for."""
    other = came(at=START - 600 * S)
    assert not nodes.is_lost(other, silent(other, 9), now=START + 9 * S)
    assert nodes.lost_at(other, silent(other, 9)) == START + 10 * S
    assert nodes.is_lost(other, silent(other, 10), now=START + 10 * S)


def test_who_is_ahead_and_silent_is_lost_after_its_whole_lease() -> None:
    """A node that was seen in the future is not waited for until then."""
    other = came(at=START + 600 * S)
    assert not nodes.is_lost(other, silent(other, 14), now=START + 14 * S)
    assert nodes.lost_at(other, silent(other, 14)) == START + 15 * S
    assert nodes.is_lost(other, silent(other, 15), now=START + 15 * S)


def test_a_beat_ends_the_silence() -> None:
    """Whatever was counted before; the clocks alone bring nothing about."""
    other = came()
    later = nodes.beat(myself("other"), other, drains=False, now=START + 14 * S)
    looks = [(START + n * S, [other]) for n in (0, 5, 10)]
    lookout = watched(*looks, (START + 15 * S, [later]))
    assert lookout.sights[later.node_id] == nodes.Sight(version=2, has_beaten=True)
    assert nodes.lost([later], lookout, me=ME, now=START + D) == ()


@pytest.mark.parametrize("gap", [8 * S, D, -5 * S, -D])
def test_who_was_not_watching_has_seen_no_silence(gap: timedelta) -> None:
    """A process that stood still, or whose clock was set, does not take all others for lost."""
    other = came()
    before = watched((START, [other]), (START + BEAT, [other]))
    after = nodes.look(before, [other], me=ME, now=START + BEAT + gap)
    assert after.sights[other.node_id].silent_for == BEAT
    assert not nodes.is_lost(other, after, now=START + D)


def test_a_pause_of_half_a_lease_is_watching_still() -> None:
    """Steps come a little late."""
    other = came()
    lookout = watched((START, [other]), (START + LEASE / 2, [other]))
    assert lookout.sights[other.node_id].silent_for == LEASE / 2


def test_who_has_handed_over_is_lost_at_once() -> None:
    """Though it has just been seen for the first time."""
    left = nodes.leave(came(), has_some=True, now=START)
    lookout = watched((START - D, [left]))
    assert nodes.lost([left], lookout, me=ME, now=START - D) == (left,)


def test_nobody_is_lost_to_themselves() -> None:
    """However silent they were."""
    mine = nodes.come(ME, None, now=START)
    assert nodes.lost([mine], silent(mine, 15), me=ME, now=START + LEASE) == ()


def test_the_next_look_is_at_a_beat_or_when_somebody_may_be_lost() -> None:
    """Who is known to be lost is not waited for."""
    other, mine = came(), nodes.come(ME, None, now=START)
    first = watched((START, [mine, other]))
    assert nodes.next_look_at([mine, other], first, me=ME, known=(), now=START) == START + BEAT
    at = START + 13 * S
    lookout = watched(*((START + n * S, [mine, other]) for n in (0, 5, 10, 13)))
    assert nodes.next_look_at([mine, other], lookout, me=ME, known=(), now=at) == START + LEASE
    known = {other.node_id}
    assert nodes.next_look_at([mine, other], lookout, me=ME, known=known, now=at) == at + BEAT


def test_each_node_is_judged_by_its_own_lease() -> None:
    """One with a long lease is not lost when a short one is over."""
    patient = came(lease=60 * S)
    lookout = silent(patient, 59)
    assert not nodes.is_lost(patient, lookout, now=START + 59 * S)
    assert nodes.is_lost(patient, silent(patient, 60), now=START + 60 * S)


# ---------------------------------------------------------------------------- who may share a queue


def test_the_fingerprint_is_of_what_orders_the_line() -> None:
    """Another credit is another order; another name, or another way of calling, is not."""
    support = QueuePolicy(queue="support")
    ageing = QueuePolicy(queue="support", priority_credit=timedelta(minutes=1))
    finer = QueuePolicy(queue="support", priority_credit=timedelta(minutes=1, microseconds=1))
    same = QueuePolicy(queue="sales", ring_time=40 * S)
    prints = [nodes.fingerprint(policy) for policy in (support, ageing, finer)]
    assert len(set(prints)) == 3
    assert nodes.fingerprint(same) == prints[0]
    assert nodes.fingerprints([support, same]) == {"support": prints[0], "sales": prints[0]}
    assert prints[0] == "2870fe21c3c62ed0"


def test_two_orders_of_one_line_clash() -> None:
    """Only in a queue that both serve, and only with who is up."""
    other = came(fingerprints={"support": "b", "sales": "c"})
    assert nodes.clashes(ME, [other]) == {"support": "other"}
    same = came("same", fingerprints={"support": "a", "sales": "d"})
    third = came("third", fingerprints={"support": "c"})
    assert nodes.clashes(ME, [same]) == {}
    assert nodes.clashes(ME, [same, third, other]) == {"support": "third"}
    for gone in (nodes.gone(other), nodes.leave(other, has_some=True, now=START)):
        assert nodes.clashes(ME, [gone]) == {}
    assert nodes.clashes(ME, [attrs.evolve(other, node_id=ME.node_id)]) == {}


def test_of_two_who_clash_the_first_stays() -> None:
    """Both come to the same answer; the name settles what the clocks do not."""
    later, sooner = came("later", started_at=START + S), came("sooner", started_at=START - S)
    assert nodes.before_me(ME, [later, sooner, came("a"), came("z")]) == [sooner, came("a")]


def test_who_has_not_watched_believes_the_clocks() -> None:
    """A node that died with other settings is in the way until its lease is over."""
    other = came()
    assert nodes.in_lease([other], now=START + LEASE - timedelta(microseconds=1)) == [other]
    assert nodes.in_lease([other], now=START + LEASE) == []


# ---------------------------------------------------------------------------- taking over


def test_an_attempt_is_taken_over_as_it_is() -> None:
    """It has another node, a new version, and a word in history; its legs are looked up, and nobody is dialed."""
    before = an_attempt()
    decision = nodes.take_over(before, NodeId("two"), now=START + S)
    after = attrs.evolve(before, version=2, node_id=NodeId("two"))
    assert decision.records == (after,)
    (event,) = decision.events
    assert isinstance(event, AttemptTakenOver)
    assert (event.cause, event.from_node_id, event.node_id) == ("taken over", "node", "two")
    assert (event.at, event.version, event.due_at) == (START + S, 2, before.due_at)
    assert decision.effects == (LookUp(attempt_id=before.attempt_id),)


@pytest.mark.parametrize(
    ("agent_leg", "customer_leg", "asks"),
    [
        (LegState.NONE, LegState.RINGING, True),
        (LegState.ANSWERED, LegState.ENDED, True),
        (LegState.NONE, LegState.NONE, False),
        (LegState.ENDED, LegState.ENDED, False),
    ],
)
def test_only_who_may_have_a_leg_is_looked_up(
    agent_leg: LegState, customer_leg: LegState, asks: bool
) -> None:
    """The telephony has nothing to say of legs that are not there."""
    attempt = an_attempt(agent_leg=agent_leg, customer_leg=customer_leg)
    assert bool(nodes.take_over(attempt, NodeId("two"), now=START).effects) is asks


# ---------------------------------------------------------------------------- clocks


def test_a_clock_is_behind_if_its_beats_are_older_than_its_lease() -> None:
    """By how much is told, but for the silence that was watched; a clock that is ahead, or agrees, is none."""
    names = {"me": -D, "late": -600 * S, "slow": -LEASE, "ahead": D, "dead": -D}
    first = [came(name, at=START + skew) for name, skew in names.items()]
    then = [
        nodes.beat(myself(node.node_id), node, drains=False, now=node.seen_at + BEAT) for node in first[:-1]
    ]
    present = [*then, first[-1]]
    looks = watched((START, first), (START + BEAT, present), (START + 2 * BEAT, present))
    assert nodes.lags(present, looks, me=ME, known=()) == {"late": 600 * S}
    assert nodes.lags(present, looks, me=ME, known={NodeId("late")}) == {}


def test_a_deadline_comes_by_the_clock_of_its_own_node() -> None:
    """But for what is wanted at once; and the attempts of all others by this node's."""
    behind = {NodeId("node"): 600 * S}
    attempt = an_attempt(due_at=START)
    assert not nodes.is_due(attempt, behind, now=START + 599 * S)
    assert nodes.is_due(attempt, behind, now=START + 600 * S)
    assert nodes.is_due(attrs.evolve(attempt, node_id=NodeId("other")), behind, now=START)
    assert nodes.is_due(attrs.evolve(attempt, due_reason=DueReason.HANG_UP_WANTED), behind, now=START)
