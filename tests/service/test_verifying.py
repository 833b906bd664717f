"""One-time codes on every store: sent, entered, used for one request; and what a thief can try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from callbackq import (
    CallbackService,
    Channel,
    CodeNotSent,
    CodeOrder,
    CodeWrong,
    Commit,
    ConfigurationError,
    Conflict,
    DuplicateCallback,
    InvalidNumber,
    InvalidText,
    Limit,
    NotVerified,
    NumberRefused,
    QueueName,
    QueuePolicy,
    Store,
    StoreUnavailable,
    TooManyRequests,
    UnknownQueue,
    VerificationId,
    VerificationNotFound,
    Verify,
)
from callbackq.model import Verification
from callbackq.testing import ManualClock
from callbackq.verifying import PROOF_LIFE_MAX, proof_needed, use_proof

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANN, BOB = "+12125550101", "+12125550102"
THREADS = 32


class Sender:
    """Keeps what was to be sent. Raises what it is told to, after that."""

    def __init__(self) -> None:
        self.sent: list[CodeOrder] = []
        self.fails: Exception | None = None
        self.meanwhile: Callable[[CodeOrder], object] = lambda order: None

    def send(self, order: CodeOrder) -> None:
        self.sent.append(order)
        self.meanwhile(order)
        if self.fails is not None:
            raise self.fails


class Service(CallbackService):
    """A service whose codes can be foretold: 0, 1, 2 …"""

    drawn = 0

    def _draw(self, below: int) -> int:
        self.drawn += 1
        return (self.drawn - 1) % below


class House:
    """A service with its clock and its sender; queue `support` asks the web for proof, `sales` nobody."""

    def __init__(self, store: Store, **verify: Any) -> None:
        self.store, self.clock, self.sender = store, ManualClock(), Sender()
        queues = [
            QueuePolicy(queue="support", calling=None, verify=Verify(**verify)),
            QueuePolicy(queue="sales", calling=None),
        ]
        self.service = Service(store, queues, clock=self.clock, codes=self.sender)

    def proved(self, number: str = ANN, queue: str = "support") -> str:
        """Send a code and enter it; return its id."""
        sent = self.service.send_code(queue, number=number)
        self.service.enter_code(sent.verification_id, code=self.sender.sent[-1].code)
        return sent.verification_id

    def kept(self, verification_id: str) -> Verification:
        """Return what the store has."""
        with self.store.transaction(self.service.tenant_id, commit=Commit.READ_ONLY) as tx:
            return tx.verifications.get(VerificationId(verification_id))

    def wrong(self, verification_id: str, code: str = "999999") -> CodeWrong:
        """Enter a wrong code."""
        with pytest.raises(CodeWrong) as caught:
            self.service.enter_code(verification_id, code=code)
        return caught.value


@pytest.fixture
def house(store: Store) -> House:
    """A house with the defaults."""
    return House(store)


# ---------------------------------------------------------------------------- sent


def test_code_is_sent_to_the_number(house: House) -> None:
    """As its sender is told: number, code, language, until when. The host is told the same, but for the code."""
    sent = house.service.send_code("support", number="(212) 555-0101 ext. 7", language="fr-CA")
    (order,) = house.sender.sent
    assert order == CodeOrder(
        verification_id=sent.verification_id,
        queue=order.queue,
        number=ANN,
        code="000000",
        language="fr-CA",
        expires_at=house.clock.now() + 10 * MINUTE,
    )
    assert (sent.number_masked, sent.code_length, sent.expires_at) == ("+1…01", 6, order.expires_at)
    assert sent.verification_id.startswith("vf_")


def test_code_stands_nowhere(house: House) -> None:
    """Neither code nor number is in the record, nor in what is shown of anything."""
    sent = house.service.send_code("support", number=ANN)
    (order,) = house.sender.sent
    kept = house.kept(sent.verification_id)
    assert kept.code_hash not in {None, order.code}
    shown = f"{sent} {order} {kept}"
    assert ANN not in shown
    assert f"{order.code!r}" not in shown
    assert ANN[1:] not in f"{kept.number_key}{kept.code_hash}"


def test_code_is_known_before_it_arrives(house: House) -> None:
    """It is committed first, and no transaction is open while it is sent: it may be entered at once."""
    house.sender.meanwhile = lambda order: house.service.enter_code(order.verification_id, code=order.code)
    sent = house.service.send_code("support", number=ANN)
    assert house.kept(sent.verification_id).verified_at == house.clock.now()


@pytest.mark.parametrize("length", [4, 10])
def test_policy_says_how_long_a_code_is(store: Store, length: int) -> None:
    """And how long it can be entered."""
    house = House(store, code_length=length, code_life=MINUTE)
    sent = house.service.send_code("support", number=ANN)
    assert (sent.code_length, len(house.sender.sent[0].code)) == (length, length)
    house.clock.advance(MINUTE)
    assert house.wrong(sent.verification_id, house.sender.sent[0].code).tries_left == 0


def test_codes_are_drawn_from_all(store: Store) -> None:
    """The real service draws from the system's own chance: a thousand codes are hardly ever the same."""
    service = CallbackService(store, [], clock=ManualClock())
    drawn = {service._draw(10**6) for _ in range(1_000)}
    assert len(drawn) > 900
    assert all(0 <= one < 10**6 for one in drawn)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("+19005550123", NumberRefused),
        ("anonymous", InvalidNumber),
        ("911", InvalidNumber),
    ],
)
def test_no_code_is_sent_where_nobody_would_be_called(
    house: House, number: str, error: type[InvalidNumber]
) -> None:
    """A premium number would earn by each message."""
    with pytest.raises(error):
        house.service.send_code("support", number=number)
    assert house.sender.sent == []


def test_nobody_learns_by_codes_who_is_a_customer(house: House) -> None:
    """Known, with a callback, opted out, erased, or never heard of: a code is sent, and what is said is the same."""
    known, gone, nobody = "+12125550111", "+12125550112", "+12125550113"
    house.service.request("sales", number=known)
    house.service.opt_out(known)
    house.service.request("sales", number=gone)
    house.service.erase(number=gone)
    told = [house.service.send_code("support", number=number) for number in (known, gone, nobody)]
    assert {(one.code_length, one.expires_at) for one in told} == {(6, house.clock.now() + 10 * MINUTE)}
    assert [order.number for order in house.sender.sent] == [known, gone, nobody]
    wrong = [str(house.wrong(one.verification_id, "999999")) for one in told]
    assert len(set(wrong)) == 1


def test_what_is_wrong_is_not_sent(house: House) -> None:
    """An unknown queue, or a language that is none."""
    with pytest.raises(UnknownQueue):
        house.service.send_code("nowhere", number=ANN)
    with pytest.raises(InvalidText):
        house.service.send_code("support", number=ANN, language="x" * 36)
    assert house.sender.sent == []


def test_service_without_a_sender_says_so(store: Store) -> None:
    """It cannot send codes."""
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    with pytest.raises(ConfigurationError, match="a CodeSender"):
        service.send_code("support", number=ANN)


def test_codes_to_one_number_are_limited(house: House) -> None:
    """Over all queues; the fourth within an hour is refused, whatever the spelling. Other numbers are free."""
    start = house.clock.now()
    for queue in ("support", "sales", "support"):
        house.service.send_code(queue, number=ANN)
        house.clock.advance(MINUTE)
    with pytest.raises(TooManyRequests) as caught:
        house.service.send_code("sales", number="(212) 555-0101 ext. 3")
    assert (caught.value.limit, caught.value.again_at) == ("codes_max", start + HOUR)
    house.service.send_code("support", number=BOB)
    house.clock.move_to(start + HOUR)
    house.service.send_code("support", number=ANN)


def test_code_that_was_not_sent_is_void(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What the sender raised is the cause, and shows no number; another code may be asked for."""
    house.sender.fails = TimeoutError("gateway")
    with pytest.raises(CodeNotSent, match="TimeoutError") as caught:
        house.service.send_code("support", number=ANN)
    assert caught.value.__cause__ is house.sender.fails
    assert ANN not in str(caught.value)
    (order,) = house.sender.sent
    assert house.kept(order.verification_id).code_hash is None
    assert house.wrong(order.verification_id, order.code).tries_left == 0
    assert caplog.records == []
    house.sender.fails = None
    assert house.proved()


def test_store_that_fails_meanwhile_hides_nothing(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code cannot be made void: that is logged, and the host is told all the same that it was not sent."""

    def fails(*_args: object, **_kwargs: object) -> None:
        raise StoreUnavailable("gone")

    def breaks(_order: CodeOrder) -> None:
        monkeypatch.setattr(house.service, "_run", fails)

    house.sender.meanwhile, house.sender.fails = breaks, TimeoutError("gateway")
    with pytest.raises(CodeNotSent):
        house.service.send_code("support", number=ANN)
    assert [record.getMessage() for record in caplog.records] == [
        f"code {house.sender.sent[0].verification_id} is not void: StoreUnavailable"
    ]


# ---------------------------------------------------------------------------- entered


def test_right_code_is_taken(house: House) -> None:
    """As people type it; and again, for a reply may be lost."""
    sent = house.service.send_code("support", number=ANN)
    house.service.enter_code(sent.verification_id, code=" 000-000 ")
    version = house.kept(sent.verification_id).version
    house.service.enter_code(sent.verification_id, code="000000")
    assert house.kept(sent.verification_id).version == version


def test_wrong_codes_are_counted_for_good(house: House) -> None:
    """Each is durable before the host is told; after the third the right one is of no use."""
    sent = house.service.send_code("support", number=ANN)
    for left in (2, 1, 0):
        assert house.wrong(sent.verification_id).tries_left == left
        assert house.kept(sent.verification_id).tries_count == 3 - left
    assert house.kept(sent.verification_id).code_hash is None
    assert house.wrong(sent.verification_id, "000000").tries_left == 0
    assert house.kept(sent.verification_id).tries_count == 3


def test_code_of_another_one_is_wrong(house: House) -> None:
    """Each id has its own code."""
    first = house.service.send_code("support", number=ANN)
    house.service.send_code("support", number=ANN)
    house.wrong(first.verification_id, house.sender.sent[1].code)


def test_late_code_is_not_counted(house: House) -> None:
    """It is over, and nothing is written."""
    sent = house.service.send_code("support", number=ANN)
    house.clock.advance(10 * MINUTE)
    told = house.wrong(sent.verification_id, "000000")
    assert told.tries_left == 0
    assert "too late" in str(told)
    assert house.kept(sent.verification_id).version == 1


def test_ids_that_are_none(house: House) -> None:
    """Unknown ones, and what can be none; a code that is no text is not counted."""
    with pytest.raises(VerificationNotFound):
        house.service.enter_code("vf_none", code="000000")
    sent = house.service.send_code("support", number=ANN)
    wrong: Any
    for wrong in (0, None, b"000000"):
        with pytest.raises(InvalidText):
            house.service.enter_code(sent.verification_id, code=wrong)
    with pytest.raises(InvalidText):
        house.service.enter_code("", code="000000")
    assert house.kept(sent.verification_id).tries_count == 0


def test_code_of_a_queue_that_is_gone(house: House) -> None:
    """It can be entered all the same, by the defaults."""
    sent = house.service.send_code("support", number=ANN)
    left = Service(house.store, [], clock=house.clock)
    left.enter_code(sent.verification_id, code="000000")
    assert house.kept(sent.verification_id).verified_at == house.clock.now()


def test_other_tenants_know_no_code(house: House) -> None:
    """Not even by its id."""
    sent = house.service.send_code("support", number=ANN)
    other = Service(house.store, [], clock=house.clock, tenant_id="acme")
    with pytest.raises(VerificationNotFound):
        other.enter_code(sent.verification_id, code="000000")


# ---------------------------------------------------------------------------- used


def test_who_must_prove() -> None:
    """On the channels that the policy names, and where a number is typed, if it says so; nobody without one."""
    web = QueuePolicy(queue="support", verify=Verify())
    both = QueuePolicy(queue="support", verify=Verify(channels={Channel.WEB}, typed=True))
    none = QueuePolicy(queue="support")
    table = [
        (web, Channel.WEB, False, True),
        (web, Channel.IN_QUEUE, False, False),
        (web, Channel.IN_QUEUE, True, False),
        (both, Channel.IN_QUEUE, True, True),
        (both, Channel.IN_QUEUE, False, False),
        (none, Channel.WEB, True, False),
    ]
    for policy, channel, is_typed, expected in table:
        assert proof_needed(policy, channel=channel, is_typed=is_typed) is expected


def test_request_needs_proof(house: House) -> None:
    """With it the callback is promised; the record says for which."""
    with pytest.raises(NotVerified, match="must be proved"):
        house.service.request("support", number=ANN)
    proof = house.proved()
    receipt = house.service.request("support", number=ANN, verification_id=proof)
    kept = house.kept(proof)
    assert (kept.callback_id, kept.used_at, kept.code_hash) == (
        receipt.callback_id,
        house.clock.now(),
        None,
    )


def test_queue_without_proof_promises_without(house: House) -> None:
    """And takes a proof where one is given."""
    house.service.request("sales", number=ANN)
    house.service.request("sales", number=BOB, verification_id=house.proved(BOB, "sales"))


def test_proof_serves_once(house: House) -> None:
    """The second request needs another one."""
    proof = house.proved()
    house.service.cancel(house.service.request("support", number=ANN, verification_id=proof).callback_id)
    with pytest.raises(NotVerified, match="used for another request"):
        house.service.request("support", number=ANN, verification_id=proof)


def test_same_request_needs_its_proof_once(house: House) -> None:
    """A reply was lost: the same request key gives the same receipt."""
    proof = house.proved()
    first = house.service.request("support", number=ANN, verification_id=proof, request_key="once")
    again = house.service.request("support", number=ANN, verification_id=proof, request_key="once")
    assert again == first


def test_request_that_is_refused_uses_nothing(house: House) -> None:
    """What was proved can be used for the next one."""
    made = house.service.request("support", number=ANN, verification_id=house.proved())
    proof = house.proved()
    with pytest.raises(DuplicateCallback):
        house.service.request("support", number=ANN, verification_id=proof)
    house.service.cancel(made.callback_id)
    house.service.request("support", number=ANN, verification_id=proof)


def test_proof_outlives_its_code(store: Store) -> None:
    """Codes that are over are forgotten once no proof can be made of them; not when they cannot be entered any more."""
    house = House(store, code_life=MINUTE, proof_life=24 * HOUR)
    proof, other = house.proved(), house.proved(BOB)
    house.clock.advance(24 * HOUR)
    house.service.prune(personal_life=24 * HOUR)
    house.service.request("support", number=ANN, verification_id=proof)
    house.clock.advance(2 * MINUTE)
    house.service.prune(personal_life=24 * HOUR)
    with pytest.raises(VerificationNotFound):
        house.kept(other)


def test_why_a_proof_does_not_serve(house: House) -> None:
    """Unknown, another number's, not entered, too old: each has its own words, and nothing is stored."""
    sent = house.service.send_code("support", number=ANN)
    others = house.proved(BOB)
    table = [
        (None, "must be proved"),
        ("vf_none", "no such code"),
        (sent.verification_id, "not entered yet"),
        (others, "another number"),
    ]
    for proof, said in table:
        with pytest.raises(NotVerified, match=said):
            house.service.request("support", number=ANN, verification_id=proof)
    house.service.enter_code(sent.verification_id, code="000000")
    house.clock.advance(30 * MINUTE + timedelta(microseconds=1))
    with pytest.raises(NotVerified, match="too long ago"):
        house.service.request("support", number=ANN, verification_id=sent.verification_id)
    assert house.kept(others).used_at is None
    house.clock.advance(HOUR)
    house.service.request("support", number=ANN, verification_id=house.proved())


# ---------------------------------------------------------------------------- many at once


def at_once(work: Callable[[int], object]) -> Counter[str]:
    """Let many threads do it at once, again where somebody else was first; count how it came out."""
    together = Barrier(THREADS)
    outcomes: list[str] = []

    def run(who: int) -> None:
        together.wait()
        while True:
            try:
                work(who)
            except Conflict:
                continue
            except Exception as error:
                outcomes.append(type(error).__name__)
            else:
                outcomes.append("done")
            return

    threads = [Thread(target=run, args=(who,)) for who in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(outcomes)


def test_right_code_at_once_is_one_proof(house: House) -> None:
    """Thirty-two times the right code proves once, and serves one request."""
    sent = house.service.send_code("support", number=ANN)
    assert at_once(lambda _: house.service.enter_code(sent.verification_id, code="000000")) == {
        "done": THREADS
    }
    assert house.kept(sent.verification_id).version == 2


def test_wrong_codes_at_once_are_all_counted(house: House) -> None:
    """Of thirty-two guesses three are looked at; the right one comes too late if it is not among them."""
    sent = house.service.send_code("support", number=ANN)
    outcomes = at_once(lambda who: house.service.enter_code(sent.verification_id, code=f"{who + 1:06d}"))
    assert outcomes == {"CodeWrong": THREADS}
    kept = house.kept(sent.verification_id)
    assert (kept.tries_count, kept.code_hash) == (3, None)
    house.wrong(sent.verification_id, "000000")


def test_proof_at_once_serves_one_request(house: House) -> None:
    """Thirty-two transactions use one proof: one of them has it, and one callback is named in the record."""
    proof = VerificationId(house.proved())
    key, policy = house.kept(proof).number_key, house.service.policies[QueueName("support")]

    def use(who: int) -> None:
        house.service._run(
            Commit.FLUSHED,
            lambda tx, now: use_proof(
                tx, proof, number_key=key, callback_id=f"cb_{who}", policy=policy, now=now
            ),
        )

    assert at_once(use) == {"done": 1, "NotVerified": THREADS - 1}


def test_requests_at_once_with_one_proof(house: House) -> None:
    """One number, one proof, many requests: one callback."""
    proof = house.proved()
    outcomes = at_once(
        lambda who: house.service.request("support", number=ANN, verification_id=proof, request_key=str(who))
    )
    assert outcomes["done"] == 1
    assert set(outcomes) <= {"done", "NotVerified", "DuplicateCallback"}
    assert house.kept(proof).used_at is not None


def test_longest_proof_is_known() -> None:
    """What the policy allows is what is kept."""
    assert Verify(proof_life=PROOF_LIFE_MAX).proof_life == PROOF_LIFE_MAX
    with pytest.raises(ConfigurationError):
        Verify(proof_life=PROOF_LIFE_MAX + MINUTE)


def test_codes_at_once_are_limited(store: Store) -> None:
    """Thirty-two wishes for a code: five are sent."""
    house = House(store, codes_max=Limit(5, HOUR))
    outcomes = at_once(lambda _: house.service.send_code("support", number=ANN))
    assert outcomes == {"done": 5, "TooManyRequests": THREADS - 5}
    assert len(house.sender.sent) == 5
