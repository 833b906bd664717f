"""The example of a settings file is read, checked and served from, and says what its comments say."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from callbackq import FixedSeats, Limit, MemoryStore, SettingsInvalid, StaffedSeats
from callbackq.cli.app import app
from callbackq.runners.thread import ThreadRunner
from callbackq.settings import RunnerSettings, read_settings, settings_of, to_toml

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "settings.toml"


def test_the_example_says_what_its_comments_say() -> None:
    found = read_settings(EXAMPLE)
    support, premium = found.policies
    assert (support.mode, support.wrap_up, premium.served_first) == (
        "simultaneous",
        timedelta(seconds=20),
        10,
    )
    assert support.retry_rules["no_answer"].rest == timedelta(minutes=5)  # type: ignore[index]
    assert support.slots is not None
    assert premium.slots is not None
    assert (support.slots.seats, premium.slots.seats) == (StaffedSeats(agents=10), FixedSeats(seats=2))
    assert (found.figures.cost_of_abandon, found.figures.abandons_avoided_ratio) == (12.5, 0.4)
    assert found.limits == (Limit(1_000, timedelta(minutes=1)),)
    assert found.runner.idle_max == timedelta(milliseconds=500)


def test_the_example_serves_two_tenants() -> None:
    found, store = read_settings(EXAMPLE), MemoryStore()
    services = {tenant: found.service(store, tenant_id=tenant) for tenant in found.tenants}
    assert {tenant: list(service.policies) for tenant, service in services.items()} == {
        "acme": ["support", "premium"],
        "bolt": ["support"],
    }
    assert services["bolt"].policies["support"].company == "Bolt"


def test_the_example_passes_the_check() -> None:
    result = CliRunner().invoke(app, ["check", str(EXAMPLE)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "tenant.bolt.queue.support" in result.stdout


def test_a_runner_has_the_same_defaults_as_its_settings() -> None:
    """The settings of runners are those of their arguments that a file can say."""
    arguments = inspect.signature(ThreadRunner).parameters
    mine = RunnerSettings().arguments()
    assert {name: arguments[name].default for name in mine} == mine
    host = {"service", "telephony", "node_id", "notices", "messenger"}
    assert set(arguments) - host == set(mine)


LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
PIECES = (
    "false",
    "{}",
    "[[]]",
    "-1",
    "nan",
    "1e999",
    "'x'",
    "2026-01-01",
    "'P1D'",
    '"""',
    "]",
    "'+12125550123'",
    "\0",
)


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(PIECES)), min_size=1, max_size=3))
def test_no_change_of_the_example_does_harm(changes: list[tuple[int, str]]) -> None:
    """What is still settings is written and read as the same; all else is refused, and no number is shown."""
    lines = list(LINES)
    for number, piece in changes:
        key, is_value, _ = lines[number].partition("=")
        lines[number] = f"{key}= {piece}" if is_value else f"{lines[number]}{piece}"
    said = ""
    try:
        found = settings_of("\n".join(lines))
        assert settings_of(to_toml(found)) == found
    except SettingsInvalid as error:
        said = f"{error}"
    assert "5550123" not in said
