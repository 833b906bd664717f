"""What a customer's message asks for is done here, in its transaction, and answered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final, assert_never

import attrs

from callbackq.asking import Desk
from callbackq.booking import other_times
from callbackq.core import codes, lifecycle, opt_outs
from callbackq.core.codes import Verdict
from callbackq.core.conversation import (
    Cancel,
    Move,
    NewNumber,
    OfferTimes,
    OptIn,
    OptOut,
    Prove,
    Request,
    Tell,
    Turn,
)
from callbackq.core.number_rules import check_dialable
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.core.texts import TextFacts
from callbackq.effects import Effect
from callbackq.errors import (
    CallbackNotFound,
    CodeWrong,
    DuplicateCallback,
    InvalidNumber,
    NoShowsTooMany,
    NumberRefused,
    SlotUnavailable,
)
from callbackq.ids import CallbackId, QueueName, VerificationId
from callbackq.model import (
    EMAIL,
    Callback,
    Medium,
    MessageKind,
    NumberProblem,
    ReplyWish,
    Subject,
    choice_texts,
)
from callbackq.policy import Messages, QueuePolicy
from callbackq.ports import Transaction
from callbackq.posting import PUSH, Address, Postman, address_of, conversation_key
from callbackq.verifying import verify_of
from callbackq.writing import write, write_end

BY_MESSAGE: Final = "message"
"""Who changed a callback, in its history: the customer, by message."""


@attrs.frozen(kw_only=True)
class Received:
    """What came in, read and checked."""

    inbound_id: str
    address: Address
    text: str = attrs.field(repr=False)
    policy: QueuePolicy
    answers_id: str | None
    number: PhoneNumber | None = attrs.field(default=None, repr=False)

    @property
    def heard_id(self) -> str:
        """Which message of this sender it is, as a digest: some providers write the number into their own ids."""
        written = f"{conversation_key(self.address)}/{self.inbound_id}"
        return hashlib.sha256(written.encode()).hexdigest()[:32]

    @property
    def request_key(self) -> str:
        """The key of the request that this message may be: the same message of the same sender asks once."""
        return f"message/{self.address.channel}/{self.heard_id}"

    @property
    def messages(self) -> Messages:
        """How messages are sent in the queue that was written to."""
        assert self.policy.messages is not None
        return self.policy.messages


@attrs.frozen(kw_only=True)
class Hands:
    """The commands of the service that a message can give, each within a transaction that is open."""

    move: Callable[[Transaction, CallbackId, datetime, datetime], None]
    renumber: Callable[[Transaction, Callback, PhoneNumber, VerificationId | None, datetime], None]
    code: Callable[[Transaction, QueuePolicy, str, datetime], tuple[VerificationId, str]]


@attrs.frozen(kw_only=True)
class Acting:
    """Does what one message asks for, in its transaction."""

    hands: Hands
    desk: Desk
    tx: Transaction
    received: Received
    people: list[Subject]
    turn: Turn
    queue_wanted: QueueName
    postman: Postman
    now: datetime

    def act(self) -> tuple[Effect, ...]:
        """Do it, and return the answers. Raises: RequestRefused, NotFound: it cannot be done; all is to be undone."""
        action = self.turn.action
        match action:
            case None | Request():
                return ()
            case Tell():
                return self._tell(action)
            case Cancel():
                self._cancel(action.callback_id)
                return self._told_otherwise(MessageKind.CANCELLED, action.callback_id)
            case OfferTimes():
                return self._offer_times(action.callback_id)
            case Move():
                self._move(action)
                return self._told_otherwise(MessageKind.CONFIRMATION, action.callback_id)
            case NewNumber():
                return self._new_number(action)
            case Prove():
                return self._prove(action)
            case OptOut():
                return self._opt_out(action)
            case OptIn():
                return self._opt_in()
            case _:
                assert_never(action)

    def failed(self, problem: Exception) -> tuple[Effect, ...]:
        """Say that it cannot be done, and what can be done instead."""
        match problem:
            case SlotUnavailable():
                choices = tuple(problem.alternatives)[: self.received.messages.choices_max]
                return self._answer(MessageKind.SLOTS_FULL, times=choices)
            case DuplicateCallback():
                return self._answer(MessageKind.STATUS, callback_id=problem.existing_id)
            case NoShowsTooMany():
                return self._answer(MessageKind.NO_SHOWS)
            case NumberRefused(problem=NumberProblem.REGION_NOT_SERVED):
                return self._answer(MessageKind.REGION_NOT_SERVED)
            case InvalidNumber() if isinstance(self.turn.action, Request):
                return self._answer(MessageKind.REGION_NOT_SERVED)
            case InvalidNumber() | CodeWrong():
                return self._answer(MessageKind.NUMBER_REFUSED)
            case CallbackNotFound():
                return self._answer(MessageKind.NO_CALLBACK)
            case _:
                return self._answer(MessageKind.NOT_POSSIBLE)

    # ------------------------------------------------------------------ answers

    def _answer(
        self,
        kind: MessageKind,
        *,
        callback_id: CallbackId | None = None,
        times: tuple[datetime, ...] = (),
        choices: tuple[str, ...] = (),
        facts: TextFacts | None = None,
        wish: ReplyWish | None = None,
        verification_id: VerificationId | None = None,
    ) -> tuple[Effect, ...]:
        """Answer the sender, unless they want no messages: at this address, or at their main number."""
        about = callback_id or self.turn.callback_id
        callback = self.tx.callbacks.get(about) if about is not None else None
        person = self._person(callback)
        if kind is not MessageKind.OPTED_OUT and self.postman.is_opted_out(self.received.address.key, person):
            return ()
        cause = f"{self._cause}.{kind}"
        if self._was_answered(cause):
            return ()
        order, message = self.postman.answer(
            kind,
            cause=cause,
            address=self.received.address,
            policy=self._policy(callback),
            subject=person,
            callback=callback,
            facts=attrs.evolve(facts or TextFacts(), choices=times),
            choices=choices or choice_texts(times),
        )
        self.postman.note_said(
            message,
            self.received.address,
            messages=self.received.messages,
            wish=wish,
            verification_id=verification_id,
        )
        return (order,)

    def _was_answered(self, cause: str) -> bool:
        """Whether the same was answered before: it was heard so long ago that its id was forgotten."""
        return self.tx.messages.by_cause(cause) is not None

    @property
    def _cause(self) -> str:
        """Who wrote, and the provider's id, as a digest of one width: two answers to one message are one."""
        return f"in/{self.received.heard_id}"

    def _policy(self, callback: Callback | None) -> QueuePolicy:
        """Return the policy of the callback's queue, where it sends messages; else of the queue that was written to."""
        found = self.desk.policies.get(callback.queue) if callback is not None else None
        return found if found is not None and found.messages is not None else self.received.policy

    def _person(self, callback: Callback | None) -> Subject | None:
        if callback is not None:
            return self.tx.subjects.get(callback.subject_id)
        return self.people[0] if self.people else None

    def _tell(self, action: Tell) -> tuple[Effect, ...]:
        facts = TextFacts()
        if action.kind is MessageKind.WHICH:
            facts = TextFacts(callbacks=tuple(self._named(CallbackId(one)) for one in action.choices))
        elif action.kind is MessageKind.STATUS and self.turn.callback_id is not None:
            callback = self.tx.callbacks.get(self.turn.callback_id)
            position, wait = self.postman.writer.standing(callback, self._policy(callback))
            facts = TextFacts(position=position, wait=wait)
        return self._answer(
            action.kind,
            choices=action.choices,
            facts=facts,
            wish=self.turn.conversation.wish or self.turn.wish,
        )

    def _named(self, callback_id: CallbackId) -> tuple[str, datetime | None]:
        callback = self.tx.callbacks.get(callback_id)
        return callback.queue, callback.scheduled_at

    def _told_otherwise(self, kind: MessageKind, callback_id: CallbackId) -> tuple[Effect, ...]:
        """Answer at once what was done, where the queue does not send the message that would tell it."""
        messages = self._policy(self.tx.callbacks.get(callback_id)).messages
        if messages is not None and kind in messages.kinds:
            return ()
        return self._answer(kind, callback_id=callback_id)

    # ------------------------------------------------------------------ deeds

    def _cancel(self, callback_id: CallbackId) -> None:
        callback = self.tx.callbacks.get(callback_id)
        decision = lifecycle.cancel(callback, reason=BY_MESSAGE, now=self.now)
        write_end(self.tx, callback, decision, policies=self.desk.policies, now=self.now)

    def _offer_times(self, callback_id: CallbackId | None) -> tuple[Effect, ...]:
        seating, now = self.desk.seating, self.now
        if callback_id is not None:
            times = other_times(self.tx, self.tx.callbacks.get(callback_id), seating=seating, now=now)
        else:
            priority = self.desk.policies[self.queue_wanted].priority_default
            times = seating.alternatives(self.tx, self.queue_wanted, at=now, priority=priority, now=now)
        return self._answer(MessageKind.RESCHEDULE, times=times[: self.received.messages.choices_max])

    def _move(self, action: Move) -> None:
        self.hands.move(self.tx, action.callback_id, action.at, self.now)

    def _new_number(self, action: NewNumber) -> tuple[Effect, ...]:
        callback = self.tx.callbacks.get(action.callback_id)
        policy = self._policy(callback)
        new = read_number(action.text, region=policy.default_region)
        subject = self.tx.subjects.get(callback.subject_id)
        check_dialable(new.e164, policy=policy.numbers, tier=subject.tier)
        if new.e164 in self._company_numbers():
            return self._answer(MessageKind.NUMBER_REFUSED)
        if policy.messages is None or not policy.messages.verify_new_number:
            self.hands.renumber(self.tx, callback, new, None, self.now)
            return ()
        channel = self._channel_to_numbers()
        if channel is None:
            return self._answer(MessageKind.NOT_POSSIBLE)
        cause = f"{self._cause}.{MessageKind.VERIFICATION}"
        if self._was_answered(cause):
            return ()
        pending = new.e164 if new.extension is None else f"{new.e164};ext={new.extension}"
        self.tx.save(attrs.evolve(subject, version=subject.version + 1, pending_number=pending))
        made, code = self.hands.code(self.tx, policy, new.e164, self.now)
        to_new = address_of(channel, new.e164, tenant_id=self.desk.tenant_id, pepper=self.desk.pepper)
        effects: tuple[Effect, ...] = ()
        if not self.postman.is_opted_out(to_new.key, None):
            order, _ = self.postman.answer(
                MessageKind.VERIFICATION,
                cause=cause,
                address=to_new,
                policy=policy,
                subject=None,
                facts=TextFacts(code=code),
            )
            effects = (order,)
        return effects + self._ask_for_code(made, number=new.e164)

    def _ask_for_code(self, verification_id: VerificationId, *, number: str) -> tuple[Effect, ...]:
        facts = TextFacts(number=number)
        return self._answer(MessageKind.ENTER_CODE, facts=facts, verification_id=verification_id)

    def _channel_to_numbers(self) -> str | None:
        """Return how a code goes to another number: as the customer writes, or else by the first way to a number."""
        ways = (self.received.address.channel, *self.received.messages.channels)
        return next((way for way in ways if way not in (EMAIL, PUSH)), None)

    def _company_numbers(self) -> set[str]:
        """Return the company's own numbers. A machine that quotes our text names one, and is not to be called there."""
        found: set[str] = set()
        for policy in self.desk.policies.values():
            with suppress(InvalidNumber):
                if policy.company_number is not None:
                    found.add(read_number(policy.company_number, region=policy.default_region).e164)
        return found

    def _prove(self, action: Prove) -> tuple[Effect, ...]:
        callback = self.tx.callbacks.get(action.callback_id)
        subject = self.tx.subjects.get(callback.subject_id)
        if action.verification_id is None or subject.pending_number is None:
            return self._answer(MessageKind.NOT_POSSIBLE)
        known = self.tx.verifications.get(action.verification_id)
        verify = verify_of(self._policy(callback))
        after, verdict = codes.check(known, action.code, policy=verify, pepper=self.desk.pepper, now=self.now)
        if after is not known:
            self.tx.save(after)
        if verdict is Verdict.WRONG and codes.tries_left(after, policy=verify):
            return self._ask_for_code(action.verification_id, number=subject.pending_number)
        if verdict is not Verdict.RIGHT:
            return self._answer(MessageKind.NUMBER_REFUSED)
        new = read_number(subject.pending_number, region=self._policy(callback).default_region)
        self.tx.save(attrs.evolve(subject, version=subject.version + 1, pending_number=None))
        self.hands.renumber(self.tx, callback, new, action.verification_id, self.now)
        return ()

    def _opt_out(self, action: OptOut) -> tuple[Effect, ...]:
        for callback_id in action.cancels:
            self._cancel(callback_id)
        was_out = self.postman.is_opted_out(self.received.address.key, None)
        self._opt(action.media, wanted=False)
        if was_out or not self.received.messages.opt_out_confirmed or Medium.MESSAGES not in action.media:
            return ()
        return self._answer(MessageKind.OPTED_OUT)

    def _opt_in(self) -> tuple[Effect, ...]:
        self._opt(frozenset({Medium.MESSAGES}), wanted=True)
        return self._answer(MessageKind.OPTED_IN)

    def _opt(self, media: frozenset[Medium], *, wanted: bool) -> None:
        key = self.received.address.key
        tenant_id = self.desk.tenant_id
        before = self.tx.opt_outs.find(key) or opt_outs.not_opted_out(tenant_id, key, now=self.now)
        write(self.tx, opt_outs.change(before, media, wanted=wanted, by=BY_MESSAGE, now=self.now))
