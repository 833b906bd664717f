"""
The schema of the stores in SQL as numbered files, and which of them a database still needs.

The files are `schema/<dialect>/NNNN_name.sql`. A new database runs all of them in order, an older one those that it has
not run: forward only, and never a file twice. A comment in each says what kind it is:

* `-- migration: additive`: new tables, columns that may be null or have a default, indexes, views, comments. Nodes of
  an older release go on beside newer ones, for every statement lists its columns by name: they neither see nor harm
  what was added.
* `-- migration: breaking`: no release that does not know this version may read or write any longer. Breaking is done
  in two steps: a first release reads both shapes, and writes the old one; when no older node is up, a second one
  breaks. It is refused while a node of an older release is up.
* `-- migration: outside a transaction` (PostgreSQL only): each statement runs by itself, before the transaction of its
  version and so before what that one makes. Each must be harmless when it is run twice. For a new database it runs
  with the others, and CONCURRENTLY is left out.

Two rows of `callbackq_meta` hold the result: `schema_version`, and `compatible_from`, the lowest version whose releases
may still use the database. An older release opens a newer database if that says so.

Here is only what both stores share: no statement is run here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Final, Literal, TypeAlias

import attrs

from callbackq.errors import SchemaMismatch

SCHEMA_VERSION: Final = 8
"""The newest version of the schema that this release knows; those of SQLite and PostgreSQL are counted together."""

_NODES_SINCE: Final = 7

Dialect: TypeAlias = Literal["sqlite", "postgres"]

_FILE: Final = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql")
_KIND: Final = re.compile(r"^-- migration: (additive|breaking|outside a transaction)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Script:
    """One numbered file."""

    version: int
    name: str
    text: str
    kind: Literal["additive", "breaking", "outside a transaction"]

    def statements(self) -> tuple[str, ...]:
        """Return the statements of a script that runs outside a transaction. Each ends with a line."""
        bare = _COMMENT.sub("", self.text)
        return tuple(part.strip() for part in re.split(r";\s*$", bare, flags=re.MULTILINE) if part.strip())

    def text_for_new_tables(self) -> str:
        """Return the text as it can be run in the transaction that makes the first tables."""
        return self.text.replace(" CONCURRENTLY", "") if self.kind == "outside a transaction" else self.text


@attrs.frozen(kw_only=True)
class Step:
    """What is done together: first the statements outside a transaction, then all other scripts and the version."""

    version: int
    """The version of the schema after it."""
    compatible_from: int
    outside: tuple[Script, ...]
    scripts: tuple[Script, ...]


@attrs.frozen(kw_only=True)
class Plan:
    """What a database needs."""

    found: int | None
    """The version that it has; None if it has no tables."""
    steps: tuple[Step, ...]
    """In their order; none if nothing is to be done."""

    @property
    def is_new(self) -> bool:
        """Whether there are no tables yet."""
        return self.found is None

    @property
    def version(self) -> int:
        """The version that it has in the end."""
        return self.steps[-1].version if self.steps else (self.found or 0)

    @property
    def scripts(self) -> tuple[Script, ...]:
        """Every file that is run, in order."""
        return tuple(script for step in self.steps for script in (*step.outside, *step.scripts))

    @property
    def breaks(self) -> int | None:
        """The version before which no release may go on, if it breaks with one that might be in use."""
        broken = [script.version for script in self.scripts if script.kind == "breaking"]
        return max(broken) if broken and not self.is_new else None

    @property
    def breaks_with_nodes(self) -> int | None:
        """The same, where the tables say which nodes are up."""
        return self.breaks if (self.found or 0) >= _NODES_SINCE else None


def read_script(name: str, text: str) -> Script:
    """
    Read a numbered file.

    Raises:
        ValueError: its name has no number, or its text does not say what kind it is.
    """
    named, kinds = _FILE.fullmatch(name), _KIND.findall(text)
    if named is None or len(kinds) != 1:
        msg = f"{name}: wanted a name such as 0007_nodes.sql, and one line that says what kind it is"
        raise ValueError(msg)
    return Script(version=int(named["version"]), name=name, text=text, kind=kinds[0])


@functools.cache
def known_scripts(dialect: Dialect) -> tuple[Script, ...]:
    """Return the files of this release, in order. Those of one number are in the order of their names."""
    folder = resources.files("callbackq.stores").joinpath("schema", dialect)
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    return tuple(read_script(file.name, file.read_text(encoding="utf-8")) for file in files)


def plan(meta: Mapping[str, str] | None, known: Sequence[Script], *, where: str) -> Plan:
    """
    Return what a database needs until it has all that *known* names.

    Args:
        meta: the rows of `callbackq_meta`, or None where there are no tables.
        known: the files of this release.
        where: the database, as a message may show it.

    Raises:
        SchemaMismatch: it is older than the oldest file, or newer than the newest and does not say that this release
            may use it.
    """
    newest, oldest = known[-1].version, known[0].version
    if meta is None:
        return Plan(found=None, steps=(_all_at_once(known),))
    found = _number(meta.get("schema_version"))
    compatible_from = _number(meta.get("compatible_from"), default=found)
    if found is None or compatible_from is None or found < oldest or compatible_from > newest:
        shown = meta.get("schema_version")
        raise SchemaMismatch(
            f"{where} holds schema version {shown} of callbackq, usable from version {compatible_from or shown} on;"
            f" this release reads version {newest}, and migrates from {oldest} on"
        )
    pending = [script for script in known if script.version > found]
    return Plan(found=found, steps=_steps(pending, compatible_from))


def _all_at_once(known: Sequence[Script]) -> Step:
    """Return the step that makes all tables: there is nobody to be kept waiting."""
    broken = [script.version for script in known if script.kind == "breaking"]
    return Step(version=known[-1].version, compatible_from=max(broken), outside=(), scripts=tuple(known))


def _steps(pending: Sequence[Script], compatible_from: int) -> tuple[Step, ...]:
    """Put versions together into as few transactions as can be."""
    steps: list[Step] = []
    for version in sorted({script.version for script in pending}):
        own = [script for script in pending if script.version == version]
        outside = tuple(script for script in own if script.kind == "outside a transaction")
        scripts = tuple(script for script in own if script.kind != "outside a transaction")
        if any(script.kind == "breaking" for script in own):
            compatible_from = version
        before = None if outside or not steps else steps.pop()
        steps.append(
            Step(
                version=version,
                compatible_from=compatible_from,
                outside=before.outside if before else outside,
                scripts=(*before.scripts, *scripts) if before else scripts,
            )
        )
    return tuple(steps)


def _number(text: str | None, *, default: int | None = None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else default


def rows_of_meta(step: Step) -> tuple[tuple[str, str], ...]:
    """Return what `callbackq_meta` says after a step."""
    return ("schema_version", str(step.version)), ("compatible_from", str(step.compatible_from))


def to_be_migrated(wanted: Plan, *, where: str, command: str) -> SchemaMismatch:
    """Return the error for a store that may not change tables, and needs to."""
    has = "has no tables of callbackq" if wanted.is_new else f"holds schema version {wanted.found}"
    command = f"{command} --create" if wanted.is_new else command
    return SchemaMismatch(
        f"{where} {has}, and may not be changed here: run `{command}` first, as a role that may"
    )


def in_the_way(older: Collection[tuple[str, int]], broken: int, *, where: str) -> SchemaMismatch:
    """
    Return the error for a breaking migration while older nodes are up.

    Args:
        older: names and schema versions of these nodes.
        broken: the version that breaks.
        where: the database, as a message may show it.
    """
    shown = ", ".join(f"{name} ({version})" for name, version in sorted(older))
    return SchemaMismatch(
        f"{where}: schema version {broken} ends the use by older releases, and these nodes are up with older ones:"
        f" {shown}. Stop them, or upgrade them first to the release before"
    )
