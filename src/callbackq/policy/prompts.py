"""The words of prompts, where a host wants others than the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Final

from callbackq.effects import Prompt
from callbackq.errors import ConfigurationError
from callbackq.policy.checks import Frozen, is_name

PROMPT_LENGTH_MAX: Final = 1_000
_NAMED: Final = ("company", "number", "agent", "name")


def own_prompts(prompts: Mapping[str, Mapping[Prompt, str]]) -> Mapping[str, Mapping[Prompt, str]]:
    """Copy the host's words, so that none can change after the check."""
    allowed = "by language and Prompt: a text of 1 to 1,000 characters, with {company}, {number}, {agent}, {name} in it"
    if not isinstance(prompts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("prompts", prompts, allowed)
    for language, texts in prompts.items():
        if not is_name(language) or not isinstance(texts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("prompts", language, allowed)
        for prompt, text in texts.items():
            field = f"prompts[{language!r}][{prompt!s}]"
            if not isinstance(prompt, Prompt) or not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(field, text, allowed)
            if not 1 <= len(text) <= PROMPT_LENGTH_MAX or not _is_template(text):
                raise ConfigurationError(field, text, allowed)
    return Frozen({language: Frozen(texts) for language, texts in prompts.items()})


def _is_template(text: str) -> bool:
    """Whether *text* says something, and names nothing but the four, as they are."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return False
    if any(name is not None and (name not in _NAMED or how or kind) for _, name, how, kind in parts):
        return False
    return any(said.strip() for said, *_ in parts)


NO_PROMPTS: Final[Mapping[str, Mapping[Prompt, str]]] = Frozen({})
"""None but the built-in ones."""
