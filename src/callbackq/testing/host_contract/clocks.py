"""What a clock and a source of ids must do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest

from callbackq.core.instants import TEXT_MAX, check_instant
from callbackq.ports import Clock, IdSource
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import at_once

_MANY: Final = 1_000
_PREFIXES: Final = ("cb", "at", "leg", "ms", "bk", "su")
_ELSEWHERE: Final = timezone(timedelta(hours=-9, minutes=-30))


class ClockContract:
    """
    The specification of `callbackq.ports.Clock`: subclass, and say how one is made.

    A clock of the machine that is set back between two readings breaks it, as it breaks every clock.
    """

    def open_clock(self) -> Clock:
        """Return a clock. The subclass says how."""
        raise NotImplementedError

    def let_pass(self, clock: Clock) -> None:
        """Let a little time pass for this clock: sleep, unless a subclass moves it."""
        time.sleep(0.02)

    @pytest.fixture
    def clock(self) -> Clock:
        """Give one test a clock."""
        return self.open_clock()

    def test_it_says_an_instant(self, clock: Clock) -> None:
        """An aware one, in any zone, of the years that callbackq knows: a naive one is another time on each machine."""
        assert check_instant(clock.now(), "now").tzinfo is UTC

    def test_it_goes_on(self, clock: Clock) -> None:
        """What is due is found by it: a clock that stands still keeps no promise."""
        before = clock.now()
        self.let_pass(clock)
        assert _in_utc(clock) > before.astimezone(UTC)

    def test_it_never_goes_back(self, clock: Clock) -> None:
        """Ranks, rests and deadlines are made of its readings."""
        readings = [_in_utc(clock) for _ in range(_MANY)]
        assert readings == sorted(readings)

    def test_all_threads_have_one_time(self, clock: Clock) -> None:
        """Commands come from any thread."""
        before = _in_utc(clock)
        readings = at_once(lambda _: _in_utc(clock))
        assert before <= min(readings)
        assert max(readings) <= _in_utc(clock)


class IdSourceContract:
    """The specification of `callbackq.ports.IdSource`: subclass, and say how one is made."""

    def open_ids(self) -> IdSource:
        """Return a source of ids. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def ids(self) -> IdSource:
        """Give one test a source."""
        return self.open_ids()

    def test_an_id_begins_with_its_prefix(self, ids: IdSource) -> None:
        """So that who reads one knows what it is of. There is more than the prefix."""
        for prefix in _PREFIXES:
            made = ids.new(prefix, now=START)
            assert made.startswith(f"{prefix}_")
            assert len(made) > len(prefix) + 1

    def test_an_id_can_be_kept_and_shown(self, ids: IdSource) -> None:
        """A short text of letters, digits and the like, without a space: it stands in logs, keys and links."""
        made = ids.new("cb", now=START)
        assert len(made) < TEXT_MAX
        assert made.isascii()
        assert made.isprintable()
        assert " " not in made

    def test_no_id_is_made_again(self, ids: IdSource) -> None:
        """Of one moment, and of one prefix: thousands."""
        made = [ids.new("cb", now=START) for _ in range(_MANY)]
        assert len(set(made)) == _MANY

    def test_no_id_is_made_again_in_another_thread(self, ids: IdSource) -> None:
        """Commands come from any thread."""
        found = at_once(lambda _: [ids.new("leg", now=START) for _ in range(_MANY // 4)])
        made = [each for of_thread in found for each in of_thread]
        assert len(set(made)) == len(made)

    def test_later_ones_sort_behind(self, ids: IdSource) -> None:
        """By the instant, a millisecond or more later, whatever its zone: rows are found by id in their order."""
        steps = [timedelta(milliseconds=2**power) for power in range(32)]
        moments = [START + step for step in steps]
        zones = [UTC, _ELSEWHERE]
        made = [ids.new("cb", now=_shown_in(at, zones[n % 2])) for n, at in enumerate(moments)]
        assert made == sorted(made)


class ManyNodesIdsContract:
    """For ids that several processes make for one store, which know nothing of one another."""

    def open_ids(self) -> IdSource:
        """Return a source as another process would have it. The subclass says how."""
        raise NotImplementedError

    def test_two_processes_never_make_the_same(self) -> None:
        """At the same moment, of the same prefix."""
        one, other = self.open_ids(), self.open_ids()
        made = [source.new("cb", now=START) for source in (one, other) for _ in range(_MANY)]
        assert len(set(made)) == len(made)


def _in_utc(clock: Clock) -> datetime:
    # Two times of one other zone are compared by what its clocks show, and those show an hour twice.
    return clock.now().astimezone(UTC)


def _shown_in(at: datetime, zone: timezone) -> datetime:
    return at.astimezone(zone)
