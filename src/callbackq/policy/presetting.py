"""
Presets: how products and handbooks treat callbacks, as files that can be read: `callbackq/policy/presets/*.toml`.

They are the one place for what a preset says: the constants of `retries`, `keys` and `limits` come from them as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from callbackq.errors import ConfigurationError
from callbackq.policy.forms import WRONG, Forms, Problems, node_of
from callbackq.policy.forms.nodes import Node

_SUFFIX = ".toml"


@cache
def preset_names() -> tuple[str, ...]:
    """
    Return the names of the presets.

    >>> preset_names()
    ('contaqt', 'genesys', 'glossary', 'mindful', 'portsip', 's2', 'talkdesk')
    """
    folder = files("callbackq.policy") / "presets"
    return tuple(
        sorted(each.name.removesuffix(_SUFFIX) for each in folder.iterdir() if each.name.endswith(_SUFFIX))
    )


def preset_text(name: str) -> str:
    """
    Return the file of a preset.

    Raises:
        LookupError: there is no preset of this name.
    """
    if name not in preset_names():
        raise LookupError(name)
    return (files("callbackq.policy") / "presets" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


@cache
def preset_node(name: str) -> Node:
    """
    Return what the file of a preset holds.

    Raises:
        LookupError: there is no preset of this name.
    """
    import tomllib

    return node_of(tomllib.loads(preset_text(name)), file=f"preset {name}", line_of=lambda _path: None)


def preset_title(name: str) -> str:
    """
    Return what a preset stands for, in words.

    >>> preset_title("mindful")
    'Mindful (Virtual Hold) on premise'
    """
    return str(preset_part(name, "about", "title").value)


def preset_part(name: str, *path: str) -> Node:
    """
    Return one table or value of a preset.

    Raises:
        LookupError: there is none.
    """
    node = preset_node(name)
    for key in path:
        node = (node.table or {})[key]
    return node


def read_preset(kind: Any, name: str, *path: str) -> Any:
    """
    Return one part of a preset as a value of a class.

    Raises:
        ConfigurationError: the file is damaged.
    """
    problems = Problems()
    value = Forms().of(kind).read(preset_part(name, *path), None, problems)
    if value is WRONG:
        raise ConfigurationError(f"preset {name}", str(problems.found()[0]), "the file as it was installed")
    return value


def read_preset_map(kind: Any, name: str, *path: str) -> Mapping[Any, Any]:
    """Return one table of a preset as a mapping. Raises: ConfigurationError."""
    found: Mapping[Any, Any] = read_preset(kind, name, *path)
    return found
