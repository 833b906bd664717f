"""What may be told of an event outside the store: whatever is of a fixed set, a number, a time, or an id of ours."""

from __future__ import annotations

import enum
import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import attrs

from callbackq.events import Event
from callbackq.masking import mask_number

Told = str | int | float | bool

_IDS: Final = frozenset({"callback_id", "attempt_id", "booking_id", "message_id", "node_id", "from_node_id"})
_NAMES: Final = frozenset({"queue", "tenant_id", "quoted_by"})
_OF_PBX: Final = frozenset({"call_id", "called_in_id"})
_NEVER: Final = frozenset({"at", "version", "rank", "lane", "fold"})
_NUMBER: Final = re.compile(r"\+?\d[\d\s().-]{4,}\d")


def told(event: Event) -> dict[str, Told]:
    """
    Return the fields of an event that anybody may read, by name; those that are None are left out.

    These are enums, numbers, flags, instants, durations in seconds (`_s`), and the ids of callbacks, attempts,
    bookings, messages, nodes and live calls. Whatever somebody wrote, names, agents, persons, and digests of numbers
    are not among them; and in the id of a live call, which the PBX chose, what may be a number is masked.

    Cost: some microseconds.
    """
    found: dict[str, Told] = {}
    kind: Any = type(event)
    for name in _fields(kind):
        value: Any = getattr(event, name)
        if isinstance(value, enum.Enum):
            found[name] = str(value.value)
        elif isinstance(value, datetime):
            found[name] = value.isoformat()
        elif isinstance(value, timedelta):
            found[f"{name}_s"] = value.total_seconds()
        elif isinstance(value, bool | int | float) or (isinstance(value, str) and name in _IDS | _NAMES):
            found[name] = value
        elif isinstance(value, str) and name in _OF_PBX:
            found[name] = masked_id(value)
    return found


def masked_id(text: str) -> str:
    """
    Mask what may be a number in an id that a PBX chose.

    >>> masked_id("SIP/+12125550123/a1"), masked_id("call-17")
    ('SIP/+1…23/a1', 'call-17')
    """
    return _NUMBER.sub(lambda found: mask_number(found[0]), text)


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(name for name in attrs.fields_dict(kind) if name not in _NEVER)
