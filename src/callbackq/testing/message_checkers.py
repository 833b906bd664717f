"""
A checker of messages that trusts nobody: what is sent, and what a text changes, is held against an account of its own.

As in `checkers`, nothing is taken from callbackq but what a finding is: rows and orders are read by the names of their
fields. The account knows who has written, who wants no messages, what was given out, and what was told of each send.
Whatever must not happen raises `Broken` the moment it happens, so that the example that led to it is the shortest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import attrs

from callbackq.testing.checkers import Finding

STRANGER = "a text changed what is somebody else's"
UNPROVEN = "a number was changed without its proof"
OPTED_OUT = "sent to somebody who wants no messages"
CONFIRMED_TWICE = "an opt-out confirmed more than once, or where no confirmation is wanted"
TWICE = "one send given out twice"
AGAIN = "a message sent again that may have arrived"
CAUSE = "two messages of one cause"
SAID_TWICE = "the same told twice"
UNTRUE = "sent, and no longer true"
ERASED = "sent to somebody who was erased"
ELSEWHERE = "sent to an address that is not the customer's"
QUIET = "sent in quiet hours"
LOOP = "answered without end"
TOLD_OF_OTHERS = "a text that tells of somebody else's number"
UNWANTED = "an answer given out that nobody wants"
CHANGED = "an answer that offers something else when it is sent again"
UNSTATED = "a message that has not ended as it should"
PERSONAL = "personal data in a row or an event"

ANSWERS_MAX = 10
"""So many answers at most, between two pauses of a day in which nothing is heard."""
PAUSE = timedelta(hours=24)
ASKED_LIFE = timedelta(hours=2)
AWAKE = timedelta(minutes=15)
_CERTAINLY_NOT_SENT = frozenset({"refused", "impossible", "opted_out", "undelivered"})
_NOT_REACHED = frozenset({"unreached", "expired", "declined_by_agents"})
_ENDS = {"cancelled": {"cancelled"}, "expired": {"expired"}, "survey": {"completed"}}
_ENDED_UNREACHED = frozenset({"unreached", "no_shows", "no_agent"})
_ONCE = frozenset({"reminder", "late", "slipped", "survey"})
_OWN_TIME = frozenset({"confirmation", "reminder", "agent_changed"})
_CLOCK = re.compile(r"(?<![0-9:])([0-2]?[0-9]):([0-5][0-9])(?:\s?([ap])\.?\s?m\b)?", re.IGNORECASE)
_LINK = re.compile(r"https://\S+")
_FOUR = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")


class Broken(AssertionError):
    """Something happened that must not happen. Its text is the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@attrs.frozen(kw_only=True)
class Rules:
    """
    What one queue promises of its messages, in the checker's own words.

    Args:
        confirms: whether an opt-out is confirmed by one last message.
        proves: whether a new number must be proved by a code.
        quiet: between which two times on the clock nothing is sent; None: it never is quiet.
    """

    confirms: bool
    proves: bool
    quiet: tuple[time, time] | None


@attrs.frozen(kw_only=True)
class Facts:
    """The rows that a message is about, at the moment at which it is judged, and what time it is then."""

    now: datetime
    message: Any
    callback: Any = None
    booking: Any = None
    subject: Any = None
    zones: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Rows:
    """All callbacks and persons, by id."""

    callbacks: Mapping[str, Any]
    subjects: Mapping[str, Any]


@attrs.define(kw_only=True)
class MessageBook:
    """
    The account of one world.

    Args:
        rules: by queue.
        endings: the last four digits of every number in this world.
        company: the company's own numbers.
    """

    rules: Mapping[str, Rules]
    endings: frozenset[str] = frozenset()
    company: frozenset[str] = frozenset()
    out: set[str] = attrs.field(factory=set[str])
    may_confirm: Counter[str] = attrs.field(factory=Counter[str])
    given: dict[str, Any] = attrs.field(factory=dict[str, Any])
    told: dict[str, set[str]] = attrs.field(factory=dict[str, set[str]])
    causes: dict[str, str] = attrs.field(factory=dict[str, str])
    said: dict[tuple[str, str, str], str] = attrs.field(factory=dict[tuple[str, str, str], str])
    heard_at: dict[tuple[str, str], datetime] = attrs.field(factory=dict[tuple[str, str], datetime])
    answers: Counter[tuple[str, str]] = attrs.field(factory=Counter[tuple[str, str]])
    typed: dict[str, set[str]] = attrs.field(factory=dict[str, set[str]])
    choices: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])
    codes: dict[str, str] = attrs.field(factory=dict[str, str])

    # ------------------------------------------------------------------ what the account is told

    def wrote(self, sender: str, channel: str, text: str, *, now: datetime) -> None:
        """Note that a customer wrote."""
        key = (channel, sender)
        last_at = self.heard_at.get(key)
        if last_at is None or now - last_at >= PAUSE:
            self.answers[key] = 0
        self.heard_at[key] = now
        self.typed.setdefault(sender, set()).update(_four_of(text))

    def opted_out(self, address: str, *, queue: str | None) -> None:
        """Note that no messages are wanted at an address; *queue* is where it was written, if it was."""
        if address not in self.out:
            confirms = queue is not None and self.rules[queue].confirms
            self.may_confirm[address] = int(confirms)
        self.out.add(address)

    def opted_in(self, address: str) -> None:
        """Note that messages are wanted again."""
        self.out.discard(address)

    def reported(self, send_id: str, kind: str) -> None:
        """Note what the service was told of a send."""
        self.told.setdefault(send_id, set()).add(str(kind))

    # ------------------------------------------------------------------ what a text may change

    def changed(self, before: Rows, after: Rows, *, sender: str, text: str, queue: str, at: datetime) -> None:
        """Hold what one text changed against who wrote it."""
        for callback_id, row in after.callbacks.items():
            was = before.callbacks.get(callback_id)
            if was is not None and (was is row or was.version == row.version):
                continue
            subject_id = (was or row).subject_id
            person = before.subjects.get(subject_id) or after.subjects[subject_id]
            if not _is_own(person, sender):
                self._break(STRANGER, f"callback, by {_mask(sender)}", callback_id, at)
        for subject_id, row in after.subjects.items():
            was = before.subjects.get(subject_id)
            if was is not None and (was is row or was.version == row.version):
                continue
            if not _is_own(was or row, sender):
                self._break(STRANGER, f"person, by {_mask(sender)}", subject_id, at)
            if was is not None and was.number != row.number:
                self._check_proof(row, text, queue=queue, at=at)

    def _check_proof(self, row: Any, text: str, *, queue: str, at: datetime) -> None:
        digits, code = _digits_of(text), self.codes.get(row.number)
        if row.number in self.company:
            self._break(UNPROVEN, "the company's own number", row.subject_id, at)
        if code is not None and code in digits:
            return
        if self.rules[queue].proves or row.number[-7:] not in digits:
            self._break(UNPROVEN, "neither a code that was sent there, nor believed", row.subject_id, at)

    # ------------------------------------------------------------------ what is given out, and sent

    def given_out(self, order: Any, facts: Facts, *, answers: str | None = None) -> None:
        """Judge a message that is given out. *answers* is the address that has just written, if it answers one."""
        now, message = facts.now, facts.message
        if order.send_id in self.given:
            self._break(TWICE, str(order.kind), order.send_id, now)
        for number in range(1, message.sends_count):
            earlier = f"{order.message_id}.{number}"
            if not self.told.get(earlier, set()) & _CERTAINLY_NOT_SENT:
                self._break(AGAIN, f"nobody said that {earlier} did not arrive", order.send_id, now)
        if self.causes.setdefault(message.cause, order.message_id) != order.message_id:
            self._break(CAUSE, str(order.kind), order.message_id, now)
        self.given[order.send_id] = order
        self._check_said_once(order, facts)
        self.may_be_sent(order, facts)
        if order.is_answer and answers is not None:
            self._check_answer(order, facts, answers=answers)
        else:
            self._check_address(order, facts)
        if not order.is_answer:
            self._check_quiet(order, facts)
        elif self.choices.setdefault(order.message_id, tuple(message.choices)) != tuple(message.choices):
            self._break(CHANGED, str(order.kind), order.send_id, now)
        self._check_endings(order, facts, answers=answers)

    def may_be_sent(self, order: Any, facts: Facts) -> None:
        """Judge a message just before it is sent: time may have passed since it was given out."""
        self._check_wanted(order, facts)
        if facts.subject is not None and facts.subject.erased_at is not None:
            self._break(ERASED, str(order.kind), order.send_id, facts.now)
        if not order.is_answer and order.callback_id is not None:
            problem = _problem(str(order.kind), facts) or _wrong_time(order, facts)
            if problem is not None:
                self._break(UNTRUE, f"{order.kind}: {problem}", order.send_id, facts.now)

    def _check_said_once(self, order: Any, facts: Facts) -> None:
        if str(order.kind) not in _ONCE:
            return
        at = facts.booking.slot_at.isoformat() if facts.booking is not None else ""
        key = (str(order.kind), str(order.callback_id), at)
        if self.said.setdefault(key, order.message_id) != order.message_id:
            self._break(SAID_TWICE, str(order.kind), order.message_id, facts.now)

    def _check_wanted(self, order: Any, facts: Facts) -> None:
        if str(order.kind) == "opted_out":
            if order.send_id in self.given and facts.message.state == "sending" and order.to is not None:
                self._check_confirmation(order, facts)
            return
        main = facts.subject.number if facts.subject is not None and not order.is_answer else None
        if order.to in self.out or main in self.out:
            self._break(OPTED_OUT, str(order.kind), order.send_id, facts.now)

    def _check_confirmation(self, order: Any, facts: Facts) -> None:
        key = f"confirmed {order.send_id}"
        if key in self.causes:
            return
        self.causes[key] = order.message_id
        self.may_confirm[order.to] -= 1
        if self.may_confirm[order.to] < 0:
            self._break(CONFIRMED_TWICE, _mask(order.to), order.send_id, facts.now)

    def _check_answer(self, order: Any, facts: Facts, *, answers: str) -> None:
        kind = str(order.kind)
        if kind == "verification":
            self.codes[order.to] = next(iter(re.findall(r"[0-9]{4,10}", order.text)), "")
            if not (order.to[-4:] in self.typed.get(answers, ()) or answers == order.to):
                self._break(ELSEWHERE, "a code, to a number that nobody gave", order.send_id, facts.now)
            return
        if order.to != answers:
            self._break(ELSEWHERE, f"{kind}: not to who has written", order.send_id, facts.now)
        if kind in {"opted_out", "opted_in"}:
            return
        key = (order.channel, order.to)
        self.answers[key] += 1
        if self.answers[key] > ANSWERS_MAX:
            self._break(LOOP, f"{self.answers[key]} answers", order.send_id, facts.now)

    def _check_address(self, order: Any, facts: Facts) -> None:
        subject = facts.subject
        if order.channel == "push":
            return
        if subject is None or order.to not in {subject.number, subject.email}:
            self._break(ELSEWHERE, str(order.kind), order.send_id, facts.now)
        if order.to in subject.wrong_numbers:
            self._break(ELSEWHERE, f"{order.kind}: a wrong number", order.send_id, facts.now)

    def _check_endings(self, order: Any, facts: Facts, *, answers: str | None) -> None:
        shown = set(_FOUR.findall(_CLOCK.sub(" ", _LINK.sub(" ", order.text)))) & self.endings
        own = {(order.to or "")[-4:], *self.typed.get(answers or "", ()), *self.typed.get(order.to or "", ())}
        subject = facts.subject
        if subject is not None:
            numbers = (subject.number, subject.pending_number or "", *subject.alternatives)
            own.update(number.partition(";")[0][-4:] for number in numbers)
        if shown - own:
            self._break(TOLD_OF_OTHERS, str(order.kind), order.send_id, facts.now)

    # ------------------------------------------------------------------ quiet hours

    def _check_quiet(self, order: Any, facts: Facts) -> None:
        rules = self.rules.get(str(facts.callback.queue if facts.callback is not None else order.queue))
        if rules is None or rules.quiet is None or self._is_awake(order, facts):
            return
        quiet = [zone for zone in facts.zones if _is_quiet(facts.now.astimezone(ZoneInfo(zone)), rules.quiet)]
        if quiet:
            self._break(QUIET, f"{order.kind}: {', '.join(quiet)}", order.send_id, facts.now)

    def _is_awake(self, order: Any, facts: Facts) -> bool:
        """Whether they wrote a moment ago, asked for the call shortly before, or chose a time near this one."""
        heard_at = self.heard_at.get((order.channel, order.to or ""))
        if heard_at is not None and facts.now - heard_at < AWAKE:
            return True
        callback = facts.callback
        if callback is None or callback.purpose != "requested":
            return False
        asked_at = max(callback.requested_at, callback.consent_at or callback.requested_at)
        at = callback.scheduled_at
        return facts.now - asked_at < ASKED_LIFE or (at is not None and abs(facts.now - at) < ASKED_LIFE)

    # ------------------------------------------------------------------ the end

    def over(self, messages: Iterable[Any], *, now: datetime) -> None:
        """Check that each message has ended, and says how."""
        causes: set[str] = set()
        for row in messages:
            well = row.state == "ended" and row.ended_as is not None and row.ended_at is not None
            if not well or row.due_at is not None or row.due_reason is not None:
                self._break(UNSTATED, f"{row.message_kind} is {row.state}", row.message_id, now)
            if row.ended_as == "failed" and not self._has_failed(row):
                self._break(UNSTATED, f"failed, and nobody said so: {row.problem}", row.message_id, now)
            if row.cause in causes:
                self._break(CAUSE, str(row.message_kind), row.message_id, now)
            causes.add(row.cause)

    def _has_failed(self, row: Any) -> bool:
        last = self.told.get(f"{row.message_id}.{row.sends_count}", set())
        return bool(last & _CERTAINLY_NOT_SENT)

    def check_personal(self, texts: Iterable[str], *, secrets: re.Pattern[str], now: datetime) -> None:
        """Check that none of these texts, of rows and events, holds what nobody but the customer may read."""
        for text in texts:
            found = secrets.search(text)
            if found is not None:
                self._break(PERSONAL, text[: text.find("(")], f"at {found.start()}", now)

    def unwanted(self, order: Any, *, now: datetime) -> NoReturn:
        """Say that an answer was given out, and taken back at the same moment."""
        self._break(UNWANTED, str(order.kind), order.send_id, now)

    def _break(self, check: str, what: str, which: str, at: datetime | None) -> NoReturn:
        raise Broken(Finding(check=check, what=what, which=which, at=at))


# ---------------------------------------------------------------------------- readings of its own


def _mask(address: str) -> str:
    return f"…{address[-2:]}"


def _digits_of(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())


def _four_of(text: str) -> set[str]:
    """Return every four digits in a row of a text: whatever ending it may have named."""
    digits = _digits_of(text[:200])
    return {digits[at : at + 4] for at in range(len(digits) - 3)}


def _is_own(person: Any, sender: str) -> bool:
    """Whether an address is a person's own: they are known by it, or called at it, and nobody else answered there."""
    if person.erased_at is not None:
        return False
    if "@" in sender:
        return bool(person.email is not None and person.email.casefold() == sender)
    is_called_at = person.number == sender and person.extension is None
    return (is_called_at or person.identity == f"tel:{sender}") and sender not in person.wrong_numbers


def _is_quiet(wall_at: datetime, quiet: tuple[time, time]) -> bool:
    start, end = quiet
    clock = wall_at.time()
    return start <= clock < end if start < end else clock >= start or clock < end


_Judge = Callable[[str, Facts], str | None]


def _problem(kind: str, facts: Facts) -> str | None:
    """Return what is wrong with a message by the rows as they are now; None if it is true."""
    callback = facts.callback
    if callback is None:
        return "its callback is gone"
    return next((judge(kind, facts) for kinds, judge in _JUDGES if kind in kinds), "no such message is known")


def _wrong_time(order: Any, facts: Facts) -> str | None:
    if str(order.kind) not in _OWN_TIME or facts.booking is None:
        return None
    shown = wrong_time(order.text, facts.callback.scheduled_at, facts.booking.zone)
    return f"it says {shown}" if shown is not None else None


def _goes_on(kind: str, facts: Facts) -> str | None:
    callback = facts.callback
    if callback.state == "ended":
        return "it is over"
    if kind == "missed" and callback.attempts_count == 0:
        return "nobody was called"
    if kind == "confirmation" and callback.state == "scheduled" and callback.scheduled_at < facts.now:
        return "its time has passed"
    return None


def _is_to_come(_kind: str, facts: Facts) -> str | None:
    callback, booking = facts.callback, facts.booking
    if callback.state not in {"scheduled", "waiting"} or callback.attempts_count > 0:
        return f"it is {callback.state}, called {callback.attempts_count} times"
    if booking is None or booking.state != "booked" or booking.callback_id != callback.callback_id:
        return "nothing is booked"
    if booking.slot_at != callback.scheduled_at or booking.slot_at <= facts.now:
        return "that is not when it will be"
    return None


def _is_behind(kind: str, facts: Facts) -> str | None:
    callback, booking = facts.callback, facts.booking
    if callback.state in {"attempting", "ended"} or callback.attempts_count > 0:
        return f"it is {callback.state}, called {callback.attempts_count} times"
    if kind == "slipped":
        return "it has a time" if callback.scheduled_at is not None else None
    if booking is None or booking.state != "booked" or booking.slot_at > facts.now:
        return "no time was missed"
    return None


def _is_choosable(_kind: str, facts: Facts) -> str | None:
    callback = facts.callback
    if callback.state in {"scheduled", "attempting"}:
        return f"it is {callback.state}"
    return "it is over" if callback.outcome in {"completed", "cancelled"} else None


def _has_ended_so(kind: str, facts: Facts) -> str | None:
    callback = facts.callback
    wanted = _ENDS.get(kind, _NOT_REACHED)
    if callback.state != "ended" or callback.outcome not in wanted:
        return f"it is {callback.state}: {callback.outcome}"
    return None


_JUDGES: tuple[tuple[frozenset[str], _Judge], ...] = (
    (frozenset({"confirmation", "number_changed", "missed"}), _goes_on),
    (frozenset({"reminder", "agent_changed"}), _is_to_come),
    (frozenset({"late", "slipped"}), _is_behind),
    (frozenset({"other_times"}), _is_choosable),
    (frozenset({*_ENDS, *_ENDED_UNREACHED}), _has_ended_so),
)


def wrong_time(text: str, at: datetime | None, zone: str) -> str | None:
    """
    Return the clock time in a text that is not the one that was promised; None if there is none such.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 10, 19, tzinfo=UTC)
    >>> wrong_time("We call at 3:00 PM EDT", at, "America/New_York") is None
    True
    >>> wrong_time("Rückruf: 14:00", at, "America/New_York")
    '14:00'
    """
    wall_at = at.astimezone(ZoneInfo(zone)) if at is not None else None
    for hour, minute, half in _CLOCK.findall(text):
        hours = int(hour) if not half else int(hour) % 12 + (12 if half.lower() == "p" else 0)
        if wall_at is None or (hours, int(minute)) != (wall_at.hour, wall_at.minute):
            return f"{hour}:{minute}"
    return None
