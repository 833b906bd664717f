"""The command of what a customer wrote: it is understood, done, and answered, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from callbackq.core import conversation
from callbackq.core.conversation import (
    Known,
    OfferTimes,
    Request,
    Tell,
)
from callbackq.core.instants import check_text
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.core.replies import Words, all_words
from callbackq.effects import Effect, Heard
from callbackq.errors import (
    InvalidText,
    NotFound,
    RequestRefused,
)
from callbackq.facts import callback_if_there
from callbackq.ids import CallbackId, QueueName, VerificationId
from callbackq.model import (
    EMAIL,
    Callback,
    CallbackState,
    Channel,
    Conversation,
    Inbound,
    ReplyWish,
    Subject,
)
from callbackq.model.wall import zone_keys
from callbackq.people import Who, known_person
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.posting import Postman, address_of
from callbackq.service.acting import BY_MESSAGE, Acting, Hands, Received
from callbackq.service.messages import MessageCommands
from callbackq.service.promises import PromiseCommands
from callbackq.service.settling import SettlingCommands
from callbackq.service.slots import SlotCommands
from callbackq.service.verifying import VerifyCommands
from callbackq.writing import policy_of

TEXT_MAX: Final = 20_000
_PEOPLE_MAX: Final = 20
_CALLBACKS_MAX: Final = 20


class _AsksForCallback(Exception):
    """A callback is asked for, which has a transaction of its own: this one is undone, and done again afterwards."""

    def __init__(self, queue: QueueName, at: datetime | None) -> None:
        super().__init__()
        self.queue = queue
        self.at = at


class ReplyCommands(MessageCommands, PromiseCommands, SettlingCommands, SlotCommands, VerifyCommands):
    """The command of what a customer wrote."""

    def message_received(self, inbound: Inbound) -> Heard:
        """
        Take what a customer wrote, do what it asks for, and answer. Durable on return.

        A customer has power over the callbacks of the number or address that the message comes from, as the provider
        says it, and over no others: a stranger's message changes nothing. The same `inbound_id` twice is heard once.

        Returns:
            What it asks for, and the answers as effects, which must be performed now. What was done is told by the
            messages that follow from it, as a confirmation of the new time.

        Raises:
            UnknownQueue: *queue* has no policy here. RequestRefused: it sends no messages.
            InvalidNumber, InvalidText: the sender or an id can be none. Nothing was changed.
        """
        received = self._read_inbound(inbound)
        try:
            return self._run(Commit.FLUSHED, lambda tx, now: self._hear(tx, received, now=now))
        except _AsksForCallback as wanted:
            problem = self._ask_for_callback(received, wanted)
        except (RequestRefused, NotFound) as error:
            problem = error
        return self._run(
            Commit.FLUSHED, lambda tx, now: self._hear(tx, received, now=now, done=True, problem=problem)
        )

    def _read_inbound(self, inbound: Inbound) -> Received:
        if not isinstance(inbound, Inbound):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidText(f"a customer's message is {type(inbound).__name__}; allowed: Inbound")
        policy = policy_of(self.policies, inbound.queue)
        if policy.messages is None:
            raise RequestRefused(
                f"queue {policy.queue} sends and takes no messages; allowed: one with Messages"
            )
        inbound_id = check_text(inbound.inbound_id, "inbound_id")
        channel = check_text(inbound.channel, "channel", length_max=64)
        answers_id = inbound.answers_id
        if answers_id is not None:
            answers_id = check_text(answers_id, "answers_id")
        if not isinstance(inbound.text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidText(f"text is {type(inbound.text).__name__}; allowed: text")
        number = None
        if channel == EMAIL:
            sender = check_text(inbound.sender, "sender").strip().casefold()
        else:
            number = read_number(inbound.sender, region=policy.default_region)
            sender = number.e164
        return Received(
            inbound_id=inbound_id,
            address=address_of(channel, sender, tenant_id=self.tenant_id, pepper=self.store.pepper),
            text=inbound.text[:TEXT_MAX],
            policy=policy,
            answers_id=answers_id,
            number=number,
        )

    def _ask_for_callback(self, received: Received, wanted: _AsksForCallback) -> Exception | None:
        """Ask for a callback as the sender; return what was in the way. The same message asks once."""
        assert received.number is not None
        try:
            self.request(
                wanted.queue,
                number=received.number.e164,
                channel=Channel.MESSAGE,
                scheduled_at=wanted.at,
                request_key=received.request_key,
            )
        except (RequestRefused, NotFound) as error:
            return error
        return None

    # ------------------------------------------------------------------ one transaction

    def _hear(
        self,
        tx: Transaction,
        received: Received,
        *,
        now: datetime,
        done: bool = False,
        problem: Exception | None = None,
    ) -> Heard:
        """
        Understand a message, and do what it asks for.

        Args:
            done: what it asks for was tried already, in a transaction of its own; *problem* is what was in the way.
        """
        postman = self._postman(tx, now)
        before = postman.begun(received.address)
        people = self._people(tx, received, before)
        last_queue = self._last_queue(tx, received, people, before)
        known = self._known(tx, received, people, postman, last_queue=last_queue)
        turn = conversation.hear(
            received.text,
            inbound_id=received.heard_id,
            conversation=before,
            known=known,
            policy=received.messages,
            words=self._words(received, people),
            now=now,
        )
        if turn.repeated:
            return Heard(wish=turn.wish, changed=False)
        queue_wanted = last_queue if turn.wish is ReplyWish.OTHER_TIME else received.policy.queue
        if isinstance(turn.action, Request) and not done:
            raise _AsksForCallback(queue_wanted, turn.action.at)
        # First what was heard: an answer that goes out asks the next question on top of it.
        postman.save_conversation(turn.conversation)
        acting = Acting(
            hands=Hands(move=self._move_in, renumber=self._renumber_in, code=self._code_in),
            desk=self.desk,
            tx=tx,
            received=received,
            people=people,
            turn=turn,
            queue_wanted=queue_wanted,
            postman=postman,
            now=now,
        )
        effects: tuple[Effect, ...] = ()
        if problem is not None:
            effects = acting.failed(problem)
        elif not done:
            effects = acting.act()
        changed = (
            turn.action is not None and not isinstance(turn.action, Tell | OfferTimes) and problem is None
        )
        return Heard(wish=turn.wish, callback_id=turn.callback_id, changed=changed, effects=effects)

    def _move_in(self, tx: Transaction, callback_id: CallbackId, at: datetime, now: datetime) -> None:
        callback = tx.callbacks.get(callback_id)
        self.seating.policy(policy_of(self.policies, callback.queue).queue)
        seat = self._seat_instead(tx, callback, at=at, now=now)
        self._move_to(tx, callback, seat, held_id=None, by=None, reason=BY_MESSAGE, now=now)

    def _renumber_in(
        self,
        tx: Transaction,
        callback: Callback,
        new: PhoneNumber,
        proof: VerificationId | None,
        now: datetime,
    ) -> None:
        self._change_number(tx, callback, new, by=None, proof=proof, now=now)

    def _code_in(
        self, tx: Transaction, policy: QueuePolicy, e164: str, now: datetime
    ) -> tuple[VerificationId, str]:
        code = self._new_code(policy)
        return self._made(tx, policy, e164, code, now).verification_id, code

    def _people(self, tx: Transaction, received: Received, before: Conversation) -> list[Subject]:
        """Return the persons whose own address the message comes from: one, nobody, or several who share it."""
        found: dict[str, Subject] = {}
        if received.number is not None:
            person = known_person(tx, Who(number=received.number))
            if person is not None:
                found[person.subject_id] = person
        last = callback_if_there(tx, before.last_callback_id) if before.last_callback_id is not None else None
        if last is not None:  # Also where nobody knows yet whether it was sent.
            found.setdefault(last.subject_id, tx.subjects.get(last.subject_id))
        for message in tx.messages.last_to(received.address.key, limit=_PEOPLE_MAX):
            if message.subject_id is not None and message.subject_id not in found:
                found[message.subject_id] = tx.subjects.get(message.subject_id)
        return [person for person in found.values() if _is_theirs(person, received)]

    def _known(
        self,
        tx: Transaction,
        received: Received,
        people: list[Subject],
        postman: Postman,
        *,
        last_queue: QueueName,
    ) -> Known:
        callbacks = [
            callback
            for person in people
            for callback in tx.callbacks.of_subject(person.subject_id, limit=_CALLBACKS_MAX)
            # What this very message has asked for a moment ago was not there when it was written.
            if callback.state is not CallbackState.ENDED and callback.request_key != received.request_key
        ]
        callbacks.sort(key=lambda one: (one.requested_at, one.callback_id), reverse=True)
        about = None
        if received.answers_id is not None:
            answered = self._answered(tx, received.address.channel, received.answers_id)
            about = answered.callback_id if answered is not None else None
        return Known(
            callbacks=tuple(callbacks),
            about=about,
            opted_out=postman.is_opted_out(received.address.key, None),
            with_slots=frozenset(one.callback_id for one in callbacks if self.seating.has_slots(one.queue)),
            takes_requests=received.messages.requests and _may_request(tx, received),
            offers_times=self.seating.has_slots(last_queue),
            is_stranger=not people,
            zone=self._zone_read_in(received, callbacks, people, postman),
        )

    def _zone_read_in(
        self, received: Received, callbacks: list[Callback], people: list[Subject], postman: Postman
    ) -> ZoneInfo | None:
        """Return the zone in which the sender reads the times that were offered: that of the callback in question."""
        asked = postman.begun(received.address).callback_id
        about = next((one for one in callbacks if one.callback_id == asked), None)
        person = next(
            (one for one in people if about is not None and one.subject_id == about.subject_id), None
        )
        zone = postman.writer.zone_of(person, about, received.policy) if about is not None else None
        return ZoneInfo(zone) if zone is not None and zone in zone_keys() else None

    def _last_queue(
        self, tx: Transaction, received: Received, people: list[Subject], before: Conversation
    ) -> QueueName:
        """Return in which queue another time is asked for: that of what we wrote about last, if it is theirs."""
        last = callback_if_there(tx, before.last_callback_id) if before.last_callback_id is not None else None
        if last is None:
            return received.policy.queue
        is_theirs = any(person.subject_id == last.subject_id for person in people)
        return last.queue if is_theirs and last.queue in self.policies else received.policy.queue

    def _words(self, received: Received, people: Iterable[Subject]) -> Words:
        """Return the words of every language in which the sender may write."""
        spoken = [person.language for person in people if person.language is not None]
        languages = dict.fromkeys((*spoken, received.policy.language, "en"))
        return all_words(*(received.messages.catalogue(language).words for language in languages))


def _may_request(tx: Transaction, received: Received) -> bool:
    """Whether the sender can ask for a call: not where another person is known by it, and it was found to be wrong."""
    if received.number is None:
        return False
    person = known_person(tx, Who(number=received.number))
    return person is None or received.number.e164 not in person.wrong_numbers


def _is_theirs(person: Subject, received: Received) -> bool:
    """Whether the address is the person's own now: not a former one, and none at which somebody else answered."""
    if person.erased_at is not None:
        return False
    if received.number is None:
        return person.email is not None and person.email.casefold() == received.address.to
    e164 = received.number.e164
    is_known_by = person.identity == received.number.identity
    is_called_at = person.number == e164 and person.extension is None
    return (is_known_by or is_called_at) and e164 not in person.wrong_numbers
