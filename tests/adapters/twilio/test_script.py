"""What a leg is told to do, in TwiML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from adapters.twilio.far_end import PUBLIC_URL, TwilioFarEnd
from callbackq import Play, Prompt, ReportKind, Role
from callbackq.adapters.twilio.links import Links
from callbackq.adapters.twilio.script import Leave, Script, Speak, Wait
from callbackq.ids import LegId
from callbackq.testing.telephony_contract.base import answered

LEG = LegId("leg_1")
SOUNDS = {Prompt.PLEASE_HOLD: "https://pbx.example.com/hold.mp3"}


def script_of(voice: str | None = None) -> Script:
    """Return who writes the scripts."""
    return Script(Links(PUBLIC_URL, overrides="rc=3"), sounds=SOUNDS, voice=voice)


@pytest.mark.parametrize(
    ("language", "spoken"),
    [("de", "de-DE"), ("en-GB", "en-GB"), ("pt_BR", "pt-BR"), ("tlh", None), (None, None), ("xx-YY", None)],
)
def test_a_prompt_is_spoken_in_its_language(language: str | None, spoken: str | None) -> None:
    """One that Twilio may not know is left out: it would end the call."""
    wish = Leave(prompt=Prompt.NO_AGENT, text="<Grüße> & \x00 more", language=language)
    root = ET.fromstring(script_of("alice").document(LEG, Role.CUSTOMER, wish))
    assert [verb.tag for verb in root] == ["Say", "Hangup"]
    assert root[0].text == "<Grüße> &   more"
    assert root[0].get("language") == spoken
    assert root[0].get("voice") == "alice"


def test_a_sound_goes_before_words() -> None:
    """Within what listens for keys; afterwards Twilio asks again, and says what was played."""
    wish = Speak(prompt=Prompt.PLEASE_HOLD, text="Hold.")
    root = ET.fromstring(script_of().document(LEG, Role.AGENT, wish))
    gather, redirect = root
    assert gather[0].tag == "Play"
    assert gather[0].text == SOUNDS[Prompt.PLEASE_HOLD]
    assert (gather.get("numDigits"), gather.get("finishOnKey")) == ("1", "")
    assert f"played={wish.token}" in (redirect.text or "")
    assert (redirect.text or "").endswith("#rc=3")


def test_nothing_to_say() -> None:
    """Hang up, or listen."""
    root = ET.fromstring(script_of().document(LEG, Role.AGENT, Leave(prompt=Prompt.NO_AGENT)))
    assert [verb.tag for verb in root] == ["Hangup"]
    root = ET.fromstring(script_of().document(LEG, Role.AGENT, Wait()))
    assert [verb.tag for verb in root] == ["Gather", "Redirect"]
    assert not list(root[0])


def test_every_script_has_a_key_of_its_own() -> None:
    """So that a key that Twilio says twice is known from one that is pressed twice."""
    one, other = (script_of().document(LEG, Role.AGENT, Wait()) for _ in range(2))
    assert one != other


def test_a_long_text_is_fetched(end: TwilioFarEnd) -> None:
    """More than Twilio takes in a request (4,000 characters) is asked for at your app."""
    leg_id, text = answered(end), "Please hold. " * 400
    end.telephony.play(Play(leg_id=leg_id, prompt=Prompt.PRESS_TO_CONNECT, text=text))
    assert end.wait_until(lambda: ReportKind.PLAYED in end.kinds(leg_id))
    assert end.double.call(leg_id).said == [text]
