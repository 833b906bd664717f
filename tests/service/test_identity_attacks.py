"""What a hostile host, or an unlucky one, does with persons, numbers and duplicates: no promise is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackState,
    CalledIn,
    CallForbidden,
    Channel,
    CodeOrder,
    Disposition,
    DuplicateCallback,
    Duplicates,
    DuplicateScope,
    FixedSeats,
    HoldReason,
    NotVerified,
    NumberChoice,
    NumberNeeded,
    Outcome,
    Person,
    Purpose,
    QueuePolicy,
    RequestKeyReused,
    RetryRule,
    SlotPolicy,
    SlotUnavailable,
    Store,
    Verify,
)
from callbackq.testing import Behaviour, VirtualHost
from callbackq.testing.telephony import IS_BUSY, NEVER_ANSWERS
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND, subject_of, whom

Maker = Callable[..., VirtualHost]
RULES = [Duplicates.REFUSE, Duplicates.MERGE, Duplicates.REPLACE, Duplicates.ASK]


def customers(host: VirtualHost) -> list[str]:
    """Return the numbers that were dialed, in order."""
    return [who for who in whom(host) if who.startswith("+")]


def held_for_a_wrong_number(host: VirtualHost, **who: Any) -> str:
    """Let somebody else answer at BOB, of whom there is no other number."""
    host.service.agent_available("ann", queues=["support", "sales"])
    host.telephony.person(BOB, Behaviour(answers_after=SECOND))
    callback_id = host.service.request("support", number=BOB, **who).callback_id
    host.run_for(10 * SECOND)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.run_for(5 * MINUTE)
    assert host.service.get(callback_id).hold_reason is HoldReason.WRONG_NUMBER
    return callback_id


# ---------------------------------------------------------------------------- what nobody asked for


@pytest.mark.parametrize("rule", RULES)
def test_an_event_takes_nobodys_chosen_time(make_host: Maker, rule: Duplicates) -> None:
    """B5, J1: who has a callback already keeps it as it is, whatever the rule for those who ask."""
    host = make_host(duplicates=rule)
    chosen = host.service.request("support", number=BOB, scheduled_at=host.clock.now() + 3 * HOUR)
    before = host.service.get(chosen.callback_id)
    done = host.service.request_many(
        "support", people=[Person(number=BOB), Person(number=EVE)], event_key="outage"
    )
    assert (sorted(done.receipts), type(done.refused[0])) == ([1], DuplicateCallback)
    assert host.service.get(chosen.callback_id) == before


@pytest.mark.parametrize("rule", RULES)
def test_hanging_up_takes_nobodys_chosen_time(make_host: Maker, rule: Duplicates) -> None:
    """B6, J1: a caller who gives up has not asked for another time."""
    host = make_host(duplicates=rule, called_in=CalledIn.TELL, abandoned_wait_min=10 * SECOND)
    chosen = host.service.request("support", number=BOB, scheduled_at=host.clock.now() + 3 * HOUR)
    host.service.call_joined("support", call_id="bob", number=BOB)
    host.run_for(MINUTE)
    assert host.service.call_left("bob").callback_id is None
    assert host.service.get(chosen.callback_id).state is CallbackState.SCHEDULED


# ---------------------------------------------------------------------------- held for a wrong number


@pytest.mark.parametrize("rule", RULES)
def test_who_asks_again_with_the_right_number_is_called_there(make_host: Maker, rule: Duplicates) -> None:
    """C9, J1: the callback that waits for another number has it now, and is not left to expire."""
    host = make_host(duplicates=rule)
    held = held_for_a_wrong_number(host, customer_id="c-1")
    receipt = host.service.request("support", number=EVE, customer_id="c-1", request_key="again")
    assert receipt.number_masked == "+1…02"
    assert host.service.request("support", number=EVE, customer_id="c-1", request_key="again") == receipt
    host.run_for(10 * MINUTE)
    assert host.service.get(receipt.callback_id).outcome is Outcome.COMPLETED
    assert host.service.get(held).ended_at is not None
    assert [who for who in whom(host) if who.startswith("+")] == [BOB, EVE]


def test_a_number_that_is_right_is_right_for_the_other_queue_too(make_host: Maker) -> None:
    """C9: a callback of the person in another queue waits no longer."""
    host = make_host()
    held = held_for_a_wrong_number(host, customer_id="c-1")
    host.service.request("sales", number=EVE, customer_id="c-1")
    assert host.service.get(held).state is CallbackState.WAITING


def test_an_event_with_the_wrong_number_corrects_nothing(make_host: Maker) -> None:
    """C9: the business does not know better than who answered there."""
    host = make_host()
    held = held_for_a_wrong_number(host)
    host.service.request_many("sales", people=[Person(number=BOB)], event_key="outage")
    assert host.service.get(held).hold_reason is HoldReason.WRONG_NUMBER


# ---------------------------------------------------------------------------- what a merge keeps


def test_who_is_merged_lives_as_long_as_the_new_promise(make_host: Maker) -> None:
    """J1, D11: the older one would expire a minute after it was asked for again."""
    host = make_host(duplicates=Duplicates.MERGE)
    first = host.service.request("support", number=BOB)
    host.clock.advance(24 * HOUR - MINUTE)
    again = host.service.request("support", number=BOB)
    assert again.callback_id == first.callback_id
    assert again.expires_at == host.clock.now() + 24 * HOUR
    host.service.agent_available("ann", queues=["support"])
    host.run_for(HOUR)
    assert host.service.get(first.callback_id).outcome is Outcome.COMPLETED


def test_who_asks_themselves_is_not_taken_for_somebody_who_was_only_to_be_called(make_host: Maker) -> None:
    """J1, K2: an agent's follow-up, an opt-out, and then the customer's own wish: it is kept."""
    host = make_host(duplicates=Duplicates.MERGE)
    follow_up = host.service.request("support", number=BOB, owner="uma", ticket_id="T-1")
    host.clock.advance(MINUTE)
    host.service.opt_out(BOB)
    host.clock.advance(MINUTE)
    asked = host.service.request("support", number=BOB, consent_ref="form v3")
    kept = host.service.get(asked.callback_id)
    assert (kept.callback_id, kept.purpose, kept.consent_at, kept.consent_ref, kept.ticket_id) == (
        follow_up.callback_id,
        Purpose.REQUESTED,
        host.clock.now(),
        "form v3",
        "T-1",
    )
    host.service.agent_available("ann", queues=["support"])
    host.run_for(MINUTE)
    assert host.service.get(asked.callback_id).outcome is Outcome.COMPLETED


def test_a_follow_up_that_is_merged_takes_no_consent_away(make_host: Maker) -> None:
    """J1, K2: the other way round: what the customer asked for stays asked for."""
    host = make_host(duplicates=Duplicates.MERGE)
    asked = host.service.request("support", number=BOB, consent_ref="form v3")
    host.clock.advance(MINUTE)
    host.service.request("support", number=BOB, owner="uma")
    kept = host.service.get(asked.callback_id)
    assert (kept.purpose, kept.consent_ref) == (Purpose.REQUESTED, "form v3")


def test_who_asks_while_a_rest_goes_on_is_called_in_turn(make_host: Maker) -> None:
    """J1, G3: the one that rests is merged into the one in line, which has its place."""
    host = make_host(duplicates=Duplicates.MERGE)
    host.service.agent_available("ann", queues=["support"])
    host.telephony.person(BOB, IS_BUSY)
    first = host.service.request("support", number=BOB)
    host.run_for(10 * SECOND)
    resting = host.service.get(first.callback_id)
    assert resting.state is CallbackState.RESTING
    host.service.agent_unavailable("ann")
    host.service.request("support", number=EVE)
    again = host.service.request("support", number=BOB)
    kept = host.service.get(again.callback_id)
    assert (kept.state, kept.ranked_at) == (CallbackState.WAITING, resting.ranked_at)
    assert host.service.get(first.callback_id).merged_into_id == kept.callback_id
    assert host.service.position(kept.callback_id).number == 1


def test_the_number_that_was_just_given_is_the_one_that_is_called(make_host: Maker) -> None:
    """J1, C6: not the alternative that was next for the older one."""
    host = make_host(duplicates=Duplicates.MERGE)
    host.service.agent_available("ann", queues=["support"])
    first = host.service.request("support", number=BOB, alternatives=[EVE], customer_id="c-1")
    host.run_for(10 * SECOND)
    host.service.set_disposition(first.callback_id, Disposition.WRONG_PERSON, by="ann")
    host.service.agent_unavailable("ann")
    host.run_for(10 * MINUTE)
    before = host.service.get(first.callback_id)
    assert (before.state, before.number_index) == (CallbackState.WAITING, 1)
    host.service.request("support", number=DAN, customer_id="c-1")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(MINUTE)
    assert customers(host) == [BOB, DAN]


def test_a_seat_that_was_taken_for_nothing_is_free_again(make_host: Maker) -> None:
    """J1, H9: merged into the one that has a time already, whose booking stays as it is."""
    host = make_host(duplicates=Duplicates.MERGE, slots=SlotPolicy(seats=FixedSeats(seats=1)))
    at = host.clock.now() + HOUR
    first = host.service.request("support", number=BOB, scheduled_at=at)
    other = host.service.request("support", number=BOB, scheduled_at=at + HOUR)
    assert (other.callback_id, other.booking_id) == (first.callback_id, first.booking_id)
    assert host.service.request("support", number=EVE, scheduled_at=at + HOUR).booking_id is not None


def test_a_second_callback_that_was_allowed_is_asked_about_too(make_host: Maker) -> None:
    """J1: also when the first one is over; and what takes it up stands in the way of others."""
    host = make_host(duplicates=Duplicates.ASK)
    first = host.service.request("support", number=BOB)
    second = host.service.request("support", number=BOB, on_duplicate=Duplicates.ALLOW)
    host.service.cancel(first.callback_id)
    with pytest.raises(DuplicateCallback) as caught:
        host.service.request("support", number=BOB)
    assert caught.value.existing_id == second.callback_id
    merged = host.service.request("support", number=BOB, on_duplicate=Duplicates.MERGE)
    assert merged.callback_id == second.callback_id
    assert host.service.get(second.callback_id).dedup_key is not None


def test_a_second_callback_is_asked_about_in_every_queue_with_the_setting(store: Store) -> None:
    """J2: and not in one that counts for itself."""
    fields: dict[str, Any] = {"duplicates": Duplicates.ASK, "calling": None}
    everywhere = {**fields, "duplicates_over": DuplicateScope.EVERYWHERE}
    host = VirtualHost(
        store,
        [
            QueuePolicy(queue="support", **everywhere),
            QueuePolicy(queue="sales", **everywhere),
            QueuePolicy(queue="jobs", **fields),
        ],
    )
    host.service.request("jobs", number=BOB)
    first = host.service.request("support", number=BOB)
    second = host.service.request("sales", number=BOB, on_duplicate=Duplicates.ALLOW)
    host.service.cancel(first.callback_id)
    with pytest.raises(DuplicateCallback) as caught:
        host.service.request("support", number=BOB)
    assert caught.value.existing_id == second.callback_id


# ---------------------------------------------------------------------------- the same request again


def test_a_key_follows_from_merge_to_merge(make_host: Maker) -> None:
    """B8, J1: the receipt is of the one that goes on, however many took over."""
    host = make_host(duplicates=Duplicates.MERGE, slots=SlotPolicy(seats=FixedSeats(seats=5)))
    at = host.clock.now() + 3 * HOUR
    host.service.request("support", number=BOB, scheduled_at=at, request_key="one")
    second = host.service.request("support", number=BOB)
    host.service.reschedule(second.callback_id, scheduled_at=at)
    third = host.service.request("support", number=BOB)
    assert host.service.request("support", number=BOB, request_key="one") == third


def test_a_key_outlives_a_change_of_the_number(make_host: Maker) -> None:
    """B8, C10: a proxy that sends the form again does not know of it."""
    host = make_host()
    first = host.service.request("support", number=BOB, request_key="form-1")
    host.service.change_number(first.callback_id, EVE)
    assert host.service.request("support", number=BOB, request_key="form-1").callback_id == first.callback_id


def test_a_key_outlives_a_login(make_host: Maker) -> None:
    """B8, J2: the same form, sent again when the visitor is known by name; by another number it is another form."""
    host = make_host()
    first = host.service.request("support", number=BOB, request_key="form-1")
    assert host.service.request("support", number=BOB, customer_id="c-1", request_key="form-1") == first
    for other in ({"number": EVE, "customer_id": "c-1"}, {"customer_id": "c-1"}):
        with pytest.raises(
            RequestKeyReused, match="customer or number; allowed: the same request, or another"
        ):
            host.service.request("support", request_key="form-1", **other)


# ---------------------------------------------------------------------------- another number


def test_the_main_number_is_no_alternative(make_host: Maker, store: Store) -> None:
    """C6: it is not tried twice in a row, whichever way it became the main one."""
    host = make_host()
    first = host.service.request("support", number=BOB, alternatives=[EVE, DAN])
    host.service.change_number(first.callback_id, EVE)
    person = subject_of(host, store, first.callback_id)
    assert (person.number, person.alternatives) == (EVE, (DAN,))
    host.service.call_joined("support", call_id="kim", number=KIM)
    other = host.service.request("support", call_id="kim", alternatives=[KIM, DAN])
    assert subject_of(host, store, other.callback_id).alternatives == (DAN,)
    known = host.service.request("sales", number=DAN, customer_id="c-1").callback_id
    host.service.cancel(known)
    again = host.service.request("sales", number=BOB, customer_id="c-1", alternatives=[DAN])
    person = subject_of(host, store, again.callback_id)
    assert (person.number, person.alternatives) == (BOB, (DAN,))


class Phones:
    """Keeps the codes that were sent, as the phones of their owners would."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def send(self, order: CodeOrder) -> None:
        """Keep it."""
        self.codes.append(order.code)


def test_a_proof_is_not_got_round_by_changing_the_number(store: Store) -> None:
    """C7, C10: one's own number is proved, and the victim's is not; a colleague who changes it is believed."""
    phones = Phones()
    policy = QueuePolicy(queue="support", verify=Verify(channels={Channel.WEB}), calling=None)
    host = VirtualHost(store, [policy], codes=phones)

    def proof(number: str) -> str:
        sent = host.service.send_code("support", number=number).verification_id
        host.service.enter_code(sent, code=phones.codes[-1])
        return sent

    made = host.service.request("support", number=BOB, verification_id=proof(BOB))
    for wrong in (None, proof(DAN)):
        with pytest.raises(NotVerified):
            host.service.change_number(made.callback_id, EVE, verification_id=wrong)
    assert subject_of(host, store, made.callback_id).number == BOB
    host.service.change_number(made.callback_id, EVE, verification_id=proof(EVE))
    assert subject_of(host, store, made.callback_id).number == EVE
    host.service.change_number(made.callback_id, KIM, by="uma")
    assert subject_of(host, store, made.callback_id).number == KIM


def test_a_number_is_not_changed_to_one_that_wants_no_calls(make_host: Maker, store: Store) -> None:
    """K2, C10: the promise would end at its turn: the old number stays, and the customer hears why."""
    host = make_host()
    made = host.service.request("support", number=BOB)
    host.clock.advance(MINUTE)
    host.service.opt_out(EVE)
    with pytest.raises(CallForbidden, match="opted out"):
        host.service.change_number(made.callback_id, EVE)
    assert subject_of(host, store, made.callback_id).number == BOB
    host.service.opt_in(EVE)
    host.service.change_number(made.callback_id, EVE)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(MINUTE)
    assert [who for who in whom(host) if who.startswith("+")] == [EVE]


# ---------------------------------------------------------------------------- on the line


def test_an_ivr_asks_the_caller_which_of_the_two(make_host: Maker) -> None:
    """J1, A12: the spoken answer has the choices, and the choice can be said."""
    host = make_host(duplicates=Duplicates.ASK, called_in=CalledIn.TELL)
    first = host.service.request("support", number=BOB, customer_id="c-1")
    host.service.call_joined("support", call_id="one", number=DAN)
    answer = host.service.request_spoken("support", call_id="one", number=DAN, customer_id="c-1")
    assert isinstance(answer.error, DuplicateCallback)
    assert answer.error.choices == ("merge", "replace", "allow")
    again = host.service.request_spoken(
        "support", call_id="one", number=DAN, customer_id="c-1", on_duplicate=Duplicates.MERGE
    )
    assert again.receipt is not None
    assert again.receipt.callback_id == first.callback_id


def test_an_ivr_says_who_calls_and_how_the_number_was_proved(store: Store) -> None:
    """C5, C7, J2: every argument means what it does in `request`."""
    phones = Phones()
    policy = QueuePolicy(queue="support", verify=Verify(typed=True), calling=None)
    host = VirtualHost(store, [policy], codes=phones)
    host.service.call_joined("support", call_id="one", number=BOB)
    sent = host.service.send_code("support", number=EVE).verification_id
    host.service.enter_code(sent, code=phones.codes[-1])
    refused = host.service.request_spoken("support", call_id="one", number=EVE)
    assert isinstance(refused.error, NotVerified)
    answer = host.service.request_spoken(
        "support", call_id="one", number=EVE, verification_id=sent, customer_id="c-1", tier="gold"
    )
    assert answer.receipt is not None
    person = subject_of(host, store, answer.receipt.callback_id)
    assert (person.customer_id, person.tier, person.number) == ("c-1", "gold", EVE)


def test_who_was_erased_while_on_the_line_is_asked_for_a_number(make_host: Maker) -> None:
    """K5, C8: nothing is left to be called at, and the caller keeps the place."""
    host = make_host()
    host.service.call_joined("support", call_id="one", number=BOB, customer_id="c-1")
    host.service.erase(number=BOB)
    answer = host.service.request_spoken("support", call_id="one")
    assert answer.receipt is None
    again = host.service.request_spoken("support", call_id="one", number=BOB)
    assert again.receipt is not None
    assert again.receipt.entered_at == host.clock.now()


def test_a_line_that_is_erased_in_mid_call_makes_no_callback(make_host: Maker) -> None:
    """K5, B6: hanging up afterwards promises nothing to nobody."""
    host = make_host(abandoned_wait_min=timedelta(seconds=1))
    host.service.call_joined("support", call_id="one", number=BOB)
    host.clock.advance(MINUTE)
    host.service.erase(number=BOB)
    assert host.service.call_left("one").callback_id is None


def test_the_last_seat_is_kept_for_who_has_it(make_host: Maker) -> None:
    """J1, H3: the same time again, for another reason: the seat that is given up is the one that is taken."""
    host = make_host(duplicates=Duplicates.REPLACE, slots=SlotPolicy(seats=FixedSeats(seats=1)))
    at = host.clock.now() + HOUR
    first = host.service.request("support", number=BOB, scheduled_at=at)
    again = host.service.request("support", number=BOB, scheduled_at=at, context={"topic": "another"})
    assert host.service.get(first.callback_id).outcome is Outcome.REPLACED
    assert again.booking_id != first.booking_id
    host.service.request("support", number=EVE, scheduled_at=at + HOUR)
    before = host.service.get(again.callback_id)
    with pytest.raises(SlotUnavailable):
        host.service.request("support", number=BOB, scheduled_at=at + HOUR)
    assert host.service.get(again.callback_id) == before


def test_a_callback_that_is_replaced_is_followed_whatever_came_before(make_host: Maker) -> None:
    """J1, J4: the link is to the one whose place was given up, also of one person with many."""
    host = make_host(duplicates=Duplicates.REPLACE)
    old = host.service.request("support", number=BOB)
    for _ in range(6):
        host.clock.advance(MINUTE)
        host.service.cancel(host.service.request("sales", number=BOB).callback_id)
    new = host.service.request("support", number=BOB)
    assert host.service.get(new.callback_id).follows_id == old.callback_id


def test_the_caller_id_is_no_typed_number_whichever_was_called_last(store: Store) -> None:
    """C1, C7: who says the number that they call from is not asked for a code."""
    host = VirtualHost(store, [QueuePolicy(queue="support", verify=Verify(typed=True), calling=None)])
    for number in (BOB, EVE):
        made = host.service.request("support", number=number, customer_id="c-1", channel=Channel.MESSAGE)
        host.service.cancel(made.callback_id)
    host.service.call_joined("support", call_id="one", number=BOB)
    with pytest.raises(NotVerified):
        host.service.request("support", call_id="one", number=DAN, customer_id="c-1")
    receipt = host.service.request("support", call_id="one", number=BOB)
    assert subject_of(host, store, receipt.callback_id).number == BOB


def test_a_customer_whose_only_number_is_wrong_is_asked_for_another(make_host: Maker) -> None:
    """C9, B10: a login says who asks, and not that the number is theirs: nobody else's phone rings again."""
    host = make_host(duplicates=Duplicates.ALLOW)
    held = held_for_a_wrong_number(host, customer_id="c-1")
    with pytest.raises(NumberNeeded):
        host.service.request("support", customer_id="c-1")
    with_other = host.service.request("support", customer_id="c-1", alternatives=[EVE])
    assert host.service.get(held).hold_reason is HoldReason.WRONG_NUMBER
    host.run_for(10 * MINUTE)
    assert host.service.get(with_other.callback_id).outcome is Outcome.COMPLETED
    assert customers(host) == [BOB, EVE]


@pytest.mark.parametrize(
    "again", [{"people": [Person(number=BOB)]}, {"people": [Person(number=EVE, customer_id="c-1")]}]
)
def test_an_event_takes_up_what_is_held_only_with_a_number_that_is_new(make_host: Maker, again: Any) -> None:
    """C9, B5: an alternative was wrong, and all attempts are used up: the business gives no more of them by itself."""
    rule = RetryRule(retries_max=1, rest=MINUTE, number=NumberChoice.NEXT)
    host = make_host(retry_rules={Disposition.NO_ANSWER: rule})
    host.service.agent_available("ann", queues=["support"])
    host.telephony.person(BOB, NEVER_ANSWERS)
    first = host.service.request("support", number=BOB, alternatives=[DAN], customer_id="c-1").callback_id
    host.run_for(5 * MINUTE)
    host.service.set_disposition(first, Disposition.WRONG_PERSON, by="ann")
    host.run_for(10 * MINUTE)
    assert host.service.get(first).hold_reason is HoldReason.WRONG_NUMBER
    host.service.request_many("sales", event_key="outage", **again)
    after = host.service.get(first)
    assert (after.state is CallbackState.WAITING) is (again["people"][0].number == EVE)


def test_who_has_not_proved_a_number_does_not_hear_what_its_owner_has(store: Store) -> None:
    """C7, J1: a form is no way to ask who waits for a callback; a proof that led to nothing serves again."""
    phones = Phones()
    policy = QueuePolicy(queue="support", verify=Verify(channels={Channel.WEB}), calling=None)
    host = VirtualHost(store, [policy], codes=phones)
    made = host.service.request("support", number=BOB, channel=Channel.MESSAGE)
    with pytest.raises(NotVerified):
        host.service.request("support", number=BOB)
    sent = host.service.send_code("support", number=BOB).verification_id
    host.service.enter_code(sent, code=phones.codes[-1])
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB, verification_id=sent)
    host.service.cancel(made.callback_id)
    assert host.service.request("support", number=BOB, verification_id=sent).queue == "support"
