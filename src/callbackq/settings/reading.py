"""From the layers of a settings file to policies: presets, defaults, queues, and the same of each tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

import attrs

from callbackq.core.instants import TEXT_MAX, check_text
from callbackq.errors import InvalidText, SettingsInvalid
from callbackq.model.figures import HostFigures
from callbackq.policy import Caps, Limit, QueuePolicy
from callbackq.policy.forms import WRONG, Form, ListForm, Node, Place, Problems
from callbackq.policy.forms.nodes import Said, nearest
from callbackq.policy.presetting import preset_names, preset_node, preset_part
from callbackq.settings.files import read_file, read_text
from callbackq.settings.model import RunnerSettings, Settings, TenantSettings
from callbackq.settings.special import forms, policy_form

PRESET: Final = "preset"
_TENANT_TABLES: Final = ("defaults", "queue", "caps", "limits", "figures")
_TABLES: Final = (*_TENANT_TABLES, "runner", "tenant")
_QUEUES: Final = "queues"


def read_settings(path: str | Path) -> Settings:
    """
    Return the settings of a file.

    Raises:
        SettingsInvalid: the file holds mistakes. It names all of them, each with file, line, key, value and what is
            allowed.
        OSError: it cannot be read.

    Cost: milliseconds; 20 ms more for the first policy of a process.
    """
    problems = Problems()
    node = read_file(Path(path), problems)
    return _settings(node, problems, file=str(path))


def settings_of(text: str, *, file: str = "settings") -> Settings:
    r"""
    Return the settings of a text, as `read_settings` does of a file.

    Args:
        file: what errors call it.

    Raises:
        SettingsInvalid: it holds mistakes.

    >>> settings_of('[queue.support]\nring_time = "30 s"').policies[0].ring_time
    datetime.timedelta(seconds=30)
    >>> settings_of('[queue.support]\nring_tme = "30 s"')
    Traceback (most recent call last):
    ...
    callbackq.errors.SettingsInvalid: settings: 1 mistake
    settings:2: queue.support.ring_tme is no setting; allowed: settings of QueuePolicy; did you mean 'ring_time'?
    """
    problems = Problems()
    return _settings(read_text(text, file=file, problems=problems), problems, file=file)


def single_forms() -> Mapping[str, Form]:
    """Return how the tables are written that stand for themselves, by their names."""
    found = forms()
    return {
        "caps": found.record(Caps),
        "limits": ListForm(found.record(Limit)),
        "figures": found.record(HostFigures),
        "runner": found.record(RunnerSettings),
    }


@attrs.frozen
class _Layer:
    """The tables of a file, or of one tenant in it."""

    tables: Mapping[str, Node]

    def table(self, name: str) -> Mapping[str, Node]:
        """Return one of them; empty, where it is none."""
        node = self.tables.get(name)
        return (node.table or {}) if node is not None else {}

    def one(self, name: str) -> Iterator[Node]:
        """Give one of them, if it is there."""
        if name in self.tables:
            yield self.tables[name]


def _settings(node: Node | None, problems: Problems, *, file: str) -> Settings:
    if node is None or node.table is None:
        raise SettingsInvalid(problems.found())
    base = _Layer(node.table)
    _check_tables(node, _TABLES, problems)
    tenants = {name: _tenant_layer(name, each, problems) for name, each in base.table("tenant").items()}
    if not base.table("queue") and not any(layer.table("queue") for layer in tenants.values()):
        problems.add(Place(file, None, ("queue",)), Said("missing"), "a table for each queue: [queue.NAME]")
    whole = _of([base], problems)
    found = {name: _of([base, layer], problems) for name, layer in tenants.items() if layer.tables}
    runner = _one("runner", [base], problems)
    if problems:
        raise SettingsInvalid(problems.found())
    return Settings(
        **whole,
        runner=runner or RunnerSettings(),
        tenants={name: TenantSettings(**found.get(name, whole)) for name in tenants},
    )


def _tenant_layer(name: str, node: Node, problems: Problems) -> _Layer:
    try:
        check_text(name, "tenant_id")
    except InvalidText:
        problems.add(node.place, name, f"the id of a tenant: 1 to {TEXT_MAX} characters that can be printed")
    _check_tables(node, (*_TENANT_TABLES, _QUEUES), problems)
    return _Layer(node.table or {})


def _check_tables(node: Node, names: Sequence[str], problems: Problems) -> None:
    """Note what is no table, and what is unknown."""
    if node.table is None:
        problems.add(node.place, node.value, f"a table of {', '.join(names)}")
        return
    for key, child in node.table.items():
        if key not in names:
            problems.add(
                child.place, Said("no setting"), f"any of: {', '.join(names)}", suggestion=nearest(key, names)
            )
        elif key in {"queue", "tenant"}:
            for each in [child] if child.table is None else child.table.values():
                if each.table is None:
                    problems.add(each.place, each.value, f"a table, such as [{key}.NAME]")
        elif key == "defaults" and child.table is None:
            problems.add(child.place, child.value, "a table")


def _of(layers: Sequence[_Layer], problems: Problems) -> dict[str, Any]:
    """Return the arguments of `TenantSettings` from the layers, the later one over the earlier one."""
    found: dict[str, Any] = {"policies": tuple(_policies(layers, problems))}
    for name in ("caps", "limits", "figures"):
        value = _one(name, layers, problems)
        if value is not None:
            found[name] = value
    return found


def _one(name: str, layers: Sequence[_Layer], problems: Problems) -> Any:
    form = single_forms()[name]
    nodes = [node for layer in layers for node in layer.one(name)]
    if name == "figures":
        nodes = _on_preset(nodes, name, problems)
    if not nodes:
        return None
    value = form.read(reduce(form.merge, nodes), None, problems)
    return None if value is WRONG else value


def _policies(layers: Sequence[_Layer], problems: Problems) -> Iterator[QueuePolicy]:
    form = policy_form()
    for name in _queue_names(layers, problems):
        tables = [node for layer in layers for node in _queue_tables(layer, name)]
        nodes = _on_preset(tables, "queue", problems)
        value = form.read(reduce(form.merge, nodes), None, problems, fixed={"queue": name})
        if value is not WRONG:
            yield value


def _queue_names(layers: Sequence[_Layer], problems: Problems) -> list[str]:
    """Return the names of the queues of all layers; of a tenant that lists its own, those."""
    tables = [each for layer in layers for each in layer.table("queue").items()]
    known = list(dict.fromkeys(name for name, node in tables if node.table is not None))
    for node in layers[-1].one(_QUEUES):
        names = [each.value for each in node.items or []]
        if node.items is None or not node.items:
            problems.add(node.place, node.value, "a list of the names of queues")
        for each in node.items or []:
            if each.value not in known:
                meant = nearest(each.value, known) if isinstance(each.value, str) else None
                problems.add(each.place, each.value, f"any of: {', '.join(known)}", suggestion=meant)
        return [name for name in known if name in names]
    return known


def _queue_tables(layer: _Layer, name: str) -> Iterator[Node]:
    """Give what is said of a queue, the more special after the more general."""
    for node in (*layer.one("defaults"), *([queue] if (queue := layer.table("queue").get(name)) else [])):
        if node.table is not None:
            yield node


def _on_preset(nodes: Sequence[Node], part: str, problems: Problems) -> list[Node]:
    """Return the tables on top of the preset that the last of them names; one preset, never two."""
    found: list[Node] = []
    below: list[Node] = []
    for node in nodes:
        table = dict(node.table or {})
        named = table.pop(PRESET, None)
        if named is not None:
            below = _preset(named, part, problems)
        found.append(Node(table, node.place) if node.table is not None else node)
    return below + found


def _preset(named: Node, part: str, problems: Problems) -> list[Node]:
    names = [name for name in preset_names() if part in (preset_node(name).table or {})]
    if named.value in names:
        return [preset_part(str(named.value), part)]
    meant = nearest(named.value, names) if isinstance(named.value, str) else None
    problems.add(named.place, named.value, f"any of: {', '.join(names)}", suggestion=meant)
    return []
