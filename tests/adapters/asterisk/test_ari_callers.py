"""Callers who come into the application by the dialplan: who wants a callback, and who waits in a queue of ours."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from adapters.asterisk.ari_stories import Story, a_moment, asterisk, told, until
from callbackq import AgentId, CallId, ConnectCall, QueueName
from callbackq.adapters.asterisk.ari_callers import (
    CallerEvent,
    CallerJoined,
    CallerLeft,
    CallerRequest,
    CallerReturned,
)
from callbackq.errors import AdapterError, DialRefused
from callbackq.testing.doubles.ari import AriChannel, AriPhone, Trouble

NUMBER = "+12125550101"
ENTERED_AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
EPOCH = str(int(ENTERED_AT.timestamp()))


class Host:
    """Is told of callers."""

    def __init__(self) -> None:
        self.heard: list[CallerEvent] = []

    async def __call__(self, event: CallerEvent) -> None:
        self.heard.append(event)


def connecting(call_id: str, agent_id: str = "ann") -> ConnectCall:
    return ConnectCall(
        call_id=CallId(call_id),
        agent_id=AgentId(agent_id),
        queue=QueueName("support"),
        number=NUMBER,
        entered_at=ENTERED_AT,
        priority=100,
    )


async def waiting(story: Story, host: Host) -> str:
    call_id = story.double.world.come_in("queue", "support", EPOCH, number=NUMBER)
    await until(lambda: host.heard and story.double.world.channels[call_id].music)
    return call_id


# ---------------------------------------------------------------------------- who wants a callback


@told
async def test_a_request_is_a_record_with_queue_number_time_and_place() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = story.double.world.come_in("callback-request", "support", EPOCH, "3", number=NUMBER)
        await until(lambda: host.heard)
        assert host.heard == [
            CallerRequest(
                call_id=CallId(call_id),
                queue=QueueName("support"),
                number=NUMBER,
                entered_at=ENTERED_AT,
                position=3,
                language="en",
            )
        ]
        assert NUMBER not in repr(host.heard)


@pytest.mark.parametrize(
    "words", [("callback-request", "support"), ("callback-request", "support", "soon", "x")]
)
@told
async def test_a_request_without_time_or_number_is_one_all_the_same(words: tuple[str, ...]) -> None:
    """It is a promise that somebody asked for: a dialplan that says too little must not lose it."""
    host = Host()
    async with asterisk(on_caller=host) as story:
        story.double.world.come_in(*words)
        await until(lambda: host.heard)
        request = host.heard[0]
        assert isinstance(request, CallerRequest)
        assert (request.number, request.entered_at, request.position) == (None, None, None)


@told
async def test_who_was_promised_a_callback_hears_so_and_is_hung_up() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = story.double.world.come_in("callback-request", "support", number=NUMBER)
        await until(lambda: host.heard)
        await story.adapter.dismiss(call_id, sound="sound:promised")
        assert [sound.media for sound in story.double.world.channels[call_id].sounds] == ["sound:promised"]
        await until(lambda: call_id not in story.double.world.channels)
        await a_moment()
        assert len(host.heard) == 1  # Who asked stood in no queue of ours, and leaves none.


@told
async def test_who_could_not_be_promised_one_goes_back() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = story.double.world.come_in("callback-request", "support")
        await until(lambda: host.heard)
        await story.adapter.send_back(call_id, context="back-in-queue", extension="support")
        channel = story.double.world.channels[call_id]
        assert (channel.in_stasis, channel.place) == (False, ("back-in-queue", "support", 1))
        await story.adapter.dismiss("nobody")
        await story.adapter.send_back("nobody")


@told
async def test_a_request_made_while_nobody_listened_is_found() -> None:
    """Asterisk says nothing twice: the channels that are in the application are looked at after each connect."""
    host = Host()
    async with asterisk(on_caller=host) as story:
        story.double.filters["callbackq"] = frozenset({"StasisStart"})
        story.double.world.come_in("callback-request", "support", number=NUMBER)
        story.double.lose_websockets()
        await until(lambda: host.heard)
        assert isinstance(host.heard[0], CallerRequest)
        story.double.lose_websockets()
        await until(lambda: len(host.heard) == 2)
        assert (
            host.heard[0] == host.heard[1]
        )  # Who still waits may not have been heard of: it is the same request.


@told
async def test_who_comes_without_words_that_are_known_goes_on_in_the_dialplan() -> None:
    """Rather than wait in silence; and so does everybody where the host wants to hear of no callers."""
    for on_caller, words in (
        (Host(), ("hello",)),
        (Host(), ("callback-request",)),
        (None, ("queue", "support")),
    ):
        async with asterisk(on_caller=on_caller) as story:
            call_id = story.double.world.come_in(*words)
            channel = story.double.world.channels[call_id]
            await _out_of_the_application(channel)


@told
async def test_a_host_that_fails_does_not_end_the_adapter(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: CallerEvent) -> None:
        raise RuntimeError(NUMBER)

    async with asterisk(on_caller=fail) as story:
        call_id = story.double.world.come_in("callback-request", "support", number=NUMBER)
        await until(lambda: "the host's on_caller failed" in caplog.text)
        assert story.adapter.is_up
        await _out_of_the_application(story.double.world.channels[call_id])  # Nobody waits in silence.
    assert NUMBER not in caplog.text
    assert [record for record in caplog.records if record.levelno == logging.ERROR]


async def _out_of_the_application(channel: AriChannel) -> None:
    await until(lambda: not channel.in_stasis)


# ---------------------------------------------------------------------------- who waits here


@told
async def test_a_live_caller_waits_with_music_and_may_give_up() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        story.double.end(call_id)
        await until(lambda: len(host.heard) == 2)
        assert host.heard == [
            CallerJoined(
                call_id=CallId(call_id),
                queue=QueueName("support"),
                number=NUMBER,
                entered_at=ENTERED_AT,
                language="en",
            ),
            CallerLeft(call_id=CallId(call_id)),
        ]


@told
async def test_a_live_caller_is_connected_to_the_agent() -> None:
    """The agent's phone shows the number; the music ends; when one of the two hangs up, so does the other."""
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        await story.adapter.connect_call(connecting(call_id))
        await story.adapter.connect_call(connecting(call_id))  # Twice is no error.
        (order,) = story.double.world.orders
        agent = str(order["channelId"])
        assert (order["endpoint"], order["callerId"], order["timeout"]) == ("PJSIP/ann", NUMBER, 20)
        await until(lambda: story.double.world.channels[agent].state == "Ringing")
        story.double.answer(agent)
        await until(lambda: [call_id, agent] in story.double.world.bridges.values())
        assert not story.double.world.channels[call_id].music
        story.double.end(agent)
        await until(lambda: not story.double.world.channels)
        await until(lambda: host.heard[-1] == CallerLeft(call_id=CallId(call_id)))
        await until(lambda: not story.double.world.bridges)
        assert story.board.reports == []


@told
async def test_an_agent_who_does_not_answer_gives_the_caller_back() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        story.double.world.phone_of = lambda *_: AriPhone(fails_after_s=0.01, cause=21)
        await story.adapter.connect_call(connecting(call_id))
        await until(lambda: len(host.heard) == 2)
        assert host.heard[1] == CallerReturned(call_id=CallId(call_id), agent_id=AgentId("ann"))
        assert story.double.world.channels[call_id].music
        await story.adapter.connect_call(connecting(call_id, "ben"))
        await until(lambda: len(story.double.world.orders) == 2)


@told
async def test_a_caller_who_gives_up_while_the_agents_phone_rings_stops_it() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        await story.adapter.connect_call(connecting(call_id))
        await until(lambda: len(story.double.world.channels) == 2)
        story.double.end(call_id)
        await until(lambda: not story.double.world.channels)
        assert host.heard[-1] == CallerLeft(call_id=CallId(call_id))


@told
async def test_an_agent_who_cannot_be_joined_gives_the_caller_back() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        story.double.world.phone_of = lambda *_: AriPhone(answers_after_s=0)
        story.double.trouble("POST", "/bridges/.*/addChannel", Trouble.FAILS)
        await story.adapter.connect_call(connecting(call_id))
        await until(lambda: isinstance(host.heard[-1], CallerReturned))
        await until(
            lambda: len(story.double.world.channels) == 1 and story.double.world.channels[call_id].music
        )


@told
async def test_a_caller_in_a_queue_of_asterisks_is_not_connected_here() -> None:
    """That queue gives its callers out itself: `acd = host`."""
    async with asterisk(on_caller=Host()) as story:
        with pytest.raises(AdapterError, match="set acd to host"):
            await story.adapter.connect_call(connecting("of-app-queue"))
        call_id = story.double.world.come_in("callback-request", "support")
        await a_moment()
        with pytest.raises(AdapterError, match="does not wait"):
            await story.adapter.connect_call(connecting(call_id))


@told
async def test_an_agents_phone_that_cannot_be_rung_is_an_error_and_the_caller_waits_on() -> None:
    host = Host()
    async with asterisk(on_caller=host) as story:
        call_id = await waiting(story, host)
        story.double.trouble("POST", "/channels", Trouble.LOST_BEFORE)
        for agent_id, words in (("ann", "did not reply"), ("x404", "500 Allocation failed")):
            with pytest.raises(AdapterError, match=words):
                await story.adapter.connect_call(connecting(call_id, agent_id))
        with pytest.raises(DialRefused):
            await story.adapter.connect_call(connecting(call_id, "ann@x"))
        story.double.world.phone_of = lambda *_: AriPhone()
        await story.adapter.connect_call(connecting(call_id))
        await until(lambda: len(story.double.world.orders) == 1)


@told
async def test_callers_are_compared_after_a_lost_connection() -> None:
    """Who left meanwhile has left; who came meanwhile has joined; who talks, talks on."""
    host = Host()
    async with asterisk(on_caller=host, request_time_max=timedelta(seconds=2)) as story:
        world = story.double.world
        leaves, talks = await waiting(story, host), world.come_in("queue", "support")
        await until(lambda: len(host.heard) == 2)
        await story.adapter.connect_call(connecting(talks))
        agent = str(world.orders[0]["channelId"])
        await until(lambda: world.channels[agent].state == "Ringing")
        story.double.answer(agent)
        await until(lambda: [talks, agent] in world.bridges.values())
        story.double.close_door()
        await until(lambda: not story.adapter.is_up)
        story.double.end(leaves)
        story.double.open_door()
        await until(lambda: story.board.is_up)
        await until(lambda: host.heard[-1] == CallerLeft(call_id=CallId(leaves)))
        assert [talks, agent] in world.bridges.values()
        story.double.end(talks)
        await until(lambda: host.heard[-1] == CallerLeft(call_id=CallId(talks)))
        await until(lambda: not world.channels)
