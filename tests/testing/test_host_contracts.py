"""The contracts of the small protocols: the fakes keep them, and so does what is ours. See `test_wrong_hosts`."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from callbackq import (
    BestAvailable,
    HeadOfLine,
    Interval,
    LastToEnterService,
    MemoryStore,
    Opening,
    QueueLength,
    QueueLengthMarkov,
    QueuePolicy,
    SQLiteStore,
    Store,
    SystemClock,
    Wait,
)
from callbackq.adapters.calendars import StaffPlan
from callbackq.adapters.telemetry import EventLog, Totals
from callbackq.adapters.telemetry.traces import StoryTracer
from callbackq.core.metrics import LiveFigures
from callbackq.system import AlwaysOpen, RandomIds
from callbackq.testing import (
    FakeCapacity,
    FakeDoNotCall,
    FakeEstimator,
    FakeHours,
    FakeListener,
    ManualClock,
    SequentialIds,
)
from callbackq.testing.contracts import (
    ClockContract,
    CodeRefusalContract,
    CodeSenderContract,
    DoNotCallContract,
    EstimatorContract,
    FactsContract,
    HoursContract,
    IdSourceContract,
    ListenerContract,
    ManyNodesIdsContract,
    NoticesContract,
    SlotCapacityContract,
    TicketsAgainContract,
    TicketsContract,
)
from callbackq.times import PolicyHours
from testing.host_ends import (
    BEFORE_THE_CHANGE,
    FakeCodeEnd,
    FakeDesk,
    FakeNoticeEnd,
    KeyedDesk,
    MessageEnd,
    week,
)

# ---------------------------------------------------------------------------- time and ids


class TestSystemClock(ClockContract):
    open_clock = SystemClock


class TestManualClock(ClockContract):
    open_clock = ManualClock

    def let_pass(self, clock: Any) -> None:
        clock.advance(timedelta(seconds=1))


class TestRandomIds(IdSourceContract, ManyNodesIdsContract):
    open_ids = RandomIds


class TestSequentialIds(IdSourceContract):
    open_ids = SequentialIds


# ---------------------------------------------------------------------------- hours, seats, waits


class TestPolicyHours(HoursContract):
    """The hours of policies, over the night in which clocks are changed."""

    begin_at = BEFORE_THE_CHANGE
    end_at = BEFORE_THE_CHANGE + timedelta(days=10)

    def open_hours(self) -> PolicyHours:
        return PolicyHours({"support": QueuePolicy(queue="support", hours=week())})


class TestAlwaysOpen(HoursContract):
    open_hours = AlwaysOpen


class TestFakeHours(HoursContract):
    def open_hours(self) -> FakeHours:
        return FakeHours({"support": Opening(is_open=False)})


class TestFakeCapacity(SlotCapacityContract):
    def open_capacity(self) -> FakeCapacity:
        return FakeCapacity(3, by_start={self.starts[1]: 0, self.starts[2]: 7})


class TestStaffPlan(SlotCapacityContract):
    """Two agents, of whom one has hours and a meeting."""

    def open_capacity(self) -> StaffPlan:
        meeting = Interval(starts_at=self.starts[3], ends_at=self.starts[5])
        return StaffPlan(
            agents={"ann": week(), "ben": None},
            busy={"ben": [meeting]},
            handle_time=timedelta(minutes=6),
        )


class TestFakeEstimator(EstimatorContract):
    def open_estimator(self) -> FakeEstimator:
        return FakeEstimator(Wait(mean_s=60.0, low_s=20.0, high_s=180.0, estimator="fake"))


class TestEstimatorWithoutData(EstimatorContract):
    open_estimator = FakeEstimator


class TestBestAvailable(EstimatorContract):
    open_estimator = BestAvailable


class TestQueueLength(EstimatorContract):
    open_estimator = QueueLength


class TestQueueLengthMarkov(EstimatorContract):
    open_estimator = QueueLengthMarkov


class TestHeadOfLine(EstimatorContract):
    open_estimator = HeadOfLine


class TestLastToEnterService(EstimatorContract):
    open_estimator = LastToEnterService


# ---------------------------------------------------------------------------- people


class TestFakeDoNotCall(DoNotCallContract):
    def open_do_not_call(self, listed: Iterable[str]) -> FakeDoNotCall:
        return FakeDoNotCall(listed)


class TestFakeCodes(CodeSenderContract):
    open_code_end = FakeCodeEnd


class TestCodesByMessage(CodeSenderContract, CodeRefusalContract):
    open_code_end = MessageEnd


class TestFakeTickets(TicketsContract):
    open_help_desk = FakeDesk


class TestKeyedTickets(TicketsContract, TicketsAgainContract):
    open_help_desk = KeyedDesk


# ---------------------------------------------------------------------------- who is told


class TestFakeNotices(NoticesContract):
    open_notice_end = FakeNoticeEnd


class TestFakeListener(ListenerContract):
    open_listener = FakeListener

    def check_heard(self, listener: Any, service: Any) -> None:
        assert len(listener.kinds()) == len([*service.export_history()]) > 20


class TestEventLog(ListenerContract):
    def open_listener(self) -> EventLog:
        return EventLog()


class TestTotals(ListenerContract):
    """What Prometheus and OpenTelemetry are fed from."""

    open_listener = Totals

    def check_heard(self, listener: Any, service: Any) -> None:
        (counts,) = [each for (_queue, channel), each in listener.counts(service).items() if channel is None]
        assert counts is not None


class TestLiveFigures(ListenerContract):
    def open_listener(self) -> LiveFigures:
        return LiveFigures(lambda _queue: "UTC", guard=threading.RLock())


class Spans(SpanExporter):
    """Keeps nothing."""

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class TestStoryTracer(ListenerContract):
    def open_listener(self) -> StoryTracer:
        self.store = MemoryStore()
        return StoryTracer(self.store, SimpleSpanProcessor(Spans()))

    def store_of(self, listener: Any) -> MemoryStore:
        return self.store


class TestFactsInMemory(FactsContract):
    open_store = MemoryStore


class TestFactsInSQLite(FactsContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.numbers = itertools.count()
        self.folder = tmp_path

    def open_store(self) -> Store:
        return SQLiteStore(self.folder / f"{next(self.numbers)}.db")
