"""The commands of the outbox: what became of a send, what stands in it, and links for customers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core import opt_outs, outbox
from callbackq.core.instants import check_text, optional_text, read_member
from callbackq.core.links import make_link_token, read_link_token
from callbackq.core.numbers import number_key
from callbackq.effects import Delivered
from callbackq.errors import InvalidText, InvalidTime, MessageNotFound
from callbackq.events import MessageSending
from callbackq.ids import MessageId
from callbackq.model import (
    Callback,
    Delivery,
    DeliveryKind,
    Entity,
    Medium,
    Message,
    MessageState,
)
from callbackq.ports import Commit, Transaction
from callbackq.posting import MESSAGES_DEFAULT, Postman
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id
from callbackq.writing import write

LISTED_MAX: Final = 1_000
LINK_LIFE_MAX: Final = timedelta(days=30)
_PROBLEM_MAX: Final = 64
_TOKEN_MAX: Final = 500


class MessageCommands(ServiceBase):
    """The commands of the outbox."""

    # ------------------------------------------------------------------ what became of a send

    def message_is_wanted(self, send_id: str) -> bool:
        """
        Return whether a message that was given out may be sent now. Runners ask it just before they send.

        Not where it was given out again or settled meanwhile, is no longer true, or nobody wants it any more; nor if
        the time to send it is over, for then it counts as uncertain.

        Raises:
            InvalidText: it is the id of no send.
        """
        message_id, _ = _read_send_id(send_id)

        def wanted(tx: Transaction, now: datetime) -> bool:
            try:
                message = tx.messages.get(message_id)
            except MessageNotFound:
                return False
            if message.state is not MessageState.SENDING or message.send_id != send_id:
                return False
            if message.due_at is None or now >= message.due_at:
                return False
            postman = self._postman(tx, now)
            return postman.unwanted(message) is None

        return self._run(Commit.READ_ONLY, wanted)

    def delivery(self, report: Delivery) -> Delivered:
        """
        Take what is known of one send: the messenger's answer, or a receipt. Durable on return.

        It may come twice, late, or out of order. A send that certainly reached nobody is tried again, by this channel
        or the next. What the provider says of an opt-out is kept for the number.

        Raises:
            MessageNotFound: no send has this id.
            InvalidText: there is neither a *send_id*, nor a *provider_id* with its *channel*; or a text can be none.
        """
        read = _read_delivery(report)
        given = attrs.evolve(read, provider_id=self._provider_key(read.provider_id))

        def taken(tx: Transaction, now: datetime) -> Delivered:
            message = self._message_of(tx, given)
            postman = self._postman(tx, now)
            policy = postman.policy_of(message).messages or MESSAGES_DEFAULT
            channels = policy.channels
            if message.subject_id is not None:
                channels = postman.channels(tx.subjects.get(message.subject_id), policy)
            decision = outbox.delivered(message, given, channels=channels, policy=policy, now=now)
            write(tx, decision)
            key = _address_of_send(tx, message, given)
            if given.kind is DeliveryKind.OPTED_OUT and key is not None:
                self._learn_opt_out(tx, key, now=now)
            return Delivered(message_id=message.message_id, changed=bool(decision.records))

        return self._run(Commit.FLUSHED, taken)

    def _provider_key(self, provider_id: str | None) -> str | None:
        """Return the digest under which a provider's own id is kept: some write a number into theirs."""
        if provider_id is None:
            return None
        return number_key(f"provider/{provider_id}", tenant_id=self.tenant_id, pepper=self.store.pepper)

    def _answered(self, tx: Transaction, channel: str, provider_id: str) -> Message | None:
        """Return our message that the provider calls so."""
        key = self._provider_key(provider_id)
        assert key is not None
        return tx.messages.by_provider(channel, key)

    def _message_of(self, tx: Transaction, report: Delivery) -> Message:
        if report.send_id is not None:
            message_id, _ = _read_send_id(report.send_id)
            return tx.messages.get(message_id)
        assert report.channel is not None
        assert report.provider_id is not None
        found = tx.messages.by_provider(report.channel, report.provider_id)
        if found is None:
            raise MessageNotFound("the provider names a message that was not sent here")
        return found

    def _learn_opt_out(self, tx: Transaction, address_key: str, *, now: datetime) -> None:
        before = tx.opt_outs.find(address_key)
        before = before or opt_outs.not_opted_out(self.tenant_id, address_key, now=now)
        write(tx, opt_outs.change(before, [Medium.MESSAGES], wanted=False, by="provider", now=now))

    def settle_message(self, message_id: str, *, sent: bool, by: str, reason: str | None = None) -> Message:
        """
        Say whether a message was sent of which nobody knows. Durable on return. It is not sent again in either case.

        Args:
            by: who says so; kept in history with *reason*.

        Raises:
            MessageNotFound, InvalidText: nothing was changed.
            NotPossibleNow: it is not uncertain.
        """
        key = MessageId(check_text(message_id, "message_id"))
        who, why = check_text(by, "by"), optional_text(reason, "reason")

        def settled(tx: Transaction, now: datetime) -> Message:
            write(tx, outbox.settle(tx.messages.get(key), sent=sent, by=who, reason=why, now=now))
            return tx.messages.get(key)

        return self._run(Commit.FLUSHED, settled)

    # ------------------------------------------------------------------ what stands there

    def message(self, message_id: str) -> Message:
        """Return one message as it is now. Raises: MessageNotFound, InvalidText."""
        key = MessageId(check_text(message_id, "message_id"))
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.messages.get(key))

    def messages_of(self, callback_id: str, *, limit: int = 100) -> list[Message]:
        """
        Return the messages about one callback, the latest first.

        Raises:
            CallbackNotFound: there is no such callback.
        """
        key, most = read_callback_id(callback_id), min(max(limit, 0), LISTED_MAX)

        def read(tx: Transaction, _now: datetime) -> list[Message]:
            return tx.messages.of_callback(tx.callbacks.get(key).callback_id, limit=most)

        return self._run(Commit.READ_ONLY, read)

    def uncertain_messages(self, *, limit: int = 100) -> list[Message]:
        """Return the messages of which nobody knows whether they were sent; those that are given up first, first."""
        most = min(max(limit, 0), LISTED_MAX)
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.messages.uncertain(limit=most))

    # ------------------------------------------------------------------ links

    def link_token(self, callback_id: str, *, life: timedelta = timedelta(days=7)) -> str:
        """
        Return a signed token for a page of yours, on which a customer can change or cancel one callback.

        Whoever has it has power over this callback, until it expires: put it into a link to the customer, and nowhere
        else. It holds no personal data. `Messages.link` puts such links into messages by itself.

        Args:
            life: how long it can be used. 1 min to 30 days.

        Raises:
            CallbackNotFound: there is no such callback.
            InvalidTime: *life* is out of its bounds.
        """
        key = read_callback_id(callback_id)
        if not isinstance(life, timedelta) or not timedelta(minutes=1) <= life <= LINK_LIFE_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidTime(f"life is {life!r}; allowed: 1 minute to {LINK_LIFE_MAX.days} days")

        def made(tx: Transaction, now: datetime) -> str:
            callback = tx.callbacks.get(key)
            return make_link_token(
                callback.callback_id,
                tenant_id=self.tenant_id,
                expires_at=now + life,
                key=self.store.pepper,
            )

        return self._run(Commit.READ_ONLY, made)

    def open_link(self, token: str) -> Callback:
        """
        Return the callback that a token is for. `cancel`, `reschedule` or `change_number` do what the customer wants.

        Raises:
            InvalidText: it is no token of this tenant, or was changed.
            NotVerified: it has expired.
            CallbackNotFound: the callback is not there any more.
        """
        given = check_text(token, "token", length_max=_TOKEN_MAX)

        def opened(tx: Transaction, now: datetime) -> Callback:
            callback_id = read_link_token(given, tenant_id=self.tenant_id, key=self.store.pepper, now=now)
            return tx.callbacks.get(callback_id)

        return self._run(Commit.READ_ONLY, opened)

    def _postman(self, tx: Transaction, now: datetime) -> Postman:
        return Postman(tx=tx, desk=self.desk, policies=self.policies, now=now)


def _address_of_send(tx: Transaction, message: Message, report: Delivery) -> str | None:
    """Return where the send went that is reported, as a digest: the latest one, or an earlier one."""
    is_latest = report.send_id in {None, message.send_id} and report.channel in {None, message.channel}
    if is_latest:
        return message.address_key
    chain = tx.history.chain(Entity.MESSAGE, message.message_id)
    sends = [link.event for link in chain if isinstance(link.event, MessageSending)]
    if report.send_id is not None:
        _, number = _read_send_id(report.send_id)
        keys = [send.address_key for send in sends if send.sends_count == number]
    else:
        keys = [send.address_key for send in sends if send.channel == report.channel]
    return keys[-1] if keys else None


def _read_send_id(send_id: str) -> tuple[MessageId, int]:
    read = outbox.read_send_id(check_text(send_id, "send_id"))
    if read is None:
        raise InvalidText("send_id is the id of no send; allowed: as SendMessage has it")
    return read


def _read_delivery(report: Delivery) -> Delivery:
    if not isinstance(report, Delivery):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidText(f"a report of a send is {type(report).__name__}; allowed: Delivery")
    channel = optional_text(report.channel, "channel", length_max=64)
    provider_id = optional_text(report.provider_id, "provider_id")
    if report.send_id is None and (channel is None or provider_id is None):
        raise InvalidText("a report of a send needs send_id, or provider_id and channel")
    return attrs.evolve(
        report,
        kind=read_member(report.kind, "kind", DeliveryKind),
        problem=optional_text(report.problem, "problem", length_max=_PROBLEM_MAX),
    )
