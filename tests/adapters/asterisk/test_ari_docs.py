"""The how-to shows the files of the examples, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbackq import Prompt

HOME = Path(__file__).resolve().parents[3]
PAGE = (HOME / "docs" / "how-to" / "asterisk.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["http", "ari", "queues", "extensions", "pjsip"])
def test_the_page_shows_the_file(name: str) -> None:
    text = (HOME / "examples" / "asterisk" / f"{name}.conf").read_text(encoding="utf-8").strip()
    assert f"```ini\n{text}\n```" in PAGE


def test_the_page_shows_the_host() -> None:
    text = (HOME / "examples" / "asterisk_host.py").read_text(encoding="utf-8")
    host = text[text.index("class Host:") : text.index("async def serve")].strip()
    assert f"\n{host}\n" in PAGE


@pytest.mark.parametrize("prompt", [prompt.value for prompt in Prompt])
def test_the_page_makes_a_sound_of_every_prompt(prompt: str) -> None:
    assert f"\nsay {prompt} " in PAGE
