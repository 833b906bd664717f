"""The commands of the telephony: what it reports of legs, and which legs it should have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from callbackq.core import attempt
from callbackq.core.instants import check_instant, check_text
from callbackq.core.reconcile import reports_of
from callbackq.effects import Effect, HangUp, Reconciled, Reported
from callbackq.errors import AttemptNotFound, InvalidText
from callbackq.ids import AttemptId, LegId, QueueName
from callbackq.model import LegSnapshot, Report, ReportKind, TelephonySnapshot
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import attempt_context, attempt_of_leg, move_attempt, policy_or_default


class ReportCommands(ServiceBase):
    """The commands of the telephony."""

    def report(self, report: Report) -> Reported:
        """
        The telephony says something of a leg. Reports may come twice, late, or out of order.

        Durable on return, but for RINGING and UNCERTAIN, which change no promise.
        The caller must perform the effects of the answer; runners do.

        Raises:
            AttemptNotFound: no attempt ever had this leg. Nothing was stored.
        """
        leg_id = LegId(check_text(report.leg_id, "leg_id"))
        notes = (ReportKind.RINGING, ReportKind.UNCERTAIN, ReportKind.PLAYED)

        def reported(tx: Transaction, now: datetime) -> Reported:
            before = attempt_of_leg(tx, leg_id)
            if before is None:
                raise AttemptNotFound(f"no attempt has leg {leg_id!r}")
            context = attempt_context(tx, before, policies=self.policies, now=now)
            decision = attempt.report(before, report, context)
            effects = move_attempt(tx, before, decision, context)
            return Reported(attempt_id=before.attempt_id, changed=bool(decision.records), effects=effects)

        return self._run(Commit.RELAXED if report.kind in notes else Commit.FLUSHED, reported)

    def reconcile(self, snapshot: TelephonySnapshot) -> Reconciled:
        """
        Learn from the telephony's own account of its legs what was not reported: after a crash or a lost connection.

        What was missed is applied as if it were reported now. Legs that it has and nobody wants, for their attempt is
        over or was never heard of, are to be hung up. Attempts of all queues of this service are looked at, one
        transaction each; durable on return. The caller must perform the effects; runners do.

        Raises:
            InvalidTime, InvalidText: it is no account that could be; nothing was changed.

        Cost: O(open attempts + legs of the snapshot).
        """
        account = _read_snapshot(snapshot)

        def read(tx: Transaction, _now: datetime) -> list[AttemptId]:
            return [one.attempt_id for queue in self.policies for one in tx.attempts.open(queue)]

        effects: list[Effect] = []
        attempt_ids = self._run(Commit.READ_ONLY, read)
        changed_count = 0
        for attempt_id in attempt_ids:
            work = partial(_reconciled, self.policies, attempt_id, account)
            found = self._run(Commit.FLUSHED, work)
            changed_count += found is not None
            effects.extend(found or ())

        def orphans(tx: Transaction, _now: datetime) -> list[LegId]:
            found = ((leg_id, attempt_of_leg(tx, leg_id)) for leg_id in account.legs)
            return [leg_id for leg_id, of in found if of is None or not attempt.wants(of, leg_id)]

        # Who is told to hang up already may hear a prompt first: that is not to be cut off.
        told = {one.leg_id for one in effects if isinstance(one, HangUp)}
        left = [leg_id for leg_id in self._run(Commit.READ_ONLY, orphans) if leg_id not in told]
        effects.extend(HangUp(leg_id=leg_id) for leg_id in left)
        return Reconciled(
            attempts_count=len(attempt_ids),
            changed_count=changed_count,
            orphans_count=len(left),
            effects=tuple(effects),
        )

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


def _reconciled(
    policies: Mapping[QueueName, QueuePolicy],
    attempt_id: AttemptId,
    snapshot: TelephonySnapshot,
    tx: Transaction,
    now: datetime,
) -> tuple[Effect, ...] | None:
    """Apply what one attempt missed; None if that is nothing."""
    before = tx.attempts.get(attempt_id)
    policy = policy_or_default(policies, before.queue)
    missed = reports_of(before, snapshot, policy=policy)
    effects: list[Effect] = []
    for said in missed:
        before = tx.attempts.get(attempt_id)
        context = attempt_context(tx, before, policies=policies, now=now)
        effects.extend(move_attempt(tx, before, attempt.report(before, said, context), context))
    return tuple(effects) if missed else None
