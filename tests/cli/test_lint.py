"""`callbackq lint-texts`: what it shows of the built-in texts and of one's own, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from callbackq.cli.app import app
from callbackq.policy.catalogue import BUILT_IN
from callbackq.policy.templates import TEMPLATES

if TYPE_CHECKING:
    from click.testing import Result


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["lint-texts", *map(str, arguments)])


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_texts_are_well() -> None:
    result = invoke()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "No text advertises a word that carriers act on." in result.stdout
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith(BUILT_IN)]
    assert len(rows) == len(BUILT_IN) * len(TEMPLATES)
    assert all(row[2] == "gsm-7" and 1 <= int(row[4]) <= 3 for row in rows)


def test_the_handbook_s_wording_is_not() -> None:
    result = invoke("--wording", "s2")
    assert result.exit_code == 1
    assert "en: reminder: 'cancel' in capitals" in result.stderr.splitlines()
    assert f"Findings: {len(result.stderr.splitlines())}" in result.stdout


def test_a_file_with_findings(tmp_path: Path) -> None:
    """Template, word and reason are shown; the code is 1."""
    path = written(
        tmp_path, 'language = "pl"\n[texts]\nsurvey = "Jak? Reply stop."\nwhich = "Który? {callbacks}"\n'
    )
    result = invoke(path)
    assert result.exit_code == 1
    assert result.stderr == "pl: survey: 'stop' after 'Reply'\n"
    assert any(line.split() == ["pl", "survey", "gsm-7", "16", "1"] for line in result.stdout.splitlines())
    assert any(
        line.split()[1:3] == ["which", "ucs-2"] for line in result.stdout.splitlines() if "which" in line
    )


def test_as_json(tmp_path: Path) -> None:
    path = written(tmp_path, 'language = "pl"\n[texts]\nsurvey = "STOP?"\n')
    result = invoke(path, "--json")
    assert json.loads(result.stdout) == {
        "wording": "digits",
        "texts": [{"language": "pl", "template": "survey", "encoding": "gsm-7", "units": 5, "segments": 1}],
        "findings": [{"language": "pl", "template": "survey", "word": "stop", "why": "in capitals"}],
    }
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "holds no texts: mine.toml is "),
        ('language = "pl"\n[texts]\nsurvey = "{x}?"', "mine.toml: pl: texts.survey is unknown {x}; allowed:"),
        (None, "cannot be read: No such file or directory."),
    ],
)  # fmt: skip
def test_a_file_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    """One sentence, and code 2."""
    path = tmp_path / "mine.toml" if text is None else written(tmp_path, text)
    result = invoke(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path} ")
    assert said in result.stderr
