"""
Reads the call log "Anonymous Bank" (Israel, 1999), and counts what it says.

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
from typing import Final, TextIO

import attrs

from callbackq.simulation.inference import Hold, Service
from callbackq.simulation.patience import Held

SOURCE: Final = (
    'Data: "Anonymous Bank" call log, Technion, Faculty of Industrial Engineering and Management '
    "(I. Guedj and A. Mandelbaum, 2000); see L. Brown et al., JASA 100 (2005) 36-50."
)
COLUMNS: Final[tuple[str, ...]] = (
    "date", "caller", "priority", "type", "arr", "vru_s", "queued", "q_start", "q_s", "outcome", "s_start", "s_s",
    "agent",
)  # fmt: skip
YEARS_ON: Final = 28
"""The engine takes instants from 2000 on. After 28 years every date falls on the same day of the week."""

_DAY_S: Final = 86_400
_SECONDS_MAX: Final = 2 * _DAY_S
_KIND_LENGTH_MAX: Final = 16
_KINDS_MAX: Final = 50


class NotALog(ValueError):
    """The file is no log of this format at all."""


@attrs.frozen(kw_only=True)
class LoggedCall:
    """
    One call that was to reach an agent. Seconds count from midnight of `day`.

    Args:
        line: its line in the file.
        person: a label, or None.
        kind: of service asked for; empty if the log does not say.
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
    kind: str
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

    @property
    def held(self) -> Held:
        """What it says about patience."""
        return Held(self.kind, self.wait_s, not self.served)


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

    def services(self) -> list[Service]:
        """Return the services of agents whose labels are known."""
        return [
            Service(
                call.agent,
                call.kind,
                call.at(call.service_starts_s),
                call.at(call.service_starts_s + call.service_s),
            )
            for call in self.calls
            if call.served and call.agent is not None
        ]

    def holds(self) -> Iterator[Hold]:
        """Return when each caller who found no agent free waited."""
        for call in self.calls:
            if call.queued:
                yield Hold(call.kind, call.at(call.joined_s), call.at(call.joined_s + call.wait_s))

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
    if len({call.kind for call in calls}) > _KINDS_MAX:
        raise NotALog(
            f"{name} is not a log of the format anonymous-bank: it has more than {_KINDS_MAX} types of calls"
        )
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
        kind=_kind(fields),
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


def _kind(fields: Mapping[str, str]) -> str:
    text = fields["type"]
    if text and not (text.isascii() and text.isalnum() and len(text) <= _KIND_LENGTH_MAX):
        raise ValueError(f"type is {text[:20]!r}; expected at most {_KIND_LENGTH_MAX} letters or digits")
    return text


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
