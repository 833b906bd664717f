"""The connection to FreeSWITCH: wrong passwords, nobody there, hostile servers, and none of it in a hot loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs
import pytest

from adapters.freeswitch.esl_far_end import Board, settings_for
from adapters.freeswitch.esl_rig import Rig, order, run, until
from callbackq import DialRefused, DialUncertain, HangUp, LegSnapshot, LegState, ReportKind, TelephonyDown
from callbackq.adapters.connection import LoginRefused, Waits
from callbackq.adapters.freeswitch import EslSettings, EslTelephony
from callbackq.adapters.freeswitch.client import EslClient
from callbackq.testing.doubles.esl import EslDouble

SECRET = "sehr-geheim"
FAST = Waits(first_s=0.01, max_s=0.04)


def test_what_another_process_has_just_dialed_is_in_a_snapshot() -> None:
    """The list of channels is a little behind: a leg that is missing would be believed to be gone, and called again."""

    async def story() -> None:
        async with Rig(list_lag=timedelta(seconds=0.1)) as rig:
            rig.phones.list_lag_s = 0.05
            other = EslTelephony(settings_for(rig.double))
            other.attach(Board())
            async with other:
                dialed = order()
                await other.dial(dialed)
                await until(lambda: rig.phones.of_leg(dialed.leg_id) is not None)
                assert dialed.leg_id in (await rig.adapter.snapshot()).legs

    run(story())


def no_secret(caplog: pytest.LogCaptureFixture) -> None:
    assert SECRET not in caplog.text
    assert not any(SECRET in str(record.args) for record in caplog.records)


@asynccontextmanager
async def serving(answer) -> AsyncIterator[EslSettings]:
    """Have a server that does anything; give how to reach it."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await answer(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(answer_and_close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield EslSettings(
        url=f"esl://127.0.0.1:{port}", password=SECRET, waits=FAST, request_time_max=timedelta(seconds=0.1)
    )
    server.close()
    await asyncio.sleep(0.02)  # Who was let in at the last moment has come in.
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(0)


def adapter_for(settings: EslSettings) -> tuple[EslTelephony, Board]:
    board, adapter = Board(), EslTelephony(settings)
    adapter.attach(board)
    return adapter, board


def test_a_wrong_password_is_said_at_once_in_clear_words(caplog: pytest.LogCaptureFixture) -> None:
    """Who opens it is told; nothing goes on in the background, and the word itself is nowhere."""

    async def test() -> None:
        async with EslDouble() as double:
            adapter, board = adapter_for(settings_for(double, password=SECRET))
            with pytest.raises(
                LoginRefused, match=r"another password: see event_socket\.conf\.xml"
            ) as caught:
                await adapter.open()
            assert SECRET not in str(caught.value) + repr(adapter.__dict__)
            await asyncio.sleep(0.1)
            assert (double.logins_count, board.ups_count) == (1, 0)
            await adapter.close()

    with caplog.at_level(logging.DEBUG):
        run(test())
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    no_secret(caplog)


def test_a_password_that_is_changed_later_is_tried_with_the_longest_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And when it is put right, it goes on by itself."""

    async def test() -> None:
        async with Rig() as rig:
            right, rig.double.password = rig.double.password, SECRET
            await rig.double.cut()
            await until(lambda: rig.double.logins_count >= 3)
            assert not rig.adapter.is_up
            tries = rig.double.logins_count
            await asyncio.sleep(0.2)
            assert rig.double.logins_count - tries <= 6  # Every 50 ms.
            rig.double.password = right
            await until(lambda: rig.adapter.is_up)
            assert rig.board.ups_count == 2

    with caplog.at_level(logging.DEBUG):
        run(test())
    no_secret(caplog)


def test_this_machine_is_not_welcome() -> None:
    """`apply-inbound-acl`."""

    async def test() -> None:
        async with EslDouble() as double:
            double.refuses_machine = True
            adapter, _ = adapter_for(settings_for(double))
            with pytest.raises(LoginRefused, match="apply-inbound-acl"):
                await adapter.open()
            await adapter.close()

    run(test())


def test_nobody_is_there_is_no_error_and_no_hot_loop(caplog: pytest.LogCaptureFixture) -> None:
    """It is said in clear words, at the 1st, 2nd, 4th, 8th … try, and it comes up by itself."""

    async def test() -> None:
        double = EslDouble()
        await double.start()
        await double.stop()
        adapter, board = adapter_for(settings_for(double))
        async with adapter:
            assert not adapter.is_up
            with pytest.raises(TelephonyDown):
                await adapter.snapshot()
            with pytest.raises(DialRefused, match="no connection"):
                await adapter.dial(order())
            await asyncio.sleep(0.2)
            await double.start()
            await until(lambda: board.ups_count == 1)
        await double.stop()

    with caplog.at_level(logging.WARNING):
        run(test())
    tries = [record for record in caplog.records if "is FreeSWITCH running" in record.getMessage()]
    assert 2 <= len(tries) <= 5


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\n\n",
        b"HTTP/1.1 400 Bad Request\nContent-Length: 99999999999\n\n",
        b"Content-Type: auth/request\nContent-Length: -5\n\n",
        b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK\n\n" + b"x" * 200_000,
        b"Content-Type: auth/request\n\n" + b"Content-Type: api/response\nContent-Length: 2\n\nOK" * 3,
        b"Content-Type: auth/request\n\nContent-Type: text/event-json\nContent-Length: 3\n\n{{{",
        b"",
    ],
)
def test_a_server_that_speaks_something_else_is_left_and_tried_again(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """No hot loop, no memory filled, no password in the log; and closing leaves nothing behind."""
    tries = 0

    async def test() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal tries
            tries += 1
            writer.write(said)
            await reader.read(1000)

        async with serving(answer) as settings:
            adapter, board = adapter_for(settings)
            async with adapter:
                await asyncio.sleep(0.3)
                assert board.ups_count == 0

    with caplog.at_level(logging.DEBUG):
        run(test())
    assert 1 <= tries <= 25
    no_secret(caplog)


def test_a_server_that_falls_silent_is_left() -> None:
    """A sign of life is asked for, and the connection is given up where none comes."""

    async def test() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"Content-Type: auth/request\n\n")
            for _ in range(2):
                await reader.readuntil(b"\n\n")
                writer.write(b"Content-Type: command/reply\nReply-Text: +OK\n\n")
            await reader.read(10_000)
            await reader.read(10_000)
            await asyncio.sleep(0.3)

        async with serving(answer) as settings:
            adapter, board = adapter_for(attrs.evolve(settings, heartbeat=timedelta(seconds=0.1)))
            async with adapter:
                assert board.ups_count == 1
                await until(lambda: board.downs_count >= 2)

    run(test())


def test_a_dial_whose_reply_is_lost_is_uncertain_and_is_never_given_again() -> None:
    async def test() -> None:
        async with Rig() as rig:
            place, dialed = rig.phones.place, order()

            def place_and_cut(*args: object, **others: object) -> None:
                place(*args, **others)  # type: ignore[arg-type]
                for session in tuple(rig.double._sessions):
                    session._writer.transport.abort()

            rig.phones.place = place_and_cut  # type: ignore[method-assign]
            with pytest.raises(DialUncertain):
                await rig.adapter.dial(dialed)
            rig.phones.place = place  # type: ignore[method-assign]
            await until(lambda: rig.board.ups_count == 2)
            await rig.adapter.dial(dialed)
            assert len(rig.phones.placed) == 1
            legs = (await rig.adapter.snapshot()).legs
            assert legs == {dialed.leg_id: LegSnapshot(state=LegState.RINGING)}

    run(test())


def test_a_call_that_was_answered_while_nobody_listened_is_picked_up() -> None:
    """It sits parked in silence: the snapshot has it as answered, and what happens to it is heard again."""

    async def test() -> None:
        async with Rig() as rig:
            leg_id, gone = await rig.ringing(), await rig.ringing()
            await rig.double.stop()
            await until(lambda: not rig.adapter.is_up)
            rig.phones.answer(rig.channel(leg_id))
            rig.phones.hang_up(rig.channel(gone))
            await asyncio.sleep(0.02)
            assert rig.channel(leg_id).parked
            await rig.double.start()
            await until(lambda: rig.board.ups_count == 2)
            snapshot = await rig.adapter.snapshot()
            assert snapshot.legs == {leg_id: LegSnapshot(state=LegState.ANSWERED)}
            rig.phones.press(rig.channel(leg_id), "1")
            await until(lambda: ReportKind.DIGIT in rig.kinds(leg_id))
            await rig.hang_up(leg_id)
            await rig.ended(leg_id)

    run(test())


def test_what_was_told_to_end_without_a_connection_is_ended_when_it_is_back() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.answered()
            await rig.double.stop()
            await until(lambda: not rig.adapter.is_up)
            with pytest.raises(TelephonyDown):
                await rig.adapter.hang_up(HangUp(leg_id=leg_id))
            await rig.double.start()
            await until(lambda: rig.board.ups_count == 2)
            await rig.adapter.snapshot()
            await until(lambda: not any(rig.phones.live()))

    run(test())


def test_a_new_process_finds_the_legs_of_the_old_one() -> None:
    """By the variable of the channel: its own book is empty. What is somebody else's is asked about once."""

    async def test() -> None:
        async with Rig() as old:
            agent, customer = await old.joined(record=True)
            rings = await old.ringing()
            for number in range(3):
                old.double.callcenter.queue("q")
                old.double.callcenter.join("q", channel=f"stranger-{number}")
            await old.adapter.close()
            adapter, board = adapter_for(settings_for(old.double))
            async with adapter:
                for _ in range(2):
                    legs = (await adapter.snapshot()).legs
                    talking = LegSnapshot(state=LegState.ANSWERED, joined=True)
                    assert legs == {
                        agent: talking,
                        customer: talking,
                        rings: LegSnapshot(state=LegState.RINGING),
                    }
                asked = [given for given in old.double.commands.given if "stranger" in given]
                assert len(asked) == 3
                old.phones.hang_up(old.channel(customer))
                await until(lambda: board.reports)
                assert board.reports[0].leg_id == customer

    run(test())


def test_events_that_come_twice_are_heard_once_and_an_error_in_one_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with EslDouble() as double:
            heard: list[str] = []

            def hear(event) -> None:
                heard.append(event["n"])
                raise ValueError(SECRET)

            client = EslClient(settings_for(double), heard=hear, went_up=lambda: None, went_down=lambda: None)
            await client.open()
            for _ in range(2):
                double._fire("DTMF", {"n": "1"})
            double._sequence -= 1
            double._fire("DTMF", {"n": "again"})
            double._fire("DTMF", {"n": "2"})
            await until(lambda: "2" in heard)
            assert heard == ["1", "1", "2"]
            await client.close()

    run(test())
    no_secret(caplog)
    assert "ValueError" in caplog.text


def test_a_command_is_one_line() -> None:
    async def test() -> None:
        async with Rig() as rig:
            from callbackq.adapters.freeswitch.words import NotSayable

            for evil in ("uuid_exists x\n\nbgapi system reboot", "x\r", "x\0"):
                with pytest.raises(NotSayable):
                    await rig.adapter._client.api(evil)
            assert not any("reboot" in given for given in rig.double.commands.given)

    run(test())


def test_opened_twice_and_closed_twice_changes_nothing() -> None:
    async def test() -> None:
        async with Rig() as rig:
            await rig.adapter.open()
            assert (rig.board.ups_count, rig.board.downs_count) == (1, 1)
            leg_id = await rig.answered()
            await rig.adapter.close()
            await rig.adapter.close()
            await rig.adapter.open()
            assert rig.adapter.is_up
            assert leg_id in (await rig.adapter.snapshot()).legs

    run(test())


def test_without_a_runner_it_is_not_opened() -> None:
    async def test() -> None:
        async with EslDouble() as double:
            with pytest.raises(RuntimeError, match="attach a runner"):
                await EslTelephony(settings_for(double)).open()
            assert double.logins_count == 0

    run(test())
