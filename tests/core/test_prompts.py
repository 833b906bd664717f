"""The words of prompts: every one has some, in the customer's language where the policy has them."""

from __future__ import annotations

from typing import Any

import pytest

from callbackq.core.prompts import ENGLISH, text_of
from callbackq.effects import Prompt
from callbackq.policy import QueuePolicy
from core.samples import NUMBER, SUPPORT

HOLD = Prompt.PLEASE_HOLD
OWN = {
    "fr": {HOLD: "Ici {company}. Ne quittez pas."},
    "fr-CA": {HOLD: "Gardez la ligne."},
    "en": {HOLD: "Hold on."},
}


def said(
    prompt: Prompt,
    *,
    to: str | None = None,
    name: str | None = None,
    owner_id: str | None = None,
    own_caller_id: str | None = None,
    **settings: Any,
) -> str:
    """Return what is said in the language *to*, of a callback that may show a number of its own."""
    policy = QueuePolicy(queue=SUPPORT, **settings)
    return text_of(prompt, policy=policy, language=to, name=name, owner_id=owner_id, caller_id=own_caller_id)


@pytest.mark.parametrize("prompt", Prompt)
def test_every_prompt_has_built_in_words(prompt: Prompt) -> None:
    """Also where the policy names no company: every gap is filled, and nobody's number is said."""
    text = said(prompt)
    assert len(text) > 10
    assert "{" not in text
    assert "None" not in text
    assert NUMBER not in text


def test_there_are_words_for_prompts_only() -> None:
    """None is left over."""
    assert set(ENGLISH) == set(Prompt)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr-CA", "Gardez la ligne."),
        ("fr", "Ici Acme. Ne quittez pas."),
        ("fr-BE", "Ici Acme. Ne quittez pas."),
        ("fr_BE", "Ici Acme. Ne quittez pas."),
        ("en", "Hold on."),
        ("en-GB", "Hold on."),
        ("de", "Hold on."),
        (None, "Hold on."),
    ],
)
def test_the_language_is_looked_for_ever_wider(language: str | None, text: str) -> None:
    """As it is, without its region, in English."""
    assert said(HOLD, to=language, prompts=OWN, company="Acme") == text


@pytest.mark.parametrize(
    ("of_policy", "to", "text"),
    [
        ("fr", None, "Ici Acme. Ne quittez pas."),
        ("fr-CA", None, "Gardez la ligne."),
        ("fr-BE", None, "Ici Acme. Ne quittez pas."),
        ("de", None, "Hold on."),
        # Who has a language of their own hears it, or English: nobody is taken for French who speaks German.
        ("fr", "en", "Hold on."),
        ("fr", "de", "Hold on."),
        ("de", "fr", "Ici Acme. Ne quittez pas."),
        ("fr", "", "Ici Acme. Ne quittez pas."),
    ],
)
def test_who_has_no_language_hears_the_policys(of_policy: str, to: str | None, text: str) -> None:
    """The one that the house speaks."""
    assert said(HOLD, to=to, prompts=OWN, language=of_policy, company="Acme") == text


@pytest.mark.parametrize("language", ["fr", "en", "de", None])
def test_a_prompt_without_words_of_its_own_is_said_in_built_in_ones(language: str | None) -> None:
    """A policy need not bring them all."""
    assert said(Prompt.CALL_LATER, to=language, prompts=OWN) == ENGLISH[Prompt.CALL_LATER]


def test_a_language_without_this_prompt_falls_back_prompt_by_prompt() -> None:
    """French has other prompts, and English has this one."""
    own = {"fr": {Prompt.CALL_LATER: "Plus tard."}, "en": {HOLD: "Hold on."}}
    assert said(HOLD, to="fr-CA", prompts=own) == "Hold on."
    assert said(Prompt.CALL_LATER, to="fr-CA", prompts=own) == "Plus tard."


@pytest.mark.parametrize(
    ("settings", "number"),
    [
        ({"company_number": "212 555 01 99", "caller_id": "+12125550000"}, "212 555 01 99"),
        ({"company_number": "212 555 01 99", "own_caller_id": "+12125550001"}, "212 555 01 99"),
        ({"caller_id": "+12125550000", "own_caller_id": "+12125550001"}, "+12125550001"),
        ({"own_caller_id": "+12125550001"}, "+12125550001"),
        ({"caller_id": "+12125550000"}, "+12125550000"),
        ({}, "our number"),
    ],
)
def test_which_number_a_machine_is_told(settings: dict[str, str], number: str) -> None:
    """The company's own, or the one that was shown, the callback's before the queue's, or none."""
    text = said(Prompt.VOICEMAIL, **settings)
    assert text.endswith(f"Please call us at {number}.")


def test_who_is_named() -> None:
    """The company, the owner of the callback, and the customer, where they are known."""
    assert said(Prompt.VOICEMAIL, company="Acme", owner_id="bob").startswith("Hello, this is bob from Acme.")
    assert said(Prompt.VOICEMAIL).startswith("Hello, this is the support team from our team.")
    own = {"en": {HOLD: "{name}, please hold."}}
    assert said(HOLD, prompts=own, name="Mary Major") == "Mary Major, please hold."
    assert said(HOLD, prompts=own) == ", please hold."


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt.CUSTOMER_NOT_REACHED, "did not answer"),
        (Prompt.CUSTOMER_LEFT, "hung up before"),
        (Prompt.CUSTOMER_DECLINED, "does not want to be connected now"),
        (Prompt.NO_LONGER_NEEDED, "no longer needed"),
        (Prompt.COULD_NOT_CONNECT, "could not connect you. We will get back to you."),
        (Prompt.PLEASE_HOLD, "Please hold"),
        (Prompt.PRESS_TO_CONNECT, "Press 1 to be connected, 2 to be called later, 3 if you need no call"),
        (Prompt.CALL_LATER, "Thank you. We will get back to you later."),
        (Prompt.CALLED_OFF, "We will not call again"),
        (Prompt.VOICEMAIL, "We tried to call you back"),
    ],
)
def test_a_prompt_says_what_happens(prompt: Prompt, words: str) -> None:
    """The one thing that must not be said wrongly."""
    assert words in said(prompt)
