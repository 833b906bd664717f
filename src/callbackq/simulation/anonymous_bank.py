"""
Reads the call log "Anonymous Bank" (Israel, 1999), and makes callers and shifts of it.

The log is the work of the Technion, Faculty of Industrial Engineering and Management; documented by Ilan Guedj
and Avishai Mandelbaum (2000), analysed by Brown et al., JASA 100 (2005) 36-50. It is free for use with
acknowledgement, and is no part of this project: who wants it brings it.

The rule of the reader: one line of the file is one call. A line that cannot be one is a `BadLine` with its
number, and is left out; a file that has not the columns is no log, and nothing of it is read.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, TextIO

import attrs

from callbackq.policy import QueuePolicy
from callbackq.ports import Store
from callbackq.simulation.center import ContactCenter
from callbackq.simulation.people import Caller, Temper, draw_tries, fictional_number
from callbackq.simulation.staffing import Shift, shifts_of_services

SOURCE: Final = (
    'Data: "Anonymous Bank" call log, Technion, Faculty of Industrial Engineering and Management '
    "(I. Guedj and A. Mandelbaum, 2000); see L. Brown et al., JASA 100 (2005) 36-50."
)
COLUMNS: Final[tuple[str, ...]] = (
    "date", "caller", "priority", "type", "arr", "vru_s", "queued", "q_start", "q_s", "outcome", "s_start", "s_s",
    "agent",
)  # fmt: skip
QUEUE: Final = "bank"
HEAD_START: Final = timedelta(seconds=90)
"""What priority 2 is worth in the log: such a call is served as if it had queued so much longer."""
BREAK_MIN: Final = timedelta(minutes=5)
"""
An agent who served nobody for longer than this is taken to have been away.

Measured on January 1999 with nobody accepting a callback, against the log's 3,090 who gave up and 68.0 s of mean
wait: 60 min gives 1,170 and 56.7 s, 30 min 1,334 and 57.3 s, 10 min 1,757 and 60.4 s, 5 min 1,997 and 63.3 s.
"""
OFFER_AFTER: Final = timedelta(seconds=10)
OFFER_WAIT_MIN: Final = timedelta(minutes=1)
YEARS_ON: Final = 28
"""The engine takes instants from 2000 on. After 28 years every date falls on the same day of the week."""

_PRIORITY_HIGH: Final = 100
_PRIORITY_REGULAR: Final = 101
_DAY_S: Final = 86_400
_SECONDS_MAX: Final = 2 * _DAY_S


class NotALog(ValueError):
    """The file is no log of this format at all."""


@attrs.frozen(kw_only=True)
class LoggedCall:
    """
    One call that was to reach an agent. Seconds count from midnight of `day`.

    Args:
        line: its line in the file.
        person: a label, or None.
        high: whether it had priority 2.
        joined_s: when it left the voice menu.
        queued: whether it found no agent free.
        wait_s: how long it waited.
        served: whether an agent took it; else the caller hung up.
        service_starts_s, service_s, agent: of the service.
    """

    line: int
    day: date
    person: str | None
    high: bool
    joined_s: int
    queued: bool
    wait_s: int
    served: bool
    service_starts_s: int
    service_s: int
    agent: str | None

    def at(self, second: int) -> datetime:
        """Return an instant of that day, years on. The log's wall clock is read as UTC."""
        day = self.day.replace(year=self.day.year + YEARS_ON) if self.day.year < 2000 else self.day
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)


@attrs.frozen(kw_only=True)
class BadLine:
    """A line that is no call, and why."""

    line: int
    why: str


@attrs.frozen(kw_only=True)
class BankLog:
    """
    What was read.

    Args:
        calls: in the order of joining.
        menu_days: the day of each call that ended in the voice menu, with neither agent nor queue.
        bad: lines that could not be read.
    """

    calls: tuple[LoggedCall, ...]
    menu_days: tuple[date, ...]
    bad: tuple[BadLine, ...]

    @property
    def rows(self) -> int:
        """How many lines there were below the heading."""
        return len(self.calls) + len(self.menu_days) + len(self.bad)

    def first_days(self, days: int) -> BankLog:
        """Return the log up to the end of its *days*-th day with calls, and all its bad lines."""
        kept = set(sorted({call.day for call in self.calls})[:days])
        return attrs.evolve(
            self,
            calls=tuple(call for call in self.calls if call.day in kept),
            menu_days=tuple(day for day in self.menu_days if day in kept),
        )

    @property
    def handle_time(self) -> timedelta:
        """Return the mean service time; a second at least."""
        services = [call.service_s for call in self.calls if call.served]
        return max(timedelta(seconds=sum(services) / max(1, len(services))), timedelta(seconds=1))


# ---------------------------------------------------------------------------- reading


def read_log(path: Path) -> BankLog:
    """
    Read a log, plain or compressed with gzip.

    Raises:
        NotALog: it cannot be opened, is no text, has not the columns, or holds no call. Says which.

    Cost: about 15 µs a line.
    """
    try:
        with _opened(path) as text:
            return _read(text, path.name)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in columns"
        raise NotALog(f"{path.name} is not a log of the format anonymous-bank: {why}") from error


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if packed
        else path.open(encoding="utf-8", newline="")
    )


def _read(text: Iterable[str], name: str) -> BankLog:
    rows = csv.reader(text)
    heading = next(rows, list[str]())
    if tuple(heading) != COLUMNS:
        raise NotALog(
            f"{name} is not a log of the format anonymous-bank: its columns are not {','.join(COLUMNS)}"
        )
    calls: list[LoggedCall] = []
    bad: list[BadLine] = []
    menu_days: list[date] = []
    for row in rows:
        try:
            call = _call(row, rows.line_num)
        except ValueError as error:
            bad.append(BadLine(line=rows.line_num, why=str(error)))
            continue
        if isinstance(call, LoggedCall):
            calls.append(call)
        else:
            menu_days.append(call)
    if not calls:
        raise NotALog(f"{name} is not a log of the format anonymous-bank: it holds no call to an agent")
    calls.sort(key=lambda call: (call.day, call.joined_s, call.line))
    return BankLog(calls=tuple(calls), menu_days=tuple(menu_days), bad=tuple(bad))


def _call(row: list[str], line: int) -> LoggedCall | date:
    """Read one line; the day only of a call that ended in the menu. Raises: ValueError with what is wrong."""
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns; expected {len(COLUMNS)}")
    fields: dict[str, str] = dict(zip(COLUMNS, row, strict=True))
    day = _day(fields["date"])
    outcome = _one_of(fields, "outcome", ("AGENT", "HANG"))
    priority = _one_of(fields, "priority", ("0", "1", "2"))
    queued = _one_of(fields, "queued", ("0", "1")) == "1"
    joined_s = _seconds(fields, "arr") + _seconds(fields, "vru_s")
    joined_s = _seconds(fields, "q_start") if queued else joined_s
    wait_s = _seconds(fields, "q_s")
    served = outcome == "AGENT"
    if not served and not queued:
        return day
    starts_s = _seconds(fields, "s_start") if served else 0
    return LoggedCall(
        line=line,
        day=day,
        person=fields["caller"] or None,
        high=priority == "2",
        joined_s=joined_s,
        queued=queued,
        wait_s=wait_s,
        served=served,
        # One who joined before midnight may be served after it.
        service_starts_s=starts_s + _DAY_S if served and starts_s + _DAY_S // 2 < joined_s else starts_s,
        service_s=_seconds(fields, "s_s") if served else 0,
        agent=fields["agent"] or None,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date is {text[:20]!r}; expected a date such as 1999-01-31") from None


def _one_of(fields: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    if fields[name] not in allowed:
        raise ValueError(f"{name} is {fields[name][:20]!r}; expected {' or '.join(allowed)}")
    return fields[name]


def _seconds(fields: Mapping[str, str], name: str) -> int:
    text = fields[name]
    if not (text.isascii() and text.isdigit() and int(text[:9]) < _SECONDS_MAX):
        raise ValueError(f"{name} is {text[:20]!r}; expected seconds, 0 to {_SECONDS_MAX - 1}")
    return int(text)


# ---------------------------------------------------------------------------- what the log says


@attrs.frozen(kw_only=True)
class LogFigures:
    """What the log says of its calls; `mean_hold_queued_s` is over all who queued, also those who hung up."""

    calls: int
    served: int
    abandoned: int
    queued: int
    mean_hold_queued_s: float | None
    mean_service_s: float


def figures_of_log(log: BankLog) -> LogFigures:
    """Count the log."""
    waits = [call.wait_s for call in log.calls if call.queued]
    served = sum(call.served for call in log.calls)
    return LogFigures(
        calls=len(log.calls),
        served=served,
        abandoned=len(log.calls) - served,
        queued=len(waits),
        mean_hold_queued_s=sum(waits) / len(waits) if waits else None,
        mean_service_s=log.handle_time.total_seconds(),
    )


# ---------------------------------------------------------------------------- the engine's side


def center_of_log(log: BankLog, store: Store, *, accept_ratio: float, seed: int) -> ContactCenter:
    """Return a center in which the calls of the log meet the agents of the log, ready to run."""
    return ContactCenter(
        store,
        policies=[policy_of_log(log)],
        callers=callers_of_log(log, temper=Temper(), random=Random(f"{seed} people")),
        shifts=shifts_of_log(log),
        accept_ratio=accept_ratio,
        offer_after=OFFER_AFTER,
        pick_up=timedelta(0),
    )


def policy_of_log(log: BankLog) -> QueuePolicy:
    """Return the settings of the one queue that all calls go through: priority 2 has its head start, others none."""
    return QueuePolicy(
        queue=QUEUE,
        priority_default=_PRIORITY_REGULAR,
        priority_credit=HEAD_START,
        handle_time=log.handle_time,
        offer_wait_min=OFFER_WAIT_MIN,
    )


def callers_of_log(log: BankLog, *, temper: Temper, random: Random) -> list[Caller]:
    """
    Return the callers of the log, in order.

    Who hung up has the patience that the log shows, and a service time drawn from those of the log; who was
    served is patient for ever, and has the service time of the log. What else is not in the log is drawn.
    """
    services = [call.service_s for call in log.calls if call.served] or [0]
    persons: dict[str, int] = {}
    callers: list[Caller] = []
    for call in log.calls:
        drawn_s = random.choice(services)
        person = persons.setdefault(call.person or f"line {call.line}", len(persons))
        callers.append(
            Caller(
                call_id=f"line-{call.line:07d}",
                number=fictional_number(person),
                joins_at=call.at(call.joined_s),
                patience=None if call.served else timedelta(seconds=call.wait_s),
                service=timedelta(seconds=call.service_s if call.served else drawn_s),
                acceptance=random.random(),
                tries=draw_tries(temper, random=random),
                queue=QUEUE,
                priority=_PRIORITY_HIGH if call.high else _PRIORITY_REGULAR,
            )
        )
    return callers


def shifts_of_log(log: BankLog, *, break_min: timedelta = BREAK_MIN) -> list[Shift]:
    """
    Infer who was on duty: there is no log-in data.

    An agent is on duty from the start of the first to the end of the last service of a row of services with no
    gap of more than *break_min* between them. Services without an agent's label tell nothing.
    """
    return shifts_of_services(list(_services(log)), break_min=break_min, queues=(QUEUE,))


def _services(log: BankLog) -> Iterator[tuple[str, datetime, datetime]]:
    for call in log.calls:
        if call.served and call.agent is not None:
            yield call.agent, call.at(call.service_starts_s), call.at(call.service_starts_s + call.service_s)
