"""
S2, "Scheduled callback management", agent experience, steps 3 to 5, and the models 2 and 3: calls at a chosen time.

Those dial the customer first, and the agent joins; or, where the agent has promised the call and prepares for it,
the agent first. Left out: slots, confirmations and reminders to the customer, the reminder to the agent a quarter of
an hour before, and the agent's view of the day, which belong to slots and messages.
"""

from __future__ import annotations

from collections.abc import Callable

from callbackq import Mode
from scenarios.scene import Scene

HOLD = "This is Acme Support, calling you back. Please hold, we are connecting you."

# ---------------------------------------------------------------------------- the customer first


def test_at_the_scheduled_time_the_customer_is_dialed_and_the_agent_joins(
    make_scene: Callable[..., Scene],
) -> None:
    """Agent experience 4 and 5, model 2: an agent is kept free for it, and is rung when the customer answers."""
    scene = make_scene(mode=Mode.CUSTOMER_FIRST)
    ann = scene.agent("Ann").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(8).books("30 min")
    scene.customer("Later").books("31 min")
    scene.after("30 min")
    assert str(scene.service.agent("Ann").state) == "reserved"
    scene.after("10 s")
    assert scene.story == [
        "30:00 Bob is called",
        "30:08 Bob answers",
        f"30:08 Bob hears: {HOLD}",
        "30:08 Ann is rung",
        "30:10 Ann accepts",
        "30:10 Ann and Bob talk",
    ]
    assert ann.screen.scheduled_at == bob.callback.scheduled_at


def test_the_agent_sees_earlier_attempts_of_a_scheduled_callback(make_scene: Callable[..., Scene]) -> None:
    """Agent experience 3: choices and issue, past tickets, tier, and how the tries before went."""
    scene = make_scene(mode=Mode.CUSTOMER_FIRST)
    ann = scene.agent("Ann").accepts_after(2).is_free()
    context = {"menu": "1 billing", "reason": "an invoice", "tier": "gold"}
    bob = scene.customer("Bob").is_busy().answers_after(8)
    bob.books("30 min", ticket_id="T-1", context=context)
    scene.after("34 min")
    assert scene.story[:2] == ["30:00 Bob is called", "30:01 Bob is on another call"]
    assert [str(one.disposition) for one in ann.screen.attempts] == ["busy"]
    assert (ann.screen.context, ann.screen.ticket_id, ann.screen.attempt_number) == (context, "T-1", 2)


# ---------------------------------------------------------------------------- the agent first


def test_the_agent_who_promised_the_call_is_notified_before_the_customer_is_dialed(
    make_scene: Callable[..., Scene],
) -> None:
    """Model 3: "let me look into this and call you back". The owner sees the ticket, accepts when ready, then Bob."""
    scene = make_scene(mode=Mode.AGENT_FIRST)
    scene.agent("Ben").accepts_after(0).is_free()
    scene.after("1 min")
    ann = scene.agent("Ann").accepts_after(15).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books("30 min", owner="Ann", ticket_id="T-1", context={"reason": "what engineering found"})
    scene.after("30 min")
    assert scene.story == ["31:00 Ann is rung"]
    assert (ann.screen.ticket_id, ann.screen.reason) == ("T-1", "what engineering found")
    scene.after("20 s")
    assert scene.story[1:] == [
        "31:15 Ann accepts",
        "31:15 Bob is called",
        "31:20 Bob answers",
        "31:20 Ann and Bob talk",
    ]
