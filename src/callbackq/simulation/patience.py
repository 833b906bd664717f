"""
How long callers hold, learned from a log in which most were served before they lost patience.

Who hung up shows their patience. Who was served shows that it was longer than the wait: a censored case, also
where the wait was zero. Callers who want different things differ in patience, so each kind of call has a law of
its own if enough of its callers hung up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import attrs

from callbackq.simulation.survival import Lasting, Seen, kaplan_meier

HUNG_UP_MIN: Final = 30
"""A kind of call of which fewer callers hung up has no law of its own: the law of all stands for it."""


class Held(NamedTuple):
    """
    One caller of a log.

    Args:
        kind: of call.
        wait_s: how long the caller held, in seconds; 0 if an agent was free.
        hung_up: whether the caller gave up then; else an agent came.
    """

    kind: str
    wait_s: float
    hung_up: bool


@attrs.frozen(kw_only=True)
class PatienceLaws:
    """How long callers hold: `overall`, and `by_kind` where a kind has a law of its own."""

    overall: Lasting
    by_kind: Mapping[str, Lasting]

    def of(self, kind: str) -> Lasting:
        """Return the law of one kind of call."""
        return self.by_kind.get(kind, self.overall)

    def patience_s(self, held: Held, *, chance: float) -> float | None:
        """
        Return for how long the caller of a log would hold at most, in seconds; for ever if None.

        Of who hung up that is known. Who was served draws from the law of those who hold longer than that
        caller did; so in another run too nobody is made to hang up at a time at which the log shows them holding.

        Args:
            chance: 0 to below 1, drawn evenly by the caller.

        >>> laws = patience_laws([Held("PS", 60, True), Held("PS", 60, False), Held("PS", 90, True)])
        >>> [laws.patience_s(Held("PS", 60, hung_up), chance=0.0) for hung_up in (True, False)]
        [60, 90]
        """
        if held.hung_up:
            return held.wait_s
        return self.of(held.kind).draw_s(chance, exceeding_s=held.wait_s)


def patience_laws(callers: Iterable[Held], *, hung_up_min: int = HUNG_UP_MIN) -> PatienceLaws:
    """
    Estimate how long callers hold, all and by kind, each by Kaplan and Meier.

    Args:
        callers: all of them, also those who met a free agent.
        hung_up_min: a kind of which fewer hung up has no law of its own.

    Cost: O(n log n).
    """
    cases: dict[str, list[Seen]] = {}
    for caller in callers:
        cases.setdefault(caller.kind, []).append(Seen(caller.wait_s, caller.hung_up))
    by_kind = {kind: kaplan_meier(rows) for kind, rows in sorted(cases.items())}
    return PatienceLaws(
        overall=kaplan_meier([row for rows in cases.values() for row in rows]),
        by_kind={kind: law for kind, law in by_kind.items() if law.ended >= hung_up_min},
    )
