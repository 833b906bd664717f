"""`callbackq wallboard`: how the queues stand, in 80 columns, without colour, once or again and again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from callbackq import CallbackService, MemoryStore, QueueName, QueuePolicy, SQLiteStore, Store, TenantId, Wait
from callbackq.cli.app import app
from callbackq.cli.wallboard import drawn, watch
from callbackq.model.board import Board, QueueBoard, StaffCounts
from callbackq.testing import START, VirtualHost

SECOND = timedelta(seconds=1)
RUNNER = CliRunner()


def filled(store: Store) -> VirtualHost:
    """A host with two queues, in which promises are at risk."""
    policies = [
        QueuePolicy(queue="support", calling=None),
        QueuePolicy(queue="a-queue-with-a-long-name", calling=None),
    ]
    host = VirtualHost(store, policies)
    service = host.service
    service.agent_available("ann", queues=["support"])
    for number in range(14):
        service.call_joined("support", call_id=f"SIP/+121255501{number:02}", number=f"+121255501{number:02}")
        host.clock.advance(SECOND)
    for number in range(1, 9):
        service.offer(f"SIP/+121255501{number:02}", asked=True)
        service.request("support", call_id=f"SIP/+121255501{number:02}")
    host.run_for(90 * timedelta(minutes=1))
    for number in range(30):
        service.call_joined("support", call_id=f"vip-{number}", priority=1)
    service.call_joined("a-queue-with-a-long-name", call_id="one")
    service.pause("a-queue-with-a-long-name", dialing=True, reason="fire drill")
    return host


def text_of(host: VirtualHost, *, width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False)
    console.print(drawn(host.service.board(), console))
    return out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_it_can_be_read_in_80_columns_without_colour(terminal: bool) -> None:
    """No line is longer, and no heading is cut; what matters is in words and marks."""
    host = filled(MemoryStore())
    board = host.service.board().queue("support")
    text = text_of(host, terminal=terminal)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    for heading in (
        "In line",
        "Calls",
        "longest",
        "At risk",
        "missed",
        "In flight",
        "booked 1 h",
        "Signed in",
    ):
        assert heading in text
    [row] = [line for line in lines if line.startswith("support") and "first" not in line][:1]
    assert row.split()[:2] == ["support", str(board.calls_waiting_count)]
    assert "a-queue-with-…" in text
    assert "paused: fire drill" in text
    assert "dialing" in text
    assert "1\N{NO-BREAK SPACE}call\N{NO-BREAK SPACE}0:00" in text
    assert f"! {board.at_risk[0].callback_id}" in text
    assert "quoted wait missed" in text
    assert f"and {board.promises_at_risk_count - 5} more at risk" in text
    assert "212555" not in text


def test_what_is_still_to_be_missed_says_when() -> None:
    """By when it was promised, and when it is expected."""
    host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support", calling=None)])
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(SECOND)
    host.service.call_joined("support", call_id="bob", number="+12125550101")
    host.service.offer("bob", asked=True)
    callback_id = host.service.request("support", call_id="bob").callback_id
    for number in range(9):
        host.service.call_joined("support", call_id=f"vip-{number}", priority=1)
    text = text_of(host)
    assert f"! {callback_id}  quoted wait over in 14:" in text
    assert "expected in" in text


def test_nothing_in_the_store_is_said() -> None:
    """And nobody waits for a table of nothing."""
    host = VirtualHost(MemoryStore(), [])
    assert "Nothing is open in any queue." in text_of(host)


def test_the_board_is_shown_anew_until_it_was_seen_enough() -> None:
    """A store that cannot be read for a while is said so, above what was seen last."""
    store = MemoryStore()
    host = filled(store)
    out = io.StringIO()
    console = Console(file=out, width=80, height=60, force_terminal=True, color_system=None)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            host.service.call_joined("support", call_id="new")
        elif len(waited) == 2:
            store.close()
        else:
            raise KeyboardInterrupt

    before = host.service.board().queue("support").calls_waiting_count
    watch(host.service, None, console=console, every_s=2.0, wait=wait)
    assert waited == [2.0, 2.0, 2.0]
    shown = out.getvalue()
    for count in (before, before + 1):
        assert re.search(rf"^support +{count} ", shown, re.MULTILINE)
    assert "cannot be read now, and is tried again" in shown


def test_a_queue_without_a_policy_may_become_empty_while_it_is_watched() -> None:
    """Without settings nothing is known of it but what is open; and it comes back when something is."""
    store = MemoryStore()
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)])
    host.service.call_joined("support", call_id="one")
    stranger = CallbackService(store, [], clock=host.clock)
    out = io.StringIO()
    console = Console(file=out, width=80, height=60, force_terminal=True, color_system=None)
    shown: list[bool] = []

    def wait(_seconds: float) -> None:
        shown.append("support " in out.getvalue())
        out.truncate(out.seek(0))
        if len(shown) == 1:
            host.service.call_left("one")
        elif len(shown) == 2:
            host.service.call_joined("support", call_id="two")
        else:
            raise KeyboardInterrupt

    watch(stranger, ["support"], console=console, every_s=2.0, wait=wait)
    assert shown == [True, False, True]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a filled store."""
    path = tmp_path / "callbacks.db"
    store = SQLiteStore(path)
    filled(store)
    store.close()
    return path


def test_a_store_is_shown_once_outside_a_terminal(path: Path) -> None:
    """In words; and one queue alone, if that is asked for."""
    shown = RUNNER.invoke(app, ["wallboard", str(path), "--queue", "support"])
    assert shown.exit_code == 0, shown.output
    assert "support" in shown.stdout
    assert "a-queue" not in shown.stdout
    again = RUNNER.invoke(app, ["wallboard", str(path), "--once"])
    assert "a-queue" in again.stdout


def test_with_settings_all_queues_of_the_host_are_known(path: Path, tmp_path: Path) -> None:
    """Also those in which nothing is; and estimates are those that the host makes."""
    settings = tmp_path / "settings.toml"
    settings.write_text('[queue.support]\nhandle_time = "20 min"\n[queue.sales]\n', encoding="utf-8")
    plain, known = (
        json.loads(RUNNER.invoke(app, ["wallboard", str(path), "--json", *more]).stdout)["queues"]
        for more in ([], ["--settings", str(settings)])
    )
    assert [queue["queue"] for queue in known] == ["a-queue-with-a-long-name", "sales", "support"]
    assert known[-1]["wait"]["mean_s"] > plain[-1]["wait"]["mean_s"]


def test_each_kind_of_pause_and_doubt_has_its_words() -> None:
    """Offers, dialing or both; and messages of which nobody knows."""
    queues = [
        QueueBoard(
            queue=QueueName(name),
            wait=Wait(mean_s=None, low_s=None, high_s=None),
            agents=StaffCounts(),
            offering_paused=offering,
            dialing_paused=dialing,
            is_exact=False,
            is_risk_exact=False,
        )
        for name, offering, dialing in (("a", True, False), ("b", False, True), ("c", True, True))
    ]
    board = Board(tenant_id=TenantId("default"), at=START, queues=tuple(queues), messages_in_doubt_count=3)
    out = io.StringIO()
    console = Console(file=out, width=80)
    console.print(drawn(board, console))
    text = out.getvalue()
    assert "nothing is due   3 messages in doubt" in text
    rows = [line.split() for line in text.splitlines() if line[:2] in ("a ", "b ", "c ")][:3]
    assert [row[-1] for row in rows] == ["offers", "dialing", "both"]
    assert [(row[1], row[6]) for row in rows] == [("~0", "0+")] * 3


def test_figures_come_as_json(path: Path) -> None:
    """Under the names of the board."""
    shown = RUNNER.invoke(app, ["wallboard", str(path), "--json"])
    board = json.loads(shown.stdout)
    assert [queue["queue"] for queue in board["queues"]] == ["a-queue-with-a-long-name", "support"]
    support = board["queues"][1]
    assert support["promises_missed_count"] == support["promises_at_risk_count"] > 5
    assert support["agents"]["staffed_count"] == 1
    assert support["at_risk"][0]["kind"] == "quoted"
    assert board["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (lambda path: [str(path), "--queue", "sales"], "queue 'sales' is not configured"),
        (lambda path: [str(path.parent / "none.db")], "is no database of callbackq"),
        (lambda path: [str(path), "--every", "0"], "0.2"),
    ],
)
def test_a_mistake_is_one_sentence(path: Path, arguments: Callable[[Path], list[str]], says: str) -> None:
    """And exit code 2."""
    refused = RUNNER.invoke(app, ["wallboard", *arguments(path)])
    assert refused.exit_code == 2
    assert says in refused.stderr
