"""
Whether the telephony can be reached, and what must happen before it counts as reached again.

While it is down, and until it has said which legs it has, no deadline of an attempt is taken for its end and nobody
is dialed: what rang when the connection was lost may be ringing still.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Final

import attrs

from callbackq.effects import Reconciled
from callbackq.errors import Conflict, StoreError, StoreUnavailable, TelephonyDown
from callbackq.model import TelephonySnapshot
from callbackq.runners.hands import log_failure
from callbackq.runners.performing import Account, Performing

logger = logging.getLogger("callbackq")

ASK_AGAIN_AFTER: Final = timedelta(seconds=1)
_NOW: Final = timedelta(0)
BAD_SNAPSHOTS_MAX: Final = 5
"""An account that cannot be had so many times, for another reason than a connection that is down, is given up."""


@attrs.frozen(eq=False)
class Question:
    """What is to be learned before dialing goes on: from the snapshot that was given, or by asking for one."""

    snapshot: TelephonySnapshot | None = None


class Link:
    """Up, down, or being asked about its legs. Safe in threads; each word of the host takes back the one before."""

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._is_up = True
        self._question: Question | None = None
        self._asking = False
        self._again_at: datetime | None = None
        self._failures_count = 0

    @property
    def is_up(self) -> bool:
        """Whether anything may be begun that needs the telephony."""
        return self._is_up

    def begin(self, *, asks: bool) -> None:
        """Somebody begins to step. What is up is asked first, if it can be asked; what nobody settled is open again."""
        if self._is_up and asks:
            self.up(None)
        else:
            self._set(is_up=self._is_up, question=self._question)

    def down(self) -> None:
        """The connection is lost."""
        self._set(is_up=False, question=None)

    def up(self, snapshot: TelephonySnapshot | None) -> None:
        """The connection is there again: the question of its legs is open."""
        self._set(is_up=False, question=Question(snapshot))

    def lost(self, now: datetime) -> None:
        """An order found no connection: it is believed to be lost, though nobody said so. The legs are asked for."""
        with self._lock:
            if not self._is_up and self._question is None:
                return  # The host said so, and will say when it is there again.
            self._is_up, self._question, self._asking = False, Question(), False
            self._again_at = now + ASK_AGAIN_AFTER

    def next_question(self, now: datetime) -> Question | None:
        """Return the open question for who will settle it; None if there is none, it is being settled, or too soon."""
        with self._lock:
            if self._question is None or self._asking:
                return None
            if self._again_at is not None and now < self._again_at <= now + ASK_AGAIN_AFTER:
                return None
            self._asking = True
            return self._question

    def settled(self, question: Question) -> None:
        """It is known now. Changes nothing if the host has said another word meanwhile."""
        with self._lock:
            if question is self._question:
                self._is_up, self._question, self._asking = True, None, False

    def answered(self, question: Question, found: Reconciled) -> None:
        """What was found is performed. Where the store failed on the way, the question stays open."""
        if found.is_complete:
            self.settled(question)
        else:
            self.not_settled(question, StoreUnavailable("reconcile"), now=None, counts=False)

    def not_settled(
        self, question: Question, error: BaseException, *, now: datetime | None, counts: bool
    ) -> None:
        """It could not be learned now, and is asked again a little later, but not for ever if this *counts*."""
        with self._lock:
            if question is not self._question:
                return
            if counts or self._again_at is None:  # A connection that is down for long is said once.
                log_failure("snapshot", "the telephony", error)
            self._asking, self._again_at = False, now + ASK_AGAIN_AFTER if now is not None else None
            self._failures_count += counts
            if self._failures_count < BAD_SNAPSHOTS_MAX:
                return
            self._is_up, self._question = True, None
        logger.error("no snapshot can be had from the telephony: deadlines decide what became of its legs")

    def _set(self, *, is_up: bool, question: Question | None) -> None:
        with self._lock:
            self._is_up, self._question = is_up, question
            self._asking, self._again_at, self._failures_count = False, None, 0


async def come_up(
    link: Link, question: Question, performing: Performing, *, dials_for: timedelta = _NOW
) -> Reconciled | None:
    """
    Settle a question: learn which legs there are, and hold the promises against them.

    Args:
        dials_for: a leg that was intended so shortly before may still be on its way into the world.

    Returns:
        What was found, whose effects must be performed before `link.settled`; None where nothing could be learned.
    """
    try:
        return await _ask(link, question, performing, dials_for)
    except BaseException as error:
        link.not_settled(question, error, now=None, counts=True)
        raise


async def _ask(
    link: Link, question: Question, performing: Performing, dials_for: timedelta
) -> Reconciled | None:
    service = performing.service
    said, known = question.snapshot, None
    if said is None and not performing.can_snapshot:
        return Reconciled(attempts_count=0, changed_count=0, orphans_count=0, effects=())
    try:
        if said is None:
            done = await performing.account()
            if not isinstance(done.value, Account):
                bad = not isinstance(done.error, TelephonyDown)
                link.not_settled(question, done.error or TypeError(), now=service.now(), counts=bad)
                return None
            said, known = done.value.snapshot, done.value.known
        # A host's clock may be wrong: an account must not say of a leg of tomorrow that it is gone.
        said = attrs.evolve(said, as_of=min(said.as_of, service.now()) - dials_for)
        return await performing.ask(partial(service.reconcile, said, known=known))
    except Exception as error:
        bad = not isinstance(error, StoreError | Conflict)
        link.not_settled(question, error, now=service.now(), counts=bad)
        return None
