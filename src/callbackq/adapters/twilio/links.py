"""
The URLs under which Twilio reaches us. What an event is about stands in its URL.

The REST API of Twilio keeps nothing of ours with a call: the id of a leg can be found again only by what Twilio sends
to these URLs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from callbackq.effects import Bridge
from callbackq.ids import LegId
from callbackq.model import Role

VOICE: Final = "voice"
STATUS: Final = "status"
KEYS: Final = "keys"
AMD: Final = "amd"
CONFERENCE: Final = "conference"
RECORDING: Final = "recording"
DIALED: Final = "dialed"
MESSAGE: Final = "message"
RECEIPT: Final = "receipt"


class Links:
    """Makes the URLs. `overrides` is the fragment that tells Twilio what to do when one cannot be reached."""

    def __init__(self, public_url: str, *, overrides: str) -> None:
        self._public_url: Final = public_url.rstrip("/")
        self._overrides: Final = f"#{overrides}" if overrides else ""

    def voice(self, leg_id: LegId, role: Role, **more: str) -> str:
        """What to do next with a leg."""
        return self._url(VOICE, {"leg": leg_id, "role": role.value, **more})

    def keys(self, leg_id: LegId, role: Role, **more: str) -> str:
        """Which keys were pressed."""
        return self._url(KEYS, {"leg": leg_id, "role": role.value, **more})

    def status(self, leg_id: LegId, role: Role) -> str:
        """What became of a leg."""
        return self._url(STATUS, {"leg": leg_id, "role": role.value})

    def amd(self, leg_id: LegId, role: Role) -> str:
        """Who answered."""
        return self._url(AMD, {"leg": leg_id, "role": role.value})

    def conference(self, bridge: Bridge) -> str:
        """Who is in a conference. Twilio takes the URL of whoever comes first: it must name both."""
        return self._url(CONFERENCE, _of_bridge(bridge))

    def recording(self, bridge: Bridge) -> str:
        """What a recording is called."""
        return self._url(RECORDING, _of_bridge(bridge))

    def dialed(self, call_id: str) -> str:
        """How the conversation of a live caller went."""
        return self._url(DIALED, {"call": call_id})

    def receipt(self, send_id: str, channel: str) -> str:
        """What became of a message."""
        return self._url(RECEIPT, {"send": send_id, "channel": channel})

    def as_signed(self, endpoint: str, query: str) -> tuple[str, ...]:
        """Return the URLs that Twilio may have signed for a request to *endpoint* with this raw *query*."""
        plain = f"{self._public_url}/{endpoint}" + (f"?{query}" if query else "")
        return (plain, plain + self._overrides) if self._overrides else (plain,)

    def _url(self, endpoint: str, query: Mapping[str, str]) -> str:
        return f"{self._public_url}/{endpoint}?{urlencode(query)}{self._overrides}"


def _of_bridge(bridge: Bridge) -> dict[str, str]:
    return {
        "attempt": bridge.attempt_id,
        "agent": bridge.agent_leg_id,
        "customer": bridge.customer_leg_id,
    }
