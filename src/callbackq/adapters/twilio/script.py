"""What a leg is to do, and the TwiML that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import uuid4
from xml.etree import ElementTree as ET

import attrs

from callbackq.adapters.twilio.links import Links
from callbackq.effects import Bridge, Prompt
from callbackq.ids import LegId
from callbackq.model import Role

LISTEN_S: Final = 20
"""A leg that waits asks us so often what to do next, and so is heard of."""
_AFTER_SPEECH_S: Final = 1
_LANGUAGES: Final[Mapping[str, str]] = {
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fr": "fr-FR",
    "it": "it-IT",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "nb": "nb-NO",
    "nl": "nl-NL",
    "pl": "pl-PL",
    "pt": "pt-PT",
    "ru": "ru-RU",
    "sv": "sv-SE",
    "zh": "zh-CN",
}
"""A language without its region -> what `<Say>` is told. Another language is told to nobody: it would end the call."""


@attrs.frozen(kw_only=True)
class Wait:
    """Listen for keys, and say nothing."""


@attrs.frozen(kw_only=True)
class Speak:
    """Say something, and listen for keys."""

    prompt: Prompt
    text: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    token: str = attrs.field(factory=lambda: uuid4().hex[:12])


@attrs.frozen(kw_only=True)
class Join:
    """Be in the conference of an attempt."""

    bridge: Bridge
    record: bool = False


@attrs.frozen(kw_only=True)
class Leave:
    """Hang up, having said something or nothing."""

    prompt: Prompt | None = None
    text: str | None = attrs.field(default=None, repr=False)
    language: str | None = None


Wish = Wait | Speak | Join | Leave


class Script:
    """
    Writes TwiML. Pure.

    Args:
        sounds: the URL of a sound file for a prompt; what has none is spoken, in the words that the order brings.
        voice: the voice that speaks; Twilio's default if None.
    """

    def __init__(self, links: Links, *, sounds: Mapping[Prompt, str], voice: str | None) -> None:
        self._links: Final = links
        self._sounds: Final = dict(sounds)
        self._voice: Final = voice

    def document(self, leg_id: LegId, role: Role, wish: Wish) -> str:
        """Return what the leg is to do."""
        if isinstance(wish, Leave):
            return twiml(*self._said(wish.prompt, wish.text, wish.language), ET.Element("Hangup"))
        if isinstance(wish, Join):
            return twiml(self._conference(leg_id, wish), self._on(leg_id, role, left=wish.bridge.attempt_id))
        if isinstance(wish, Speak):
            gather = self._gather(leg_id, role, timeout_s=_AFTER_SPEECH_S, played=wish.token)
            gather.extend(self._said(wish.prompt, wish.text, wish.language))
            return twiml(gather, self._on(leg_id, role, played=wish.token))
        return twiml(self._gather(leg_id, role, timeout_s=LISTEN_S), self._on(leg_id, role))

    def keys(self, leg_id: LegId, role: Role, digits: str) -> str:
        """Return what presses keys, and goes on as before."""
        return twiml(_element("Play", digits=digits), self._on(leg_id, role))

    def connect(self, call_id: str, address: str, *, caller_id: str | None, ring_s: int) -> str:
        """Return what connects a live caller to an agent."""
        dial = _element("Dial", action=self._links.dialed(call_id), timeout=str(ring_s))
        if caller_id is not None:
            dial.set("callerId", caller_id)
        kind, _, rest = address.partition(":")
        noun = {"sip": "Sip", "client": "Client"}.get(kind, "Number")
        ET.SubElement(dial, noun).text = rest if noun == "Client" else address
        return twiml(dial)

    def _conference(self, leg_id: LegId, wish: Join) -> ET.Element:
        dial = ET.Element("Dial")
        conference = ET.SubElement(
            dial,
            "Conference",
            {
                "beep": "false",
                "startConferenceOnEnter": "true",
                # Who is left goes on with the next verb, and is not alone in silence.
                "endConferenceOnExit": "true",
                "waitUrl": "",
                "participantLabel": leg_id,
                "statusCallback": self._links.conference(wish.bridge),
                "statusCallbackEvent": "join leave end",
            },
        )
        if wish.record:
            conference.set("record", "record-from-start")
            conference.set("recordingStatusCallback", self._links.recording(wish.bridge))
            conference.set("recordingStatusCallbackEvent", "in-progress completed absent")
        conference.text = wish.bridge.attempt_id
        return dial

    def _gather(self, leg_id: LegId, role: Role, *, timeout_s: int, played: str | None = None) -> ET.Element:
        more = {"played": played} if played is not None else {}
        action = self._links.keys(leg_id, role, key=uuid4().hex[:12], **more)
        return _element("Gather", action=action, numDigits="1", finishOnKey="", timeout=str(timeout_s))

    def _on(self, leg_id: LegId, role: Role, **more: str) -> ET.Element:
        redirect = ET.Element("Redirect")
        redirect.text = self._links.voice(leg_id, role, **more)
        return redirect

    def _said(self, prompt: Prompt | None, text: str | None, language: str | None) -> list[ET.Element]:
        sound = self._sounds.get(prompt) if prompt is not None else None
        if sound is not None:
            play = ET.Element("Play")
            play.text = sound
            return [play]
        if not text:
            return []
        say = ET.Element("Say")
        spoken = _spoken(language)
        if spoken is not None:
            say.set("language", spoken)
        if self._voice is not None:
            say.set("voice", self._voice)
        say.text = _sayable(text)
        return [say]


def twiml(*verbs: ET.Element) -> str:
    """Return a document of these verbs."""
    response = ET.Element("Response")
    response.extend(verbs)
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")


def hang_up() -> str:
    """Return what ends a call."""
    return twiml(ET.Element("Hangup"))


def go_on(url: str) -> str:
    """Return what sends a call to another URL."""
    redirect = ET.Element("Redirect")
    redirect.text = url
    return twiml(redirect)


def _element(name: str, **attributes: str) -> ET.Element:
    return ET.Element(name, attributes)


def _spoken(language: str | None) -> str | None:
    tag = (language or "").replace("_", "-")
    return _LANGUAGES.get(tag.lower()) or (tag if tag.partition("-")[0].lower() in _LANGUAGES else None)


def _sayable(text: str) -> str:
    """Return a text without what XML cannot carry."""
    return "".join(character if character.isprintable() else " " for character in text)
