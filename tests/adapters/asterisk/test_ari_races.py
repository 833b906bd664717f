"""What happens at the same moment, twice, late, or not at all: each line of what Asterisk was measured to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.asterisk.ari_stories import a_dial, a_moment, asterisk, told, until
from callbackq import (
    Bridge,
    Cause,
    HangUp,
    LegSnapshot,
    LegState,
    Play,
    Prompt,
    ReportKind,
    Role,
    SendDigits,
    StopPlay,
)
from callbackq.errors import AdapterError, DialRefused, DialUncertain, TelephonyDown
from callbackq.ids import AttemptId, LegId
from callbackq.testing.doubles.ari import AriDouble, AriPhone, Trouble
from callbackq.testing.doubles.mischief import Rates

# ---------------------------------------------------------------------------- hanging up


@told
async def test_delete_at_the_answer_swallows_the_answer() -> None:
    """204 means "will die": StasisStart, StasisEnd and ChannelDestroyed may still come, and only the end is told."""
    async with asterisk() as story:
        story.double.world.cancelled_is_answered = True
        order = a_dial()
        await story.adapter.dial(order)
        await story.has(order.leg_id, ReportKind.RINGING)
        await story.adapter.hang_up(HangUp(leg_id=order.leg_id))
        await story.has(order.leg_id, ReportKind.ENDED)
        assert story.kinds(order.leg_id) == [ReportKind.RINGING, ReportKind.ENDED]
        assert story.causes(order.leg_id) == [Cause.NORMAL]


@told
async def test_a_leg_that_comes_after_it_was_cancelled_is_deleted_again() -> None:
    """Its first hang-up came before Asterisk had it."""
    async with asterisk() as story:
        story.double.world.phone_of = lambda *_: AriPhone(answers_after_s=0.03)
        order = a_dial()
        story.double.trouble("DELETE", "/channels/.*", Trouble.FAILS)
        await story.adapter.dial(order)
        with pytest.raises(AdapterError, match="not hung up: 500"):
            await story.adapter.hang_up(HangUp(leg_id=order.leg_id))
        await story.has(order.leg_id, ReportKind.ENDED)
        assert ReportKind.ANSWERED not in story.kinds(order.leg_id)
        assert not story.double.world.channels


@told
async def test_hung_up_while_the_request_to_dial_is_on_its_way() -> None:
    """The channel is not there yet: 404. It is hung up as soon as it is."""
    double = AriDouble()
    double.early_events = True
    async with asterisk(double) as story:
        order = a_dial()
        dialing = asyncio.ensure_future(story.adapter.dial(order))
        await asyncio.sleep(0)
        await story.adapter.hang_up(HangUp(leg_id=order.leg_id))
        await dialing
        await story.has(order.leg_id, ReportKind.ENDED)
        await until(lambda: not story.double.world.channels)


@told
async def test_a_leg_that_was_perhaps_never_placed_is_forgotten_when_asterisk_has_it_not() -> None:
    """Its end is not reported: nobody knows it. Should it come after all, it is deleted."""
    async with asterisk() as story:
        story.double.trouble("POST", "/channels", Trouble.LOST_BEFORE)
        order = a_dial()
        with pytest.raises(DialUncertain):
            await story.adapter.dial(order)
        await story.adapter.hang_up(HangUp(leg_id=order.leg_id))
        await until(lambda: not story.adapter._hands.wishes)
        story.double.world.come_in("leg", "customer", channel=order.leg_id)
        await until(lambda: not story.double.world.channels)
        assert story.kinds(order.leg_id) == []


@told
async def test_what_has_ended_already_is_no_error() -> None:
    """DELETE 404, play 404, dtmf 404."""
    async with asterisk() as story:
        leg_id = await story.answered()
        story.double.filters["callbackq"] = frozenset({"ChannelDestroyed"})
        story.double.end(leg_id)
        await story.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD))
        await story.adapter.send_digits(SendDigits(leg_id=leg_id, digits="1"))
        await story.adapter.stop_play(StopPlay(leg_id=leg_id))
        await story.adapter.hang_up(HangUp(leg_id=leg_id))


# ---------------------------------------------------------------------------- dialing


@told
async def test_a_second_request_with_the_same_id_is_refused_by_asterisk_too() -> None:
    """409: the leg is there, dialed by an earlier process of ours. No error, and no second call."""
    async with asterisk() as story:
        order = a_dial()
        story.double.world.originate({"channelId": order.leg_id, "endpoint": "PJSIP/x", "app": "callbackq"})
        await story.adapter.dial(order)
        assert story.double.world.dialed[order.leg_id] == 1
        assert story.double.requests.count(("POST", "/channels")) == 1
        story.double.answer(order.leg_id)
        await story.has(order.leg_id, ReportKind.ANSWERED)


@told
async def test_events_may_come_before_the_reply() -> None:
    """The leg is known before the request is sent."""
    double = AriDouble()
    double.early_events = True
    async with asterisk(double) as story:
        double.world.phone_of = lambda *_: AriPhone(answers_after_s=0)
        order = a_dial()
        dialing = asyncio.ensure_future(story.adapter.dial(order))
        await story.has(order.leg_id, ReportKind.ANSWERED)
        assert not dialing.done()
        await dialing
        assert story.kinds(order.leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED]


@pytest.mark.parametrize("trouble", [Trouble.LOST_AFTER, Trouble.LOST_BEFORE, Trouble.GATEWAY_TIMEOUT])
@told
async def test_no_reply_to_a_request_to_dial_is_uncertain(trouble: Trouble) -> None:
    """It may ring. If it does, that is heard; it is not dialed again."""
    async with asterisk() as story:
        story.double.trouble("POST", "/channels", trouble)
        order = a_dial()
        with pytest.raises(DialUncertain):
            await story.adapter.dial(order)
        await story.adapter.dial(order)
        assert story.double.world.dialed[order.leg_id] == (trouble is Trouble.LOST_AFTER)
        if trouble is Trouble.LOST_AFTER:
            await story.has(order.leg_id, ReportKind.RINGING)


@told
async def test_a_reply_that_takes_too_long_is_uncertain() -> None:
    async with asterisk(request_time_max=timedelta(seconds=0.1)) as story:
        story.double.trouble("POST", "/channels", Trouble.SILENT)
        with pytest.raises(DialUncertain, match="did not reply"):
            await story.adapter.dial(a_dial())


@pytest.mark.parametrize("trouble", [Trouble.UNAVAILABLE, Trouble.FAILS])
@told
async def test_a_refusal_is_certain(trouble: Trouble) -> None:
    async with asterisk() as story:
        story.double.trouble("POST", "/channels", trouble)
        with pytest.raises(DialRefused, match="Asterisk refused the leg"):
            await story.adapter.dial(a_dial())


@told
async def test_requests_at_once_are_bounded_and_one_that_found_no_place_was_not_sent() -> None:
    async with asterisk(connections_max=1, request_time_max=timedelta(seconds=0.1)) as story:
        async with story.adapter._client._slot():
            with pytest.raises(DialRefused, match="too many requests"):
                await story.adapter.dial(a_dial())
        assert ("POST", "/channels") not in story.double.requests


# ---------------------------------------------------------------------------- joining


@told
async def test_a_bridge_stops_what_is_played_first() -> None:
    """While a sound plays, the request to join hangs until its end."""
    async with asterisk() as story:
        story.double.world.play_time_s = 60
        order = await story.both()
        await story.adapter.play(Play(leg_id=order.customer_leg_id, prompt=Prompt.PLEASE_HOLD))
        await asyncio.wait_for(story.adapter.bridge(order), 1)
        await story.has(order.customer_leg_id, ReportKind.BRIDGED)


@told
async def test_a_request_to_join_that_hangs_is_given_up() -> None:
    """Something plays that is not ours. The runner is told, and the attempt's deadline decides."""
    async with asterisk(request_time_max=timedelta(seconds=0.1)) as story:
        story.double.world.play_time_s = 60
        order = await story.both()
        story.double.world.play(order.customer_leg_id, "of-somebody", media="sound:hello")
        with pytest.raises(AdapterError, match="did not reply"):
            await story.adapter.bridge(order)
        assert ReportKind.BRIDGED not in story.kinds(order.customer_leg_id)


@told
async def test_a_leg_that_dies_as_it_is_joined_is_joined_to_nobody() -> None:
    """The request is answered with 204 all the same; it comes in and goes out in the same millisecond."""
    async with asterisk() as story:
        story.double.world.play_time_s = 60
        order = await story.both()
        story.double.world.play(order.customer_leg_id, "of-somebody", media="sound:hello")
        joining = asyncio.ensure_future(story.adapter.bridge(order))
        await until(
            lambda: ("POST", f"/bridges/callbackq-{order.attempt_id}/addChannel") in story.double.requests
        )
        await a_moment()
        story.double.end(order.customer_leg_id)
        await joining
        await story.has(order.customer_leg_id, ReportKind.ENDED)
        await a_moment()
        assert ReportKind.BRIDGED not in story.kinds(order.customer_leg_id)
        assert ReportKind.ENDED not in story.kinds(order.agent_leg_id)


@told
async def test_a_reply_of_204_joins_nobody_before_both_events() -> None:
    async with asterisk() as story:
        order = await story.both()
        story.double.filters["callbackq"] = frozenset({"ChannelEnteredBridge"})
        await story.adapter.bridge(order)
        await a_moment()
        assert ReportKind.BRIDGED not in story.kinds(order.customer_leg_id)


@told
async def test_a_leg_that_rings_cannot_be_joined() -> None:
    """422 of Asterisk; it is not even asked."""
    async with asterisk() as story:
        agent = await story.answered(role=Role.AGENT)
        rings = a_dial()
        await story.adapter.dial(rings)
        with pytest.raises(AdapterError, match="not answered, or over"):
            await story.adapter.bridge(
                Bridge(attempt_id=AttemptId("at_x"), agent_leg_id=agent, customer_leg_id=rings.leg_id)
            )
        assert not story.double.world.bridges


@told
async def test_who_is_left_alone_in_a_bridge_is_heard_of() -> None:
    """The other one stays Up, in silence, until somebody acts: UNBRIDGED says so."""
    async with asterisk() as story:
        order = await story.joined()
        story.double.end(order.agent_leg_id)
        await story.has(order.customer_leg_id, ReportKind.UNBRIDGED)
        await story.has(order.agent_leg_id, ReportKind.ENDED)
        assert order.customer_leg_id in story.double.world.channels


@told
async def test_a_bridge_is_let_go_with_the_last_of_the_two() -> None:
    async with asterisk() as story:
        order = await story.joined()
        story.double.end(order.customer_leg_id)
        await story.has(order.customer_leg_id, ReportKind.ENDED)
        assert story.double.world.bridges
        await story.adapter.hang_up(HangUp(leg_id=order.agent_leg_id))
        await until(lambda: not story.double.world.bridges)


@told
async def test_joined_twice_does_not_part_them() -> None:
    """Asterisk would take who is in the bridge out, and put them in again."""
    async with asterisk() as story:
        order = await story.joined()
        await story.adapter.bridge(order)
        await a_moment()
        assert story.kinds(order.customer_leg_id).count(ReportKind.BRIDGED) == 1
        assert ReportKind.UNBRIDGED not in story.kinds(order.customer_leg_id) + story.kinds(
            order.agent_leg_id
        )


@told
async def test_a_recording_is_made_of_the_conversation_and_named() -> None:
    async with asterisk() as story:
        order = await story.joined(record=True)
        name = f"callbackq-{order.attempt_id}"
        await until(lambda: story.double.world.recordings == [name])
        await until(lambda: story.board.reports[-1].recording_id == name)
        story.double.end(order.customer_leg_id)
        await story.has(order.customer_leg_id, ReportKind.ENDED)
        assert story.board.reports[-1].recording_id == name


@told
async def test_nothing_is_recorded_unless_the_order_says_so() -> None:
    async with asterisk() as story:
        await story.joined()
        await a_moment()
        assert story.double.world.recordings == []


# ---------------------------------------------------------------------------- events


@told
async def test_an_event_that_comes_twice_is_heard_once() -> None:
    """As where somebody has subscribed to the endpoint too."""
    async with asterisk(AriDouble(seed=5, rates=Rates(doubled_ratio=1.0, delay_max_s=0.002))) as story:
        order = await story.joined()
        story.double.press(order.customer_leg_id, "11")
        await until(lambda: story.kinds(order.customer_leg_id).count(ReportKind.DIGIT) == 2)
        story.double.end(order.customer_leg_id)
        await story.has(order.customer_leg_id, ReportKind.ENDED)
        await a_moment()
        kinds = story.kinds(order.customer_leg_id)
        assert len(kinds) == len(set(kinds)) + 1  # The key was pressed twice.
        assert kinds[-1] is ReportKind.ENDED


@told
async def test_what_is_no_event_changes_nothing() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        for text in ("[]", "{", '{"type": 7}', '{"type": "StasisStart"}', '{"type": "Dial", "peer": null}'):
            story.double.send_raw("callbackq", text)
        story.double.press(leg_id, "1")
        await story.has(leg_id, ReportKind.DIGIT)
        assert story.adapter.is_up


# ---------------------------------------------------------------------------- the connection


@told
async def test_a_lost_websocket_is_told_and_made_again() -> None:
    """Answered channels stay in the application; what answers meanwhile is hung up; and the legs are compared."""
    async with asterisk() as story:
        talks, ends, rings = await story.answered(), await story.answered(), a_dial()
        await story.adapter.dial(rings)
        await story.has(rings.leg_id, ReportKind.RINGING)
        story.double.close_door()
        await until(lambda: not story.adapter.is_up)
        assert story.board.downs_count == 1
        story.double.end(ends)
        story.double.answer(rings.leg_id)
        story.double.open_door()
        await until(lambda: story.board.is_up)
        assert story.board.ups_count == 2
        found = await story.adapter.snapshot()
        assert found.legs == {talks: LegSnapshot(state=LegState.ANSWERED)}
        await story.has(rings.leg_id, ReportKind.ENDED)
        assert story.causes(ends) == story.causes(rings.leg_id) == [Cause.UNKNOWN]


@told
async def test_after_a_lost_websocket_both_are_still_joined() -> None:
    async with asterisk() as story:
        order = await story.joined()
        story.double.lose_websockets()
        await until(lambda: story.board.ups_count == 2)
        legs = (await story.adapter.snapshot()).legs
        assert all(legs[one].joined for one in (order.agent_leg_id, order.customer_leg_id))
        story.double.end(order.agent_leg_id)
        await story.has(order.customer_leg_id, ReportKind.UNBRIDGED)


@told
async def test_legs_of_an_earlier_process_are_found_and_heard_of() -> None:
    async with asterisk() as story:
        order = await story.joined()
        await story.adapter.close()
        double = story.double
        from adapters.asterisk.ari_far_end import Board, settings_for
        from callbackq.adapters.asterisk.ari_telephony import AriTelephony

        board = Board()
        second = AriTelephony(settings_for(double))
        second.attach(board)
        async with second:
            legs = (await second.snapshot()).legs
            assert set(legs) == {order.agent_leg_id, order.customer_leg_id}
            double.end(order.agent_leg_id)
            await until(
                lambda: {ReportKind.UNBRIDGED, ReportKind.ENDED} <= {one.kind for one in board.reports}
            )
            await second.hang_up(HangUp(leg_id=order.customer_leg_id))
            await until(lambda: not double.world.channels)


@told
async def test_a_bridge_that_an_earlier_process_left_empty_is_let_go() -> None:
    """One that is somebody else's is left alone."""
    async with asterisk() as story:
        story.double.world.make_bridge("callbackq-at_of_before")
        story.double.world.make_bridge("conference")
        story.double.lose_websockets()
        await until(lambda: list(story.double.world.bridges) == ["conference"])


@told
async def test_nothing_is_done_without_a_connection() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        story.double.close_door()
        await until(lambda: not story.adapter.is_up)
        with pytest.raises(DialRefused):
            await story.adapter.dial(a_dial())
        for order in (
            story.adapter.snapshot(),
            story.adapter.hang_up(HangUp(leg_id=leg_id)),
            story.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD)),
        ):
            with pytest.raises(TelephonyDown):
                await order


@told
async def test_many_legs_are_dialed_at_once() -> None:
    """More than there are connections: none is refused."""
    async with asterisk(connections_max=8) as story:
        orders = [a_dial() for _ in range(100)]
        await asyncio.gather(*(story.adapter.dial(order) for order in orders))
        await until(lambda: len(story.board.reports) == 100)
        assert set(story.double.world.dialed.values()) == {1}
        assert {report.leg_id for report in story.board.reports} == {LegId(order.leg_id) for order in orders}
