"""`callbackq doctor`: what is in doubt, stuck or inconsistent in a store that a host works with."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import attrs
import typer
from rich.console import Console
from rich.markup import escape

from callbackq.cli.common import page, print_json
from callbackq.cli.kept import Kept, service_of
from callbackq.model import Diagnosis, Finding, Severity

_PAGE_WIDTH = 180
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def run(kept: Kept, *, thorough: bool, stuck_after_s: int, limit: int, as_json: bool) -> None:
    """Look, say what was found, and end with code 1 if that is anything."""
    with service_of(kept) as service:
        diagnosis = service.doctor(
            thorough=thorough,
            stuck_after=timedelta(seconds=stuck_after_s),
            limit=limit,
            progress=_progress if sys.stderr.isatty() else None,
        )
    if thorough and sys.stderr.isatty():
        sys.stderr.write("\n")  # What was found does not begin behind the progress.
    if as_json:
        print_json(_figures(diagnosis))
    else:
        _show(diagnosis, thorough=thorough)
    if not diagnosis.is_well:
        raise typer.Exit(1)


def _progress(events_count: int) -> None:
    sys.stderr.write(f"\r{events_count:,} events of the history")
    sys.stderr.flush()


def _figures(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "at": diagnosis.at.isoformat(),
        "well": diagnosis.is_well,
        "findings": [_finding(one) for one in diagnosis.findings],
        "looked_at": dict(diagnosis.looked_at),
        "cut": list(diagnosis.cut),
        "store": None if diagnosis.store is None else dict(diagnosis.store.figures),
    }


def _finding(one: Finding) -> dict[str, Any]:
    fields = attrs.asdict(one)
    fields["since_at"] = None if one.since_at is None else one.since_at.isoformat()
    fields["others"] = list(one.others)
    return fields


def _show(diagnosis: Diagnosis, *, thorough: bool) -> None:
    console = page()
    if not console.is_terminal:
        console = Console(highlight=False, width=_PAGE_WIDTH)
    for one in diagnosis.findings:
        _show_finding(console, one)
    counts = ", ".join(f"{count:,} {name}" for name, count in diagnosis.looked_at.items())
    console.print(f"Looked at: {counts}.")
    if diagnosis.cut:
        names = ", ".join(diagnosis.cut)
        console.print(
            f"There were more {names} than that: those that are due first were looked at (--limit)."
        )
    if not thorough:
        console.print("The history was not looked at (--thorough).")
    if diagnosis.is_well:
        console.print("[bold]Nothing was found.[/bold]")
        return
    worst = {
        severity: sum(one.severity is severity for one in diagnosis.findings)
        for severity in reversed(Severity)
    }
    told = ", ".join(f"{count:,} {severity}" for severity, count in worst.items() if count)
    console.print(f"[bold]Found: {told}.[/bold]")


def _show_finding(console: Console, one: Finding) -> None:
    style = _STYLES[one.severity]
    name = " ".join(part for part in (one.entity.value if one.entity else "", one.record_id) if part)
    since = f", since {one.since_at:%Y-%m-%d %H:%M:%S} UTC" if one.since_at is not None else ""
    others = f" ({', '.join(one.others)})" if one.others else ""
    console.print(
        f"[{style}]{one.severity.value}[/{style}] {one.kind.value}: {escape(name)}{since}", soft_wrap=True
    )
    console.print(f"    {escape(one.what)}{escape(others)}", soft_wrap=True)
    verb = f" [{one.verb}]" if one.verb is not None else ""
    caution = "" if one.is_safe else " First find out what is true."
    console.print(f"    {escape(one.remedy + verb)}.{caution}", soft_wrap=True)
