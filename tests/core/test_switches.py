"""What is paused for whole queues: each switch alone, and what history tells of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.decision import Decision
from callbackq.core.switches import Switch, both, nothing_paused, switch
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import ALL_QUEUES, Entity, QueueControl
from core.samples import LAW, START, SUPPORT, Book, M, S, a_control, changed, only_event, only_record

NOW = START + M
OPEN = nothing_paused(DEFAULT_TENANT, SUPPORT, now=START)
BOTH = a_control()
OFFERING = a_control(dialing_paused=False)
DIALING = a_control(offering_paused=False)


def paused(*, offering: bool = False, dialing: bool = False, reason: str | None = None) -> Switch:
    return Switch(pause=True, offering=offering, dialing=dialing, reason=reason)


def resumed(*, offering: bool = False, dialing: bool = False, reason: str | None = None) -> Switch:
    return Switch(pause=False, offering=offering, dialing=dialing, reason=reason)


def test_of_a_queue_that_was_never_switched_nothing_is_paused() -> None:
    """Its control is not stored: its first switch makes version 1."""
    assert QueueControl(tenant_id=DEFAULT_TENANT, queue=SUPPORT, version=0, changed_at=START) == OPEN
    every = nothing_paused(DEFAULT_TENANT, ALL_QUEUES, now=START)
    assert only_record(switch(every, paused(dialing=True), now=NOW)) == QueueControl(
        tenant_id=DEFAULT_TENANT, queue=ALL_QUEUES, version=1, dialing_paused=True, changed_at=NOW
    )


@pytest.mark.parametrize(
    ("before", "wanted", "changes"),
    [
        (OPEN, paused(offering=True), {"offering_paused": True}),
        (OPEN, paused(dialing=True, reason="storm"), {"dialing_paused": True, "reason": "storm"}),
        (OPEN, paused(offering=True, dialing=True), {"offering_paused": True, "dialing_paused": True}),
        # The old reason was for what was paused before: it is not told of this.
        (OFFERING, paused(dialing=True), {"dialing_paused": True, "reason": None}),
        (BOTH, paused(offering=True, dialing=True), {"reason": None}),
        (OFFERING, paused(dialing=True, reason="outage"), {"dialing_paused": True, "reason": "outage"}),
        (BOTH, paused(offering=True, reason="outage"), {"reason": "outage"}),
        (BOTH, resumed(offering=True), {"offering_paused": False}),
        (BOTH, resumed(dialing=True), {"dialing_paused": False}),
        # When nothing is paused any more, there is no reason for it either.
        (
            BOTH,
            resumed(offering=True, dialing=True, reason="over"),
            {"offering_paused": False, "dialing_paused": False, "reason": None},
        ),
        (DIALING, resumed(dialing=True), {"dialing_paused": False, "reason": None}),
        (OFFERING, resumed(offering=True, dialing=True), {"offering_paused": False, "reason": None}),
    ],
)
def test_what_a_switch_changes(before: QueueControl, wanted: Switch, changes: dict[str, Any]) -> None:
    """What is named, and nothing else; the event tells all of the record."""
    decision = switch(before, wanted, now=NOW)
    assert changed(before, only_record(decision)) == {**changes, "changed_at": NOW}
    event = attrs.asdict(only_event(decision), recurse=False)
    assert event.items() >= attrs.asdict(only_record(decision), recurse=False).items()
    assert (only_event(decision).kind, event["at"]) == ("queue_switched", NOW)
    assert (event["due_at"], event["due_reason"]) == (None, None)
    assert decision.effects == ()


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (OPEN, paused()),
        (OPEN, paused(reason="storm")),
        (OPEN, resumed(offering=True, dialing=True)),
        (BOTH, paused()),
        (BOTH, resumed()),
        (BOTH, paused(reason="outage")),
        (a_control(reason=None), paused(offering=True, dialing=True)),
        (BOTH, paused(offering=True, dialing=True, reason="storm")),
        (BOTH, paused(dialing=True, reason="storm")),
        (OFFERING, resumed(dialing=True)),
    ],
)
def test_what_changes_nothing_writes_nothing(before: QueueControl, wanted: Switch) -> None:
    """Pausing twice, resuming what goes on, or naming neither."""
    assert switch(before, wanted, now=NOW) == Decision()


@LAW
@given(
    st.lists(
        st.builds(
            Switch,
            pause=st.booleans(),
            offering=st.booleans(),
            dialing=st.booleans(),
            reason=st.none() | st.sampled_from(["storm", "outage"]),
        ),
        max_size=10,
    )
)
def test_history_tells_what_is_paused(switches: list[Switch]) -> None:
    """Along any sequence: the last word on each counts, and `fold(history)` is the record."""
    book, control = Book(), OPEN
    offering = dialing = False
    for number, wanted in enumerate(switches):
        offering = wanted.pause if wanted.offering else offering
        dialing = wanted.pause if wanted.dialing else dialing
        book.write(switch(control, wanted, now=START + number * S))
        found = book.records.get((Entity.QUEUE, SUPPORT), OPEN)
        assert isinstance(found, QueueControl)
        assert (found.offering_paused, found.dialing_paused) == (offering, dialing)
        assert found.reason is None or offering or dialing
        assert found.version - control.version in {0, 1}
        control = found


# ---------------------------------------------------------------------------- one queue, and all

ROWS: dict[str, QueueControl | None] = {
    "none": None,
    "open": attrs.evolve(OPEN, version=4),
    "offering": attrs.evolve(OFFERING, reason="own offering", changed_at=START + S),
    "dialing": attrs.evolve(DIALING, reason="own dialing", changed_at=START + 2 * S),
    "both": attrs.evolve(BOTH, reason="own both", changed_at=START + 3 * S),
}
EVERY: dict[str, QueueControl | None] = {
    name: row and attrs.evolve(row, queue=ALL_QUEUES, reason=row.reason and row.reason.replace("own", "all"))
    for name, row in ROWS.items()
}


@pytest.mark.parametrize(
    ("own", "every", "paused_are", "reason"),
    [
        ("none", "none", None, None),
        ("none", "open", "", None),
        ("none", "offering", "offering", "all offering"),
        ("none", "dialing", "dialing", "all dialing"),
        ("none", "both", "offering dialing", "all both"),
        ("open", "none", "", None),
        ("open", "open", "", None),
        ("open", "offering", "offering", "all offering"),
        ("open", "dialing", "dialing", "all dialing"),
        ("open", "both", "offering dialing", "all both"),
        ("offering", "none", "offering", "own offering"),
        ("offering", "open", "offering", "own offering"),
        ("offering", "offering", "offering", "all offering"),
        ("offering", "dialing", "offering dialing", "all dialing"),
        ("offering", "both", "offering dialing", "all both"),
        ("dialing", "none", "dialing", "own dialing"),
        ("dialing", "open", "dialing", "own dialing"),
        ("dialing", "offering", "offering dialing", "own dialing"),
        ("dialing", "dialing", "dialing", "all dialing"),
        ("dialing", "both", "offering dialing", "all both"),
        ("both", "none", "offering dialing", "own both"),
        ("both", "open", "offering dialing", "own both"),
        ("both", "offering", "offering dialing", "own both"),
        ("both", "dialing", "offering dialing", "all dialing"),
        ("both", "both", "offering dialing", "all both"),
    ],
)
def test_what_holds_for_a_queue(own: str, every: str, paused_are: str | None, reason: str | None) -> None:
    """What either row pauses is paused; why and since when is of the row that pauses dialing, or else offering."""
    found = both(SUPPORT, ROWS[own], EVERY[every])
    if paused_are is None:
        assert found is None
        return
    assert found is not None
    assert found.queue == SUPPORT
    names = (("offering", found.offering_paused), ("dialing", found.dialing_paused))
    assert " ".join(name for name, is_paused in names if is_paused) == paused_are
    assert found.reason == reason
    if reason is not None:
        of = (ROWS if reason.startswith("own") else EVERY)[reason.split()[1]]
        assert of is not None
        assert found.changed_at == of.changed_at
