"""The commands by which legs are placed, as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from callbackq.adapters.freeswitch import words
from callbackq.adapters.freeswitch.reading import RECORD_VARIABLE
from callbackq.adapters.freeswitch.settings import EslSettings
from callbackq.effects import Dial
from callbackq.model import Role

_KEYS: Final = frozenset("0123456789*#ABCDabcd")
_RING_MIN_S: Final = 1
_STEP_S: Final = 0.5
"""What `w` in a string of keys stands for."""


def originate(order: Dial, settings: EslSettings) -> str:
    """
    Return the command that places a leg, and parks it when it is answered.

    Raises:
        DialRefused: there is no address to dial.
        NotSayable: the address would be more than one word, or the leg id none.
    """
    endpoint = words.one_line(settings.endpoint_of(order))
    if any(one in endpoint for one in " '\\"):
        raise words.NotSayable("an address of FreeSWITCH holds no spaces, quotes or backslashes")
    return f"originate {words.variables(_variables(order, settings))}{endpoint} &park()"


def keys(digits: str, *, after_s: float) -> str:
    """
    Return *digits* as they are pressed, after a pause.

    >>> keys("47 11#", after_s=1.0)
    'ww4711#'
    """
    return "w" * round(after_s / _STEP_S) + "".join(one for one in digits if one in _KEYS)


def _variables(order: Dial, settings: EslSettings) -> Mapping[str, str]:
    ring_s = max(_RING_MIN_S, round(order.ring_time.total_seconds()))
    found = {
        "origination_uuid": words.channel_of(order.leg_id),
        "originate_timeout": str(ring_s),
        "ignore_early_media": "true",
        "hangup_after_bridge": "false",
        "park_after_bridge": "true",
        **_caller(order, settings),
        **_facts(order),
    }
    codecs = settings.codecs.get(order.media or "")
    if codecs is not None:
        found["absolute_codec_string"] = codecs
    return found | dict(settings.variables)


def _caller(order: Dial, settings: EslSettings) -> dict[str, str]:
    """Who is shown as calling: to the agent the customer, to the customer the number of the policy."""
    if order.role is Role.CUSTOMER:
        shown = words.harmless(order.caller_id or "")
        return {"origination_caller_id_number": shown, "origination_caller_id_name": shown} if shown else {}
    if not settings.customer_on_agents_phone:
        return {}
    name = words.harmless(order.name or "") or "Callback"
    return {"origination_caller_id_number": words.harmless(order.number), "origination_caller_id_name": name}


def _facts(order: Dial) -> Mapping[str, str]:
    """What the dialplan, a screen on the agent's desk and our own next process may want to know."""
    found = {
        words.LEG_VARIABLE: words.address_part(order.leg_id, what="the leg id"),
        "callbackq_role": order.role.value,
        "callbackq_callback_id": order.callback_id,
        "callbackq_attempt_id": order.attempt_id,
        "callbackq_queue": order.queue,
        "callbackq_attempt_number": str(order.attempt_number),
        "callbackq_media": order.media,
        "callbackq_route": order.route,
        "callbackq_reason": order.reason,
        "callbackq_ticket_id": order.ticket_id,
        "callbackq_language": order.language,
        RECORD_VARIABLE: "true" if order.record else None,
    }
    context = {f"callbackq_context_{name}": value for name, value in order.context.items()}
    return {name: words.harmless(value) for name, value in (context | found).items() if value}
