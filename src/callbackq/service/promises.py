"""The commands of promises: make them, one or many, take them back, and say what was promised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from callbackq import asking, intake
from callbackq.admission import limit_keys
from callbackq.booking import receipt_for
from callbackq.core import lifecycle, speech
from callbackq.core.instants import check_instant, check_text, optional_text, read_entered_at
from callbackq.core.placing import lanes_of_request
from callbackq.core.requests import (
    event_key_of,
    read_channel,
    read_numbers,
    read_rate,
    read_skills,
    read_wish,
    request_key_of,
)
from callbackq.core.speech import Answer
from callbackq.core.zones import CustomerZone, zone_of_customer, zones_of_number
from callbackq.errors import (
    CallbackqError,
    Conflict,
    RequestRefused,
    SlotUnavailable,
    StoreError,
    TooManyRequests,
)
from callbackq.ids import AgentId, BookingId, CallbackId, CallId, OfferId
from callbackq.model import (
    Callback,
    Channel,
    Person,
    Purpose,
    Receipt,
    Subject,
    TicketOrder,
    TimeWindow,
    Triggered,
)
from callbackq.policy import Duplicates
from callbackq.ports import Commit, Tickets, Transaction
from callbackq.seating import own_windows
from callbackq.service.base import NO_CONTEXT, ServiceBase
from callbackq.writing import policy_of, write, write_end

logger = logging.getLogger("callbackq")

BATCH: Final = 200
"""So many promises of one business event are committed together."""


class PromiseCommands(ServiceBase):
    """The commands of promises."""

    def request(
        self,
        queue: str,
        *,
        call_id: str | None = None,
        number: str | None = None,
        request_key: str | None = None,
        offer_id: str | None = None,
        channel: Channel | None = None,
        priority: int | None = None,
        skills: Sequence[str] = (),
        preferred_agent: str | None = None,
        owner: str | None = None,
        ticket_id: str | None = None,
        entered_at: datetime | None = None,
        scheduled_at: datetime | None = None,
        windows: Sequence[TimeWindow] = (),
        booking_id: str | None = None,
        zone: str | None = None,
        repeats: str | None = None,
        name: str | None = None,
        language: str | None = None,
        context: Mapping[str, str] = NO_CONTEXT,
        alternatives: Sequence[str] = (),
        record_number: str | None = None,
        caller_id: str | None = None,
        media: str | None = None,
        confirmed: bool = False,
        customer_id: str | None = None,
        tier: str | None = None,
        source: str | None = None,
        purpose: Purpose | None = None,
        consent_at: datetime | None = None,
        consent_ref: str | None = None,
        verification_id: str | None = None,
        on_duplicate: Duplicates | None = None,
    ) -> Receipt:
        """
        Promise a callback. With *call_id* the live caller's place becomes the callback's place.

        Args:
            call_id: the live call that becomes a callback. Priority, skills and entry time are the call's.
            number: the number to call. If not given: the one that the customer prefers, or else the caller id of the
                live call; of a known customer without a call the last one.
            request_key: the same key again gives the same callback and the same receipt. A live call has a
                key of its own, so pressing twice is one callback.
            offer_id: the offer that was accepted; kept with the promise.
            channel: how it was asked for; IN_QUEUE with a live call, AGENT with an owner, else WEB.
            preferred_agent: who should call: the place waits for that agent alone for `preferred_agent_time`, if
                signed in for this queue with the skills when it stands in line; then for any.
            owner: the agent who books a follow-up. Kept with it, and preferred unless another one is.
            ticket_id: the ticket that it belongs to. Where none is given, the service has a `Tickets` port and
                there is no live call, a ticket is opened once the promise is durable.
            entered_at: for a host that keeps its own queue: when the caller entered it; at most 30 days ago.
            scheduled_at: call at this time instead of as soon as possible; aware, in the future. In a queue with
                slots it is the start of one; there it may be naive, a time on the wall of *zone*.
            windows: instead: any slot that begins in one of these, the first window first.
            booking_id: instead: the seat that `hold_slot` keeps.
            zone: the customer's, such as `"America/New_York"`. Where it is not given the number may tell; else it is
                the queue's. The wall-clock time in it is what is promised.
            repeats: call again and again by this rule of RFC 5545, `"FREQ=WEEKLY;BYDAY=MO"`, at the same wall-clock
                time; the next one is booked when one is over. Cancelling one cancels the series.
            alternatives: other numbers of this person, at most five, tried in this order by the policy's rules.
            record_number: the number in the host's own records; the agent is told whether another one is dialed.
            caller_id: the number that the customer's phone shows; the queue's if not given. 1 to 200 characters.
            media: `"video"` or another medium, handed to the telephony as it is. 1 to 200 characters.
            confirmed: this person has said that they will be there, though they missed several chosen times.
            customer_id: the host's own id of the customer, where they are known. It goes before the number: two
                customers may share one, and one may have several. A known customer needs no number: the one they
                prefer is called, or else the last one. 1 to 200 characters.
            tier: what the host calls the customer's class of service; some regions are served for some tiers only.
            source: from where a web or message request comes, such as a network address: only a keyed digest of it is
                kept, to limit how many come from there. 1 to 200 characters.
            purpose: why they are called: REQUESTED, unless an agent or an event asks for the call; then SERVICE, if
                not given. Rules about calling hours differ by it.
            consent_at: when the customer agreed to be called; now, if they ask for it themselves.
            consent_ref: the host's own reference to how they did. 1 to 200 characters; put no personal data into it.
            verification_id: the one-time code by which they proved the number. See `send_code`.
            on_duplicate: what they want done with the callback that they have already: MERGE, REPLACE or ALLOW; only
                where the policy says ASK.

        Returns:
            The receipt, once the promise is durable. The live call is over as far as the line goes: hang it up.

        Raises:
            SlotUnavailable: the slot cannot be had; with others that can.
            BookingNotFound, NotPossibleNow: there is no such hold, or the queue has no slots.
            UnknownQueue, CallNotFound, InvalidNumber, InvalidPriority, InvalidTime, InvalidText: nothing was
                stored.
            CallHasEnded: the live call waits no longer.
            NoShowsTooMany: a chosen time, for a person who missed several; ask, and give `confirmed=True`.
            NumberRefused: this number must not be dialed; say why, and name the alternatives.
            CallForbidden: this customer must not be called.
            NotVerified: the number must be proved first.
            TooManyRequests: a limit is reached; `again_at` says until when.
            DuplicateCallback: this person has one; give them `receipt(error.existing_id)`, or the choices.
            RequestKeyReused: the key was used for another request.
            CommitUncertain: it may have been stored; ask again with the same request key.
        """
        policy, now = policy_of(self.policies, queue), self.now()
        owner_id = AgentId(check_text(owner, "owner")) if owner is not None else None
        usual = Channel.IN_QUEUE if call_id is not None else Channel.WEB if owner is None else Channel.AGENT
        target = asking.read_target(number, policy)
        wish = read_numbers(
            read_wish(name=name, language=language, context=context),
            alternatives=alternatives,
            record_number=record_number,
            main=target,
            region=policy.default_region,
        )
        by = read_channel(channel or usual)
        why = asking.read_purpose(purpose, channel=by)
        asking.read_consent(consent_at, purpose=why, now=now)
        request = asking.Request(
            policy=policy,
            call_id=CallId(check_text(call_id, "call_id")) if call_id is not None else None,
            who=asking.read_who(target, customer_id=customer_id, tier=tier),
            request_key=request_key_of(request_key, call_id),
            offer_id=OfferId(check_text(offer_id, "offer_id")) if offer_id is not None else None,
            channel=by,
            purpose=why,
            consent_at=consent_at,
            consent_ref=optional_text(consent_ref, "consent_ref"),
            verification_id=asking.read_verification_id(verification_id),
            source=optional_text(source, "source"),
            on_duplicate=asking.read_duplicates(on_duplicate, policy=policy),
            priority=asking.read_priority(priority, policy),
            skills=read_skills(skills),
            entered_at=read_entered_at(entered_at, now=now) if entered_at is not None else now,
            scheduled_at=scheduled_at,
            windows=own_windows(windows),
            booking_id=BookingId(check_text(booking_id, "booking_id")) if booking_id is not None else None,
            zone=zone,
            repeats=repeats,
            preferred_agent_id=asking.read_agent(preferred_agent) or owner_id,
            owner_id=owner_id,
            ticket_id=optional_text(ticket_id, "ticket_id"),
            caller_id=optional_text(caller_id, "caller_id"),
            media=optional_text(media, "media"),
            confirmed=confirmed,
            wish=wish,
        )
        self._know_lanes(*lanes_of_request(request.skills, request.preferred_agent_id))
        receipt = self._promise(request, now=now)
        if self.tickets is not None and call_id is None and not self.is_provisional:
            self._open_ticket(receipt, self.tickets)
        return receipt

    def _promise(self, request: asking.Request, *, now: datetime) -> Receipt:
        """Make one promise. One that is known to be too many writes nothing; without a key the store is not asked."""
        number = request.number.e164 if request.number is not None else None
        keys = limit_keys(request, number, desk=self.desk)
        refused = self.flood.refusal(keys, now=now)
        if refused is not None:
            return self._made_before(request, refused)
        with self.flood.watch(keys, now=now):
            return self._run(
                Commit.FLUSHED, lambda tx, now: intake.promise(tx, request, desk=self.desk, now=now), now=now
            )

    def _made_before(self, request: asking.Request, refused: TooManyRequests) -> Receipt:
        """Return the receipt of a request that was made before. Raises: TooManyRequests, if it was not."""
        if request.request_key is None:
            raise refused
        known = self._run(Commit.READ_ONLY, lambda tx, _now: intake.known_receipt(tx, request))
        if known is None:
            raise refused
        return known

    def request_spoken(
        self,
        queue: str,
        *,
        call_id: str,
        number: str | None = None,
        offer_id: str | None = None,
        scheduled_at: datetime | None = None,
        windows: Sequence[TimeWindow] = (),
        booking_id: str | None = None,
        zone: str | None = None,
        preferred_agent: str | None = None,
        name: str | None = None,
        language: str | None = None,
        context: Mapping[str, str] = NO_CONTEXT,
        confirmed: bool = False,
        customer_id: str | None = None,
        tier: str | None = None,
        verification_id: str | None = None,
        on_duplicate: Duplicates | None = None,
    ) -> Answer:
        """
        Promise a callback to a live caller, and say what the IVR says now: success or error, chosen by type.

        Every argument means what it does in `request`. After success the host speaks `Answer.says` and hangs up;
        after an error it speaks them and does as `Answer.then` says: by policy the caller keeps the place on hold.
        Where a slot cannot be had, others are said in the caller's zone, with what there is to choose. Where the caller
        has a callback already and the policy says ASK, `Answer.error.choices` has what to ask about: ask, and say it
        again with *on_duplicate*.

        Returns:
            An `Answer`, also where the request was refused or the store failed. In doubt (`CommitUncertain`) the
            answer is an error; the same request again finds out, for a live call has a key of its own.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        policy = policy_of(self.policies, queue)
        try:
            receipt = self.request(
                queue,
                call_id=call_id,
                number=number,
                offer_id=offer_id,
                scheduled_at=scheduled_at,
                windows=windows,
                booking_id=booking_id,
                zone=zone,
                preferred_agent=preferred_agent,
                name=name,
                language=language,
                context=context,
                confirmed=confirmed,
                customer_id=customer_id,
                tier=tier,
                verification_id=verification_id,
                on_duplicate=on_duplicate,
            )
        except SlotUnavailable as error:
            shown = self._zone_to_say(queue, zone=zone, number=number, call_id=call_id)
            return speech.answer_failure(error, policy, zone=shown, now=self.now())
        except CallbackqError as error:
            return speech.answer_failure(error, policy)
        return speech.answer_success(receipt, policy)

    def customer_zone(
        self,
        queue: str,
        *,
        zone: str | None = None,
        number: str | None = None,
        call_id: str | None = None,
        at: datetime | None = None,
    ) -> CustomerZone:
        """
        Return in which zone times are shown to a customer: the chosen one, that of the number, or the queue's.

        Args:
            zone: what the customer chose.
            number: the customer's; the caller id of the live call if not given.
            at: the time that is to be shown; now, if not given. It matters where a number may be in several zones.

        Raises:
            UnknownQueue, CallNotFound, InvalidNumber, InvalidText, InvalidTime: it cannot be so.
        """
        policy = policy_of(self.policies, queue)
        target = asking.read_target(number, policy)
        e164 = target.e164 if target is not None else None
        if e164 is None and call_id is not None:
            e164 = self._number_of_call(CallId(check_text(call_id, "call_id")))
        return zone_of_customer(
            chosen=zone,
            known=None,
            number_zones=zones_of_number(e164) if e164 is not None else frozenset(),
            at=check_instant(at, "at") if at is not None else self.now(),
            queue_zone=self.seating.zone(policy.queue),
        )

    def _zone_to_say(
        self, queue: str, *, zone: str | None, number: str | None, call_id: str | None
    ) -> str | None:
        """Return the caller's zone; None, for the queue's, where it cannot be found out now: the answer is due."""
        try:
            return self.customer_zone(queue, zone=zone, number=number, call_id=call_id).zone
        except CallbackqError:
            return None

    def _number_of_call(self, call_id: CallId) -> str | None:
        def read(tx: Transaction, _now: datetime) -> str | None:
            call = tx.calls.get(call_id)
            number = tx.subjects.get(call.subject_id).number if call.subject_id is not None else None
            return number or None

        return self._run(Commit.READ_ONLY, read)

    def request_many(
        self,
        queue: str,
        *,
        people: Sequence[Person],
        event_key: str,
        rate_per_minute: float | None = None,
        purpose: Purpose | None = None,
    ) -> Triggered:
        """
        Promise a callback to each of *people*, because of one business event: an outage, an order, an alarm.

        Idempotent by event and person: the same call again, after a crash or a lost reply, promises nobody a
        second callback and gives the same receipts. Who has a callback in this queue already gets none.

        Args:
            people: whom to call, as many as you like; committed by the 200.
            event_key: the name of the event, 1 to 100 characters.
            rate_per_minute: how many of them may come due in a minute, in the order given: the n-th is scheduled
                n / rate minutes from now. All at once if None. 0.001 to 100,000.
            purpose: why they are called; SERVICE if not given.

        Returns:
            The receipts, durable, and who was refused and why, by index. Every person is in one of the two.

        Raises:
            UnknownQueue, InvalidText: nothing was stored.
            StoreUnavailable, CommitUncertain, Conflict: some may be stored; call again.
        """
        policy = policy_of(self.policies, queue)
        key = event_key_of(event_key)
        spacing = read_rate(rate_per_minute)
        why = asking.read_purpose(purpose, channel=Channel.EVENT)
        now = self.now()
        refused: dict[int, CallbackqError] = {}
        requests: list[tuple[int, asking.Request]] = []
        for index, person in enumerate(people):
            at = now + index * spacing if spacing and index else None
            try:
                requests.append(
                    (
                        index,
                        asking.request_for(
                            person,
                            policy=policy,
                            desk=self.desk,
                            event_key=key,
                            purpose=why,
                            at=at,
                            now=now,
                        ),
                    )
                )
            except RequestRefused as error:
                refused[index] = error
        for _, request in requests:
            self._know_lanes(*lanes_of_request(request.skills, request.preferred_agent_id))
        receipts: dict[int, Receipt] = {}
        for first in range(0, len(requests), BATCH):
            for index, answer in self._promise_some(requests[first : first + BATCH]).items():
                if isinstance(answer, Receipt):
                    receipts[index] = answer
                else:
                    refused[index] = answer
        return Triggered(receipts=receipts, refused=refused)

    def _promise_some(self, batch: list[tuple[int, asking.Request]]) -> dict[int, Receipt | RequestRefused]:
        """Promise in one transaction, people in one order everywhere; one by one, where others are in the way."""
        ordered = sorted(batch, key=lambda one: (one[1].who.identity, one[0]))

        def promised(tx: Transaction, now: datetime) -> dict[int, Receipt | RequestRefused]:
            return {index: self._promise_one(tx, request, now) for index, request in ordered}

        try:
            return self._once(Commit.FLUSHED, promised, self.now())
        except Conflict:
            return {
                index: self._run(Commit.FLUSHED, partial(_flipped, self._promise_one, request))
                for index, request in ordered
            }

    def _promise_one(
        self, tx: Transaction, request: asking.Request, now: datetime
    ) -> Receipt | RequestRefused:
        try:
            return intake.promise(tx, request, desk=self.desk, now=now)
        except RequestRefused as error:
            return error

    def cancel(self, callback_id: str, *, reason: str | None = None, by: str | None = None) -> Callback:
        """
        Take the promise back. Durable on return; an attempt under way is hung up at the next step.

        Cancelling twice changes nothing.

        Args:
            reason, by: why, and who wants it, 1 to 200 characters each; kept in history.

        Raises:
            CallbackNotFound: there is no such callback.
            NotPossibleNow: it has ended in another way.
        """
        key = read_callback_id(callback_id)
        why, who = optional_text(reason, "reason"), optional_text(by, "by")

        def cancelled(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            decision = lifecycle.cancel(callback, reason=why, by=who, now=now)
            write_end(tx, callback, decision, policies=self.policies, now=now)
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, cancelled)

    def receipt(self, callback_id: str) -> Receipt:
        """
        Return the receipt that was given for a callback: what was quoted then.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> Receipt:
            callback = tx.callbacks.get(read_callback_id(callback_id))
            return receipt_for(tx, callback, tx.subjects.get(callback.subject_id))

        return self._run(Commit.READ_ONLY, read)

    # ------------------------------------------------------------------ tickets

    def _open_ticket(self, receipt: Receipt, tickets: Tickets) -> None:
        """Open a ticket for a promise that is durable and has none. What fails now costs no promise, and is logged."""
        try:
            self._open_ticket_now(receipt, tickets)
        except (StoreError, Conflict) as error:
            logger.warning("no ticket for %s: %s", receipt.callback_id, type(error).__name__)

    def _open_ticket_now(self, receipt: Receipt, tickets: Tickets) -> None:
        def read(tx: Transaction, _now: datetime) -> tuple[Callback, Subject]:
            callback = tx.callbacks.get(receipt.callback_id)
            return callback, tx.subjects.get(callback.subject_id)

        callback, subject = self._run(Commit.READ_ONLY, read)
        if callback.ticket_id is not None or callback.call_id is not None or callback.outcome is not None:
            return
        order = TicketOrder(
            callback_id=callback.callback_id,
            queue=callback.queue,
            channel=callback.channel,
            number=subject.number,
            name=subject.name,
            requested_at=callback.requested_at,
            scheduled_at=callback.scheduled_at,
            context=dict(subject.contexts.get(callback.callback_id, {})),
        )
        try:
            ticket_id = check_text(tickets.open(order), "ticket_id")
        except Exception as error:
            logger.warning("no ticket for %s: %s", callback.callback_id, type(error).__name__)
            return
        self._run(
            Commit.FLUSHED,
            lambda tx, now: write(
                tx, lifecycle.ticket(tx.callbacks.get(receipt.callback_id), ticket_id, now=now)
            ),
        )


def _flipped(
    promise: Callable[[Transaction, asking.Request, datetime], Receipt | RequestRefused],
    request: asking.Request,
    tx: Transaction,
    now: datetime,
) -> Receipt | RequestRefused:
    return promise(tx, request, now)


def read_callback_id(text: str) -> CallbackId:
    """Return the id of a callback. Raises: InvalidText."""
    return CallbackId(check_text(text, "callback_id"))
