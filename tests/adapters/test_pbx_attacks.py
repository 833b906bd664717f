"""What a hostile or a broken PBX, and a careless administrator, may do to the adapters of Asterisk and FreeSWITCH."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adapters.asterisk.ami_scene import BOB, scene
from adapters.asterisk.ami_scene import play as play_ami
from adapters.asterisk.ari_stories import a_dial, asterisk, told, until
from adapters.freeswitch.esl_far_end import Board, settings_for
from adapters.freeswitch.esl_rig import Rig, order, run
from adapters.freeswitch.test_callcenter import QUEUE, center
from callbackq import AgentState, ConfigurationError, DialRefused, Dispatcher, ReportKind, TelephonyDown
from callbackq.adapters.asterisk.ari_callers import CallerRequest
from callbackq.adapters.asterisk.ari_client import AriClient, NoReply, Reply
from callbackq.adapters.asterisk.ari_reading import fact_of
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.adapters.freeswitch import CallcenterQueues, CallcenterTelephony, EslTelephony, client
from callbackq.adapters.freeswitch.reading import channel_dumped
from callbackq.errors import AdapterError
from callbackq.testing.doubles.ari import Trouble

PLAIN = {"username": "callbackq", "password": "geheim"}

# ---------------------------------------------------------------------------- Asterisk, ARI

NONSENSE: list[Any] = [
    {"type": []},
    {"type": {"a": 1}},
    {"type": "PlaybackFinished", "playback": {"id": ["x"]}},
    {"type": "ChannelEnteredBridge", "channel": {"id": "leg_x"}, "bridge": {"id": ["x"], "channels": ["a"]}},
    {"type": "ChannelEnteredBridge", "channel": {"id": "leg_x"}, "bridge": {"id": "x", "channels": [["a"]]}},
    {"type": "ChannelLeftBridge", "channel": {"id": "leg_x"}, "bridge": {"id": {"a": 1}}},
    {
        "type": "ChannelLeftBridge",
        "channel": {"id": "leg_x"},
        "bridge": {"id": "x"},
        "timestamp": "0001-01-01T00:00:00+23:00",
    },
    {"type": "ChannelDtmfReceived", "channel": {"id": "leg_x"}, "digit": "1", "timestamp": [1]},
    {"type": "ChannelDtmfReceived", "channel": {"id": "leg_x"}, "digit": "x" * 100},
    {"type": "ChannelDtmfReceived", "channel": {"id": "leg_x"}, "digit": ""},
    {"type": "ChannelDtmfReceived", "channel": {"id": "leg_x"}, "digit": "12"},
    {"type": "StasisStart", "channel": {"id": "x", "caller": "nobody"}, "args": []},
    {"type": "Dial", "peer": 5, "dialstatus": ["RINGING"]},
]


@pytest.mark.parametrize("event", NONSENSE, ids=json.dumps)
def test_nonsense_is_no_fact_that_could_break_anything(event: Any) -> None:
    """Nothing raises, and whatever is used as a name is one."""
    fact = fact_of(event)
    assert fact is None or hash(fact)
    assert getattr(fact, "key", "1") in "0123456789*#ABCD"


@told
async def test_nonsense_costs_no_connection() -> None:
    """An adapter that let go of the websocket would hang up all who answer meanwhile."""
    async with asterisk() as story:
        leg_id = await story.answered()
        for event in NONSENSE:
            story.double.send_raw("callbackq", json.dumps(event).replace("leg_x", leg_id))
        story.double.send_raw("callbackq", "[" * 100_000 + "]" * 100_000)
        story.double.press(leg_id, "5")
        await story.has(leg_id, ReportKind.DIGIT)
        keys = [report.digits for report in story.board.reports if report.kind is ReportKind.DIGIT]
        assert (keys[-1], set(keys) <= {"1", "5"}) == ("5", True)
        assert (story.board.downs_count, story.double.sockets_count) == (0, 1)


@told
async def test_an_event_that_the_adapter_trips_over_costs_no_connection(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The type of the error is logged, and no word of it: it may hold a number."""
    async with asterisk() as story:
        heard = story.adapter._events.hear

        def trips(fact: object) -> None:
            heard(fact)
            raise RuntimeError("+12125550101")

        monkeypatch.setattr(story.adapter._events, "hear", trips)
        leg_id = await story.answered()
        assert (story.board.downs_count, story.kinds(leg_id)[-1]) == (0, ReportKind.ANSWERED)
        assert "RuntimeError" in caplog.text
        assert "12125550101" not in caplog.text


@told
async def test_a_reply_without_an_end_is_not_kept() -> None:
    """It is cut off at a bound, and not after the time that a request may take."""
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
            )
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
                sent += 65_536
        except OSError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    client = AriClient(AriSettings(url=url, **PLAIN), reply_size_max=1_000_000)
    await client.open()
    try:
        with pytest.raises(NoReply, match="longer than"):
            await client.request("GET", "channels")
    finally:
        await client.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)
    assert sent < 20_000_000


def test_the_words_of_a_refusal_are_short_and_hold_no_number() -> None:
    words = "no such endpoint PJSIP/+12125550101@trunk\r\nERROR forged line " + "x" * 10_000
    said = Reply(400, {"message": words}).problem
    assert "12125550101" not in said
    assert said.isprintable()
    assert len(said) < 250


@told
async def test_who_could_not_be_listened_to_does_not_wait_for_ever() -> None:
    """The request to listen was lost: after a while it counts as answered, by whom is unknown."""
    async with asterisk(amd="callbackq-amd") as story:
        story.adapter._hands.listen_time_max_s = 0.05
        story.double.trouble("POST", "/channels/.*/continue", Trouble.LOST_BEFORE)
        dialed = a_dial(detect=True)
        await story.adapter.dial(dialed)
        await story.has(dialed.leg_id, ReportKind.RINGING)
        story.double.answer(dialed.leg_id)
        await story.has(dialed.leg_id, ReportKind.ANSWERED)


@told
async def test_who_has_a_promise_is_hung_up_though_nothing_could_be_said() -> None:
    """Back in the queue, the caller would be served there, and be called as well."""
    asked: list[str] = []

    async def promise(event: object) -> None:
        if isinstance(event, CallerRequest):
            asked.append(event.call_id)
            await story.adapter.dismiss(event.call_id, sound="sound:callbackq/promised")

    async with asterisk(on_caller=promise) as story:
        story.double.trouble("POST", "/channels/.*/play/.*", Trouble.LOST_BEFORE)
        story.double.world.come_in("callback-request", "support", "1", number=BOB)
        await until(lambda: asked and not story.double.world.channels)
        assert not any(path.endswith("/continue") for _, path in story.double.requests)


@told
async def test_a_leg_that_is_being_dialed_is_in_a_snapshot() -> None:
    """It may ring any moment: who is missing is believed to be gone, and would be called again."""
    async with asterisk() as story:
        gate = asyncio.Event()
        place = story.double.world.originate

        async def late(body: dict[str, Any]) -> Any:
            await gate.wait()
            return place(body)

        story.double._originate = late
        dialed = a_dial()
        dialing = asyncio.ensure_future(story.adapter.dial(dialed))
        await until(lambda: ("POST", "/channels") in story.double.requests)
        story.double.lose_websockets()
        await until(lambda: story.board.ups_count == 2)
        assert dialed.leg_id in (await story.adapter.snapshot()).legs
        gate.set()
        await dialing
        await story.has(dialed.leg_id, ReportKind.RINGING)


@pytest.mark.parametrize("host", ["pbx.example.com", "192.0.2.7", "[2001:db8::1]"])
def test_a_password_that_can_be_read_on_the_way_is_warned_of(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        adapter = AriTelephony(AriSettings(url=f"http://{host}:8088/ari", **PLAIN))
        adapter.attach(Board())
        adapter._connection.open = adapter._connection.close = _nothing  # type: ignore[method-assign]
        await adapter.open()
        await adapter.close()

    asyncio.run(story())
    assert "can be read on the way" in caplog.text
    assert "geheim" not in caplog.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/ari", "http://localhost/ari", "http://[::1]/ari", "https://x.org/ari"]
)
def test_a_password_that_cannot_be_read_is_not_warned_of(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        adapter = AriTelephony(AriSettings(url=url, **PLAIN))
        adapter.attach(Board())
        adapter._connection.open = adapter._connection.close = _nothing  # type: ignore[method-assign]
        await adapter.open()
        await adapter.close()

    asyncio.run(story())
    assert "on the way" not in caplog.text


async def _nothing() -> None:
    return None


def test_a_password_that_was_written_into_the_name_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        AriSettings(url="http://127.0.0.1/ari", username="callbackq:geheim")
    assert "geheim" not in str(caught.value) + repr(caught.value)


# ---------------------------------------------------------------------------- Asterisk, AMI


@pytest.mark.parametrize("clock", ["nan", "inf", "-inf", "x", "1e300"])
def test_a_clock_that_is_none_changes_nothing(clock: str) -> None:
    async def story() -> None:
        async with scene() as there:
            ami = there.queues._ami
            ami._now_s = lambda: 0.0  # type: ignore[misc]
            before = ami.clock_ahead_s
            ami._learn_clock(clock)
            assert ami.clock_ahead_s == before

    play_ami(story)


def test_a_caller_who_has_waited_for_ages_stands_in_nobody_s_way() -> None:
    """What cannot be a time is left out; the rest of the account is taken over."""

    async def story() -> None:
        async with scene() as there:
            await there.joined(number=BOB)
            there.double.queue.queues["support"][0].entered_s = -1e17
            second = await there.joined(number="+12125550102")
            await there.queues.resync()
            assert [caller.call_id for caller in there.queues.waiting("support")][-1] == second

    play_ami(story)


# ---------------------------------------------------------------------------- FreeSWITCH


def test_a_leg_that_is_told_to_end_while_it_waits_for_its_turn_is_not_dialed() -> None:
    async def test() -> None:
        async with Rig(dials_per_s_max=5.0) as rig:
            first, second = order(), order()
            await rig.adapter.dial(first)
            dialing = asyncio.ensure_future(rig.adapter.dial(second))
            await asyncio.sleep(0.02)
            await rig.hang_up(second.leg_id)
            with pytest.raises(DialRefused, match="told to end"):
                await dialing
            assert all(one.leg_id != second.leg_id for one in rig.phones.placed)

    run(test())


def test_a_leg_of_an_earlier_process_is_not_placed_again_where_freeswitch_would() -> None:
    """A loopback channel would be placed under another id, without a word: a second phone would ring."""

    async def test() -> None:
        async with Rig(customer="loopback/{digits}/phones") as rig:
            dialed = order()
            await rig.adapter.dial(dialed)
            again = EslTelephony(settings_for(rig.double, customer="loopback/{digits}/phones"))
            again.attach(Board())
            async with again:
                await again.dial(dialed)
                assert sum(one.leg_id == dialed.leg_id for one in rig.phones.placed) == 1

    run(test())


def test_a_leg_that_another_process_places_at_the_same_moment_is_not_refused() -> None:
    """FreeSWITCH refuses the second one. The first one rings: who was told "not dialed" would call again."""

    async def test() -> None:
        async with Rig() as rig:
            dialed, plain = order(), rig.double.commands.run
            again = EslTelephony(settings_for(rig.double))
            again.attach(Board())

            def too_early(command: str, **more: Any) -> str | None:
                rig.double.commands.run = plain
                return "false" if command.startswith("uuid_exists") else plain(command, **more)

            async with again:
                await rig.adapter.dial(dialed)
                await until(lambda: ReportKind.RINGING in rig.kinds(dialed.leg_id))
                rig.double.commands.run = too_early
                await again.dial(dialed)
                assert sum(one.leg_id == dialed.leg_id for one in rig.phones.placed) == 1

    run(test())


def test_a_freeswitch_that_is_being_shut_down_is_down_at_once_and_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It hangs up all calls, and goes on to take connections and commands for a second: nobody must be dialed then."""
    monkeypatch.setattr(client, "_GOING_DOWN_S", 0.1)

    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.answered()
            rig.double._fire("SHUTDOWN", {})
            rig.phones.end(rig.channel(leg_id), "SYSTEM_SHUTDOWN")
            await until(lambda: rig.board.downs_count == 2)  # Once before it was up.
            await asyncio.sleep(0.06)
            assert rig.double.connections_count == 1
            assert ReportKind.ENDED not in rig.kinds(leg_id)  # Why, nobody knows: a snapshot says it.
            await until(lambda: rig.adapter.is_up)

    run(test())


@pytest.mark.parametrize("nonsense", ["[" * 100_000, "[1]", "null", "+OK"])
def test_a_channel_of_which_nonsense_is_said_is_not_taken_for_gone(nonsense: str) -> None:
    with pytest.raises(AdapterError, match="does not say"):
        channel_dumped(nonsense)
    assert channel_dumped("-ERR No such channel!") is None


def test_an_account_that_is_nonsense_is_said_to_be_none() -> None:
    async def test() -> None:
        async with Rig() as rig:
            await rig.answered()
            plain = rig.double.commands.run
            for nonsense in ("[" * 100_000, '{"rows": 5}', "null"):
                rig.double.commands.run = lambda command, said=nonsense, **more: (
                    said if command.startswith("show channels") else plain(command, **more)
                )
                with pytest.raises(AdapterError, match="does not say"):
                    await rig.adapter.snapshot()
                assert rig.adapter.is_up

    run(test())


def test_keys_are_one_key_each_and_those_before_the_answer_are_bounded() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.ringing()
            channel = rig.channel(leg_id).channel
            for key in ["12", "", "x", "5", *"7" * 500]:
                rig.double._fire("DTMF", {"Unique-ID": channel, "DTMF-Digit": key})
            await asyncio.sleep(0.05)
            rig.phones.answer(rig.channel(leg_id))
            await until(lambda: ReportKind.DIGIT in rig.kinds(leg_id))
            keys = [one.digits for one in rig.board.reports if one.kind is ReportKind.DIGIT]
            assert (keys[0], len(keys) <= 100) == ("5", True)

    run(test())


def test_a_release_that_came_while_freeswitch_was_away_is_made_good() -> None:
    """Otherwise the agent would sit on a break of ours, and be given no live call any more."""

    async def test() -> None:
        async with center() as there:
            await there.reserve("ann")
            await there.double.cut()
            with pytest.raises(TelephonyDown):
                await there.release("ann")
            await until(lambda: there.status("ann") == "Available")
            await asyncio.sleep(0.03)
            assert there.agent_state("ann") is AgentState.AVAILABLE  # What we did is no break of theirs.

    run(test())


def test_a_break_of_ours_that_a_crash_left_is_ended_and_that_of_an_open_attempt_is_not() -> None:
    async def test() -> None:
        async with center() as there:
            there.service.request("support", number="+12125550101")
            reserved = next(iter(_begin(there.service)))
            other = "ben" if reserved == "ann" else "ann"
            await there.reserve("ann")
            await there.reserve("ben")
            await there.telephony.close()
            queues = CallcenterQueues(there.queues._service, {QUEUE: "support"})
            telephony = CallcenterTelephony(settings_for(there.double), queues)
            telephony.attach(Board())
            async with telephony:
                await until(lambda: there.status(other) == "Available")
                await queues.refresh()
                assert there.status(reserved) == "On Break"

    run(test())


def _begin(service: Any) -> list[str]:
    """Let an attempt begin; return its agent."""
    Dispatcher(service).step(service.now())
    return [one for one in ("ann", "ben") if service.agent(one).state is AgentState.RESERVED]
