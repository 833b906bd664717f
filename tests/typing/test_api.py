"""The public API type-checks as a host uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import callbackq

API = Path(__file__).with_name("api.py")
HOME = Path(__file__).resolve().parents[2]
SOURCES = Path(callbackq.__file__).resolve().parents[1]

pytest.importorskip("mypy", reason="types are checked where mypy is installed")


def check(program: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy as a host's own check would: strictly, on the host's file only."""
    options = ["--strict", "--follow-imports=silent", "--no-error-summary", f"--cache-dir={cache}"]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(program)],
        cwd=HOME,
        env={**os.environ, "MYPYPATH": str(SOURCES), "MYPY_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_public_api_is_typed_as_hosts_use_it(tmp_path: Path) -> None:
    """Right uses are accepted, with exact types; wrong ones are refused; and a change of either is found."""
    cache = tmp_path / "cache"
    done = check(API, cache)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    accepted = tmp_path / "accepted.py"
    accepted.write_text(
        API.read_text(encoding="utf-8").replace("  # type: ignore[", "  # not: ["), encoding="utf-8"
    )
    refused = check(accepted, cache)
    assert refused.returncode == 1
    assert refused.stdout.count(": error: ") >= API.read_text(encoding="utf-8").count("# type: ignore[")
