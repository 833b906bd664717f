"""The queues of `mod_callcenter`: who waits, who works, and who is held back for a callback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from adapters.freeswitch.esl_far_end import Board, settings_for
from adapters.freeswitch.esl_rig import run, until
from callbackq import (
    Acd,
    AgentNotFound,
    AgentState,
    CallbackService,
    CallbackState,
    CallNotFound,
    CallOutcome,
    CallState,
    ConnectCall,
    MemoryStore,
    QueuePolicy,
    ReleaseAgent,
    ReserveAgent,
    SystemClock,
    TelephonyDown,
)
from callbackq.adapters.freeswitch import CallcenterQueues, CallcenterTelephony, CcCaller
from callbackq.adapters.freeswitch.callcenter_reading import CcQueue, call_id_of, caller
from callbackq.adapters.freeswitch.framing import Event
from callbackq.aio import AsyncCallbackService
from callbackq.errors import AdapterError
from callbackq.testing.doubles.esl import EslDouble
from callbackq.testing.doubles.esl_callcenter import CcMember

QUEUE = "support@default"


@attrs.define
class Center:
    """All that takes part."""

    double: EslDouble
    service: CallbackService
    queues: CallcenterQueues
    telephony: CallcenterTelephony
    left: list[CcCaller]

    @property
    def cc(self):
        return self.double.callcenter

    def call(self, member: CcMember):
        return self.service.call(call_id_of(member.uuid, member.channel))

    def call_state(self, member: CcMember) -> CallState | None:
        try:
            return self.call(member).state
        except CallNotFound:
            return None

    def agent_state(self, agent: str) -> AgentState | None:
        try:
            return self.service.agent(agent).state
        except AgentNotFound:
            return None

    async def reserve(self, agent: str) -> None:
        await self.telephony.reserve_agent(ReserveAgent(agent_id=agent, attempt_id="at_1"))

    async def release(self, agent: str) -> None:
        await self.telephony.release_agent(ReleaseAgent(agent_id=agent, attempt_id="at_1"))

    def status(self, agent: str) -> str:
        return self.cc.agents[agent].status


@asynccontextmanager
async def center(*, with_exit: bool = True, double: EslDouble | None = None) -> AsyncIterator[Center]:
    async with double or EslDouble() as there:
        there.callcenter.queue(QUEUE, agents=["ann", "ben"])
        for agent in ("ann", "ben"):
            there.callcenter.agents[agent].status = "Available"
        service = CallbackService(
            MemoryStore(),
            [QueuePolicy(queue="support", acd=Acd.HOST, wrap_up=timedelta(seconds=30))],
            clock=SystemClock(),
        )
        async with AsyncCallbackService(service) as callbacks:
            left: list[CcCaller] = []

            async def on_exit(one: CcCaller) -> None:
                left.append(one)
                answer = await callbacks.request_spoken("support", call_id=one.call_id)
                if answer.success:
                    await queues.say_goodbye(one)
                else:
                    await queues.put_back(one)

            queues = CallcenterQueues(callbacks, {QUEUE: "support"}, on_exit=on_exit if with_exit else None)
            telephony = CallcenterTelephony(settings_for(there), queues)
            telephony.attach(Board())
            async with telephony:
                found = Center(there, service, queues, telephony, left)
                await until(lambda: found.agent_state("ben") is not None)
                yield found


def test_agents_who_take_calls_are_available_when_it_is_connected() -> None:
    async def test() -> None:
        async with center() as there:
            assert there.agent_state("ann") is AgentState.AVAILABLE
            assert there.service.agent("ann").queues == ("support",)

    run(test())


@pytest.mark.parametrize("status", ["On Break", "Logged Out"])
def test_an_agent_takes_a_break_and_comes_back(status: str) -> None:
    async def test() -> None:
        async with center() as there:
            there.cc.set_status("ann", status)
            await until(lambda: there.agent_state("ann") is AgentState.SIGNED_OUT)
            there.cc.set_status("ann", "Available (On Demand)")
            await until(lambda: there.agent_state("ann") is AgentState.AVAILABLE)

    run(test())


def test_a_live_caller_joins_is_served_and_the_conversation_ends() -> None:
    """The agent is busy meanwhile, and the wrap-up after it is not cut short."""

    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE, number="+12125550101", name="Kim")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            call = there.call(member)
            assert call.entered_at == datetime.fromtimestamp(member.joined_epoch, UTC)
            there.cc.serve(member, "ann")
            await until(lambda: there.call_state(member) is CallState.TAKEN)
            await until(lambda: there.agent_state("ann") is AgentState.BUSY)
            there.cc.end(member)
            await until(lambda: there.call_state(member) is CallState.ENDED)
            assert there.call(member).outcome is CallOutcome.SERVED
            await asyncio.sleep(0.02)
            assert there.agent_state("ann") is AgentState.WRAP_UP
            await there.queues.refresh()
            assert there.agent_state("ann") is AgentState.WRAP_UP

    run(test())


def test_a_live_caller_hangs_up() -> None:
    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            there.cc.leave(member)
            await until(lambda: there.call_state(member) is CallState.ENDED)
            assert there.call(member).outcome is CallOutcome.ABANDONED

    run(test())


def test_a_caller_who_leaves_with_the_key_becomes_a_callback_in_the_same_place() -> None:
    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            entered_at = there.call(member).entered_at
            there.cc.leave(member, key="1")
            await until(lambda: there.left and there.call_state(member) is CallState.ENDED)
            assert there.call(member).outcome is CallOutcome.CONVERTED
            (place,) = there.service.line("support")
            callback = there.service.get(place.callback_id)
            assert (callback.state, callback.entered_at) == (CallbackState.WAITING, entered_at)
            assert (there.left[0].key, there.left[0].channel) == ("1", member.channel)
            goodbye = f"uuid_kill {member.channel} NORMAL_CLEARING"
            await until(lambda: goodbye in there.double.commands.given)

    run(test())


def test_a_caller_who_cannot_be_promised_a_callback_is_put_back_in_the_same_place() -> None:
    """The caller id is withheld: the caller goes on waiting, with the seconds that were waited."""

    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE, waited_s=300)
            await until(lambda: there.call_state(member) is CallState.WAITING)
            entered_at = there.call(member).entered_at
            there.cc.leave(member, key="1")
            await until(lambda: [one for one in there.cc.members.values() if one.uuid != member.uuid])
            (again,) = [one for one in there.cc.members.values() if one.channel == member.channel]
            assert again.base_score in (300, 301)
            await until(lambda: there.call_state(again) is CallState.WAITING)
            assert abs(there.call(again).entered_at - entered_at) <= timedelta(seconds=1)

    run(test())


def test_without_a_handler_who_leaves_with_a_key_has_left() -> None:
    async def test() -> None:
        async with center(with_exit=False) as there:
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            there.cc.leave(member, key="1")
            await until(lambda: there.call_state(member) is CallState.ENDED)

    run(test())


def test_an_agent_is_held_back_and_given_back_what_they_were() -> None:
    async def test() -> None:
        async with center() as there:
            there.cc.set_status("ann", "Available (On Demand)")
            for _ in range(2):
                await there.reserve("ann")
                assert there.status("ann") == "On Break"
            await asyncio.sleep(0.02)
            assert there.agent_state("ann") is AgentState.AVAILABLE  # Our own break is none of theirs.
            for _ in range(2):
                await there.release("ann")
                assert there.status("ann") == "Available (On Demand)"

    run(test())


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_break_of_their_own_is_not_undone_by_a_release(when: str) -> None:
    async def test() -> None:
        async with center() as there:
            if when == "before":
                there.cc.set_status("ann", "On Break")
            await there.reserve("ann")
            if when == "meanwhile":
                there.cc.set_status("ann", "On Break")
            await until(lambda: there.agent_state("ann") is AgentState.SIGNED_OUT)
            await there.release("ann")
            assert there.status("ann") == "On Break"

    run(test())


def test_whom_an_earlier_process_held_back_is_given_back() -> None:
    """What they were is kept in FreeSWITCH; until then the break is known to be ours."""

    async def test() -> None:
        async with center() as there:
            await there.reserve("ann")
            queues = CallcenterQueues(there.queues._service, {QUEUE: "support"})
            telephony = CallcenterTelephony(settings_for(there.double), queues)
            telephony.attach(Board())
            async with telephony:
                await asyncio.sleep(0.05)
                assert there.agent_state("ann") is AgentState.AVAILABLE
                await telephony.release_agent(ReleaseAgent(agent_id="ann", attempt_id="at_1"))
                assert there.status("ann") == "Available"

    run(test())


def test_an_agent_whom_the_queues_do_not_know_is_no_error() -> None:
    async def test() -> None:
        async with center() as there:
            await there.reserve("nobody")
            await there.release("nobody")
            with pytest.raises(AdapterError):
                await there.reserve("x' 'Available\n")

    run(test())


def test_both_sides_are_brought_together_after_a_lost_connection() -> None:
    """Who joined, was served and left meanwhile; who is abandoned and still listed is not taken for waiting."""

    async def test() -> None:
        async with center() as there:
            stays, leaves = there.cc.join(QUEUE, number="+12125550101"), there.cc.join(QUEUE)
            await until(lambda: there.call_state(leaves) is CallState.WAITING)
            await there.double.stop()
            await until(lambda: not there.telephony.is_up)
            joins = there.cc.join(QUEUE, number="+12125550102", name="A|B|C")
            there.cc.serve(stays, "ann")
            there.cc.queues[QUEUE].abandoned_resume_allowed = True  # So that it stays listed.
            there.cc.leave(leaves)
            there.cc.set_status("ben", "Logged Out")
            await there.double.start()
            await until(lambda: there.call_state(joins) is CallState.WAITING)
            await until(lambda: there.agent_state("ben") is AgentState.SIGNED_OUT)
            assert there.call_state(stays) is CallState.TAKEN
            assert there.call_state(leaves) is CallState.ENDED

    run(test())


def test_a_place_that_another_channel_takes_over_is_another_call_and_it_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`abandoned-resume-allowed`: somebody who shares the number inherits the place."""

    async def test() -> None:
        double = EslDouble()
        async with center(double=double, with_exit=False) as there:
            there.cc.queues[QUEUE].abandoned_resume_allowed = True
            await there.queues.refresh()
            first = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(first) is CallState.WAITING)
            old = call_id_of(first.uuid, first.channel)
            there.cc.leave(first)
            again = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(again) is CallState.WAITING)
            assert again.uuid == first.uuid
            assert call_id_of(again.uuid, again.channel) != old
            assert there.service.call(old).state is CallState.ENDED

    with caplog.at_level(logging.WARNING):
        run(test())
    assert sum("abandoned-resume-allowed" in record.getMessage() for record in caplog.records) == 1


def test_a_module_or_a_queue_that_is_missing_is_said_in_clear_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with center() as there:
            del there.cc.queues[QUEUE]
            await there.queues.refresh()
            there.cc.is_loaded = False
            with pytest.raises(AdapterError, match="is it loaded"):
                await there.queues.refresh()

    with caplog.at_level(logging.WARNING):
        run(test())
    assert f"has no queue '{QUEUE}'" in caplog.text


def test_a_live_caller_is_connected_to_an_agent_s_phone() -> None:
    """For queues in which callbackq chooses: by the id of the channel."""

    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE)
            now = datetime.now(UTC)
            order = ConnectCall(
                call_id=member.channel, agent_id="ann", queue="support", entered_at=now, priority=100
            )
            await there.telephony.connect_call(order)
            assert "bridge:user/ann" in there.double.commands.transferred[member.channel]
            with pytest.raises(AdapterError):
                await there.telephony.connect_call(attrs.evolve(order, call_id="gone"))
            for evil in ({"call_id": "x y"}, {"agent_id": "ann,user/evil"}):
                with pytest.raises(AdapterError):
                    await there.telephony.connect_call(attrs.evolve(order, **evil))

    run(test())


def test_an_agent_in_a_call_of_another_queue_is_not_free() -> None:
    async def test() -> None:
        async with center() as there:
            there.cc.set_state("ann", "In a queue call")
            await until(lambda: there.agent_state("ann") is AgentState.SIGNED_OUT)
            there.cc.set_state("ann", "Waiting")
            await until(lambda: there.agent_state("ann") is AgentState.AVAILABLE)

    run(test())


def test_the_queue_was_quicker_than_a_reservation() -> None:
    """The agent talks to a live caller: the reservation is called off, and afterwards the agent is there again."""

    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            await there.reserve("ann")
            there.cc.serve(member, "ann")
            await until(lambda: there.call_state(member) is CallState.TAKEN)
            await until(lambda: "ann" in there.queues._away)
            await there.release("ann")
            assert there.status("ann") == "Available"
            there.cc.end(member)
            await until(lambda: there.agent_state("ann") is AgentState.AVAILABLE)

    run(test())


def test_an_agent_who_is_taken_out_of_the_queue_is_not_asked_any_more() -> None:
    async def test() -> None:
        async with center() as there:
            there.cc.queues[QUEUE].agents.remove("ben")
            await there.queues.refresh()
            assert there.agent_state("ben") is AgentState.SIGNED_OUT
            assert there.agent_state("ann") is AgentState.AVAILABLE

    run(test())


def test_a_handler_that_fails_leaves_the_caller_counted_as_gone(caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged by its type only."""

    async def test() -> None:
        async with center() as there:

            async def fail(_one: CcCaller) -> None:
                raise ValueError("+12125550101")

            there.queues._on_exit = fail
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            there.cc.leave(member, key="1")
            await until(lambda: there.call_state(member) is CallState.ENDED)

    run(test())
    assert "ValueError" in caplog.text
    assert "5550101" not in caplog.text


def test_a_goodbye_is_one_application_whatever_it_says() -> None:
    async def test() -> None:
        async with center() as there:
            member = there.cc.join(QUEUE)
            one = CcCaller(call_id="x", channel=member.channel, queue=QUEUE)
            for sound, said in (
                ("thanks.wav", "m:^:playback:thanks.wav^hangup"),
                (
                    "speak::flite|slt|We'll call ^system:reboot",
                    "m:^:speak:flite|slt|We’ll call  system:reboot^hangup",
                ),
            ):
                await there.queues.say_goodbye(one, sound)
                assert there.double.commands.transferred[member.channel] == said
            with pytest.raises(AdapterError):
                await there.queues.say_goodbye(one, "a\n\nbgapi system reboot")
            await there.queues.say_goodbye(one)
            with pytest.raises(AdapterError, match="not put back"):
                await there.queues.put_back(attrs.evolve(one, channel="gone"))

    run(test())


def test_what_the_store_did_not_take_is_brought_together_later(monkeypatch: pytest.MonkeyPatch) -> None:
    from callbackq import StoreUnavailable
    from callbackq.adapters.freeswitch import callcenter

    monkeypatch.setattr(callcenter, "_AGAIN_S", 0.05)

    async def test() -> None:
        async with center() as there:
            join, fails = there.queues._service.sync.call_joined, [True]

            def away(*args: object, **others: object) -> object:
                if fails:
                    fails.pop()
                    raise StoreUnavailable
                return join(*args, **others)

            class Service:
                def __getattr__(self, name: str) -> object:
                    return getattr(callbacks, name)

                async def call_joined(self, *args: object, **others: object) -> object:
                    return away(*args, **others)

            callbacks = there.queues._service
            there.queues._service = Service()
            member = there.cc.join(QUEUE, number="+12125550101")
            await until(lambda: there.call_state(member) is CallState.WAITING)
            assert not fails

    run(test())


def test_nothing_can_be_held_back_without_a_connection() -> None:
    async def test() -> None:
        async with center() as there:
            await there.double.stop()
            await until(lambda: not there.telephony.is_up)
            for doing in (there.reserve, there.release):
                with pytest.raises(TelephonyDown):
                    await doing("ann")

    run(test())


def test_the_place_is_that_of_the_score() -> None:
    """Seconds that were brought along count, and with `time-base-score` system those since the answer too."""
    headers = {
        "CC-Queue": QUEUE,
        "CC-Member-UUID": "m",
        "CC-Member-Session-UUID": "c",
        "variable_cc_queue_joined_epoch": "1795394885",
        "variable_cc_base_score": "60",
        "Caller-Channel-Answered-Time": "1795394785000000",
    }
    for counts, waited_s in ((False, 60), (True, 160)):
        queue = CcQueue(name=QUEUE, abandoned_resume_allowed=False, counts_from_answer=counts)
        found = caller(Event("CUSTOM", headers), {QUEUE: queue})
        assert found.entered_at == datetime.fromtimestamp(1795394885 - waited_s, UTC)
    for nonsense in ("", "x", "-5", "9" * 30, "0"):
        odd = headers | {"variable_cc_queue_joined_epoch": nonsense, "variable_cc_base_score": nonsense}
        assert caller(Event("CUSTOM", odd), {}).entered_at is None
