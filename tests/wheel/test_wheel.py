"""What must hold of an installed callbackq. Runs against the wheel too, where the sources cannot be seen."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import pkgutil
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

import callbackq

_OF_ARI = ("ari", "ari_callers", "ari_client", "ari_events", "ari_hands", "ari_telephony")

NEEDS = {
    **{f"callbackq.adapters.asterisk.{name}": ("aiohttp", "asterisk") for name in _OF_ARI},
    "callbackq.adapters.twilio": ("requests", "twilio"),
    "callbackq.testing.doubles.ari": ("aiohttp", "asterisk"),
    "callbackq.adapters.telemetry.metrics": ("opentelemetry", "otel"),
    "callbackq.adapters.telemetry.prometheus": ("prometheus_client", "prometheus"),
    "callbackq.adapters.telemetry.traces": ("opentelemetry", "otel"),
}
"""Modules, and packages with all in them, that are of no use without another package: its name, and the extra."""

MODULES = sorted(module.name for module in pkgutil.walk_packages(callbackq.__path__, "callbackq."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_every_module_can_be_imported(name: str) -> None:
    """Or says which extra it needs, where that is not installed."""
    needing = next((one for one in NEEDS if name == one or name.startswith(f"{one}.")), name)
    package, extra = NEEDS.get(needing, ("", ""))
    if package and find_spec(package) is None:
        with pytest.raises(ModuleNotFoundError, match=re.escape(f"callbackq[{extra}]")):
            importlib.import_module(needing)
    else:
        importlib.import_module(name)


@pytest.mark.parametrize("name", callbackq.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert hasattr(callbackq, name)


def test_types_are_shipped() -> None:
    assert importlib.resources.files("callbackq").joinpath("py.typed").is_file()


def test_the_calling_rules_are_packed() -> None:
    """Data that is missing would be missed on the first night."""
    keys = {rule.key for rule in callbackq.CallingPolicy().rules}
    assert {"default", "us", "us-fl", "gb", "fr"} <= keys


def test_the_schema_is_packed() -> None:
    """The numbered files of both dialects, up to the version of this release, and the scripts for a DBA."""
    from callbackq.stores.migrations import SCHEMA_VERSION, known_scripts

    for dialect in ("sqlite", "postgres"):
        assert known_scripts(dialect)[-1].version == SCHEMA_VERSION
    scripts = importlib.resources.files("callbackq.stores").joinpath("schema", "postgres", "maintenance")
    assert {file.name for file in scripts.iterdir()} >= {"autovacuum.sql", "history_partitions.sql"}


def test_the_core_needs_four_packages() -> None:
    required = importlib.metadata.requires("callbackq") or []
    always = [line for line in required if ";" not in line]
    names = {line.split(">")[0].split("<")[0].strip() for line in always}
    assert names == {"attrs", "phonenumbers", "python-dateutil", "sortedcontainers"}


def test_the_license_is_shipped() -> None:
    metadata = importlib.metadata.metadata("callbackq")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]


@pytest.mark.parametrize("package", ["typer", "rich", "pytest", "hypothesis", "phonenumbers"])
def test_importing_callbackq_leaves_alone(package: str) -> None:
    """Extras are not needed, and what is slow to import waits for its first use."""
    code = f"import callbackq, sys; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_and_the_plugin_are_declared() -> None:
    points = importlib.metadata.distribution("callbackq").entry_points
    assert {(point.group, point.name, point.value) for point in points} == {
        ("console_scripts", "callbackq", "callbackq.cli:main"),
        ("pytest11", "callbackq", "callbackq.pytest_plugin"),
    }


def test_the_plugin_is_loaded(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("callbackq")
