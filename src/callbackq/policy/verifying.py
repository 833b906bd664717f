"""Of whom it is asked to prove that a number is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from callbackq.model import Channel
from callbackq.policy.checks import check_member, int_within, own_members, repr_sorted, within
from callbackq.policy.limits import Limit


def _own_channels(channels: object) -> frozenset[Channel]:
    return own_members("Verify.channels", channels, Channel)


@attrs.frozen(kw_only=True)
class Verify:
    """
    When a number must be proved by a one-time code, and how long a code serves.

    Args:
        channels: where every number must be proved.
        typed: whether a number that a caller on the line gives in place of the caller id must be proved, too.
        code_length: digits. 4 to 10.
        code_life: how long a code can be entered. 30 s to 24 h.
        tries_max: how many wrong codes may be entered. 1 to 10.
        codes_max: codes that are sent to one number, whatever the queue; more are refused.
        proof_life: how long after the code was entered the request may be made. 1 min to 24 h.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> Verify(channels={Channel.WEB}).code_length
    6
    """

    channels: frozenset[Channel] = attrs.field(
        default=frozenset({Channel.WEB}), converter=_own_channels, repr=repr_sorted
    )
    typed: bool = False
    code_length: int = 6
    code_life: timedelta = timedelta(minutes=10)
    tries_max: int = 3
    codes_max: Limit = Limit(3, timedelta(hours=1))  # noqa: RUF009
    proof_life: timedelta = timedelta(minutes=30)

    def __attrs_post_init__(self) -> None:
        check_member("Verify.typed", self.typed, bool)
        check_member("Verify.codes_max", self.codes_max, Limit)
        int_within("Verify.code_length", self.code_length, 4, 10)
        int_within("Verify.tries_max", self.tries_max, 1, 10)
        for field, least, most in _BOUNDS:
            within(f"Verify.{field}", getattr(self, field), least, most)


_M: Final = timedelta(minutes=1)
_BOUNDS: Final = (
    ("code_life", _M / 2, 1_440 * _M),
    ("proof_life", _M, 1_440 * _M),
)
