"""Persons: found by the host's own id, by any of their numbers, and by how long nothing was heard of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from callbackq.errors import StoreUnavailable, UniquenessViolated
from callbackq.ids import SubjectId
from callbackq.model import Subject
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import make_subject, next_version
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    TENANT,
    ContractBase,
    PlannedError,
    ask,
    fail_after,
    put,
)

_NUMBER: Final = "+12125550177"
_HOUR: Final = timedelta(hours=1)


def _ids(found: list[Subject]) -> list[str]:
    return [subject.subject_id for subject in found]


class SubjectContract(ContractBase):
    """Persons are found in more ways than by their id."""

    def test_a_customer_is_found_by_the_host_s_own_id(self, store: Store) -> None:
        """One person at most; nobody has none."""
        subject = make_subject("su_1", customer_id="17")
        put(store, subject, make_subject("su_2"), make_subject("su_3"))
        assert ask(store, lambda tx: tx.subjects.by_customer("17")) == subject
        assert ask(store, lambda tx: tx.subjects.by_customer("18")) is None
        assert ask(store, lambda tx: tx.subjects.by_customer("")) is None

    def test_two_persons_are_not_one_customer(self, store: Store) -> None:
        """Neither a new one nor a changed one takes the id of another; the block goes on."""
        subject, other = make_subject("su_1", customer_id="17"), make_subject("su_2")
        put(store, subject, other)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            for taken in (make_subject("su_3", customer_id="17"), next_version(other, customer_id="17")):
                with pytest.raises(UniquenessViolated, match="customer id"):
                    tx.save(taken)
        assert ask(store, lambda tx: tx.subjects.by_customer("17")) == subject

    def test_a_customer_id_can_be_given_up_and_taken_again(self, store: Store) -> None:
        """As when a person is erased; and a rollback gives it back."""
        subject = make_subject("su_1", customer_id="17")
        put(store, subject)
        erased = next_version(subject, customer_id=None, erased_at=START)

        def hand_over(tx: Transaction) -> None:
            tx.save(erased)
            tx.save(make_subject("su_2", customer_id="17"))

        with pytest.raises(PlannedError):
            fail_after(store, hand_over)
        assert ask(store, lambda tx: tx.subjects.by_customer("17")) == subject
        put(store, erased, make_subject("su_2", customer_id="17"))
        found = ask(store, lambda tx: tx.subjects.by_customer("17"))
        assert found is not None
        assert found.subject_id == "su_2"

    @pytest.mark.parametrize(
        "place",
        [
            {"number": _NUMBER},
            {"preferred_number": _NUMBER},
            {"record_number": _NUMBER},
            {"alternatives": ("+12125550178", _NUMBER)},
            {"wrong_numbers": (_NUMBER, "+12125550178")},
            {"identity": f"tel:{_NUMBER};ext=7"},
        ],
        ids=lambda place: next(iter(place)),
    )
    def test_a_number_is_found_wherever_it_stands(self, store: Store, place: dict[str, Any]) -> None:
        """In each of the six places; not in a part of another number, nor where a word is the same."""
        put(
            store,
            make_subject("su_2", **place),
            make_subject("su_3", name=_NUMBER, contexts={"cb_1": {"note": _NUMBER}}),
            make_subject("su_4", number=f"{_NUMBER}0", alternatives=(f"{_NUMBER}1",)),
        )
        assert _ids(ask(store, lambda tx: tx.subjects.holding(_NUMBER))) == ["su_2"]

    def test_all_who_hold_a_number_come_by_id(self, store: Store) -> None:
        """Each once, in however many places it stands; and no longer when it is gone."""
        everywhere = make_subject("su_2", number=_NUMBER, preferred_number=_NUMBER, alternatives=(_NUMBER,))
        put(store, make_subject("su_9", record_number=_NUMBER), everywhere, make_subject("su_1"))
        assert _ids(ask(store, lambda tx: tx.subjects.holding(_NUMBER))) == ["su_2", "su_9"]
        put(store, next_version(everywhere, number="", preferred_number=None, alternatives=()))
        assert _ids(ask(store, lambda tx: tx.subjects.holding(_NUMBER))) == ["su_9"]
        assert ask(store, lambda tx: tx.subjects.holding("+12125550199")) == []

    def test_a_number_that_is_not_proved_yet_is_held(self, store: Store) -> None:
        """It stands in the record until it is proved or given up; an address of another kind is no number."""
        subject = make_subject("su_1", pending_number="+12125550177", email="ann@example.com")
        put(store, subject)
        assert ask(store, lambda tx: tx.subjects.holding("+12125550177")) == [subject]
        assert ask(store, lambda tx: tx.subjects.holding("ann@example.com")) == []
        proved = next_version(subject, pending_number=None)
        put(store, proved)
        assert ask(store, lambda tx: tx.subjects.holding("+12125550177")) == []
        assert ask(store, lambda tx: tx.subjects.get(SubjectId("su_1"))) == proved

    def test_the_longest_unseen_come_first(self, store: Store) -> None:
        """Then by id; whoever was seen at the moment itself was not seen before it."""
        put(
            store,
            make_subject("su_5", seen_at=START + _HOUR),
            make_subject("su_4", seen_at=START + 2 * _HOUR),
            make_subject("su_3", seen_at=START - _HOUR),
            make_subject("su_2", seen_at=START + _HOUR),
        )
        found = ask(store, lambda tx: tx.subjects.unseen_since(START + 2 * _HOUR, limit=9))
        assert _ids(found) == ["su_3", "su_2", "su_5"]
        assert _ids(ask(store, lambda tx: tx.subjects.unseen_since(START + 2 * _HOUR, limit=2))) == [
            "su_3",
            "su_2",
        ]
        assert ask(store, lambda tx: tx.subjects.unseen_since(START - _HOUR, limit=9)) == []

    def test_who_was_never_seen_counts_from_the_beginning(self, store: Store) -> None:
        """From `created_at`."""
        put(
            store,
            make_subject("su_1", created_at=START + _HOUR),
            make_subject("su_2", created_at=START - _HOUR, seen_at=START),
        )
        found = ask(store, lambda tx: tx.subjects.unseen_since(START + 2 * _HOUR, limit=9))
        assert _ids(found) == ["su_2", "su_1"]

    def test_the_erased_are_not_found_again(self, store: Store) -> None:
        """There is nothing left to erase; and a rollback brings them back."""
        subject = make_subject("su_1", seen_at=START)
        put(store, subject)
        later = START + _HOUR
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.save(next_version(subject, erased_at=later)))
        assert ask(store, lambda tx: tx.subjects.unseen_since(later, limit=9)) == [subject]
        put(store, next_version(subject, erased_at=later))
        assert ask(store, lambda tx: tx.subjects.unseen_since(later, limit=9)) == []
        assert ask(store, lambda tx: tx.subjects.get(SubjectId("su_1"))).erased_at == later


class ScrubContract(ContractBase):
    """A store can be told to keep nothing of what is gone."""

    def test_scrubbing_changes_nothing_that_stands(self, store: Store) -> None:
        """Rows, keys and order are as they were, and there is work to go on with; twice is no error."""
        first = make_subject("su_1", customer_id="17", number=_NUMBER, seen_at=START)
        second = make_subject("su_2", seen_at=START - _HOUR)
        put(store, first, second)
        put(store, next_version(first, name="Ada"))
        assert [store.scrub(), store.scrub()] == [True, True]
        found = ask(store, lambda tx: tx.subjects.unseen_since(START + _HOUR, limit=9))
        assert found == [second, next_version(first, name="Ada")]
        assert ask(store, lambda tx: tx.subjects.by_customer("17")) == found[1]
        put(store, next_version(found[1], name=None), make_subject("su_3"))
        with pytest.raises(UniquenessViolated):
            put(store, make_subject("su_4", customer_id="17"))

    def test_an_empty_store_can_be_scrubbed(self, store: Store) -> None:
        """There is nothing to remove."""
        assert store.scrub() is True

    def test_scrubbing_within_a_transaction_is_refused(self, store: Store) -> None:
        """What it has written is not committed yet."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(make_subject("su_1"))
            with pytest.raises(RuntimeError, match="transaction"):
                store.scrub()
        assert store.scrub() is True

    def test_a_closed_store_cannot_be_scrubbed(self, store: Store) -> None:
        """It is unavailable for good."""
        store.close()
        with pytest.raises(StoreUnavailable):
            store.scrub()
