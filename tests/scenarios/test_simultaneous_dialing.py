"""
S2, "Callback execution", steps 3 and 4, "Simultaneous dialing": customer and agent are dialed at once.

Whoever is there first, and who is not. "3 rings" are 18 seconds (`ring_on_max`). A redial would be an attempt of its
own, so the phone that rings is let ring on.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from callbackq import RETRY_S2, Disposition, Mode, NoticeKind, RetryRule
from scenarios.scene import Scene

HOLD = "This is Acme Support, calling you back. Please hold, we are connecting you."
SORRY = "We are sorry, we could not connect you. We will get back to you."
NOT_REACHED = "The customer did not answer."


def test_both_are_dialed_at_once(scene: Scene) -> None:
    """Step 3: the customer's phone rings in the same moment as the agent is asked to accept."""
    scene.agent("Ann").does_not_react().is_free()
    scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("0 s")
    assert scene.story == ["0:00 Ann is rung", "0:00 Bob is called"]


def test_both_answer_and_are_connected_immediately(scene: Scene) -> None:
    """Step 4: the moment in which the second one answers."""
    scene.agent("Ann").accepts_after(4).is_free()
    bob = scene.customer("Bob").answers_after(9).asks_for_a_callback()
    scene.after("9 s")
    assert scene.story[2:] == ["0:04 Ann accepts", "0:09 Bob answers", "0:09 Ann and Bob talk"]
    scene.history_says(bob, "callback ended: completed")


# ---------------------------------------------------------------------------- the customer answers first


def test_a_customer_who_answers_first_is_held_until_the_agent_accepts(scene: Scene) -> None:
    """Step 4: the customer hears who calls, and to hold; then the agent."""
    scene.agent("Ann").accepts_after(19).is_free()
    scene.customer("Bob").answers_after(3).asks_for_a_callback()
    scene.after("19 s")
    assert scene.story[2:] == [
        "0:03 Bob answers",
        f"0:03 Bob hears: {HOLD}",
        "0:19 Ann accepts",
        "0:19 Ann and Bob talk",
    ]


def test_a_customer_is_held_30_seconds_at_most(scene: Scene) -> None:
    """Step 4: then the customer is told, keeps the place, and is called again as soon as there is an agent."""
    scene.agent("Ann").does_not_react().accepts_after(1).is_free()
    bob = scene.customer("Bob").answers_after(3).answers_after(5).asks_for_a_callback()
    scene.after("1 s")
    later = scene.customer("Later").asks_for_a_callback()
    scene.after("39 s")
    assert scene.story[2:] == [
        "0:03 Bob answers",
        f"0:03 Bob hears: {HOLD}",
        "0:20 Ann does not answer",
        f"0:33 Bob hears: {SORRY}",
    ]
    assert bob.is_waiting
    assert (bob.position, later.position) == (1, 2)
    scene.history_says(bob, "attempt ended: agent unavailable", "callback rested: agent unavailable")
    scene.begins_anew()
    scene.after("15 s")  # Ann is left alone for 30 s after she did not react.
    assert scene.story == [
        "0:10 Ann is rung",
        "0:10 Bob is called",
        "0:11 Ann accepts",
        "0:15 Bob answers",
        "0:15 Ann and Bob talk",
    ]


def test_another_agent_who_becomes_free_takes_the_customer_who_holds(scene: Scene) -> None:
    """Step 4: the 30 seconds are used to look for the next agent, before anybody else in line is served."""
    scene.agent("Ann").declines_after(6).is_free()
    ben = scene.agent("Ben").accepts_after(4)
    scene.customer("Bob").answers_after(3).asks_for_a_callback(context={"reason": "the router restarts"})
    scene.after("1 s")
    later = scene.customer("Later").asks_for_a_callback()
    scene.after("19 s")
    ben.is_free()
    scene.after("4 s")
    assert scene.story[2:] == [
        "0:03 Bob answers",
        f"0:03 Bob hears: {HOLD}",
        "0:06 Ann declines",
        "0:20 Ben is rung",
        "0:24 Ben accepts",
        "0:24 Ben and Bob talk",
    ]
    assert ben.screen.reason == "the router restarts"
    assert later.times_called == 0


def test_a_customer_who_hangs_up_while_holding_is_called_again(scene: Scene) -> None:
    """Step 4, and the retry table: answered, and gone before anybody was there. The agent is not left ringing."""
    scene.agent("Ann").accepts_after(15).accepts_after(1).is_free()
    bob = scene.customer("Bob").answers_after(3).answers_after(5).asks_for_a_callback()
    scene.after("8 s")
    scene.network.hang_up_by(bob.number)
    scene.after("0 s")
    assert scene.story[2:] == [
        "0:03 Bob answers",
        f"0:03 Bob hears: {HOLD}",
        "0:08 Bob is off the line",
        "0:08 Ann is rung no more",
    ]
    scene.after("125 s")
    assert scene.story[6:] == [
        "2:08 Ann is rung",
        "2:08 Bob is called",
        "2:09 Ann accepts",
        "2:13 Bob answers",
        "2:13 Ann and Bob talk",
    ]


# ---------------------------------------------------------------------------- the agent answers first


def test_the_customers_phone_rings_on_for_3_rings_once_the_agent_is_there(scene: Scene) -> None:
    """Step 4: a ring is six seconds. The agent is told why there is nobody, and is free again."""
    scene.agent("Ann").accepts_after(7).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("24 s")
    assert scene.story == ["0:00 Ann is rung", "0:00 Bob is called", "0:07 Ann accepts"]
    scene.after("1 s")
    assert scene.story[3:] == [f"0:25 Ann hears: {NOT_REACHED}", "0:25 Bob is rung no more"]
    scene.history_says(bob, "attempt ended: no answer", "callback rested: no answer")
    assert str(scene.service.agent("Ann").state) == "available"


def test_a_customer_who_answers_within_the_3_rings_is_connected(scene: Scene) -> None:
    """Step 4: at the last moment."""
    scene.agent("Ann").accepts_after(7).is_free()
    scene.customer("Bob").answers_after(24).asks_for_a_callback()
    scene.after("24 s")
    assert scene.story[2:] == ["0:07 Ann accepts", "0:24 Bob answers", "0:24 Ann and Bob talk"]


def test_3_rings_never_make_it_ring_longer_than_the_queue_says(scene: Scene) -> None:
    """Step 4, and the edge case of 45 seconds: that is the most, however late the agent accepts."""
    scene.agent("Ann").does_not_react().is_free()
    ben = scene.agent("Ben").accepts_after(4)
    scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("40 s")
    ben.is_free()
    scene.after("1 min")
    assert scene.story[2:] == [
        "0:20 Ann does not answer",
        "0:40 Ben is rung",
        "0:44 Ben accepts",
        "0:45 Bob does not answer",
        f"0:45 Ben hears: {NOT_REACHED}",
    ]


# ---------------------------------------------------------------------------- neither answers


def _offers_another_time(make_scene: Callable[..., Scene], **rule: object) -> Scene:
    no_answer = attrs.evolve(RETRY_S2[Disposition.NO_ANSWER], **rule)
    return make_scene(retry_rules={**RETRY_S2, Disposition.NO_ANSWER: no_answer})


def test_neither_answers_and_another_time_is_offered(make_scene: Callable[..., Scene]) -> None:
    """Step 4: logged as missed, and the customer may choose another time by message; here with no further try."""
    scene = _offers_another_time(make_scene, retries_max=0, last_notice=NoticeKind.OTHER_TIME)
    scene.agent("Ann").does_not_react().is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback(ticket_id="T-1")
    scene.after("45 s")
    assert scene.story[2:] == [
        "0:20 Ann does not answer",
        "0:45 Bob does not answer",
        "0:45 message to Bob: choose another time",
        "0:45 note on T-1: Callback unreached after 1 attempt; the last ended as no answer.",
        "0:45 task: see to Bob within 24 h",
    ]
    scene.history_says(bob, "attempt ended: no answer", "callback ended: unreached, no retry after no answer")
    scene.after("1 h")
    assert bob.times_called == 1


def test_another_time_is_offered_while_it_is_tried_again(make_scene: Callable[..., Scene]) -> None:
    """Step 4 and the retry table together: the offer goes out at once, and the second try is in 2 minutes."""
    scene = _offers_another_time(make_scene, notice=NoticeKind.OTHER_TIME)
    scene.agent("Ann").does_not_react().accepts_after(1).is_free()
    scene.customer("Bob").misses().answers_after(5).asks_for_a_callback()
    scene.after("170 s")
    assert scene.story[2:] == [
        "0:20 Ann does not answer",
        "0:45 Bob does not answer",
        "0:45 message to Bob: choose another time",
        "2:45 Ann is rung",
        "2:45 Bob is called",
        "2:46 Ann accepts",
        "2:50 Bob answers",
        "2:50 Ann and Bob talk",
    ]


def test_without_a_customers_phone_that_rings_nothing_counts(make_scene: Callable[..., Scene]) -> None:
    """The same agent does not react where the agent is asked first: no phone rang, so no try is used up."""
    scene = make_scene(mode=Mode.AGENT_FIRST, retry_rules={Disposition.NO_ANSWER: RetryRule()})
    scene.agent("Ann").does_not_react().is_free()
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("25 s")
    assert scene.story == ["0:00 Ann is rung", "0:20 Ann does not answer"]
    assert bob.is_waiting
    assert bob.callback.attempts_count == 0
