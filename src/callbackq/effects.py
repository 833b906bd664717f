"""
Effects: what the world must do now, as data. A step or a report commits first, and then returns them.

Two classes. *Once*: dialing. The intent is durable before the effect is given out, it is given out one time, and
after a crash the attempt is in doubt and is never dialed again under the same leg id. *Repeatable*: hang up,
bridge, play, connect. Doing one twice does no harm.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, LegId, QueueName
from callbackq.masking import repr_masked
from callbackq.model import Channel, Role


class Prompt(enum.StrEnum):
    """What is said to one leg."""

    CUSTOMER_NOT_REACHED = "customer_not_reached"
    """To the agent: nobody answered, or the number cannot be reached."""
    CUSTOMER_LEFT = "customer_left"
    """To the agent: the customer answered, and hung up before the two were joined."""
    COULD_NOT_CONNECT = "could_not_connect"
    """To either: both were there, or nearly, and could not be joined."""


@attrs.frozen(kw_only=True)
class Dial:
    """
    Once: place one leg.

    Args:
        leg_id: the idempotency key. The adapter must not place a second call for it.
        role: AGENT rings the agent `agent_id`; CUSTOMER dials `number`.
        ring_time: how long it may ring.
        context: all that the agent should see (screen-pop), and all that the adapter may need.
    """

    leg_id: LegId
    role: Role
    attempt_id: AttemptId
    callback_id: CallbackId
    queue: QueueName
    agent_id: AgentId | None
    number: str = attrs.field(repr=repr_masked)
    extension: str | None = attrs.field(default=None, repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    entered_at: datetime
    requested_at: datetime
    scheduled_at: datetime | None = None
    channel: Channel
    priority: int
    owner_id: AgentId | None = None
    ticket_id: str | None = None
    attempt_number: int
    ring_time: timedelta
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


@attrs.frozen(kw_only=True)
class Bridge:
    """Repeatable: join the two legs. Done only when BRIDGED is reported."""

    attempt_id: AttemptId
    agent_leg_id: LegId
    customer_leg_id: LegId


@attrs.frozen(kw_only=True)
class HangUp:
    """Repeatable: end one leg, saying `prompt` first where it was answered. The end is the ENDED report."""

    leg_id: LegId
    prompt: Prompt | None = None


@attrs.frozen(kw_only=True)
class ConnectCall:
    """
    Repeatable: connect a live caller to the agent who was chosen.

    Number, name, language and context are what the agent should see; there is no number where it is withheld.
    """

    call_id: CallId
    agent_id: AgentId
    queue: QueueName
    number: str | None = attrs.field(default=None, repr=repr_masked)
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    entered_at: datetime
    priority: int
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


Effect = Dial | Bridge | HangUp | ConnectCall


@attrs.frozen(kw_only=True)
class Reported:
    """
    What a report did.

    `effects` must be performed now, by whoever delivered the report; runners do it. `changed` is false for a
    report that came twice, late or out of order.
    """

    attempt_id: AttemptId
    changed: bool
    effects: tuple[Effect, ...]
