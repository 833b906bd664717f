"""
Stories: what history tells of a live call, or of a callback with all its attempts, as the facts that figures need.

The law is that of `core.history`: a field that an event shares with the facts by name is their value after the event.
So facts that are read from rows and facts that are folded from history are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import attrs

from callbackq.events import (
    AttemptEvent,
    AttemptStarted,
    CallbackEvent,
    CallbackRequested,
    CallEvent,
    CallJoined,
    Event,
)
from callbackq.model.figures import AttemptFacts, CallbackFacts, CallFacts
from callbackq.model.words import LegState

Facts = CallFacts | CallbackFacts
"""What is known of one story."""
StoryKey = tuple[str, str]
"""The kind of a story, `call` or `callback`, and the id of its record."""

NOT_DIALED: Final = frozenset({LegState.NONE, LegState.INTENDED})
"""The states of a customer's leg whose phone was not dialed."""

_NOT_ITS_OWN: Final = frozenset({"attempts", "is_booked", "is_announcement", "customer_dialed"})


def key_of(facts: Facts) -> StoryKey:
    """Return which story these facts are of."""
    return ("call", facts.call_id) if isinstance(facts, CallFacts) else ("callback", facts.callback_id)


def story_of(event: Event) -> StoryKey | None:
    """Return which story an event belongs to; None if it tells nothing of any."""
    if isinstance(event, CallbackEvent | AttemptEvent):
        return ("callback", event.callback_id)
    return ("call", event.call_id) if isinstance(event, CallEvent) else None


def after(facts: Facts | None, event: Event) -> Facts | None:
    """
    Return what is known of the story of *event* after it.

    Args:
        facts: what was known before; None if nothing was.

    Returns:
        None where the beginning of the story is not known, and this is not it.

    Cost: some microseconds.
    """
    if isinstance(event, AttemptEvent):
        return _with_attempt(facts, event) if isinstance(facts, CallbackFacts) else None
    if facts is None:
        kind = _BEGINNINGS.get(type(event))
        return None if kind is None else kind(**_told(event, kind))
    return attrs.evolve(facts, **_told(event, type(facts)))


_BEGINNINGS: Final[Mapping[type[Event], Callable[..., Facts]]] = {
    CallJoined: CallFacts,
    CallbackRequested: CallbackFacts,
}


def _with_attempt(facts: CallbackFacts, event: AttemptEvent) -> CallbackFacts:
    changes = _told(event, AttemptFacts)
    if isinstance(event, AttemptStarted) and all(
        one.attempt_id != event.attempt_id for one in facts.attempts
    ):
        new = AttemptFacts(**changes)
        return attrs.evolve(facts, attempts=in_order([*facts.attempts, new]))
    changed = (
        attrs.evolve(one, **changes) if one.attempt_id == event.attempt_id else one for one in facts.attempts
    )
    return attrs.evolve(facts, attempts=tuple(changed))


def in_order(attempts: Iterable[AttemptFacts]) -> tuple[AttemptFacts, ...]:
    """Return the attempts of one callback as its facts hold them: by their start, then by id."""
    return tuple(sorted(attempts, key=lambda one: (one.started_at, one.attempt_id)))


def _told(event: Event, kind: Callable[..., Any]) -> dict[str, Any]:
    """Return the fields of the facts that an event tells."""
    of: Any = type(event)
    told = {name: getattr(event, name) for name in _shared(of, kind)}
    if isinstance(event, AttemptEvent):
        leg: LegState | None = getattr(event, "customer_leg", None)
        if leg is not None:
            told["customer_dialed"] = leg not in NOT_DIALED
        if isinstance(event, AttemptStarted):
            told["is_announcement"] = event.announces is not None
    elif "booking_id" in attrs.fields_dict(of):
        told["is_booked"] = getattr(event, "booking_id", None) is not None
    return told


@cache
def _shared(event: Any, kind: Any) -> tuple[str, ...]:
    said = attrs.fields_dict(event)
    return tuple(name for name in attrs.fields_dict(kind) if name in said and name not in _NOT_ITS_OWN)


# ---------------------------------------------------------------------------- whole histories


def stories(events: Iterable[Event]) -> Iterator[Facts]:
    """
    Fold a history, oldest first, into the facts of its stories: in the order in which they began.

    Cost: O(events), some microseconds each; memory O(stories).
    """
    found: dict[StoryKey, Facts] = {}
    for event in events:
        key = story_of(event)
        if key is None:
            continue
        known = after(found.get(key), event)
        if known is not None:
            found[key] = known
    yield from found.values()
