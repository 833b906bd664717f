"""The callers of app_queue: their places, whatever order the events have, and whatever happens to the connection."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.asterisk.ami_scene import ANN, BOB, PATIENCE_S, Scene, ami_settings, play, policy, scene
from callbackq import (
    Acd,
    CallbackService,
    CallNotFound,
    CallOutcome,
    CallState,
    ConfigurationError,
    LiveCall,
    MemoryStore,
    SystemClock,
)
from callbackq.adapters.asterisk.ami import AmiRefused
from callbackq.adapters.asterisk.ami_framing import Message
from callbackq.adapters.asterisk.queue_callers import Caller, CallerBook, Doubt, Joined, Left, WentOut, Word
from callbackq.adapters.asterisk.queue_settings import QueueSettings, queue_arguments
from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.aio import AsyncCallbackService
from callbackq.ids import QueueName
from callbackq.testing import START
from callbackq.testing.doubles.ami import AmiDouble


def line(at: Scene, queue: str = "support") -> list[str]:
    """The live calls that wait, in their order."""
    return [place.call_id for place in at.service.line(queue) if isinstance(place, LiveCall)]


def outcome(at: Scene, call_id: str) -> CallOutcome | None:
    call = at.call(call_id)
    return call.outcome if call is not None else None


def test_a_caller_joins_and_hangs_up() -> None:
    """With the number and the name that Asterisk shows, and the channel's id as the id of the call."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined(number="2125550101", name="Bob Stone")
            call = at.service.call(call_id)
            assert at.queues.call_id_of(call_id) == call_id
            assert [caller.call_id for caller in at.queues.waiting("support")] == [call_id]
            assert abs(call.entered_at - at.service.now()) < timedelta(seconds=5)
            receipt = at.service.request("support", call_id=call_id)
            assert receipt.number_masked == "+1…01"
            at.double.queue.hang_up(call_id)
            other = await at.joined(number="<unknown>", name="<unknown>")
            at.double.queue.hang_up(other)
            await at.until(lambda: outcome(at, other) is CallOutcome.ABANDONED)
            assert outcome(at, call_id) is CallOutcome.CONVERTED
            assert at.queues.waiting("support") == ()

    play(story)


@pytest.mark.parametrize("number", ["<unknown>", "unknown", "anonymous", "Restricted", "", "101"])
def test_a_number_that_is_withheld_is_none(number: str) -> None:
    """The caller has a place all the same; a callback needs a number that is keyed in."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined(number=number)
            assert at.service.request_spoken("support", call_id=call_id).success is False
            assert at.service.request_spoken("support", call_id=call_id, number=BOB).success

    play(story)


def test_an_agent_answers_and_the_conversation_ends() -> None:
    """QueueCallerLeave comes before AgentConnect, and is no abandon."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined()
            at.double.queue.ring(call_id, ANN)
            at.double.queue.connect(call_id, ANN)
            await at.until(lambda: at.service.call(call_id).state is CallState.TAKEN)
            assert at.service.call(call_id).agent_id == "ann"
            assert at.service.agent("ann").call_id == call_id
            at.double.queue.complete(call_id)
            await at.until(lambda: outcome(at, call_id) is CallOutcome.SERVED)
            at.double.queue.hang_up(call_id)
            await at.until(at.is_available)
            assert outcome(at, call_id) is CallOutcome.SERVED

    play(story)


def test_who_left_the_queue_keeps_the_place_while_on_the_line() -> None:
    """By a key, because the time was over, or withdrawn: until the caller hangs up."""

    async def story() -> None:
        async with scene() as at:
            first, second, third = [await at.joined() for _ in range(3)]
            at.double.queue.exit_by_key(first)
            at.double.queue.time_out(second)
            await at.settled()
            assert line(at) == [first, second, third]
            assert [caller.call_id for caller in at.queues.waiting("support")] == [third]
            at.double.queue.hang_up(first)
            at.double.queue.hang_up(second)
            await at.until(lambda: line(at) == [third])
            assert outcome(at, first) is CallOutcome.ABANDONED

    play(story)


def test_who_is_out_for_too_long_loses_the_place() -> None:
    """Such as one who is in a mailbox: callbacks behind are not kept waiting. Who comes back has a new one."""

    async def story() -> None:
        async with scene(exit_time_max=timedelta(seconds=0.1)) as at:
            call_id = await at.joined()
            at.double.queue.exit_by_key(call_id)
            await at.until(lambda: outcome(at, call_id) is CallOutcome.ABANDONED)
            at.double.queue.join("support", uniqueid=call_id)
            await at.until(lambda: line(at) == [f"{call_id}/2"])
            assert at.queues.call_id_of(call_id) == f"{call_id}/2"
            at.double.queue.hang_up(call_id)
            await at.until(lambda: outcome(at, f"{call_id}/2") is CallOutcome.ABANDONED)

    play(story)


def test_a_caller_comes_back_to_the_place_of_before() -> None:
    """Back in the queue after a key: one live call, with the old time."""

    async def story() -> None:
        async with scene(exit_time_max=timedelta(seconds=0.3)) as at:
            call_id = await at.joined()
            entered_at = at.service.call(call_id).entered_at
            later = await at.joined()
            at.double.queue.exit_by_key(call_id)
            await at.settled()
            at.double.queue.join("support", uniqueid=call_id, position=1)
            await asyncio.sleep(0.4)
            await at.queues.in_step()
            assert line(at) == [call_id, later]
            assert at.service.call(call_id).entered_at == entered_at

    play(story)


def test_a_caller_goes_on_to_another_queue() -> None:
    """The live call moves, and keeps its time. A queue that callbackq does not serve is none of its business."""

    async def story() -> None:
        service = CallbackService(MemoryStore(), [policy(), policy("sales")], clock=SystemClock())
        async with scene(service=service, queues={"support": "support", "verkauf": "sales"}) as at:
            call_id = await at.joined()
            at.double.queue.time_out(call_id)
            at.double.queue.join("verkauf", uniqueid=call_id)
            await at.until(lambda: line(at, "sales") == [call_id])
            assert line(at) == []
            stranger = at.double.queue.join("somebody else's")
            at.double.queue.exit_by_key(stranger)
            await at.settled()
            assert at.call(stranger) is None

    play(story)


@pytest.mark.parametrize("order", ["leave first", "request first", "leave much later"])
def test_the_two_sockets_have_no_order(order: str) -> None:
    """The key is heard over ARI some milliseconds before, or after, QueueCallerLeave is heard here."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined()
            entered_at = at.service.call(call_id).entered_at
            if order == "leave first":
                at.double.queue.exit_by_key(call_id)
                await at.settled()
            receipt = await at.aio.request("support", call_id=at.queues.call_id_of(call_id))
            if order == "request first":
                at.double.queue.exit_by_key(call_id)
                await at.settled()
            at.double.queue.hang_up(call_id)
            await at.settled()
            await at.queues.resync()
            assert receipt.entered_at == entered_at
            assert outcome(at, call_id) is CallOutcome.CONVERTED
            assert at.service.position(receipt.callback_id).number == 1

    play(story)


def test_who_is_served_in_the_queue_needs_no_callback() -> None:
    """Asked for on the web page of the call, and then an agent answered: the callback is cancelled."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined()
            receipt = await at.aio.request("support", call_id=call_id)
            at.double.queue.connect(call_id, ANN)
            await at.until(lambda: at.service.get(receipt.callback_id).outcome is not None)
            assert at.service.get(receipt.callback_id).outcome.value == "cancelled"  # type: ignore[union-attr]

    play(story)


def test_late_doubled_and_reordered_events_make_no_ghosts() -> None:
    """Of callers that are gone, of calls that are over, and of an agent who answered before the caller joined."""

    async def story() -> None:
        async with scene(resync_every=timedelta(seconds=0.1)) as at:
            queue, gone = at.double.queue, await at.joined()
            channel = queue.channels[gone].headers()
            queue.hang_up(gone)
            for event in ("QueueCallerJoin", "QueueCallerLeave", "AgentConnect", "AgentComplete", "Hangup"):
                at.double.say(event, channel | {"Queue": "support", "Interface": ANN})
            served = await at.joined()
            again = queue.channels[served].headers() | {"Queue": "support", "Interface": ANN}
            queue.connect(served, ANN)
            for event in ("QueueCallerJoin", "QueueCallerLeave", "AgentConnect", "AgentConnect"):
                at.double.say(event, again)
            await at.until(lambda: at.service.call(served).state is CallState.TAKEN)
            queue.complete(served)
            at.double.say("AgentComplete", again)
            at.double.say("AgentConnect", again)
            queue.hang_up(served)
            early = {**again, "Uniqueid": "9.9"}
            queue.channels["9.9"] = queue.channels[await at.joined()]
            at.double.say("AgentConnect", early)
            at.double.say("QueueCallerJoin", early)
            await at.until(
                lambda: at.call("9.9") is not None and at.service.call("9.9").state is CallState.TAKEN
            )
            await at.settled()
            assert outcome(at, gone) is CallOutcome.ABANDONED
            assert outcome(at, served) is CallOutcome.SERVED
            assert len(line(at)) == 1

    play(story)


def event(uniqueid: str = "1.1", queue: str = "support", **others: str) -> Message:
    return Message({"uniqueid": uniqueid, "queue": queue, "channel": "PJSIP/x-1", **others})


def only(words: list[Word], kind: type[Joined] | type[WentOut]) -> Caller:
    """The caller of the one word that was said."""
    [word] = words
    assert isinstance(word, kind)
    return word.caller


def test_what_cannot_be_is_looked_up_and_never_believed() -> None:
    """Of a channel that is gone, nothing; of one that was here before, a doubt."""
    callers = CallerBook({"support": QueueName("support")})
    callers.hung_up(event("9.9"))
    assert callers.joined(event("9.9"), at=START) == []
    assert callers.connected(event("9.9"), "ann", at=START) == []
    caller = only(callers.joined(event(), at=START), Joined)
    assert callers.joined(event(), at=START) == []
    out = only(callers.left(event()), WentOut)
    assert callers.left(event()) == []
    assert callers.away_too_long(out) == [Left(out)]
    assert callers.joined(event(), at=START) == [Doubt()]
    assert callers.connected(event(), "ann", at=START) == [Doubt()]
    assert caller.call_id == "1.1"


def test_who_came_back_and_left_again_has_the_whole_time_again() -> None:
    """What was waited for at the first leaving is over."""
    callers = CallerBook({"support": QueueName("support")})
    callers.joined(event(), at=START)
    first = only(callers.left(event()), WentOut)
    callers.joined(event(), at=START)
    second = only(callers.left(event()), WentOut)
    assert callers.away_too_long(first) == []
    assert callers.away_too_long(second) == [Left(second)]


def test_an_account_changes_no_time_of_entering() -> None:
    """Asterisk counts from the last time; those who are new are told apart by their places."""
    callers = CallerBook({"support": QueueName("support")})
    callers.joined(event(), at=START)
    new = [event("2.2", position="2", wait="7"), event("3.3", position="3", wait="7")]
    entries = [event(position="1", wait="0"), *new]
    callers.waiting(entries, asked_at=START + timedelta(hours=1))
    found = {caller.uniqueid: caller.entered_at for caller in callers.of_queue(QueueName("support"))}
    assert found["1.1"] == START
    assert found["2.2"] < found["3.3"]


def test_a_callback_of_a_caller_who_still_holds_is_no_reason_for_another_place() -> None:
    """Asked for on a web page, and still in the queue: one place, also after everything was read anew."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined()
            await at.aio.request("support", call_id=call_id)
            for _ in range(2):
                await at.queues.resync()
            assert line(at) == []
            assert at.queues.call_id_of(call_id) == call_id

    play(story)


# ---------------------------------------------------------------------------- what the host wants


def test_a_caller_is_withdrawn_after_the_promise() -> None:
    """The place is the callback's. Twice is no error; who waits nowhere is one."""

    async def story() -> None:
        async with scene() as at:
            call_id, other = await at.joined(), await at.joined()
            receipt = await at.aio.request("support", call_id=call_id, number=BOB)
            at.double.withdraw_takes_s = 0.1
            await at.queues.withdraw(call_id)
            await at.queues.withdraw(call_id)
            channel = at.double.queue.channels[call_id]
            await at.until(lambda: channel.variables.get("QUEUESTATUS") == "WITHDRAW")
            at.double.queue.hang_up(call_id)
            await at.settled()
            assert at.service.position(receipt.callback_id).number == 1
            assert line(at) == [other]
            with pytest.raises(CallNotFound):
                await at.queues.withdraw(call_id)

    play(story)


@pytest.mark.parametrize("version", ["22.10.1", "20.9.3", "GIT-master-1a2b"])
def test_a_caller_is_put_back_at_the_place_of_before(version: str) -> None:
    """The position is the argument of `Queue()` where this version has it; by the time of entering if not given."""

    async def story() -> None:
        double = AmiDouble(version=version.replace("GIT-master-1a2b", "23.0.0"))
        async with scene(double) as at:
            first, second, third = [await at.joined(waited_s=wait_s) for wait_s in (0, 0, 0)]
            at.double.queue.exit_by_key(second)
            at.double.queue.exit_by_key(third)
            await at.settled()
            await at.queues.put_back(third, position=1)
            assert at.double.queue.position(third) == 1
            await at.queues.put_back(second)
            await at.settled()
            assert at.double.queue.position(second) == 2
            assert line(at) == [first, second, third]
            redirect = [headers for name, headers in at.double.actions if name == "Redirect"][-1]
            assert (redirect["context"], redirect["exten"], redirect["priority"]) == (
                "callbackq-put-back",
                "s",
                "1",
            )
            with pytest.raises(CallNotFound):
                await at.queues.put_back("nobody")

    play(story)


def test_the_place_of_the_position_is_known_by_version() -> None:
    """The macro's argument is gone since Asterisk 21."""
    assert queue_arguments("q", position=3, version=None).split(",")[8] == "3"
    assert queue_arguments("q", position=3, version=18).split(",")[9] == "3"


def test_what_asterisk_refuses_is_said() -> None:
    """A user without permission for Redirect."""

    async def story() -> None:
        async with scene(AmiDouble(denied=["Setvar"])) as at:
            call_id = await at.joined()
            at.double.queue.exit_by_key(call_id)
            await at.settled()
            with pytest.raises(AmiRefused, match="Permission denied"):
                await at.queues.put_back(call_id)

    play(story)


# ---------------------------------------------------------------------------- lost connections


def test_after_a_lost_connection_both_sides_agree() -> None:
    """Who came, went, left by a key and was served meanwhile; with the time of entering, in the order of the queue."""

    async def story() -> None:
        async with scene() as at:
            queue = at.double.queue
            stays, goes, exits, served = [await at.joined() for _ in range(4)]
            stays_at = at.service.call(stays).entered_at
            await at.double.stop()
            await at.until(lambda: not at.queues.is_up)
            queue.lose(goes)
            queue.exit_by_key(exits)
            queue.connect(served, ANN)
            new = queue.join("support", waited_s=90.0)
            newer = queue.join("support", waited_s=90.0)
            await at.double.start()
            await asyncio.wait_for(at.queues.in_step(), PATIENCE_S)
            assert line(at) == [new, newer, stays, exits, served]
            assert outcome(at, goes) in (CallOutcome.LOST, CallOutcome.ABANDONED)
            assert at.service.call(stays).entered_at == stays_at
            assert (
                timedelta(seconds=85)
                < at.service.now() - at.service.call(new).entered_at
                < timedelta(seconds=95)
            )
            queue.complete(served)
            queue.hang_up(served)
            queue.hang_up(exits)
            await at.until(lambda: line(at) == [new, newer, stays])

    play(story)


def test_after_a_restart_of_asterisk_nobody_waits() -> None:
    """Its calls are gone, and so are they here; those who promised were called back keep their places."""

    async def story() -> None:
        async with scene() as at:
            calls = [await at.joined() for _ in range(10)]
            receipts = [
                await at.aio.request("support", call_id=call, number=f"+1212555{n:04}")
                for n, call in enumerate(calls[:3])
            ]
            await at.double.restart()
            await at.until(lambda: at.queues.is_up and at.double.logins_count > 1)
            await at.settled()
            assert line(at) == []
            assert [at.service.position(receipt.callback_id).number for receipt in receipts] == [1, 2, 3]
            assert await at.joined()

    play(story)


def test_a_process_goes_on_where_another_stopped() -> None:
    """Who talks is still served, who left by a key still has the place, and who is gone is over."""

    async def story() -> None:
        double = AmiDouble()
        service = CallbackService(MemoryStore(), [policy()], clock=SystemClock())
        async with scene(double, service=service) as at:
            talks, exits, waits, gone = [await at.joined() for _ in range(4)]
            double.queue.connect(talks, ANN)
            double.queue.exit_by_key(exits)
            await at.until(lambda: at.service.call(talks).state is CallState.TAKEN)
        double.queue.lose(gone)
        async with scene(double, service=service) as at:
            assert line(at) == [exits, waits]
            assert at.service.call(talks).state is CallState.TAKEN
            assert outcome(at, gone) is CallOutcome.LOST
            double.queue.hang_up(exits)
            double.queue.complete(talks)
            await at.until(lambda: line(at) == [waits])
            await at.until(lambda: outcome(at, talks) is CallOutcome.SERVED)

    play(story)


def test_the_clock_of_asterisk_may_be_wrong() -> None:
    """Its events are dated by ours; how long somebody waits is a length of time."""

    async def story() -> None:
        double = AmiDouble()
        double.timestamps = True
        async with scene(double) as at:
            at.queues._ami.clock_ahead_s = 3_600.0
            call_id = await at.joined()
            assert abs(at.service.call(call_id).entered_at - at.service.now()) < timedelta(seconds=5)

    play(story)


# ---------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"queues": "support"}, "QueueSettings.queues"),
        ({"queues": []}, "QueueSettings.queues"),
        ({"queues": ["nowhere"]}, "QueueSettings.queues"),
        ({"queues": ["calls"]}, "QueuePolicy.acd of calls"),
        ({"pause_reason": "a: b"}, "QueueSettings.pause_reason"),
        ({"put_back": "context"}, "QueueSettings.put_back"),
        ({"busy_after": timedelta(hours=2)}, "QueueSettings.busy_after"),
    ],
)
def test_settings_are_checked(given: dict[str, Any], field: str) -> None:
    """Also against the policies: app_queue serves the callers, so callbackq must not."""

    async def story() -> None:
        policies = [policy(), policy("calls", acd=Acd.CALLBACKQ)]
        service = CallbackService(MemoryStore(), policies, clock=SystemClock())
        async with AsyncCallbackService(service) as aio, AmiDouble() as double:
            with pytest.raises(ConfigurationError) as caught:
                AsteriskQueues(
                    ami_settings(double), aio, queues=QueueSettings(**{"queues": ["support"], **given})
                )
            assert caught.value.field == field

    play(story)
