"""
Lanes in PostgreSQL: sets of skills as small numbers, read once and then kept in memory.

The rule: what is kept is what was committed. What a transaction has added it keeps to itself until its end.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from callbackq.errors import NotFound
from callbackq.ids import TenantId
from callbackq.stores import postgres_statements as sql
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.postgres_session import LANES, Part, Session
from callbackq.stores.rows import from_json, to_json


class LaneCache:
    """The sets of skills of every tenant that were read so far. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_tenant: dict[TenantId, LaneIndex] = {}

    def of(self, tenant_id: TenantId) -> LaneIndex:
        """Return what is known of a tenant. It grows, and never shrinks."""
        with self._lock:
            return self._of_tenant.setdefault(tenant_id, LaneIndex())

    def learn(self, index: LaneIndex, rows: Sequence[tuple[int, str]]) -> None:
        """Add committed lanes, in order; those that somebody else has added meanwhile are left out."""
        with self._lock:
            for lane, skills in rows:
                if lane == len(index):
                    index.add(from_json(skills))


class Lanes(Part):
    """The sets of skills of one tenant."""

    __slots__ = ("_cache", "_known", "_own")

    def __init__(self, session: Session, cache: LaneCache) -> None:
        super().__init__(session)
        self._cache = cache
        self._known: LaneIndex | None = None
        self._own: list[frozenset[str]] = []
        """What this transaction has added. Nobody else may see it before the commit."""

    def skills_of(self, lane: int) -> tuple[str, ...]:
        """Return the skills of a lane, sorted. O(its skills). Raises: NotFound."""
        skills = self._cached().skills_of(lane)
        if skills is None:
            known = self._read()
            own = lane - len(known)
            is_own = 0 <= own < len(self._own)
            skills = tuple(sorted(self._own[own])) if is_own else known.skills_of(lane)
        if skills is None:
            raise NotFound(f"this tenant has no lane {lane}")
        return skills

    def intern(self, skills: Sequence[str]) -> int:
        """
        Return the number of this set of skills, the same one every time. O(skills); O(log n) for a new one.

        Raises:
            UniquenessViolated: another transaction has just added a set.
        """
        if not skills:
            return 0
        wanted = frozenset(skills)
        lane = self._cached().lane_of.get(wanted)
        if lane is not None:
            return lane
        session = self._session
        session.take_turn(LANES)
        known = self._read()
        lane = known.lane_of.get(wanted)
        if lane is not None:
            return lane
        if wanted in self._own:
            return len(known) + self._own.index(wanted)
        session.refuse_if_read_only()
        lane = len(known) + len(self._own)
        session.write(sql.INSERT_LANE, (session.tenant_id, lane, to_json(sorted(wanted))))
        self._own.append(wanted)
        return lane

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first. O(lanes with one of them)."""
        if not skills:
            return (0,)
        had = frozenset(skills)
        known = self._read()
        own = (len(known) + place for place, needed in enumerate(self._own) if needed <= had)
        return (*known.served_by(had), *own)

    def _cached(self) -> LaneIndex:
        """Return what was read before, by whomever: what is in it holds, but there may be more."""
        self._session.refuse_if_over()
        return self._cache.of(self._session.tenant_id)

    def _read(self) -> LaneIndex:
        """Return all that is committed. Lanes are only ever added, so only the newest are read, and once."""
        if self._known is None:
            known = self._cached()
            look = self._session.seen.look
            if look is not None and look.lanes_count == len(known):
                self._session.refuse_if_undone()
                self._known = known
                return known
            rows = self._session.all(sql.LANES_FROM, len(known))
            self._cache.learn(known, [(lane, skills) for lane, skills in rows])
            self._known = known
        return self._known
