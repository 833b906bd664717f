"""How the documentation is built. Nothing here needs a network."""

from __future__ import annotations

import enum
import re
import sys
from datetime import timedelta
from importlib.metadata import version as version_of

import attrs
from sphinx.application import Sphinx

project = "callbackq"
author = "The callbackq authors"
copyright = "The callbackq authors"
version = release = version_of("callbackq")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

# Code blocks are run by pytest, not by Sphinx.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

add_module_names = False
default_role = "code"  # In docstrings, one backtick on each side is code.
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": True, "undoc-members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# A reference that leads nowhere fails the build, unless it leads out of the project:
# the other projects' inventories would have to be downloaded.
nitpicky = True
_others = {*sys.stdlib_module_names, "attr", "attrs", "dateutil", "hypothesis", "phonenumbers", "pytest"}
_others |= {
    "aiohttp",
    "opentelemetry",
    "prometheus_client",
    "psycopg",
    "rich",
    "sortedcontainers",
    "twilio",
    "typer",
}
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(sorted(map(re.escape, _others)))})(\..*)?"),
    # Type variables, and private names that stand in a signature.
    (r"py:(class|obj)", r"(.*\.)?([A-Z]|[A-Z]\w*T(_co)?|Owner)"),
    (r"py:(class|obj)", r"(.*\.)?_\w+"),
    # What a store's own transaction is called is no promise: it is a `ports.Transaction`.
    (r"py:class", r"callbackq\.stores\.\w+\.\w+Transaction"),
    # So for what it listens with, a `ports.Listening`; and what it keeps of the sets of skills is its own affair.
    (r"py:class", r"callbackq\.stores\.\w+\.Listening|LaneCache"),
    # How a policy keeps its mappings is no promise: it is a `Mapping`.
    (r"py:class", r"callbackq\.policy\.checks\.Frozen"),
    # What figures are counted in is no promise either; what comes of it is in `callbackq.model.figures`.
    (r"py:class", r"callbackq\.core\.metrics\.(cells\.Cells?|counts\.Counts|working\.Worked)"),
    # How an adapter is made inside is no promise.
    (r"py:class", r"callbackq\.adapters\.(asterisk\.ami_framing|twilio\.(hearing|lines))\.\w+"),
    # So is what is behind the doubles.
    (
        r"py:class",
        r"(callbackq\.testing\.doubles\.(ami_queue|twilio_calls)\.)?(Channel|DoubleRoom)|ET\.Element",
    ),
    # Of other libraries, where a signature has its bare name.
    (r"py:class", r"timedelta|Metric"),
    # Several attributes in one line of a docstring are taken for types.
    (r"py:class", r"clock|service|telephony|messenger"),
]

html_theme = "furo"
html_title = f"callbackq {release}"


def setup(app: Sphinx) -> None:
    """Put right what no setting can."""
    # Before napoleon, which takes what stands before a colon for a type, unless the line ends there.
    app.connect("autodoc-process-docstring", _no_type_in_docstring, priority=400)
    app.connect("autodoc-process-signature", _defaults_of_attrs)


def _no_type_in_docstring(
    _app: Sphinx, what: str, _name: str, _it: object, _options: object, lines: list[str]
) -> None:
    if what in {"attribute", "data", "property"} and lines and ": " in lines[0]:
        lines[:1] = lines[0].replace(": ", ":\n").split("\n")
    for number, line in enumerate(lines[:-1]):
        if line.strip() == "Returns:":
            said = lines[number + 1]
            lines[number + 1] = f"{said[: -len(said.lstrip())]}: {said.lstrip()}"


def _defaults_of_attrs(
    _app: Sphinx,
    _what: str,
    _name: str,
    it: type,
    _options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None] | None:
    """Show the default of a field, where attrs leaves a look into a dictionary of its own."""
    if signature is None or "attr_dict[" not in signature:
        return None
    return re.sub(r"attr_dict\['(\w+)'\]\.default", lambda found: _default(it, found[1]), signature), returns


def _default(it: type, field: str) -> str:
    value = attrs.fields_dict(it)[field].default
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, tuple) and any(isinstance(each, enum.Enum) for each in value):
        return "..."
    return repr(value) if isinstance(value, int | float | str | tuple | None) else "..."


def _duration(value: timedelta) -> str:
    for unit, seconds in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)):
        number = value / timedelta(seconds=seconds)
        if number and number.is_integer():
            return f"timedelta({unit}={number:g})"
    return "timedelta(0)"
