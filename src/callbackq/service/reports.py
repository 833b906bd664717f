"""The commands of the telephony: what it reports of legs, and which legs it should have."""

from __future__ import annotations

from datetime import datetime

from callbackq.core import attempt
from callbackq.core.instants import check_text
from callbackq.effects import Reported
from callbackq.errors import AttemptNotFound
from callbackq.ids import LegId
from callbackq.model import Report, ReportKind
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import attempt_context, move_attempt


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
        notes = (ReportKind.RINGING, ReportKind.UNCERTAIN)

        def reported(tx: Transaction, now: datetime) -> Reported:
            before = tx.attempts.by_leg(leg_id)
            if before is None:
                raise AttemptNotFound(f"no attempt has leg {leg_id!r}")
            context = attempt_context(tx, before, policies=self.policies, now=now)
            decision = attempt.report(before, report, context)
            effects = move_attempt(tx, before, decision, context)
            return Reported(attempt_id=before.attempt_id, changed=bool(decision.records), effects=effects)

        return self._run(Commit.RELAXED if report.kind in notes else Commit.FLUSHED, reported)

    def leg_is_wanted(self, leg_id: str) -> bool:
        """
        Say whether a leg should be in the world: its attempt is under way, and it is not known to have ended.

        Drivers ask before they dial and after: a dial that was delayed must not ring for an attempt that is over.
        """
        key = LegId(check_text(leg_id, "leg_id"))

        def read(tx: Transaction, _now: datetime) -> bool:
            found = tx.attempts.by_leg(key)
            return found is not None and attempt.wants(found, key)

        return self._run(Commit.READ_ONLY, read)
