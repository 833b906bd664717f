"""
The same scenarios in four hosts: driven by threads or by an event loop, with an adapter that blocks or that awaits.

All in real time. Nothing is asserted of how long it takes: everything waits for what should come about.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from callbackq import (
    AttemptState,
    CallbackState,
    Cause,
    DialRefused,
    Disposition,
    LegId,
    NoticeKind,
    Outcome,
    Report,
    ReportKind,
    RetryRule,
    Role,
)
from callbackq.testing import Carried
from callbackq.testing.checkers import attempts_over_max
from service.hosts import (
    ADAPTERS,
    HOSTS,
    House,
    Trouble,
    open_house,
)
from service.hosts_network import (
    GIVES_UP,
    IS_BUSY,
    LEAVES,
    PICKS_UP,
    REFUSES,
    RINGS_ON,
    Does,
    wait_for,
)

BOB, EVE = "+12125550101", "+12125550102"
AGAIN = RetryRule(retries_max=3)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
PATIENT = {"agent_ring_time": 4 * MINUTE, "ring_time": 4 * MINUTE, "join_time_max": 5 * MINUTE}
"""Nothing is over by a deadline, however slow the machine."""

Open = Callable[..., House]


@pytest.fixture(params=[f"{host}-{adapter}" for host in HOSTS for adapter in ADAPTERS])
def open_(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open a house of each kind. It is closed, and checked, when the test is over."""
    host, adapter = request.param.split("-")
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(open_house(host, adapter, **{**PATIENT, **settings}))


def test_answered_and_connected(open_: Open) -> None:
    """Ten promises and three agents; a live caller among them."""
    house = open_()
    house.do("call_joined", "support", call_id="live")
    ids = [house.request(f"+121255502{n:02d}") for n in range(10)]
    house.agents("ann", "ben", "cleo")
    wait_for(lambda: house.network.count(Carried.CONNECTED_CALL) == 1)
    house.do("call_left", "live")
    house.until_ended(*ids)
    house.until_quiet()
    assert {house.outcome(one) for one in ids} == {Outcome.COMPLETED}
    assert house.network.count(Carried.BRIDGED) == 10


@pytest.mark.parametrize(
    ("does", "disposition"),
    [
        (GIVES_UP, Disposition.NO_ANSWER),
        (IS_BUSY, Disposition.BUSY),
        (Does(answers_after=None, ends_after=0.002, cause=Cause.CONGESTED), Disposition.CONGESTED),
    ],
    ids=str,
)
def test_not_reached_and_then_connected(open_: Open, does: Does, disposition: Disposition) -> None:
    """The core tries again, and nobody else does."""
    house = open_(retry_rules={disposition: AGAIN}, attempts_max=3)
    house.network.person(BOB, does, does, PICKS_UP)
    one = house.request(BOB)
    house.agents("ann")
    house.until_ended(one)
    house.until_quiet()
    assert house.outcome(one) is Outcome.COMPLETED
    assert house.network.dialed(BOB) == 3
    assert attempts_over_max(house.network.log, attempts_max=3) == []


def test_the_next_agent_is_asked_when_one_declines(open_: Open) -> None:
    """Who declines is left alone for a while; the customer's phone never rang for it."""
    house = open_(agent_cool_down=MINUTE * 30)
    house.network.person("ann", REFUSES)
    one = house.request(BOB)
    house.agents("ann")
    wait_for(lambda: house.network.dialed("ann") == 1)
    house.agents("ben")
    house.until_ended(one)
    house.until_quiet()
    assert house.outcome(one) is Outcome.COMPLETED
    assert (house.network.dialed("ann"), house.network.dialed("ben"), house.network.dialed(BOB)) == (1, 1, 1)


def test_cancelled_while_the_phone_rings(open_: Open) -> None:
    """The customer's phone stops ringing, and the agent is free again."""
    house = open_()
    house.network.person(BOB, RINGS_ON)
    one = house.request(BOB)
    house.agents("ann")
    wait_for(lambda: house.network.is_ringing(BOB))
    house.do("cancel", one)
    house.until_ended(one)
    house.until_quiet()
    assert house.outcome(one) is Outcome.CANCELLED
    two = house.request(EVE)
    house.until_ended(two)
    house.until_quiet()
    assert house.outcome(two) is Outcome.COMPLETED


def test_the_customer_leaves_in_the_moment_of_the_bridge(open_: Open) -> None:
    """Whichever comes first, nobody is left in silence, and it ends one way or the other."""
    house = open_(retry_rules={})
    ids = []
    for n in range(10):
        house.network.person(f"+121255502{n:02d}", LEAVES)
        ids.append(house.request(f"+121255502{n:02d}"))
    house.agents("ann", "ben")
    house.until_ended(*ids)
    house.until_quiet()
    left = {house.service.get(one).last_disposition for one in ids}
    assert left <= {Disposition.CONNECTED, Disposition.ANSWERED_THEN_LEFT}


def test_notices_are_delivered_once(open_: Open) -> None:
    """Who was not reached is told so once, and so is the ticket; an error of `tell` changes nothing."""
    house = open_(retry_rules={Disposition.BUSY: RetryRule()})
    failed: list[str] = []

    def fail_once(method: str, order: object) -> BaseException | None:
        if method == "tell" and not failed:
            failed.append(method)
            return RuntimeError("no gateway")
        return None

    house.trouble.error_of = fail_once
    house.network.person(BOB, IS_BUSY)
    house.network.person(EVE, IS_BUSY)
    ids = [house.request(BOB), house.request(EVE)]
    house.agents("ann")
    house.until_ended(*ids)
    house.until_quiet()
    expected = [(one, kind) for one in ids for kind in _kinds(house, one)]
    wait_for(lambda: len(house.network.told) == len(expected) - 1)
    told = [(notice.callback_id, notice.kind) for notice in house.network.told]
    assert len(set(told)) == len(told)
    assert set(told) < set(expected)


def _kinds(house: House, callback_id: str) -> list[NoticeKind]:
    """Return what the history says was to be told."""
    return [
        kind
        for event in house.service.history(callback_id)
        for kind in (*getattr(event, "notices", ()), *filter(None, [getattr(event, "notice", None)]))
    ]


# ---------------------------------------------------------------------------- adapters that misbehave

TRIED_AGAIN = (
    Disposition.UNKNOWN,
    Disposition.NETWORK_FAILURE,
    Disposition.NO_ANSWER,
    Disposition.BUSY,
    Disposition.AGENT_UNAVAILABLE,
    Disposition.ANSWERED_THEN_LEFT,
)
HASTY = {
    "speed": 60.0,
    "agent_ring_time": 5 * SECOND,
    "ring_time": 15 * SECOND,
    "hang_up_time_max": SECOND,
    "customer_hold_max": SECOND,
    "agent_cool_down": SECOND,
    "retry_rules": dict.fromkeys(TRIED_AGAIN, RetryRule(retries_max=20, rest=20 * SECOND)),
    "attempts_max": 20,
}
"""A minute is a second: deadlines come, and attempts are tried again."""


@pytest.mark.parametrize("error", [RuntimeError("+12125550101"), DialRefused()], ids=["bug", "refused"])
def test_an_adapter_that_raises_from_every_method(
    open_: Open, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost: when it is well again all promises are kept. No number is in the log."""
    trouble = Trouble()
    failed: set[str] = set()

    def fails(method: str, _order: object) -> BaseException:
        failed.add(method)
        return error

    trouble.error_of = fails
    house = open_(trouble=trouble, **HASTY)
    ids = [house.request(BOB), house.request(EVE)]
    house.do("call_joined", "support", call_id="live")
    house.agents("ann", "ben", "cleo")
    wait_for(lambda: {"dial", "connect_call", "reserve_agent", "snapshot"} <= failed)
    trouble.error_of = lambda _method, _order: None
    wait_for(lambda: house.network.count(Carried.CONNECTED_CALL) == 1)
    house.do("call_left", "live")
    house.until_ended(*ids)
    house.until_quiet()
    assert {house.outcome(one) for one in ids} == {Outcome.COMPLETED}
    assert "5550101" not in caplog.text


def test_each_method_raises_once(open_: Open) -> None:
    """One failure of each kind on the way, then none: kept, or closed by the attempt's own rules."""
    left = {"dial", "bridge", "hang_up", "connect_call", "reserve_agent", "release_agent", "tell"}

    def once(method: str, _order: object) -> BaseException | None:
        if method in left:
            left.discard(method)
            return OSError()
        return None

    trouble = Trouble()
    trouble.error_of = once
    house = open_(trouble=trouble, **{**HASTY, "join_time_max": 5 * SECOND})
    house.network.person(BOB, GIVES_UP, PICKS_UP)
    ids = [house.request(BOB), house.request(EVE)]
    house.do("call_joined", "support", call_id="live")
    house.agents("ann", "ben")
    wait_for(lambda: house.network.count(Carried.CONNECTED_CALL) == 1)
    house.do("call_left", "live")
    house.until_ended(*ids)
    wait_for(lambda: "release_agent" not in left and house.open_attempts() == 0)
    house.network.reserved.clear()  # One release was lost, and is not repeated: the next reservation is of that agent.
    house.until_quiet()


def test_a_leg_that_blocks_stalls_nobody_else(open_: Open, caplog: pytest.LogCaptureFixture) -> None:
    """One dial blocks, twenty promises are kept meanwhile; when it comes back nobody wants it, and it is hung up."""
    blocked = threading.Event()
    trouble = Trouble()
    trouble.blocks = lambda method, order: (
        blocked if method == "dial" and order.role is Role.CUSTOMER and order.number == BOB else None
    )
    house = open_(trouble=trouble, call_time_max=timedelta(milliseconds=50))
    one = house.request(BOB)
    house.agents("ann")
    wait_for(lambda: trouble.blocked_count == 1)
    ids = [house.request(f"+121255502{n:02d}") for n in range(20)]
    house.agents("ben", "cleo")
    house.until_ended(*ids)
    assert {house.outcome(each) for each in ids} == {Outcome.COMPLETED}
    wait_for(lambda: "late: dial of leg_" in caplog.text)
    assert house.service.get(one).state is CallbackState.ATTEMPTING
    assert caplog.text.count("late: dial of leg_") == 1
    wait_for(lambda: any(event.kind == "report_ignored" for event in house.service.history(one)))
    house.do("cancel", one)
    house.until_ended(one)
    # The agent hears about it though the customer's leg is stuck.
    wait_for(lambda: not any(leg == house.network.leg_of("ann") for leg in house.network.live_legs()))
    blocked.set()
    house.network.say(Report(leg_id=_customer_leg(house, one), kind=ReportKind.ENDED, cause=Cause.CANCELLED))
    house.until_quiet()
    assert house.outcome(one) is Outcome.CANCELLED


def _customer_leg(house: House, callback_id: str) -> LegId:
    attempt_id = house.service.history(callback_id)[-1].attempt_id  # type: ignore[attr-defined]
    return LegId(house.rows(lambda tx: tx.attempts.get(attempt_id).customer_leg_id))


def test_an_adapter_that_talks_nonsense(open_: Open) -> None:
    """Legs that nobody knows, everything twice, out of order, and bridges that are none: all promises are kept."""
    house = open_()
    house.network.scatters = True
    chance = random.Random(7)

    def lies(report: Report) -> list[Report]:
        unknown = Report(leg_id=LegId(f"leg_{chance.random()}"), kind=report.kind)
        said = [report, report, unknown]
        if report.kind is ReportKind.RINGING:
            said += [
                Report(leg_id=report.leg_id, kind=kind)
                for kind in (ReportKind.PLAYED, ReportKind.UNBRIDGED, ReportKind.DIGIT)
            ]
        chance.shuffle(said)
        return said

    house.network.lies = lies
    ids = {}
    for n in range(10):
        house.network.person(f"+121255502{n:02d}", Does(talks_for=None))
        ids[f"+121255502{n:02d}"] = house.request(f"+121255502{n:02d}")
    house.agents("ann", "ben", "cleo")

    def all_are_connected() -> bool:
        """Each hangs up when the engine knows of the bridge: an end that came before it would be another story."""
        for number, one in list(ids.items()):
            if house.service.get(one).state is CallbackState.ENDED:
                house.network.hang_up_by(number)
                assert house.outcome(ids.pop(number)) is Outcome.COMPLETED
        return not ids

    wait_for(all_are_connected)
    house.until_quiet()
    assert house.network.count(Carried.BRIDGED) == 10


# ---------------------------------------------------------------------------- the connection


def test_nothing_is_dialed_before_the_telephony_has_said_which_legs_it_has(open_: Open) -> None:
    """Down beyond every deadline, with three legs of different fates; up again, and each is what it became."""
    house = open_(**{**HASTY, "speed": 1.0})
    gone, there, later = BOB, EVE, "+12125550103"
    for number in (gone, there):
        house.network.person(number, RINGS_ON, PICKS_UP)
    house.network.person(there, Does(answers_after=None, talks_for=None))
    ids = [house.request(gone), house.request(there)]
    house.agents("ann", "ben")
    wait_for(lambda: house.network.is_ringing(gone) and house.network.is_ringing(there))
    wait_for(lambda: all(_attempt_state(house, one) is AttemptState.AGENT_ON_LINE for one in ids))
    house.network.lost = True
    house.runner.telephony_down()
    assert not house.runner.telephony_is_up
    house.network.hang_up_by(gone, Cause.NO_ANSWER)
    house.network.answer(there)
    house.do("call_joined", "support", call_id="live")
    third = house.request(later)
    house.agents("cleo")
    dialed = house.network.count(Carried.DIALED)
    at = house.clock.now()
    house.clock.run_at(60.0)
    wait_for(lambda: house.clock.now() - at > 30 * SECOND)
    # Every deadline of both attempts is past; nobody was dialed, nobody was given up.
    assert house.network.count(Carried.DIALED) == dialed
    assert house.network.count(Carried.CONNECTED_CALL) == 0
    assert all(house.service.get(one).state is CallbackState.ATTEMPTING for one in ids)
    assert house.service.get(third).state is CallbackState.WAITING
    house.network.lost = False
    house.runner.telephony_up()
    wait_for(lambda: house.network.count(Carried.CONNECTED_CALL) == 1)
    house.do("call_left", "live")
    house.until_ended(ids[1], third)
    assert house.outcome(ids[1]) is Outcome.COMPLETED  # Who had answered meanwhile is joined.
    house.network.hang_up_by(there)
    house.until_ended(ids[0])  # Who had gone is called again, after the rest for what nobody knows.
    house.until_quiet()
    assert house.network.dialed(gone) >= 2
    assert house.runner.telephony_is_up


def _attempt_state(house: House, callback_id: str) -> AttemptState | None:
    attempt_id = house.service.get(callback_id).attempt_id
    return house.rows(lambda tx: tx.attempts.get(attempt_id).state) if attempt_id else None
