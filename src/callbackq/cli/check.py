"""`callbackq check`: what a settings file means, what in it contradicts itself, and every mistake with its line."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import typer

from callbackq.cli.common import new_table, page, print_json, refuse
from callbackq.errors import SettingsInvalid, SettingWrong
from callbackq.policy import QueuePolicy
from callbackq.policy.forms.nodes import Said, shown
from callbackq.policy.presetting import preset_names, preset_text, preset_title
from callbackq.settings import Settings, TenantSettings, read_settings
from callbackq.settings.advice import Remark, Weight, remarks
from callbackq.settings.schema import json_schema
from callbackq.settings.words import differences, policy_words
from callbackq.settings.writing import policy_data

_INVALID: Final = 2


@attrs.frozen
class _Found:
    """What is said of the queues of one tenant; None: of all that have no settings of their own."""

    tenant: str | None
    settings: TenantSettings
    remarks: tuple[Remark, ...]


def run(file: Path, *, as_json: bool) -> None:
    """Say what a file means. Ends with code 1 if it contradicts itself, with 2 if it holds mistakes or is none."""
    try:
        settings = read_settings(file)
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}.")
    except SettingsInvalid as error:
        _show_mistakes(error, file=file, as_json=as_json)
        raise typer.Exit(_INVALID) from error
    found = list(_found(settings, today=datetime.now(UTC).date()))
    if as_json:
        queues = [_queue_data(one, policy) for one in found for policy in one.settings.policies]
        print_json({"file": str(file), "valid": True, "problems": [], "queues": queues})
    else:
        _show(found)
    wrong = [
        (one, remark) for one in found for remark in one.remarks if remark.weight is Weight.CONTRADICTION
    ]
    for one, remark in wrong:
        sys.stderr.write(f"{file}: {_name(one, remark.queue)}.{remark.key}: {remark.words}\n")
    if wrong:
        raise typer.Exit(1)


def show_schema() -> None:
    """Print the JSON Schema of settings files."""
    print_json(json_schema())


def show_preset(name: str | None) -> None:
    """Print the file of a preset; of none, which there are."""
    if name is None:
        console = page()
        table = new_table(console)
        table.add_column("preset", no_wrap=True, min_width=max(map(len, preset_names())))
        table.add_column("what it stands for")
        for each in preset_names():
            table.add_row(each, preset_title(each))
        console.print(table)
        return
    if name not in preset_names():
        refuse(f"{name!r} is no preset; there are: {', '.join(preset_names())}.")
    typer.echo(preset_text(name), nl=False)


def _found(settings: Settings, *, today: date) -> Iterator[_Found]:
    yield _Found(None, settings, remarks(settings, today=today))
    for tenant_id, held in settings.tenants.items():
        own = tuple(policy for policy in held.policies if policy not in settings.policies)
        if own:
            said = remarks(attrs.evolve(held, policies=own), today=today)
            yield _Found(str(tenant_id), attrs.evolve(held, policies=own), said)


def _name(found: _Found, queue: str) -> str:
    return f"queue.{queue}" if found.tenant is None else f"tenant.{found.tenant}.queue.{queue}"


# ---------------------------------------------------------------------------- as data


def _queue_data(found: _Found, policy: QueuePolicy) -> dict[str, Any]:
    return {
        "tenant": found.tenant,
        "queue": str(policy.queue),
        "words": dict(policy_words(policy)),
        "differences": [
            {"key": key, "value": value, "default": default} for key, value, default in _differences(policy)
        ],
        "remarks": [
            {"weight": str(one.weight), "key": one.key, "words": one.words}
            for one in found.remarks
            if one.queue == policy.queue
        ],
    }


def _differences(policy: QueuePolicy) -> Iterator[tuple[str, Any, Any]]:
    """Give what differs from the defaults: key, value and default."""
    usual = dict(differences(policy_data(QueuePolicy(queue=policy.queue), whole=True)))
    for key, value in differences(policy_data(policy)):
        yield key, _plain(value), _plain(usual.get(key))


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value, with numbers of phones masked."""
    if isinstance(value, list):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int | float) or value is None:
        return value
    said = shown(value)
    return repr(said) if isinstance(said, Said) else said


def _problem_data(problem: SettingWrong) -> dict[str, Any]:
    value = problem.value
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.field,
        "value": repr(value) if isinstance(value, Said) else _plain(value),
        "allowed": problem.allowed,
        "suggestion": problem.suggestion,
    }


# ---------------------------------------------------------------------------- as people read it


def _show_mistakes(error: SettingsInvalid, *, file: Path, as_json: bool) -> None:
    if as_json:
        problems = [_problem_data(problem) for problem in error.problems]
        print_json({"file": str(file), "valid": False, "problems": problems, "queues": []})
    for problem in error.problems:
        sys.stderr.write(f"{problem}\n")


def _show(found: Sequence[_Found]) -> None:
    console = page()
    for one in found:
        for policy in one.settings.policies:
            console.print(f"\n[bold]{_name(one, str(policy.queue))}[/bold]", soft_wrap=True)
            table = new_table(console)
            for heading in ("about", "what it means"):
                table.add_column(heading)
            for topic, sentence in policy_words(policy):
                table.add_row(topic, sentence)
            console.print(table)
            _show_differences(policy)
            for remark in one.remarks:
                if remark.queue == policy.queue and remark.weight is Weight.NOTE:
                    console.print(f"  note: {remark.key}: {remark.words}", soft_wrap=True, markup=False)


def _show_differences(policy: QueuePolicy) -> None:
    console = page()
    rows = list(_differences(policy))
    if not rows:
        console.print("All is as it is by default.")
        return
    table = new_table(console)
    for heading in ("differs", "is", "default"):
        table.add_column(heading)
    for key, value, default in rows:
        table.add_row(key, _said(value), "" if default is None else _said(default))
    console.print(table, markup=False)


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
