"""`callbackq check`, `callbackq settings-schema` and `callbackq preset`: what they show, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq.cli.app import app
from callbackq.policy.presetting import preset_names, preset_text, preset_title
from callbackq.settings import json_schema

if TYPE_CHECKING:
    from click.testing import Result

GOOD = """
[defaults]
preset = "s2"
company = "Acme"
company_number = "+1 212 555 0123"

[queue.support]
ring_time = "30 s"
slots.seats.agents = 10
numbers.blocked = ["+12125550123"]
hours = { zone = "America/New_York", week = { weekdays = ["09:00-17:00"] } }

[tenant.acme.queue.support]
attempts_max = 1

[tenant.bolt]
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_without_mistakes_is_told_in_words(tmp_path: Path) -> None:
    """Each queue, what differs from the defaults, what the host must do, and each tenant that differs."""
    result = invoke("check", written(tmp_path, GOOD))
    assert (result.exit_code, result.stderr) == (0, "")
    said = " ".join(result.stdout.split())
    for part in (
        "queue.support about what it means",
        "open Monday to Friday 09:00-17:00, in America/New_York.",
        'ring_time "30 s" "45 s"',
        'company_number "+1…23" false',
        'numbers.blocked ["+1…23"] []',
        "note: verify: The service needs a CodeSender (codes=...) for one-time codes.",
        "tenant.acme.queue.support",
    ):
        assert part in said
    assert "tenant.bolt" not in said
    assert "5550123" not in said


def test_a_queue_without_settings_is_as_by_default(tmp_path: Path) -> None:
    assert "All is as it is by default." in invoke("check", written(tmp_path, "[queue.a]")).stdout


def test_contradictions_end_with_code_1(tmp_path: Path) -> None:
    """Each on stderr, with its key; the rest is shown all the same."""
    path = written(tmp_path, "[queue.a]\nring_on_max = '18 s'\n[tenant.x.queue.a]\nkeys.3 = 'schedule'\n")
    result = invoke("check", path)
    assert result.exit_code == 1
    mode = "It counts in mode 'simultaneous' only; the mode is 'agent_first'."
    assert result.stderr.splitlines() == [
        f"{path}: queue.a.ring_on_max: {mode}",
        f"{path}: tenant.x.queue.a.keys: Key '3' asks for a chosen time, and the queue has no slots.",
        f"{path}: tenant.x.queue.a.ring_on_max: {mode}",
    ]
    assert "queue.a" in result.stdout


def test_mistakes_end_with_code_2(tmp_path: Path) -> None:
    """All of them on stderr, one on a line."""
    path = written(tmp_path, "[queue.a]\nring_time = '5 s'\n\nmod = 1\n")
    result = invoke("check", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"{path}:2: queue.a.ring_time is '5 s'; allowed: 15 s to 5 min",
        f"{path}:4: queue.a.mod is no setting; allowed: settings of QueuePolicy; did you mean 'mode'?",
    ]


def as_json(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = invoke(*arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_as_json(tmp_path: Path) -> None:
    """Queues with words, differences and remarks; of a file with mistakes, those."""
    path = written(tmp_path, GOOD)
    code, found = as_json("check", path)
    assert (code, found["file"], found["valid"], found["problems"]) == (0, str(path), True, [])
    support, acme = found["queues"]
    assert (support["tenant"], acme["tenant"], acme["queue"]) == (None, "acme", "support")
    assert {"key": "ring_time", "value": "30 s", "default": "45 s"} in support["differences"]
    assert {"key": "numbers.blocked", "value": ["+1…23"], "default": []} in support["differences"]
    assert support["words"]["open"].startswith("Monday to Friday")
    assert {one["weight"] for one in support["remarks"]} == {"note"}
    code, found = as_json("check", written(tmp_path, "[queue.a]\noffer_ratio = nan\nkeys = [1]\nretry = 1"))
    assert (code, found["valid"], found["queues"]) == (2, False, [])
    assert [(one["line"], one["key"], one["value"], one["suggestion"]) for one in found["problems"]] == [
        (2, "queue.a.offer_ratio", "nan", None),
        (3, "queue.a.keys", "a list", None),
        (4, "queue.a.retry", "no setting", "retry_rules"),
    ]


def test_dates_and_inline_tables_are_shown_as_json(tmp_path: Path) -> None:
    text = "[queue.a]\nhours = { zone = 'UTC', week.monday = ['09:00-17:00'], holidays = [2099-01-01] }\n"
    code, found = as_json(
        "check", written(tmp_path, text + "limits.per_number = [{ most = 1, period = '1 h' }]")
    )
    values = {one["key"]: one["value"] for one in found["queues"][0]["differences"]}
    assert code == 0
    assert values["hours.holidays"] == ["2099-01-01"]
    assert values["limits.per_number"] == [{"most": 1, "period": "1 h"}]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    result = invoke("check", tmp_path / "no.toml")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "cannot be read: No such file or directory." in result.stderr


def test_the_schema_is_printed() -> None:
    assert json.loads(invoke("settings-schema").stdout) == json_schema()


def test_presets_are_listed_and_printed() -> None:
    """As their files have them."""
    listed = invoke("preset").stdout
    assert all(f"{name} " in listed and preset_title(name) in listed for name in preset_names())
    assert invoke("preset", "s2").stdout == preset_text("s2")
    unknown = invoke("preset", "s3")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "'s3' is no preset; there are: contaqt, genesys," in unknown.stderr


@pytest.mark.parametrize("command", ["check", "settings-schema", "preset"])
def test_help_says_what_it_is_for(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
