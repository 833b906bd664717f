"""What the contracts of the small protocols share: instants in a row, and a log that must tell nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

FOREIGN: Final = "Zoë Müller-Παπαδοπούλου 王小明 🙂"
"""A name that no single old alphabet has."""
_DIGITS_THAT_TELL: Final = 6


def in_a_row(from_at: datetime, *, until_at: datetime, step: timedelta) -> list[datetime]:
    """Return every instant from *from_at* to *until_at* at a distance."""
    count = (until_at - from_at) // step
    return [from_at + number * step for number in range(count + 1)]


def tells(shown: str, secrets: Iterable[str | None]) -> bool:
    """Whether a text shows one of the secrets; a number also where it is written in groups."""
    digits_shown = "".join(filter(str.isdigit, shown))
    for secret in secrets:
        if not secret:
            continue
        digits = "".join(filter(str.isdigit, secret))
        if secret in shown or (len(digits) > _DIGITS_THAT_TELL and digits in digits_shown):
            return True
    return False
