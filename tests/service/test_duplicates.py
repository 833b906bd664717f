"""J1, J2, J4: a person who has a callback already asks for one more. Every rule, on every store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CalledIn,
    Channel,
    DuplicateCallback,
    Duplicates,
    DuplicateScope,
    InvalidText,
    Mode,
    NotPossibleNow,
    Outcome,
    QueuePolicy,
    RequestKeyReused,
    Store,
)
from callbackq.testing import Behaviour, VirtualHost
from service.scenes import BOB, EVE, HOUR, MINUTE, SECOND, kinds, subject_of, whom

Maker = Callable[..., VirtualHost]


def two_queues(store: Store, rule: Duplicates, **more: Any) -> VirtualHost:
    """Return a host whose two queues share one rule, over both of them."""
    fields: dict[str, Any] = {
        "duplicates": rule,
        "duplicates_over": DuplicateScope.EVERYWHERE,
        "calling": None,
        **more,
    }
    return VirtualHost(store, [QueuePolicy(queue="support", **fields), QueuePolicy(queue="sales", **fields)])


# ---------------------------------------------------------------------------- refuse


@pytest.mark.parametrize(
    "spelling", ["+12125550101", "(212) 555-0101", "tel:+1-212-555-0101", "1 212 555 0101"]
)
def test_another_spelling_of_the_number_is_the_same_person(make_host: Maker, spelling: str) -> None:
    """J2: the number is what counts, not how it is written, nor by which channel."""
    host = make_host()
    first = host.service.request("support", number=BOB)
    with pytest.raises(DuplicateCallback) as caught:
        host.service.request("support", number=spelling, channel=Channel.MESSAGE)
    assert caught.value.existing_id == first.callback_id
    assert caught.value.choices == ()


def test_a_duplicate_in_another_queue_is_none_unless_the_policy_says_so(make_host: Maker) -> None:
    """J1: by queue, by default."""
    host = make_host()
    host.service.request("support", number=BOB)
    assert host.service.request("sales", number=BOB).queue == "sales"


def test_one_callback_of_a_person_over_all_queues(store: Store) -> None:
    """J2: where the policies say so, and until that one has ended."""
    host = two_queues(store, Duplicates.REFUSE)
    first = host.service.request("support", number=BOB)
    with pytest.raises(DuplicateCallback) as caught:
        host.service.request("sales", number=BOB)
    assert caught.value.existing_id == first.callback_id
    host.service.request("sales", number=EVE)
    host.service.cancel(first.callback_id)
    assert host.service.request("sales", number=BOB).queue == "sales"


def test_a_callback_that_is_moved_keeps_others_away_everywhere(store: Store) -> None:
    """J2, D12: moving it changes nothing about who has one."""
    host = two_queues(store, Duplicates.REFUSE)
    first = host.service.request("support", number=BOB)
    host.service.move(first.callback_id, queue="sales")
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB)


# ---------------------------------------------------------------------------- merge


def test_a_second_request_is_merged_into_the_first(make_host: Maker, store: Store) -> None:
    """J1: one callback goes on, with the better place and the context of both; the receipt is of that one."""
    host = make_host(duplicates=Duplicates.MERGE)
    first = host.service.request("support", number=BOB, priority=100, context={"topic": "invoice"})
    host.service.request("support", number=EVE, priority=50)
    host.run_for(MINUTE)
    again = host.service.request("support", number=BOB, priority=10, context={"order": "7"})
    assert again.callback_id == first.callback_id
    kept = host.service.get(first.callback_id)
    assert (kept.priority, kept.outcome) == (10, None)
    assert host.service.position(first.callback_id).number == 1
    contexts = subject_of(host, store, first.callback_id).contexts
    assert contexts == {first.callback_id: {"topic": "invoice", "order": "7"}}
    assert "callback_merged" in kinds(host, first.callback_id)


def test_the_same_request_again_has_the_receipt_of_the_one_that_goes_on(make_host: Maker) -> None:
    """B8, J1: also after it was merged; another request under its key is refused."""
    host = make_host(duplicates=Duplicates.MERGE)
    first = host.service.request("support", number=BOB, request_key="one")
    second = host.service.request("support", number=BOB, request_key="two")
    assert host.service.request("support", number=BOB, request_key="two") == second
    assert second.callback_id == first.callback_id
    with pytest.raises(RequestKeyReused):
        host.service.request("support", number=EVE, request_key="two")


def test_who_waits_for_a_chosen_time_and_asks_for_now_is_called_now(make_host: Maker) -> None:
    """J1: the one for later is merged into the one in line, and then stands in the way of others."""
    host = make_host(duplicates=Duplicates.MERGE)
    later = host.service.request("support", number=BOB, scheduled_at=host.clock.now() + 3 * HOUR)
    now = host.service.request("support", number=BOB)
    assert now.callback_id != later.callback_id
    assert host.service.get(later.callback_id).merged_into_id == now.callback_id
    third = host.service.request("support", number=BOB)
    assert third.callback_id == now.callback_id


def test_a_caller_on_the_line_brings_the_place_along(make_host: Maker) -> None:
    """J1, B1: the live call is over, and the callback that goes on has the better place of the two."""
    host = make_host(duplicates=Duplicates.MERGE, called_in=CalledIn.TELL)
    host.service.request("support", number=EVE)
    first = host.service.request("support", number=BOB)
    entered_at = host.clock.now() - HOUR
    host.service.call_joined("support", call_id="bob", number=BOB, entered_at=entered_at)
    receipt = host.service.request("support", call_id="bob")
    assert receipt.callback_id == first.callback_id
    assert host.service.position(first.callback_id).number == 1
    assert host.service.request("support", call_id="bob") == receipt


def test_one_that_is_being_attempted_cannot_be_merged(make_host: Maker) -> None:
    """J1: somebody is calling them this moment: the request is refused, and nothing changes."""
    host = make_host(duplicates=Duplicates.MERGE)
    host.service.agent_available("kim", queues=["support"])
    host.telephony.person(BOB, Behaviour(answers_after=30 * SECOND))
    first = host.service.request("support", number=BOB)
    host.run_for(SECOND)
    before = host.service.get(first.callback_id)
    assert before.state == "attempting"
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB)
    assert host.service.get(first.callback_id) == before


# ---------------------------------------------------------------------------- replace


def test_a_second_request_replaces_the_first(make_host: Maker) -> None:
    """J1: the old one is over, and the new one stands where it is asked for, and says which it follows."""
    host = make_host(duplicates=Duplicates.REPLACE)
    first = host.service.request("support", number=BOB)
    host.service.request("support", number=EVE)
    host.run_for(MINUTE)
    second = host.service.request("support", number=BOB, scheduled_at=host.clock.now() + HOUR)
    old, new = host.service.get(first.callback_id), host.service.get(second.callback_id)
    assert (old.outcome, new.state, new.follows_id) == (Outcome.REPLACED, "scheduled", first.callback_id)


def test_one_whose_phone_rings_can_be_replaced_until_it_is_answered(make_host: Maker) -> None:
    """J1: the attempt is called off; who talks to an agent already is refused."""
    host = make_host(duplicates=Duplicates.REPLACE)
    host.service.agent_available("kim", queues=["support"])
    host.telephony.person(BOB, Behaviour(answers_after=30 * SECOND))
    first = host.service.request("support", number=BOB)
    host.run_for(SECOND)
    assert host.service.get(first.callback_id).state == "attempting"
    second = host.service.request("support", number=BOB)
    assert host.service.get(first.callback_id).outcome is Outcome.REPLACED
    host.run_for(40 * SECOND)
    assert host.service.get(second.callback_id).outcome is Outcome.COMPLETED
    assert whom(host).count(BOB) == 2


def test_who_is_on_the_line_with_an_agent_is_not_replaced(make_host: Maker) -> None:
    """J1: they have answered, and are being joined: one more would call them once more."""
    host = make_host(duplicates=Duplicates.REPLACE, mode=Mode.CUSTOMER_FIRST)
    host.service.agent_available("kim", queues=["support"])
    host.telephony.agent("kim", Behaviour(answers_after=15 * SECOND))
    host.service.request("support", number=BOB)
    host.run_for(2 * SECOND)
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB)


# ---------------------------------------------------------------------------- ask


def test_the_customer_is_asked_which_of_the_two(make_host: Maker) -> None:
    """J1: refused with the choices, until the request says which one."""
    host = make_host(duplicates=Duplicates.ASK)
    first = host.service.request("support", number=BOB)
    with pytest.raises(DuplicateCallback, match="on_duplicate: merge, replace, allow") as caught:
        host.service.request("support", number=BOB)
    assert caught.value.choices == ("merge", "replace", "allow")
    both = host.service.request("support", number=BOB, on_duplicate=Duplicates.ALLOW)
    assert {host.service.get(one.callback_id).outcome for one in (first, both)} == {None}
    merged = host.service.request("support", number=BOB, on_duplicate=Duplicates.MERGE)
    assert merged.callback_id == first.callback_id
    replaced = host.service.request("support", number=BOB, on_duplicate=Duplicates.REPLACE)
    assert host.service.get(first.callback_id).outcome is Outcome.REPLACED
    assert host.service.get(replaced.callback_id).outcome is None


@pytest.mark.parametrize("choice", ["refuse", "ask", "both", "", 1])
def test_what_is_no_choice_is_refused(make_host: Maker, choice: Any) -> None:
    """J1: the choices are merge, replace and allow."""
    host = make_host(duplicates=Duplicates.ASK)
    with pytest.raises(InvalidText, match="on_duplicate"):
        host.service.request("support", number=BOB, on_duplicate=choice)


def test_nobody_chooses_where_the_policy_does(make_host: Maker) -> None:
    """J1: a web form cannot get round the policy."""
    host = make_host(duplicates=Duplicates.REFUSE)
    host.service.request("support", number=BOB)
    with pytest.raises(InvalidText, match="allowed where the policy says ask"):
        host.service.request("support", number=BOB, on_duplicate=Duplicates.ALLOW)


# ---------------------------------------------------------------------------- afterwards


def test_a_repeat_after_the_end_is_linked_to_the_one_before(make_host: Maker) -> None:
    """J4: within `follows_within` of its end, and not after."""
    host = make_host(follows_within=2 * HOUR)
    first = host.service.request("support", number=BOB)
    host.service.cancel(first.callback_id)
    host.clock.advance(2 * HOUR - SECOND)
    second = host.service.request("support", number=BOB)
    assert host.service.get(second.callback_id).follows_id == first.callback_id
    host.service.cancel(second.callback_id)
    host.clock.advance(2 * HOUR)
    third = host.service.request("support", number=BOB)
    assert host.service.get(third.callback_id).follows_id is None


def test_a_repeat_is_linked_over_queues_and_to_the_latest(make_host: Maker) -> None:
    """J4: whichever of the person's callbacks ended last; of other people none."""
    host = make_host()
    for queue in ("support", "sales"):
        receipt = host.service.request(queue, number=BOB)
        host.clock.advance(MINUTE)
        host.service.cancel(receipt.callback_id)
    again = host.service.request("support", number=BOB)
    assert host.service.get(again.callback_id).follows_id == receipt.callback_id
    other = host.service.request("support", number=EVE)
    assert host.service.get(other.callback_id).follows_id is None


def test_no_link_where_the_policy_wants_none(make_host: Maker) -> None:
    """J4: `follows_within` of nothing."""
    host = make_host(follows_within=timedelta(0))
    host.service.cancel(host.service.request("support", number=BOB).callback_id)
    assert host.service.get(host.service.request("support", number=BOB).callback_id).follows_id is None


def test_a_merge_by_hand_is_what_it_was(make_host: Maker) -> None:
    """D12: one that has ended cannot be merged, whatever the policy says of duplicates."""
    host = make_host(duplicates=Duplicates.ALLOW)
    first, second = (host.service.request("support", number=BOB) for _ in range(2))
    host.service.cancel(second.callback_id)
    with pytest.raises(NotPossibleNow):
        host.service.merge(second.callback_id, into=first.callback_id)
