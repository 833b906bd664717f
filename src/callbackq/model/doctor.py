"""What the doctor finds: what is in doubt, stuck or inconsistent, and what can be done about it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

import attrs

from callbackq.model.words import Entity


class Severity(enum.StrEnum):
    """How bad a finding is."""

    NOTICE = "notice"
    """Something is not known, and a person may know it."""
    WARNING = "warning"
    """Something does not go on, or may be lost, unless somebody acts."""
    ERROR = "error"
    """Two accounts contradict each other: it must not be so."""


class FindingKind(enum.StrEnum):
    """What can be found. `core.doctor` says for each how bad it is, and what to do."""

    # In doubt: a person may know better.
    ATTEMPT_IN_DOUBT = "attempt_in_doubt"
    """Nobody confirmed that the customer's phone has stopped ringing."""
    CALLBACK_UNKNOWN = "callback_unknown"
    """It is over, and nobody knows whether its last attempt reached the customer."""
    MESSAGE_UNCERTAIN = "message_uncertain"
    """Nobody knows whether it was sent."""
    # Stuck: nothing moves it.
    OVERDUE = "overdue"
    """Its time came long ago, and nobody looked at it: no node steps for it."""
    AGENT_IDLE = "agent_idle"
    """An agent is free beside a place that they can serve."""
    QUEUE_UNKNOWN = "queue_unknown"
    """Something waits in a queue for which there is no policy here."""
    AGENT_HELD = "agent_held"
    """An agent is reserved or busy for longer than anybody stays."""
    ATTEMPT_TOO_LONG = "attempt_too_long"
    """An attempt goes on for longer than any can."""
    NODE_SILENT = "node_silent"
    """A node has not been heard of since its lease was over, and nobody has taken it over."""
    NODE_LEFT_WORK = "node_left_work"
    """A node is gone, and attempts that go on are its own still."""
    CLOCKS_APART = "clocks_apart"
    """A node's clock is ahead of this one."""
    POLICIES_DIFFER = "policies_differ"
    """Two nodes order the line of one queue by different settings."""
    # Inconsistent: it must not be so.
    ATTEMPT_LOST = "attempt_lost"
    """A callback is being attempted, and its attempt is over, missing, or another callback's."""
    ATTEMPT_ASTRAY = "attempt_astray"
    """An attempt goes on, and its callback does not wait for it."""
    AGENT_ASTRAY = "agent_astray"
    """An agent is held for something that is over, missing, or somebody else's."""
    BOOKING_ASTRAY = "booking_astray"
    """A seat is booked for a callback that is over or missing."""
    SEATS_DIFFER = "seats_differ"
    """The counter of a slot is not the number of seats that its bookings have."""
    PERSON_MISSING = "person_missing"
    """The person behind a record is not there."""
    KEY_TWICE = "key_twice"
    """Two that go on hold a key that only one may have."""
    HISTORY_DIFFERS = "history_differs"
    """The history builds another record than the one that is stored."""
    HISTORY_MISSING = "history_missing"
    """No history tells of a record."""
    ROW_MISSING = "row_missing"
    """The history tells of a record that is not there."""
    CHAIN_BROKEN = "chain_broken"
    """The history of a record is not as it was written."""
    # The store itself.
    STORE = "store"
    """The database, or the disk under it, is not well."""


@attrs.frozen(kw_only=True)
class Finding:
    """
    One thing that the doctor found. It names records by their ids, and never a person or a number.

    Args:
        kind, severity: what, and how bad.
        entity, record_id: the record; None and a name for a queue, a slot, a node, a person, or the store.
        others: the ids of other records that it is about.
        what: one sentence.
        since_at: since when it is so, as far as that is known.
        remedy: what to do, in one sentence.
        verb: the method of `CallbackService` that does it; None where it takes something else.
        is_safe: whether doing it can do no harm, even if nothing is wrong. If not, find out first what is true.
    """

    kind: FindingKind
    severity: Severity
    entity: Entity | None
    record_id: str
    others: tuple[str, ...] = ()
    what: str
    since_at: datetime | None = None
    remedy: str
    verb: str | None = None
    is_safe: bool


@attrs.frozen(kw_only=True)
class StoreProblem:
    """One thing that a store says of its own health."""

    severity: Severity
    what: str
    remedy: str


@attrs.frozen(kw_only=True)
class StoreHealth:
    """How a store's own database is: what is wrong, and figures for who wants to watch them."""

    problems: tuple[StoreProblem, ...] = ()
    figures: Mapping[str, str | int | float] = attrs.field(factory=dict[str, str | int | float])


@attrs.frozen(kw_only=True)
class Diagnosis:
    """
    What `doctor` found.

    Args:
        at: when it began.
        findings: the worst first, then by kind and id.
        looked_at: how many of each kind of thing were looked at.
        cut: of which of them there were more than that: the ones due first were looked at.
        store: what the store says of itself; None if it says nothing.
    """

    at: datetime
    findings: tuple[Finding, ...]
    looked_at: Mapping[str, int]
    cut: tuple[str, ...] = ()
    store: StoreHealth | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
