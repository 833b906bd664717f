"""
The conversation by message: what is done with what a customer wrote, and what the next bare number means.

A pure machine: `hear` takes a text and gives one `Action` at most, `said` notes what the last message asked. Neither
a text nor a number stays in a `Conversation`.

What is wished, wherever the conversation stands:

=======================  ==============================================================================================
wish                     what is done
=======================  ==============================================================================================
OPT_OUT                  OptOut of messages. Callbacks stay: a call may still come.
CANCEL_AND_OPT_OUT       OptOut of messages, and cancels the callback that is meant, if that is clear: the one that is
                         answered, else the one that was last written about, else the only one. Otherwise none.
NO_CALLS                 OptOut of calls, and cancels all open callbacks.
OPT_IN                   OptIn.
HELP                     Tell HELP.
CANCEL, or 9             Cancel.
OTHER_TIME, or 2         OfferTimes; Tell RESCHEDULE without times where the queue has no slots. With no open callback,
                         of who was written to about one: OfferTimes for a new one; Request where there are no slots.
NUMBER, or 3             NewNumber if there is one in the text, else Tell NEW_NUMBER.
STATUS, or 4             Tell STATUS.
CALL                     Request; Tell STATUS of a callback that is open already.
THANKS                   nothing.
nothing known            Tell HELP, once in `question_life`; nothing for a stranger.
=======================  ==============================================================================================

Which callback is meant: the one of the message that is answered, where the provider says so; the one that an open
question is about; the only open one. Several: Tell WHICH, and the wish is kept. None: Tell NO_CALLBACK, once.

What answers the open question, before all of the above but the first five:

=======================  ==============================  ==============================================================
question                 asked by                        answer
=======================  ==============================  ==============================================================
none                     any other message               a digit is a wish.
WHICH_TIME               RESCHEDULE, SLOTS_FULL,         1 to n, or the time of day: Move. Yes, where one time was
                         OTHER_TIMES, LATE with times    offered: Move to it. Another number: OfferTimes again. Of a
                                                         new callback: Request instead of Move.
WHICH_CALLBACK           WHICH                           1 to n: the wish that was kept, for that callback. Another
                                                         number: Tell WHICH again.
WHICH_NUMBER             NEW_NUMBER                      a telephone number: NewNumber. A digit is a wish.
WHICH_CODE               ENTER_CODE                      four to ten digits: Prove. A digit is a wish.
=======================  ==============================  ==============================================================

Rule 1: the last message decides what digits mean. A question is over after `question_life`; NUMBER_REFUSED
and HELP leave that for a number or a code open. 9 is always to cancel.
Rule 2: no action is about a callback that is not in `Known.callbacks`. A question about one that is over: NOT_POSSIBLE.
Rule 3: who has opted out of messages is answered nothing but OPTED_IN; Cancel and OptOut are done in silence.
Where `Messages.answers` is false, only the first five wishes are heard, and nothing is cancelled.
Rule 4: what is heard twice (`heard_ids`) is done once.
Rule 5: no loop with a machine that answers each message: between two pauses of `question_life` one conversation gets
ANSWERS_MAX answers at most, of any kind; a question is put again only while there were fewer than REPEATS_MAX. Then
only Cancel, OptOut and the OptIn of who has opted out are done. Each callback is cancelled at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

import attrs

from callbackq.core.questions import closed, with_heard
from callbackq.core.replies import Reply, Words, read_reply
from callbackq.ids import CallbackId, VerificationId
from callbackq.model import Callback, Conversation, Medium, MessageKind, Question, ReplyWish
from callbackq.policy import Messages
from callbackq.policy.messages import CHOICES_MAX, DIGITS_DEFAULT

ANSWERS_MAX: Final = 10
"""So many answers are given between two pauses of `Messages.question_life`."""
REPEATS_MAX: Final = 4
"""A question is put again only while fewer answers were given: at most three times behind one that was asked for."""

_NONE_OF_THEM: Final = 0
"""Stands for a time of day that was not offered, or was offered on two days."""
_BY_DIGIT: Final = {int(digit): wish for wish, digit in DIGITS_DEFAULT.items()}
_CANCEL_DIGIT: Final = int(DIGITS_DEFAULT[ReplyWish.CANCEL])
_MESSAGES: Final = frozenset({Medium.MESSAGES})
_CALLS: Final = frozenset({Medium.CALLS})


@attrs.frozen(kw_only=True)
class Known:
    """
    What the service knows of the sender.

    Args:
        callbacks: the open ones that the sender has power over, the latest requested first.
        about: the callback of our message that is answered, where the provider says which it is; open or not.
        opted_out: whether the sender has opted out of messages.
        with_slots: those of the callbacks whose queue has slots.
        takes_requests: whether the sender may ask for a callback by message.
        offers_times: whether a new callback could be booked for a time.
        is_stranger: whether nobody is known by this address.
        zone: on whose clock the times are that were offered. None: a time of day chooses none of them.
    """

    callbacks: tuple[Callback, ...] = ()
    about: CallbackId | None = None
    opted_out: bool = False
    with_slots: frozenset[CallbackId] = frozenset()
    takes_requests: bool = False
    offers_times: bool = False
    is_stranger: bool = False
    zone: tzinfo | None = None


@attrs.frozen
class Cancel:
    """Cancel the callback."""

    callback_id: CallbackId


@attrs.frozen
class Move:
    """Call at this time instead. It was one of those that were offered."""

    callback_id: CallbackId
    at: datetime


@attrs.frozen
class OfferTimes:
    """Look for free times, and ask which: for a callback, or for a new one (None)."""

    callback_id: CallbackId | None


@attrs.frozen
class NewNumber:
    """The customer gave another number: read and check it, and prove it by a code where the policy says so."""

    callback_id: CallbackId
    text: str = attrs.field(repr=False)


@attrs.frozen
class Prove:
    """The customer entered the one-time code that was sent to the new number."""

    callback_id: CallbackId
    code: str = attrs.field(repr=False)
    verification_id: VerificationId | None


@attrs.frozen
class Request:
    """Ask for a callback: as soon as possible, or at one of the times that were offered."""

    at: datetime | None = None


@attrs.frozen
class OptOut:
    """No more messages or calls. `cancels` are callbacks to be cancelled as well."""

    media: frozenset[Medium]
    cancels: tuple[CallbackId, ...] = ()


@attrs.frozen
class OptIn:
    """Messages again."""


@attrs.frozen
class Tell:
    """Answer with this message, about `Turn.callback_id`."""

    kind: MessageKind
    choices: tuple[str, ...] = ()


Action = Cancel | Move | OfferTimes | NewNumber | Prove | Request | OptOut | OptIn | Tell


@attrs.frozen(kw_only=True)
class Turn:
    """What follows from one text."""

    wish: ReplyWish | None
    action: Action | None
    callback_id: CallbackId | None
    conversation: Conversation
    repeated: bool = False


def hear(
    text: str,
    *,
    inbound_id: str,
    conversation: Conversation,
    known: Known,
    policy: Messages,
    words: Words,
    now: datetime,
) -> Turn:
    """
    Decide what follows from what a customer wrote.

    Args:
        inbound_id: the provider's id of it.
        conversation: as it is stored, or a new one.
        known: what the service knows of the sender.
        words: in the customer's language and in English (`replies.all_words`).

    Cost: that of `read_reply`.
    """
    if inbound_id in conversation.heard_ids:
        return Turn(wish=None, action=None, callback_id=None, conversation=conversation, repeated=True)
    talk = with_heard(conversation, inbound_id=inbound_id, policy=policy, now=now)
    reply = read_reply(text, words=words, question=talk.question, opted_out=known.opted_out)
    hearing = _Hearing(reply=reply, talk=talk, known=known, policy=policy, now=now)
    found = hearing.bounded(hearing.decide())
    return Turn(
        wish=found.wish,
        action=found.action,
        callback_id=found.callback_id,
        conversation=_after(talk, found, now=now),
    )


def _after(talk: Conversation, found: _Found, *, now: datetime) -> Conversation:
    """Note what is done now."""
    action = found.action
    talk = attrs.evolve(talk, tries_count=min(talk.tries_count + _cost(action), ANSWERS_MAX))
    if isinstance(action, Cancel) and talk.callback_id == action.callback_id:
        return closed(talk)
    if isinstance(action, OptOut):
        return closed(talk)
    if talk.question is Question.WHICH_CALLBACK and found.callback_id is not None:
        talk = closed(talk)
    if not isinstance(action, Tell):
        return talk
    match action.kind:
        case MessageKind.WHICH:
            return attrs.evolve(talk, wish=found.wish)
        case MessageKind.HELP:
            return attrs.evolve(talk, helped_at=now)
        case MessageKind.NO_CALLBACK:
            return attrs.evolve(talk, helped_at=now, tries_count=max(talk.tries_count, _TOLD_TWICE))
        case _:
            return talk


_TOLD_TWICE: Final = 2
"""So many answers: help, and that there is no callback. Neither is said again."""


def _cost(action: Action | None) -> int:
    """Return for how many answers an action counts."""
    return 0 if action is None or isinstance(action, Cancel | OptOut) else 1


# ---------------------------------------------------------------------------- deciding


@attrs.frozen(kw_only=True)
class _Found:
    """What is to be done, before it is known whether it may be."""

    wish: ReplyWish | None = None
    action: Action | None = None
    callback_id: CallbackId | None = None


@attrs.frozen(kw_only=True)
class _Hearing:
    """All that is known while one text is judged."""

    reply: Reply
    talk: Conversation
    known: Known
    policy: Messages
    now: datetime

    @property
    def open_ids(self) -> tuple[CallbackId, ...]:
        return tuple(callback.callback_id for callback in self.known.callbacks)

    def opened(self, callback_id: str | None) -> CallbackId | None:
        """Return the callback if the sender has power over it, and it is open; else None."""
        return next((one for one in self.open_ids if one == callback_id), None)

    # ------------------------------------------------------------------ in which order

    def decide(self) -> _Found:
        """Return what the text is about: being left alone, the open question, or a wish."""
        left_alone = self._left_alone()
        if left_alone is not None:
            return left_alone
        if self.reply.wish is ReplyWish.HELP:
            return _Found(wish=ReplyWish.HELP, action=Tell(MessageKind.HELP))
        if not self.policy.answers:
            return _Found(wish=self.reply.wish)
        return self._answer() or self._wished(self._wish())

    def bounded(self, found: _Found) -> _Found:
        """Return what may be done of it: who has opted out is not answered, and nobody without end."""
        action = found.action
        done = isinstance(action, Cancel | OptOut) or (isinstance(action, OptIn) and self.known.opted_out)
        if done or not (self.known.opted_out or self.talk.tries_count >= ANSWERS_MAX):
            return found
        return attrs.evolve(found, action=None)

    def _wish(self) -> ReplyWish | None:
        choice = self.reply.choice
        if choice == _CANCEL_DIGIT:
            return ReplyWish.CANCEL
        if self.reply.wish in {None, ReplyWish.THANKS} and choice is not None:
            return _BY_DIGIT.get(choice)
        return self.reply.wish

    # ------------------------------------------------------------------ being left alone

    def _left_alone(self) -> _Found | None:
        wish = self.reply.wish
        if wish is ReplyWish.CANCEL and self.reply.is_reserved and self.policy.cancel_phrase_opts_out:
            wish = ReplyWish.CANCEL_AND_OPT_OUT
        match wish:
            case ReplyWish.OPT_OUT:
                return _Found(wish=wish, action=OptOut(_MESSAGES))
            case ReplyWish.CANCEL_AND_OPT_OUT:
                return self._opted_out(wish, _MESSAGES, self._clear())
            case ReplyWish.NO_CALLS:
                return self._opted_out(wish, _CALLS, self.open_ids)
            case ReplyWish.OPT_IN:
                return _Found(wish=wish, action=OptIn())
            case _:
                return None

    def _opted_out(
        self, wish: ReplyWish, media: frozenset[Medium], callback_ids: tuple[CallbackId, ...]
    ) -> _Found:
        cancels = callback_ids if self.policy.answers else ()
        only = cancels[0] if len(cancels) == 1 else None
        return _Found(wish=wish, action=OptOut(media, cancels), callback_id=only)

    def _clear(self) -> tuple[CallbackId, ...]:
        """Return the callback that the bare word CANCEL is about, if that is clear."""
        about, choice = self.known.about, self.reply.choice or 0
        if self.talk.question is Question.WHICH_CALLBACK and 1 <= choice <= len(self.talk.choices):
            about = CallbackId(self.talk.choices[choice - 1])
        meant = self.opened(self.talk.last_callback_id if about is None else about)
        if meant is not None:
            return (meant,)
        return self.open_ids if len(self.open_ids) == 1 and about is None else ()

    # ------------------------------------------------------------------ the open question

    def _answer(self) -> _Found | None:
        """Return what follows if the text answers the open question; None if it does not."""
        if self.reply.choice == _CANCEL_DIGIT:
            return None
        match self.talk.question:
            case Question.WHICH_TIME:
                return self._time()
            case Question.WHICH_CALLBACK:
                return self._callback()
            case Question.WHICH_NUMBER if self.reply.number_text is not None:
                text = self.reply.number_text
                return self._given(lambda callback_id: NewNumber(callback_id, text))
            case Question.WHICH_CODE if self.reply.code is not None:
                code, verification_id = self.reply.code, self.talk.verification_id
                return self._given(lambda callback_id: Prove(callback_id, code, verification_id))
            case _:
                return None

    def _time(self) -> _Found | None:
        choices = tuple(map(datetime.fromisoformat, self.talk.choices))
        choice = self._choice_of(choices)
        if choice is None or self.reply.wish not in {None, ReplyWish.OTHER_TIME, ReplyWish.THANKS}:
            return None
        wish = ReplyWish.OTHER_TIME
        callback_id = self.opened(self.talk.callback_id)
        if callback_id is None:
            return self._time_of_new(choice, choices)
        if not 1 <= choice <= len(choices):
            return self._again(wish, OfferTimes(callback_id), callback_id)
        return _Found(wish=wish, action=Move(callback_id, choices[choice - 1]), callback_id=callback_id)

    def _time_of_new(self, choice: int, choices: Sequence[datetime]) -> _Found:
        """Return what follows if a time is chosen for a callback that is to be asked for."""
        wish = ReplyWish.OTHER_TIME
        if self.talk.callback_id is not None or not self._may_request():
            return _Found(wish=wish, action=Tell(MessageKind.NOT_POSSIBLE))
        if not 1 <= choice <= len(choices):
            return self._again(wish, OfferTimes(None), None)
        return _Found(wish=wish, action=Request(choices[choice - 1]))

    def _may_request(self) -> bool:
        return self.known.takes_requests and self.policy.requests

    def _choice_of(self, choices: Sequence[datetime]) -> int | None:
        """Return the number of the time that is chosen: by its number, by a yes, or by the time of day."""
        if self.reply.is_yes and len(choices) == 1:
            return 1
        zone = self.known.zone
        if not self.reply.times or zone is None:
            return self.reply.choice
        fitting = [
            number
            for number, at in enumerate(choices, 1)
            if at.astimezone(zone).time().replace(second=0, microsecond=0) in self.reply.times
        ]
        return fitting[0] if len(fitting) == 1 else _NONE_OF_THEM

    def _callback(self) -> _Found | None:
        choice, kept = self.reply.choice, self.talk.wish
        if choice is None:
            return None
        named = next((wish for wish in _ABOUT_ONE if wish is self.reply.wish), None)
        wish = named or kept or ReplyWish.STATUS
        is_one = 1 <= choice <= len(self.talk.choices)
        if not is_one and self.open_ids:
            return self._again(wish, Tell(MessageKind.WHICH, self._choices()), None)
        chosen = self.opened(self.talk.choices[choice - 1]) if is_one else None
        if chosen is None:
            return _Found(wish=wish, action=Tell(MessageKind.NOT_POSSIBLE))
        return self._for(wish, chosen)

    def _given(self, action: Callable[[CallbackId], Action]) -> _Found | None:
        if self.reply.wish in {ReplyWish.CANCEL, ReplyWish.STATUS, ReplyWish.OTHER_TIME}:
            return None
        wish = ReplyWish.NUMBER
        callback_id = self.opened(self.talk.callback_id)
        if callback_id is None:
            return _Found(wish=wish, action=Tell(MessageKind.NOT_POSSIBLE))
        return _Found(wish=wish, action=action(callback_id), callback_id=callback_id)

    def _again(self, wish: ReplyWish, action: Action, callback_id: CallbackId | None) -> _Found:
        """Put the question again, some times; then say once what can be answered."""
        if self.talk.tries_count < REPEATS_MAX:
            return _Found(wish=wish, action=action, callback_id=callback_id)
        return self._unknown()

    # ------------------------------------------------------------------ wishes

    def _wished(self, wish: ReplyWish | None) -> _Found:
        if wish is None:
            return self._unknown()
        if wish is ReplyWish.THANKS:
            return _Found(wish=wish)
        if wish is ReplyWish.CALL:
            return self._about_one(wish, meant=ReplyWish.STATUS)
        return self._about_one(wish, meant=wish)

    def _about_one(self, wish: ReplyWish, *, meant: ReplyWish) -> _Found:
        open_ids, about = self.open_ids, self.known.about
        if not open_ids:
            return self._none_open(wish)
        if about is not None and self.opened(about) is None and meant is not ReplyWish.STATUS:
            return _Found(wish=wish, action=Tell(MessageKind.NOT_POSSIBLE))
        callback_id = self.opened(about) or self.opened(self.talk.callback_id)
        first, *others = open_ids
        if callback_id is None and others:
            return _Found(wish=meant, action=Tell(MessageKind.WHICH, self._choices()))
        return self._for(meant, callback_id or first)

    def _for(self, wish: ReplyWish, callback_id: CallbackId) -> _Found:
        """Return what one wish is for one open callback."""
        number_text = self.reply.number_text
        action: Action
        match wish:
            case ReplyWish.CANCEL:
                action = Cancel(callback_id)
            case ReplyWish.OTHER_TIME if callback_id in self.known.with_slots:
                action = OfferTimes(callback_id)
            case ReplyWish.OTHER_TIME:
                action = Tell(MessageKind.RESCHEDULE)  # Without choices: there are none.
            case ReplyWish.NUMBER if number_text is not None:
                action = NewNumber(callback_id, number_text)
            case ReplyWish.NUMBER:
                action = Tell(MessageKind.NEW_NUMBER)
            case _:
                action = Tell(MessageKind.STATUS)
        return _Found(wish=wish, action=action, callback_id=callback_id)

    def _none_open(self, wish: ReplyWish) -> _Found:
        """Ask for a callback, or say that there is none: once."""
        was_told_of_one = self.talk.last_callback_id is not None
        asks = wish is ReplyWish.CALL or (wish is ReplyWish.OTHER_TIME and was_told_of_one)
        if asks and self._may_request():
            offers = wish is ReplyWish.OTHER_TIME and self.known.offers_times
            return _Found(wish=wish, action=OfferTimes(None) if offers else Request())
        if self._is_helped() and self.talk.tries_count >= _TOLD_TWICE:
            return _Found(wish=wish)
        return _Found(wish=wish, action=Tell(MessageKind.NO_CALLBACK))

    def _unknown(self) -> _Found:
        if self._is_helped() or self.known.is_stranger:
            return _Found()
        return _Found(action=Tell(MessageKind.HELP))

    def _is_helped(self) -> bool:
        helped_at = self.talk.helped_at
        return helped_at is not None and self.now - helped_at < self.policy.question_life

    def _choices(self) -> tuple[str, ...]:
        return tuple(self.open_ids[:CHOICES_MAX])


_ABOUT_ONE: Final = frozenset({ReplyWish.CANCEL, ReplyWish.OTHER_TIME, ReplyWish.NUMBER, ReplyWish.STATUS})
