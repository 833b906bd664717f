"""`callbackq wallboard`: how the queues of a store stand now, again and again, for all to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from typing import Any, Final

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from callbackq.cli.common import minutes, new_table, page, print_json, refuse
from callbackq.cli.kept import Kept, service_of
from callbackq.errors import StoreUnavailable, UnknownQueue
from callbackq.model.board import Board, PromiseAtRisk, PromiseKind, QueueBoard
from callbackq.service import CallbackService

_PROMISES: Final = {
    PromiseKind.QUOTED: "quoted wait",
    PromiseKind.CHOSEN: "chosen time",
    PromiseKind.BOOKED: "booked time",
    PromiseKind.WINDOW: "response window",
    PromiseKind.EXPIRY: "end of its life",
}
_NAME_MAX: Final = 14
_RISKS_SHOWN: Final = 5


def run(kept: Kept, *, queues: Sequence[str], every_s: float, once: bool, as_json: bool) -> None:
    """Look and show, once or until the user has seen enough (Ctrl-C)."""
    with service_of(kept) as service:
        wanted = list(queues) or None
        try:
            service.board(queues=wanted)
        except UnknownQueue as error:
            refuse(
                f"{error}. Nothing is open in it here: see how it is written, or give --settings that have it."
            )
        if as_json:
            print_json(figures_of(look(service, wanted)))
            return
        console = page()
        if once or not console.is_terminal:
            console.print(drawn(look(service, wanted), console))
            return
        watch(service, wanted, console=console, every_s=every_s, wait=Event().wait)


def look(service: CallbackService, queues: Sequence[str] | None) -> Board:
    """Return the board of some queues; of those without a policy while anything is open in them."""
    if queues is None or all(queue in service.policies for queue in queues):
        return service.board(queues=queues)
    board = service.board()
    return attrs.evolve(board, queues=tuple(one for one in board.queues if one.queue in queues))


def watch(
    service: CallbackService,
    queues: list[str] | None,
    *,
    console: Console,
    every_s: float,
    wait: Callable[[float], object],
) -> None:
    """
    Show the board anew after every pause, on a screen of its own. A store that cannot be read for a while is said so.

    Args:
        wait: pauses for so many seconds; KeyboardInterrupt ends the watch.
    """
    shown: RenderableType = Text("looking ...")
    with Live(shown, console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                try:
                    shown = drawn(look(service, queues), console)
                    live.update(shown, refresh=True)
                except StoreUnavailable as error:
                    trouble = Text(f"cannot be read now, and is tried again: {error}", style="bold red")
                    live.update(Group(trouble, shown), refresh=True)
                wait(every_s)
        except KeyboardInterrupt:
            return


# ---------------------------------------------------------------------------- as figures


def figures_of(board: Board) -> dict[str, Any]:
    """Return a board as plain values: the names of its fields, instants as text, seconds in `_s`."""
    figures = attrs.asdict(board, value_serializer=_plain)
    for queue, shown in zip(board.queues, figures["queues"], strict=True):
        shown["agents"]["staffed_count"] = queue.agents.staffed_count
    return figures


def _plain(_owner: Any, _field: Any, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


# ---------------------------------------------------------------------------- as people read it


def drawn(board: Board, console: Console) -> RenderableType:
    """Return a board as it is shown: 80 columns are enough, and no meaning is in colours alone."""
    parts: list[RenderableType] = [_head(board)]
    if not board.queues:
        parts.append(Text("Nothing is open in any queue."))
        return Group(*parts)
    parts += [
        Text(""),
        _lines(board, console),
        Text(""),
        _work(board, console),
        Text(""),
        _staff(board, console),
    ]
    for queue in board.queues:
        if queue.first or queue.at_risk or queue.paused_reason:
            parts += [Text(""), *_details(queue, board.at)]
    return Group(*parts)


def _head(board: Board) -> Text:
    wake = board.next_wakeup_at
    if wake is None:
        due = "nothing is due"
    elif wake <= board.at:
        due = f"due for {minutes((board.at - wake).total_seconds())}"
    else:
        due = f"next due in {minutes((wake - board.at).total_seconds())}"
    parts = [f"{board.at:%Y-%m-%d %H:%M:%S} UTC", board.tenant_id[:_NAME_MAX], due]
    if board.messages_in_doubt_count:
        parts.append(f"{board.messages_in_doubt_count:,} messages in doubt")
    return Text("   ".join(parts), style="bold")


def _table(console: Console, *columns: str) -> Table:
    table = new_table(console)
    # One space between two columns, so that 80 are enough.
    table.padding = (0, 0) if console.is_terminal else (0, 1, 0, 0)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _name(queue: QueueBoard) -> str:
    name = queue.queue
    return escape(name if len(name) <= _NAME_MAX else f"{name[: _NAME_MAX - 1]}…")


def _lines(board: Board, console: Console) -> Table:
    table = _table(
        console, "In line", "Calls", "longest", "Callbacks", "longest", "EWT", "At risk", "missed", "Paused"
    )
    for queue in board.queues:
        about = "" if queue.is_exact else "~"
        more = "" if queue.is_risk_exact else "+"
        table.add_row(
            _name(queue),
            f"{about}{queue.calls_waiting_count:,}",
            minutes(queue.calls_longest_wait_s),
            f"{about}{queue.callbacks_waiting_count:,}",
            minutes(queue.callbacks_longest_wait_s),
            minutes(queue.wait.mean_s),
            _marked(f"{queue.promises_at_risk_count:,}{more}", queue.promises_at_risk_count, "yellow"),
            _marked(f"{queue.promises_missed_count:,}{more}", queue.promises_missed_count, "bold red"),
            _marked(_paused(queue), queue.offering_paused or queue.dialing_paused, "bold red"),
        )
    return table


def _paused(queue: QueueBoard) -> str:
    if queue.offering_paused and queue.dialing_paused:
        return "both"
    if queue.dialing_paused:
        return "dialing"
    return "offers" if queue.offering_paused else "-"


def _marked(text: str, is_marked: object, style: str) -> Text:
    return Text(text, style=style if is_marked else "")


def _work(board: Board, console: Console) -> Table:
    table = _table(
        console, "Callbacks", "In flight", "talking", "in doubt", "Resting", "held", "Scheduled", "booked 1 h"
    )
    for queue in board.queues:
        table.add_row(
            _name(queue),
            f"{queue.attempts_in_flight_count:,}",
            f"{queue.attempts_connected_count:,}",
            _marked(f"{queue.attempts_in_doubt_count:,}", queue.attempts_in_doubt_count, "bold red"),
            f"{queue.callbacks_resting_count:,}",
            f"{queue.callbacks_held_count:,}",
            f"{queue.callbacks_scheduled_count:,}",
            f"{queue.bookings_due_count:,}",
        )
    return table


def _staff(board: Board, console: Console) -> Table:
    table = _table(console, "Agents", "Free", "Reserved", "Talking", "Wrap-up", "Away", "Signed in")
    for queue in board.queues:
        agents = queue.agents
        table.add_row(
            _name(queue),
            f"{agents.free_count:,}",
            f"{agents.reserved_count:,}",
            f"{agents.talking_count:,}",
            f"{agents.wrap_up_count:,}",
            f"{agents.away_count:,}",
            f"{agents.staffed_count:,}",
        )
    return table


def _details(queue: QueueBoard, now: datetime) -> list[Text]:
    """Return who is first, and which promises somebody should look at."""
    shown: list[Text] = []
    if queue.paused_reason:
        shown.append(Text(f"{queue.queue[:_NAME_MAX]}: paused: {queue.paused_reason[:60]}", style="bold red"))
    if queue.first:
        places = [
            f"{place.number}\N{NO-BREAK SPACE}{'call' if place.callback_id is None else 'callback'}"
            f"\N{NO-BREAK SPACE}{minutes((now - place.entered_at).total_seconds())}{'!' if place.at_risk else ''}"
            for place in queue.first
        ]
        shown.append(Text(f"{queue.queue[:_NAME_MAX]}: first " + ", ".join(places)))
    shown += [_risk(risk, now) for risk in queue.at_risk[:_RISKS_SHOWN]]
    rest = queue.promises_at_risk_count - _RISKS_SHOWN
    if rest > 0:
        shown.append(Text(f"  and {rest:,} more at risk"))
    return shown


def _risk(risk: PromiseAtRisk, now: datetime) -> Text:
    what = _PROMISES[risk.kind]
    if risk.is_missed:
        late = f"missed {minutes((now - risk.until_at).total_seconds())} ago"
        return Text(f"  ! {risk.callback_id[:36]}  {what} {late}", style="bold red")
    left = f"over in {minutes((risk.until_at - now).total_seconds())}"
    expected = (
        f", expected in {minutes((risk.expected_at - now).total_seconds())}" if risk.expected_at else ""
    )
    return Text(f"  ! {risk.callback_id[:36]}  {what} {left}{expected}", style="yellow")
