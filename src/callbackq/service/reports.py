"""The commands of the telephony: what it reports of legs, and which legs it should have."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from callbackq.core import attempt
from callbackq.core.instants import check_instant, check_text
from callbackq.core.legs import Context
from callbackq.core.outgoing import untold
from callbackq.core.reconcile import reports_of
from callbackq.effects import Effect, HangUp, Reconciled, Reported
from callbackq.errors import (
    AttemptNotFound,
    CommitUncertain,
    Conflict,
    InvalidText,
    StoreError,
    StoreUnavailable,
)
from callbackq.ids import AttemptId, LegId
from callbackq.model import Attempt, AttemptState, LegSnapshot, Report, ReportKind, TelephonySnapshot
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import attempt_context, attempt_of_leg, move_attempt, policy_or_default, work_ahead

logger = logging.getLogger("callbackq")

TOGETHER_MAX: Final = 64
"""So many reports are taken in one transaction: the first of them waits for the last."""

_NOTES: Final = (ReportKind.RINGING, ReportKind.UNCERTAIN, ReportKind.PLAYED)
"""What changes no promise by itself, and waits for no flush."""


class ReportCommands(ServiceBase):
    """The commands of the telephony."""

    def report(self, report: Report) -> Reported:
        """
        The telephony says something of a leg. Reports may come twice, late, or out of order.

        Durable on return, but for RINGING, UNCERTAIN and PLAYED, which change no promise by themselves.
        The caller must perform the effects of the answer; runners do.

        Raises:
            AttemptNotFound: no attempt ever had this leg. Nothing was stored.
        """
        leg_id = LegId(check_text(report.leg_id, "leg_id"))

        def reported(tx: Transaction, now: datetime) -> Reported:
            found = self._reported(tx, leg_id, report, now=now)
            if isinstance(found, AttemptNotFound):
                raise found
            return found

        return self._run(_commit_for([report]), reported)

    def report_all(self, reports: Sequence[Report]) -> tuple[Reported | Exception, ...]:
        """
        The telephony says several things, which have piled up: take them in this order, and share transactions.

        It comes to the same as `report` of one after the other, and each is as durable on return. Where one cannot be
        taken the others are all the same: if their transaction fails, each is given another of its own. The caller must
        perform the effects of all answers; runners do.

        Returns:
            For each report what `report` would have returned, or raised. After a `StoreUnavailable` nothing of that
            report was stored; after a `CommitUncertain` it may be.

        Cost: for up to 64 reports one flush, one look-up of all their attempts, and one write for each.
        """
        done: list[Reported | Exception] = []
        for start in range(0, len(reports), TOGETHER_MAX):
            done.extend(self._report_some(reports[start : start + TOGETHER_MAX]))
        return tuple(done)

    def _report_some(self, reports: Sequence[Report]) -> Sequence[Reported | Exception]:
        """Take some reports in one transaction, or else one by one."""
        if len(reports) > 1 and not self.is_provisional:
            try:
                return self._report_together(reports)
            except CommitUncertain as error:
                return [copy.copy(error) for _ in reports]  # An error that is raised belongs to one thread.
            except Exception as error:
                # Nothing was written. Each is told what is wrong with it, and the others are taken.
                logger.debug("%s reports are taken one by one: %s", len(reports), type(error).__name__)
        return self._report_each(reports)

    def _report_together(self, reports: Sequence[Report]) -> list[Reported | Exception]:
        legs = [LegId(check_text(report.leg_id, "leg_id")) for report in reports]

        def reported(tx: Transaction, now: datetime) -> list[Reported | Exception]:
            work_ahead(tx, legs)
            return [self._reported(tx, *each, now=now) for each in zip(legs, reports, strict=True)]

        return self._once(_commit_for(reports), reported, self.now())

    def _report_each(self, reports: Sequence[Report]) -> list[Reported | Exception]:
        """Take reports one by one. If the store fails twice in a row, it is not asked for the rest."""
        done: list[Reported | Exception] = []
        for report in reports:
            last = done[-2:]
            if len(last) == 2 and all(isinstance(one, StoreUnavailable) for one in last):
                done.append(copy.copy(last[-1]))
                continue
            try:
                done.append(self.report(report))
            except Exception as error:
                done.append(error)
        return done

    def _reported(
        self, tx: Transaction, leg_id: LegId, report: Report, *, now: datetime
    ) -> Reported | AttemptNotFound:
        before = attempt_of_leg(tx, leg_id)
        if before is None:
            return AttemptNotFound(f"no attempt has leg {leg_id!r}")
        context = self._context(tx, before, now=now)
        decision = attempt.report(before, report, context)
        effects = move_attempt(tx, before, decision, context)
        return Reported(
            attempt_id=before.attempt_id,
            changed=bool(decision.records),
            effects=untold(effects, policies=self.policies),
        )

    def open_attempts(self) -> Mapping[AttemptId, int]:
        """
        Return the attempts that are under way, of all queues of this service, each with its version.

        Read it before you ask the telephony which legs it has, and give it to `reconcile` as *known*; runners do.

        Cost: O(open attempts).
        """

        def read(tx: Transaction, _now: datetime) -> dict[AttemptId, int]:
            return {one.attempt_id: one.version for queue in self.policies for one in tx.attempts.open(queue)}

        return self._run(Commit.READ_ONLY, read)

    def reconcile(
        self,
        snapshot: TelephonySnapshot,
        *,
        known: Mapping[AttemptId, int] | None = None,
        hang_up_ending: bool = True,
    ) -> Reconciled:
        """
        Learn from the telephony's own account of its legs what was not reported: after a crash or a lost connection.

        What was missed is applied as if it were reported now. Legs that it has and nobody wants, for their attempt is
        over, are to be hung up; legs that this tenant never had are left alone. Attempts of all queues of this service
        are looked at, one transaction for each that missed something; durable on return. The caller must perform the
        effects; runners do. If the store fails on the way, `is_complete` is false: perform them, and ask again.

        Args:
            known: what `open_attempts` said before the telephony was asked. Of an attempt that has changed since, or
                begun, nothing is believed to be gone or parted: the next snapshot says, or a deadline. Without it
                `snapshot.as_of` decides alone: that is right only where all that write go by the same clock.
            hang_up_ending: also legs that were told to end and may be saying why: after a lost connection nobody knows
                whether they were told.

        Raises:
            InvalidTime, InvalidText: it is no account that could be, or *known* is none; nothing was changed.

        Cost: O(open attempts + legs of the snapshot).
        """
        account, versions = _read_snapshot(snapshot), _read_known(known)

        def read(tx: Transaction, _now: datetime) -> list[Attempt]:
            return [one for queue in self.policies for one in tx.attempts.open(queue)]

        attempts = self._run(Commit.READ_ONLY, read)
        effects: list[Effect] = []
        changed_count, left, is_complete = 0, list[LegId](), True
        try:
            for one in attempts:
                if self._missed(one, account, versions):
                    work = partial(self._reconcile_one, one.attempt_id, account, versions)
                    effects.extend(self._run(Commit.FLUSHED, work))
                    changed_count += 1
            # Who is told to hang up already may hear a prompt first: that is not to be cut off.
            told = {effect.leg_id for effect in effects if isinstance(effect, HangUp)}
            orphans = self._orphans(account, ending=hang_up_ending)
            left = [leg_id for leg_id in orphans if leg_id not in told]
        except (StoreError, Conflict):
            # What was committed so far must reach the world.
            is_complete = False
        effects.extend(HangUp(leg_id=leg_id) for leg_id in left)
        return Reconciled(
            attempts_count=len(attempts),
            changed_count=changed_count,
            orphans_count=len(left),
            effects=untold(effects, policies=self.policies),
            is_complete=is_complete,
        )

    def _orphans(self, account: TelephonySnapshot, *, ending: bool) -> list[LegId]:
        """Return the legs that were ours, and that nobody wants any more. One that we never heard of is not ours."""

        def read(tx: Transaction, _now: datetime) -> list[LegId]:
            found = ((leg_id, attempt_of_leg(tx, leg_id)) for leg_id in account.legs)
            ours = [(leg_id, of) for leg_id, of in found if of is not None]
            left = [(leg_id, of) for leg_id, of in ours if not attempt.wants(of, leg_id)]
            return [leg_id for leg_id, of in left if ending or of.state is not AttemptState.ENDING]

        return self._run(Commit.READ_ONLY, read)

    def _missed(
        self, of: Attempt, account: TelephonySnapshot, versions: Mapping[AttemptId, int] | None
    ) -> tuple[Report, ...]:
        has_changed = versions is not None and versions.get(of.attempt_id) != of.version
        policy = policy_or_default(self.policies, of.queue)
        return reports_of(of, account, policy=policy, has_changed=has_changed)

    def _reconcile_one(
        self,
        attempt_id: AttemptId,
        account: TelephonySnapshot,
        versions: Mapping[AttemptId, int] | None,
        tx: Transaction,
        now: datetime,
    ) -> tuple[Effect, ...]:
        """Apply what one attempt missed."""
        before = tx.attempts.get(attempt_id)
        effects: list[Effect] = []
        for said in self._missed(before, account, versions):
            before = tx.attempts.get(attempt_id)
            context = self._context(tx, before, now=now)
            effects.extend(move_attempt(tx, before, attempt.report(before, said, context), context))
        return tuple(effects)

    def _context(self, tx: Transaction, of: Attempt, *, now: datetime) -> Context:
        return attempt_context(tx, of, policies=self.policies, pepper=self.store.pepper, now=now)

    def leg_is_wanted(self, leg_id: str) -> bool:
        """
        Say whether a leg should be in the world: its attempt is under way, and it is not known to have ended.

        Drivers ask before they dial and after: a dial that was delayed must not ring for an attempt that is over.
        """
        key = LegId(check_text(leg_id, "leg_id"))

        def read(tx: Transaction, _now: datetime) -> bool:
            found = attempt_of_leg(tx, key)
            return found is not None and attempt.wants(found, key)

        return self._run(Commit.READ_ONLY, read)


def _commit_for(reports: Sequence[Report]) -> Commit:
    """Return what the taking of these must withstand."""
    return Commit.RELAXED if all(report.kind in _NOTES for report in reports) else Commit.FLUSHED


def _read_known(known: Mapping[AttemptId, int] | None) -> Mapping[AttemptId, int] | None:
    """
    Return what was known before the telephony was asked; None if nobody looked.

    Raises:
        InvalidText: it is no mapping.
    """
    if known is not None and not isinstance(known, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidText(f"known is {type(known).__name__}; allowed: what open_attempts() returned, or None")
    return known


def _read_snapshot(snapshot: object) -> TelephonySnapshot:
    """
    Return the account, read and checked: a leg of which nothing sound is said must not be taken for gone.

    Raises:
        InvalidTime, InvalidText: it is none.
    """
    if not isinstance(snapshot, TelephonySnapshot) or not isinstance(snapshot.legs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidText(
            f"snapshot is {type(snapshot).__name__}; allowed: a TelephonySnapshot with a mapping of legs"
        )
    as_of = check_instant(snapshot.as_of, "snapshot.as_of")
    legs = {LegId(check_text(leg_id, "leg_id")): leg for leg_id, leg in snapshot.legs.items()}
    if not all(isinstance(leg, LegSnapshot) for leg in legs.values()):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidText(
            "snapshot.legs has something that is no LegSnapshot; allowed: LegSnapshot by leg id"
        )
    return TelephonySnapshot(legs=legs, as_of=as_of)
