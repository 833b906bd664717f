"""The commands of people about callbacks under way, or over: settle, correct, call now, mark done, score."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from callbackq.admission import admit_number
from callbackq.asking import read_verification_id
from callbackq.core import attempt, lifecycle, placing, settling
from callbackq.core.instants import check_instant, check_text, optional_text, read_member
from callbackq.core.numbers import PhoneNumber, number_key, read_number
from callbackq.core.outgoing import untold
from callbackq.effects import Settled
from callbackq.errors import CallbackNotFound, InvalidText, InvalidTime, NotPossibleNow
from callbackq.events import CallbackReranked
from callbackq.facts import first_rank
from callbackq.ids import VerificationId
from callbackq.model import (
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    Disposition,
    HoldReason,
    Outcome,
)
from callbackq.people import dial_main_number, renumber, take_up
from callbackq.policy import PlaceAfter
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id
from callbackq.writing import (
    attempt_context,
    correct_attempt,
    move_attempt,
    policy_or_default,
    write,
    write_end,
)

_SCORE_MAX: Final = 1_000_000
_OF_TICKET_MAX: Final = 1_000
"""So many callbacks of one ticket are looked at, the latest."""


class SettlingCommands(ServiceBase):
    """The commands of people who know better."""

    def settle(
        self, callback_id: str, disposition: Disposition, *, by: str, reason: str | None = None
    ) -> Settled:
        """
        Say how an attempt under way has ended: one in doubt after a crash, or of which nothing is heard.

        Its legs are hung up by the next step, and what follows is what follows the disposition. CONNECTED says that
        they talked: the callback is completed. Durable on return; the caller must perform the effects.

        Args:
            by: who says so, 1 to 200 characters; kept in history with *reason*.

        Raises:
            CallbackNotFound, InvalidText: nothing was changed.
            NotPossibleNow: no attempt is under way, or they talk; see `set_disposition`.
        """
        key, who, why = read_callback_id(callback_id), check_text(by, "by"), optional_text(reason, "reason")
        said = _read_disposition(disposition)

        def settled(tx: Transaction, now: datetime) -> Settled:
            callback = tx.callbacks.get(key)
            before = _attempt_of(tx, callback, "settle")
            if before.state in (AttemptState.CONNECTED, AttemptState.ENDED):
                raise NotPossibleNow(
                    "settle", str(before.state), "an attempt that is neither connected nor over"
                )
            context = attempt_context(tx, before, policies=self.policies, pepper=self.store.pepper, now=now)
            decision = attempt.call_off(before, said, context, by=who, reason=why)
            effects = move_attempt(tx, before, decision, context, by=who)
            self._take_up_renumbered(tx, before, by=who, now=now)
            return Settled(callback=tx.callbacks.get(key), effects=untold(effects, policies=self.policies))

        return self._run(Commit.FLUSHED, settled)

    def set_disposition(
        self, callback_id: str, disposition: Disposition, *, by: str, reason: str | None = None
    ) -> Settled:
        """
        Say what a conversation was, that was taken for one: a machine, a fax, the wrong person, nobody.

        The promise is taken up again when the call is over: tried again as the rule for the disposition says, or held
        until `change_number` where somebody else answered and there is no other number. A wrong number is kept with
        the customer, and is not dialed again. Durable on return; the caller must perform the effects.

        Args:
            disposition: MACHINE, FAX, WRONG_PERSON, ANSWERED_THEN_LEFT or UNKNOWN.
            by: who says so; kept in history.

        Raises:
            CallbackNotFound, InvalidText: nothing was changed.
            NotPossibleNow: the callback was not completed by its last attempt.
        """
        key, who, why = read_callback_id(callback_id), check_text(by, "by"), optional_text(reason, "reason")
        said = _read_disposition(disposition)
        if said not in settling.NO_CONVERSATION:
            allowed = ", ".join(sorted(settling.NO_CONVERSATION))
            raise InvalidText(f"disposition is {said.value!r}; allowed: {allowed}")

        def corrected(tx: Transaction, now: datetime) -> Settled:
            callback = tx.callbacks.get(key)
            before = _attempt_of(tx, callback, "set disposition")
            if callback.outcome is not Outcome.COMPLETED or before.connected_at is None:
                raise NotPossibleNow("set disposition", str(callback.outcome or callback.state), "completed")
            context = attempt_context(tx, before, policies=self.policies, pepper=self.store.pepper, now=now)
            decision = attempt.dispose(before, said, context, by=who, reason=why)
            effects = move_attempt(tx, before, decision, context, by=who)
            if before.state is AttemptState.ENDED:
                after = tx.attempts.get(before.attempt_id)
                effects += correct_attempt(tx, after, context, by=who)
            self._take_up_renumbered(tx, before, by=who, now=now)
            return Settled(callback=tx.callbacks.get(key), effects=untold(effects, policies=self.policies))

        return self._run(Commit.FLUSHED, corrected)

    def _take_up_renumbered(self, tx: Transaction, dialed: Attempt, *, by: str, now: datetime) -> None:
        """What is wrong with a number that the person has no more holds no callback of theirs."""
        subject = tx.subjects.get(dialed.subject_id)
        key = number_key(subject.number, tenant_id=self.tenant_id, pepper=self.store.pepper)
        if dialed.number_index == 0 and dialed.number_key != key:
            take_up(tx, subject, policies=self.policies, by=by, now=now)

    def call_now(self, callback_id: str, *, by: str, reason: str | None = None) -> Callback:
        """
        Let a callback be the next: whatever it waits for, it stands at the front of its line now.

        What forbids dialing goes on forbidding it: a pause, a cap, a number in use, calling hours, an opt-out.
        Durable on return. A booked one is called instead of at its time: when it is over, reached or not, so is its
        booking.

        Raises:
            CallbackNotFound, InvalidText: nothing was changed.
            NotPossibleNow: it is being attempted, has ended, or waits for another number.
        """
        key, who, why = read_callback_id(callback_id), check_text(by, "by"), optional_text(reason, "reason")

        def called(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            if callback.hold_reason is HoldReason.WRONG_NUMBER:
                raise NotPossibleNow("call now", "held for a wrong number", "any other, after change_number")
            policy = policy_or_default(self.policies, callback.queue)
            first = first_rank(tx, callback, policy=policy, now=now)
            stand = placing.put(callback, PlaceAfter.FRONT, first_rank=first, policy=policy, now=now)
            said = why or "call now"
            if callback.state is CallbackState.WAITING:
                decision = lifecycle.place(
                    callback, CallbackReranked, stand=stand, policy=policy, reason=said, by=who, now=now
                )
            else:
                decision = lifecycle.ready(callback, stand=stand, policy=policy, now=now, by=who, reason=said)
            write(tx, decision)
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, called)

    def mark_done(self, callback_id: str, *, by: str, reason: str | None = None) -> Callback:
        """
        Say that the customer was reached in another way: the callback ends as served elsewhere.

        Also for one that has ended as unreached or expired, as after an attempt in doubt. Durable on return; an attempt
        under way is hung up at the next step. Saying it twice changes nothing.

        Raises:
            CallbackNotFound, InvalidText: nothing was changed.
            NotPossibleNow: it has ended in another way.
        """
        key, who, why = read_callback_id(callback_id), check_text(by, "by"), optional_text(reason, "reason")

        def done(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            done_by = settling.mark_done(callback, by=who, reason=why, now=now)
            write_end(tx, callback, done_by, policies=self.policies, now=now)
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, done)

    def change_number(
        self, callback_id: str, number: str, *, by: str | None = None, verification_id: str | None = None
    ) -> Callback:
        """
        Call the customer at another number. The place is kept; whatever was held for it stands in line again.

        The number is the person's from now on, for other callbacks of theirs as well. Durable on return.

        Args:
            by: who says so; the customer, if None.
            verification_id: the one-time code by which they proved the new number. See `send_code`.

        Raises:
            CallbackNotFound, InvalidNumber, InvalidText: nothing was changed.
            NumberRefused: the new number must not be dialed.
            CallForbidden: the customer must not be called there.
            NotVerified: the customer must prove the new number first: the policy has numbers proved that come in the
                way in which this callback was asked for.
            NotPossibleNow: it is being attempted, or has ended; or the person was erased.
        """
        key = read_callback_id(callback_id)
        who = optional_text(by, "by")
        proof = read_verification_id(verification_id)

        def changed(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            policy = policy_or_default(self.policies, callback.queue)
            new = read_number(number, region=policy.default_region)
            return self._change_number(tx, callback, new, by=who, proof=proof, now=now)

        return self._run(Commit.FLUSHED, changed)

    def _change_number(
        self,
        tx: Transaction,
        callback: Callback,
        new: PhoneNumber,
        *,
        by: str | None,
        proof: VerificationId | None,
        now: datetime,
    ) -> Callback:
        """Give a callback, and its person, another number. Raises: as `change_number`."""
        policy = policy_or_default(self.policies, callback.queue)
        subject = tx.subjects.get(callback.subject_id)
        if subject.erased_at is not None:
            raise NotPossibleNow("change number", "erased", "a person who was not erased")
        if new.e164 != subject.number or proof is not None:
            admit_number(
                tx,
                callback,
                new.e164,
                policy=policy,
                tier=subject.tier,
                verification_id=proof,
                is_by_the_person=by is None,
                desk=self.desk,
                now=now,
            )
        dial_main_number(tx, callback, policies=self.policies, by=by, now=now)
        take_up(tx, renumber(tx, subject, new), policies=self.policies, by=by, now=now)
        return tx.callbacks.get(callback.callback_id)

    def report_score(
        self,
        callback_id: str,
        *,
        score: float | None = None,
        resolved: bool | None = None,
        by: str | None = None,
    ) -> Callback:
        """
        Keep how a callback went: the customer's score, and whether the matter is resolved. What is None is left.

        What is known already changes nothing. Where the ticket was opened again see `reopen_ticket`.

        Args:
            score: any number of the host's own scale, -1,000,000 to 1,000,000.

        Raises:
            CallbackNotFound, InvalidText: nothing was changed.
            NotPossibleNow: it is not over.
        """
        key = read_callback_id(callback_id)
        who = optional_text(by, "by")
        value = _read_score(score)
        if resolved is not None and not isinstance(resolved, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidText(f"resolved is {type(resolved).__name__}; allowed: True, False or None")

        def scored(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            write(tx, settling.score(callback, score=value, resolved=resolved, by=who, now=now))
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, scored)

    def reopen_ticket(
        self,
        *,
        ticket_id: str | None = None,
        callback_id: str | None = None,
        reopened_at: datetime | None = None,
        by: str | None = None,
        reason: str | None = None,
    ) -> Callback:
        """
        Say that a ticket was opened again: the callback in which they talked last did not resolve the matter.

        It is no longer one that was resolved at first contact. Nobody is called for it: ask for that by `request`.
        Durable on return. To say it twice changes nothing, nor does it once `report_score` has said at a later time
        that the matter is resolved, so that a help desk may tell of it late and more than once.

        Args:
            ticket_id: of the help desk; the last callback of it that was completed by *reopened_at* is meant.
            callback_id: the callback itself. One of the two is given.
            reopened_at: when it was opened again, no later than now; now if None.
            by: who says so; kept in history with *reason*.

        Returns:
            The callback, which says that it is not resolved; or that it is, where that was said later.

        Raises:
            CallbackNotFound: there is no such callback, or none of that ticket. Nothing was changed.
            NotPossibleNow: they did not talk in it, or in none of that ticket by then. Nothing was changed.
            InvalidText, InvalidTime: nothing was changed.
        """
        if (ticket_id is None) == (callback_id is None):
            raise InvalidText("ticket_id or callback_id must be given, and not both")
        key = None if callback_id is None else read_callback_id(callback_id)
        ticket = optional_text(ticket_id, "ticket_id")
        who, why = optional_text(by, "by"), optional_text(reason, "reason")

        def reopened(tx: Transaction, now: datetime) -> Callback:
            at = _read_reopened_at(reopened_at, now=now)
            callback = _of_ticket(tx, ticket, by_at=at) if key is None else tx.callbacks.get(key)
            told = tx.history.of_callback(callback.callback_id)
            decision = settling.reopen_ticket(callback, told, reopened_at=at, by=who, reason=why, now=now)
            write(tx, decision)
            return tx.callbacks.get(callback.callback_id)

        return self._run(Commit.FLUSHED, reopened)


def _of_ticket(tx: Transaction, ticket_id: str | None, *, by_at: datetime) -> Callback:
    found = [] if ticket_id is None else tx.callbacks.of_ticket(ticket_id, limit=_OF_TICKET_MAX)
    if not found:
        raise CallbackNotFound("no callback has this ticket")
    last = settling.resolver_of(found, by_at=by_at)
    if last is None:
        raise NotPossibleNow("reopen the ticket", "not completed", str(Outcome.COMPLETED))
    return last


def _read_reopened_at(value: datetime | None, *, now: datetime) -> datetime:
    if value is None:
        return now
    at = check_instant(value, "reopened_at")
    if at > now:
        raise InvalidTime(f"reopened_at is {at.isoformat()}; allowed: no later than now")
    return at


def _attempt_of(tx: Transaction, callback: Callback, command: str) -> Attempt:
    if callback.attempt_id is None:
        raise NotPossibleNow(command, str(callback.state), "one with an attempt")
    return tx.attempts.get(callback.attempt_id)


def _read_disposition(disposition: str) -> Disposition:
    return read_member(disposition, "disposition", Disposition)


def _read_score(score: object) -> float | None:
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise InvalidText(f"score is {type(score).__name__}; allowed: a number, -1,000,000 to 1,000,000")
    if not -_SCORE_MAX <= score <= _SCORE_MAX:
        raise InvalidText("score is no number or out of bounds; allowed: -1,000,000 to 1,000,000")
    return float(score)
