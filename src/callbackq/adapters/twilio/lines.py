"""What is known of each leg's call at Twilio, besides what `LegBook` knows."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import RLock
from typing import Final

import attrs

from callbackq.adapters.twilio.script import Speak, Wait, Wish
from callbackq.ids import AttemptId, LegId
from callbackq.model import Report, Role

_UNWANTED_MAX: Final = 10_000


@attrs.define(eq=False)
class Line:
    """
    One leg's call.

    Args:
        sid: Twilio's name of the call; None until Twilio told it.
        wish: what the leg is to do, whatever it does now.
        done: the wish that Twilio has taken, where it was told one. untold: the one of which it could not be told.
        heard_at_s: when it was heard of, in monotonic seconds. quiet_max_s: after how long a silence to ask.
    """

    leg_id: LegId
    role: Role
    attempt_id: AttemptId | None = None
    record: bool = False
    sid: str | None = None
    wish: Wish = attrs.field(factory=Wait)
    done: Wish | None = None
    untold: Wish | None = None
    heard_at_s: float = attrs.field(factory=time.monotonic)
    quiet_max_s: float = 60.0

    _lock: RLock = attrs.field(factory=RLock, init=False)
    _reports: deque[Report] = attrs.field(factory=deque[Report], init=False)
    _is_giving: bool = attrs.field(default=False, init=False)

    def note(self, fact: Callable[[], Report | None]) -> None:
        """Tell the book a fact, and keep the report that it makes."""
        with self._lock:
            report = fact()
            if report is not None:
                self._reports.append(report)

    def give(self, tell: Callable[[Report], None]) -> None:
        """Give what is kept, in the order in which it became known, and while no lock is held."""
        with self._lock:
            if self._is_giving:
                return  # Another thread gives these too.
            self._is_giving = True
        while True:
            with self._lock:
                if not self._reports:
                    self._is_giving = False
                    return
                report = self._reports.popleft()
            try:
                tell(report)
            except BaseException:
                with self._lock:
                    self._is_giving = False  # Or nothing would ever be given again.
                raise

    def heard(self) -> None:
        """Something was heard of it just now."""
        self.heard_at_s = time.monotonic()

    def is_playing(self, token: str | None) -> bool:
        """Whether it is still to say what has this *token*."""
        return isinstance(self.wish, Speak) and self.wish.token == token


class Lines:
    """The calls of the legs that are not over, and the legs that nobody wants any more. Safe in threads."""

    def __init__(self) -> None:
        self._lock: Final = RLock()
        self._lines: Final[dict[LegId, Line]] = {}
        self._unwanted: Final[OrderedDict[LegId, None]] = OrderedDict()

    def open(self, line: Line) -> Line:
        """Keep a line; return the one that is kept already, if there is one."""
        with self._lock:
            return self._lines.setdefault(line.leg_id, line)

    def get(self, leg_id: LegId) -> Line | None:
        """Return the line of a leg."""
        return self._lines.get(leg_id)

    def all(self) -> tuple[Line, ...]:
        """Return every line. O(n)."""
        with self._lock:
            return tuple(self._lines.values())

    def close(self, leg_id: LegId) -> None:
        """Forget a line."""
        with self._lock:
            self._lines.pop(leg_id, None)

    def learn(self, line: Line, sid: str) -> bool:
        """Note Twilio's name of a call, if it has one. False: the leg has another call already."""
        if not sid:
            return True
        with self._lock:
            if line.sid is None:
                line.sid = sid
            return line.sid == sid

    def unwanted(self, leg_id: LegId) -> None:
        """Note that a leg that is not known here is to end, should it turn up."""
        with self._lock:
            self._unwanted[leg_id] = None
            if len(self._unwanted) > _UNWANTED_MAX:
                self._unwanted.popitem(last=False)

    def is_unwanted(self, leg_id: LegId) -> bool:
        """Whether it is to end, though nothing was known of it."""
        return leg_id in self._unwanted
