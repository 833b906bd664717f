"""Who is available, by what app_queue says of its members; and how agents are kept for callbackq's own calls."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from adapters.asterisk.ami_phones import driven
from adapters.asterisk.ami_scene import ANN, BEN, BOB, EVE, Scene, play, policy, scene
from callbackq import (
    Agent,
    AgentState,
    AttemptId,
    CallbackService,
    CallbackState,
    CanReserve,
    Dispatcher,
    MemoryStore,
    Outcome,
    QueueName,
    ReleaseAgent,
    ReserveAgent,
    SystemClock,
)
from callbackq.adapters.asterisk.agents import (
    Device,
    Member,
    MemberBook,
    Mood,
    Say,
    View,
    agent_of_interface,
    what_to_say,
)
from callbackq.ids import AgentId
from callbackq.testing import START
from callbackq.testing.doubles.ami import AmiDouble
from callbackq.testing.doubles.ami_queue import BUSY, IN_USE, NOT_IN_USE, UNAVAILABLE

SUPPORT = QueueName("support")
AT = AttemptId("at_1")


def book(**wrap_up_s: int) -> MemberBook:
    return MemberBook(
        queues={"support": SUPPORT, "sales": QueueName("sales")},
        agent_of=agent_of_interface,
        wrap_up_s=wrap_up_s,
        pause_reason="callbackq",
    )


def member(queue: str = "support", *, status: int = Device.NOT_INUSE, **others: object) -> Member:
    return Member(queue=queue, interface=ANN, name="Ann", status=status, **others)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- what follows from the members


@pytest.mark.parametrize(
    ("status", "mood"),
    [
        (0, Mood.GONE),
        (1, Mood.FREE),
        (2, Mood.AT_WORK),
        (3, Mood.AT_WORK),
        (4, Mood.GONE),
        (5, Mood.GONE),
        (6, Mood.RINGING),
        (7, Mood.AT_WORK),
        (8, Mood.AT_WORK),
        (99, Mood.FREE),
    ],
)
def test_the_state_of_the_phone_says_who_is_free(status: int, mood: Mood) -> None:
    """A phone without a state (0) is that of nobody: such members need a `state_interface`."""
    members = book()
    members.note(member(status=status))
    assert members.view("ann", now_s=0).mood is mood


def test_a_phone_that_app_queue_rings_rings_whatever_its_state_says() -> None:
    """A phone that takes one call at a time is BUSY while it rings."""
    members = book()
    members.note(member())
    assert members.called("support", ANN) == "ann"
    members.note(member(status=Device.BUSY))
    assert members.view("ann", now_s=0).mood is Mood.RINGING
    members.rings_no_more("support", ANN)
    assert members.view("ann", now_s=0).mood is Mood.AT_WORK
    assert members.called("support", "PJSIP/nobody") is None


def test_the_pause_after_a_call_is_known_before_it_is_said() -> None:
    """By AgentComplete, by LastCall, by the member's own time or by the queue's."""
    members = book(sales=30)
    members.note(member(wrap_up_s=10))
    members.note(member("sales"))
    members.completed("sales", ANN, at_s=100.0)
    assert members.view("ann", now_s=129) == View(
        mood=Mood.WRAPPING_UP, queues=("sales", "support"), until_s=130
    )
    assert members.view("ann", now_s=131).mood is Mood.FREE
    members.note(member(wrap_up_s=10, last_call_s=200))
    assert members.view("ann", now_s=205).until_s == 210


def test_an_agent_may_be_a_member_of_several_queues() -> None:
    """Those of which calls may be given are those where nobody paused them; a queue of somebody else's counts not."""
    members = book()
    members.note(member())
    members.note(member("sales", is_paused=True, reason="lunch"))
    members.note(member("another"))
    assert members.view("ann", now_s=0) == View(mood=Mood.FREE, queues=(SUPPORT,))
    members.remove(member())
    assert members.view("ann", now_s=0).mood is Mood.GONE
    assert members.agents == ("ann",)
    assert members.replace([]) == {"ann"}
    assert members.agents == ()


def test_who_paused_is_remembered() -> None:
    """Our pause over that of a person: the person's stays known; it is over when the pause is."""
    members = book()
    ours = members.reason_for("at_1")
    members.note(member(is_paused=True, reason=ours))
    assert members.view("ann", now_s=0).mood is Mood.FREE
    assert members.attempt_of(members.members_of("ann")[0]) == "at_1"
    members.note(member(is_paused=True, reason="lunch"))
    members.note(member(is_paused=True, reason=ours))
    assert members.view("ann", now_s=0).mood is Mood.GONE
    assert members.members_of("ann")[0].others_reason == "lunch"
    members.note(member())
    assert members.view("ann", now_s=0).mood is Mood.FREE


def known(state: AgentState, **others: object) -> Agent:
    given = {"queues": (SUPPORT,), "leaving": False, **others}
    return Agent(
        tenant_id="default",  # type: ignore[arg-type]
        agent_id=AgentId("ann"),
        version=1,
        state=state,
        since_at=START,
        due_at=START,
        due_reason=None,
        **given,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("state", list(AgentState))
def test_work_that_callbackq_knows_of_is_not_contradicted_by_its_phone(state: AgentState) -> None:
    """Ringing or in use: only who has nothing to do is unavailable; who is gone is so in any case."""
    in_use = View(mood=Mood.AT_WORK, queues=(SUPPORT,))
    said = {
        steady: what_to_say(
            in_use, known(state), skills=(), is_steady=steady, has_call=False, ends_rest=False
        )
        for steady in (True, False)
    }
    idle = state in (AgentState.AVAILABLE, AgentState.WRAP_UP)
    assert said[True] is (Say.UNAVAILABLE if idle else Say.NOTHING)
    assert said[False] is (Say.LATER if idle else Say.NOTHING)
    gone = what_to_say(
        View(mood=Mood.GONE), known(state), skills=(), is_steady=True, has_call=True, ends_rest=False
    )
    assert gone is (Say.NOTHING if state is AgentState.SIGNED_OUT else Say.UNAVAILABLE)


def test_who_is_there_is_said_once_and_when_something_changed() -> None:
    """Queues, skills, a pause that the agent ends, and whoever would be taken for lost."""
    free = View(mood=Mood.FREE, queues=(SUPPORT,))

    def say(agent: Agent | None, *, view: View = free, skills: tuple[str, ...] = (), **others: object) -> Say:
        given = {"is_steady": True, "has_call": False, "ends_rest": False, **others}
        return what_to_say(view, agent, skills=skills, **given)  # type: ignore[arg-type]

    assert say(None) is Say.AVAILABLE
    assert say(known(AgentState.AVAILABLE)) is Say.NOTHING
    assert say(known(AgentState.AVAILABLE), skills=("german",)) is Say.AVAILABLE
    assert say(known(AgentState.AVAILABLE, queues=())) is Say.AVAILABLE
    assert say(known(AgentState.AVAILABLE), renew_at=START) is Say.AVAILABLE
    assert say(known(AgentState.BUSY, leaving=True)) is Say.AVAILABLE
    assert say(known(AgentState.WRAP_UP), skills=("german",)) is Say.NOTHING
    assert say(known(AgentState.WRAP_UP), ends_rest=True) is Say.AVAILABLE
    wrapping = View(mood=Mood.WRAPPING_UP, queues=(SUPPORT,), until_s=1.0)
    assert say(known(AgentState.AVAILABLE), view=wrapping) is Say.UNAVAILABLE
    assert say(known(AgentState.WRAP_UP), view=wrapping) is Say.NOTHING
    assert say(known(AgentState.AVAILABLE), view=View(mood=Mood.AT_WORK), has_call=True) is Say.NOTHING


# ---------------------------------------------------------------------------- through the adapter


def test_members_become_agents() -> None:
    """Those who are there when it connects, who come, who are paused, and who go."""

    async def story() -> None:
        double = AmiDouble()
        for interface in (ANN, BEN, "Local/eve@agents/n"):
            double.queue.add_member("support", interface)
        async with scene(double, skills={"ben": ["german"]}) as at:
            await at.until(lambda: all(at.is_available(agent_id) for agent_id in ("ann", "ben", "eve")))
            assert at.service.agent("ben").skills == ("german",)
            double.queue.pause(ANN, reason="lunch")
            double.queue.set_device(BEN, UNAVAILABLE)
            double.queue.remove_member("support", "Local/eve@agents/n")
            gone = [AgentState.SIGNED_OUT] * 3
            await at.until(lambda: [at.service.agent(one).state for one in ("ann", "ben", "eve")] == gone)
            double.queue.pause(ANN, is_paused=False)
            double.queue.set_device(BEN, NOT_IN_USE)
            await at.until(lambda: at.is_available() and at.is_available("ben"))

    play(story)


def test_agents_are_named_by_the_host() -> None:
    """By a table: who is not in it is nobody. By a function: two phones may be one agent."""

    async def story() -> None:
        double = AmiDouble()
        double.queue.add_member("support", ANN)
        double.queue.add_member("support", "PJSIP/boss")
        async with scene(double, agents={ANN: "agent-7"}) as at:
            await at.until(lambda: at.is_available("agent-7"))
            assert at.agent("boss") is None
        double.queue.add_member("support", "PJSIP/ann-mobile")
        async with scene(double, agents=lambda one: one.interface.split("/")[1].split("-")[0]) as at:
            await at.until(at.is_available)
            double.queue.set_device("PJSIP/ann-mobile", IN_USE)
            await at.until(lambda: not at.is_available())

    play(story)


def test_a_phone_that_is_used_for_something_else_makes_its_agent_unavailable() -> None:
    """After a moment; a phone that app_queue rings does not, nor one that is in a call of the queue."""

    async def story() -> None:
        async with scene() as at:
            await at.until(at.is_available)
            call_id = await at.joined()
            at.double.queue.ring(call_id, ANN, status=BUSY)
            await asyncio.sleep(0.1)
            await at.settled()
            assert at.is_available()
            at.double.queue.connect(call_id, ANN)
            await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
            await asyncio.sleep(0.1)
            await at.settled()
            assert not at.service.agent("ann").leaving
            at.double.queue.complete(call_id)
            at.double.queue.hang_up(call_id)
            await at.until(at.is_available)
            at.double.queue.set_device(ANN, IN_USE)
            await at.until(lambda: at.service.agent("ann").state is AgentState.SIGNED_OUT)
            at.double.queue.set_device(ANN, NOT_IN_USE)
            await at.until(at.is_available)

    play(story)


def test_everybody_on_the_phone_is_still_staffed() -> None:
    """So that a callback is offered when it is needed most."""

    async def story() -> None:
        async with scene() as at:
            await at.until(at.is_available)
            first = await at.joined()
            at.double.queue.connect(first, ANN)
            await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
            waits = await at.joined()
            offer = at.service.offer(waits, asked=True)
            assert getattr(offer, "reason", None) is not None
            assert offer.reason.value == "asked"

    play(story)


def test_the_pause_after_a_call_of_app_queue_is_kept() -> None:
    """`wrapuptime` of the queue, which AMI does not tell."""

    async def story() -> None:
        async with scene(wrap_up={"support": timedelta(seconds=1)}) as at:
            await at.until(at.is_available)
            call_id = await at.joined()
            at.double.queue.connect(call_id, ANN)
            at.double.queue.complete(call_id)
            await at.until(lambda: at.service.agent("ann").state is AgentState.SIGNED_OUT)
            await at.until(at.is_available)

    play(story)


def test_where_asterisk_is_away_for_long_nobody_is_available(caplog: pytest.LogCaptureFixture) -> None:
    """Until it is back."""

    async def story() -> None:
        async with scene(stale_after=timedelta(seconds=0.1)) as at:
            await at.until(at.is_available)
            await at.double.stop()
            await at.until(lambda: not at.is_available())
            await at.double.start()
            await at.until(at.is_available)

    play(story)
    assert "taken for unavailable" in caplog.text


def test_an_agent_of_whom_nothing_is_heard_stays_there() -> None:
    """What the policy wants to hear again and again is said again."""

    async def story() -> None:
        async with scene(policies={"agent_presence_max": timedelta(minutes=1)}) as at:
            await at.until(at.is_available)
            due_at = at.service.agent("ann").due_at
            assert due_at is not None
            await at.until(lambda: (at.service.agent("ann").due_at or due_at) > due_at)

    play(story)


# ---------------------------------------------------------------------------- reserving


def reserve(agent_id: str = "ann", attempt_id: str = AT) -> ReserveAgent:
    return ReserveAgent(agent_id=AgentId(agent_id), attempt_id=AttemptId(attempt_id))


def release(agent_id: str = "ann", attempt_id: str = AT) -> ReleaseAgent:
    return ReleaseAgent(agent_id=AgentId(agent_id), attempt_id=AttemptId(attempt_id))


def reasons(at: Scene, interface: str = ANN) -> list[str | None]:
    """Why a member is paused, in each queue; None where they are not."""
    members = at.double.queue.members.values()
    return [one.reason if one.is_paused else None for one in members if one.interface == interface]


def test_an_agent_is_reserved_and_released() -> None:
    """In every queue of the PBX, with a reason. Twice is no error, nor is releasing who was not reserved."""

    async def story() -> None:
        async with scene() as at:
            assert isinstance(at.queues, CanReserve)
            at.double.queue.add_member("somebody else's", ANN)
            await at.settled()
            await at.queues.release_agent(release())
            for _ in range(2):
                await at.queues.reserve_agent(reserve())
                assert reasons(at) == ["callbackq:at_1"] * 2
            assert at.double.count("QueuePause") == 2
            for _ in range(2):
                await at.queues.release_agent(release())
                assert reasons(at) == [None, None]
            await at.queues.reserve_agent(reserve("nobody"))
            await at.queues.release_agent(release("nobody"))
            await at.queues.reserve_agent(reserve())
            await at.queues.release_agent(release(attempt_id="at_0"))
            assert reasons(at) == ["callbackq:at_1"] * 2

    play(story)


def test_a_pause_of_a_person_is_not_ended() -> None:
    """One that was there before, in one of the queues; and one that was made meanwhile."""

    async def story() -> None:
        double = AmiDouble()
        for queue in ("support", "sales"):
            double.queue.add_member(queue, ANN)
        double.queue.pause(ANN, queue="sales", reason="training")
        async with scene(double) as at:
            await at.queues.reserve_agent(reserve())
            assert reasons(at) == ["callbackq:at_1", "training"]
            await at.queues.release_agent(release())
            assert reasons(at) == [None, "training"]
            await at.queues.reserve_agent(reserve())
            double.queue.pause(ANN, queue="support", reason="lunch")
            await at.settled()
            await at.queues.release_agent(release())
            assert reasons(at) == ["lunch", "training"]

    play(story)


def test_a_pause_of_a_person_that_came_just_before_ours_comes_back() -> None:
    """It is heard of after ours was asked for, which took its place."""

    async def story() -> None:
        async with scene() as at:
            at.double.queue.pause(ANN, reason="lunch")  # Its event is on the way.
            await at.queues.reserve_agent(reserve())
            assert reasons(at) == ["callbackq:at_1"]
            await at.settled()
            await at.queues.release_agent(release())
            assert reasons(at) == ["lunch"]
            await at.settled()
            assert not at.is_available()

    play(story)


def test_who_unpauses_or_logs_in_while_reserved_is_paused_again() -> None:
    """App_queue must not ring an agent whom we ring."""

    async def story() -> None:
        async with scene() as at:
            await at.queues.reserve_agent(reserve())
            at.double.queue.pause(ANN, is_paused=False)
            await at.until(lambda: reasons(at) == ["callbackq:at_1"])
            at.double.queue.add_member("sales", ANN)
            await at.until(lambda: reasons(at) == ["callbackq:at_1"] * 2)
            await at.queues.release_agent(release())
            await at.settled()
            assert reasons(at) == [None, None]

    play(story)


def test_our_own_call_does_not_make_its_agent_unavailable() -> None:
    """Rung by us, talking for us, and in the moment in which the phone is not yet idle again: one after the other."""

    async def story() -> None:
        async with scene() as at, driven(at) as phones:
            for number in (BOB, EVE):
                await at.until(at.is_available)
                receipt = await at.aio.request("support", number=number)
                await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
                await asyncio.sleep(0.1)
                await at.settled()
                assert reasons(at) == [f"callbackq:{at.service.agent('ann').attempt_id}"]
                assert at.service.agent("ann").leaving is False
                phones.end_all()
                await at.until(lambda r=receipt: at.service.get(r.callback_id).outcome is not None)
                assert at.service.get(receipt.callback_id).outcome is Outcome.COMPLETED
            await at.until(lambda: reasons(at) == [None])
            events = [type(event).__name__ for event in at.service.agent_history("ann")]
            assert "AgentSignedOut" not in events
            assert len(phones.dialed) == 4

    play(story)


@pytest.mark.parametrize("answers", [False, True])
def test_app_queue_may_be_quicker(answers: bool) -> None:
    """It rings, or has connected, the agent who was just reserved: nobody is dialed, and the place is kept."""

    async def story() -> None:
        async with scene() as at:
            await at.until(at.is_available)
            receipt = await at.aio.request("support", number=EVE)
            call_id = at.double.queue.join("support")
            at.double.queue.ring(call_id, ANN)
            if answers:
                at.double.queue.connect(call_id, ANN)
            async with driven(at) as phones:
                await at.until(lambda: at.service.agent("ann").state is not AgentState.AVAILABLE)
                await at.until(lambda: at.service.get(receipt.callback_id).state is CallbackState.WAITING)
                assert phones.dialed == []
                at.double.queue.hang_up(call_id)
                at.double.queue.set_device(ANN, NOT_IN_USE)
                await at.until(lambda: len(phones.dialed) == 2)
                assert reasons(at)[0] is not None

    play(story)


def test_app_queue_may_connect_an_agent_whom_we_ring() -> None:
    """The phone was ringing for both: the attempt is called off, and the callback waits."""

    async def story() -> None:
        async with scene() as at, driven(at) as phones:
            phones.agents_answer = False
            await at.until(at.is_available)
            receipt = await at.aio.request("support", number=EVE)
            await at.until(lambda: len(phones.dialed) == 1)
            call_id = at.double.queue.join("support")
            at.double.queue.connect(call_id, ANN)
            await at.until(lambda: at.service.get(receipt.callback_id).state is CallbackState.WAITING)
            assert at.service.call(call_id).agent_id == "ann"
            assert phones.live == {}

    play(story)


def test_a_short_absence_of_asterisk_signs_nobody_out() -> None:
    """It was back before its agents were taken for gone."""

    async def story() -> None:
        async with scene(stale_after=timedelta(seconds=0.3)) as at:
            await at.until(at.is_available)
            at.double.disconnect()
            await at.until(lambda: at.double.logins_count == 2)
            await asyncio.sleep(0.4)
            assert [type(event).__name__ for event in at.service.agent_history("ann")] == ["AgentSignedIn"]

    play(story)


def test_a_person_who_pauses_while_rung_calls_the_attempt_off() -> None:
    """And is not unpaused by it."""

    async def story() -> None:
        async with scene() as at, driven(at) as phones:
            phones.agents_answer = False
            await at.until(at.is_available)
            receipt = await at.aio.request("support", number=EVE)
            await at.until(lambda: len(phones.dialed) == 1)
            at.double.queue.pause(ANN, reason="lunch")
            await at.until(lambda: at.service.get(receipt.callback_id).state is CallbackState.WAITING)
            await at.settled()
            assert reasons(at) == ["lunch"]
            assert at.service.agent("ann").state is AgentState.SIGNED_OUT
            assert len(phones.dialed) == 1

    play(story)


def test_the_wrap_up_after_a_callback_is_kept_in_app_queue_too() -> None:
    """It does not know of our calls. It is over by itself, or when the agent unpauses: here and there."""

    async def story() -> None:
        async with scene(policies={"wrap_up": timedelta(seconds=1)}) as at, driven(at) as phones:
            for ends_it in (False, True):
                await at.until(at.is_available)
                await at.aio.request("support", number=EVE)
                await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
                phones.end_all()
                await at.until(lambda: at.service.agent("ann").state is AgentState.WRAP_UP)
                await asyncio.sleep(0.3)
                assert at.service.agent("ann").state is AgentState.WRAP_UP
                assert reasons(at)[0] is not None
                if ends_it:
                    at.double.queue.pause(ANN, is_paused=False)
                    await at.until(at.is_available)
                await at.until(lambda: reasons(at) == [None])

    play(story)


def test_pauses_that_a_crash_left_are_ended_and_those_of_open_attempts_are_not() -> None:
    """By the process that comes after; and a pause of another installation is left alone."""

    async def story() -> None:
        double = AmiDouble()
        service = CallbackService(MemoryStore(), [policy()], clock=SystemClock())
        for interface in (ANN, BEN, "PJSIP/eve"):
            double.queue.add_member("support", interface)
        double.queue.pause("PJSIP/eve", reason="other-callbackq:at_5")
        async with scene(double, service=service) as at:
            await at.until(lambda: at.is_available() and at.is_available("ben"))
            await at.aio.request("support", number=EVE)
            effects = Dispatcher(service, node_id="crashed").step(service.now())
            [order] = [effect for effect in effects if isinstance(effect, ReserveAgent)]
            await at.queues.reserve_agent(order)
            left = "ben" if order.agent_id == "ann" else "ann"
            await at.queues.reserve_agent(reserve(left, "at_lost"))
        async with scene(double, service=service) as at:
            await at.until(lambda: reasons(at, f"PJSIP/{left}") == [None])
            assert reasons(at, f"PJSIP/{order.agent_id}") == [f"callbackq:{order.attempt_id}"]
            assert reasons(at, "PJSIP/eve") == ["other-callbackq:at_5"]

    play(story)


def test_who_is_reserved_while_asterisk_is_away_is_paused_when_it_is_back() -> None:
    """And who was released meanwhile is not kept. Nobody is told of an error: the attempt goes on."""

    async def story() -> None:
        double = AmiDouble()
        double.queue.add_member("support", ANN)
        async with scene(double) as at, driven(at) as phones:
            await at.until(at.is_available)
            await double.stop()
            receipt = await at.aio.request("support", number=EVE)
            await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
            assert reasons(at) == [None]
            await double.start()
            await at.until(lambda: reasons(at) != [None])
            await double.stop()
            phones.end_all()
            await at.until(lambda: at.service.get(receipt.callback_id).outcome is not None)
            await asyncio.sleep(0.03)
            assert reasons(at) != [None]
            await double.start()
            await at.until(lambda: reasons(at) == [None])

    play(story)


def test_a_member_who_cannot_be_paused_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Without permission: in words, and no error."""

    async def story() -> None:
        async with scene(AmiDouble(denied=["QueuePause"])) as at:
            await at.queues.reserve_agent(reserve())
            await at.queues.release_agent(release())

    with caplog.at_level(logging.WARNING):
        play(story)
    assert "could not be paused: Asterisk refused QueuePause: Permission denied" in caplog.text
