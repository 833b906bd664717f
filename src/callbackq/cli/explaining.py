"""`callbackq explain`: why a callback is or is not being dialed now, with the rule, and when that can change."""

from __future__ import annotations

import sys

from rich.markup import escape

from callbackq.cli.common import page, print_json
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.moments import iso, name_of_zone, shown
from callbackq.cli.telling import zone_of
from callbackq.core.explain import Rule

_NO_SETTINGS = "Without --settings nothing is known here of how its queue is configured.\n"


def run(kept: Kept, *, callback_id: str, zone: str | None, as_json: bool) -> None:
    """Ask the service, and say what it says."""
    with service_of(kept) as service:
        why = service.explain(callback_id)
        clocks = zone_of(service, service.get(callback_id).queue, zone)
    if why.rule == Rule.QUEUE_NOT_CONFIGURED and kept.settings_file is None:
        sys.stderr.write(_NO_SETTINGS)
    if as_json:
        print_json(
            {
                "callback_id": why.callback_id,
                "at": iso(why.at),
                "state": why.state.value,
                "rule": why.rule,
                "text": why.text,
                "values": dict(why.values),
                "next_change_at": iso(why.next_change_at),
            }
        )
        return
    console = page()
    console.print(f"[bold]{escape(why.callback_id)}[/bold] is {escape(why.text)}.", soft_wrap=True)
    console.print(f"Rule: {why.rule}")
    if why.next_change_at is not None:
        when = shown(why.next_change_at, clocks, seconds=True)
        console.print(f"Time alone changes it next at {when}, {name_of_zone(clocks)}.")
