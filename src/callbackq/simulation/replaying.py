"""
A log's calls meet the log's agents around the engine, and what came of it is put beside what the log says.

The rule: what the log shows is taken as it is; what it shows in part is completed by the law of the cases alike;
and what it does not show at all is drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Final

import attrs

from callbackq.policy import QueuePolicy
from callbackq.ports import Store
from callbackq.simulation.anonymous_bank import BankLog, figures_of_log
from callbackq.simulation.center import ContactCenter
from callbackq.simulation.inference import infer_shifts, pauses
from callbackq.simulation.patience import PatienceLaws, patience_laws
from callbackq.simulation.people import AT_ANY_HOUR, Caller, Temper, draw_tries, fictional_number
from callbackq.simulation.report import SimulationReport
from callbackq.simulation.staffing import Shift
from callbackq.simulation.survival import Lasting, kaplan_meier

QUEUE: Final = "bank"
HEAD_START: Final = timedelta(seconds=90)
"""What priority 2 is worth in the log: such a call is served as if it had queued so much longer."""
PAUSE_MAX: Final = timedelta(seconds=60)
"""
How long an agent's pause after a service takes at most; one who pauses longer while somebody waits has gone away.

Seen in January 1999, in the law of the pauses (`pauses_of_log`): 14.3 % of them last longer than 30 s, 8.5 % than
45 s, 6.6 % than 60 s; then hardly any end: 5.6 % last longer than 90 s, 4.9 % than 120 s. August bends there too.
"""
BREAK_MIN: Final = timedelta(minutes=5)
"""
An agent who served nobody for longer than this is taken to have been away, though nobody waited.

Seen in January 1999, in the calls that came when exactly one agent who could serve them looked free: of those who
had looked so for 20 s to 2 min 31 % took the call, the others were not there; of those for 3 to 5 min 13 %, for 5
to 10 min 10 %, for longer 3 %. (It was first found by trying, against who gave up in that month, when absences
with somebody waiting were not known; with them 15 min or an hour give nearly the same.)
"""
OFFER_AFTER: Final = timedelta(seconds=10)
OFFER_WAIT_MIN: Final = timedelta(minutes=1)

_PRIORITY_HIGH: Final = 100
_PRIORITY_REGULAR: Final = 101

# ---------------------------------------------------------------------------- what the log tells of people


@attrs.frozen(kw_only=True)
class Habits:
    """
    What people are like, as far as a log tells.

    Args:
        patience: how long callers hold.
        pause: how long agents pause after a service, on average, up to `PAUSE_MAX`.
    """

    patience: PatienceLaws
    pause: timedelta


def habits_of_log(log: BankLog) -> Habits:
    """Learn from a log how long callers hold and agents pause. Cost: some 0.5 s for a month."""
    pause_s = pauses_of_log(log).mean_of_ended_by_s(PAUSE_MAX.total_seconds())
    return Habits(
        patience=patience_laws(call.held for call in log.calls),
        pause=timedelta(seconds=round(pause_s or 0, 3)),
    )


def pauses_of_log(log: BankLog) -> Lasting:
    """Return the law of the time from the end of a service to the next one of the agent, while somebody waits."""
    return kaplan_meier(pauses(log.services(), log.holds()))


def shifts_of_log(
    log: BankLog, *, break_min: timedelta = BREAK_MIN, pause_max: timedelta = PAUSE_MAX
) -> list[Shift]:
    """
    Infer who was on duty when, and for which kinds of calls: there is no log-in data.

    See `inference.infer_shifts`. Services without an agent's label (1.8 % in January 1999; 29 s on average, and
    hardly one of a caller who had waited) tell nothing.
    """
    return infer_shifts(
        log.services(), log.holds(), break_min=break_min, pause_max=pause_max, queues=(QUEUE,)
    )


# ---------------------------------------------------------------------------- the engine's side


def center_of_log(
    log: BankLog, store: Store, *, accept_ratio: float | None, seed: int, habits: Habits | None = None
) -> ContactCenter:
    """
    Return a center in which the calls of the log meet the agents of the log, ready to run.

    Args:
        accept_ratio: the share of offers that are accepted, 0 to 1; if None, no callback is offered.
        habits: what people are like; learned from this very log if None.
    """
    learned = habits or habits_of_log(log)
    return ContactCenter(
        store,
        policies=[policy_of_log(log, pause=learned.pause)],
        callers=callers_of_log(
            log, patience=learned.patience, temper=Temper(), random=Random(f"{seed} people")
        ),
        shifts=shifts_of_log(log),
        accept_ratio=accept_ratio or 0.0,
        offer_after=None if accept_ratio is None else OFFER_AFTER,
        pick_up=timedelta(0),
    )


def policy_of_log(log: BankLog, *, pause: timedelta) -> QueuePolicy:
    """
    Return the settings of the one queue that all calls go through.

    Priority 2 has its head start, others none. Agents pause for *pause* after each call.
    """
    return QueuePolicy(
        queue=QUEUE,
        priority_default=_PRIORITY_REGULAR,
        priority_credit=HEAD_START,
        handle_time=log.handle_time + pause,
        wrap_up=pause,
        offer_wait_min=OFFER_WAIT_MIN,
        calling=AT_ANY_HOUR,
    )


def callers_of_log(log: BankLog, *, patience: PatienceLaws, temper: Temper, random: Random) -> list[Caller]:
    """
    Return the callers of the log, in order.

    Who hung up has the patience that the log shows, and a service time drawn from those of the same kind of call.
    Who was served has the service time of the log, and a patience drawn from those who hold longer than that
    caller did. What else is not in the log is drawn.
    """
    services = _services_by_kind(log)
    persons: dict[str, int] = {}
    callers: list[Caller] = []
    for call in log.calls:
        drawn_s = random.choice(services.get(call.kind) or services[""])
        patience_s = patience.patience_s(call.held, chance=random.random())
        person = persons.setdefault(call.person or f"line {call.line}", len(persons))
        callers.append(
            Caller(
                call_id=f"line-{call.line:07d}",
                number=fictional_number(person),
                joins_at=call.at(call.joined_s),
                patience=None if patience_s is None else timedelta(seconds=patience_s),
                service=timedelta(seconds=call.service_s if call.served else drawn_s),
                acceptance=random.random(),
                tries=draw_tries(temper, random=random),
                queue=QUEUE,
                priority=_PRIORITY_HIGH if call.high else _PRIORITY_REGULAR,
                skills=(call.kind,) if call.kind else (),
            )
        )
    return callers


def _services_by_kind(log: BankLog) -> dict[str, list[int]]:
    """Return the seconds of every service, by kind; those of all under the empty name."""
    found: dict[str, list[int]] = {}
    for call in log.calls:
        if call.served:
            found.setdefault(call.kind, []).append(call.service_s)
    return {**found, "": [call.service_s for call in log.calls if call.served] or [0]}


# ---------------------------------------------------------------------------- what came of it


@attrs.frozen(kw_only=True)
class Compared:
    """
    One figure of the log, and of the two runs; None where there is no such thing.

    >>> Compared(log=200, without_callbacks=190, with_callbacks=150).off_percent
    -5.0
    """

    log: float | None
    without_callbacks: float | None
    with_callbacks: float | None

    @property
    def off_percent(self) -> float | None:
        """How far the run without callbacks, which should be like the log, is off: above zero if too high."""
        if self.log is None or self.without_callbacks is None or not self.log:
            return None
        return 100 * (self.without_callbacks - self.log) / self.log


def compare_with_log(
    log: BankLog, *, without: SimulationReport, with_callbacks: SimulationReport
) -> dict[str, Compared]:
    """
    Put the figures of the log beside those of a run without callbacks and of one with them.

    A wait is counted from joining to hearing an agent, and is zero for who met a free one; time on hold ends also
    by hanging up, for good or for a callback.
    """
    said = figures_of_log(log)
    live = [call.wait_s for call in log.calls if call.served]

    def row(of_log: float | None, of_run: Callable[[SimulationReport], float | None]) -> Compared:
        return Compared(log=of_log, without_callbacks=of_run(without), with_callbacks=of_run(with_callbacks))

    return {
        "queued": row(said.queued, lambda run: run.queued),
        "abandoned": row(said.abandoned, lambda run: run.abandoned),
        "abandoned_of_queued_ratio": row(
            _ratio(said.abandoned, said.queued), lambda run: _ratio(run.abandoned, run.queued)
        ),
        "mean_hold_queued_s": row(said.mean_hold_queued_s, lambda run: run.mean_hold_queued_s),
        "served": row(said.served, lambda run: run.served_live + run.connected),
        "mean_wait_live_s": row(_ratio(sum(live), len(live)), lambda run: run.mean_wait_live_s),
        "mean_wait_callback_s": row(None, lambda run: run.mean_wait_callback_s),
        "attempts": row(None, lambda run: run.attempts if run.accepted else None),
        "promises_kept_ratio": row(None, lambda run: _ratio(run.connected, run.accepted)),
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
