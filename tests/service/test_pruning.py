"""What ended long ago leaves the store for good, and what is left is as it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    CallbackNotFound,
    CallbackService,
    Commit,
    Entity,
    FindingKind,
    FixedSeats,
    InvalidText,
    InvalidTime,
    RequestRefused,
    SlotPolicy,
    Store,
    StoreUnavailable,
)
from callbackq.core.histories import check_chain, read_export
from callbackq.core.history import fold
from callbackq.ids import CallbackId, SubjectId
from callbackq.model import Pruned, PrunedHeads
from callbackq.service import removing
from callbackq.testing import ANSWERS, NEVER_ANSWERS, ManualClock, VirtualHost
from service.letters import IN_MEMORY, NOON, post_office
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, promised, sign_in

DAY = timedelta(days=1)
OLD, YOUNG = NOON + 20 * DAY, NOON + 90 * DAY
"""What ended before the first goes, in the tests; what happens at the second stays."""
MONTH = 31 * DAY


def office(store: Store, *, horizon: timedelta = 7 * DAY) -> VirtualHost:
    """Open a house with agents, slots and messages."""
    slots = SlotPolicy(seats=FixedSeats(seats=2), horizon=horizon)
    return post_office(store, agents=("ann", "bea"), slots=slots)


def some_day(host: VirtualHost) -> list[str]:
    """Let a day pass with all that leaves rows: callbacks, messages, bookings, live calls, pauses."""
    sign_in(host, "ann", "bea")
    host.telephony.person(EVE, NEVER_ANSWERS, ANSWERS)
    host.telephony.person(DAN, NEVER_ANSWERS)
    ids = [
        promised(host, BOB, name="Bob Stone", context={"order": "17"}, request_key=f"key {host.clock.now()}"),
        promised(host, EVE),
        promised(host, DAN),
    ]
    call = f"call {host.clock.now()}"
    host.service.call_joined("support", call_id=call, number=KIM, name="Kim")
    host.run_for(MINUTE)
    host.service.call_left(call)
    host.service.pause("sales", dialing=True, reason="lunch")
    host.service.hold_slot("support", slot_at=host.service.free_slots("support", limit=9)[-1].starts_at)
    held = host.service.hold_slot(
        "support", slot_at=host.service.free_slots("support", limit=3)[-1].starts_at
    )
    ids.append(promised(host, KIM, booking_id=held.booking_id))
    host.reply("what is this", sender="+12125550190")
    host.run_for(3 * HOUR)
    host.service.resume("sales", dialing=True)
    host.run_for(9 * HOUR)
    return ids


@pytest.fixture
def lived_in(store: Store) -> tuple[VirtualHost, list[str], list[str]]:
    """A house with days of long ago, and one that stays; and the callbacks of both."""
    host = office(store)
    old = some_day(host)
    host.run_for(YOUNG - host.clock.now())
    young = some_day(host)
    host.run_for(MONTH)
    return host, old, young


def everything(store: Store) -> tuple[Any, ...]:
    """Return what the history says, and the rows that it builds."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        every = tx.history.all()
        return every, fold(every)


def all_of(host: VirtualHost, **fields: Any) -> Pruned:
    """Prune until there is no more to do; return the sum."""
    done = Pruned(subjects_count=0)
    while True:
        one = host.service.prune(ended_before=OLD, **fields)
        done = attrs.evolve(
            one,
            callbacks_count=done.callbacks_count + one.callbacks_count,
            calls_count=done.calls_count + one.calls_count,
            rows_count=done.rows_count + one.rows_count,
            events_count=done.events_count + one.events_count,
        )
        if not one.more:
            return done


def test_what_ended_long_ago_is_gone_and_the_rest_is_as_it_was(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """Callbacks, attempts, bookings, messages, live calls, their history: all or nothing of each."""
    host, old, young = lived_in
    before, rows_before = everything(store)
    stories = {callback_id: host.service.history(callback_id) for callback_id in young}
    done = all_of(host, by="operator")
    after, rows = everything(store)

    for callback_id in old:
        with pytest.raises(CallbackNotFound):
            host.service.get(callback_id)
    assert {callback_id: host.service.history(callback_id) for callback_id in young} == stories
    assert all(row == rows_before[key] for key, row in rows.items())
    gone = rows_before.keys() - rows.keys()
    assert {entity for entity, _ in gone} == {
        Entity.CALLBACK,
        Entity.ATTEMPT,
        Entity.BOOKING,
        Entity.MESSAGE,
        Entity.CALL,
    }
    assert all(rows_before[key].ended_at < OLD for key in gone)
    assert not [key for key, row in rows.items() if getattr(row, "ended_at", None) and row.ended_at < OLD]
    assert (done.callbacks_count, done.calls_count, done.more) == (len(old), 1, False)
    prunings = [event for event in after if event.entity is Entity.HISTORY]
    assert done.events_count == len(before) - (len(after) - len(prunings))
    assert {event.by for event in prunings} == {"operator"}
    assert host.service.prune(ended_before=OLD) == Pruned(subjects_count=0)


def test_the_history_is_whole_afterwards_and_says_what_is_gone(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """In the store and in a file; with heads that were kept before, and those that were handed out meanwhile."""
    host, _, _ = lived_in
    heads, kept = host.service.history_heads(), list[PrunedHeads]()
    all_of(host, keep=kept.append, limit=2)
    assert len(kept) > 2
    check = host.service.verify_history(heads=heads, pruned=kept)
    assert check.is_whole
    assert check.pruned_count == sum(len(one.heads) for one in kept) > 10
    lines = list(host.service.export_history())
    assert check_chain(read_export(lines), heads=heads, pruned=kept) == check
    assert host.service.verify_history().is_whole
    host.run_for(DAY)
    some_day(host)
    assert host.service.verify_history(heads=heads, pruned=kept).is_whole


@IN_MEMORY
def test_without_what_was_handed_out_a_pruned_chain_is_missed(
    lived_in: tuple[VirtualHost, list[str], list[str]],
) -> None:
    """Who lost it cannot tell pruning from theft; and what no pruning was sealed over excuses nothing."""
    host, old, _ = lived_in
    heads, kept = host.service.history_heads(), list[PrunedHeads]()
    all_of(host, keep=kept.append)
    missed = host.service.verify_history(heads=heads).broken
    assert {one.record_id for one in missed} >= set(old)
    assert all("all of it is gone" in one.problem for one in missed)
    forged = [PrunedHeads(heads=(*one.heads, heads[-1])) for one in kept]
    assert len(host.service.verify_history(heads=heads, pruned=forged).broken) == len(missed)
    other = [attrs.evolve(head, digest="5e8f") for head in heads if head.record_id == old[0]]
    (changed,) = host.service.verify_history(heads=other, pruned=kept).broken
    assert "written anew" in changed.problem


@IN_MEMORY
def test_who_takes_away_more_is_found(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """A chain that goes without a pruning, though there were prunings; and the beginning of an agent's."""
    host, _, young = lived_in
    heads, kept = host.service.history_heads(), list[PrunedHeads]()
    all_of(host, keep=kept.append)
    with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        (victim,) = tx.history.heads([(Entity.CALLBACK, young[0])])
        (ann,) = tx.history.heads([(Entity.AGENT, "ann")])
        tx.history.remove([victim])
        first = tx.history.chain(Entity.AGENT, "ann")[0].event_number
        tx.history.remove([attrs.evolve(ann, events_count=first)])
    broken = host.service.verify_history(heads=heads, pruned=kept).broken
    assert [(one.entity, one.record_id) for one in broken] == [
        (Entity.AGENT, "ann"),
        (Entity.CALLBACK, young[0]),
    ]
    with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:  # So that all else is well.
        tx.history.remove([ann])
        tx.history.remove(tx.history.heads(tx.history.records_of(young[0])))


@IN_MEMORY
def test_old_events_of_agents_and_queues_go_and_the_last_whole_one_stays(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """What is left begins with a sign-in, or with what was switched last."""
    host, _, _ = lived_in
    before = {name: host.service.agent_history(name) for name in ("ann", "bea")}
    all_of(host)
    for name, events in before.items():
        left = host.service.agent_history(name)
        assert left == events[-len(left) :]
        assert 0 < len(left) < len(events)
        assert left[0].kind == "agent_signed_in"
        assert left[0].at < OLD <= left[-1].at
    assert [event.at < OLD for event in host.service.queue_history("sales")] == [True, False, False]


@IN_MEMORY
def test_a_pruned_request_key_answers_no_more(lived_in: tuple[VirtualHost, list[str], list[str]]) -> None:
    """A request under it makes a new callback; one of a callback that is there finds that."""
    host, old, young = lived_in
    keys = [host.service.get(one).request_key for one in (old[0], young[0])]
    all_of(host)
    again = [promised(host, BOB, name="Bob Stone", context={"order": "17"}, request_key=key) for key in keys]
    assert again[0] not in old
    assert again[1] == young[0]


@IN_MEMORY
def test_a_person_stays_and_the_free_fields_of_what_is_gone_go(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """Name and number stay until the person is erased, or unseen for long."""
    host, old, young = lived_in
    subject_id = host.service.get(old[0]).subject_id
    all_of(host)
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        subject = tx.subjects.get(subject_id)
    assert subject.name == "Bob Stone"
    assert set(subject.contexts) == {young[0]}
    assert host.service.context(young[0]) == {"order": "17"}


@IN_MEMORY
def test_counters_of_slots_that_are_over_go_with_their_bookings(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """Of slots that have a booking still, they stay."""
    host, _, _ = lived_in
    all_of(host)
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        found = tx.slots.between("support", from_at=NOON - DAY, until_at=host.clock.now() + MONTH)
        days = tx.slots.days("support", from_day="2020-01-01", until_day="2030-01-01")
    assert found
    assert all(count.slot_at > OLD for count in found)
    assert all(day.day > "2026-03-01" for day in days)


@IN_MEMORY
def test_what_goes_on_keeps_all_that_belongs_to_it(store: Store) -> None:
    """A callback that was asked for long ago, and has not ended, or ended after the date."""
    host = office(store, horizon=200 * DAY)
    far = [
        host.service.free_slots("support", from_at=at, limit=1)[0].starts_at
        for at in (OLD + DAY, YOUNG + MONTH)
    ]
    late, open_one = (
        promised(host, number, scheduled_at=at) for number, at in zip((EVE, BOB), far, strict=True)
    )
    host.run_for(YOUNG + 30 * DAY - host.clock.now())
    assert host.service.get(late).ended_at > OLD
    before = [host.service.history(one) for one in (open_one, late)]
    assert all_of(host).callbacks_count == 0
    assert [host.service.history(one) for one in (open_one, late)] == before


@IN_MEMORY
def test_a_date_that_rules_look_back_to_is_refused(store: Store) -> None:
    """As far as the longest window of the policies; and where there are none, as far as rules can look."""
    host = office(store)
    now = host.clock.now()
    host.service.prune(ended_before=now - 90 * DAY)
    with pytest.raises(InvalidTime, match="a rule looks back so far; allowed: 2025-10-07T17:00:00"):
        host.service.prune(ended_before=now - 90 * DAY + MINUTE)
    with pytest.raises(InvalidTime):
        host.service.prune(ended_before=datetime(2025, 1, 1))  # noqa: DTZ001
    with pytest.raises(RequestRefused, match="nothing to prune"):
        host.service.prune()
    with pytest.raises(InvalidText):
        host.service.prune(ended_before=now - 100 * DAY, by="")
    assert everything(store)[0] == [event for event in everything(store)[0] if event.entity == "agent"]


@IN_MEMORY
def test_what_is_handed_out_was_not_removed_yet_and_an_error_there_keeps_it(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """Who cannot keep the last links loses nothing; and the next call hands them out again."""
    host, old, _ = lived_in
    before = everything(store)[0]
    seen: list[PrunedHeads] = []

    def keep(heads: PrunedHeads) -> None:
        seen.append(heads)
        assert host.service.get(old[0]) is not None
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        host.service.prune(ended_before=OLD, keep=keep)
    assert everything(store)[0] == before
    again: list[PrunedHeads] = []
    host.service.prune(ended_before=OLD, keep=again.append)
    assert again[0] == seen[0]


@IN_MEMORY
def test_one_that_changes_meanwhile_is_looked_at_again(
    lived_in: tuple[VirtualHost, list[str], list[str]],
) -> None:
    """Between the handing out and the removal somebody scores a callback: the sealed links are the newer ones."""
    host, old, _ = lived_in
    heads, kept = host.service.history_heads(), list[PrunedHeads]()

    def keep(links: PrunedHeads) -> None:
        if not kept:
            host.service.report_score(old[0], score=5.0)
        kept.append(links)

    assert all_of(host, keep=keep).callbacks_count == len(old)
    assert kept[1] != kept[0]
    assert host.service.verify_history(pruned=kept).is_whole
    assert host.service.verify_history(heads=heads, pruned=kept).is_whole


@IN_MEMORY
def test_a_prune_that_dies_in_between_is_gone_on_with(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is whole; what was not is there; and the next call does the rest."""
    host, old, _ = lived_in
    heads, kept = host.service.history_heads(), list[PrunedHeads]()
    calls = iter(range(99))
    remove: Callable[..., Any] = removing.Walk.remove

    def dies(*args: Any, **fields: Any) -> Any:
        done = remove(*args, **fields)
        if next(calls) == 1:
            raise StoreUnavailable("gone")
        return done

    monkeypatch.setattr(removing.Walk, "remove", dies)
    with pytest.raises(StoreUnavailable):
        all_of(host, keep=kept.append, limit=2)
    assert host.service.verify_history(heads=heads, pruned=kept).is_whole
    done = all_of(host, keep=kept.append)
    assert 0 < done.callbacks_count <= len(old)
    assert host.service.verify_history(heads=heads, pruned=kept).is_whole
    everything(store)


@IN_MEMORY
def test_who_was_written_to_about_a_pruned_callback_can_write(
    lived_in: tuple[VirtualHost, list[str], list[str]],
) -> None:
    """What we said last to them was about it: they are answered, and may ask for a new one."""
    host, old, _ = lived_in
    all_of(host)
    heard = host.reply("status", sender=BOB)
    assert heard.callback_id not in old
    host.run_for(MINUTE)
    assert host.messenger.sent_to(BOB)


@IN_MEMORY
def test_what_is_over_goes_though_its_person_is_missing(store: Store) -> None:
    """That is for the doctor; nothing behind it in the history is held up."""
    host = office(store)
    broken, other = promised(host, BOB, context={"order": "17"}), promised(host, EVE)
    host.service.cancel(broken)
    host.service.cancel(other)
    with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        row = tx.callbacks.get(CallbackId(broken))
        tx.save(attrs.evolve(row, version=row.version + 1, subject_id=SubjectId("su_nobody")))
    host.run_for(YOUNG + MONTH - host.clock.now())
    assert all_of(host).callbacks_count == 2


@IN_MEMORY
def test_what_was_merged_into_a_pruned_callback_answers_by_itself(store: Store) -> None:
    """The same request again finds the callback that was made under its key, and says how it ended."""
    host = office(store)
    kept = promised(host, BOB, request_key="first")
    gone = promised(host, BOB, queue="sales", request_key="second")
    host.service.merge(gone, into=kept)
    host.run_for(YOUNG + MONTH - host.clock.now())
    with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        tx.remove(tx.callbacks.get(CallbackId(kept)))
        tx.history.remove(tx.history.heads([(Entity.CALLBACK, kept)]))
    assert promised(host, BOB, queue="sales", request_key="second") == gone


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_two_who_prune_at_once_remove_each_record_once(
    store: Store, lived_in: tuple[VirtualHost, list[str], list[str]]
) -> None:
    """And the history is whole: each pruning is sealed over what it removed itself."""
    host, old, _ = lived_in
    heads, kept = host.service.history_heads(), [list[PrunedHeads](), list[PrunedHeads]()]

    def prune(number: int) -> int:
        done = 0
        for _ in range(20):
            one = host.service.prune(ended_before=OLD, keep=kept[number].append, limit=1)
            done += one.callbacks_count
            if not one.more:
                break
        return done

    with ThreadPoolExecutor(2) as threads:
        removed = list(threads.map(prune, range(2)))
    assert sum(removed) == len(old)
    assert host.service.verify_history(heads=heads, pruned=[*kept[0], *kept[1]]).is_whole
    found = host.service.doctor(thorough=True).findings
    assert [one for one in found if one.kind is not FindingKind.STORE] == []


@IN_MEMORY
def test_an_event_of_a_clock_that_was_ahead_stops_nothing(store: Store) -> None:
    """What stands behind it is as old as it is."""
    host = office(store)
    ahead = CallbackService(store, host.service.policies.values(), clock=ManualClock(NOON + 300 * DAY))
    ahead.pause("sales", offering=True)
    gone = promised(host, BOB)
    host.run_for(DAY)
    assert host.service.get(gone).ended_at is not None
    host.run_for(YOUNG + MONTH - host.clock.now())
    assert host.service.prune(ended_before=OLD).callbacks_count == 1
    assert host.service.verify_history().is_whole
