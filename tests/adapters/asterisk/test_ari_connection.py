"""The connection: what is said when there is none, how often it is tried, and what is given with each leg."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.asterisk.ari_far_end import Board, settings_for
from adapters.asterisk.ari_stories import a_dial, a_moment, asterisk, told, until
from callbackq import HangUp, ReportKind, Role
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.adapters.connection import LoginRefused, ReplacedByAnother, Waits
from callbackq.errors import DialRefused, TelephonyDown
from callbackq.testing.doubles.ari import AriDouble, Trouble

SECRET = "s3cret-of-ari"
CERTIFICATE = Path(__file__).with_name("ami_localhost.pem")


def adapter_for(double: AriDouble, board: Board, **others: object) -> AriTelephony:
    adapter = AriTelephony(settings_for(double, **others))
    adapter.attach(board)
    return adapter


# ---------------------------------------------------------------------------- who may log in


@told
async def test_a_wrong_password_is_said_in_clear_words() -> None:
    """One try, nothing is left open, and the password is not shown."""
    async with AriDouble() as double:
        adapter = adapter_for(double, Board(), password=SECRET)
        with pytest.raises(LoginRefused, match="refused the user 'callbackq'") as caught:
            await adapter.open()
        assert SECRET not in str(caught.value)
        assert double.logins_refused_count == 1


@told
async def test_a_password_that_is_changed_later_is_tried_slowly(caplog: pytest.LogCaptureFixture) -> None:
    """No hot loop: after the first refusal with the longest wait. When it is right again, it comes up by itself."""
    async with asterisk(password=SECRET, double=AriDouble(password=SECRET)) as story:
        assert story.adapter.is_up
        story.double.password = "another"
        story.double.lose_websockets()
        await until(lambda: story.double.logins_refused_count == 1)
        await a_moment(0.06)
        assert story.double.logins_refused_count == 1
        story.double.password = SECRET
        await until(lambda: story.adapter.is_up)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert any("refused the user 'callbackq'" in record.getMessage() for record in errors)
    assert SECRET not in caplog.text


@told
async def test_a_user_who_may_only_read_is_refused() -> None:
    async with AriDouble() as double:
        adapter = adapter_for(double, Board(), username="reader")
        with pytest.raises(LoginRefused, match="may only read"):
            await adapter.open()


# ---------------------------------------------------------------------------- nobody there


@told
async def test_a_refused_connection_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """Opening is no error, nobody is dialed, and it comes up when Asterisk does."""
    double, board = AriDouble(), Board()
    await double.start()
    await double.stop()
    adapter = adapter_for(double, board)
    async with adapter:
        assert not adapter.is_up
        assert board.downs_count == 1
        with pytest.raises(DialRefused, match="no connection to Asterisk"):
            await adapter.dial(a_dial())
        async with double:
            await until(lambda: board.is_up)
            order = a_dial()
            await adapter.dial(order)
            await until(lambda: board.reports)
            await adapter.hang_up(HangUp(leg_id=order.leg_id))
            await until(lambda: not double.world.channels)
    assert "Asterisk cannot be reached" in caplog.text
    assert double.password not in caplog.text


@told
async def test_tries_become_rare() -> None:
    """Waits from 10 ms on, twice as long each time: a tenth of a second has six tries, and each asks once or twice."""
    async with AriDouble() as double:
        double.close_door()
        async with adapter_for(double, Board(), waits=Waits(first_s=0.01, max_s=10.0)):
            await a_moment(0.1)
            assert 1 <= double.requests.count(("GET", "/events")) <= 12


@told
async def test_a_web_server_without_ari_is_named() -> None:
    async with AriDouble() as double:
        adapter = adapter_for(double, Board(), url=double.url.replace("/ari", "/other"))
        async with adapter:
            with pytest.raises(TelephonyDown):
                await adapter.snapshot()
            with pytest.raises(TelephonyDown, match=r"prefix in http\.conf"):
                async with adapter._client.events():
                    pass


@told
async def test_a_certificate_is_checked_unless_its_authority_is_given(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(CERTIFICATE)
    async with AriDouble(tls=own) as double:
        url = double.url.replace("127.0.0.1", "localhost")
        async with adapter_for(double, Board(), url=url) as adapter:
            assert not adapter.is_up
        assert "the certificate of Asterisk cannot be trusted" in caplog.text
        trusted = ssl.create_default_context(cafile=CERTIFICATE)
        async with adapter_for(double, Board(), url=url, tls=trusted) as adapter:
            assert adapter.is_up


@told
async def test_asterisk_that_is_not_ready_is_asked_again() -> None:
    double, board = AriDouble(), Board()
    double.trouble("GET", "/events", Trouble.UNAVAILABLE, times=3)
    async with double:
        async with adapter_for(double, board):
            await until(lambda: board.is_up)
        assert double.requests.count(("GET", "/events")) == 4


@told
async def test_an_asterisk_that_goes_down_is_given_up_though_its_websocket_is_open() -> None:
    """It answers 503, and keeps the websocket for many seconds, on which nothing comes any more."""
    async with asterisk() as story:
        story.double.trouble("POST", "/channels", Trouble.UNAVAILABLE)
        with pytest.raises(DialRefused, match="503"):
            await story.adapter.dial(a_dial())
        await until(lambda: story.board.ups_count == 2)
        assert story.board.downs_count == 1


@told
async def test_an_application_that_asterisk_does_not_know_yet_is_waited_for() -> None:
    double, board = AriDouble(), Board()
    double.unknown_app_times = 2
    async with double:
        async with adapter_for(double, board) as adapter:
            assert adapter.is_up
        assert double.requests.count(("PUT", "/applications/callbackq/eventFilter")) == 3


@told
async def test_events_that_nobody_needs_are_not_sent() -> None:
    async with asterisk() as story:
        assert "ChannelVarset" in story.double.filters["callbackq"]
        assert "StasisStart" not in story.double.filters["callbackq"]


@told
async def test_it_must_be_attached_before_it_is_opened() -> None:
    async with AriDouble() as double:
        adapter = AriTelephony(settings_for(double))
        with pytest.raises(RuntimeError, match="attach"):
            await adapter.open()


# ---------------------------------------------------------------------------- another process


@told
async def test_who_is_replaced_does_not_fight(caplog: pytest.LogCaptureFixture) -> None:
    """The first one stops, says so, and dials nobody. The second one goes on."""
    async with asterisk() as first:
        board = Board()
        second = adapter_for(first.double, board)
        async with second:
            await until(lambda: first.adapter.is_replaced)
            await until(lambda: not first.board.is_up)
            await a_moment(0.05)
            assert first.double.sockets_count == 2
            for attempt in (first.adapter.snapshot(), first.adapter.hang_up(HangUp(leg_id=a_dial().leg_id))):
                with pytest.raises(ReplacedByAnother, match="One process for each name"):
                    await attempt
            with pytest.raises(DialRefused, match="another process"):
                await first.adapter.dial(a_dial())
            assert second.is_up
    assert "One process for each name" in caplog.text


@told
async def test_who_was_replaced_can_be_opened_anew() -> None:
    async with asterisk() as first:
        second = adapter_for(first.double, Board())
        async with second:
            await until(lambda: first.adapter.is_replaced)
        await first.adapter.close()
        await first.adapter.open()
        assert first.adapter.is_up
        assert not first.adapter.is_replaced
        order = a_dial()
        await first.adapter.dial(order)
        await first.has(order.leg_id, ReportKind.RINGING)


# ---------------------------------------------------------------------------- what is given with a leg


@told
async def test_number_shown_prefix_route_and_variables_are_given_to_asterisk() -> None:
    async with asterisk(customer="PJSIP/{prefix}{digits}@{route}") as story:
        customer = a_dial(
            caller_id="+12125550100", dial_prefix="9", route="cheap", ring_time=timedelta(seconds=20.5)
        )
        agent = a_dial(role=Role.AGENT)
        for order in (customer, agent):
            await story.adapter.dial(order)
        first, second = story.double.world.orders
        assert first["endpoint"] == "PJSIP/912125550101@cheap"
        assert (first["callerId"], first["timeout"]) == ("+12125550100", 21)
        assert first["variables"] == {
            "CALLBACKQ_ATTEMPT": customer.attempt_id,
            "CALLBACKQ_CALLBACK": customer.callback_id,
            "CALLBACKQ_QUEUE": "support",
            "CALLBACKQ_ROLE": "customer",
        }
        assert (second["endpoint"], second["callerId"]) == ("PJSIP/ann", "+12125550101")


@told
async def test_the_agents_phone_shows_nobody_where_that_is_not_wanted() -> None:
    async with asterisk(customer_on_agents_phone=False) as story:
        await story.adapter.dial(a_dial(role=Role.AGENT))
        assert "callerId" not in story.double.world.orders[0]


@told
async def test_no_number_and_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """On a day on which much goes wrong."""
    caplog.set_level(logging.DEBUG)
    async with asterisk(double=AriDouble(password=SECRET), password=SECRET) as story:
        order = await story.joined(record=True)
        story.double.trouble("POST", "/channels", Trouble.LOST_AFTER)
        with pytest.raises(Exception, match="did not reply") as caught:
            await story.adapter.dial(a_dial())
        story.double.trouble("DELETE", "/channels/.*", Trouble.FAILS, times=9)
        story.double.lose_websockets()
        await until(lambda: story.board.ups_count == 2)
        story.double.end(order.agent_leg_id)
        await story.has(order.agent_leg_id, ReportKind.ENDED)
    ours = "\n".join(record.getMessage() for record in caplog.records)
    for text in (ours, str(caught.value), repr(caught.value)):
        assert SECRET not in text
        assert "2125550101" not in text


@told
async def test_closing_leaves_nothing_behind() -> None:
    """Also in the middle of what is said, asked and waited for. `told` looks at the tasks."""
    async with asterisk(request_time_max=timedelta(seconds=5)) as story:
        order = await story.joined()
        story.double.trouble("DELETE", "/channels/.*", Trouble.SILENT, times=9)
        hanging_up = asyncio.ensure_future(story.adapter.hang_up(HangUp(leg_id=order.agent_leg_id)))
        await a_moment(0.01)
        hanging_up.cancel()
