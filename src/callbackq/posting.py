"""
The outbox of one service: which messages are queued and withdrawn in a transaction, and how a due one is given out.

Nothing is sent here. What is given out is a `SendMessage`, whose intent stands in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.asking import Desk
from callbackq.booking import find_booking, other_times
from callbackq.core import outbox, outgoing, questions
from callbackq.core.numbers import number_key
from callbackq.core.outbox import Born
from callbackq.core.quiet import quiet_until
from callbackq.core.texts import Text, TextFacts
from callbackq.core.zones import zones_of_number
from callbackq.effects import SendMessage
from callbackq.errors import Conflict, StoreError
from callbackq.events import CallbackRequested, MessageEvent
from callbackq.ids import BookingId, CallbackId, MessageId, QueueName, SubjectId, TenantId, VerificationId
from callbackq.model import (
    EMAIL,
    Callback,
    Conversation,
    Message,
    MessageKind,
    MessageState,
    Purpose,
    ReplyWish,
    Subject,
    choice_texts,
)
from callbackq.model.wall import zone_keys
from callbackq.permission import asked_at, is_asked_for
from callbackq.phrasing import Writer
from callbackq.policy import Messages, QueuePolicy
from callbackq.ports import Transaction
from callbackq.writing import policy_or_default, write

logger = logging.getLogger("callbackq")

PUSH: Final = "push"
ASKED_LIFE: Final = timedelta(hours=2)
"""Around a time that the customer chose, and so long after asking, a message is sent at any hour."""
ANSWERING: Final = timedelta(minutes=15)
"""Who has written so shortly before is awake."""
LOOK_AGAIN: Final = timedelta(minutes=1)
_NEWEST: Final = 20
"""Among so many of a callback's newest messages one is looked for that says the same."""
MESSAGES_DEFAULT: Final = Messages()
"""What was begun is wound up by these, where a queue sends no messages any more."""


@attrs.frozen(kw_only=True)
class Address:
    """Where a message goes: by which channel, to whom, and the keyed digest of it. `to` is None for the host's own."""

    channel: str
    to: str | None = attrs.field(default=None, repr=False)
    key: str


def address_of(channel: str, to: str, *, tenant_id: TenantId, pepper: bytes) -> Address:
    """Return a number or an e-mail address, which people write in any case of letters, with its digest."""
    return Address(channel=channel, to=to, key=number_key(to.casefold(), tenant_id=tenant_id, pepper=pepper))


@contextmanager
def _costing_no_promise(callback_id: CallbackId) -> Generator[None]:
    """Let a mistake cost a message, and never the promise in whose transaction it is made."""
    try:
        yield
    except (StoreError, Conflict):
        raise
    except Exception as error:
        logger.error("no message about %s: %s", callback_id, type(error).__name__)  # noqa: TRY400


@attrs.frozen(kw_only=True)
class Postman:
    """Queues, withdraws and gives out the messages of one service, in one transaction."""

    tx: Transaction
    desk: Desk
    policies: Mapping[QueueName, QueuePolicy]
    now: datetime

    # ------------------------------------------------------------------ what a transaction gives rise to

    def post(self) -> None:
        """
        Queue the messages that this transaction gives rise to, and withdraw those that it has made untrue.

        Cost: nothing in queues without messages; the rows themselves for a new callback; else one look at the waiting
            messages of each callback concerned, and one for each message that is born.
        """
        new: set[CallbackId] = set()
        touched: dict[CallbackId, Callback] = {}
        for event in tuple(self.tx.history.appended()):
            callback_id: CallbackId | None = getattr(event, "callback_id", None)
            if callback_id is None or isinstance(event, MessageEvent):
                continue
            with _costing_no_promise(callback_id):
                callback = touched.get(callback_id) or self.tx.callbacks.get(callback_id)
                policy = self.policies.get(callback.queue)
                if policy is None or policy.messages is None:
                    continue
                touched[callback_id] = callback
                if isinstance(event, CallbackRequested):
                    new.add(callback_id)
                for born in outgoing.births(event, callback=callback, policy=policy):
                    if callback_id in new or self._makes_room(born):
                        self._queue(born)
        for callback_id in sorted(touched.keys() - new):
            with _costing_no_promise(callback_id):
                self._withdraw_untrue(touched[callback_id])

    def _withdraw_untrue(self, callback: Callback) -> None:
        for message in self.tx.messages.waiting_of(callback.callback_id):
            problem = self._untrue(message, callback)
            if problem is not None and problem not in outgoing.PASSING:
                write(self.tx, outbox.withdraw(message, problem, now=self.now))

    def _makes_room(self, born: Born) -> bool:
        """Withdraw what waits and is needless beside a new message; say whether that is to be queued."""
        if self.tx.messages.by_cause(born.cause) is not None or self._is_erased(born.subject_id):
            return False
        if born.callback_id is not None:
            needless = outgoing.supersedes(born.kind)
            for older in self.tx.messages.waiting_of(born.callback_id):
                if older.message_kind in needless:
                    write(self.tx, outbox.withdraw(older, outgoing.SUPERSEDED, now=self.now))
        return True

    def _queue(self, born: Born) -> None:
        message_id = MessageId(self.desk.ids.new("ms", now=self.now))
        write(self.tx, outbox.queue(born, tenant_id=self.desk.tenant_id, message_id=message_id, now=self.now))

    def _untrue(self, message: Message, callback: Callback | None) -> str | None:
        booking_id = message.booking_id or (callback.booking_id if callback is not None else None)
        booking = find_booking(self.tx, BookingId(booking_id)) if booking_id is not None else None
        return outgoing.untrue(message, callback=callback, booking=booking, now=self.now)

    # ------------------------------------------------------------------ what is due

    def message_due(self, message: Message) -> tuple[SendMessage, ...]:
        """Do what time does to a message: give it out, let it wait on, withdraw it, or leave off waiting for news."""
        policy = self.policy_of(message)
        if message.state is not MessageState.WAITING:
            write(self.tx, outbox.due(message, policy=policy.messages or MESSAGES_DEFAULT, now=self.now))
            return ()
        try:
            return self._give_out(message, policy)
        except (StoreError, Conflict):
            raise
        except Exception as error:
            # What it is about is gone, or cannot be put into words; or a mistake, which is not to hold up all others.
            logger.error("%s cannot be sent: %s", message.message_id, type(error).__name__)  # noqa: TRY400
            return self._withdraw(message, "cannot_be_written")

    def policy_of(self, message: Message) -> QueuePolicy:
        """Return the policy of the queue in which the callback is now, or else of the message's own."""
        callback = self.tx.callbacks.get(message.callback_id) if message.callback_id is not None else None
        return policy_or_default(self.policies, callback.queue if callback is not None else message.queue)

    def _withdraw(self, message: Message, problem: str) -> tuple[SendMessage, ...]:
        write(self.tx, outbox.withdraw(message, problem, now=self.now))
        return ()

    def _give_out(self, message: Message, policy: QueuePolicy) -> tuple[SendMessage, ...]:
        messages = policy.messages
        if messages is None:
            return self._withdraw(message, "no_messages")
        problem = self.unwanted(message)
        if problem in outgoing.PASSING:
            # It may be true again: an attempt that does not count changes nothing.
            write(self.tx, outbox.hold(message, until=self.now + LOOK_AGAIN, now=self.now))
            return ()
        if problem is not None:
            return self._withdraw(message, problem)
        assert message.subject_id is not None
        subject = self.tx.subjects.get(message.subject_id)
        callback = self.tx.callbacks.get(message.callback_id) if message.callback_id is not None else None
        address = self._address(message, subject, messages)
        if address is None:
            return self._withdraw(message, "no_address")
        if self.is_opted_out(address.key, subject):
            return self._withdraw(message, outbox.OPTED_OUT)
        again_at = self._quiet_until(message, subject, callback, address, messages)
        if again_at is not None:
            write(self.tx, outbox.hold(message, until=again_at, now=self.now))
            return ()
        if message.is_answer and self._is_outdated(message, subject):
            return self._withdraw(message, outbox.TOO_LATE)
        choices = self._choices(message.message_kind, callback, messages)
        if message.message_kind is MessageKind.OTHER_TIMES and not choices:
            return self._withdraw(message, "no_times")
        return (self._sent_out(message, policy, subject, callback, address, choices),)

    def unwanted(self, message: Message) -> str | None:
        """Return why a message must not be sent any more, for what it tells of; None if it may."""
        callback = self.tx.callbacks.get(message.callback_id) if message.callback_id is not None else None
        if outbox.is_too_late(message, now=self.now):
            return outbox.TOO_LATE
        if self._is_erased(message.subject_id):
            return "erased"
        subject = self.tx.subjects.get(message.subject_id) if message.subject_id is not None else None
        key = message.address_key if message.message_kind is not MessageKind.OPTED_OUT else None
        if key is not None and self.is_opted_out(key, subject):
            return outbox.OPTED_OUT
        return self._untrue(message, callback) or self._superseded(message)

    def _superseded(self, message: Message) -> str | None:
        """Say so where a newer message tells what this one told: it had been given out when that one was born."""
        if message.callback_id is None or message.is_answer:
            return None
        age = (message.created_at, message.message_id)
        for other in self.tx.messages.of_callback(message.callback_id, limit=_NEWEST):
            if (other.created_at, other.message_id) <= age:
                break
            if not other.is_answer and message.message_kind in outgoing.supersedes(other.message_kind):
                return outgoing.SUPERSEDED
        return None

    def _is_erased(self, subject_id: SubjectId | None) -> bool:
        return subject_id is not None and self.tx.subjects.get(subject_id).erased_at is not None

    def is_opted_out(self, address_key: str, subject: Subject | None) -> bool:
        """Whether no messages are wanted at this address, or at the person's main number, by whatever channel."""
        keys = [address_key]
        if subject is not None and subject.number:
            keys.append(self.key_of(subject.number))
        found = (self.tx.opt_outs.find(key) for key in keys)
        return any(opt_out is not None and opt_out.messages_at is not None for opt_out in found)

    def key_of(self, address: str) -> str:
        """Return the keyed digest of a number or an address."""
        return number_key(address, tenant_id=self.desk.tenant_id, pepper=self.desk.pepper)

    # ------------------------------------------------------------------ where and when

    def channels(self, subject: Subject, messages: Messages) -> tuple[str, ...]:
        """Return the channels by which a person can be reached, the one that they prefer first."""
        usable = [channel for channel in messages.channels if _is_reached(subject, channel)]
        preferred = [channel for channel in usable if channel == subject.channel]
        return tuple(dict.fromkeys((*preferred, *usable)))

    def _address(self, message: Message, subject: Subject, messages: Messages) -> Address | None:
        """Return where it goes: always to the person's main number, never to one that may be somebody else's."""
        channel = outbox.next_channel(self.channels(subject, messages), message.channels_over)
        if channel is None:
            return None
        return self._address_by(channel, subject)

    def _address_by(self, channel: str, subject: Subject) -> Address | None:
        if channel == PUSH:
            return Address(channel=channel, to=None, key=self.key_of(f"customer:{subject.customer_id}"))
        to = subject.email if channel == EMAIL else subject.number
        if not to:
            return None
        return address_of(channel, to, tenant_id=self.desk.tenant_id, pepper=self.desk.pepper)

    def _quiet_until(
        self,
        message: Message,
        subject: Subject,
        callback: Callback | None,
        address: Address,
        messages: Messages,
    ) -> datetime | None:
        if messages.quiet_from is None or messages.quiet_until is None or message.is_answer:
            return None
        if callback is not None and self._is_asked_for(callback):
            return None
        known = self.conversation(address)
        if known is not None and known.heard_at is not None and self.now - known.heard_at < ANSWERING:
            return None
        # What the records say may be no zone, or one that this machine does not know.
        known_zone = [subject.zone] if subject.zone in zone_keys() else None
        zones = known_zone or zones_of_number(subject.number) or [self.writer.queue_zone(message.queue)]
        return quiet_until(
            zones, quiet_from=messages.quiet_from, quiet_until=messages.quiet_until, now=self.now
        )

    def _is_asked_for(self, callback: Callback) -> bool:
        """Whether the customer has asked just now, also for a later time; or the time that was chosen is near."""
        has_just_asked = callback.purpose is Purpose.REQUESTED and self.now < asked_at(callback) + ASKED_LIFE
        return has_just_asked or is_asked_for(callback, asked_life=ASKED_LIFE, at=self.now)

    # ------------------------------------------------------------------ what it says

    @property
    def writer(self) -> Writer:
        """Who puts messages into words."""
        return Writer(tx=self.tx, desk=self.desk, policies=self.policies, now=self.now)

    def _choices(
        self, kind: MessageKind, callback: Callback | None, messages: Messages
    ) -> tuple[datetime, ...]:
        if callback is None or kind not in (MessageKind.OTHER_TIMES, MessageKind.LATE):
            return ()
        found = other_times(self.tx, callback, seating=self.desk.seating, now=self.now)
        return found[: messages.choices_max]

    # ------------------------------------------------------------------ giving out

    def _sent_out(
        self,
        message: Message,
        policy: QueuePolicy,
        subject: Subject,
        callback: Callback | None,
        address: Address,
        choices: tuple[datetime, ...],
    ) -> SendMessage:
        messages = policy.messages or MESSAGES_DEFAULT
        facts = self._facts_again(message, subject) if message.is_answer else TextFacts(choices=choices)
        channel = address.channel
        facts = attrs.evolve(facts, can_answer=channel != PUSH, can_request=channel != EMAIL)
        if callback is not None and message.message_kind in _TELL_THE_WAIT:
            position, wait = self.writer.standing(callback, policy)
            facts = attrs.evolve(facts, position=position, wait=wait)
        text = self.writer.text(
            message.message_kind, policy=policy, subject=subject, callback=callback, facts=facts
        )
        decision = outbox.send(
            message,
            channel=address.channel,
            address_key=address.key,
            choices=message.choices if message.is_answer else choice_texts(choices),
            segments_count=text.segments_count,
            policy=messages,
            now=self.now,
        )
        (after,) = decision.records
        assert isinstance(after, Message)
        if not message.is_answer:
            self.note_said(after, address, messages=messages)
        elif (message.channel, message.address_key) != (address.channel, address.key):
            self._ask_there(message, address, messages)  # At the first one it was noted when it was given.
        # At the end: whatever goes wrong before leaves the message as it was, to be withdrawn.
        write(self.tx, decision)
        return self._order(after, address, text, subject=subject, callback=callback)

    def _ask_there(self, message: Message, address: Address, messages: Messages) -> None:
        """Let an answer that goes by another channel be answered there: what it asks goes with it."""
        assert message.channel is not None
        assert message.address_key is not None
        asked = self.conversation(Address(channel=message.channel, key=message.address_key))
        stands = asked is not None and asked.choices == message.choices
        wish = asked.wish if asked is not None and stands else None
        verification_id = asked.verification_id if asked is not None and stands else None
        self.note_said(message, address, messages=messages, wish=wish, verification_id=verification_id)

    def _is_outdated(self, message: Message, subject: Subject) -> bool:
        """Whether an answer that was refused asks by now what can be answered no more."""
        if message.message_kind is MessageKind.ENTER_CODE:
            return subject.pending_number is None
        if message.message_kind not in _OFFER_TIMES:
            return False
        return any(datetime.fromisoformat(at) <= self.now for at in message.choices)

    def _facts_again(self, message: Message, subject: Subject) -> TextFacts:
        """Return what an answer told that was refused, and is given out once more: the same choices."""
        match message.message_kind:
            case MessageKind.WHICH:
                found = (self.tx.callbacks.get(CallbackId(one)) for one in message.choices)
                return TextFacts(callbacks=tuple((one.queue, one.scheduled_at) for one in found))
            case MessageKind.ENTER_CODE:
                return TextFacts(number=subject.pending_number)
            case kind if kind in _OFFER_TIMES:
                return TextFacts(choices=tuple(datetime.fromisoformat(at) for at in message.choices))
            case _:
                return TextFacts()

    def answer(
        self,
        kind: MessageKind,
        *,
        cause: str,
        address: Address,
        policy: QueuePolicy,
        subject: Subject | None,
        callback: Callback | None = None,
        facts: TextFacts | None = None,
        choices: tuple[str, ...] = (),
    ) -> tuple[SendMessage, Message]:
        """Answer at once what a customer wrote, at the address from which it came: the intent stands with it."""
        messages = policy.messages or MESSAGES_DEFAULT
        told = attrs.evolve(facts or TextFacts(), can_request=address.channel != EMAIL)
        text = self.writer.text(kind, policy=policy, subject=subject, callback=callback, facts=told)
        decision = outbox.answer(
            Born(
                kind=kind,
                cause=cause,
                queue=policy.queue,
                callback_id=callback.callback_id if callback is not None else None,
                subject_id=subject.subject_id if subject is not None else None,
                is_answer=True,
                due_at=self.now,
                best_before_at=self.now + messages.message_life,
            ),
            tenant_id=self.desk.tenant_id,
            message_id=MessageId(self.desk.ids.new("ms", now=self.now)),
            channel=address.channel,
            address_key=address.key,
            choices=choices,
            segments_count=text.segments_count,
            policy=messages,
            now=self.now,
        )
        write(self.tx, decision)
        (message,) = decision.records
        assert isinstance(message, Message)
        return self._order(message, address, text, subject=subject, callback=callback), message

    def _order(
        self,
        message: Message,
        address: Address,
        text: Text,
        *,
        subject: Subject | None,
        callback: Callback | None,
    ) -> SendMessage:
        return SendMessage(
            send_id=message.send_id,
            message_id=message.message_id,
            kind=message.message_kind,
            channel=address.channel,
            queue=message.queue,
            to=address.to,
            text=text.text,
            title=text.title,
            segments_count=text.segments_count,
            language=text.language,
            is_answer=message.is_answer,
            callback_id=message.callback_id,
            ticket_id=callback.ticket_id if callback is not None else None,
            customer_id=subject.customer_id if subject is not None else None,
        )

    # ------------------------------------------------------------------ conversations

    def conversation(self, address: Address) -> Conversation | None:
        """Return what was said last to and by an address; None if nothing was."""
        return self.tx.conversations.find(conversation_key(address))

    def begun(self, address: Address) -> Conversation:
        """Return the conversation with an address; a new one, if nothing was said yet."""
        known = self.conversation(address)
        return known or questions.new_conversation(
            self.desk.tenant_id, conversation_key(address), now=self.now
        )

    def note_said(
        self,
        message: Message,
        address: Address,
        *,
        messages: Messages,
        wish: ReplyWish | None = None,
        verification_id: VerificationId | None = None,
    ) -> None:
        """Keep what a message that goes out now makes of the next bare number that comes back."""
        after = questions.said(
            self.begun(address),
            message_kind=message.message_kind,
            callback_id=message.callback_id,
            choices=message.choices,
            wish=wish,
            verification_id=verification_id,
            now=self.now,
            policy=messages,
        )
        self.save_conversation(after)

    def save_conversation(self, after: Conversation) -> None:
        """Save a conversation over what stands there."""
        stored = self.tx.conversations.find(after.conversation_key)
        self.tx.save(attrs.evolve(after, version=stored.version + 1 if stored is not None else 1))


_OFFER_TIMES: Final = frozenset({MessageKind.RESCHEDULE, MessageKind.SLOTS_FULL})
_TELL_THE_WAIT: Final = frozenset({MessageKind.CONFIRMATION, MessageKind.SLIPPED, MessageKind.STATUS})


def _is_reached(subject: Subject, channel: str) -> bool:
    if channel == EMAIL:
        return subject.email is not None
    if channel == PUSH:
        return subject.customer_id is not None
    # Behind an extension is one person of many: a text to the number would be read by somebody else.
    return bool(subject.number) and subject.extension is None and subject.number not in subject.wrong_numbers


def conversation_key(address: Address) -> str:
    """Return under which key the conversation with an address is kept."""
    return f"{address.channel}/{address.key}"
