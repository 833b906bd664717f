"""A connection that is kept: waits that grow, no hot loop, and words for what is wrong."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import pytest

from callbackq.adapters import switchboard
from callbackq.adapters.connection import Connection, LoginRefused, ReplacedByAnother, Waits
from callbackq.adapters.switchboard import Teller
from callbackq.errors import AttemptNotFound, Conflict, StoreUnavailable, TelephonyDown
from callbackq.ids import LegId
from callbackq.model import Report, ReportKind

FAST = Waits(first_s=0.001, max_s=0.004)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


class Scripted:
    """Sessions that go as a script says: an error at once, or up until it is cut."""

    def __init__(self, *script: Exception | None) -> None:
        self.script = list(script)
        self.tries = 0
        self.downs = 0
        self.is_cut = asyncio.Event()
        self.was_up = asyncio.Event()

    async def session(self, came_up: Callable[[], None]) -> None:
        self.tries += 1
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        came_up()
        self.was_up.set()
        await self.is_cut.wait()
        self.is_cut.clear()
        self.was_up.clear()
        raise TelephonyDown("cut")

    def went_down(self) -> None:
        self.downs += 1


def kept(scripted: Scripted, *, waits: Waits = FAST) -> Connection:
    return Connection(
        "PBX", scripted.session, went_down=scripted.went_down, waits=waits, chance=random.Random(1)
    )


def test_a_pbx_that_is_not_there_yet_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        scripted = Scripted(ConnectionRefusedError("secret"), TimeoutError())
        connection = kept(scripted)
        await connection.open()
        assert not connection.is_up
        await scripted.was_up.wait()
        assert connection.is_up
        assert (scripted.tries, scripted.downs) == (3, 0)
        await connection.close()
        assert scripted.downs == 1

    run(story())
    assert "PBX: no connection (ConnectionRefusedError). It is tried again." in caplog.messages
    assert "secret" not in caplog.text


def test_a_connection_that_is_cut_is_made_again() -> None:
    async def story() -> None:
        scripted = Scripted()
        connection = kept(scripted)
        await connection.open()
        for times in (1, 2, 3):
            scripted.is_cut.set()
            await asyncio.sleep(0)
            while scripted.downs < times or not connection.is_up:
                await asyncio.sleep(0.001)
        assert scripted.tries == 4
        await connection.close()
        assert not connection.is_up

    run(story())


def test_a_wrong_password_is_said_at_once_and_leaves_nothing_running() -> None:
    async def story() -> None:
        scripted = Scripted(LoginRefused("no such user, or another password"))
        tasks = asyncio.all_tasks()
        with pytest.raises(LoginRefused, match="another password"):
            await kept(scripted).open()
        await asyncio.sleep(0.01)
        assert scripted.tries == 1
        assert asyncio.all_tasks() == tasks

    run(story())


def test_a_password_that_became_wrong_is_tried_with_the_longest_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        scripted = Scripted(None, *[LoginRefused("another password")] * 9)
        connection = kept(scripted, waits=Waits(first_s=0.0, max_s=60.0))
        await connection.open()
        scripted.is_cut.set()
        while scripted.tries < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        assert scripted.tries == 2
        await connection.close()

    run(story())
    assert [record.levelno for record in caplog.records if "no connection" in record.message] == [
        logging.ERROR
    ]


def test_who_was_replaced_does_not_fight(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        scripted = Scripted(ReplacedByAnother("another process serves this application"))
        connection = kept(scripted)
        await connection.open()
        await asyncio.sleep(0.02)
        assert scripted.tries == 1
        await connection.close()

    run(story())
    assert caplog.messages == [
        "PBX: no connection (another process serves this application). It is not tried again."
    ]


def test_who_is_thrown_out_at_once_waits_longer_each_time() -> None:
    async def story() -> None:
        scripted = Scripted()
        connection = kept(scripted, waits=Waits(first_s=0.002, max_s=60.0))
        await connection.open()
        scripted.is_cut.set()
        for _ in range(40):  # Cut again and again, as soon as it is up.
            await asyncio.sleep(0.001)
            scripted.is_cut.set()
        assert scripted.tries < 10
        await connection.close()

    run(story())


def test_who_waits_for_a_connection_that_is_closed_waits_no_more() -> None:
    async def story() -> None:
        async def session(_came_up: Callable[[], None]) -> None:
            await asyncio.Event().wait()

        connection = Connection("PBX", session, went_down=lambda: None)
        opening = [asyncio.create_task(connection.open()) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in opening)
        await connection.close()
        await asyncio.gather(*opening)
        assert not connection.is_up

    run(story())


def test_a_session_that_hides_its_cancellation_is_not_begun_again() -> None:
    async def story() -> None:
        tries = 0

        async def session(came_up: Callable[[], None]) -> None:
            nonlocal tries
            tries += 1
            came_up()
            try:
                await asyncio.Event().wait()
            finally:
                raise ConnectionResetError  # As cleaning up may.

        connection = Connection("PBX", session, went_down=lambda: None, waits=FAST)
        await connection.open()
        await connection.close()
        assert tries == 1

    run(story())


@pytest.mark.parametrize("how", ["a part of it is cancelled", "the host's went_down fails"])
def test_nothing_but_closing_ends_the_trying(how: str, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        scripted = Scripted()

        async def session(came_up: Callable[[], None]) -> None:
            if scripted.tries == 0 and how.startswith("a part"):
                scripted.tries += 1
                came_up()
                raise asyncio.CancelledError
            await scripted.session(came_up)

        def went_down() -> None:
            scripted.downs += 1
            if how.startswith("the host"):
                raise RuntimeError("+12125550101")

        connection = Connection("PBX", session, went_down=went_down, waits=FAST)
        await connection.open()
        if how.startswith("the host"):
            scripted.is_cut.set()
        while scripted.tries < 2 or not connection.is_up:
            await asyncio.sleep(0.001)
        await connection.close()
        assert scripted.downs == 2

    run(story())
    assert "2125550101" not in caplog.text


def test_what_was_replaced_or_left_in_another_loop_can_be_opened_anew() -> None:
    scripted = Scripted(ReplacedByAnother("another process serves this application"))
    connection = kept(scripted)
    for tries in (1, 2, 3):  # Replaced; up, and cancelled with its loop; closed.

        async def story(tries: int = tries) -> None:
            await connection.open()
            assert scripted.tries == tries
            if tries == 3:
                await connection.close()

        run(story())
    assert scripted.downs == 2


def test_waits_are_left_to_chance_by_half() -> None:
    waits = Waits(first_s=1.0, max_s=30.0)
    assert [waits.after(5, chance=chance) for chance in (0.0, 0.5, 1.0)] == [8.0, 12.0, 16.0]
    assert waits.after(10_000, chance=1.0) == 30.0


class Board:
    """Takes reports, after so many errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.taken: list[str] = []

    async def report(self, report: Report) -> None:
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(report.leg_id)

    def telephony_down(self) -> None: ...

    def telephony_up(self, snapshot: object = None) -> None: ...


class BlockingBoard(Board):
    """One whose reports block, as a `ThreadRunner`'s do."""

    def report(self, report: Report) -> None:  # type: ignore[override]
        self.taken.append(report.leg_id)


def reports(count: int) -> list[Report]:
    return [Report(leg_id=LegId(f"leg_{number}"), kind=ReportKind.RINGING) for number in range(count)]


@pytest.mark.parametrize("kind", [Board, BlockingBoard])
def test_reports_arrive_in_order(kind: type[Board]) -> None:
    async def story() -> None:
        board = kind()
        teller = Teller(board)
        for report in reports(20):
            teller.tell(report)
        teller.tell(None)
        await teller.close()
        assert board.taken == [f"leg_{number}" for number in range(20)]

    run(story())


def test_a_report_is_given_again_while_the_store_is_away() -> None:
    async def story() -> None:
        board = Board(StoreUnavailable("away"), StoreUnavailable("away"))
        teller = Teller(board)
        teller.tell(reports(1)[0])
        await teller.close()
        assert board.taken == ["leg_0"]

    run(story())


def test_nothing_overtakes_what_the_store_could_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end that came before the conversation would be read as a call that nobody took."""
    monkeypatch.setattr(switchboard, "_WAITS_S", (0.002,) * 20)

    async def story() -> None:
        board = Board(*[StoreUnavailable("away")] * 5)
        teller = Teller(board)
        for report in reports(6):
            teller.tell(report)
            await asyncio.sleep(0.001)
        await teller.close()
        assert board.taken == [f"leg_{number}" for number in range(6)]

    run(story())


def test_a_report_that_meets_only_conflicts_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(switchboard, "_WAITS_S", (0.001, 0.001))

    class Stubborn(Board):
        async def report(self, report: Report) -> None:
            if report.leg_id == "leg_0":
                raise Conflict("somebody else was first")
            await super().report(report)

    async def story() -> None:
        board = Stubborn()
        teller = Teller(board)
        for report in reports(3):
            teller.tell(report)
            await asyncio.sleep(0)
        while len(board.taken) < 2:
            await asyncio.sleep(0.001)
        await teller.close()

    run(story())
    assert [m for m in caplog.messages if "lost" in m] == ["ringing of leg_0 is lost: Conflict"]


@pytest.mark.parametrize("is_closed", [True, False])
def test_what_is_lost_is_named(
    is_closed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store stays away: closing does not wait for ever, and an event loop that ends says what it took along."""
    monkeypatch.setattr(switchboard, "_WAITS_S", (0.001,))

    async def story() -> None:
        teller = Teller(Board(*[StoreUnavailable("away")] * 10_000))
        for report in reports(3):
            teller.tell(report)
        await asyncio.sleep(0.01)
        if is_closed:
            await teller.close()

    run(story())
    why = "StoreUnavailable" if is_closed else "the event loop ends"
    assert [m for m in caplog.messages if "lost" in m] == [
        f"ringing of leg_{number} is lost: {why}" for number in range(3)
    ]


def test_a_report_of_nobodys_leg_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        board = Board(AttemptNotFound("leg_0"), RuntimeError("+12125550101"))
        teller = Teller(board)
        for report in reports(3):
            teller.tell(report)
        await teller.close()
        assert board.taken == ["leg_2"]

    run(story())
    assert "was not taken: RuntimeError" in caplog.text
    assert "2125550101" not in caplog.text
