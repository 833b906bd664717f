"""What opening hours, the capacity of slots, and estimates of the wait must do."""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Final

import attrs
import pytest

from callbackq.ids import QueueName
from callbackq.model import Ahead, EstimateFacts, Opening, Rates, Wait
from callbackq.ports import Estimator, Hours, SlotCapacity
from callbackq.testing.clock import START
from callbackq.testing.host_contract.base import in_a_row
from callbackq.testing.store_contract.base import at_once

_CHANGES_MAX: Final = 10_000
_NAME_MAX: Final = 64
_LENGTHS: Final = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2))


class HoursContract:
    """
    The specification of `callbackq.ports.Hours`: subclass, and say how they are made.

    Attributes:
        queue: which queue is asked for.
        begin_at: where the stretch begins that is looked at, aware, in UTC.
        end_at: where it ends. Choose one with a holiday and a change of clocks in it.
        step: how far apart the moments are at which it is looked.
    """

    queue: str = "support"
    begin_at: datetime = START
    end_at: datetime = START + timedelta(days=14)
    step: timedelta = timedelta(minutes=45)

    def open_hours(self) -> Hours:
        """Return the hours. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def hours(self) -> Hours:
        """Give one test some hours."""
        return self.open_hours()

    def _ask(self, hours: Hours, at: datetime) -> Opening:
        found: object = hours.opening(QueueName(self.queue), at)
        assert isinstance(found, Opening), "an answer is an `Opening`"
        return found

    def _changes(self, hours: Hours) -> list[tuple[datetime, Opening]]:
        """Follow the changes through the stretch, as callbackq does."""
        found: list[tuple[datetime, Opening]] = []
        at = self.begin_at
        for _ in range(_CHANGES_MAX):
            opening = self._ask(hours, at)
            found.append((at, opening))
            if opening.changes_at is None or opening.changes_at >= self.end_at:
                return found
            assert opening.changes_at > at, "the next change is later than the moment that was asked for"
            at = opening.changes_at.astimezone(self.begin_at.tzinfo)
        raise AssertionError(f"more than {_CHANGES_MAX} changes")

    def test_an_answer_can_be_used(self, hours: Hours) -> None:
        """Open or not, and the next change as an aware instant that is still to come, or None."""
        for at in in_a_row(self.begin_at, until_at=self.end_at, step=self.step):
            opening = self._ask(hours, at)
            assert opening.is_open in (True, False)
            if opening.changes_at is not None:
                assert opening.changes_at.utcoffset() is not None, "aware"
                assert opening.changes_at > at, "still to come"

    def test_the_stretch_can_be_followed(self, hours: Hours) -> None:
        """From change to change: what is announced is a change, and before it nothing changes."""
        changes = self._changes(hours)
        for (_, one), (_, other) in pairwise(changes):
            assert one.is_open is not other.is_open, "a change is one"
        for at, opening in changes:
            end = min(opening.changes_at or self.end_at, self.end_at)
            for share in (0.25, 0.5, 0.75):
                assert self._ask(hours, at + share * (end - at)).is_open is opening.is_open
            last = end - timedelta.resolution
            assert self._ask(hours, last).is_open is opening.is_open, "open until the change, and no less"

    def test_asked_in_the_middle_it_says_the_same(self, hours: Hours) -> None:
        """Where one asks first makes no difference, and neither does asking twice."""
        found = {at: self._ask(hours, at) for at, _ in self._changes(hours)}
        for at, opening in reversed(found.items()):
            end = min(opening.changes_at or self.end_at, self.end_at)
            again = self._ask(hours, at + (end - at) / 3)
            assert again.is_open is opening.is_open
            assert again.changes_at == opening.changes_at

    def test_threads_share_them(self, hours: Hours) -> None:
        """Offers and steps ask from any thread."""
        answers = at_once(lambda _: self._changes(hours))
        assert all(each == answers[0] for each in answers)


class SlotCapacityContract:
    """
    The specification of `callbackq.ports.SlotCapacity`: subclass, and say how it is made.

    Attributes:
        queue: which queue is asked for.
        starts: of which slots, aware, in UTC, in order. Choose some with seats, and some without.
    """

    queue: str = "support"
    starts: tuple[datetime, ...] = tuple(
        in_a_row(START, until_at=START + timedelta(days=2), step=timedelta(minutes=30))
    )

    def open_capacity(self) -> SlotCapacity:
        """Return the capacity. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def capacity(self) -> SlotCapacity:
        """Give one test a capacity."""
        return self.open_capacity()

    def _ask(self, capacity: SlotCapacity, starts: tuple[datetime, ...], length: timedelta) -> list[int]:
        found = list(capacity.seats(QueueName(self.queue), starts, length))
        assert len(found) == len(starts), "one number for each slot"
        for count in found:
            assert not isinstance(count, bool), "a number of seats"
            assert operator.index(count) >= 0, "whole, 0 or more"
        return found

    def test_each_slot_has_a_number(self, capacity: SlotCapacity) -> None:
        """Whole, 0 or more, whatever the length of the slots."""
        for length in _LENGTHS:
            self._ask(capacity, self.starts, length)

    def test_nothing_asked_nothing_said(self, capacity: SlotCapacity) -> None:
        """A day without opening hours has no slots."""
        assert self._ask(capacity, (), _LENGTHS[1]) == []

    def test_one_by_one_is_all_at_once(self, capacity: SlotCapacity) -> None:
        """A day is asked for at once, and a single time alone: both must find the same seats, in the order asked."""
        together = self._ask(capacity, self.starts, _LENGTHS[1])
        alone = [self._ask(capacity, (at,), _LENGTHS[1])[0] for at in self.starts]
        assert together == alone

    def test_asked_again_it_says_the_same(self, capacity: SlotCapacity) -> None:
        """Asking takes no seat: what is booked is counted by callbackq."""
        assert self._ask(capacity, self.starts, _LENGTHS[1]) == self._ask(capacity, self.starts, _LENGTHS[1])

    def test_threads_share_it(self, capacity: SlotCapacity) -> None:
        """Requests come from any thread."""
        answers = at_once(lambda _: self._ask(capacity, self.starts, _LENGTHS[1]))
        assert all(each == answers[0] for each in answers)


# ---------------------------------------------------------------------------- estimates


def _many_facts() -> list[EstimateFacts]:
    rates = (
        Rates(handle_time_s=300, samples_count=0),
        Rates(handle_time_s=300, patience_rate=1 / 120, answer_ratio=0.7, samples_count=500),
        Rates(handle_time_s=0.0, samples_count=0),
        Rates(
            handle_time_s=240,
            reconnect_s=20.0,
            overtaking_rate=0.05,
            overtaking_max_s=math.inf,
            samples_count=50,
        ),
    )
    aheads = (Ahead(), Ahead(calls=1), Ahead(calls=7, callbacks=5), Ahead(calls=9_000, callbacks=900))
    lines = ((0, 0, None, ()), (1, 0, 40.0, (35.0, 10.0)), (10, 3, 0.0, (0.0,)), (500, 0, 3_600.0, ()))
    return [
        EstimateFacts(
            ahead=ahead,
            agents=agents,
            agents_free=free,
            rates=each,
            head_waited_s=head_s,
            last_waits_s=last_s,
        )
        for each, ahead, (agents, free, head_s, last_s) in product(rates, aheads, lines)
    ]


class EstimatorContract:
    """The specification of `callbackq.ports.Estimator`: subclass, and say how one is made."""

    def open_estimator(self) -> Estimator:
        """Return an estimator. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def estimator(self) -> Estimator:
        """Give one test an estimator."""
        return self.open_estimator()

    def test_it_has_a_name(self, estimator: Estimator) -> None:
        """It is kept with each quote: 1 to 64 characters that can be shown."""
        assert 1 <= len(estimator.name) <= _NAME_MAX
        assert estimator.name.isprintable()

    def test_a_wait_is_one(self, estimator: Estimator) -> None:
        """Of any line: three numbers in their order, or none at all; or None where data is missing."""
        for facts in _many_facts():
            found: object = estimator.estimate(facts)
            if found is None:
                continue
            assert isinstance(found, Wait), "a `Wait`, or None"
            values = (found.low_s, found.mean_s, found.high_s)
            known = [value for value in values if value is not None]
            assert len(known) in (0, len(values)), "all three, or none"
            assert known == sorted(known), "low, mean, high"
            assert all(value >= 0 and math.isfinite(value) for value in known), "seconds"
            assert 0 < found.coverage_ratio <= 1

    def test_a_wait_names_who_found_it(self, estimator: Estimator) -> None:
        """By a short name, so that quotes can be scored."""
        for facts in _many_facts():
            found = estimator.estimate(facts)
            if found is not None and found.known:
                assert found.estimator, "a name"
                assert len(found.estimator) <= _NAME_MAX
                assert found.estimator.isprintable()

    def test_the_same_facts_have_the_same_wait(self, estimator: Estimator) -> None:
        """Pure: in any order, in any thread, and the facts are left as they are."""
        all_facts = _many_facts()
        before = [attrs.asdict(facts) for facts in all_facts]
        first = [estimator.estimate(facts) for facts in all_facts]
        backwards = [estimator.estimate(facts) for facts in reversed(all_facts)]
        assert first == backwards[::-1]
        few = all_facts[:16]
        assert all(
            each == first[:16] for each in at_once(lambda _: [estimator.estimate(facts) for facts in few])
        )
        assert [attrs.asdict(facts) for facts in all_facts] == before
