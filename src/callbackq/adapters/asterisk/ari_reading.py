"""
What an event of ARI says, as a fact that the adapter can use. Pure: JSON in, a fact or nothing out.

The two halves of a `Local` channel are one leg to us: what is said of the far one (`…;2`) is left out, and so is all
that says nothing of use. An outcome is never read from a `dialstatus`, only whether the phone rings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import attrs

_FAR_HALF: Final = ";2"
_KEYS: Final = frozenset("0123456789*#ABCD")
_Event: TypeAlias = Mapping[str, Any]


@attrs.frozen
class Rang:
    """The phone rings; or, if *early*, nothing is known but that there is early media."""

    channel: str
    early: bool = False


@attrs.frozen
class WentUp:
    """The channel was answered. It cannot be used before it is in our application."""

    channel: str


@attrs.frozen(kw_only=True)
class Entered:
    """
    The channel is in our application, with what the dialplan, or who dialed it, said.

    Args:
        args: the words of `Stasis()`, or of `appArgs`.
        number: the caller id. name: of the channel, such as `PJSIP/alice-00000001`. created_at: aware.
    """

    channel: str
    args: tuple[str, ...]
    number: str | None = attrs.field(default=None, repr=False)
    name: str = ""
    language: str | None = None
    created_at: datetime | None = None


@attrs.frozen
class Left:
    """The channel has left our application. It may live on in the dialplan: this is no hang-up."""

    channel: str


@attrs.frozen
class Gone:
    """The channel is no more. *sip* is the code of SIP, where there is one."""

    channel: str
    cause: int | None = None
    sip: int | None = None
    words: str = ""


@attrs.frozen(kw_only=True)
class InBridge:
    """The channel came into a bridge, in which these are now."""

    bridge: str
    channel: str
    channels: frozenset[str]
    at: datetime | None


@attrs.frozen(kw_only=True)
class OutOfBridge:
    """The channel left a bridge."""

    bridge: str
    channel: str
    at: datetime | None


@attrs.frozen
class Played:
    """What was played is over, or could not be played."""

    playback: str
    failed: bool = False


@attrs.frozen
class Pressed:
    """A key was pressed. *mark* is the same where the event is said again."""

    channel: str
    key: str = attrs.field(repr=False)
    mark: object = attrs.field(default=None, repr=False)


@attrs.frozen
class Replaced:
    """Another websocket has taken our application: no event comes here any more."""


Fact: TypeAlias = Rang | WentUp | Entered | Left | Gone | InBridge | OutOfBridge | Played | Pressed | Replaced


def fact_of(event: object) -> Fact | None:
    """
    Return what an event says; None if it says nothing that we use, or is no event.

    >>> fact_of({"type": "ChannelDestroyed", "cause": 17, "tech_cause": 486, "channel": {"id": "leg_1"}})
    Gone(channel='leg_1', cause=17, sip=486, words='')
    >>> fact_of({"type": "ChannelStateChange", "channel": {"id": "leg_1;2", "state": "Up"}})
    """
    if not isinstance(event, Mapping):
        return None
    said = cast("Mapping[str, Any]", event)
    try:
        read = _READERS.get(said.get("type"))  # type: ignore[arg-type]
        return None if read is None else read(said)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def instant_of(text: object) -> datetime | None:
    """
    Read a timestamp of ARI; None if it is none.

    >>> instant_of("2026-01-05T10:00:00.250+0100").isoformat()
    '2026-01-05T09:00:00.250000+00:00'
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def is_far_half(channel: str) -> bool:
    """Whether it is the far half of a `Local` channel."""
    return channel.endswith(_FAR_HALF)


@attrs.frozen(kw_only=True)
class Channel:
    """
    A channel as `GET /channels` has it.

    Args:
        args: the words with which it is in our application; None where it is not there.
    """

    channel: str
    is_up: bool
    args: tuple[str, ...] | None = None
    number: str | None = attrs.field(default=None, repr=False)
    name: str = ""
    language: str | None = None
    created_at: datetime | None = None

    def entered(self) -> Entered:
        """Return what was said when it came into the application."""
        return Entered(
            channel=self.channel,
            args=self.args or (),
            number=self.number,
            name=self.name,
            language=self.language,
            created_at=self.created_at,
        )


def channels_of(data: object, *, app: str) -> tuple[Channel, ...]:
    """Read `GET /channels`, without the far halves. Raises: TypeError, KeyError and others, for what is none."""
    found: list[Channel] = []
    for one in cast("list[_Event]", data):
        if is_far_half(one["id"]):
            continue
        dialplan = one.get("dialplan", {})
        words = str(dialplan.get("app_data", "")).split(",") if dialplan.get("app_name") == "Stasis" else [""]
        found.append(
            Channel(
                channel=one["id"],
                is_up=one.get("state") == "Up",
                args=tuple(words[1:]) if words[0] == app else None,
                number=one.get("caller", {}).get("number") or None,
                name=one.get("name", ""),
                language=one.get("language") or None,
                created_at=instant_of(one.get("creationtime")),
            )
        )
    return tuple(found)


def bridges_of(data: object) -> dict[str, frozenset[str]]:
    """Read `GET /bridges`: who is in which. Raises: TypeError, KeyError and others, for what is none."""
    return {one["id"]: frozenset(one.get("channels", ())) for one in cast("list[_Event]", data)}


# ---------------------------------------------------------------------------- the events, one by one


def _channel(event: _Event, key: str = "channel") -> str | None:
    found = event[key]["id"]
    return found if isinstance(found, str) and not is_far_half(found) else None


def _id(thing: _Event) -> str:
    found = thing["id"]
    if not isinstance(found, str):
        raise TypeError("an id is text")
    return found


def _state(event: _Event) -> Fact | None:
    channel, state = _channel(event), event["channel"].get("state")
    if channel is None:
        return None
    if state == "Ringing":
        return Rang(channel)
    return WentUp(channel) if state == "Up" else None


def _dial(event: _Event) -> Fact | None:
    channel, status = _channel(event, "peer"), event.get("dialstatus")
    if channel is None or status not in ("RINGING", "PROGRESS"):
        return None
    return Rang(channel, early=status == "PROGRESS")


def _entered(event: _Event) -> Fact | None:
    channel, found = event["channel"], _channel(event)
    if found is None:
        return None
    number = channel.get("caller", {}).get("number")
    return Entered(
        channel=found,
        args=tuple(str(word) for word in event.get("args", ())),
        number=number if isinstance(number, str) and number else None,
        name=channel.get("name", ""),
        language=channel.get("language") or None,
        created_at=instant_of(channel.get("creationtime")),
    )


def _left(event: _Event) -> Fact | None:
    channel = _channel(event)
    return None if channel is None else Left(channel)


def _gone(event: _Event) -> Fact | None:
    channel = _channel(event)
    if channel is None:
        return None
    return Gone(channel, event.get("cause"), event.get("tech_cause") or None, event.get("cause_txt") or "")


def _in_bridge(event: _Event) -> Fact | None:
    channel = _channel(event)
    if channel is None:
        return None
    channels = frozenset(event["bridge"].get("channels", ()))
    at = instant_of(event.get("timestamp"))
    return InBridge(bridge=_id(event["bridge"]), channel=channel, channels=channels, at=at)


def _out_of_bridge(event: _Event) -> Fact | None:
    channel = _channel(event)
    if channel is None:
        return None
    return OutOfBridge(bridge=_id(event["bridge"]), channel=channel, at=instant_of(event.get("timestamp")))


def _played(event: _Event) -> Fact | None:
    playback = event["playback"]
    return Played(_id(playback), failed=playback.get("state") == "failed")


def _pressed(event: _Event) -> Fact | None:
    channel, key = _channel(event), event["digit"]
    if channel is None or key not in _KEYS:
        return None
    mark = (channel, key, str(event.get("timestamp")), str(event.get("duration_ms")))
    return Pressed(channel, key, mark=mark)


def _replaced(_event: _Event) -> Fact | None:
    return Replaced()


_READERS: Final[Mapping[str, Callable[[_Event], Fact | None]]] = MappingProxyType(
    {
        "ApplicationReplaced": _replaced,
        "ChannelDestroyed": _gone,
        "ChannelDtmfReceived": _pressed,
        "ChannelEnteredBridge": _in_bridge,
        "ChannelLeftBridge": _out_of_bridge,
        "ChannelStateChange": _state,
        "Dial": _dial,
        "PlaybackFinished": _played,
        "StasisEnd": _left,
        "StasisStart": _entered,
    }
)
