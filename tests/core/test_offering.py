"""Whether a caller is offered a callback, why, and what is quoted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.calls import Joining, join
from callbackq.core.decision import Decision
from callbackq.core.offering import (
    REFUSALS,
    TRIGGERS,
    OfferFacts,
    choice_of,
    consider_offer,
    decline,
)
from callbackq.core.placing import Lanes, stand_at
from callbackq.events import CallDeclined, CallOffered
from callbackq.ids import DEFAULT_TENANT, OfferId
from callbackq.model import (
    Choice,
    LiveCall,
    NoOffer,
    NoOfferReason,
    Offer,
    OfferReason,
    Opening,
    Position,
    Wait,
)
from callbackq.policy import KEYS_S2, Acd, Keys, QueuePolicy
from core.samples import CALL_ID, LAW, START, SUPPORT, Book, H, M, S, a_call, changed, only_event, only_record

OFFER_ID = OfferId("of_1")
NOW = START + M
UNKNOWN = Wait(mean_s=None, low_s=None, high_s=None)
POLICY = QueuePolicy(
    queue=SUPPORT,
    offer_wait_min=2 * M,
    offer_waited_min=None,
    served_soon_wait=30 * S,
    virtual_wait_max=45 * M,
    offer_closing_margin=2 * M,
    offer_life=60 * S,
    declines_max=2,
    offer_again_after=5 * M,
    pending_max=100,
)
CALL = a_call(offers_count=1)
OFFERED = attrs.evolve(CALL, offer_id=OFFER_ID, offer_until_at=NOW + M)
"""To whom an offer stands."""
FACTS = OfferFacts(
    position=Position(number=5),
    wait=Wait(mean_s=300.0, low_s=200.0, high_s=420.0, estimator="ql"),
    waiting_count=10,
    agents_staffed=3,
    agents_able=2,
    pending_count=0,
    opening=Opening(is_open=True),
    offering_paused=False,
    in_rollout=True,
    has_active_callback=False,
)


def wait_of(mean_s: float) -> Wait:
    return Wait(mean_s=mean_s, low_s=mean_s / 2, high_s=mean_s * 2)


def consider(
    *,
    asked: bool = False,
    policy: dict[str, Any] | None = None,
    call: dict[str, Any] | None = None,
    now: datetime = NOW,
    **facts: Any,
) -> tuple[Offer | NoOffer, Decision]:
    return consider_offer(
        attrs.evolve(CALL, **(call or {})),
        facts=attrs.evolve(FACTS, **facts),
        asked=asked,
        offer_id=OFFER_ID,
        policy=attrs.evolve(POLICY, **(policy or {})),
        now=now,
    )


def answer_to(**changes: Any) -> Offer | NoOffer:
    return consider(**changes)[0]


def reason_for(**changes: Any) -> OfferReason | NoOfferReason:
    return answer_to(**changes).reason


# ---------------------------------------------------------------------------- what is said and kept


def test_an_offer_says_all_that_can_be_said() -> None:
    """A9: position, wait and range, the expected time, the choices, and how long it stands."""
    assert answer_to() == Offer(
        offer_id=OFFER_ID,
        call_id=CALL_ID,
        queue=SUPPORT,
        reason=OfferReason.EXPECTED_WAIT,
        position=FACTS.position,
        wait=FACTS.wait,
        expected_at=NOW + 300 * S,
        choices=(Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE),
        channels=(),
        expires_at=NOW + 60 * S,
    )


def test_another_channel_is_a_choice_where_the_policy_names_one() -> None:
    """A9: and only there."""
    answer = answer_to(policy={"other_channels": ("chat", "email")})
    assert isinstance(answer, Offer)
    assert answer.choices == (Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE, Choice.OTHER_CHANNEL)
    assert answer.channels == ("chat", "email")


def test_an_offer_is_written_down_with_what_was_quoted() -> None:
    """A9: the call counts it and keeps the figures; history holds the same, and why it was made."""
    _, decision = consider()
    record, event = only_record(decision), only_event(decision)
    quoted = {
        "quoted_at": NOW,
        "quoted_position": 5,
        "quoted_wait_s": 300.0,
        "quoted_wait_low_s": 200.0,
        "quoted_wait_high_s": 420.0,
        "quoted_by": "ql",
    }
    stands = {"offer_id": OFFER_ID, "offer_until_at": NOW + 60 * S}
    assert changed(CALL, record) == {"offers_count": 2, **stands, **quoted}
    assert event == CallOffered(
        tenant_id=CALL.tenant_id,
        version=2,
        at=NOW,
        due_at=CALL.due_at,
        due_reason=CALL.due_reason,
        call_id=CALL_ID,
        state=CALL.state,
        offers_count=2,
        reason=OfferReason.EXPECTED_WAIT,
        **stands,
        **quoted,
    )
    assert decision.effects == ()


STANDING_ID = OfferId("of_0")


@pytest.mark.parametrize(
    ("offer_id", "until_at", "stands"),
    [
        (STANDING_ID, NOW + M, True),
        (STANDING_ID, NOW + timedelta(microseconds=1), True),
        # It expired: a new one is made.
        (STANDING_ID, NOW, False),
        (STANDING_ID, NOW - S, False),
        # None was made, or it was declined.
        (None, None, False),
    ],
)
@pytest.mark.parametrize("asked", [False, True])
def test_an_offer_that_stands_is_given_again(
    offer_id: OfferId | None, until_at: datetime | None, stands: bool, asked: bool
) -> None:
    """A9: the same id and end, with the figures of now; it is neither counted nor written down again."""
    before = {"offer_id": offer_id, "offer_until_at": until_at, "quoted_at": START, "quoted_position": 9}
    answer, decision = consider(call=before, asked=asked)
    new = answer_to(asked=asked)
    assert isinstance(new, Offer)
    if stands:
        assert answer == attrs.evolve(new, offer_id=STANDING_ID, expires_at=until_at)
        assert decision == Decision()
    else:
        assert answer == new
        record = only_record(decision)
        assert (record.offers_count, record.offer_id, record.offer_until_at) == (2, OFFER_ID, NOW + 60 * S)


@pytest.mark.parametrize("changes", [{"offering_paused": True}, {"agents_able": 0}, {"wait": wait_of(60)}])
def test_an_offer_that_stands_is_no_reason_for_another(changes: dict[str, Any]) -> None:
    """A6: what refuses now refuses; the one that stands is left as it is."""
    standing = {"offer_id": STANDING_ID, "offer_until_at": NOW + M}
    answer, decision = consider(call=standing, **changes)
    assert isinstance(answer, NoOffer)
    assert decision == Decision()


def test_a_refusal_says_why_and_changes_nothing() -> None:
    """A6: the reason, the figures, and what can be proposed instead."""
    answer, decision = consider(wait=wait_of(60))
    assert answer == NoOffer(
        call_id=CALL_ID,
        queue=SUPPORT,
        reason=NoOfferReason.WAIT_IS_SHORT,
        position=FACTS.position,
        wait=wait_of(60),
        next_best=(Choice.STAY,),
        channels=(),
        again_at=None,
    )
    assert decision == Decision()


# ---------------------------------------------------------------------------- triggers

_T = OfferReason
MADE_FOR: dict[OfferReason, list[dict[str, Any]]] = {
    _T.ASKED: [
        {"asked": True, "wait": wait_of(60)},
        {"asked": True, "wait": wait_of(1)},
        {"asked": True},
        {"asked": True, "policy": {"offer_wait_min": None}},
    ],
    _T.EXPECTED_WAIT: [
        {"wait": wait_of(120)},
        {"policy": {"offer_waited_min": 0 * S, "offer_position_min": 1, "offer_load_min": 0.1}},
    ],
    _T.WAITED: [
        {"wait": wait_of(60), "policy": {"offer_waited_min": M}},
        {"policy": {"offer_wait_min": None, "offer_waited_min": M, "offer_position_min": 1}},
    ],
    _T.DEPTH: [
        {"wait": wait_of(60), "policy": {"offer_position_min": 5}},
        {"policy": {"offer_wait_min": None, "offer_position_min": 5, "offer_load_min": 3}},
    ],
    _T.LOAD: [
        {"wait": wait_of(60), "policy": {"offer_load_min": 10 / 3}},
        {"wait": wait_of(60), "policy": {"offer_load_min": 0.5}},
    ],
}
NOT_MADE_FOR: list[dict[str, Any]] = [
    {"wait": wait_of(119.9)},
    {"policy": {"offer_wait_min": None}},
    {"wait": wait_of(60), "policy": {"offer_waited_min": M + S}},
    {"wait": wait_of(60), "policy": {"offer_position_min": 6}},
    {"wait": wait_of(60), "policy": {"offer_load_min": 3.4}},
]


@pytest.mark.parametrize(
    ("reason", "changes"),
    [(reason, changes) for reason, cases in MADE_FOR.items() for changes in cases],
)
def test_one_trigger_makes_an_offer(reason: OfferReason, changes: dict[str, Any]) -> None:
    """A1-A4: any one suffices, at its very threshold; the first that holds is named."""
    answer = answer_to(**changes)
    assert isinstance(answer, Offer)
    assert answer.reason is reason


@pytest.mark.parametrize("changes", NOT_MADE_FOR)
def test_no_trigger_holds_below_its_threshold(changes: dict[str, Any]) -> None:
    """A1-A3: or when it is switched off."""
    assert reason_for(**changes) is NoOfferReason.WAIT_IS_SHORT


def test_every_reason_for_an_offer_has_its_rule_and_its_test() -> None:
    """No member that no rule produces."""
    assert list(TRIGGERS) == list(MADE_FOR) == list(OfferReason)


# ---------------------------------------------------------------------------- refusals

_R = NoOfferReason
OPEN_UNTIL = NOW + H
DECLINED = {"declines_count": 1, "declined_at": NOW - M}
# What makes each refusal, and what is just not enough for it. Those of the second list get an offer.
REFUSED_FOR: dict[NoOfferReason, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    _R.ALREADY_HAS_CALLBACK: (
        [{"has_active_callback": True}, {"has_active_callback": True, "asked": True}],
        [],
    ),
    _R.OFFERING_PAUSED: ([{"offering_paused": True}, {"offering_paused": True, "asked": True}], []),
    _R.NOT_IN_ROLLOUT: ([{"in_rollout": False}, {"in_rollout": False, "asked": True}], []),
    _R.HOURS_UNKNOWN: ([{"opening": None}, {"opening": None, "asked": True}], []),
    _R.QUEUE_CLOSED: (
        [
            {"opening": Opening(is_open=False)},
            {"opening": Opening(is_open=False, changes_at=OPEN_UNTIL), "asked": True},
        ],
        [{"opening": Opening(is_open=True)}],
    ),
    _R.TOO_MANY_PENDING: (
        [{"pending_count": 100}, {"pending_count": 101, "asked": True}],
        [{"pending_count": 99}],
    ),
    _R.NOBODY_STAFFED: (
        [
            {"wait": UNKNOWN, "agents_staffed": 0, "agents_able": 0},
            {"wait": UNKNOWN, "agents_staffed": 0, "agents_able": 0, "asked": True},
            {"agents_staffed": 0, "agents_able": 0, "policy": {"offer_load_min": 1.0}},
            # Some are signed in, and none of them has the skills.
            {"wait": UNKNOWN, "agents_able": 0},
            {"agents_able": 0, "asked": True},
        ],
        [{"agents_staffed": 1, "agents_able": 1}],
    ),
    _R.WAIT_UNKNOWN: (
        # Somebody is there, and those who go first come faster than they are served.
        [{"wait": UNKNOWN}, {"wait": UNKNOWN, "asked": True}, {"wait": UNKNOWN, "agents_able": 1}],
        [{"wait": wait_of(300)}],
    ),
    _R.CLOSING_TOO_SOON: (
        [
            # Over by 420 s with high probability, and the last callback begins 2 min before closing.
            {"opening": Opening(is_open=True, changes_at=NOW + 539 * S)},
            {"opening": Opening(is_open=True, changes_at=NOW + 539 * S), "asked": True},
            {"opening": Opening(is_open=True, changes_at=NOW - S)},
            # No range: the mean of 300 s is all there is.
            {
                "wait": Wait(mean_s=300, low_s=None, high_s=None),
                "opening": Opening(is_open=True, changes_at=NOW + 419 * S),
            },
        ],
        [
            {"opening": Opening(is_open=True, changes_at=NOW + 540 * S)},
            {"opening": Opening(is_open=True, changes_at=NOW + 540 * S), "asked": True},
            {
                "wait": Wait(mean_s=300, low_s=None, high_s=None),
                "opening": Opening(is_open=True, changes_at=NOW + 420 * S),
            },
            {
                "opening": Opening(is_open=True, changes_at=NOW + 420 * S),
                "policy": {"offer_closing_margin": 0 * S},
            },
        ],
    ),
    _R.WAIT_TOO_LONG: (
        [{"wait": wait_of(2700.1)}, {"wait": wait_of(2700.1), "asked": True}],
        [{"wait": wait_of(2700)}],
    ),
    _R.DECLINED_BEFORE: (
        [
            {"call": DECLINED},
            {"call": {**DECLINED, "declined_at": NOW - 5 * M + S}},
            {"call": {"declines_count": 2, "declined_at": NOW - H}},
        ],
        [
            {"call": {**DECLINED, "declined_at": NOW - 5 * M}},
            {"call": DECLINED, "asked": True},
            {"call": {"declines_count": 9, "declined_at": NOW - S}, "asked": True},
        ],
    ),
    _R.ABOUT_TO_BE_SERVED: (
        [
            {"wait": wait_of(29.9), "policy": {"offer_wait_min": 0 * S}},
            {"policy": {"served_soon_position": 5}},
            {"position": Position(number=1), "agents_free": 1, "wait": wait_of(0)},
            # An agent is free for everybody ahead and for who asks: the call is connected at the next step.
            {"position": Position(number=1), "agents_free": 1, "wait": wait_of(0), "asked": True},
            {"position": Position(number=3), "agents_free": 3, "wait": wait_of(0), "asked": True},
        ],
        [
            {"wait": wait_of(30), "policy": {"offer_wait_min": 0 * S}},
            {"policy": {"served_soon_position": 4}},
            {"wait": wait_of(0), "asked": True},
            {"position": Position(number=1), "asked": True, "policy": {"served_soon_position": 1}},
            {"position": Position(number=3), "agents_free": 2, "asked": True},
            # The host's own ACD may give the free agents to anybody.
            {"position": Position(number=1), "agents_free": 9, "asked": True, "policy": {"acd": Acd.HOST}},
        ],
    ),
    _R.WAIT_IS_SHORT: (NOT_MADE_FOR, [{**changes, "asked": True} for changes in NOT_MADE_FOR]),
}


@pytest.mark.parametrize(
    ("reason", "changes"),
    [(reason, changes) for reason, (cases, _) in REFUSED_FOR.items() for changes in cases],
)
def test_one_rule_refuses(reason: NoOfferReason, changes: dict[str, Any]) -> None:
    """A5-A8, A10, A11: each rule at its very threshold."""
    answer, decision = consider(**changes)
    assert isinstance(answer, NoOffer)
    assert answer.reason is reason
    assert decision == Decision()


@pytest.mark.parametrize("changes", [changes for _, (_, cases) in REFUSED_FOR.items() for changes in cases])
def test_just_not_enough_to_refuse(changes: dict[str, Any]) -> None:
    """A5-A8, A10, A11: on the other side of each threshold there is an offer."""
    assert isinstance(answer_to(**changes), Offer)


def test_every_reason_for_no_offer_has_one_rule_and_its_test() -> None:
    """No member that no rule produces."""
    assert list(REFUSALS) == list(REFUSED_FOR)
    assert set(REFUSALS) == set(NoOfferReason)


def test_the_first_rule_that_holds_is_the_answer() -> None:
    """With everything wrong at once, each rule is said when those before it are set right."""
    wrong: dict[str, Any] = {
        "has_active_callback": True,
        "offering_paused": True,
        "in_rollout": False,
        "opening": None,
        "pending_count": 1000,
        "agents_staffed": 0,
        "agents_able": 0,
        "wait": UNKNOWN,
        "call": {"declines_count": 9, "declined_at": NOW},
        "policy": {"served_soon_position": 9, "offer_wait_min": None},
    }
    closed, closing = Opening(is_open=False), Opening(is_open=True, changes_at=NOW)
    repairs: list[tuple[NoOfferReason, dict[str, Any]]] = [
        (_R.ALREADY_HAS_CALLBACK, {"has_active_callback": False}),
        (_R.OFFERING_PAUSED, {"offering_paused": False}),
        (_R.NOT_IN_ROLLOUT, {"in_rollout": True}),
        (_R.HOURS_UNKNOWN, {"opening": closed}),
        (_R.QUEUE_CLOSED, {"opening": closing}),
        (_R.TOO_MANY_PENDING, {"pending_count": 0}),
        (_R.NOBODY_STAFFED, {"agents_staffed": 3, "agents_able": 1}),
        (_R.WAIT_UNKNOWN, {"wait": wait_of(2701)}),
        (_R.CLOSING_TOO_SOON, {"opening": Opening(is_open=True)}),
        (_R.WAIT_TOO_LONG, {"wait": wait_of(100)}),
        (_R.DECLINED_BEFORE, {"call": {}}),
        (_R.ABOUT_TO_BE_SERVED, {"policy": {"served_soon_position": 0, "offer_wait_min": None}}),
        (_R.WAIT_IS_SHORT, {"policy": {}, "wait": wait_of(120)}),
    ]
    for reason, repair in repairs:
        assert reason_for(**wrong) is reason
        wrong |= repair
    assert isinstance(answer_to(**wrong), Offer)


_STAY, _TIME, _OTHER = Choice.STAY, Choice.SCHEDULE, Choice.OTHER_CHANNEL


@pytest.mark.parametrize(
    ("reason", "next_best"),
    [
        (_R.ALREADY_HAS_CALLBACK, (_STAY,)),
        (_R.OFFERING_PAUSED, (_STAY, _OTHER)),
        (_R.NOT_IN_ROLLOUT, (_STAY, _OTHER)),
        (_R.HOURS_UNKNOWN, (_STAY, _OTHER)),
        (_R.QUEUE_CLOSED, (_TIME, _OTHER, _STAY)),
        (_R.TOO_MANY_PENDING, (_STAY, _OTHER)),
        (_R.NOBODY_STAFFED, (_TIME, _OTHER, _STAY)),
        (_R.WAIT_UNKNOWN, (_TIME, _STAY, _OTHER)),
        (_R.CLOSING_TOO_SOON, (_TIME, _STAY, _OTHER)),
        (_R.WAIT_TOO_LONG, (_TIME, _STAY, _OTHER)),
        (_R.DECLINED_BEFORE, (_STAY,)),
        (_R.ABOUT_TO_BE_SERVED, (_STAY,)),
        (_R.WAIT_IS_SHORT, (_STAY,)),
    ],
)
def test_the_next_best_is_proposed(reason: NoOfferReason, next_best: tuple[Choice, ...]) -> None:
    """A6: what can be had instead, the best first; holding is always possible; channels where there are some."""
    changes = REFUSED_FOR[reason][0][0]
    bare = answer_to(**changes)
    assert isinstance(bare, NoOffer)
    assert bare.next_best == tuple(choice for choice in next_best if choice is not _OTHER)
    assert bare.channels == ()
    policy = {**changes.get("policy", {}), "other_channels": ("chat",)}
    rich = answer_to(**{**changes, "policy": policy})
    assert isinstance(rich, NoOffer)
    assert rich.next_best == next_best
    assert rich.channels == (("chat",) if _OTHER in next_best else ())


def again_at(**changes: Any) -> datetime | None:
    answer = answer_to(**changes)
    assert isinstance(answer, NoOffer)
    return answer.again_at


def test_when_time_alone_can_change_the_answer() -> None:
    """A6: when it opens, when a decline is old enough, when the caller has waited long enough; else nothing."""
    assert again_at(opening=Opening(is_open=False, changes_at=OPEN_UNTIL)) == OPEN_UNTIL
    assert again_at(opening=Opening(is_open=False)) is None
    assert again_at(opening=Opening(is_open=False, changes_at=NOW)) is None
    assert again_at(call=DECLINED) == NOW + 4 * M
    assert again_at(call={"declines_count": 2, "declined_at": NOW}) is None
    assert again_at(wait=wait_of(60), policy={"offer_waited_min": 90 * S}) == START + 90 * S
    assert again_at(wait=wait_of(60)) is None
    assert again_at(opening=Opening(is_open=True, changes_at=NOW)) is None


def test_asking_again_at_that_time_has_another_answer() -> None:
    """A2: the moment that is named is the very first one."""
    short: dict[str, Any] = {"wait": wait_of(60), "policy": {"offer_waited_min": 90 * S}}
    at = again_at(**short)
    assert at is not None
    assert reason_for(**short, now=at - timedelta(microseconds=1)) is NoOfferReason.WAIT_IS_SHORT
    assert reason_for(**short, now=at) is OfferReason.WAITED
    at = again_at(call=DECLINED)
    assert at is not None
    assert reason_for(call=DECLINED, now=at - timedelta(microseconds=1)) is NoOfferReason.DECLINED_BEFORE
    assert reason_for(call=DECLINED, now=at) is OfferReason.EXPECTED_WAIT


@LAW
@given(
    position=st.integers(1, 50),
    mean_s=st.none() | st.floats(0, 10_000),
    staffed=st.integers(0, 20),
    able=st.integers(0, 20),
    free=st.integers(0, 20),
    pending=st.integers(0, 200),
    closes_s=st.none() | st.floats(-1000, 10_000),
    switches=st.tuples(*[st.booleans()] * 4),
    declines=st.integers(0, 3),
    declined_s=st.floats(0, 1000),
)
def test_whoever_asks_is_never_worse_off(
    position: int,
    mean_s: float | None,
    staffed: int,
    able: int,
    free: int,
    pending: int,
    closes_s: float | None,
    switches: tuple[bool, ...],
    declines: int,
    declined_s: float,
) -> None:
    """A4: who would be offered a callback gets it by asking too, and each answer has its record or none."""
    is_open, paused, rollout, has_one = switches
    changes: dict[str, Any] = {
        "position": Position(number=position),
        "wait": UNKNOWN if mean_s is None else wait_of(mean_s),
        "agents_staffed": staffed,
        "agents_able": min(able, staffed),
        "agents_free": free,
        "pending_count": pending,
        "opening": Opening(
            is_open=is_open, changes_at=None if closes_s is None else NOW + timedelta(seconds=closes_s)
        ),
        "offering_paused": paused,
        "in_rollout": rollout,
        "has_active_callback": has_one,
        "call": {
            "declines_count": declines,
            "declined_at": NOW - timedelta(seconds=declined_s) if declines else None,
        },
        "policy": {"offer_position_min": 10, "offer_load_min": 2.0},
    }
    unasked, decision = consider(**changes)
    assert bool(decision.records) is isinstance(unasked, Offer)
    asked = answer_to(**changes, asked=True)
    if isinstance(unasked, Offer):
        assert asked == attrs.evolve(unasked, reason=OfferReason.ASKED)
    assert asked.reason not in (NoOfferReason.WAIT_IS_SHORT, NoOfferReason.DECLINED_BEFORE)


# ---------------------------------------------------------------------------- declines


def test_a_decline_is_counted_and_the_place_untouched() -> None:
    """A11: how often, and when last; the offer is gone, and nothing else changes."""
    decision = decline(OFFERED, offer_id=OFFER_ID, now=NOW)
    gone = {"offer_id": None, "offer_until_at": None}
    assert changed(OFFERED, only_record(decision)) == {**gone, "declines_count": 1, "declined_at": NOW}
    assert only_event(decision) == CallDeclined(
        tenant_id=CALL.tenant_id,
        version=2,
        at=NOW,
        due_at=CALL.due_at,
        due_reason=CALL.due_reason,
        call_id=CALL_ID,
        state=CALL.state,
        declined_offer_id=OFFER_ID,
        declines_count=1,
        declined_at=NOW,
    )
    assert decision.effects == ()


@pytest.mark.parametrize(
    ("call", "offer_id", "counts"),
    [
        (OFFERED, OFFER_ID, True),
        # Who reports it need not know which: there is but one.
        (OFFERED, None, True),
        # The caller was slow: it is a decline all the same.
        (attrs.evolve(OFFERED, offer_until_at=NOW - S), OFFER_ID, True),
        # Of another offer, or of none.
        (OFFERED, OfferId("of_other"), False),
        (CALL, OFFER_ID, False),
        (CALL, None, False),
        (a_call(), None, False),
    ],
)
def test_only_the_offer_that_was_made_last_is_declined(
    call: LiveCall, offer_id: OfferId | None, counts: bool
) -> None:
    """A11: whatever else is said to be declined counts nothing."""
    decision = decline(call, offer_id=offer_id, now=NOW)
    if counts:
        assert only_record(decision).declines_count == 1
        assert only_event(decision).declined_offer_id == OFFER_ID
    else:
        assert decision == Decision()


@pytest.mark.parametrize("offer_id", [OFFER_ID, None])
def test_an_offer_is_declined_once(offer_id: OfferId | None) -> None:
    """A11: the key that is pressed twice, or reported twice, counts once."""
    declined = only_record(decline(OFFERED, offer_id=offer_id, now=NOW))
    assert decline(declined, offer_id=offer_id, now=NOW + S) == Decision()


def test_offers_and_declines_can_be_told_from_history() -> None:
    """A11: offered, declined, left in peace, offered again, declined: no more unless asked."""
    book, now = Book(), NOW
    stand = stand_at(START, priority=100, lanes=Lanes(), policy=POLICY, now=START)
    joining = Joining(
        tenant_id=DEFAULT_TENANT, call_id=CALL_ID, subject_id=None, stand=stand, entered_at=START
    )
    call = only_record(book.write(join(joining, policy=POLICY, now=START)))
    for _ in range(2):
        answer, decision = consider(call=attrs.asdict(call, recurse=False), now=now)
        assert isinstance(answer, Offer)
        call = only_record(book.write(decision))
        call = only_record(book.write(decline(call, offer_id=answer.offer_id, now=now)))
        assert reason_for(call=attrs.asdict(call, recurse=False), now=now + M) is _R.DECLINED_BEFORE
        now += 5 * M
    assert (call.offers_count, call.declines_count) == (2, 2)
    assert reason_for(call=attrs.asdict(call, recurse=False), now=now + H) is _R.DECLINED_BEFORE
    asked = answer_to(call=attrs.asdict(call, recurse=False), now=now, asked=True)
    assert asked.reason is OfferReason.ASKED


# ---------------------------------------------------------------------------- keys and words


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        ("1", Choice.STAY),
        ("*", Choice.STAY),
        ("hold", Choice.STAY),
        ("2", Choice.CALLBACK_NOW),
        ("callback", Choice.CALLBACK_NOW),
        ("CallBack", Choice.CALLBACK_NOW),
        ("  callback\t", Choice.CALLBACK_NOW),
        (" 3 ", Choice.SCHEDULE),
        ("Schedule", Choice.SCHEDULE),
        ("4", None),
        ("", None),
        ("22", None),
        ("call back", None),
    ],
)
def test_what_a_key_or_a_word_means(said: str, choice: Choice | None) -> None:
    """A4: per queue; case and blanks do not matter; what is not in the policy means nothing."""
    assert choice_of(said, attrs.evolve(POLICY, keys=KEYS_S2)) is choice


def test_the_default_keys() -> None:
    """A4: key 3 asks, the star declines, nothing else means anything."""
    meant = {said: choice_of(said, POLICY) for said in "0123456789*#"}
    assert {said: choice for said, choice in meant.items() if choice} == {
        "3": Choice.CALLBACK_NOW,
        "*": Choice.STAY,
    }


def test_words_with_blanks_inside() -> None:
    """A4: a recogniser may put more or fewer of them."""
    policy = attrs.evolve(POLICY, keys=Keys({"call  me Back": Choice.CALLBACK_NOW}))
    assert choice_of("Call me   back ", policy) is Choice.CALLBACK_NOW
