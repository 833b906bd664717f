"""
S2, "Callback execution", steps 1 to 6: from the agent who becomes free to what is done after the call.

Step 3 and 4 have a file of their own, `test_simultaneous_dialing`, with the scheduled callbacks of "Agent experience".

Left out: the callback metrics that step 6 logs, which are reports over history; here it is only shown that history
has what they need. The window of ten minutes and the longest virtual wait are rules of the order.
"""

from __future__ import annotations

from datetime import timedelta

from scenarios.scene import Scene

# ---------------------------------------------------------------------------- steps 1 and 2


def test_an_agent_who_ends_a_call_becomes_available_for_a_callback(scene: Scene) -> None:
    """Step 1: the agent completes the call before; not a moment earlier is anybody called."""
    caller = scene.customer("Cid")
    ann = scene.agent("Ann").accepts_after(3)
    ann.is_on_a_call_with(caller)
    bob = scene.customer("Bob").answers_after(6).asks_for_a_callback()
    scene.after("4 min")
    assert bob.times_called == 0
    scene.begins_anew()
    caller.hangs_up()
    scene.after("6 s")
    assert scene.story == [
        "0:00 Ann is rung",
        "0:00 Bob is called",
        "0:03 Ann accepts",
        "0:06 Bob answers",
        "0:06 Ann and Bob talk",
    ]


def test_the_next_customer_of_the_callback_queue_is_called(scene: Scene) -> None:
    """Step 2: who entered the line first is next, on hold or not, though another asked for a callback earlier."""
    scene.agent("Ann").is_on_a_call_with(scene.customer("Cid"))
    first = scene.customer("First").holds()
    scene.after("1 min")
    second = scene.customer("Second").holds().presses_for_a_callback("callback")
    scene.after("1 min")
    first.presses_for_a_callback("2")
    assert (first.position, second.position) == (1, 2)
    scene.service.call_left("Cid")
    scene.after("1 s")
    assert (first.times_called, second.times_called) == (1, 0)
    assert scene.service.line("support") == [second.callback]
    scene.after("10 min")
    assert (first.times_called, second.times_called) == (1, 1)


# ---------------------------------------------------------------------------- steps 3 and 5


def test_the_agent_sees_name_and_issue_before_accepting(scene: Scene) -> None:
    """Step 3: "Callback for [customer name] - [issue]", while the agent's phone rings, and nobody is connected yet."""
    ann = scene.agent("Ann").accepts_after(10).is_free()
    bob = scene.customer("Bob").answers_after(15)
    bob.asks_for_a_callback(context={"reason": "the router restarts"})
    scene.after("9 s")
    assert scene.story == ["0:00 Ann is rung", "0:00 Bob is called"]
    assert f"Callback for {ann.screen.name} - {ann.screen.reason}" == "Callback for Bob - the router restarts"
    scene.after("6 s")
    assert scene.story[2:] == ["0:10 Ann accepts", "0:15 Bob answers", "0:15 Ann and Bob talk"]


def test_the_agent_has_the_whole_context(scene: Scene) -> None:
    """Step 5: name, choices in the menu, reason, past tickets and callbacks, tier; and the try that failed."""
    ann = scene.agent("Ann").is_free()
    bob = scene.customer("Bob").answers_after(5).misses().answers_after(5)
    bob.asks_for_a_callback(ticket_id="T-1")
    scene.after("10 min")
    scene.customer("Cid").asks_for_a_callback(ticket_id="T-9", context={"reason": "another matter"})
    scene.after("10 min")
    context = {"menu": "2 technical, 1 internet", "reason": "the router restarts", "tier": "gold"}
    bob.asks_for_a_callback(ticket_id="T-2", language="en", context=context)
    scene.after("3 min")
    screen = ann.screen
    assert screen.callback_id == bob.callback_id
    assert (screen.name, screen.number, screen.language) == ("Bob", bob.number, "en")
    assert screen.context == context
    assert screen.reason == "the router restarts"
    assert screen.ticket_id == "T-2"
    assert [(past.ticket_id, str(past.outcome)) for past in screen.past] == [("T-1", "completed")]
    assert screen.attempt_number == 2
    assert [str(one.disposition) for one in screen.attempts] == ["no_answer"]


def test_the_call_goes_on_as_any_other(scene: Scene) -> None:
    """Step 5: for as long as they talk the agent is given nobody else; afterwards at once."""
    ann = scene.agent("Ann").is_free()
    scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.customer("Cid").asks_for_a_callback()
    scene.after("3 min")
    assert ann.screen.name == "Bob"
    scene.after("5 s")
    assert ann.screen.name == "Cid"


# ---------------------------------------------------------------------------- step 6


def test_after_the_call_the_ticket_is_updated_and_a_survey_is_offered(scene: Scene) -> None:
    """Step 6: when the conversation is over, and not when it begins."""
    scene.agent("Ann").accepts_after(2).is_free()
    scene.customer("Bob").answers_after(5).asks_for_a_callback(ticket_id="T-1")
    scene.after("1 min")
    assert scene.story[-1] == "0:05 Ann and Bob talk"
    scene.after("3 min")
    assert scene.story[-4:] == [
        "3:05 Bob is off the line",
        "3:05 Ann is off the line",
        "3:05 note on T-1: Callback completed after 1 attempt; the last ended as connected.",
        "3:05 message to Bob: how was it?",
    ]


def test_the_score_and_the_resolution_are_kept(scene: Scene) -> None:
    """Step 6: the answer to the survey, and what the metrics count: when it was asked for, begun and over."""
    scene.agent("Ann").is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.after("4 min")
    scene.service.report_score(bob.callback_id, score=4.6, resolved=True, by="survey")
    assert (bob.callback.score, bob.callback.resolved) == (4.6, True)
    scene.history_says(
        bob,
        "callback requested",
        "callback attempted",
        "attempt started",
        "callback ended: completed",
        "attempt ended: connected",
        "callback scored: 4.6",
    )
    attempt_ended = next(e for e in scene.service.history(bob.callback_id) if e.kind == "attempt_ended")
    assert bob.callback.ended_at is not None
    assert bob.callback.ended_at - bob.callback.requested_at == timedelta(seconds=5)
    assert attempt_ended.at - bob.callback.ended_at == timedelta(minutes=3)
