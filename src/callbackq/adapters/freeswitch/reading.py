"""What the events and answers of FreeSWITCH say of a channel. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

import attrs

from callbackq.adapters.freeswitch.framing import Event
from callbackq.adapters.freeswitch.words import LEG_VARIABLE, channel_of
from callbackq.adapters.legs import WhyEnded
from callbackq.causes import amd_answered_by, freeswitch_cause
from callbackq.errors import AdapterError
from callbackq.ids import LegId
from callbackq.model import AnsweredBy, Cause, LegSnapshot, LegState

RECORD_VARIABLE: Final = "callbackq_record"
_GONE: Final = frozenset({"CS_HANGUP", "CS_REPORTING", "CS_DESTROY"})
_PLAYERS: Final = frozenset({"playback", "speak", "say"})
_AMD_VARIABLES: Final = ("amd_result", "amd_status")
_PERSONS: Final = {"person": "human", "unsure": "notsure", "unknown": "unknown"}
"""What some builds of `mod_amd` say, and what the others call it."""


def ending(event: Event) -> tuple[WhyEnded, str]:
    """Return the cause of `CHANNEL_HANGUP…` in the light of what is known of a leg, and in FreeSWITCH's own words."""
    return why_ended(
        event["Hangup-Cause"],
        sip=event.variable("sip_term_status") or event.variable("sip_invite_failure_status"),
    )


def why_ended(cause: str, *, sip: str = "") -> tuple[WhyEnded, str]:
    """Return the reading of a cause, such as `USER_BUSY` or `-ERR USER_BUSY`, and the words for history."""
    name = cause.removeprefix("-ERR").strip()[:80]

    def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:
        return freeswitch_cause(name, sip=sip or None, rang=rang, answered=answered, by_us=by_us)

    return read, f"{name} {sip}".strip()


def was_answered(event: Event) -> bool:
    """Whether the channel had been answered when this was said of it: the event of the answer may come later."""
    return _is_a_time(event["Caller-Channel-Answered-Time"])


def had_rung(event: Event, *, early_media: bool) -> bool:
    """Whether the phone had rung; with *early_media*, also one of which the network only let something be heard."""
    rang = _is_a_time(event["Caller-Channel-Progress-Time"])
    return rang or (early_media and _is_a_time(event["Caller-Channel-Progress-Media-Time"]))


def bridged(event: Event) -> tuple[str, str]:
    """Return the two channels of `CHANNEL_BRIDGE` or `CHANNEL_UNBRIDGE`."""
    one = event["Bridge-A-Unique-ID"] or event.channel
    other = event["Bridge-B-Unique-ID"] or event["Other-Leg-Unique-ID"]
    return one, other


def was_joined_to(event: Event) -> str | None:
    """Return with which channel it had been in a bridge when this was said of it; None: with none."""
    if not _is_a_time(event["Caller-Channel-Bridged-Time"]):
        return None
    return event.variable("last_bridge_to") or event.variable("bridge_uuid") or None


def sequence(event: Event) -> int:
    """Return the number of the event: those that happened later have higher ones, in whatever order they come."""
    said = event["Event-Sequence"]
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0


def played(event: Event) -> str | None:
    """Return what was played or spoken, if the event is the end of that."""
    if event.name == "PLAYBACK_STOP":
        return event["Playback-File-Path"]
    if event.name == "CHANNEL_EXECUTE_COMPLETE" and event["Application"] in _PLAYERS:
        return event["Application-Data"]
    return None


def detected(event: Event) -> AnsweredBy | None:
    """Return who answered, if the event is the result of a detector."""
    if event.name == "CUSTOM" and event["Event-Subclass"] == "avmd::beep":
        return AnsweredBy.MACHINE
    if event.name != "CHANNEL_EXECUTE_COMPLETE" or event["Application"] not in ("amd", "waitforresult"):
        return None
    said = next((event.variable(name) for name in _AMD_VARIABLES if event.variable(name)), "").lower()
    return amd_answered_by(_PERSONS.get(said, said))


# ---------------------------------------------------------------------------- accounts


@attrs.frozen(kw_only=True)
class Channel:
    """One channel of ours, as FreeSWITCH has it now."""

    channel: str
    leg_id: LegId
    answered: bool
    partner: str | None
    records: bool

    def as_leg(self, *, joined: bool) -> LegSnapshot:
        """Return it as a leg of a snapshot."""
        state = LegState.ANSWERED if self.answered else LegState.RINGING
        return LegSnapshot(state=state, joined=joined and self.answered)


def channels_listed(said: str) -> tuple[str, ...]:
    """
    Return the ids in the answer to `show channels as json`.

    Raises:
        AdapterError: it is none.
    """
    rows = _rows(said)
    return tuple(str(row["uuid"]) for row in rows if row.get("uuid"))


def channel_dumped(said: str) -> Channel | None:
    """
    Return what the answer to `uuid_dump … json` says; None: it is gone, or not ours.

    Raises:
        AdapterError: it says neither.
    """
    try:
        found: object = json.loads(said)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        if said.startswith("-"):
            return None
        raise AdapterError("FreeSWITCH does not say what a channel of ours is")
    dump = {
        str(name): value
        for name, value in cast("dict[object, object]", found).items()
        if isinstance(value, str)
    }
    channel, leg = dump.get("Unique-ID", ""), dump.get("variable_" + LEG_VARIABLE, "")
    if not leg or channel != channel_of(LegId(leg)) or dump.get("Channel-State") in _GONE:
        return None
    return Channel(
        channel=channel,
        leg_id=LegId(leg),
        answered=dump.get("Answer-State") == "answered",
        partner=dump.get("variable_bridge_to") or None,  # `signal_bond` stays when they are parted.
        records=dump.get("variable_" + RECORD_VARIABLE) == "true",
    )


def _rows(said: str) -> list[Mapping[str, object]]:
    try:
        found: object = json.loads(said)
    except (ValueError, RecursionError):
        found = None
    # Without channels there are no rows. What is none of both must not be taken for "none": all would be called again.
    rows: object = cast("dict[str, object]", found).get("rows", []) if isinstance(found, dict) else None
    if not isinstance(rows, list):
        words = said[:60] if said.startswith("-") else "something else"
        raise AdapterError(f"FreeSWITCH does not say which channels it has, but {words!r}")
    listed = cast("list[object]", rows)
    return [cast("Mapping[str, object]", row) for row in listed if isinstance(row, dict)]


def _is_a_time(said: str) -> bool:
    return said.isascii() and said.isdigit() and int(said[:20]) > 0
