"""
What a caller is told of slots: which there are, how one is chosen, and why one cannot be had.

Times are said in the customer's zone, and with the date where it is not the day of the telling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Final

from callbackq.core.phrases import Phrase, Say
from callbackq.core.zones import abbreviation, wall_of
from callbackq.errors import SlotUnavailable
from callbackq.model import Choice, Slot, SlotProblem

KEYS: Final = "123456789"
"""The keys of the phone that choose one of the slots that are said, in their order."""

_NEXT_HOUR: Final = timedelta(hours=1)
_HOURS: Final = 24
_NOON: Final = 12
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?: ?(?P<half>[ap])\.?m\.?)?(?: (?P<label>[a-z]+))?", re.ASCII
)


def say_slots(
    slots: Iterable[Slot | datetime], *, zone: str, now: datetime | None = None, by_key: bool = False
) -> tuple[Say, ...]:
    """
    Say which times can be booked, one phrase for each local day, and ask for one of them.

    Args:
        slots: free ones, in order, as `free_slots`, an offer or `SlotUnavailable.alternatives` have them. A slot that
            is full is left out.
        zone: the customer's.
        now: when it is told: the date is left out for times of that day in *zone*. None: it is said.
        by_key: each with the key that chooses it, 1 to 9; more than nine are not said.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: a time is naive, or outside 2000 to 2099.

    Cost: 40 microseconds for each slot.

    >>> from datetime import UTC
    >>> from callbackq.core.phrases import text_of
    >>> hours = [datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (19, 20)]
    >>> text_of(say_slots(hours, zone="America/New_York", now=hours[0]))
    'We have availability at 2:00 PM or 3:00 PM EST. Please select your preferred time.'
    >>> text_of(say_slots(hours, zone="America/New_York", now=hours[0], by_key=True))
    'For 2:00 PM press 1 or for 3:00 PM EST press 2.'
    """
    starts = _starts(slots)
    if not starts:
        return (Say(Phrase.NO_SLOTS),)
    if by_key:
        keyed = dict(zip(starts, KEYS, strict=False))
        return tuple(
            Say(
                Phrase.SLOTS_BY_KEY,
                ats=ats,
                keys=tuple(keyed[at] for at in ats),
                zone=zone,
                dated=dated(ats[0], zone=zone, now=now),
            )
            for ats in _by_day(keyed, zone)
        )
    return (
        *say_times(starts, zone=zone, now=now),
        Say(Phrase.SELECT_SLOT if starts[1:] else Phrase.BOOK_THAT),
    )


def say_times(starts: Sequence[datetime], *, zone: str, now: datetime | None) -> tuple[Say, ...]:
    """Say when there are free slots, one phrase for each local day. Raises: as `say_slots`."""
    return tuple(
        Say(Phrase.SLOTS, ats=ats, zone=zone, dated=dated(ats[0], zone=zone, now=now))
        for ats in _by_day(starts, zone)
    )


def slot_of(said: str, slots: Iterable[Slot | datetime], *, zone: str) -> datetime | None:
    """
    Return which slot a caller means: its start; None where it is none of them, or could be two.

    Args:
        said: a key, `"1"` to `"9"`, in the order of `say_slots`; or a time as the customer's clock shows it: "2:30",
            "2:30 PM", "2 pm", "14:30", also with the abbreviation, "2:30 PM EST". Case and blanks do not matter.
        slots: those that were said; full ones are left out here as well.
        zone: the customer's.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: a time is naive, or outside 2000 to 2099.

    >>> from datetime import UTC
    >>> hours = [datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (19, 20)]
    >>> [slot_of(said, hours, zone="America/New_York") == hours[1] for said in ("2", "3:00", "3 PM", "15:00")]
    [True, True, True, True]
    """
    starts, text = _starts(slots), " ".join(said.lower().split())
    if len(text) == 1 and text in KEYS:
        index = KEYS.index(text)
        return starts[index] if index < len(starts) else None
    meant = _TIME.fullmatch(text)
    if meant is None or not (meant["minute"] or meant["half"]):
        return None
    hours, minute, label = (
        _hours_meant(int(meant["hour"]), meant["half"]),
        int(meant["minute"] or 0),
        meant["label"],
    )
    found = [at for at in starts if _reads(at, hours, minute, label, zone=zone)]
    return found[0] if len(found) == 1 else None


def _reads(at: datetime, hours: tuple[int, ...], minute: int, label: str | None, *, zone: str) -> bool:
    wall_at = wall_of(at, zone=zone).wall_at
    named = label is None or label == abbreviation(at, zone=zone).lower()
    return wall_at.hour in hours and wall_at.minute == minute and named


def _hours_meant(hour: int, half: str | None) -> tuple[int, ...]:
    """Return the hours of a day that a clock with 12 or 24 of them can mean."""
    if half is not None:
        begin = 0 if half == "a" else _NOON
        return (begin + hour % _NOON,) if 1 <= hour <= _NOON else ()
    if 1 <= hour <= _NOON:
        return hour % _NOON, hour % _NOON + _NOON
    return (hour,) if hour < _HOURS else ()


def _starts(slots: Iterable[Slot | datetime]) -> list[datetime]:
    free = (slot for slot in slots if isinstance(slot, datetime) or slot.free_count > 0)
    return [slot if isinstance(slot, datetime) else slot.starts_at for slot in free]


def _by_day(starts: Iterable[datetime], zone: str) -> list[tuple[datetime, ...]]:
    days = groupby(starts, key=lambda at: wall_of(at, zone=zone).wall_at.date())
    return [tuple(ats) for _, ats in days]


def dated(at: datetime, *, zone: str, now: datetime | None) -> bool:
    """Say whether a time is told with its date: on another day than *now*, or where nobody knows when it is told."""
    return now is None or wall_of(at, zone=zone).wall_at.date() != wall_of(now, zone=zone).wall_at.date()


# ---------------------------------------------------------------------------- why one cannot be had

_PROBLEM: Final[Mapping[str, Phrase]] = MappingProxyType(
    {
        SlotProblem.PAST: Phrase.SLOT_PAST,
        SlotProblem.TOO_SOON: Phrase.SLOT_TOO_SOON,
        SlotProblem.BEYOND_HORIZON: Phrase.SLOT_TOO_FAR,
        SlotProblem.CLOSED: Phrase.SLOT_CLOSED,
        SlotProblem.OFF_GRID: Phrase.SLOT_OFF_GRID,
        SlotProblem.FULL: Phrase.SLOT_FULL,
        SlotProblem.NOT_BEFORE_CLOSING: Phrase.SLOT_BEFORE_CLOSING,
        SlotProblem.AGENT_BUSY: Phrase.SLOT_AGENT_BUSY,
        SlotProblem.NONE_IN_WINDOW: Phrase.SLOT_NONE_IN_WINDOW,
        SlotProblem.HOLD_OVER: Phrase.SLOT_HOLD_OVER,
    }
)


def say_slot_problem(error: SlotUnavailable) -> Say:
    """Say why a slot cannot be had. Of a reason that is not known here, only that it cannot."""
    return Say(_PROBLEM.get(error.reason, Phrase.SLOT_UNAVAILABLE))


def say_other_slots(error: SlotUnavailable, *, zone: str, now: datetime | None) -> tuple[Say, ...]:
    """
    Say why a slot cannot be had, and which others can.

    Where it is known that there is none in the next hour, that is said, with the next one.

    Raises:
        InvalidText: there is no such zone.
    """
    others = sorted(error.alternatives)
    if not others:
        return say_slot_problem(error), Say(Phrase.NO_SLOTS)
    if now is not None and _hour_is_full(error, others, now=now):
        soonest = Say(Phrase.NEXT_SLOT, at=others[0], zone=zone, dated=dated(others[0], zone=zone, now=now))
        return Say(Phrase.HOUR_IS_FULL), soonest, Say(Phrase.BOOK_OR_HOLD)
    ask = Phrase.SELECT_SLOT if others[1:] else Phrase.BOOK_OR_HOLD
    return say_slot_problem(error), *say_times(others, zone=zone, now=now), Say(ask)


def _hour_is_full(error: SlotUnavailable, others: Sequence[datetime], *, now: datetime) -> bool:
    """
    Say whether no slot of the next hour is free.

    The alternatives are the free slots nearest to the one that was wanted: had there been one in the next hour, it
    would be among them, if they reach at least as far as that.
    """
    wanted, until_at = error.slot_at, now + _NEXT_HOUR
    if error.reason != SlotProblem.FULL or wanted is None or not now <= wanted <= until_at:
        return False
    return others[0] > until_at and others[-1] - wanted >= wanted - now


def choices_after(error: SlotUnavailable, *, channels: Sequence[str]) -> tuple[Choice, ...]:
    """Return what a caller can do who could not have a slot: another time if there is one, hold, another channel."""
    again = error.alternatives or error.reason == SlotProblem.HOLD_OVER
    time = (Choice.SCHEDULE,) if again else ()
    return (*time, Choice.STAY, *((Choice.OTHER_CHANNEL,) if channels else ()))
