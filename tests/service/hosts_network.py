"""A network of people in real time, for the hosts of `service.hosts`: a thread that does what is planned, and a log."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from callbackq import (
    AttemptNotFound,
    Bridge,
    Cause,
    ConnectCall,
    Dial,
    HangUp,
    LegId,
    LegSnapshot,
    LegState,
    Notice,
    Report,
    ReportKind,
    Role,
    TelephonySnapshot,
)
from callbackq.testing import Carried, CarrierEntry

PATIENCE_S = 60.0
"""How long a condition may take to come about, on the slowest machine."""


def wait_for(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait in real time for a condition."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.005)


class FastClock:
    """A clock that runs *speed* times as fast as the machine's, so that deadlines can be waited for."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._from_s = time.monotonic()
        self._from_at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._from_at + timedelta(seconds=(time.monotonic() - self._from_s) * self._speed)

    def run_at(self, speed: float) -> None:
        """Run at another speed from now on."""
        self._from_at, self._from_s, self._speed = self.now(), time.monotonic(), speed


# ---------------------------------------------------------------------------- the network


@attrs.frozen(kw_only=True)
class Does:
    """What happens on one leg, in seconds of real time. None is never."""

    answers_after: float | None = 0.002
    ends_after: float | None = None
    cause: Cause = Cause.NO_ANSWER
    talks_for: float | None = 0.005


PICKS_UP = Does()
RINGS_ON = Does(answers_after=None)
GIVES_UP = Does(answers_after=None, ends_after=0.005, cause=Cause.NO_ANSWER)
IS_BUSY = Does(answers_after=None, ends_after=0.002, cause=Cause.BUSY)
REFUSES = Does(answers_after=None, ends_after=0.002, cause=Cause.REJECTED)
LEAVES = Does(ends_after=0.002, cause=Cause.NORMAL)
"""Picks up, and hangs up in the same moment: before or after the bridge."""


@attrs.define
class _Leg:
    order: Dial
    does: Does
    state: LegState = LegState.RINGING
    joined: bool = False


class Network:
    """
    People who do what they were told to, in real time. It is a thread, and another four that report.

    Attributes:
        log: everything that was asked for and that happened, in order.
        report: who is told; the house sets it.
        lost: while set, reports are lost, as when a connection is down.
        scatters: while set, even the reports of one leg come in any order.
        lies: makes of each report what is told instead.
    """

    def __init__(self, clock: FastClock) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._plans_count = 0
        self._reports_count = 0
        self._closed = False
        self._legs: dict[LegId, _Leg] = {}
        self._dialed: dict[str, int] = {}
        self._scripts: dict[str, list[Does]] = {}
        self._reporters = [ThreadPoolExecutor(max_workers=1, thread_name_prefix="network") for _ in range(4)]
        self.log: list[CarrierEntry] = []
        self.told: list[Notice] = []
        self.reserved: dict[str, str] = {}
        self.report: Callable[[Report], object] = lambda _report: None
        self.lost = False
        self.scatters = False
        self.lies: Callable[[Report], list[Report]] = lambda report: [report]
        self.errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    def person(self, who: str, *does: Does) -> None:
        """Say what a number or an agent does at the first, second … dialing; then the last again."""
        self._scripts[who] = list(does)

    def live_legs(self) -> list[LegId]:
        with self._changed:
            return [leg_id for leg_id, leg in self._legs.items() if leg.state is not LegState.ENDED]

    def leg_of(self, who: str) -> LegId | None:
        """Return the last leg to a number or an agent."""
        with self._changed:
            found = [leg_id for leg_id, leg in self._legs.items() if _who(leg.order) == who]
        return found[-1] if found else None

    def dialed(self, who: str) -> int:
        """Return how often a number or an agent was dialed."""
        return self._dialed.get(who, 0)

    def count(self, what: Carried, role: Role | None = None) -> int:
        with self._changed:
            return sum(line.what is what and role in (None, line.role) for line in self.log)

    def is_ringing(self, who: str) -> bool:
        leg_id = self.leg_of(who)
        return leg_id is not None and self._legs[leg_id].state is LegState.RINGING

    # ------------------------------------------------------------------ what people do at a test's word

    def answer(self, who: str) -> None:
        leg_id = self.leg_of(who)
        assert leg_id is not None
        self._answer(leg_id)

    def hang_up_by(self, who: str, cause: Cause = Cause.NORMAL) -> None:
        leg_id = self.leg_of(who)
        assert leg_id is not None
        self._end(leg_id, cause)

    # ------------------------------------------------------------------ the port

    def dial(self, order: Dial) -> None:
        with self._changed:
            self._note(Carried.DIALED, order)
            if order.leg_id in self._legs:
                return
            who = _who(order)
            before = self._dialed.get(who, 0)
            self._dialed[who] = before + 1
            script = self._scripts.get(who, [PICKS_UP])
            does = script[min(before, len(script) - 1)]
            self._legs[order.leg_id] = _Leg(order, does)
            self._note(Carried.RINGING, order)
            self.say(Report(leg_id=order.leg_id, kind=ReportKind.RINGING))
            if does.answers_after is not None:
                self.later(does.answers_after, lambda: self._answer(order.leg_id))
            elif does.ends_after is not None:
                self.later(does.ends_after, lambda: self._end(order.leg_id, does.cause))

    def bridge(self, order: Bridge) -> None:
        with self._changed:
            legs = [self._legs.get(leg_id) for leg_id in (order.customer_leg_id, order.agent_leg_id)]
            if not all(leg is not None and leg.state is LegState.ANSWERED for leg in legs):
                return
            customer = legs[0]
            assert customer is not None
            for leg in legs:
                assert leg is not None
                leg.joined = True
            self._note(Carried.BRIDGED, customer.order)
            self.say(Report(leg_id=order.customer_leg_id, kind=ReportKind.BRIDGED))
            if customer.does.talks_for is not None:
                self.later(customer.does.talks_for, lambda: self._end(order.customer_leg_id, Cause.NORMAL))

    def hang_up(self, order: HangUp) -> None:
        leg = self._legs.get(order.leg_id)
        if leg is not None:
            self._end(order.leg_id, Cause.NORMAL if leg.state is LegState.ANSWERED else Cause.CANCELLED)

    def connect_call(self, order: ConnectCall) -> None:
        with self._changed:
            entry = CarrierEntry(
                at=self._clock.now(),
                what=Carried.CONNECTED_CALL,
                call_id=order.call_id,
                agent_id=order.agent_id,
            )
            self.log.append(entry)

    def play(self, order: Any) -> None: ...

    def stop_play(self, order: Any) -> None: ...

    def send_digits(self, order: Any) -> None: ...

    def reserve_agent(self, order: Any) -> None:
        self.reserved[order.agent_id] = order.attempt_id

    def release_agent(self, order: Any) -> None:
        self.reserved.pop(order.agent_id, None)

    def tell(self, order: Notice) -> None:
        self.told.append(order)

    def snapshot(self) -> TelephonySnapshot:
        with self._changed:
            legs = {
                leg_id: LegSnapshot(state=leg.state, joined=leg.joined)
                for leg_id, leg in self._legs.items()
                if leg.state is not LegState.ENDED
            }
            # A clock that is an hour wrong: nobody may rely on it.
            return TelephonySnapshot(legs=legs, as_of=self._clock.now() + timedelta(hours=1))

    # ------------------------------------------------------------------ inside

    def say(self, report: Report) -> None:
        """Report from one of four threads: only those of one leg come in order."""
        if not self.lost:
            for said in self.lies(report):
                self._reports_count += 1
                which = self._reports_count if self.scatters else hash(report.leg_id)
                self._reporters[which % len(self._reporters)].submit(self._tell, said)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        with self._changed:
            self._plans_count += 1
            heapq.heappush(self._plans, (time.monotonic() + seconds, self._plans_count, action))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for reporter in self._reporters:
            reporter.shutdown()

    def _tell(self, report: Report) -> None:
        try:
            self.report(report)
        except AttemptNotFound:
            pass  # A leg that was never heard of: a lie.
        except BaseException as error:
            self.errors.append(error)

    def _answer(self, leg_id: LegId) -> None:
        with self._changed:
            leg = self._legs[leg_id]
            if leg.state is LegState.RINGING:
                leg.state = LegState.ANSWERED
                self._note(Carried.ANSWERED, leg.order)
                self.say(Report(leg_id=leg_id, kind=ReportKind.ANSWERED))
                if leg.does.ends_after is not None:
                    self.later(leg.does.ends_after, lambda: self._end(leg_id, leg.does.cause))

    def _end(self, leg_id: LegId, cause: Cause) -> None:
        with self._changed:
            leg = self._legs[leg_id]
            if leg.state is not LegState.ENDED:
                leg.state, leg.joined = LegState.ENDED, False
                self._note(Carried.ENDED, leg.order, cause=cause)
                self.say(Report(leg_id=leg_id, kind=ReportKind.ENDED, cause=cause))

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                pause_s = self._plans[0][0] - time.monotonic() if self._plans else None
                if pause_s is None or pause_s > 0:
                    self._changed.wait(pause_s)
                    continue
                action = heapq.heappop(self._plans)[2]
                action()

    def _note(self, what: Carried, order: Dial, *, cause: Cause | None = None) -> None:
        entry = CarrierEntry(
            at=self._clock.now(),
            what=what,
            leg_id=order.leg_id,
            role=order.role,
            number=order.number if order.role is Role.CUSTOMER else None,
            attempt_id=order.attempt_id,
            callback_id=order.callback_id,
            agent_id=order.agent_id,
            cause=cause,
        )
        self.log.append(entry)


def _who(order: Dial) -> str:
    return order.agent_id if order.role is Role.AGENT and order.agent_id else order.number
