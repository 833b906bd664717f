"""Persons are forgotten, and what they did is not: no byte of them is left, and every count stays."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    AgentState,
    BookingState,
    CallbackService,
    CallbackState,
    Channel,
    Commit,
    ConfigurationError,
    ConnectCall,
    Disposition,
    InvalidNumber,
    NotPossibleNow,
    NumberNeeded,
    Outcome,
    QueueName,
    QueuePolicy,
    RequestRefused,
    Store,
    StoreUnavailable,
    Subject,
    TenantId,
    VerificationId,
    VerificationNotFound,
)
from callbackq.core.erasing import erased
from callbackq.model import Erased, Pruned, Tally, Verification
from callbackq.service import people as people_module
from callbackq.testing import NEVER_ANSWERS, Behaviour, Carried, FakeNotices, VirtualHost
from service.conftest import check_fold
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND, house, promised, subject_of, whom
from service.test_series import MONDAYS, WEEKLY, mondays, to_come
from service.test_slots import NY, book
from service.traces import everything_in
from stores.postgres_server import fresh_store

DAY = timedelta(days=1)
OTHER, RECORD, WANTED = "+12125550177", "+12125550188", "+12125550199"
NUMBERS = (BOB, OTHER, RECORD, WANTED)
SECRETS = (
    *(
        spelling
        for number in NUMBERS
        for spelling in (number[1:], number[2:], f"({number[2:5]}) {number[5:8]}")
    ),
    *(f"{number[5:8]}-{number[8:]}" for number in NUMBERS),
    "Kowalski",
    "refund-4711",
    "crm-77",
    "Europe/Warsaw",
    "pl-PL",
    "goldcard",
    "09:30-11:30",
)


def left_in(store: Store, folder: Path) -> list[str]:
    """Return which secrets can be found."""
    found = everything_in(store, folder)
    return [secret for secret in SECRETS if secret.encode() in found]


def full_life(store: Store) -> tuple[VirtualHost, list[str]]:
    """Let one person leave traces everywhere: several callbacks, attempts, a call, preferences, a wrong number."""
    host = house(store, wrap_up=timedelta(0))
    service = host.service
    wish: dict[str, Any] = {
        "name": "Jan Kowalski",
        "language": "pl-PL",
        "context": {"reason": "refund-4711"},
        "alternatives": [OTHER],
        "record_number": RECORD,
    }
    reached = promised(host, "(212) 555-0101", **wish)
    host.run_until(lambda: service.get(reached).outcome is not None)
    host.run_for(HOUR)
    service.report_score(reached, score=5)
    service.set_preferences(
        number=BOB,
        preferred_number=WANTED,
        zone="Europe/Warsaw",
        hours={"monday": "09:30-11:30"},
        tier="goldcard",
    )
    service.opt_out(BOB, by="letter")
    service.set_preferences(number=BOB, preferred_number=None, hours=None)
    service.set_preferences(number=BOB, preferred_number=WANTED)
    service.call_joined(
        "support", call_id="call-1", number=BOB, name="Jan Kowalski", context={"a": "refund-4711"}
    )
    host.run_for(MINUTE)
    service.call_left("call-1")
    later = promised(host, scheduled_at=host.clock.now() + DAY, context={"reason": "refund-4711"})
    return host, [reached, later]


# ---------------------------------------------------------------------------- nothing is left


def test_no_trace_of_an_erased_person_is_left(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """K5: no number in any spelling, no name, context or preference: in no file, row, log, export or repr."""
    caplog.set_level(logging.DEBUG)
    host, ids = full_life(store)
    subject = subject_of(host, store, ids[0])
    _save(
        store, attrs.evolve(subject, version=subject.version + 1, customer_id="crm-77", wrong_numbers=(EVE,))
    )
    before = left_in(store, tmp_path)
    assert {BOB[1:], OTHER[1:], RECORD[1:], WANTED[1:], "Kowalski", "refund-4711", "crm-77"} <= set(before)
    done = host.service.erase(number="+1 (212) 555-0101", by="dpo")
    assert (done.subjects_count, done.cancelled, done.more) == (1, (ids[1],), False)
    assert left_in(store, tmp_path) == []
    shown = [
        *host.service.export_history(),
        *(repr(host.service.get(one)) for one in ids),
        *(repr(host.service.receipt(one)) for one in ids),
        *(repr(host.service.history(one)) for one in ids),
        *(repr(host.service.explain(one)) for one in ids),
        repr(subject_of(host, store, ids[0])),
        repr(done),
        *(record.getMessage() for record in caplog.records),
    ]
    assert [secret for secret in SECRETS for text in shown if secret in text] == []


def test_what_is_left_of_a_person_is_that_there_was_one(store: Store) -> None:
    """Ids and times, and nothing else."""
    host, ids = full_life(store)
    before = subject_of(host, store, ids[0])
    host.service.erase(number=BOB)
    assert subject_of(host, store, ids[0]) == Subject(
        tenant_id=DEFAULT_TENANT,
        subject_id=before.subject_id,
        version=before.version + 1,
        identity=f"erased:{before.subject_id}",
        number="",
        created_at=before.created_at,
        erased_at=host.clock.now(),
    )


def test_counts_chains_and_history_stay(store: Store) -> None:
    """Outcomes, quotes, rates, overtakes and punctuality are what they were; the chains are whole; the law holds."""
    host, _ = full_life(store)
    for number in (EVE, DAN):
        promised(host, number)
    host.run_for(HOUR)

    def figures() -> list[Any]:
        service = host.service
        with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            ended = tx.callbacks.last_ended(QueueName("support"), limit=100)
        return [
            Counter(one.outcome for one in ended if one.outcome is not Outcome.CANCELLED),
            service.rates("support"),
            service.overtakes("support"),
            [one.score for one in ended if one.outcome is not Outcome.CANCELLED],
        ]

    before, quotes = figures(), host.service.quotes("support")
    heads, events_count = host.service.history_heads(), host.service.verify_history().events_count
    assert host.service.erase(number=BOB).subjects_count == 1
    assert figures() == before
    assert host.service.quotes("support") == quotes
    check = host.service.verify_history(heads=heads)
    assert check.is_whole
    assert check.events_count > events_count
    check_fold(store)


def test_everything_about_an_erased_person_can_still_be_read(store: Store) -> None:
    """Receipt, explanation, history, context, the day's bookings and how punctual it was: no error, and no number."""
    host = mondays(store)
    used = book(host, MONDAYS[0], zone=NY, context={"reason": "refund-4711"}, name="Kowalski")
    host.run_until(MONDAYS[0] + HOUR)
    host.service.agent_available("ann", queues=["support"])
    service, span = host.service, {"from_at": MONDAYS[0] - DAY, "until_at": MONDAYS[0] + DAY}
    before = service.punctuality("support", **span)
    open_ = book(host, MONDAYS[0] + 3 * HOUR, zone=NY, context={"reason": "refund-4711"})
    assert [(line.number_masked, line.name) for line in service.booked("support", **span)] == [
        ("+1…01", "Kowalski"),
        ("+1…01", "Kowalski"),
    ]
    assert service.erase(number=BOB).cancelled == (open_,)
    assert service.punctuality("support", **span) == before
    assert before.booked_count == 1
    for callback_id, outcome in ((used, Outcome.COMPLETED), (open_, Outcome.CANCELLED)):
        assert service.get(callback_id).outcome is outcome
        assert service.receipt(callback_id).number_masked == "…"
        assert service.context(callback_id) == {}
        assert outcome.value in str(service.explain(callback_id)).lower()
        assert len(service.history(callback_id)) > 1
        assert service.position(callback_id) is None
    lines = service.booked("support", **span)
    assert [(line.number_masked, line.name, dict(line.context)) for line in lines] == [("…", None, {})]


def test_an_erased_person_gets_no_number_again(store: Store) -> None:
    """Whatever is still open of them: see `test_a_request_that_changes_no_record_meanwhile_is_never_dialed`."""
    host = house(store, agents=())
    open_ = promised(host)
    _save(store, erased(subject_of(host, store, open_), now=host.clock.now()))
    before = subject_of(host, store, open_)
    with pytest.raises(NotPossibleNow, match="erased"):
        host.service.change_number(open_, EVE)
    assert subject_of(host, store, open_) == before
    host.service.set_preferences(number=BOB, language="pl-PL")
    assert subject_of(host, store, open_) == before


def test_scores_can_be_kept_of_an_erased_person(store: Store) -> None:
    """What the host reports later of a callback that is over changes no personal data."""
    host, ids = full_life(store)
    host.service.erase(number=BOB)
    assert host.service.report_score(ids[0], score=2, resolved=True).score == 2


def test_files_that_cannot_be_cleaned_now_are_told_and_logged(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was erased is erased, and who was cancelled is known: erase once more later."""
    host = house(store, agents=())
    callback_id = promised(host)

    def refuse() -> bool:
        raise StoreUnavailable("the role does not own the table")

    with monkeypatch.context() as patch:
        patch.setattr(store, "scrub", refuse)
        assert host.service.erase(number=BOB) == Erased(subjects_count=1, cancelled=(callback_id,), more=True)
        assert host.service.prune(personal_life=DAY) == Pruned(subjects_count=0)
    assert [one.getMessage() for one in caplog.records] == [
        "the files of the store were not cleaned: StoreUnavailable"
    ] * 2
    assert host.service.erase(number=BOB) == Erased(subjects_count=0)


# ---------------------------------------------------------------------------- while something goes on


def test_erasing_while_an_attempt_rings_calls_it_off(store: Store) -> None:
    """The customer's phone stops ringing, the agent is free again, nobody is told anything, nobody rings later."""
    notices = FakeNotices()
    host = house(store, notices=notices)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host, name="Kowalski", ticket_id="t-1")
    host.run_until(lambda: host.telephony.dialed(BOB) == 1)
    host.run_for(SECOND)
    done = host.service.erase(number=BOB, reason="asked by letter", by="dpo")
    assert done.cancelled == (callback_id,)
    host.run_for(10 * SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).outcome is Outcome.CANCELLED
    ended: Any = next(one for one in host.service.history(callback_id) if one.kind == "callback_ended")
    assert (ended.reason, ended.by) == ("asked by letter", "dpo")
    host.run_for(DAY)
    assert whom(host) == ["ann", BOB]
    assert notices.told == []
    host.service.agent_available("ann", queues=["support"])
    assert host.service.agent("ann").state is AgentState.AVAILABLE


def test_a_conversation_goes_on_and_the_promise_is_not_taken_up_again(store: Store) -> None:
    """A person who is erased is not called again, though the agent says that it was a machine."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(talks_for=HOUR))
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).outcome is not None)
    host.service.erase(number=BOB)
    assert len(host.telephony.live_legs()) == 2
    host.service.set_disposition(callback_id, Disposition.MACHINE, by="ann")
    host.run_for(2 * DAY)
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert whom(host) == ["ann", BOB]


def test_a_wrong_number_that_is_said_later_is_not_kept(store: Store, tmp_path: Path) -> None:
    """Who was erased while the call went on has no number that could be wrong."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(talks_for=HOUR))
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).outcome is not None)
    host.service.erase(number=BOB)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.run_for(2 * HOUR)
    assert subject_of(host, store, callback_id).wrong_numbers == ()
    assert left_in(store, tmp_path) == []


def test_a_series_ends_with_its_person(store: Store) -> None:
    """Also between two of its callbacks: no further one is booked."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    host.run_until(MONDAYS[0] - SECOND)
    (line,) = to_come(host)
    host.service.mark_done(line.callback_id, by="kim")
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        booking = tx.bookings.of_callback(line.callback_id)
        assert booking is not None
        assert booking.state is BookingState.BOOKED
    assert host.service.erase(number=BOB).cancelled == ()
    host.run_until(MONDAYS[1] + DAY)
    assert to_come(host) == []
    assert host.telephony.dialed(BOB) == 0


def test_a_caller_on_the_line_who_is_erased_is_a_caller_without_a_number(store: Store) -> None:
    """The agent is shown none, and a callback needs one."""
    host = house(store, agents=())
    connected: list[ConnectCall] = []
    host.telephony.connect_call = connected.append  # type: ignore[method-assign]
    for call_id in ("one", "two"):
        host.service.call_joined("support", call_id=call_id, number=BOB, name="Kowalski", context={"a": "b"})
    host.service.erase(number=BOB)
    with pytest.raises(NumberNeeded):
        host.service.request("support", call_id="two")
    assert host.service.customer_zone("support", call_id="two").zone == "UTC"
    receipt = host.service.request("support", call_id="two", number=EVE)
    assert receipt.number_masked == "+1…02"
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert [(one.call_id, one.number, one.name, dict(one.context)) for one in connected] == [
        ("one", None, None, {})
    ]


# ---------------------------------------------------------------------------- who is meant


def test_erasing_twice_or_a_stranger_erases_nobody(store: Store) -> None:
    """And the second time nothing is written."""
    host, _ = full_life(store)
    assert host.service.erase(number=KIM) == Erased(subjects_count=0)
    assert host.service.erase(customer_id="nobody").subjects_count == 0
    assert host.service.erase(number=BOB).subjects_count == 1
    count = host.service.verify_history().events_count
    assert host.service.erase(number=BOB) == Erased(subjects_count=0)
    assert host.service.verify_history().events_count == count


def test_somebody_must_be_named(store: Store) -> None:
    """And by what can be read; the number is shown masked."""
    service = house(store).service
    with pytest.raises(RequestRefused, match="number, customer_id, or both"):
        service.erase()
    with pytest.raises(InvalidNumber, match=r"without queue= a number begins with \+") as refused:
        service.erase(number="212 555 0101")
    assert "5550101" not in str(refused.value).replace(" ", "")
    promised(house(store))
    assert service.erase(number="212 555 0101", queue="support").subjects_count == 1


def test_a_number_in_the_record_of_somebody_else_is_taken_out_there(store: Store) -> None:
    """An alternative, a number on record, a wrong number: the other person and their callback stay."""
    host = house(store, agents=())
    bobs = promised(host, BOB)
    eves = promised(host, EVE, alternatives=[BOB, KIM], record_number=BOB)
    subject = subject_of(host, store, eves)
    _save(
        store,
        attrs.evolve(
            subject,
            version=subject.version + 1,
            wrong_numbers=(BOB, DAN),
            preferred_number=BOB,
            pending_number=BOB,
        ),
    )
    done = host.service.erase(number=BOB)
    assert (done.subjects_count, done.cancelled) == (1, (bobs,))
    after = subject_of(host, store, eves)
    assert (after.number, after.alternatives, after.wrong_numbers) == (EVE, (KIM,), (DAN,))
    assert (after.record_number, after.preferred_number, after.erased_at) == (None, None, None)
    assert after.pending_number is None
    host.service.agent_available("ann", queues=["support"])
    host.run_until(lambda: host.service.get(eves).outcome is not None)
    assert host.service.get(eves).outcome is Outcome.COMPLETED


def test_a_number_that_is_nobodys_own_is_that_of_whoever_prefers_it(store: Store) -> None:
    """Who only has it as another number is not meant."""
    host = house(store, agents=())
    eves, dans = promised(host, EVE), promised(host, DAN, alternatives=[WANTED])
    host.service.set_preferences(number=EVE, preferred_number=WANTED)
    done = host.service.erase(number=WANTED)
    assert done.cancelled == (eves,)
    assert subject_of(host, store, dans).alternatives == ()
    assert host.service.get(dans).state is CallbackState.WAITING


def test_who_is_known_by_a_number_is_meant_though_they_are_called_at_another(
    store: Store, tmp_path: Path
) -> None:
    """What they are known by holds the number too, with an extension or without."""
    host = house(store, agents=())
    ids = [promised(host, BOB), promised(host, f"{BOB} ext. 7")]
    for callback_id, number in zip(ids, (EVE, DAN), strict=True):
        subject = subject_of(host, store, callback_id)
        _save(store, attrs.evolve(subject, version=subject.version + 1, number=number, extension=None))
    kept = promised(host, KIM)
    assert set(host.service.erase(number=BOB).cancelled) == set(ids)
    assert left_in(store, tmp_path) == []
    assert subject_of(host, store, kept).version == 1


def test_an_extension_names_one_person_and_none_names_all(store: Store) -> None:
    """Colleagues behind one number are erased one by one, or together."""
    host = house(store, agents=())
    seven, nine, desk = (promised(host, f"{BOB}{more}") for more in (" ext. 7", " ext. 9", ""))
    assert host.service.erase(number=f"{BOB} ext. 7").cancelled == (seven,)
    assert subject_of(host, store, nine).number == BOB
    assert set(host.service.erase(number=BOB).cancelled) == {nine, desk}


def test_a_customer_is_erased_by_the_hosts_own_id(store: Store) -> None:
    """With a number it is whoever either of them names; each counts once."""
    host = house(store, agents=())
    host.service.set_preferences(customer_id="crm-77", preferred_number=EVE)
    callback_id = promised(host, EVE)
    promised(host, BOB)
    done = host.service.erase(customer_id="crm-77", number=BOB)
    assert done.subjects_count == 2
    assert callback_id in done.cancelled
    assert host.service.preferences(customer_id="crm-77") is None
    assert host.service.erase(customer_id="crm-77").subjects_count == 0


def test_who_asks_again_is_a_new_person(store: Store) -> None:
    """The same request again, by its key, is answered with the old receipt, and promises nothing new."""
    host = house(store, agents=())
    first = host.service.request("support", number=BOB, request_key="form-7")
    host.service.erase(number=BOB)
    again = host.service.request("support", number=BOB, request_key="form-7")
    assert again == attrs.evolve(first, number_masked="…")
    new = host.service.request("support", number=BOB, request_key="form-8")
    assert new.callback_id != first.callback_id
    one, other = (subject_of(host, store, receipt.callback_id) for receipt in (first, new))
    assert one.subject_id != other.subject_id
    assert (other.number, other.identity) == (BOB, f"tel:{BOB}")


def test_another_tenants_person_stays(store: Store) -> None:
    """The same number in two tenants is two persons."""
    host = house(store, agents=())
    promised(host)
    other = VirtualHost(store, [QueuePolicy(queue=QueueName("support"))], tenant_id="other")
    kept = other.service.request("support", number=BOB)
    host.service.erase(number=BOB)
    assert other.service.get(kept.callback_id).state is CallbackState.WAITING
    assert other.service.receipt(kept.callback_id).number_masked == "+1…01"


# ---------------------------------------------------------------------------- at the same moment


def _during_erasing(monkeypatch: pytest.MonkeyPatch, work: Any) -> None:
    """Let *work* be done, and committed, in the first transaction that erases, after it has read and before it ends."""
    erased, left = people_module.erased, [work]

    def slow(subject: Subject, **fields: Any) -> Subject:
        if left:
            thread = threading.Thread(target=left.pop())
            thread.start()
            thread.join(20)
        return erased(subject, **fields)

    monkeypatch.setattr(people_module, "erased", slow)


def test_a_request_that_is_committed_meanwhile_is_erased_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes the person's record, so erasing begins again, and finds it."""
    with fresh_store() as store:
        host = house(store, agents=())
        first = promised(host)
        made: list[str] = []
        _during_erasing(monkeypatch, lambda: made.append(promised(host, queue="sales", name="Kowalski")))
        done = host.service.erase(number=BOB)
        assert set(done.cancelled) == {first, *made}
        assert len(made) == 1
        assert subject_of(host, store, made[0]).name is None
        check_fold(store)


def test_a_request_that_changes_no_record_meanwhile_is_never_dialed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands with an erased person, and ends when its turn comes."""
    with fresh_store() as store:
        host = house(store, agents=())
        promised(host)
        made: list[str] = []
        _during_erasing(monkeypatch, lambda: made.append(promised(host, queue="sales")))
        host.service.erase(number=BOB)
        host.service.agent_available("ann", queues=["support", "sales"])
        host.run_for(MINUTE)
        assert host.service.get(made[0]).outcome is Outcome.CANCELLED
        assert [entry for entry in host.telephony.log if entry.what is Carried.DIALED] == []
        check_fold(store)


# ---------------------------------------------------------------------------- retention


def _save(store: Store, *records: Any) -> None:
    with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        for record in records:
            tx.save(record)


def test_persons_are_forgotten_when_nothing_was_heard_of_them(store: Store, tmp_path: Path) -> None:
    """Those with an open callback are not, nor those whose callback ended since."""
    host = house(store, agents=(), callback_life=timedelta(days=3))
    life = timedelta(days=30)
    old = promised(host, BOB, name="Kowalski")
    host.service.cancel(old)
    promised(host, EVE, scheduled_at=host.clock.now() + timedelta(days=40))
    host.run_for(timedelta(days=20))
    late = promised(host, DAN)
    host.service.cancel(late)
    host.run_for(timedelta(days=11) + DAY)
    done = host.service.prune(personal_life=life)
    assert (done.subjects_count, done.cancelled, done.more) == (1, (), False)
    assert subject_of(host, store, old).erased_at == host.clock.now()
    assert left_in(store, tmp_path) == []
    assert subject_of(host, store, late).number == DAN
    assert host.service.prune(personal_life=life).subjects_count == 0
    assert host.service.verify_history().is_whole


def test_a_person_is_kept_for_their_life_after_their_callback_has_ended(store: Store) -> None:
    """Asked for forty days ago, called yesterday: the thirty days begin yesterday."""
    host = house(store, agents=())
    life = timedelta(days=30)
    callback_id = promised(host, scheduled_at=host.clock.now() + timedelta(days=40))
    host.run_for(timedelta(days=35))
    assert host.service.prune(personal_life=life).subjects_count == 0
    host.run_for(timedelta(days=4))
    host.service.cancel(callback_id)
    ended_at = host.clock.now()
    host.run_for(timedelta(days=29))
    assert host.service.prune(personal_life=life).subjects_count == 0
    host.run_until(ended_at + life + SECOND)
    assert host.service.prune(personal_life=life).subjects_count == 1


def test_caller_on_the_line_is_not_forgotten(store: Store) -> None:
    """That somebody was heard of is written once a day: pruning must not know better."""
    host = house(store, agents=())
    host.service.call_joined("support", call_id="yesterday", number=BOB)
    host.service.call_left("yesterday")
    host.run_for(DAY - MINUTE)
    host.service.call_joined("support", call_id="today", number=BOB, name="Kowalski")
    host.run_for(2 * MINUTE)
    assert host.service.prune(personal_life=DAY).subjects_count == 0
    receipt = host.service.request("support", call_id="today")
    assert receipt.number_masked == "+1…01"


def test_pruning_goes_on_where_it_stopped_whoever_stands_in_front(store: Store) -> None:
    """Persons with open callbacks, the longest unseen of all, do not keep others from being forgotten."""
    host = house(store, agents=())
    for number in (BOB, EVE):
        promised(host, number, scheduled_at=host.clock.now() + timedelta(days=90))
    for number in (DAN, KIM):
        host.service.cancel(promised(host, number))
    host.run_for(timedelta(days=60))
    counts, more = [], True
    while more:
        done = host.service.prune(personal_life=timedelta(days=30), limit=1)
        counts.append(done.subjects_count)
        more = done.more
    assert sum(counts) == 2
    assert len(counts) <= 6


def test_counters_and_codes_that_are_over_are_forgotten(store: Store) -> None:
    """Those that still count stay."""
    host = house(store, agents=())
    now, tenant = host.clock.now(), TenantId(DEFAULT_TENANT)
    tallies = [
        Tally(tenant_id=tenant, key=key, moments=(1,), weights=(1,), over_at=now + timedelta(hours=hours))
        for key, hours in (("over", 1), ("counts", 3))
    ]
    codes = [
        Verification(
            tenant_id=tenant,
            verification_id=VerificationId(name),
            number_key="k",
            queue=QueueName("support"),
            code_hash="h",
            sent_at=now - DAY,
            expires_at=now - DAY + timedelta(hours=hours),  # A proof may be used a day longer.
        )
        for name, hours in (("vf_over", 1), ("vf_counts", 3))
    ]
    _save(store, *tallies, *codes)
    host.run_for(2 * HOUR)
    assert host.service.prune(personal_life=DAY, limit=1).more
    assert host.service.prune(personal_life=DAY, limit=1) == Pruned(subjects_count=0)
    with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        assert set(tx.tallies.locked(["over", "counts"])) == {"counts"}
        assert tx.verifications.get(VerificationId("vf_counts")).code_hash == "h"
        with pytest.raises(VerificationNotFound):
            tx.verifications.get(VerificationId("vf_over"))


@pytest.mark.parametrize("life", [timedelta(0), timedelta(hours=23), -DAY, timedelta(days=40_000), 30])
def test_a_personal_life_has_bounds(store: Store, life: Any) -> None:
    """A slip must not forget everybody."""
    host = house(store, agents=())
    promised(host)
    with pytest.raises(ConfigurationError, match="personal_life"):
        host.service.prune(personal_life=life)


def test_the_service_of_a_host_without_queues_can_erase(store: Store) -> None:
    """A tool that knows no policy cancels and erases as well."""
    host = house(store, agents=())
    callback_id = promised(host, channel=Channel.WEB)
    tool = CallbackService(store, [], clock=host.clock)
    assert tool.erase(number=BOB).cancelled == (callback_id,)
