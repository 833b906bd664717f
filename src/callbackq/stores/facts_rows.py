"""
The facts of stories as columns: which ones are read, and how they become facts again.

The rule: as in `rows`, for the few columns that are needed. Where only what counts is needed, of a million, they are
fewer still, and become gists: bare tuples. A database that has instants and booleans of its own gives them as they are:
`native`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from callbackq.model.figures import (
    AttemptFacts,
    AttemptGist,
    CallbackFacts,
    CallbackGist,
    CallFacts,
    CallGist,
)
from callbackq.model.words import CallOutcome, Channel, Disposition, LegState, Mode, Outcome
from callbackq.stores.rows import decode_instant

CALL_COLUMNS: Final = (
    "call_id",
    "queue",
    "entered_at",
    "offers_count",
    "declines_count",
    "taken_at",
    "outcome",
    "ended_at",
    "callback_id",
    "returns_for_id",
    "overtook_calls_count",
    "overtook_callbacks_count",
)
CALLBACK_COLUMNS: Final = (
    "callback_id",
    "queue",
    "channel",
    "mode",
    "call_id",
    "entered_at",
    "requested_at",
    "scheduled_at",
    "booking_id",
    "follows_id",
    "quoted_wait_s",
    "quoted_wait_low_s",
    "quoted_wait_high_s",
    "outcome",
    "last_disposition",
    "ended_at",
    "score",
    "resolved",
    "overtook_calls_count",
    "overtook_callbacks_count",
    "quoted_by",
)
ATTEMPT_COLUMNS: Final = (
    "callback_id",
    "attempt_id",
    "started_at",
    "announces",
    "customer_leg",
    "customer_rang",
    "customer_answered_at",
    "connected_at",
    "ended_at",
    "disposition",
)
_NOT_DIALED: Final = (LegState.NONE.value, LegState.INTENDED.value)
CALL_GIST_COLUMNS: Final = (
    "call_id",
    "entered_at",
    "offers_count",
    "taken_at",
    "outcome",
    "ended_at",
    "callback_id IS NOT NULL",
    "returns_for_id IS NOT NULL",
    "overtook_calls_count",
    "overtook_callbacks_count",
)
CALLBACK_GIST_COLUMNS: Final = (
    "callback_id",
    "requested_at",
    "channel",
    "call_id IS NOT NULL",
    "scheduled_at",
    "booking_id IS NOT NULL",
    "follows_id IS NOT NULL",
    "quoted_wait_s",
    "quoted_wait_low_s",
    "quoted_wait_high_s",
    "outcome",
    "ended_at",
    "score",
    "resolved",
    "overtook_calls_count",
    "overtook_callbacks_count",
)
ATTEMPT_GIST_COLUMNS: Final = (
    "started_at",
    "announces IS NOT NULL",
    f"customer_leg NOT IN {_NOT_DIALED}",
    "customer_answered_at",
    "connected_at",
    "ended_at",
    "disposition",
)
"""Behind the place of the callback among those that were asked for."""

Row = Sequence[Any]
_Instant = Callable[[Any], datetime]

_CHANNELS: Final = {member.value: member for member in Channel}
_MODES: Final = {member.value: member for member in Mode}
_OUTCOMES: Final[Mapping[str | None, Outcome | None]] = {None: None, **{one.value: one for one in Outcome}}
_CALL_OUTCOMES: Final[Mapping[str | None, CallOutcome | None]] = {
    None: None,
    **{one.value: one for one in CallOutcome},
}
_DISPOSITIONS: Final[Mapping[str | None, Disposition | None]] = {
    None: None,
    **{one.value: one for one in Disposition},
}


def _as_it_is(instant: datetime) -> datetime:
    return instant


class FactsRows:
    """
    Makes facts of rows.

    Args:
        native: whether instants and booleans are what they are; instants are in UTC then.
    """

    def __init__(self, *, native: bool = False) -> None:
        self._at: Final[_Instant] = _as_it_is if native else decode_instant

    def call(self, row: Row) -> CallFacts:
        """Return the facts of one live call, of which the columns are `CALL_COLUMNS`."""
        at = self._at
        return CallFacts(
            call_id=row[0],
            queue=row[1],
            entered_at=at(row[2]),
            offers_count=row[3],
            declines_count=row[4],
            taken_at=None if row[5] is None else at(row[5]),
            outcome=_CALL_OUTCOMES[row[6]],
            ended_at=None if row[7] is None else at(row[7]),
            callback_id=row[8],
            returns_for_id=row[9],
            overtook_calls_count=row[10],
            overtook_callbacks_count=row[11],
        )

    def callbacks(self, rows: Iterable[Row], attempts: Iterable[Row]) -> list[CallbackFacts]:
        """
        Return the facts of callbacks, in the order of their rows.

        Args:
            rows: of which the columns are `CALLBACK_COLUMNS`.
            attempts: of these callbacks, those of each in their order; the columns are `ATTEMPT_COLUMNS`.
        """
        of: dict[str, list[AttemptFacts]] = {}
        for row in attempts:
            of.setdefault(row[0], []).append(self._attempt(row))
        return [self._callback(row, tuple(of.get(row[0], ()))) for row in rows]

    def _callback(self, row: Row, attempts: tuple[AttemptFacts, ...]) -> CallbackFacts:
        at = self._at
        return CallbackFacts(
            callback_id=row[0],
            queue=row[1],
            channel=_CHANNELS[row[2]],
            mode=_MODES[row[3]],
            call_id=row[4],
            entered_at=at(row[5]),
            requested_at=at(row[6]),
            scheduled_at=None if row[7] is None else at(row[7]),
            is_booked=row[8] is not None,
            follows_id=row[9],
            quoted_wait_s=row[10],
            quoted_wait_low_s=row[11],
            quoted_wait_high_s=row[12],
            outcome=_OUTCOMES[row[13]],
            last_disposition=_DISPOSITIONS[row[14]],
            ended_at=None if row[15] is None else at(row[15]),
            score=row[16],
            resolved=None if row[17] is None else bool(row[17]),
            overtook_calls_count=row[18],
            overtook_callbacks_count=row[19],
            quoted_by=row[20],
            attempts=attempts,
        )

    def _attempt(self, row: Row) -> AttemptFacts:
        at = self._at
        return AttemptFacts(
            attempt_id=row[1],
            started_at=at(row[2]),
            is_announcement=row[3] is not None,
            customer_dialed=row[4] not in _NOT_DIALED,
            customer_rang=bool(row[5]),
            customer_answered_at=None if row[6] is None else at(row[6]),
            connected_at=None if row[7] is None else at(row[7]),
            ended_at=None if row[8] is None else at(row[8]),
            disposition=_DISPOSITIONS[row[9]],
        )

    def call_gist(self, row: Row) -> CallGist:
        """Return what counts of one live call, of which the columns are `CALL_GIST_COLUMNS`."""
        at = self._at
        call_id, entered_at, offers, taken_at, outcome, ended_at, converted, returned, calls, callbacks = row
        return (
            call_id,
            at(entered_at),
            offers,
            None if taken_at is None else at(taken_at),
            _CALL_OUTCOMES[outcome],
            None if ended_at is None else at(ended_at),
            converted,
            returned,
            calls,
            callbacks,
        )

    def callback_gists(self, rows: Sequence[Row], attempts: Iterable[Row]) -> list[CallbackGist]:
        """
        Return what counts of callbacks, in the order of their rows.

        Args:
            rows: of which the columns are `CALLBACK_GIST_COLUMNS`.
            attempts: of these callbacks, those of each in their order; before `ATTEMPT_GIST_COLUMNS` stands of which
                row they are.
        """
        of: list[tuple[AttemptGist, ...]] = [()] * len(rows)
        for row in attempts:
            of[row[0]] += (self._attempt_gist(row),)
        return list(map(self._callback_gist, rows, of))

    def _callback_gist(self, row: Row, attempts: tuple[AttemptGist, ...]) -> CallbackGist:
        at = self._at
        key, requested_at, channel, was_call, due_at, booked, follows, quoted_s, low_s, high_s = row[:10]
        outcome, ended_at, score, resolved, calls, callbacks = row[10:]
        return (
            key,
            at(requested_at),
            _CHANNELS[channel],
            was_call,
            None if due_at is None else at(due_at),
            booked,
            follows,
            quoted_s,
            low_s,
            high_s,
            _OUTCOMES[outcome],
            None if ended_at is None else at(ended_at),
            score,
            resolved,
            calls,
            callbacks,
            attempts,
        )

    def _attempt_gist(self, row: Row) -> AttemptGist:
        at = self._at
        _, started_at, is_announcement, dialed, answered_at, connected_at, ended_at, disposition = row
        return (
            at(started_at),
            is_announcement,
            dialed,
            None if answered_at is None else at(answered_at),
            None if connected_at is None else at(connected_at),
            None if ended_at is None else at(ended_at),
            _DISPOSITIONS[disposition],
        )
