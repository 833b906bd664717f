"""From settings to the text of a file that says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from callbackq.model.figures import HostFigures
from callbackq.policy import Caps, QueuePolicy
from callbackq.settings.model import Settings, TenantSettings
from callbackq.settings.reading import single_forms
from callbackq.settings.special import policy_form

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LINE_MAX: Final = 100
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_toml(settings: Settings | QueuePolicy, *, whole: bool = False) -> str:
    """
    Return the text of a file that says the same as *settings*; of a policy, a file with this one queue.

    Texts and calling rules of your own stand in it as they are, not as the files that they may have come from. A value
    is never left out because a preset says it: there is no preset in the text.

    Args:
        whole: say everything; else only what differs from the defaults.

    >>> from datetime import timedelta
    >>> print(to_toml(QueuePolicy(queue="support", ring_time=timedelta(seconds=30), verify=None)), end="")
    [queue.support]
    ring_time = "30 s"
    """
    if isinstance(settings, QueuePolicy):
        settings = Settings(policies=(settings,))
    data = _tables(settings, whole=whole)
    runner = single_forms()["runner"].write(settings.runner, None, whole=whole)
    if runner:
        data["runner"] = runner
    if settings.tenants:
        data["tenant"] = {
            tenant_id: _tenant(settings, held, whole=whole) for tenant_id, held in settings.tenants.items()
        }
    return toml_text(data)


def policy_data(policy: QueuePolicy, *, whole: bool = False) -> dict[str, Any]:
    """Return what a file says of one queue, as `tomllib` would read it."""
    found: dict[str, Any] = policy_form().write(policy, None, whole=whole)
    return found


def _tables(settings: TenantSettings, *, whole: bool) -> dict[str, Any]:
    single = single_forms()
    data: dict[str, Any] = {}
    if whole or settings.caps != Caps():
        data["caps"] = single["caps"].write(settings.caps, None, whole=whole)
    if settings.limits:
        data["limits"] = single["limits"].write(settings.limits, None, whole=whole)
    if settings.figures != HostFigures():
        data["figures"] = single["figures"].write(settings.figures, None, whole=False)
    data["queue"] = {str(policy.queue): policy_data(policy, whole=whole) for policy in settings.policies}
    return data


def _tenant(settings: Settings, held: TenantSettings, *, whole: bool) -> dict[str, Any]:
    """Return what differs between a tenant and all others."""
    single, base = single_forms(), {policy.queue: policy for policy in settings.policies}
    data: dict[str, Any] = {}
    if tuple(policy.queue for policy in held.policies) != tuple(base):
        data["queues"] = [str(policy.queue) for policy in held.policies]
    for name in ("caps", "limits", "figures"):
        own = getattr(held, name)
        if own != getattr(settings, name):
            data[name] = single[name].write(own, getattr(settings, name), whole=whole)
    queues = {
        str(policy.queue): policy_form().write(policy, base.get(policy.queue), whole=whole)
        for policy in held.policies
        if policy != base.get(policy.queue)
    }
    return data | ({"queue": queues} if queues else {})


# ---------------------------------------------------------------------------- TOML


def toml_text(data: Mapping[str, Any]) -> str:
    """
    Write plain data as TOML: values first, then a table for each mapping.

    >>> print(toml_text({"a": {"b": 1, "c": {"d e": ["x", {"y": False}]}}}), end="")
    [a]
    b = 1
    <BLANKLINE>
    [a.c]
    "d e" = ["x", { y = false }]
    """
    return "\n\n".join(_sections(data, ())) + "\n"


def _sections(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    single = [f"{_key(key)} = {_value(value)}" for key, value in data.items() if not isinstance(value, dict)]
    tables: dict[str, dict[str, Any]] = {key: value for key, value in data.items() if isinstance(value, dict)}
    if path and (single or not tables):
        yield "\n".join([f"[{'.'.join(map(_key, path))}]", *single])
    elif single:
        yield "\n".join(single)
    for key, value in tables.items():
        yield from _sections(value, (*path, key))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return _list(items)
    if isinstance(value, dict):
        table: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        pairs = [f"{_key(key)} = {_value(each)}" for key, each in table.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return repr(value)


def _list(items: list[Any]) -> str:
    said = [_value(each) for each in items]
    line = f"[{', '.join(said)}]"
    if len(line) <= _LINE_MAX:
        return line
    return "[\n" + "".join(f"    {each},\n" for each in said) + "]"
