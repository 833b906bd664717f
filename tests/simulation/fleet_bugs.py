"""
Three deliberate bugs of the kind that only several nodes meet, put into the engine one at a time.

They are the test of the fleet, as `mutations` are that of the storms. `docs/how-to/fleet-test.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import attrs
import pytest

from callbackq import duplicates, intake
from callbackq.admission import who_asks
from callbackq.core import nodes, promising
from callbackq.effects import Dial
from callbackq.errors import CallbackqError
from callbackq.model import NodeState
from callbackq.ports import Commit
from callbackq.presence import Presence
from callbackq.runners import Driver
from callbackq.service import CallbackService
from callbackq.simulation.fleet.accounts import TAKEN_OVER_TWICE
from callbackq.simulation.fleet.world import NO_INTENT
from callbackq.stepping import Step, Taken
from callbackq.testing.checkers import TWO_ACTIVE
from callbackq.writing import write

Patch = pytest.MonkeyPatch


@attrs.frozen(kw_only=True)
class Bug:
    """
    One deliberate bug.

    Args:
        broken: what is broken, in words.
        breaks: how.
        found_by: the check that must find it.
        seed: the first world in which it does.
        people_max, lines_max: so small its world and its story become, at most.
        plays_max: so many worlds are played for that.
    """

    broken: str
    breaks: Callable[[Patch], object]
    found_by: str
    seed: int
    people_max: int
    lines_max: int
    plays_max: int = 300


def dial_before_commit(patch: Patch) -> None:
    """The telephony is asked within the transaction that writes the intent down."""
    init, attempt = Driver.__init__, Step._attempt

    def remember(self: Any, service: Any, dispatcher: Any, telephony: Any, **more: Any) -> None:
        init(self, service, dispatcher, telephony, **more)
        service.telephony = telephony

    def dial_at_once(self: Any, *arguments: Any, **more: Any) -> None:
        attempt(self, *arguments, **more)
        for effect in [one for one in self.effects if isinstance(one, Dial)]:
            self.effects.remove(effect)
            with suppress(CallbackqError):
                self.service.telephony.dial(effect)

    patch.setattr(Driver, "__init__", remember)
    patch.setattr(Step, "_attempt", dial_at_once)


def lease_without_version(patch: Patch) -> None:
    """What a lost node had is read when it is found to be lost, and written later, whatever it is by then."""
    seen = Presence._seen

    def remember(self: Any, me: Any, present: Any, *, now: Any) -> None:
        seen(self, me, present, now=now)
        had = self._service.__dict__.setdefault("had", {})
        for lost in self._lost.values():
            if lost.node_id not in had:
                had[lost.node_id] = self._once(Commit.READ_ONLY, partial(_attempts_of, lost.node_id))

    def take_over(self: Any, lost: Any, *, limit: int) -> int:
        attempts = self.service.had.pop(lost.node_id, [])
        for one in attempts:
            version = self.tx.attempts.get(one.attempt_id).version
            decision = nodes.take_over(attrs.evolve(one, version=version), self.node_id, now=self.now)
            write(self.tx, decision)
            self.effects.extend(decision.effects)
        node = self.tx.nodes.find(lost.node_id)
        if node is not None and node.state is not NodeState.GONE and not lost.is_mine:
            self.tx.save(nodes.gone(node))
        self.takings.append(Taken(lost=lost))
        return min(len(attempts), limit)

    patch.setattr(Presence, "_seen", remember)
    patch.setattr(Step, "take_over", take_over)


def _attempts_of(node_id: Any, tx: Any) -> list[Any]:
    found: list[Any] = tx.attempts.of_node(node_id, limit=100)
    return found


def dedup_check_outside(patch: Patch) -> None:
    """Whether somebody has a callback already is looked up in a transaction of its own; and no key is unique."""
    meet, promise = duplicates.meet, CallbackService._promise
    met: dict[int, Any] = {}

    def active(tx: Any, subject_id: Any, policy: Any) -> Any:
        if subject_id is None:
            return None
        every = tx.callbacks.of_subject(subject_id, limit=50)
        return next((one for one in every if one.ended_at is None and one.queue == policy.queue), None)

    def look(request: Any, desk: Any, tx: Any, _now: Any) -> Any:
        if intake.known_receipt(tx, request) is not None:
            return None
        _who, caller = who_asks(tx, request, intake.waiting_call(tx, request))
        return meet(tx, request, caller, policies=desk.policies)

    def look_first(self: Any, request: Any, *, now: Any) -> Any:
        met[id(request)] = self._run(Commit.READ_ONLY, partial(look, request, self.desk))
        try:
            return promise(self, request, now=now)
        finally:
            del met[id(request)]

    patch.setattr(duplicates, "active_duplicate", active)
    patch.setattr(promising, "dedup_key_or_none", lambda *_of, **_by: None)
    patch.setattr(intake, "meet", lambda _tx, request, _known, *, policies: met.get(id(request)))
    patch.setattr(CallbackService, "_promise", look_first)


BUGS: Final = (
    Bug(
        broken="the telephony is asked to dial before the intent is committed",
        breaks=dial_before_commit,
        found_by=NO_INTENT,
        seed=1,
        people_max=1,
        lines_max=12,
    ),
    Bug(
        broken="a lost node's attempts are taken over without looking whether it has them still",
        breaks=lease_without_version,
        found_by=TAKEN_OVER_TWICE,
        seed=25,
        people_max=5,
        lines_max=70,
        plays_max=60,
    ),
    Bug(
        broken="whether somebody has a callback already is looked up outside the transaction",
        breaks=dedup_check_outside,
        found_by=TWO_ACTIVE,
        seed=3,
        people_max=2,
        lines_max=10,
    ),
)
