"""
The story of a fleet: what happened in one world, in true time and in plain words, by whom.

Made for reading: of a world that was shrunk all of it, of a larger one what concerns a callback.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from callbackq.events import AgentEvent, AttemptStarted, Event
from callbackq.model import Report
from callbackq.simulation.fleet.network import ProviderLine
from callbackq.simulation.fleet.plan import FleetPlan
from callbackq.simulation.fleet.world import Fleet, Seen
from callbackq.simulation.storm_story import (
    callback_of,
    words_of_entry,
    words_of_event,
    words_of_report,
)
from callbackq.testing.checkers import Finding
from callbackq.testing.telephony import CarrierEntry

SERIOUS: Final = "!! "
_CHANGED_NOTHING: Final = ": report ignored "
_DULL: Final = ("agent_signed_in", "agent_signed_out", "message_queued", "message_ended")


@attrs.frozen(kw_only=True)
class Line:
    """One line of a story: when in true time, who, and what."""

    at: datetime
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}.{self.at.microsecond // 1000:03d}  {self.who:<10}  {self.what}"


def story_of(fleet: Fleet, *which: str) -> list[Line]:
    """
    Return the story of a world that was played on tape: of all that happened, or of some callbacks.

    Args:
        which: the ids of callbacks, or of their attempts or legs.

    Raises:
        LookupError: there is no such callback in this world.
    """
    seen = fleet.tape or []
    if not which:
        return [_line(one) for one in seen if not _is_dull(one)]
    events = [one.what for one in seen if isinstance(one.what, Event)]
    ids: set[str] = set()
    for one in which:
        callback_id = callback_of(events, one)
        if callback_id is None:
            raise LookupError(f"there is no callback {one!r} in this world")
        ids.add(callback_id)
    legs = {
        leg_id
        for event in events
        if isinstance(event, AttemptStarted) and event.callback_id in ids
        for leg_id in (event.agent_leg_id, event.customer_leg_id)
    }
    people = {person.name for callback_id, person in fleet.crowd.promised.items() if callback_id in ids}
    mine = [one for one in seen if _is_serious(one) or one.who in people or _is_of(one, ids, legs)]
    return [_line(one) for one in mine if not _is_dull(one)]


def story_of_findings(fleet: Fleet, findings: Iterable[Finding]) -> list[Line]:
    """
    Return the story of what was found first: of the callbacks that it names, up to then; of all if it names none.

    Lines of what changed nothing are left out.
    """
    every = list(findings)
    if not every:
        return story_of(fleet)
    first = min(every, key=lambda one: (one.at is None, one.at))
    events = [one.what for one in fleet.tape or () if isinstance(one.what, Event)]
    words = (first.which, *first.what.replace(":", " ").replace(",", " ").split())
    named = [word for word in words if callback_of(events, word) is not None]
    return [line for line in until(story_of(fleet, *named), every) if _CHANGED_NOTHING not in line.what]


def cast_of(plan: FleetPlan) -> list[str]:
    """Say in words who is in the story: queues, nodes with their clocks, agents, people."""
    lines = [
        f"{policy.queue}: {policy.mode}, {policy.attempts_max} attempts at most" for policy in plan.policies
    ]
    for process in (*plan.nodes, *plan.webs):
        skew = process.skew.total_seconds()
        clock = (
            f"its clock is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}"
            if skew
            else "its clock is right"
        )
        lines.append(f"{process.name}: {clock}")
    lines += [f"{worker.agent_id}: serves {', '.join(worker.queues)}" for worker in plan.workers]
    for person in plan.people:
        parts = [person.wisher.queue, "calls" if person.wisher.calls else "asks"]
        parts += ["books a slot"] if person.books else []
        parts += ["asks again"] if person.asks_again_after is not None else []
        lines.append(f"{person.name}: {', '.join(parts)}")
    return lines


def _line(one: Seen) -> Line:
    return Line(at=one.at, who=one.who, what=_words(one.what))


def _words(what: object) -> str:
    match what:
        case Event():
            whose = getattr(what, "attempt_id", None) or getattr(what, "callback_id", None)
            whose = what.agent_id if isinstance(what, AgentEvent) else whose
            return f"writes: {whose or what.entity}: {words_of_event(what)}"
        case CarrierEntry():
            return words_of_entry(what)
        case Report():
            return f"is told: {words_of_report(what)}"
        case ProviderLine():
            return f"{what.what} {what.send_id}"
        case _:
            return str(what)


def _is_dull(one: Seen) -> bool:
    return isinstance(one.what, Event) and one.what.kind in _DULL


def _is_serious(one: Seen) -> bool:
    return isinstance(one.what, str) and one.what.startswith(SERIOUS)


def _is_of(one: Seen, ids: Collection[str], legs: Collection[str]) -> bool:
    """Whether something is about one of these callbacks, or one of their legs."""
    what = one.what
    match what:
        case AgentEvent():
            return False
        case Event() | CarrierEntry():
            return getattr(what, "callback_id", None) in ids
        case Report():
            return what.leg_id.split(".", maxsplit=1)[0] in legs
        case str():
            return any(word in ids for word in what.split())
        case _:
            return False


def until(story: Sequence[Line], findings: Iterable[Finding]) -> list[Line]:
    """Return a story up to the first thing that was found, where it is known when that was."""
    times = [finding.at for finding in findings if finding.at is not None]
    return [line for line in story if line.at <= min(times)] if times else list(story)
