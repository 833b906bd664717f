"""Asking for a callback: one promise, one receipt, nothing by halves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from callbackq import (
    DEFAULT_TENANT,
    CallbackNotFound,
    CallbackService,
    CallbackState,
    CallHasEnded,
    CallNotFound,
    CallOutcome,
    Channel,
    Commit,
    ConfigurationError,
    Conflict,
    DuplicateCallback,
    Duplicates,
    InvalidNumber,
    InvalidPriority,
    InvalidText,
    InvalidTime,
    NotPossibleNow,
    Offer,
    Outcome,
    QueuePolicy,
    Receipt,
    RequestKeyReused,
    RequestRefused,
    Store,
    UnknownQueue,
)
from callbackq.testing import START, ManualClock, VirtualHost

BOB, EVE = "+12125550101", "+12125550102"


def rows(store: Store) -> int:
    """Count everything that was ever written."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return len(tx.history.all())


def test_a_live_call_becomes_a_callback_with_its_place(host: VirtualHost) -> None:
    """B1: the caller's place becomes the callback's place, and the live call is over."""
    service = host.service
    service.call_joined("support", call_id="bob", number=BOB)
    host.run_for(timedelta(seconds=30))
    service.call_joined("support", call_id="eve", number=EVE)
    host.run_for(timedelta(seconds=30))
    receipt = service.request("support", call_id="bob")
    callback = service.get(receipt.callback_id)
    assert callback.entered_at == START
    assert callback.requested_at == START + timedelta(minutes=1)
    assert callback.state is CallbackState.WAITING
    assert service.position(receipt.callback_id) == service.receipt(receipt.callback_id).position
    assert receipt.position is not None
    assert receipt.position.number == 1
    assert service.call_left("bob").outcome is CallOutcome.CONVERTED
    assert service.call_left("bob").callback_id == receipt.callback_id


def test_receipt_says_what_the_customer_needs(host: VirtualHost) -> None:
    """B9: id, position, wait, masked number; and it can be read again."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    receipt = host.service.request("support", call_id="bob")
    assert receipt.number_masked == "+1…01"
    assert receipt.wait.mean_s == 300
    assert receipt.wait.low_s is not None
    assert receipt.wait.high_s is not None
    assert receipt.wait.low_s < 300 < receipt.wait.high_s
    assert receipt.expected_at == START + timedelta(minutes=5)
    assert receipt.expires_at == START + timedelta(hours=24)
    assert host.service.receipt(receipt.callback_id) == receipt


def test_same_request_twice_is_one_callback_with_one_receipt(host: VirtualHost, store: Store) -> None:
    """B8: the same key gives the same receipt, also after the line has moved, and writes nothing."""
    service = host.service
    first = service.request("support", number=BOB, request_key="form-1")
    host.run_for(timedelta(minutes=3))
    written = rows(store)
    assert service.request("support", number=BOB, request_key="form-1") == first
    assert service.request("support", number="(212) 555-0101", request_key="form-1") == first
    assert rows(store) == written
    service.cancel(first.callback_id)
    assert service.request("support", number=BOB, request_key="form-1") == first


def test_pressing_the_key_twice_is_one_callback(host: VirtualHost) -> None:
    """B8: a live call is its own key."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    first = host.service.request("support", call_id="bob")
    assert host.service.request("support", call_id="bob") == first


@pytest.mark.parametrize(
    "changed", [{"number": EVE}, {"call_id": "other"}, {"queue": "sales"}], ids=lambda kind: next(iter(kind))
)
def test_a_key_serves_one_request_only(host: VirtualHost, changed: dict[str, str]) -> None:
    """B8: the same key with another queue, call or number is refused."""
    host.service.request("support", number=BOB, request_key="k")
    asked = {"queue": "support", "number": BOB, **changed}
    with pytest.raises(RequestKeyReused):
        host.service.request(asked.pop("queue"), request_key="k", **asked)


def test_second_request_of_a_person_is_refused_with_the_first(host: VirtualHost, store: Store) -> None:
    """J1: refuse; over spellings of the number; the error names the callback whose receipt to give."""
    first = host.service.request("support", number=BOB)
    written = rows(store)
    with pytest.raises(DuplicateCallback) as refused:
        host.service.request("support", number="212-555-0101")
    assert refused.value.existing_id == first.callback_id
    assert "555" not in str(refused.value)
    assert rows(store) == written
    assert host.service.request("sales", number=BOB).callback_id != first.callback_id
    host.service.cancel(first.callback_id)
    assert host.service.request("support", number=BOB).callback_id != first.callback_id


def test_refused_duplicate_leaves_the_live_call_in_line(host: VirtualHost) -> None:
    """J1: the caller keeps the place on hold; it is that of the callback, for the queue keeps both (G8)."""
    host.service.call_joined("support", call_id="before")
    host.run_for(timedelta(seconds=1))
    host.service.request("support", number=BOB)
    host.run_for(timedelta(seconds=1))
    host.service.call_joined("support", call_id="after")
    host.service.call_joined("support", call_id="bob", number=BOB)
    with pytest.raises(DuplicateCallback):
        host.service.request("support", call_id="bob")
    position = host.service.call_position("bob")
    assert position is not None
    assert position.number == 2


def test_duplicates_can_be_allowed(make_host: Callable[..., VirtualHost]) -> None:
    """J1: allow."""
    service = make_host(duplicates=Duplicates.ALLOW).service
    assert service.request("support", number=BOB) != service.request("support", number=BOB)


def test_extension_tells_persons_apart(host: VirtualHost) -> None:
    """C2: one switchboard, two persons."""
    seven = host.service.request("support", number=f"{BOB} ext. 7")
    assert host.service.request("support", number=f"{BOB} x8").callback_id != seven.callback_id
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number="212-555-0101;ext=7")


def test_requests_at_once_leave_one_callback(store: Store) -> None:
    """J3: sixteen threads ask for the same person; one promise, fifteen refusals."""
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    barrier = Barrier(16)
    answers: list[Receipt | DuplicateCallback | Conflict] = []

    def ask() -> None:
        barrier.wait()
        try:
            answers.append(service.request("support", number=BOB))
        except DuplicateCallback as error:
            answers.append(error)

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [answer for answer in answers if isinstance(answer, Receipt)]
    assert len(answers) == 16
    assert len(made) == 1
    assert {a.existing_id for a in answers if isinstance(a, DuplicateCallback)} == {made[0].callback_id}


def test_number_of_the_request_stands_before_the_caller_id(host: VirtualHost) -> None:
    """C1: another number may be given; the place is still the caller's, the context comes along."""
    service = host.service
    service.call_joined("support", call_id="bob", number=BOB, context={"menu": "2"})
    receipt = service.request("support", call_id="bob", number=EVE, context={"reason": "refund"})
    assert receipt.number_masked == "+1…02"
    service.call_left("busy")
    host.run_for(timedelta(0))
    dialed = [entry.number for entry in host.telephony.log if entry.number]
    assert set(dialed) == {EVE}


def test_scheduled_callback_waits_for_its_time(host: VirtualHost) -> None:
    """A chosen time: not in line before it, dialed at it."""
    at = START + timedelta(hours=2)
    host.service.call_left("busy")
    receipt = host.service.request("support", number=BOB, scheduled_at=at)
    assert receipt.expected_at == at
    assert receipt.position is None
    assert host.service.position(receipt.callback_id) is None
    host.run_until(at - timedelta(seconds=1))
    assert host.service.get(receipt.callback_id).state is CallbackState.SCHEDULED
    host.run_until(at)
    assert host.telephony.dialed(BOB) == 1


def test_a_host_with_its_own_queue_says_when_the_caller_entered(host: VirtualHost) -> None:
    """D1: the original entry time decides, not the time of the request."""
    early = host.service.request("support", number=BOB, entered_at=START - timedelta(minutes=5))
    host.run_for(timedelta(minutes=1))
    earlier = host.service.request("support", number=EVE, entered_at=START - timedelta(minutes=6))
    assert earlier.position is not None
    assert earlier.position.number == 1
    position = host.service.position(early.callback_id)
    assert position is not None
    assert position.number == 2


NAIVE = datetime(2026, 1, 5, 7, 0)  # noqa: DTZ001 - a naive time is what is tested


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (UnknownQueue, {"queue": "nowhere", "number": BOB}),
        (InvalidNumber, {}),
        (InvalidNumber, {"number": "no number"}),
        (InvalidNumber, {"number": ""}),
        (InvalidNumber, {"number": "+1212"}),
        (InvalidNumber, {"number": "9" * 10_000}),
        (InvalidTime, {"number": BOB, "entered_at": NAIVE}),
        (InvalidTime, {"number": BOB, "entered_at": START + timedelta(seconds=6)}),
        (InvalidTime, {"number": BOB, "entered_at": datetime(1969, 1, 1, tzinfo=UTC)}),
        (InvalidTime, {"number": BOB, "scheduled_at": START - timedelta(seconds=1)}),
        (InvalidTime, {"number": BOB, "scheduled_at": NAIVE}),
        (InvalidTime, {"number": BOB, "scheduled_at": START + timedelta(days=400)}),
        (InvalidText, {"number": BOB, "request_key": ""}),
        (InvalidText, {"number": BOB, "request_key": "x" * 201}),
        (InvalidText, {"number": BOB, "name": "Bob\x1b[31m"}),
        (InvalidText, {"number": BOB, "skills": "german"}),
        (InvalidText, {"number": BOB, "context": {"a": "b" * 2_001}}),
        (InvalidPriority, {"number": BOB, "priority": -1}),
        (InvalidPriority, {"number": BOB, "priority": 256}),
        (InvalidText, {"number": BOB, "request_key": "call:SIP/1"}),
        (InvalidText, {"number": BOB, "channel": "pigeon"}),
        (InvalidText, {"number": BOB, "context": None}),
        (InvalidText, {"number": BOB, "offer_id": ""}),
        (UnknownQueue, {"queue": None, "number": BOB}),
        (CallNotFound, {"call_id": "nobody"}),
    ],
)
def test_bad_requests_are_refused_and_nothing_is_stored(
    host: VirtualHost, store: Store, error: type[Exception], asked: dict[str, object]
) -> None:
    """Each bad input has its own error; nothing is stored by halves."""
    written = rows(store)
    asked = {"queue": "support", **asked}
    with pytest.raises(error) as refused:
        host.service.request(**asked)  # type: ignore[arg-type]
    assert "555" not in str(refused.value)
    assert rows(store) == written


def test_requests_after_the_call_ended_are_refused(host: VirtualHost, store: Store) -> None:
    """A call that was left, taken or converted has no place to give; a withheld number is asked for."""
    service = host.service
    service.call_joined("support", call_id="gone", number=BOB)
    service.call_left("gone")
    service.call_joined("support", call_id="withheld")
    written = rows(store)
    with pytest.raises(CallHasEnded):
        service.request("support", call_id="gone")
    with pytest.raises(CallHasEnded):
        service.request("support", call_id="busy", number=BOB)
    with pytest.raises(CallHasEnded):
        service.offer("gone")
    with pytest.raises(CallHasEnded):
        service.call_joined("support", call_id="gone")
    with pytest.raises(InvalidNumber, match="withheld"):
        service.request("support", call_id="withheld")
    with pytest.raises(RequestRefused, match="waits in queue"):
        service.request("sales", call_id="withheld", number=BOB)
    assert rows(store) == written


def test_cancel_twice_is_once(host: VirtualHost, store: Store) -> None:
    """Cancelling again changes nothing; cancelling what ended otherwise is refused."""
    service = host.service
    receipt = service.request("support", number=BOB)
    cancelled = service.cancel(receipt.callback_id, reason="by web form")
    assert cancelled.outcome is Outcome.CANCELLED
    written = rows(store)
    assert service.cancel(receipt.callback_id) == cancelled
    assert rows(store) == written
    assert service.position(receipt.callback_id) is None
    other = service.request("support", number=EVE)
    host.run_until(START + timedelta(hours=23))
    service.call_left("busy")
    host.run_until(lambda: service.get(other.callback_id).state is CallbackState.ENDED)
    with pytest.raises(NotPossibleNow):
        service.cancel(other.callback_id)


def test_unknown_callback_is_said(host: VirtualHost) -> None:
    """Every reader and command names what is not there."""
    service = host.service
    for verb in (
        service.get,
        service.cancel,
        service.position,
        service.explain,
        service.history,
        service.receipt,
    ):
        with pytest.raises(CallbackNotFound, match="cb_nothing"):
            verb("cb_nothing")


def test_joining_twice_is_once(host: VirtualHost, store: Store) -> None:
    """A call that is there already is returned as it is."""
    first = host.service.call_joined("support", call_id="bob", number=BOB)
    written = rows(store)
    assert host.service.call_joined("support", call_id="bob", number=BOB) == first
    assert rows(store) == written


def test_two_policies_for_one_queue_are_refused(store: Store) -> None:
    """The contradiction is named when the service is built."""
    with pytest.raises(ConfigurationError, match="one policy for each queue"):
        CallbackService(store, [QueuePolicy(queue="a"), QueuePolicy(queue="a")], clock=ManualClock())


def test_channel_follows_how_it_was_asked(host: VirtualHost) -> None:
    """IN_QUEUE with a live call, WEB without, or as the host says."""
    service = host.service
    service.call_joined("support", call_id="bob", number=BOB)
    in_queue = service.request("support", call_id="bob")
    web = service.request("support", number=EVE)
    agent = service.request("sales", number=EVE, channel=Channel.AGENT)
    found = [service.get(receipt.callback_id).channel for receipt in (in_queue, web, agent)]
    assert found == [Channel.IN_QUEUE, Channel.WEB, Channel.AGENT]


def test_offer_reserves_nothing(host: VirtualHost) -> None:
    """An offer that is not taken changes no place."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    before = host.service.call_position("bob")
    assert isinstance(host.service.offer("bob"), Offer)
    assert host.service.call_position("bob") == before


@pytest.mark.parametrize("caller_id", ["anonymous", "101", "", "+", "Unknown\x00", "9" * 10_000])
def test_caller_id_that_is_no_number_costs_nobody_the_place(host: VirtualHost, caller_id: str) -> None:
    """C2: the caller stands in line like one whose number is withheld, and is asked for a number."""
    call = host.service.call_joined("support", call_id="bob", number=caller_id)
    assert call.subject_id is None
    with pytest.raises(InvalidNumber, match="withheld"):
        host.service.request("support", call_id="bob")
    assert host.service.request("support", call_id="bob", number=BOB).number_masked == "+1…01"


def test_ids_that_can_be_none_are_refused_alike_on_every_store(host: VirtualHost) -> None:
    """Half a character, a control character, no text: InvalidText, before any store is asked."""
    service = host.service
    verbs: list[Callable[[str], object]] = [
        service.get,
        service.cancel,
        service.position,
        service.explain,
        service.history,
        service.receipt,
        service.call_left,
        service.call_returned,
        service.call_position,
        service.offer,
        service.agent_unavailable,
    ]
    for verb in verbs:
        for bad in ("\udce9", "a\x00", "", 7, None):
            with pytest.raises(InvalidText):
                verb(bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidText, match="queues is one text"):
        service.agent_available("ann", queues="support")


def test_accepted_offer_is_kept_with_the_promise(host: VirtualHost) -> None:
    """What was quoted and what was promised can be laid side by side."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    offer = host.service.offer("bob")
    assert isinstance(offer, Offer)
    receipt = host.service.request("support", call_id="bob", offer_id=offer.offer_id)
    assert host.service.get(receipt.callback_id).offer_id == offer.offer_id


def test_the_same_request_for_a_time_is_the_same_after_that_time(host: VirtualHost) -> None:
    """B8: asking again after an uncertain commit works, however late."""
    at = START + timedelta(minutes=5)
    first = host.service.request("support", number=BOB, request_key="k", scheduled_at=at)
    host.run_for(timedelta(minutes=6))
    assert host.service.request("support", number=BOB, request_key="k", scheduled_at=at) == first


def test_times_of_other_libraries_become_plain_ones(host: VirtualHost) -> None:
    """A subclass that shows, compares or subtracts in its own way is not kept."""

    class Odd(datetime):
        def isoformat(self, *_: object, **__: object) -> str:
            return "9999-12-31T00:00:00+00:00"

    at = Odd(2026, 1, 5, 10, tzinfo=UTC)
    receipt = host.service.request("support", number=BOB, scheduled_at=at)
    callback = host.service.get(receipt.callback_id)
    assert type(callback.scheduled_at) is datetime
    assert callback.due_at == datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "policies", [QueuePolicy(queue="a"), {"a": QueuePolicy(queue="a")}, "a", None, ["a"]]
)
def test_what_is_no_list_of_policies_is_refused(store: Store, policies: object) -> None:
    """One policy, a mapping or nonsense: said when the service is built."""
    with pytest.raises(ConfigurationError, match="a list of QueuePolicy"):
        CallbackService(store, policies, clock=ManualClock())  # type: ignore[arg-type]
