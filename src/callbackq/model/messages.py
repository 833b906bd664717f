"""
Messages: what a customer reads and answers.

A message stands in the outbox before it is sent: at most once for each cause, whatever breaks in between. No text
and no number stands in these records: `address_key` is a keyed digest of a number or an address, and the text is
made from the promise when it is sent.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

import attrs

from callbackq.ids import BookingId, CallbackId, MessageId, QueueName, SubjectId, TenantId, VerificationId
from callbackq.masking import repr_masked
from callbackq.model.words import DueReason

SMS = "sms"
EMAIL = "email"


class MessageKind(enum.StrEnum):
    """What a message is about. There is a template for each, by language."""

    CONFIRMATION = "confirmation"
    """We call you back: at this time, or when it is your turn. Also after a change of the time."""
    REMINDER = "reminder"
    """We call you soon, at the time you chose, and at this number."""
    MISSED = "missed"
    """We called and could not reach you, and call again."""
    UNREACHED = "unreached"
    """We tried to reach you, and do not try again by ourselves."""
    CANCELLED = "cancelled"
    """Your callback is cancelled."""
    RESCHEDULE = "reschedule"
    """Which of these times? The answer to who asked for another one."""
    EXPIRED = "expired"
    """We could not call you in time, and the callback is over."""
    AGENT_CHANGED = "agent_changed"
    """The time stands; somebody else calls."""
    SLOTS_FULL = "slots_full"
    """The time that was wanted is full; these are free."""
    OTHER_TIMES = "other_times"
    """It takes long, or we missed each other: choose one of these times, if you like."""
    LATE = "late"
    """We could not call at the time you chose; we still will, or choose another of these."""
    SLIPPED = "slipped"
    """It takes longer than we said."""
    NO_SHOWS = "no_shows"
    """We tried several times at the times you chose: call us or write to us."""
    NO_AGENT = "no_agent"
    """Nobody could take your callback."""
    REGION_NOT_SERVED = "region_not_served"
    """We cannot call this number; these are other ways to reach us."""
    SURVEY = "survey"
    """How was it?"""
    VERIFICATION = "verification"
    """The one-time code that proves a number."""
    # Answers to what a customer wrote.
    STATUS = "status"
    """Where the callback stands now."""
    HELP = "help"
    """What can be answered."""
    WHICH = "which"
    """Which of your callbacks do you mean?"""
    NEW_NUMBER = "new_number"
    """Which number shall we call?"""
    ENTER_CODE = "enter_code"
    """We sent a code to the new number: answer with it."""
    NUMBER_CHANGED = "number_changed"
    """We call you at another number from now on."""
    NUMBER_REFUSED = "number_refused"
    """We cannot call that number, or the code is not the one that was sent."""
    NO_CALLBACK = "no_callback"
    """There is no callback for this number."""
    NOT_POSSIBLE = "not_possible"
    """That is not possible now: we are calling you, or it is over, or too much was asked."""
    OPTED_OUT = "opted_out"
    """You get no more messages. The one confirmation of an opt-out."""
    OPTED_IN = "opted_in"
    """You get messages again."""


class MessageState(enum.StrEnum):
    """Where a message stands. `core.outbox` holds the table of transitions."""

    WAITING = "waiting"
    """It is to be sent, at `due_at` or when the hours permit it."""
    SENDING = "sending"
    """The intent is durable, and it was given out. Whether it was sent is not known yet."""
    SENT = "sent"
    """The provider has taken it. A receipt may come."""
    UNCERTAIN = "uncertain"
    """Nobody knows whether it was sent. It is not repeated; a receipt, a person or a policy settles it."""
    ENDED = "ended"


class MessageEnd(enum.StrEnum):
    """How a message ended."""

    DELIVERED = "delivered"
    """A receipt says that it arrived."""
    SENT = "sent"
    """The provider has taken it; no receipt came."""
    FAILED = "failed"
    """It was certainly not sent, or did not arrive, by any channel."""
    WITHDRAWN = "withdrawn"
    """
    It was certainly not sent, for it was no longer true, came too late, or nobody wanted it. `problem`
    says which.
    """
    UNCERTAIN = "uncertain"
    """Nobody ever learned whether it was sent."""


class DeliveryKind(enum.StrEnum):
    """What is reported of one send."""

    ACCEPTED = "accepted"
    """The provider has taken it."""
    DELIVERED = "delivered"
    """It arrived."""
    UNDELIVERED = "undelivered"
    """It was taken, and did not arrive, for certain."""
    REFUSED = "refused"
    """Certainly not sent, now: it may be tried again."""
    IMPOSSIBLE = "impossible"
    """Certainly not sent, and never will be by this channel: the address is none, or cannot receive it."""
    OPTED_OUT = "opted_out"
    """Certainly not sent: the provider knows that its owner opted out (such as Twilio's error 21610)."""
    UNCERTAIN = "uncertain"
    """Nobody knows."""


@attrs.frozen(kw_only=True)
class Message:
    """
    One message in the outbox.

    `cause` is what it tells of: no two messages have the same. `callback_id` and `booking_id` are what it is about,
    `subject_id` to whom it goes (None: a stranger, who is answered at once). `is_answer` says that it answers what the
    customer wrote. `channel`, `address_key` and `choices` are those of the latest send: how, to which address, and what
    the numbered choices in it mean (instants in UTC, as text, or ids of callbacks). `sends_count` counts how often
    it was given out, over all channels, and `tries_count` on the present one; `channels_over` are those that were
    given up. `provider_key` is a keyed digest of the provider's own id of the latest send: some write a number into
    theirs. After `best_before_at` it is not sent any more.
    """

    tenant_id: TenantId
    message_id: MessageId
    version: int
    state: MessageState
    message_kind: MessageKind
    cause: str
    queue: QueueName
    callback_id: CallbackId | None = None
    booking_id: BookingId | None = None
    subject_id: SubjectId | None = None
    is_answer: bool = False
    channel: str | None = None
    address_key: str | None = None
    choices: tuple[str, ...] = ()
    sends_count: int = 0
    tries_count: int = 0
    channels_over: tuple[str, ...] = ()
    provider_key: str | None = None
    created_at: datetime
    best_before_at: datetime
    sent_at: datetime | None = None
    problem: str | None = None
    ended_as: MessageEnd | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None

    @property
    def send_id(self) -> str:
        """The id of the latest send: what a messenger must never send twice."""
        return f"{self.message_id}.{self.sends_count}"


class Question(enum.StrEnum):
    """What a customer was asked last by message, so that a bare number or word can be understood."""

    WHICH_CALLBACK = "which_callback"
    WHICH_TIME = "which_time"
    WHICH_NUMBER = "which_number"
    WHICH_CODE = "which_code"


class ReplyWish(enum.StrEnum):
    """What a customer's text asks for."""

    CANCEL = "cancel"
    OTHER_TIME = "other_time"
    NUMBER = "number"
    STATUS = "status"
    CALL = "call"
    """Asks for a callback."""
    HELP = "help"
    OPT_OUT = "opt_out"
    """Wants no more messages: a word that carriers know."""
    CANCEL_AND_OPT_OUT = "cancel_and_opt_out"
    """The bare word CANCEL, which carriers take for an opt-out."""
    NO_CALLS = "no_calls"
    """Wants no calls: "do not call me"."""
    OPT_IN = "opt_in"
    THANKS = "thanks"
    """Thanks, or yes: needs no answer."""


@attrs.frozen(kw_only=True)
class Conversation:
    """
    What was said last to and by one address, by one channel. It holds neither a text nor a number.

    `question` is what was asked and not answered yet, about `callback_id`, until `until_at`; `choices` are what the
    numbers in it mean, and `wish` is what is to be done with the answer to WHICH_CALLBACK. `verification_id` is the
    code that was sent to a new number. `last_callback_id` is the callback that the last message was about.
    `heard_ids` are digests of the provider's ids of the latest messages from there. `helped_at` is when unknown text
    was last answered with help. `tries_count` counts the answers
    since the sender last paused for `Messages.question_life`. After `over_at` the row can be forgotten.
    """

    tenant_id: TenantId
    conversation_key: str
    version: int = 1
    question: Question | None = None
    wish: ReplyWish | None = None
    callback_id: CallbackId | None = None
    choices: tuple[str, ...] = ()
    verification_id: VerificationId | None = None
    tries_count: int = 0
    until_at: datetime | None = None
    last_callback_id: CallbackId | None = None
    heard_ids: tuple[str, ...] = ()
    heard_at: datetime | None = None
    helped_at: datetime | None = None
    over_at: datetime


# ---------------------------------------------------------------------------- what a host gives and is given


@attrs.frozen(kw_only=True)
class Inbound:
    """
    What a customer wrote, as the provider says it.

    Args:
        inbound_id: the provider's own id of it: the same twice is heard once. 1 to 200 characters.
        sender: the number in E.164, or the address, that it came from, **as the provider says it**.
        text: as it was written.
        queue: to which queue the number or address belongs that it was sent to.
        channel: how it came.
        answers_id: the provider's id of our message that it answers, where the provider says it.
    """

    inbound_id: str
    sender: str = attrs.field(repr=repr_masked)
    text: str = attrs.field(repr=False)
    queue: str
    channel: str = SMS
    answers_id: str | None = None


@attrs.frozen(kw_only=True)
class Delivery:
    """
    What is known of one send: the answer of the messenger, or a receipt that the provider sent later.

    Args:
        kind: what became of it.
        send_id: of the order (`SendMessage.send_id`), where the provider hands it back.
        provider_id: or else the provider's own id, as the messenger returned it, with its *channel*.
        problem: the provider's own code, for history. 1 to 64 characters; no numbers, no text of the message.
    """

    kind: DeliveryKind
    send_id: str | None = None
    provider_id: str | None = None
    channel: str | None = None
    problem: str | None = None


def choice_texts(choices: Sequence[datetime]) -> tuple[str, ...]:
    """
    Return instants as `Message.choices` keeps them.

    >>> from datetime import UTC
    >>> choice_texts([datetime(2026, 3, 10, 15, tzinfo=UTC)])
    ('2026-03-10T15:00:00+00:00',)
    """
    return tuple(at.isoformat() for at in choices)
