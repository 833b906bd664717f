"""What follows from what Asterisk says: facts go into the book, reports come out, and some channels must be seen to."""

from __future__ import annotations

from typing import Final

from callbackq.adapters.asterisk.ari_callers import Callers
from callbackq.adapters.asterisk.ari_hands import Hands, Wish
from callbackq.adapters.asterisk.ari_holding import Meeting
from callbackq.adapters.asterisk.ari_reading import (
    Entered,
    Fact,
    Gone,
    InBridge,
    Left,
    OutOfBridge,
    Played,
    Pressed,
    Rang,
    Replaced,
    WentUp,
)
from callbackq.adapters.connection import ReplacedByAnother
from callbackq.adapters.legs import Seen
from callbackq.causes import amd_answered_by, ari_cause
from callbackq.ids import LegId
from callbackq.model import Cause

AMD: Final = "amd"
LEG: Final = "leg"
"""The first word of a channel that we dialed for a leg."""


class Events:
    """
    Hears facts, one after the other, in the order in which they come.

    Args:
        hands: what is known, and what can be done.
        callers: who takes what is said of channels that are no legs.
    """

    def __init__(self, hands: Hands, callers: Callers) -> None:
        self._hands: Final = hands
        self._book: Final = hands.book
        self._callers: Final = callers
        self._keys: Final = Seen()

    def hear(self, fact: Fact) -> None:
        """
        Take one fact.

        Raises:
            ReplacedByAnother: it was the last one for us.
        """
        tell, book = self._hands.tell, self._book
        match fact:
            case Rang(channel, early):
                self._wish(LegId(channel)).is_placed = True
                if not early or self._hands.settings.progress_is_ringing:
                    tell(book.rang(LegId(channel)))
            case WentUp(channel):
                wish = self._wish(LegId(channel))
                wish.is_placed = wish.is_up = True
            case Entered():
                self._entered(fact)
            case Left(channel):
                self._callers.left(channel)
            case Gone(channel):
                self._gone(fact)
            case InBridge(bridge=bridge):
                meeting = self._hands.meetings.at(bridge)
                if meeting is not None and meeting.came(fact.channel, fact.channels, fact.at):
                    self._joined(meeting)
            case OutOfBridge(bridge=bridge, channel=channel):
                meeting = self._hands.meetings.at(bridge)
                left = None if meeting is None else meeting.went(channel, fact.at)
                if left is not None:
                    tell(book.parted(left))
            case Played(playback):
                self._hands.played(playback)
            case Pressed(channel, key, mark):
                if self._keys.is_new(mark):
                    tell(book.pressed(LegId(channel), key))
            case Replaced():
                raise ReplacedByAnother(
                    f"another process has connected as the application {self._hands.settings.app!r}."
                    " One process for each name: end one of the two, or give it a name of its own."
                )

    # ------------------------------------------------------------------ one by one

    def _entered(self, fact: Entered) -> None:
        leg_id, word = LegId(fact.channel), fact.args[0] if fact.args else ""
        leg = self._book.get(leg_id)
        if leg is None:
            self._callers.entered(fact)
        elif leg.is_over or leg.hanging_up:
            self._hands.tell(self._book.answered(leg_id))  # It is noted, and not reported.
            sound = self._hands.sounds.of(leg_id)
            if sound is None or not sound.goodbye:
                self._hands.begin(self._hands.delete(leg_id), "hang-up of a leg that answered late")
        elif word == AMD:
            self._detected(leg_id, fact.args[1] if len(fact.args) > 1 else None)
        elif self._is_to_be_listened_to(leg_id):
            self._hands.begin(self._hands.listen(leg_id), "detection")
        elif not self._wish(leg_id).listening:
            self._hands.tell(self._book.answered(leg_id))

    def _is_to_be_listened_to(self, leg_id: LegId) -> bool:
        wish = self._wish(leg_id)
        if not wish.detect or wish.listening or self._hands.settings.amd is None:
            return False
        wish.listening = True
        return True

    def _detected(self, leg_id: LegId, status: str | None) -> None:
        """The dialplan has found out who answered. Of a leg whose answer is known already, it is said alone."""
        by, wish = amd_answered_by(status), self._wish(leg_id)
        was_known, wish.detected, wish.listening, wish.detect = wish.detected, True, False, False
        report = self._book.answered(leg_id, answered_by=by)
        if report is None and not was_known:
            report = self._book.detected(leg_id, by)
        self._hands.tell(report)

    def _gone(self, fact: Gone) -> None:
        leg_id = LegId(fact.channel)
        if self._book.get(leg_id) is None:
            self._callers.gone(fact.channel)
            return
        wish = self._hands.wishes.pop(leg_id, Wish())

        def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:
            up = answered or wish.is_up
            return ari_cause(fact.cause, tech_cause=fact.sip, rang=rang, answered=up, by_us=by_us)

        words = f"{fact.cause} {fact.words}".strip() + (f", SIP {fact.sip}" if fact.sip is not None else "")
        self._hands.sounds.forget(leg_id)
        self._hands.tell(self._book.ended(leg_id, read, raw_cause=words))
        self.clear(leg_id)

    def _joined(self, meeting: Meeting) -> None:
        self._hands.tell(self._book.joined(meeting.agent, meeting.customer))
        if meeting.record and meeting.recording is None:
            meeting.record = False
            self._hands.begin(self._hands.record(meeting), "recording")

    def clear(self, leg_id: LegId) -> None:
        """Let the bridge go with the last of the two who were in it."""
        meeting = self._hands.meetings.of(leg_id)
        if meeting is None or any(self._book.is_live(one) for one in meeting.legs):
            return
        self._hands.meetings.forget(meeting)
        self._hands.begin(self._hands.clear(meeting.bridge, recording=meeting.recording), "end of a bridge")

    def _wish(self, leg_id: LegId) -> Wish:
        """Return what is noted of a leg; of one that nobody knows, nothing is kept."""
        if not self._book.is_live(leg_id):
            return Wish()
        return self._hands.wishes.setdefault(leg_id, Wish(is_placed=True))
