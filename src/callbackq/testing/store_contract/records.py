"""Rows: what was saved is read again, a version follows the one before, and a refused row leaves no trace."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.errors import StaleVersion, UniquenessViolated
from callbackq.ids import AgentId, CallbackId, CallId, SubjectId
from callbackq.model import (
    Agent,
    Attempt,
    Booking,
    Callback,
    Conversation,
    LiveCall,
    Message,
    Node,
    OptOut,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports import Commit, Store
from callbackq.testing.builders import filled, make_agent, make_callback, make_subject, next_version
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    KINDS,
    TENANT,
    ContractBase,
    Kind,
    ask,
    each_kind,
    each_record_kind,
    exact,
    fresh_tenant,
    put,
    values_of,
)

_CLASSES = {
    "callback": Callback,
    "call": LiveCall,
    "agent": Agent,
    "attempt": Attempt,
    "booking": Booking,
    "slot": SlotCount,
    "slot_day": SlotDay,
    "subject": Subject,
    "queue": QueueControl,
    "tally": Tally,
    "verification": Verification,
    "opt_out": OptOut,
    "message": Message,
    "conversation": Conversation,
    "node": Node,
    "webhook": Webhook,
}


@st.composite
def _rows(draw: st.DrawFn) -> tuple[Kind, Any]:
    """Draw a kind, and a row of it with any values that a store must hold."""
    kind = draw(st.sampled_from(KINDS))
    row: Any = draw(values_of(_CLASSES[kind.name]))
    changes: dict[str, Any] = {"version": 1}
    if kind.last_state is not None:
        example = kind.make(state=row.state)
        changes.update(due_at=example.due_at, due_reason=example.due_reason)
    for count in {"usual_count", "kept_count", "full_count", "tries_count"} & attrs.asdict(
        row, recurse=False
    ).keys():
        changes[count] = abs(getattr(row, count))
    if isinstance(row, Tally):
        changes["weights"] = tuple(map(abs, row.weights))
    return kind, attrs.evolve(row, **changes)


def _id_of(row: Any) -> str:
    """Return the id of a row: the second field of each class."""
    return str(attrs.astuple(row, recurse=False)[1])


class RecordContract(ContractBase):
    """Records are kept by id and version."""

    @each_kind
    def test_what_was_saved_is_read_again(self, store: Store, kind: Kind) -> None:
        """A saved row comes back equal, in a later transaction."""
        row = kind.make("x_1")
        put(store, row)
        assert exact(ask(store, lambda tx: kind.get(tx, "x_1"))) == exact(row)

    @EXAMPLES
    @given(drawn=_rows())
    def test_any_value_comes_back_as_it_was(self, store: Store, drawn: tuple[Kind, Any]) -> None:
        """Whatever the types of the fields allow is kept exactly."""
        kind, row = drawn
        tenant_id = fresh_tenant()
        row = attrs.evolve(row, tenant_id=tenant_id)
        put(store, row, tenant_id=tenant_id)
        read = ask(store, lambda tx: kind.get(tx, _id_of(row)), tenant_id=tenant_id)
        assert type(read) is type(row)
        assert exact(read) == exact(row)

    @each_kind
    def test_every_field_is_kept_when_it_is_filled(self, store: Store, kind: Kind) -> None:
        """Also those that are mostly empty, each in its own column; and they can be emptied again."""
        plain = kind.make("x_1")
        full = filled(plain)
        put(store, full)
        assert exact(ask(store, lambda tx: kind.get(tx, "x_1"))) == exact(full)
        empty = attrs.evolve(plain, version=2)
        put(store, empty)
        assert exact(ask(store, lambda tx: kind.get(tx, "x_1"))) == exact(empty)

    def test_yes_no_and_unknown_are_three_answers(self, store: Store) -> None:
        """Where a flag may be missing, missing is not false; and nought is a score."""
        spoken = ((True, 4.5), (False, 0.0), (None, None))
        rows = [
            make_callback(f"cb_{n}", resolved=said, score=score) for n, (said, score) in enumerate(spoken)
        ]
        put(store, *rows)
        found = ask(store, lambda tx: [tx.callbacks.get(row.callback_id) for row in rows])
        assert [exact(row) for row in found] == [exact(row) for row in rows]

    def test_numbers_of_a_subject_keep_their_order(self, store: Store) -> None:
        """They are tried in it; what was found wrong is kept apart."""
        numbers = ("+12125550125", "+12125550123", "+12125550124")
        subject = make_subject("su_1", alternatives=numbers, wrong_numbers=numbers[1:], flagged_at=START)
        put(store, subject)
        found = ask(store, lambda tx: tx.subjects.get(SubjectId("su_1")))
        assert (found.alternatives, found.wrong_numbers) == (numbers, numbers[1:])
        put(store, next_version(subject, alternatives=(), flagged_at=None))
        found = ask(store, lambda tx: tx.subjects.get(SubjectId("su_1")))
        assert (found.alternatives, found.wrong_numbers, found.flagged_at) == ((), numbers[1:], None)

    def test_an_instant_of_another_zone_is_the_same_instant(self, store: Store) -> None:
        """A store keeps instants, whatever zone they were written in."""
        at = START.astimezone(timezone(timedelta(hours=-5)))
        put(store, make_callback("cb_1", entered_at=at))
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1"))).entered_at == START

    def test_microseconds_are_kept(self, store: Store) -> None:
        """An instant is exact to the microsecond."""
        at = START + timedelta(microseconds=1)
        put(store, make_callback("cb_1", entered_at=at))
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1"))).entered_at == at

    def test_the_widest_ranks_are_exact(self, store: Store) -> None:
        """Ranks are whole numbers below 2**53 either way."""
        put(store, make_callback("cb_1", rank=2**53 - 1), make_callback("cb_2", rank=1 - 2**53))
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1"))).rank == 2**53 - 1
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_2"))).rank == 1 - 2**53

    def test_contexts_of_a_subject_come_back_by_request(self, store: Store) -> None:
        """Free fields are kept by callback, and changed with the row."""
        subject = make_subject("su_1", contexts={"cb_1": {"order": "17"}})
        put(store, subject)
        put(store, next_version(subject, contexts={"cb_1": {"order": "17"}, "cb_2": {}}))
        found = ask(store, lambda tx: tx.subjects.get(SubjectId("su_1")))
        assert found.contexts == {"cb_1": {"order": "17"}, "cb_2": {}}

    @each_kind
    def test_a_missing_row_is_not_found(self, store: Store, kind: Kind) -> None:
        """Asking for an id that nobody has raises the table's own error."""
        put(store, kind.make("x_1"))
        with pytest.raises(kind.not_found) as caught:
            ask(store, lambda tx: kind.get(tx, "x_2"))
        assert isinstance(caught.value, LookupError)

    def test_find_gives_the_row_or_none(self, store: Store) -> None:
        """Live calls and agents can be asked for without knowing whether they exist."""
        agent = make_agent("mia")
        put(store, agent)
        assert ask(store, lambda tx: tx.agents.find(AgentId("mia"))) == agent
        assert ask(store, lambda tx: tx.agents.find(AgentId("noa"))) is None
        assert ask(store, lambda tx: tx.calls.find(CallId("mia"))) is None

    @each_kind
    def test_the_next_version_takes_the_place_of_the_last(self, store: Store, kind: Kind) -> None:
        """Version n is written over version n-1."""
        row = kind.make("x_1")
        after = next_version(row, **kind.change)
        put(store, row)
        put(store, after)
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == after

    @each_kind
    def test_a_stale_version_is_refused(self, store: Store, kind: Kind) -> None:
        """Of two who read the same version, the second to write is refused, and the first stands."""
        row = kind.make("x_1")
        first = next_version(row, **kind.change)
        put(store, row, first)
        with pytest.raises(StaleVersion):
            put(store, next_version(row))
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == first

    @each_kind
    def test_a_version_cannot_be_skipped(self, store: Store, kind: Kind) -> None:
        """Version 3 does not take the place of version 1."""
        row = kind.make("x_1")
        put(store, row)
        with pytest.raises(StaleVersion):
            put(store, next_version(row, version=3))
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == row

    @each_kind
    def test_a_row_that_was_never_saved_has_no_next_version(self, store: Store, kind: Kind) -> None:
        """Version 2 of nothing is stale."""
        with pytest.raises(StaleVersion):
            put(store, kind.make("x_1", version=2))
        with pytest.raises(kind.not_found):
            ask(store, lambda tx: kind.get(tx, "x_1"))

    @each_kind
    def test_an_id_is_taken_once(self, store: Store, kind: Kind) -> None:
        """Version 1 of an id that exists is refused, and the first stands."""
        row = kind.make("x_1")
        put(store, row)
        with pytest.raises(UniquenessViolated):
            put(store, kind.make("x_1", **kind.change))
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == row

    def test_the_same_id_may_stand_in_two_tables(self, store: Store) -> None:
        """Ids are unique within their table only."""
        put(store, *(kind.make("x_1") for kind in KINDS))
        found = ask(store, lambda tx: [kind.get(tx, "x_1") for kind in KINDS])
        assert [_id_of(row) for row in found] == ["x_1"] * len(KINDS)
        assert len({type(row) for row in found}) == len(KINDS)

    @each_kind
    def test_a_refused_save_leaves_the_rest_of_the_block(self, store: Store, kind: Kind) -> None:
        """A block that catches a refusal goes on, and commits what was accepted."""
        row = kind.make("x_1")
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(row)
            with pytest.raises(UniquenessViolated):
                tx.save(kind.make("x_1"))
            with pytest.raises(StaleVersion):
                tx.save(next_version(row, version=3))
            tx.save(kind.make("x_2"))
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == row
        assert _id_of(ask(store, lambda tx: kind.get(tx, "x_2"))) == "x_2"

    @each_record_kind
    def test_what_has_not_ended_needs_a_due_time(self, store: Store, kind: Kind) -> None:
        """Nothing can be forgotten: a store refuses a living row without `due_at` or `due_reason`."""
        for missing in ("due_at", "due_reason"):
            with pytest.raises(ValueError, match="due_at"):
                put(store, kind.make("x_1", **{missing: None}))
        with pytest.raises(kind.not_found):
            ask(store, lambda tx: kind.get(tx, "x_1"))

    @each_record_kind
    def test_what_has_ended_has_no_due_time(self, store: Store, kind: Kind) -> None:
        """A store refuses an ended row with a `due_at`: it would be looked at for ever."""
        row = kind.make("x_1")
        ended = next_version(row, state=kind.last_state, due_at=row.due_at, due_reason=row.due_reason)
        put(store, row)
        with pytest.raises(ValueError, match="due_at"):
            put(store, ended)
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == row
