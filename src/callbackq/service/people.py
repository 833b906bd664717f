"""The commands about persons: what they prefer, whether they want to be left alone, and how they are forgotten."""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import attrs

from callbackq.core import bookings, lifecycle, opt_outs
from callbackq.core.customer_hours import read_hours
from callbackq.core.erasing import erased, whose, without_number
from callbackq.core.instants import check_text, optional_text, read_member
from callbackq.core.numbers import PhoneNumber, number_key, read_number
from callbackq.core.requests import Wish, read_email
from callbackq.core.zones import check_zone
from callbackq.errors import InvalidNumber, RequestRefused, StoreError
from callbackq.ids import CallbackId, SubjectId
from callbackq.masking import mask_number
from callbackq.model import (
    Booking,
    BookingState,
    Callback,
    CallbackState,
    Erased,
    Medium,
    OptedOut,
    OptOut,
    Preferences,
    Subject,
)
from callbackq.people import Who, known_person, person
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import end_booking, policy_of, write, write_end

logger = logging.getLogger("callbackq")

_CALLBACKS_PAGE: Final = 1_000
_LISTED_MAX: Final = 50
_NO_REGION: Final = "ZZ"
_EVERY_MEDIUM: Final = frozenset(Medium)


class Unchanged(enum.Enum):
    """Says of a preference that it stays as it is. None takes it back."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class PeopleCommands(ServiceBase):
    """The commands about persons."""

    # ------------------------------------------------------------------ preferences

    def set_preferences(
        self,
        *,
        customer_id: str | None = None,
        number: str | None = None,
        queue: str | None = None,
        preferred_number: str | Unchanged | None = UNCHANGED,
        language: str | Unchanged | None = UNCHANGED,
        zone: str | Unchanged | None = UNCHANGED,
        channel: str | Unchanged | None = UNCHANGED,
        hours: Mapping[str, str] | Unchanged | None = UNCHANGED,
        tier: str | Unchanged | None = UNCHANGED,
        email: str | Unchanged | None = UNCHANGED,
    ) -> Preferences:
        """
        Keep what a customer prefers. It is used on every channel where a request says nothing else.

        What is not given stays as it is, and None takes it back. Durable on return; the same again changes nothing.

        Args:
            customer_id: your own id of the customer.
            number: instead: the number by which they are known. Who is not known yet is made.
            queue: whose region national numbers are of. Without it numbers begin with `+`.
            preferred_number: where they want to be called; without an extension. For a *customer_id* that is not
                known yet it must be given.
            language: such as `"en-US"`.
            zone: where they are, such as `"America/New_York"`.
            channel: how they want to get messages: it goes first, where it is among `Messages.channels`.
            hours: when they want to be called, on the clocks of *zone*: `{"monday": "09:00-12:00,14:00-18:00"}`.
            tier: your own name of their class of service.
            email: where messages go that are sent by the channel `email`.

        Raises:
            RequestRefused: neither *customer_id* nor *number* was given, or both.
            InvalidNumber, InvalidText, UnknownQueue: nothing was changed.
            NumberNeeded: the customer is not known yet, and there is no number.
        """
        who = self._who(customer_id, number, queue)
        wanted = _given(
            preferred_number=self._preferred(preferred_number, queue),
            language=_text(language, "language", length_max=35),
            zone=zone if zone is None or isinstance(zone, Unchanged) else check_zone(zone),
            channel=_text(channel, "channel"),
            hours=hours if isinstance(hours, Unchanged) else read_hours(hours if hours is not None else {}),
            tier=_text(tier, "tier"),
            email=email if email is None or isinstance(email, Unchanged) else read_email(email),
        )
        preferred = wanted.get("preferred_number")
        if who.number is None and isinstance(preferred, str):
            new = attrs.evolve(who, number=PhoneNumber(preferred))
        else:
            new = who

        def kept(tx: Transaction, now: datetime) -> Preferences:
            asked = who if known_person(tx, who) is not None else new
            no_wish = Wish(context={})
            subject = person(tx, asked, no_wish, tenant_id=self.tenant_id, ids=self.ids, ref=_NO_REF, now=now)
            changed = attrs.evolve(subject, **wanted)
            if changed != subject:
                tx.save(attrs.evolve(changed, version=subject.version + 1))
            return _preferences(changed)

        return self._run(Commit.FLUSHED, kept)

    def preferences(
        self, *, customer_id: str | None = None, number: str | None = None, queue: str | None = None
    ) -> Preferences | None:
        """
        Return what a customer prefers; None for one who is not known.

        Args:
            customer_id, number, queue: as in `set_preferences`.

        Raises:
            RequestRefused: neither *customer_id* nor *number* was given, or both.
            InvalidNumber, InvalidText, UnknownQueue: it cannot be so.
        """
        who = self._who(customer_id, number, queue)

        def read(tx: Transaction, _now: datetime) -> Preferences | None:
            subject = known_person(tx, who)
            return _preferences(subject) if subject is not None else None

        return self._run(Commit.READ_ONLY, read)

    def callbacks_of(
        self, *, customer_id: str | None = None, number: str | None = None, queue: str | None = None
    ) -> list[Callback]:
        """
        Return the callbacks of one person: those that have not ended first, then the latest requested.

        Ask it before a message or a form may cancel or change one: a person has power over what is in this list, and
        over nothing else. It is at most 50 long.

        Args:
            customer_id: the host's own id of the customer, who has logged in.
            number: instead: the number from which the message came, as your provider says it, or that was proved.
            queue: whose region national numbers are of; without it numbers begin with `+`.

        Raises:
            RequestRefused: neither *customer_id* nor *number* was given, or both.
            InvalidNumber, InvalidText, UnknownQueue: it cannot be so.
        """
        who = self._who(customer_id, number, queue)

        def read(tx: Transaction, _now: datetime) -> list[Callback]:
            person = known_person(tx, who)
            found = (
                tx.callbacks.of_subject(person.subject_id, limit=_LISTED_MAX) if person is not None else []
            )
            return sorted(found, key=lambda one: one.state is CallbackState.ENDED)

        return self._run(Commit.READ_ONLY, read)

    def _who(self, customer_id: str | None, number: str | None, queue: str | None) -> Who:
        if (customer_id is None) == (number is None):
            raise RequestRefused("a person is named by customer_id, or by number, and by one of them only")
        return Who(
            number=self._number(number, queue) if number is not None else None,
            customer_id=optional_text(customer_id, "customer_id"),
        )

    def _preferred(self, number: str | Unchanged | None, queue: str | None) -> str | Unchanged | None:
        if number is None or isinstance(number, Unchanged):
            return number
        read = self._number(number, queue)
        if read.extension is not None:
            raise InvalidNumber("a preferred number has an extension; allowed: one that rings by itself")
        return read.e164

    def _number(self, number: str, queue: str | None) -> PhoneNumber:
        """Return a number, as the country of a queue writes it. Raises: InvalidNumber, UnknownQueue."""
        if queue is not None:
            return read_number(number, region=policy_of(self.policies, queue).default_region)
        try:
            return read_number(number, region=_NO_REGION)
        except InvalidNumber as error:
            detail = f"{error}; without queue= a number begins with + and its country's code"
            raise InvalidNumber(detail, problem=error.problem) from error

    # ------------------------------------------------------------------ who wants to be left alone

    def opt_out(
        self, number: str, *, medium: Medium | None = None, by: str | None = None, queue: str | None = None
    ) -> OptedOut:
        """
        Keep that no calls, or no messages, are wanted at a number. It outlives the erasure of the person.

        It holds for the number, whoever is there and whatever extension: what is kept is a keyed digest of it. Durable
        on return; saying it twice changes nothing. A customer who asks for a call is called, all the same.

        Args:
            medium: of what; of both, if None.
            by: who said so, or how, 1 to 200 characters; kept in history.
            queue: as in `set_preferences`.

        Returns:
            Since when what is not wanted.

        Raises:
            InvalidNumber, InvalidText, UnknownQueue: nothing was changed.
        """
        return self._opt(number, medium, wanted=False, by=by, queue=queue)

    def opt_in(
        self, number: str, *, medium: Medium | None = None, by: str | None = None, queue: str | None = None
    ) -> OptedOut:
        """
        Take an `opt_out` back, for calls, for messages, or for both. Durable on return.

        Raises:
            InvalidNumber, InvalidText, UnknownQueue: nothing was changed.
        """
        return self._opt(number, medium, wanted=True, by=by, queue=queue)

    def opted_out(self, number: str, *, queue: str | None = None) -> OptedOut:
        """
        Return since when no calls, or no messages, are wanted at a number.

        Raises:
            InvalidNumber, UnknownQueue: it cannot be so.
        """
        key = self._key(number, queue)

        def read(tx: Transaction, _now: datetime) -> OptedOut:
            return _opted_out(tx.opt_outs.find(key))

        return self._run(Commit.READ_ONLY, read)

    def _opt(
        self, number: str, medium: Medium | None, *, wanted: bool, by: str | None, queue: str | None
    ) -> OptedOut:
        key, media = self._key(number, queue), _media(medium)
        who = optional_text(by, "by")

        def changed(tx: Transaction, now: datetime) -> OptedOut:
            before = tx.opt_outs.find(key) or opt_outs.not_opted_out(self.tenant_id, key, now=now)
            write(tx, opt_outs.change(before, media, wanted=wanted, by=who, now=now))
            return _opted_out(tx.opt_outs.find(key))

        return self._run(Commit.FLUSHED, changed)

    def _key(self, number: str, queue: str | None) -> str:
        e164 = self._number(number, queue).e164
        return number_key(e164, tenant_id=self.tenant_id, pepper=self.store.pepper)

    # ------------------------------------------------------------------ erasing

    def erase(
        self,
        *,
        number: str | None = None,
        customer_id: str | None = None,
        queue: str | None = None,
        reason: str = "erased",
        by: str | None = None,
    ) -> Erased:
        """
        Forget a person: whoever is known by, or called at, *number*, and the one whom you know by *customer_id*.

        Their open callbacks are cancelled first, a series goes on no more, and an attempt under way is hung up at the
        next step; a conversation goes on. Then nothing is left of name, numbers, preferences and context. Callbacks,
        attempts and history stay, and name nobody. Where the number stands in the record of somebody else, as an
        alternative or as one that was wrong, it is taken out there, and their callbacks go on. If nobody is known by
        it, or called at it, it is that of whoever prefers it.

        Opt-outs stay: they hold a digest. Durable on return, and then the store's own files are cleaned
        (`Store.scrub`). Erasing twice, or a stranger, erases nobody. Who asks again later is a new person.

        Args:
            number: with an extension, it is the one person behind that; others keep the number.
            queue: as in `set_preferences`.
            reason: why their callbacks are cancelled, 1 to 200 characters; kept in history with *by*.

        Returns:
            How many persons, and which callbacks were cancelled. `more`: the store's files may hold something of them
            yet, for somebody was still reading older data, or cleaning failed, which is logged; erase once more later.

        Raises:
            RequestRefused: neither *number* nor *customer_id* was given.
            InvalidNumber, InvalidText, UnknownQueue: nothing was changed.
            StoreUnavailable, CommitUncertain, Conflict: erase once more.

        Cost: O(persons) for a number, a few microseconds each, while other processes write; then some hundred
            microseconds a callback.
        """
        if number is None and customer_id is None:
            raise RequestRefused("nobody to erase; allowed: number, customer_id, or both")
        target = self._number(number, queue) if number is not None else None
        customer = optional_text(customer_id, "customer_id")
        why, who = check_text(reason, "reason"), optional_text(by, "by")

        # Any record may hold it. They are looked through before anything is written: nobody waits for that.
        holders = self._run(Commit.READ_ONLY, partial(_holders_of, number=target)) if target else ()

        def gone(tx: Transaction, now: datetime) -> Erased:
            theirs, others = _found(tx, target, customer, holders)
            cancelled: list[CallbackId] = []
            for subject in theirs:
                cancelled += self._erase(tx, subject, reason=why, by=who, now=now)
            if target is not None:
                for subject in others:
                    _take_out(tx, subject, target.e164)
            return Erased(subjects_count=len(theirs), cancelled=tuple(cancelled))

        done = self._run(Commit.FLUSHED, gone)
        return attrs.evolve(done, more=not self._scrub())

    def _scrub(self) -> bool:
        """Clean the store's files of what is erased. What fails now costs nothing that is done, and is logged."""
        try:
            return self.store.scrub()
        except StoreError as error:
            logger.warning("the files of the store were not cleaned: %s", type(error).__name__)
            return False

    def _erase(
        self, tx: Transaction, subject: Subject, *, reason: str, by: str | None, now: datetime
    ) -> list[CallbackId]:
        """Forget one person; return the callbacks that were cancelled."""
        cancelled: list[CallbackId] = []
        for callback in callbacks_of(tx, subject.subject_id):
            if callback.state is not CallbackState.ENDED:
                decision = lifecycle.cancel(callback, reason=reason, by=by, now=now)
                write_end(tx, callback, decision, policies=self.policies, now=now)
                cancelled.append(callback.callback_id)
                continue
            booking = series_of(tx, callback)
            if booking is not None:
                how = bookings.end_of(booking, now=callback.ended_at or now, turn_at=callback.turn_at)
                end_booking(tx, booking, how, now=now)
        tx.save(erased(tx.subjects.get(subject.subject_id), now=now))
        return cancelled


# ---------------------------------------------------------------------------- preferences

_NO_REF: Final = ""
"""Nothing came with it that would belong to a callback."""


def _given(**wishes: object) -> dict[str, Any]:
    return {name: wish for name, wish in wishes.items() if not isinstance(wish, Unchanged)}


def _text(text: str | Unchanged | None, name: str, *, length_max: int = 100) -> str | Unchanged | None:
    if text is None or isinstance(text, Unchanged):
        return text
    return check_text(text, name, length_max=length_max)


def _preferences(subject: Subject) -> Preferences:
    return Preferences(
        number_masked=mask_number(subject.preferred_number) if subject.preferred_number else None,
        language=subject.language,
        zone=subject.zone,
        channel=subject.channel,
        hours=dict(subject.hours),
        tier=subject.tier,
        email_masked=_masked_email(subject.email),
    )


def _masked_email(email: str | None) -> str | None:
    """Show enough of an address to recognise it."""
    if email is None:
        return None
    name, _, domain = email.rpartition("@")
    return f"{name[0]}…@{domain}"


# ---------------------------------------------------------------------------- opt-outs


def _media(medium: Medium | None) -> frozenset[Medium]:
    if medium is None:
        return _EVERY_MEDIUM
    return frozenset({read_member(medium, "medium", Medium)})


def _opted_out(known: OptOut | None) -> OptedOut:
    return OptedOut(calls_at=known.calls_at, messages_at=known.messages_at) if known else OptedOut()


# ---------------------------------------------------------------------------- erasing


def _holders_of(tx: Transaction, _now: datetime, *, number: PhoneNumber) -> tuple[SubjectId, ...]:
    return tuple(subject.subject_id for subject in tx.subjects.holding(number.e164))


def _found(
    tx: Transaction, number: PhoneNumber | None, customer_id: str | None, holder_ids: Iterable[SubjectId]
) -> tuple[list[Subject], list[Subject]]:
    """Return who is meant, and who else has the number in their record; each once."""
    meant: list[Subject] = []
    holders: list[Subject] = []
    if number is not None:
        known = tx.subjects.by_identity(number.identity)
        found = [tx.subjects.get(subject_id) for subject_id in holder_ids]
        holders = _each_once(found if known is None else (*found, known))
        meant = whose(holders, number)
        if number.extension is not None:
            holders = []
    customer = tx.subjects.by_customer(customer_id) if customer_id is not None else None
    if customer is not None:
        meant = _each_once((*meant, customer))
    ids = {one.subject_id for one in meant}
    return meant, [one for one in holders if one.subject_id not in ids]


def _take_out(tx: Transaction, subject: Subject, e164: str) -> None:
    """Take a number out of the record of somebody else, if it is still there."""
    after = without_number(subject, e164)
    if attrs.evolve(after, version=subject.version) != subject:
        tx.save(after)


def _each_once(subjects: Iterable[Subject]) -> list[Subject]:
    """Return each person once, in the order of their ids: two who erase at once must not wait for each other."""
    by_id = {subject.subject_id: subject for subject in subjects}
    return [by_id[subject_id] for subject_id in sorted(by_id)]


def callbacks_of(tx: Transaction, subject_id: SubjectId) -> list[Callback]:
    """Return every callback of a person."""
    limit = _CALLBACKS_PAGE
    while True:
        found = tx.callbacks.of_subject(subject_id, limit=limit)
        if len(found) < limit:
            return found
        limit *= 4


def series_of(tx: Transaction, callback: Callback) -> Booking | None:
    """Return the booking of a callback that is over, if its series is still to go on."""
    if callback.booking_id is None:
        return None
    booking = tx.bookings.get(callback.booking_id)
    goes_on = booking.state is BookingState.BOOKED and booking.callback_id == callback.callback_id
    return booking if goes_on else None
