"""Keys: what no two rows may hold at once, who holds a key, and when it is free again."""

from __future__ import annotations

import pytest

from callbackq.errors import UniquenessViolated
from callbackq.ids import AttemptId, CallbackId, LegId, SubjectId
from callbackq.model import AttemptState, CallbackState, LegState
from callbackq.ports import Store
from callbackq.testing.builders import make_attempt, make_callback, make_subject, next_version
from callbackq.testing.store_contract.base import ContractBase, ask, put


class KeyContract(ContractBase):
    """The "never two" rules hold in the store itself."""

    # ------------------------------------------------------------------------ request keys

    def test_a_request_key_is_used_once(self, store: Store) -> None:
        """Two callbacks cannot be made under one request key."""
        put(store, make_callback("cb_1", request_key="r"))
        with pytest.raises(UniquenessViolated, match="request key"):
            put(store, make_callback("cb_2", request_key="r"))

    def test_a_request_key_is_never_free_again(self, store: Store) -> None:
        """An ended callback keeps its request key."""
        callback = make_callback("cb_1", request_key="r")
        put(store, callback, next_version(callback, state=CallbackState.ENDED))
        with pytest.raises(UniquenessViolated, match="request key"):
            put(store, make_callback("cb_2", request_key="r"))

    def test_a_callback_is_found_by_its_request_key(self, store: Store) -> None:
        """The key finds the callback as it stands now, ended or not."""
        callback = make_callback("cb_1", request_key="r")
        put(store, callback)
        assert ask(store, lambda tx: tx.callbacks.by_request_key("r")) == callback
        ended = next_version(callback, state=CallbackState.ENDED)
        put(store, ended)
        assert ask(store, lambda tx: tx.callbacks.by_request_key("r")) == ended
        assert ask(store, lambda tx: tx.callbacks.by_request_key("s")) is None

    # ------------------------------------------------------------------------ dedup keys

    @pytest.mark.parametrize("state", [state for state in CallbackState if state is not CallbackState.ENDED])
    def test_a_dedup_key_is_held_until_the_end(self, store: Store, state: CallbackState) -> None:
        """In every state but ENDED a callback keeps others from its dedup key."""
        callback = make_callback("cb_1", dedup_key="d", state=state)
        put(store, callback)
        with pytest.raises(UniquenessViolated, match="dedup key"):
            put(store, make_callback("cb_2", dedup_key="d"))
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) == callback

    def test_an_ended_callback_lets_go_of_its_dedup_key(self, store: Store) -> None:
        """The key is free at once, and finds the new holder only."""
        callback = make_callback("cb_1", dedup_key="d")
        put(store, callback, next_version(callback, state=CallbackState.ENDED))
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) is None
        second = make_callback("cb_2", dedup_key="d")
        put(store, second)
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) == second

    def test_ended_callbacks_may_share_a_dedup_key(self, store: Store) -> None:
        """Only the living hold keys."""
        put(store, *(make_callback(f"cb_{n}", dedup_key="d", state=CallbackState.ENDED) for n in range(3)))
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) is None

    def test_a_dedup_key_cannot_be_taken_over_by_a_change(self, store: Store) -> None:
        """The rule holds for later versions too, and the refused change leaves the row."""
        first, second = make_callback("cb_1", dedup_key="d"), make_callback("cb_2", dedup_key="e")
        put(store, first, second)
        with pytest.raises(UniquenessViolated, match="dedup key"):
            put(store, next_version(second, dedup_key="d"))
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_2"))) == second
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("e")) == second

    def test_a_dedup_key_given_up_by_a_change_is_free(self, store: Store) -> None:
        """A row that changes its key holds the new one only."""
        first = make_callback("cb_1", dedup_key="d")
        put(store, first, next_version(first, dedup_key="e"))
        second = make_callback("cb_2", dedup_key="d")
        put(store, second)
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) == second

    def test_callbacks_without_keys_do_not_collide(self, store: Store) -> None:
        """None is no key."""
        put(store, make_callback("cb_1"), make_callback("cb_2"))
        assert ask(store, lambda tx: tx.line.waiting_count(make_callback().queue)) == 2

    # ------------------------------------------------------------------------ attempts

    def test_a_callback_has_one_live_attempt(self, store: Store) -> None:
        """A second attempt of a callback is refused until the first has ended."""
        first = make_attempt("at_1", callback_id=CallbackId("cb_1"))
        put(store, first)
        second = make_attempt("at_2", callback_id=CallbackId("cb_1"))
        with pytest.raises(UniquenessViolated, match="callback"):
            put(store, second)
        put(store, next_version(first, state=AttemptState.ENDED), second)
        assert ask(store, lambda tx: tx.attempts.get(AttemptId("at_2"))) == second

    def test_a_number_has_one_live_attempt(self, store: Store) -> None:
        """A second attempt to a number is refused until the first has ended."""
        first = make_attempt("at_1", number_key="n")
        put(store, first)
        second = make_attempt("at_2", number_key="n")
        with pytest.raises(UniquenessViolated, match="number key"):
            put(store, second)
        assert ask(store, lambda tx: tx.attempts.live_by_number("n")) == first
        put(store, next_version(first, state=AttemptState.ENDED))
        assert ask(store, lambda tx: tx.attempts.live_by_number("n")) is None
        put(store, second)
        assert ask(store, lambda tx: tx.attempts.live_by_number("n")) == second

    @pytest.mark.parametrize("state", [state for state in AttemptState if state is not AttemptState.ENDED])
    def test_an_attempt_is_live_until_it_has_ended(self, store: Store, state: AttemptState) -> None:
        """In every state but ENDED an attempt keeps its number and its callback."""
        attempt = make_attempt("at_1", number_key="n", callback_id=CallbackId("cb_1"), state=state)
        put(store, attempt)
        assert ask(store, lambda tx: tx.attempts.live_by_number("n")) == attempt
        with pytest.raises(UniquenessViolated, match="callback"):
            put(store, make_attempt("at_2", callback_id=CallbackId("cb_1")))

    def test_an_attempt_is_found_by_either_leg(self, store: Store) -> None:
        """A report names a leg; the leg finds its attempt, ended or not."""
        attempt = make_attempt("at_1", agent_leg_id=LegId("a"), customer_leg_id=LegId("c"))
        ended = next_version(attempt, state=AttemptState.ENDED, customer_leg=LegState.ENDED)
        put(store, attempt, ended)
        assert ask(store, lambda tx: tx.attempts.by_leg(LegId("a"))) == ended
        assert ask(store, lambda tx: tx.attempts.by_leg(LegId("c"))) == ended
        assert ask(store, lambda tx: tx.attempts.by_leg(LegId("x"))) is None

    @pytest.mark.parametrize("taken", ["a", "c"])
    @pytest.mark.parametrize("field", ["agent_leg_id", "customer_leg_id"])
    def test_a_leg_id_is_used_once_for_ever(self, store: Store, field: str, taken: str) -> None:
        """No later attempt may have a leg that any attempt had, on either side, even after its end."""
        first = make_attempt("at_1", agent_leg_id=LegId("a"), customer_leg_id=LegId("c"))
        put(store, first, next_version(first, state=AttemptState.ENDED))
        with pytest.raises(UniquenessViolated, match="leg id"):
            put(store, make_attempt("at_2", **{field: LegId(taken)}))

    @pytest.mark.parametrize("taken", ["a", "c"])
    @pytest.mark.parametrize("field", ["agent_leg_id", "customer_leg_id"])
    def test_a_leg_id_cannot_be_taken_over_by_a_change(self, store: Store, field: str, taken: str) -> None:
        """The rule holds for later versions too."""
        second = make_attempt("at_2")
        put(store, make_attempt("at_1", agent_leg_id=LegId("a"), customer_leg_id=LegId("c")), second)
        with pytest.raises(UniquenessViolated, match="leg id"):
            put(store, next_version(second, **{field: LegId(taken)}))
        assert ask(store, lambda tx: tx.attempts.get(AttemptId("at_2"))) == second

    # ------------------------------------------------------------------------ subjects

    def test_an_identity_belongs_to_one_subject(self, store: Store) -> None:
        """Two rows cannot be the same person."""
        subject = make_subject("su_1", identity="tel:+12125550123")
        put(store, subject)
        with pytest.raises(UniquenessViolated, match="identity") as caught:
            put(store, make_subject("su_2", identity="tel:+12125550123"))
        assert "12125550123" not in str(caught.value)
        assert ask(store, lambda tx: tx.subjects.by_identity("tel:+12125550123")) == subject
        assert ask(store, lambda tx: tx.subjects.by_identity("tel:+12125550199")) is None

    def test_an_identity_that_was_changed_is_free(self, store: Store) -> None:
        """A subject is found by its present identity only."""
        subject = make_subject("su_1", identity="a")
        put(store, subject, next_version(subject, identity="b"), make_subject("su_2", identity="a"))
        found = ask(store, lambda tx: [tx.subjects.by_identity(identity) for identity in ("a", "b")])
        assert [each.subject_id if each else None for each in found] == [SubjectId("su_2"), SubjectId("su_1")]
