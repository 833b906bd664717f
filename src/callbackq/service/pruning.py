"""What is over leaves the store: persons of whom nothing was heard, counters, and what ended long ago."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from callbackq.core import pruning
from callbackq.core.erasing import erased
from callbackq.core.instants import check_instant, optional_text
from callbackq.core.requests import SEEN_EVERY
from callbackq.errors import InvalidTime, RequestRefused
from callbackq.model import Pruned, PrunedHeads, Subject
from callbackq.policy.checks import within
from callbackq.ports import Commit, Transaction
from callbackq.service.base import CONFLICT_TRIES
from callbackq.service.people import PeopleCommands, callbacks_of, series_of
from callbackq.service.removing import Walk
from callbackq.verifying import PROOF_LIFE_MAX

PERSONAL_LIFE_MIN: Final = timedelta(days=1)
PERSONAL_LIFE_MAX: Final = timedelta(days=36_525)
PRUNED_MAX: Final = 10_000
"""So many persons are looked at in one call of `prune`, at most; and so many records are removed."""
_PRUNED_TOGETHER: Final = 100
_REMOVED_TOGETHER: Final = 50
"""So many callbacks are removed in one transaction."""

Keep = Callable[[PrunedHeads], None]


class PruningCommands(PeopleCommands):
    """The command that lets go of what is over."""

    def prune(
        self,
        *,
        personal_life: timedelta | None = None,
        ended_before: datetime | None = None,
        keep: Keep | None = None,
        by: str | None = None,
        limit: int = 1_000,
    ) -> Pruned:
        """
        Forget of whom nothing was heard for long; remove what ended before a date, and what counts no more.

        With *personal_life* the persons are forgotten, as `erase` does: nobody who has an open callback or a series.
        The end of a callback counts as hearing of its customer. What stays is what stays after `erase`.

        With *ended_before* callbacks are removed for good, with their attempts, bookings, messages, free fields and
        history, when all of it ended before that date; so are live calls, seats that were only held, and answers to
        strangers. Of agents and queues, which never end, the old events go. Persons and opt-outs stay. What is left
        is as it was: `verify_history` finds it whole, and the history tells of each removal. After that a removed
        callback is known no more: its id and its request key mean nothing, and a request under that key makes a new
        one; missed times and attempts of it are not counted. Agents and slots to come are not touched.

        Others go on working meanwhile. To be killed in between does no harm: call again. Nothing of it waits for the
        disk, for what is lost is removed again.

        Args:
            personal_life: how long a person is kept after they were last heard of, and up to a day longer; 1 day to
                100 years.
            ended_before: so far back that no rule looks at it any more: 7 days ago at least, and as long as the
                longest window of limits, caps and missed times of the policies; 60 days where there are none.
            keep: is given the last links of all chains that are about to be removed, before they are: keep them, and
                `verify_history` can tell what was pruned from what was taken away. If it raises, nothing is removed.
            by: who wants it, 1 to 200 characters; kept in history.
            limit: so many persons are looked at, at most, and so many callbacks and live calls are removed; 1 to
                10,000. So are counters, and codes.

        Returns:
            How much is gone. `more` says that there is more to do now: call again.

        Raises:
            RequestRefused: neither *personal_life* nor *ended_before* was given.
            InvalidTime: *ended_before* is naive, or too late.
            InvalidText: *by* is none.
            ConfigurationError: *personal_life* is out of its bounds.
            StoreUnavailable, CommitUncertain, Conflict: some is gone; call again.

        Cost: about a tenth of a millisecond a person, and a third of that for each callback of theirs; for
            a removed callback 1.6 ms in SQLite and 4.7 ms in PostgreSQL, as measured under load. 100 persons, or 50
            callbacks, are committed together, so others wait for no longer than that.
        """
        if personal_life is None and ended_before is None:
            raise RequestRefused("nothing to prune; allowed: personal_life, ended_before, or both")
        if personal_life is not None:
            within("personal_life", personal_life, PERSONAL_LIFE_MIN, PERSONAL_LIFE_MAX)
        before = self._ended_before(ended_before) if ended_before is not None else None
        who, most = optional_text(by, "by"), min(max(limit, 1), PRUNED_MAX)
        done = Pruned(subjects_count=0)
        if before is not None:
            done = self._remove_ended(before, most=most, keep=keep, by=who)
        if personal_life is not None:
            forgotten = self._forget_unseen(personal_life, most=most)
            done = attrs.evolve(
                done, subjects_count=forgotten.subjects_count, more=done.more or forgotten.more
            )
        more_counts = self._run(Commit.FLUSHED, partial(_forget_counts, limit=most))
        done = attrs.evolve(done, more=done.more or more_counts)
        if personal_life is not None or not done.more:  # Who calls again for what ended cleans up at the end.
            self._scrub()
        return done

    def _forget_unseen(self, life: timedelta, *, most: int) -> Pruned:
        left, erased_count = most, 0
        while left > 0:
            together = min(left, _PRUNED_TOGETHER)
            some = partial(_prune, life=life, limit=together)
            looked_at, gone = self._run(Commit.FLUSHED, some)
            erased_count += gone
            left -= looked_at
            if looked_at < together:
                break
        return Pruned(subjects_count=erased_count, more=left == 0)

    # ------------------------------------------------------------------ what has ended

    def _ended_before(self, asked: datetime) -> datetime:
        """Read the date. Raises: InvalidTime."""
        before, latest = (
            check_instant(asked, "ended_before"),
            self.now() - pruning.kept_min(self.policies.values(), caps=self.caps),
        )
        if before > latest:
            at = latest.isoformat(timespec="seconds")
            raise InvalidTime(f"ended_before is too late: a rule looks back so far; allowed: {at} or earlier")
        return before

    def _remove_ended(self, before: datetime, *, most: int, keep: Keep | None, by: str | None) -> Pruned:
        done, walk = Pruned(subjects_count=0), Walk(before=before, by=by, tenant_id=self.tenant_id)
        tries_left = CONFLICT_TRIES
        while done.callbacks_count + done.calls_count < most:
            together = min(most - done.callbacks_count - done.calls_count, _REMOVED_TOGETHER)
            if keep is None:
                step = self._run(Commit.RELAXED, partial(walk.remove_next, most=together))
            else:
                planned = self._run(Commit.READ_ONLY, partial(walk.next_batch, most=together))
                if planned.heads:
                    keep(PrunedHeads(heads=planned.heads))
                step = self._run(Commit.RELAXED, partial(walk.remove, batch=planned))
            if step.was_late and tries_left:  # Somebody has changed one of them since: look again.
                tries_left -= 1
                continue
            tries_left = CONFLICT_TRIES
            done = _sum(done, step.done)
            if step.walk is None:
                return done
            walk = step.walk
        return attrs.evolve(done, more=True)


def _sum(one: Pruned, other: Pruned) -> Pruned:
    return attrs.evolve(
        one,
        callbacks_count=one.callbacks_count + other.callbacks_count,
        calls_count=one.calls_count + other.calls_count,
        rows_count=one.rows_count + other.rows_count,
        events_count=one.events_count + other.events_count,
    )


# ---------------------------------------------------------------------------- who is forgotten


def _prune(tx: Transaction, now: datetime, *, life: timedelta, limit: int) -> tuple[int, int]:
    """Forget who is to be forgotten, among the longest unseen; return how many were looked at, and how many went."""
    since = now - life - SEEN_EVERY
    unseen = tx.subjects.unseen_since(since, limit=limit)
    erased_count = 0
    for subject in unseen:
        seen_at = _heard_of_at(tx, subject, now=now)
        if seen_at < since:
            tx.save(erased(subject, now=now))
            erased_count += 1
        else:  # Whoever is not forgotten now is not looked at again before it may be time.
            tx.save(attrs.evolve(subject, version=subject.version + 1, seen_at=seen_at))
    return len(unseen), erased_count


def _heard_of_at(tx: Transaction, subject: Subject, *, now: datetime) -> datetime:
    """
    Return since when a person may not have been heard of: now, if a callback of theirs is open, or is to be booked.

    Like `Subject.seen_at` it is up to `SEEN_EVERY` before they were.
    """
    last_at = subject.seen_at or subject.created_at
    for callback in callbacks_of(tx, subject.subject_id):
        if callback.ended_at is None or series_of(tx, callback) is not None:
            return now
        last_at = max(last_at, callback.ended_at - SEEN_EVERY)
    return last_at


def _forget_counts(tx: Transaction, now: datetime, *, limit: int) -> bool:
    """Forget counters, codes and conversations that are over; say whether there are more of them."""
    tallies = tx.tallies.forget(over_before=now, limit=limit)
    codes = tx.verifications.forget(expired_before=now - PROOF_LIFE_MAX, limit=limit)
    conversations = tx.conversations.forget(over_before=now, limit=limit)
    return limit in (tallies, codes, conversations)
