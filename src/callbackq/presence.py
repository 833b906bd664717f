"""
One node among others: it comes, beats, looks who else is there, drains and goes.

The rule: what was seen is kept here only after the commit, so that a transaction can be tried again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import attrs

from callbackq.core import nodes
from callbackq.core.instants import check_text
from callbackq.core.nodes import Lookout, Myself
from callbackq.errors import ConfigurationError, Conflict
from callbackq.ids import AttemptId, NodeId, QueueName
from callbackq.model import Node
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.release import __version__
from callbackq.service import CONFLICT_TRIES, CallbackService
from callbackq.stores.migrations import SCHEMA_VERSION
from callbackq.system import RandomIds, SystemClock

logger = logging.getLogger("callbackq")

T = TypeVar("T")

_FORGET_MAX: Final = 100
"""So many nodes that have gone are forgotten at once."""
_FORGET_EVERY: Final = timedelta(hours=1)


@attrs.frozen(kw_only=True)
class Lost:
    """
    A node whose attempts this one takes over, and how far it has come with that.

    Attributes:
        version: of its row when it was found to be lost; if it has another one by now, it is not.
        is_mine: it had this node's own name before.
        after: the attempts up to this id were seen to.
    """

    node_id: NodeId
    version: int
    is_mine: bool = False
    after: AttemptId | None = None


class Presence:
    """
    A node, as its dispatcher knows it.

    Args:
        service: whose promises.
        node_id: its name; one that no other process ever has unless given.
        lease: how long it may be silent; None: it is not registered, beats nothing, and takes nothing over.

    Attributes:
        behind: the other nodes whose clocks are behind this one's by more than their lease, and by how much.

    Raises:
        ConfigurationError: the lease is out of its bounds.
    """

    def __init__(self, service: CallbackService, *, node_id: str | None, lease: timedelta | None) -> None:
        if lease is not None and not nodes.LEASE_MIN <= lease <= nodes.LEASE_MAX:
            raise ConfigurationError("lease", lease, f"{nodes.LEASE_MIN} to {nodes.LEASE_MAX}; or None")
        given = check_text(node_id, "node_id") if node_id is not None else new_id("node")
        self.node_id: Final = NodeId(given)
        self.lease: Final = lease
        self._service: Final = service
        self._process_id: Final = os.getpid()
        self._instance_id: Final = new_id("in")
        self._me: Myself | None = None
        self._lookout = Lookout()
        self._next_at: datetime | None = None
        self._forget_at: datetime | None = None
        self._lost: dict[NodeId, Lost] = {}
        self._let_be: dict[NodeId, int] = {}
        self._closed: Mapping[QueueName, NodeId] = {}
        self.behind: Mapping[NodeId, timedelta] = {}
        self._drains = False
        self._has_left = False
        self._is_superseded = False

    # ------------------------------------------------------------------ what it may do

    @property
    def is_going(self) -> bool:
        """Whether it gives nothing more out: it is drained, or has left, or its name is another process's by now."""
        return self._drains or self._has_left or self._is_superseded

    @property
    def begins(self) -> bool:
        """Whether it may begin attempts and take live calls. First it has what its name had begun before."""
        return not self.is_going and self.node_id not in self._lost

    @property
    def policies(self) -> Mapping[QueueName, QueuePolicy]:
        """The policies of the queues in which it may choose who is next."""
        every = self._service.policies
        if not self._closed:
            return every
        return {queue: policy for queue, policy in every.items() if queue not in self._closed}

    @property
    def lost(self) -> Collection[Lost]:
        """The nodes whose attempts are to be taken over now."""
        return () if self.is_going else tuple(self._lost.values())

    def check_process(self) -> None:
        """Raise RuntimeError in a child of the process in which it was made: both would beat under one name."""
        if self.lease is not None and os.getpid() != self._process_id:
            msg = "this dispatcher was made before a fork; make one in each process"
            raise RuntimeError(msg)

    # ------------------------------------------------------------------ coming and beating

    def register(self, now: datetime) -> None:
        """
        Begin: from now on the others know this node. Also after it has left.

        Raises:
            ConfigurationError: a node that is up orders the line of a queue of this one by other settings.
        """
        if self._has_left:
            self._me = None  # Whoever is not let in is no node: not even the one that it was.
        self._drains = self._has_left = self._is_superseded = False
        if self.lease is not None:
            self._come(self.lease, now)

    def _come(self, lease: timedelta, now: datetime) -> None:
        drains = self._drains
        me = Myself(
            tenant_id=self._service.tenant_id,
            node_id=self.node_id,
            instance_id=self._instance_id,
            started_at=now,
            lease=lease,
            schema_version=SCHEMA_VERSION,
            release=__version__,
            fingerprints=nodes.fingerprints(self._service.policies.values()),
        )

        def come(tx: Transaction) -> tuple[Node, Node | None, list[Node]]:
            before, present = tx.nodes.find(self.node_id), tx.nodes.present()
            _refuse_clashes(nodes.clashes(me, nodes.in_lease(present, now=now)))
            row = nodes.beat(me, before, drains=drains, now=now)
            tx.save(row)
            return row, before, present

        row, before, present = self._again_if_conflict(come)
        self._me = me
        self._lookout = Lookout()
        self._lost, self._let_be = {}, {}
        if before is not None and nodes.is_superseded(me, before):
            self._lost[self.node_id] = Lost(node_id=self.node_id, version=row.version, is_mine=True)
        self._seen(me, present, now=now)
        self._beat_again_if_drained(told=drains)

    def beat(self, now: datetime) -> None:
        """Say that it is there, and look who else is, when it is time for that. The first time, register."""
        if self.lease is None or self._has_left or self._is_superseded:
            return
        if self._me is None:
            self._come(self.lease, now)
            return
        looked_at, next_at = self._lookout.looked_at, self._next_at
        if looked_at is not None and next_at is not None and looked_at <= now < next_at:
            return
        me, drains = self._me, self._drains
        forgets = self._forget_at is None or now >= self._forget_at

        def again(tx: Transaction) -> tuple[Node | None, list[Node]]:
            known, present = tx.nodes.find(self.node_id), tx.nodes.present()
            if not nodes.is_superseded(me, known):
                tx.save(nodes.beat(me, known, drains=drains, now=now))
                if forgets:
                    tx.nodes.forget(gone_before=now - nodes.FORGOTTEN_AFTER, limit=_FORGET_MAX)
            return known, present

        known, present = self._again_if_conflict(again)
        if nodes.is_superseded(me, known):
            self._is_superseded = True
            logger.error(
                "another process has the name of node %s: this one begins nothing more", self.node_id
            )
            return
        if forgets:
            self._forget_at = now + _FORGET_EVERY
            self._let_be = {}
        if known is None or known.due_at is None:
            logger.warning("node %s was taken for gone: others have what it began", self.node_id)
        self._seen(me, present, now=now)
        self._beat_again_if_drained(told=drains)

    def _beat_again_if_drained(self, *, told: bool) -> None:
        """Let the next step tell it, if it was drained while this one wrote its row."""
        if self._drains is not told:
            self._next_at = None

    def _seen(self, me: Myself, present: Sequence[Node], *, now: datetime) -> None:
        """Remember who is there, who is lost, and with whom no queue may be shared."""
        self._lookout = nodes.look(self._lookout, present, me=me, now=now)
        versions = {node.node_id: node.version for node in present}
        self._let_be = {
            name: version for name, version in self._let_be.items() if versions.get(name) == version
        }
        lost = nodes.lost(present, self._lookout, me=me, now=now)
        for node in lost:
            if node.node_id not in self._let_be and node.node_id not in self._lost:
                logger.warning("node %s is lost: node %s takes its attempts over", node.node_id, self.node_id)
                self._lost[node.node_id] = Lost(node_id=node.node_id, version=node.version)
        silent = {node.node_id for node in lost}
        closed = nodes.clashes(
            me, nodes.before_me(me, (node for node in present if node.node_id not in silent))
        )
        for queue in closed.keys() - self._closed.keys():
            logger.error("queue %s: %s", queue, _clash(self.node_id, closed[queue]))
        self._closed = closed
        behind = nodes.lags(present, self._lookout, me=me, known=silent)
        for node_id in behind.keys() - self.behind.keys():
            logger.warning(
                "node %s: its clock is %s behind that of node %s", node_id, behind[node_id], self.node_id
            )
        self.behind = behind
        self._next_at = nodes.next_look_at(present, self._lookout, me=me, known=silent, now=now)

    # ------------------------------------------------------------------ taking over

    def has_taken(self, lost: Lost, *, rest: Lost | None, left_some: bool) -> None:
        """
        Remember how far the attempts of a lost node were taken over, after the commit.

        Args:
            rest: go on there; None: that was all.
            left_some: what is left belongs to queues that are not served here.
        """
        self._lost.pop(lost.node_id, None)
        if rest is not None:
            self._lost[rest.node_id] = rest
        elif left_some:
            self._let_be[lost.node_id] = lost.version

    # ------------------------------------------------------------------ going

    def drain(self) -> None:
        """Begin nothing more; the next step tells the others so. From any thread."""
        self._drains = True
        self._next_at = None

    def has_some(self) -> bool:
        """Whether anything that it began is not over."""
        return self._once(Commit.READ_ONLY, self._has_some)

    def _has_some(self, tx: Transaction) -> bool:
        """Of another process that has the name by now it is not asked: that one has taken all of it."""
        if self._me is not None and nodes.is_superseded(self._me, tx.nodes.find(self.node_id)):
            return False
        return bool(tx.attempts.of_node(self.node_id, limit=1))

    def leave(self, now: datetime) -> bool:
        """Hand over what it has, and beat no more; say whether there was anything."""
        self._drains = self._has_left = True
        me = self._me

        def go(tx: Transaction) -> bool:
            has_some = self._has_some(tx)
            known = tx.nodes.find(self.node_id)
            if me is not None and known is not None and nodes.may_leave(me, known):
                tx.save(nodes.leave(known, has_some=has_some, now=now))
            return has_some

        return self._again_if_conflict(go)

    def next_wakeup(self, now: datetime) -> datetime | None:
        """Return when to beat or to look again; None if never."""
        if self.lease is None or self._has_left or self._is_superseded:
            return None
        return self._next_at or now

    # ------------------------------------------------------------------ inside

    def _once(self, commit: Commit, work: Callable[[Transaction], T]) -> T:
        with self._service.transaction(commit) as tx:
            return work(tx)

    def _again_if_conflict(self, work: Callable[[Transaction], T]) -> T:
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return self._once(Commit.RELAXED, work)
            except Conflict:
                continue
        return self._once(Commit.RELAXED, work)


def new_id(prefix: str) -> str:
    """Return an id that no other process has, and that says nothing of the machine."""
    return RandomIds().new(prefix, now=SystemClock().now())


def _refuse_clashes(found: Mapping[QueueName, NodeId]) -> None:
    for queue, other in found.items():
        is_up = f"that of node {other}, which is up: drain it first, or wait until its lease is over"
        raise ConfigurationError("priority_credit", f"another one for queue {queue}", is_up)


def _clash(mine: NodeId, other: NodeId) -> str:
    return f"node {other} orders its line by another priority_credit, so node {mine} begins nothing there"
