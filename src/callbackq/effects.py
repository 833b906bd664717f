"""
Effects: what the world must do now, as data. A step or a report commits first, and then returns them.

Two classes. *Once*: dialing, pressing an extension, and telling somebody. The intent is durable before the effect is
given out, it is given out one time, and after a crash the attempt is in doubt and is never dialed again under the same
leg id. *Repeatable*: hang up, bridge, play, reserve, connect. Doing one twice does no harm.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, LegId, MessageId, QueueName
from callbackq.masking import repr_masked
from callbackq.model import (
    BookedCallback,
    Callback,
    Channel,
    Disposition,
    MessageKind,
    Mode,
    NoticeKind,
    PastAttempt,
    PastCallback,
    ReplyWish,
    Role,
)


class Prompt(enum.StrEnum):
    """What is said to one leg."""

    CUSTOMER_NOT_REACHED = "customer_not_reached"
    """To the agent: nobody answered, or the number cannot be reached."""
    CUSTOMER_LEFT = "customer_left"
    """To the agent: the customer answered, and hung up before the two were joined."""
    CUSTOMER_DECLINED = "customer_declined"
    """To the agent: the customer asked by key to be called later, or not at all."""
    NO_LONGER_NEEDED = "no_longer_needed"
    """To the agent: the callback was cancelled, or settled by somebody."""
    COULD_NOT_CONNECT = "could_not_connect"
    """To either: both were there, or nearly, and could not be joined."""
    PLEASE_HOLD = "please_hold"
    """To the customer: an agent is being fetched."""
    PRESS_TO_CONNECT = "press_to_connect"
    """To the customer: who calls, and which key does what."""
    CALL_LATER = "call_later"
    """To the customer, who asked for it: we call again later."""
    CALLED_OFF = "called_off"
    """To the customer, who asked for it: we do not call again."""
    VOICEMAIL = "voicemail"
    """To a machine: who called, and which number to call."""
    NO_AGENT = "no_agent"
    """To the customer, or their machine: nobody can take the callback, and we do not call again."""


@attrs.frozen(kw_only=True)
class Dial:
    """
    Once: place one leg.

    Args:
        leg_id: the idempotency key. The adapter must not place a second call for it.
        role: AGENT rings the agent `agent_id`; CUSTOMER dials `number`.
        ring_time: how long it may ring.
        number: the customer's number that is, or will be, dialed; E.164. `alternative` says that it is not the main
            one, `number_differs` whether it differs from the one in the host's records (None: they have none).
        caller_id, dial_prefix, route, media, record: the host's own wishes, handed through.
        detect: whether it should be found out who answered: a person, a machine, a fax.
        reason: what the callback is about, in the words of the request's context (its field `reason`).
        past: the person's earlier callbacks, the newest first; at most five. attempts: earlier ones of this callback.
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
    mode: Mode = Mode.AGENT_FIRST
    alternative: bool = False
    number_differs: bool | None = None
    caller_id: str | None = None
    dial_prefix: str | None = None
    route: str | None = None
    media: str | None = None
    record: bool = False
    detect: bool = False
    reason: str | None = attrs.field(default=None, repr=False)
    past: tuple[PastCallback, ...] = ()
    attempts: tuple[PastAttempt, ...] = ()
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


@attrs.frozen(kw_only=True)
class Bridge:
    """Repeatable: join the two legs. Done only when BRIDGED is reported, and both are still there."""

    attempt_id: AttemptId
    agent_leg_id: LegId
    customer_leg_id: LegId


@attrs.frozen(kw_only=True)
class HangUp:
    """
    Repeatable: end one leg, saying `prompt` first where it was answered. The end is the ENDED report.

    `text` is the prompt in words, in `language`, for adapters that speak rather than play files.
    """

    leg_id: LegId
    prompt: Prompt | None = None
    text: str | None = None
    language: str | None = None


@attrs.frozen(kw_only=True)
class Play:
    """Repeatable: play a prompt to one answered leg. It plays until it is over, or until `StopPlay`."""

    leg_id: LegId
    prompt: Prompt
    text: str | None = None
    language: str | None = None


@attrs.frozen(kw_only=True)
class StopPlay:
    """Repeatable: end what is played to a leg, if anything is. A bridge may have to wait for it."""

    leg_id: LegId


@attrs.frozen(kw_only=True)
class SendDigits:
    """Once: press these keys on an answered leg: the extension of a number."""

    leg_id: LegId
    digits: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class LookUp:
    """
    Repeatable: ask the telephony which legs it has, for the end of one was never reported, and reconcile.

    For telephony that can say (`CanSnapshot`); for any other, deadlines decide.
    Ask `open_attempts` before the telephony, and give it to `reconcile` as *known*.
    """

    attempt_id: AttemptId


@attrs.frozen(kw_only=True)
class ReserveAgent:
    """Repeatable: keep the PBX's own queues from giving this agent a call. For telephony that can."""

    agent_id: AgentId
    attempt_id: AttemptId


@attrs.frozen(kw_only=True)
class ReleaseAgent:
    """Repeatable: the PBX's own queues may give this agent calls again."""

    agent_id: AgentId
    attempt_id: AttemptId


@attrs.frozen(kw_only=True)
class Notice:
    """
    Once: somebody who is not on the line should be told something. The history says so too.

    Args:
        notice_id: the same for the same cause: who is told of one id twice may drop the second.
        follow_up_due_at: for FOLLOW_UP: by when somebody should see to the customer.
        note: for TICKET_NOTE and REFUSED_BY_RULE: what to write; holds no number.
        booking: for what concerns a booked time: the line of the day's bookings, with both times and the context.
        alternatives: other times that were free a moment ago, where some can be offered; aware, in UTC.
    """

    notice_id: str
    kind: NoticeKind
    callback_id: CallbackId
    queue: QueueName
    number: str = attrs.field(repr=repr_masked)
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    ticket_id: str | None = None
    owner_id: AgentId | None = None
    attempts_count: int = 0
    last_disposition: Disposition | None = None
    follow_up_due_at: datetime | None = None
    note: str | None = None
    booking: BookedCallback | None = None
    alternatives: tuple[datetime, ...] = ()


@attrs.frozen(kw_only=True)
class SendMessage:
    """
    Once: send one message to a customer.

    Args:
        send_id: the idempotency key. The messenger must not send twice for it.
        channel: how: `sms`, `whatsapp`, `email`, `push`, or the host's own word, as in `Messages.channels`.
        to: the number in E.164; the address for `email`; None where only the host knows it: by *customer_id*.
        text: what the customer reads. title: the subject line, for channels that have one.
        segments_count: in how many parts an SMS goes out (GSM-7 or UCS-2).
        language: in which the text is written.
        is_answer: it answers what the customer has just written.
    """

    send_id: str
    message_id: MessageId
    kind: MessageKind
    channel: str
    queue: QueueName
    to: str | None = attrs.field(repr=repr_masked)
    text: str = attrs.field(repr=False)
    title: str = attrs.field(repr=False)
    segments_count: int
    language: str
    is_answer: bool = False
    callback_id: CallbackId | None = None
    ticket_id: str | None = None
    customer_id: str | None = attrs.field(default=None, repr=False)


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


OfAttempt = Dial | Bridge | HangUp | Play | StopPlay | SendDigits | LookUp | ReserveAgent | ReleaseAgent
Effect = OfAttempt | ConnectCall | Notice | SendMessage


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


@attrs.frozen(kw_only=True)
class Delivered:
    """What a report of a send did. `changed` is false for one that came twice, late, or was of an earlier send."""

    message_id: MessageId
    changed: bool


@attrs.frozen(kw_only=True)
class Heard:
    """
    What became of a customer's message.

    Args:
        wish: what it asks for; None: nothing that is known.
        callback_id: the callback that it was about, if it was about one.
        changed: whether it changed anything; false for one that was heard before, and for a stranger's.
        effects: the answers. They must be performed now, by whoever delivered the message; runners do it.
    """

    wish: ReplyWish | None
    callback_id: CallbackId | None = None
    changed: bool
    effects: tuple[Effect, ...] = ()


@attrs.frozen(kw_only=True)
class Settled:
    """
    What a person's word did: settling an attempt, saying how a call went, or marking one as done.

    `effects` must be performed now, by whoever said it; runners do it.
    """

    callback: Callback
    effects: tuple[Effect, ...]


@attrs.frozen(kw_only=True)
class Reconciled:
    """
    What `reconcile` found: how many attempts were open, of how many something was learned, and how many legs were left.

    `effects` must be performed now; runners do it. They hang up the legs that nobody wants.
    Where the store failed on the way, `is_complete` is false, and the question is to be asked again.
    """

    attempts_count: int
    changed_count: int
    orphans_count: int
    effects: tuple[Effect, ...]
    is_complete: bool = True
