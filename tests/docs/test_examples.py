"""Every example runs as a script, ends by itself, and shows what its page or docstring says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))
LINES_MAX = 79
SHOWN = {
    "agi_request": ['SAY DIGITS 0199 ""', "STREAM FILE callbackq/promised", "CALLBACKQ_PROMISED YES"],
    "asterisk_host": ["promised, in the place of", "outcome: completed"],
    "asyncio_host": ["asked to Dial", "asked to Bridge", "outcome: completed", "asked to HangUp"],
    "booked_day": [
        "Kim wanted 10:00, which is full, and takes another",
        "10:00 AM EST, for them 7:00 AM PST: Eve",
        "Dan +1…04, completed",
        "5 of 5 were on time",
        "Liz +1…05, scheduled",
    ],
    "busy_hour": ["takes a callback, and hangs up", "is put through to", "callback: agent and customer talk"],
    "first_callback": ["promised: cb_000001 to +1…01", "outcome: completed"],
    "freeswitch_host": ["promised, in the place of 20", "outcome: completed"],
    "messages": [
        "callback is booked for 12:00 PM EST. We will call the number ending in 0101. Reply 9 to cancel",
        "1) 12:30 PM EST, 2) 1:00 PM EST, 3) 1:30 PM EST. Reply with the number of your choice",
        "[11:46] Bob writes: 3",
        "callback is booked for 1:30 PM EST",
        "Reminder of your Acme callback: 1:30 PM EST",
        "1 call at 13:30: completed",
        "Bob wants no messages since 21:00 UTC",
    ],
    "own_policy": ["unreached after 4 attempts", "ring_time is 0:00:05; allowed: 0:00:15 to 0:05:00"],
    "test_my_host": ["3 passed"],
    "web_form": [
        "We call you already. Do you want to merge, replace, allow?",
        "We do not call that number, but you can reach us by email or chat.",
        "Too many requests (per_source)",
        "of that number: waiting, replaced",
        "the history is whole: True",
    ],
    "webhook_receiver": ["sent: 2", "sent again: 2", "the CRM knows: ended cancelled"],
    "twilio_app": ["called: 0121, 0101", "outcome: completed", "We will call you when it is your turn"],
    "thread_host": ["dialing the agent", "dialing the customer", "outcome: completed"],
}


_OF_PHONE_SYSTEMS = ("CALLBACKQ_AMI_", "CALLBACKQ_ARI_", "CALLBACKQ_ESL_", "TWILIO_")


def run(path: Path, folder: Path) -> str:
    """Run an example where its own folder and no phone system can be seen, and return what it printed."""
    done = subprocess.run(
        [sys.executable, path],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(_OF_PHONE_SYSTEMS)},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_shows_something(path: Path, tmp_path: Path) -> None:
    """Exit code 0, nothing on the error channel, the expected lines, and nothing left behind."""
    printed = run(path, tmp_path)
    assert [text for text in SHOWN[path.stem] if text not in printed] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_says_what_it_shows(path: Path) -> None:
    """Less than eighty lines, with a docstring."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_MAX
    assert ast.get_docstring(ast.parse(text))


def test_tutorial_prints_what_the_example_prints(docs: Path, examples: Path, tmp_path: Path) -> None:
    """The output in the tutorial is the output of the example."""
    page = (docs / "tutorial" / "first-callback.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == run(examples / "first_callback.py", tmp_path)
