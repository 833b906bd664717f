"""G7: customers who miss callbacks at times of their own choice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq import (
    CallbackState,
    Disposition,
    NoShowsTooMany,
    NoticeKind,
    Outcome,
    Person,
    RetryRule,
    Store,
)
from callbackq.testing import ANSWERS, NEVER_ANSWERS, Behaviour, FakeNotices, VirtualHost
from service.scenes import (
    BOB,
    DAN,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    events,
    house,
    promised,
    rows,
    sign_in,
    subject_of,
)

DAY = timedelta(days=1)
USUAL = [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
FLAGGED = [
    NoticeKind.NO_SHOWS,
    NoticeKind.TICKET_NOTE,
    NoticeKind.FOLLOW_UP,
    NoticeKind.CUSTOMER_FLAGGED,
]


def misses(host: VirtualHost, number: str = BOB, **fields: object) -> str:
    """Let a customer choose a time an hour from now, and miss it."""
    sign_in(host, "ann")
    at = host.clock.now() + HOUR
    callback_id = promised(host, number, scheduled_at=at, **fields)  # type: ignore[arg-type]
    host.run_for(HOUR + 5 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    return callback_id


def away(store: Store, notices: FakeNotices | None = None, **policy: object) -> VirtualHost:
    """Open a house whose customers are never there."""
    host = house(store, notices=notices, **policy)  # type: ignore[arg-type]
    for number in (BOB, EVE, DAN):
        host.telephony.person(number, NEVER_ANSWERS)
    return host


def test_third_missed_time_flags_the_customer(store: Store) -> None:
    """G7: the first two as usual; at the third another approach: call or write to us, ticket, outreach, CRM."""
    notices = FakeNotices()
    host = away(store, notices)
    told: list[list[NoticeKind]] = []
    for index in range(3):
        callback_id = misses(host, ticket_id="T-7")
        told.append(notices.kinds(callback_id))
        assert (subject_of(host, store, callback_id).flagged_at is not None) is (index == 2)
    assert told == [USUAL, USUAL, FLAGGED]
    (ended,) = events(host, callback_id, "callback_ended")
    assert (ended.no_shows_count, list(ended.notices)) == (3, FLAGGED)
    assert ended.follow_up_due_at == ended.at + timedelta(hours=24)
    _, note, task, _ = notices.told[-4:]
    assert note.note == "Missed 3 callbacks at times of their choice: switched to outbound."
    assert note.ticket_id == "T-7"
    assert task.follow_up_due_at == ended.follow_up_due_at
    assert subject_of(host, store, callback_id).flagged_at == ended.at


def test_flagged_customer_books_no_more_without_confirmation(store: Store) -> None:
    """G7: `NoShowsTooMany`, and nothing is stored; with `confirmed=True` one more; as soon as possible always."""
    host = away(store)
    for _ in range(3):
        misses(host)
    written = rows(host, store)
    with pytest.raises(NoShowsTooMany, match="confirmed=True"):
        promised(host, scheduled_at=host.clock.now() + HOUR)
    assert rows(host, store) == written
    confirmed = promised(host, scheduled_at=host.clock.now() + HOUR, confirmed=True)
    assert host.service.get(confirmed).state is CallbackState.SCHEDULED
    at_once = promised(host, queue="sales")
    assert host.service.get(at_once).state is CallbackState.WAITING
    promised(host, EVE, scheduled_at=host.clock.now() + HOUR)


def test_flagged_customer_on_the_line_keeps_holding(store: Store) -> None:
    """G7: the refusal is spoken as any other: the live call keeps its place."""
    host = away(store)
    for _ in range(3):
        misses(host)
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="bob", number=BOB)
    scheduled_at = host.clock.now() + HOUR
    answer = host.service.request_spoken("support", call_id="bob", scheduled_at=scheduled_at)
    assert answer.receipt is None
    position = host.service.call_position("bob")
    assert position is not None
    assert position.number == 1


@pytest.mark.parametrize(("most", "missed"), [(1, 1), (2, 2), (5, 5)])
def test_limit_is_the_queues(store: Store, most: int, missed: int) -> None:
    """G7: `no_shows_max`: exactly so many."""
    notices = FakeNotices()
    host = away(store, notices, no_shows_max=most)
    for _ in range(missed):
        assert NoticeKind.CUSTOMER_FLAGGED not in notices.kinds()
        misses(host)
    assert notices.kinds().count(NoticeKind.CUSTOMER_FLAGGED) == 1


def test_only_the_last_so_many_days_count(store: Store) -> None:
    """G7: `no_shows_window`: what was missed before it is forgotten."""
    notices = FakeNotices()
    host = away(store, notices, no_shows_window=10 * DAY)
    for _ in range(2):
        misses(host)
    host.run_for(11 * DAY)
    for _ in range(2):
        misses(host)
    assert NoticeKind.CUSTOMER_FLAGGED not in notices.kinds()
    assert events(host, misses(host), "callback_ended")[0].no_shows_count == 3


def test_what_is_no_missed_time_does_not_count(store: Store) -> None:
    """G7: as soon as possible; by an event of the business; cancelled; reached; of somebody else."""
    notices = FakeNotices()
    host = away(store, notices, no_shows_max=2)
    asap = promised(host)
    host.run_for(5 * MINUTE)
    assert host.service.get(asap).outcome is Outcome.UNREACHED
    people = [Person(number=EVE), Person(number=BOB)]
    done = host.service.request_many("support", people=people, event_key="outage", rate_per_minute=1)
    host.run_for(10 * MINUTE)
    assert host.service.get(done.receipts[1].callback_id).outcome is Outcome.UNREACHED
    host.service.cancel(promised(host, scheduled_at=host.clock.now() + HOUR))
    misses(host, DAN)
    host.telephony.person(BOB, ANSWERS)
    reached = promised(host, scheduled_at=host.clock.now() + HOUR)
    host.run_for(2 * HOUR)
    assert host.service.get(reached).outcome is Outcome.COMPLETED
    host.telephony.person(BOB, NEVER_ANSWERS)
    assert events(host, misses(host), "callback_ended")[0].no_shows_count == 1
    assert NoticeKind.CUSTOMER_FLAGGED not in notices.kinds()


def test_times_missed_in_all_queues_count(store: Store) -> None:
    """G7: it is the customer who is counted."""
    notices = FakeNotices()
    host = away(store, notices)
    misses(host, queue="sales")
    misses(host)
    misses(host, queue="sales")
    assert notices.kinds().count(NoticeKind.CUSTOMER_FLAGGED) == 1


def test_customer_who_is_reached_at_the_second_try_has_missed_nothing(store: Store) -> None:
    """G7: an attempt that is tried again is no missed time yet."""
    notices = FakeNotices()
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=1, rest=MINUTE)}
    host = house(store, notices=notices, no_shows_max=1, retry_rules=rules)
    host.telephony.person(BOB, NEVER_ANSWERS, Behaviour(answers_after=SECOND))
    callback_id = promised(host, scheduled_at=host.clock.now() + HOUR)
    host.run_for(2 * HOUR)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert subject_of(host, store, callback_id).flagged_at is None
    assert notices.told == []
