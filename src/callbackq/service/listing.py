"""Lists: the callbacks that somebody looks for, page by page, and all records of a kind, one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Final

import attrs

from callbackq.core.erasing import whose
from callbackq.core.instants import check_instant, check_text, optional_text, read_member
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.errors import InvalidNumber
from callbackq.ids import CallbackId, QueueName, SubjectId
from callbackq.model import Attempt, Booking, Callback, CallbackState, LiveCall, Message
from callbackq.ports import Commit, ListedT, Transaction
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id

FOUND_MAX: Final = 1_000
_PAGE: Final = 1_000
_THEIRS_MAX: Final = 10_000
_NO_REGION: Final = "ZZ"
_ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
_KEYS: Final = {
    Callback: "callback_id",
    LiveCall: "call_id",
    Attempt: "attempt_id",
    Booking: "booking_id",
    Message: "message_id",
}
_place: Final = attrgetter("requested_at", "callback_id")


@attrs.frozen(kw_only=True)
class _Search:
    """What is looked for."""

    queues: tuple[QueueName, ...] | None
    states: frozenset[CallbackState] | None
    from_at: datetime
    until_at: datetime
    number: PhoneNumber | None
    customer_id: str | None
    after: CallbackId | None
    limit: int

    def takes(self, callback: Callback, before: tuple[datetime, str]) -> bool:
        """Whether a callback is among those that are looked for, and comes behind a place."""
        return (
            self.from_at <= callback.requested_at
            and _place(callback) < before
            and (self.queues is None or callback.queue in self.queues)
            and (self.states is None or callback.state in self.states)
        )


class ListQuestions(ServiceBase):
    """What can be listed. Nothing is changed."""

    def find(
        self,
        *,
        queues: Collection[str] | None = None,
        states: Collection[CallbackState | str] | None = None,
        from_at: datetime | None = None,
        until_at: datetime | None = None,
        number: str | None = None,
        customer_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Callback]:
        """
        Return a page of the callbacks that fit, ended or not: the latest `requested_at` first, then the highest id.

        The next page begins `after` the last callback of this one. A page that is shorter than *limit* is the last.

        Args:
            queues: only of these; also of some that have no policy here. Of all if None.
            states: only those in one of these.
            from_at: only those that were requested at this moment or later.
            until_at: only those that were requested before it.
            number: only of the person who is known by this number, or called at it; it begins with `+`.
            customer_id: only of the person whom you know by this id.
            after: the id of the callback behind which the page begins.
            limit: 1 to 1,000.

        Raises:
            CallbackNotFound: there is no callback *after* which to go on; it may have been pruned meanwhile.
            InvalidNumber, InvalidText, InvalidTime: it cannot be so.

        Cost: O(limit + log n) for each queue. Besides, where states are given, those that stand between: among all if
            ENDED is one of them, else among the open ones. For a person O(theirs); and O(persons) for a number by which
            nobody is known.
        """
        asked = _Search(
            queues=None if queues is None else tuple(QueueName(check_text(one, "queue")) for one in queues),
            states=None
            if states is None
            else frozenset(read_member(one, "state", CallbackState) for one in states),
            from_at=_ALWAYS if from_at is None else check_instant(from_at, "from_at"),
            until_at=_NEVER if until_at is None else check_instant(until_at, "until_at"),
            number=None if number is None else _number(number),
            customer_id=optional_text(customer_id, "customer_id"),
            after=None if after is None else read_callback_id(after),
            limit=min(max(limit, 1), FOUND_MAX),
        )
        return self._run(Commit.READ_ONLY, partial(_found, asked=asked))

    def records(self, kind: type[ListedT], *, since: datetime | None = None) -> Iterator[ListedT]:
        """
        Give all records of one kind, ended or not, one by one: by their ids.

        None holds a name or a number. Each that is there all the while comes once, as it is when its page is read;
        others go on working. Memory does not grow.

        Args:
            kind: `Callback`, `LiveCall`, `Attempt`, `Booking` or `Message`.
            since: only those that were requested, that entered, were started, held or made at this moment or later.

        Raises:
            InvalidTime: *since* is naive.

        Cost: O(n), some tens of microseconds each, in pages of 1,000.
        """
        moment = None if since is None else check_instant(since, "since")
        return self._records(kind, moment)

    def _records(self, kind: type[ListedT], since: datetime | None) -> Iterator[ListedT]:
        after = ""

        def read(tx: Transaction, _now: datetime) -> list[ListedT]:
            return tx.page(kind, after=after, since=since, limit=_PAGE)

        while page := self._run(Commit.READ_ONLY, read):
            yield from page
            after = getattr(page[-1], _KEYS[kind])


def _number(number: str) -> PhoneNumber:
    """Return a number that begins with its country. Raises: InvalidNumber."""
    try:
        return read_number(number, region=_NO_REGION)
    except InvalidNumber as error:
        detail = f"{error}; a number begins with + and its country's code"
        raise InvalidNumber(detail, problem=error.problem) from error


def _found(tx: Transaction, _now: datetime, *, asked: _Search) -> list[Callback]:
    before: tuple[datetime, str] = (asked.until_at, "")
    if asked.after is not None:
        before = min(before, _place(tx.callbacks.get(asked.after)))
    if asked.number is not None or asked.customer_id is not None:
        theirs = (
            one
            for subject_id in _persons(tx, asked)
            for one in tx.callbacks.of_subject(subject_id, limit=_THEIRS_MAX)
        )
        fitting = (one for one in theirs if asked.takes(one, before))
        return sorted(fitting, key=_place, reverse=True)[: asked.limit]
    queues = tx.queues.with_callbacks() if asked.queues is None else dict.fromkeys(asked.queues)
    lists = [
        tx.callbacks.requested(
            queue, from_at=asked.from_at, before=before, states=asked.states, limit=asked.limit
        )
        for queue in queues
    ]
    return list(islice(merge(*lists, key=_place, reverse=True), asked.limit))


def _persons(tx: Transaction, asked: _Search) -> list[SubjectId]:
    """Return the persons who are looked for: none, mostly one."""
    found: set[SubjectId] | None = None
    if asked.customer_id is not None:
        known = tx.subjects.by_customer(asked.customer_id)
        found = set() if known is None else {known.subject_id}
    if asked.number is not None:
        by_number = tx.subjects.by_identity(asked.number.identity)
        holders = (
            [by_number]
            if by_number is not None
            else whose(tx.subjects.holding(asked.number.e164), asked.number)
        )
        called = {one.subject_id for one in holders}
        found = called if found is None else found & called
    return sorted(found or ())
