"""
The words of prompts, for telephony that speaks rather than plays files.

English is built in. A policy brings other languages, or other words, by language and prompt. The language is looked
for as it is (`fr-CA`), then without its region (`fr`), then in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from callbackq.effects import Prompt
from callbackq.policy import QueuePolicy

ENGLISH: Final[Mapping[Prompt, str]] = MappingProxyType(
    {
        Prompt.CUSTOMER_NOT_REACHED: "The customer did not answer.",
        Prompt.CUSTOMER_LEFT: "The customer hung up before you were connected.",
        Prompt.CUSTOMER_DECLINED: "The customer does not want to be connected now.",
        Prompt.NO_LONGER_NEEDED: "This callback is no longer needed.",
        Prompt.COULD_NOT_CONNECT: "We are sorry, we could not connect you. We will get back to you.",
        Prompt.PLEASE_HOLD: "This is {company}, calling you back. Please hold, we are connecting you.",
        Prompt.PRESS_TO_CONNECT: (
            "This is {company}, calling you back. Press 1 to be connected, 2 to be called later, "
            "3 if you need no call any more."
        ),
        Prompt.CALL_LATER: "Thank you. We will get back to you later.",
        Prompt.CALLED_OFF: "Thank you. We will not call again.",
        Prompt.VOICEMAIL: (
            "Hello, this is {agent} from {company}. We tried to call you back. Please call us at {number}."
        ),
        Prompt.NO_AGENT: (
            "Hello, this is {company}. We are sorry: nobody can take your callback, and we will not call again. "
            "If you still need us, please call {number}."
        ),
    }
)
"""The built-in words."""

_NAMELESS: Final = MappingProxyType(
    {"company": "our team", "agent": "the support team", "number": "our number"}
)


def text_of(
    prompt: Prompt,
    *,
    policy: QueuePolicy,
    language: str | None,
    name: str | None = None,
    owner_id: str | None = None,
    caller_id: str | None = None,
) -> str:
    """
    Return the words of *prompt* in a language; in the policy's if None.

    Where the policy names no company or number, a plain word stands for it.
    """
    template = _template(prompt, policy.prompts, language or policy.language)
    return template.format(
        company=policy.company or _NAMELESS["company"],
        number=policy.company_number or caller_id or policy.caller_id or _NAMELESS["number"],
        agent=owner_id or _NAMELESS["agent"],
        name=name or "",
    )


def _template(prompt: Prompt, own: Mapping[str, Mapping[Prompt, str]], language: str) -> str:
    for wanted in (language, language.replace("_", "-").split("-", maxsplit=1)[0], "en"):
        if prompt in own.get(wanted, {}):
            return own[wanted][prompt]
    return ENGLISH[prompt]
