"""What guards people and the company: tallies, one-time codes, and who wants to be left alone."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Final

import pytest

from callbackq.errors import Conflict, UniquenessViolated, VerificationNotFound
from callbackq.ids import CallbackId, VerificationId
from callbackq.model import Tally
from callbackq.ports import Commit, Store
from callbackq.testing.builders import (
    QUEUE,
    make_opt_out,
    make_subject,
    make_tally,
    make_verification,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    TENANT,
    THREADS,
    ContractBase,
    PlannedError,
    ask,
    at_once,
    fail_after,
    put,
)

_HOUR: Final = timedelta(hours=1)


class TallyContract(ContractBase):
    """What was counted lately, by key."""

    def test_those_that_exist_come_by_key(self, store: Store) -> None:
        """In any order, and asked for twice; a key that was never counted is not among them."""
        tallies = {key: make_tally(key, moments=(n,), weights=(1,)) for n, key in enumerate("abc")}
        put(store, *tallies.values())
        for keys in itertools.permutations("abx"):
            wanted = {"a": tallies["a"], "b": tallies["b"]}
            assert _tallies(store, *keys) == wanted
            with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                assert tx.tallies.locked(keys) == wanted
                assert tx.tallies.locked([*keys, "c", "a"]) == tallies
        assert ask(store, lambda tx: tx.tallies.locked([])) == {}

    def test_a_moment_is_exact(self, store: Store) -> None:
        """Microseconds since 1970, before it and far after it, with their weights."""
        tally = make_tally("k", moments=(-1, 0, 2**53), weights=(0, 1, 2**53))
        put(store, tally)
        assert ask(store, lambda tx: tx.tallies.locked(["k"])) == {"k": tally}

    def test_less_than_nothing_is_not_counted(self, store: Store) -> None:
        """Else a limit could be bought back."""
        with pytest.raises(ValueError, match="cannot count -2"):
            put(store, make_tally("k", moments=(1, 2), weights=(5, -2)))
        assert ask(store, lambda tx: tx.tallies.locked(["k"])) == {}

    def test_what_is_over_is_forgotten(self, store: Store) -> None:
        """The longest over first, at most so many; what is over at the moment itself stays."""
        put(store, *(make_tally(f"k{n}", over_at=START + n * _HOUR) for n in (3, 1, 2, 0)))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.tallies.forget(over_before=START + 3 * _HOUR, limit=2) == 2
            assert list(tx.tallies.locked(["k0", "k1", "k2", "k3"])) == ["k2", "k3"]
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.tallies.forget(over_before=START + 3 * _HOUR, limit=2) == 1
            assert tx.tallies.forget(over_before=START + 3 * _HOUR, limit=2) == 0
        assert list(ask(store, lambda tx: tx.tallies.locked(["k0", "k1", "k2", "k3"]))) == ["k3"]

    def test_a_forgotten_key_is_counted_anew(self, store: Store) -> None:
        """From version 1; and what a rollback gives back is as it was."""
        old = next_version(make_tally("k"), moments=(1,), weights=(1,))
        put(store, make_tally("k"), old)
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.tallies.forget(over_before=START + 99 * _HOUR, limit=9))
        assert ask(store, lambda tx: tx.tallies.locked(["k"])) == {"k": old}
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.tallies.forget(over_before=START + 99 * _HOUR, limit=9)
            tx.save(make_tally("k"))
        assert ask(store, lambda tx: tx.tallies.locked(["k"])) == {"k": make_tally("k")}

    def test_who_only_reads_forgets_nothing(self, store: Store) -> None:
        """Deleting is writing."""
        put(store, make_tally("k"))
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.tallies.forget(over_before=START + 99 * _HOUR, limit=9))
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.verifications.forget(expired_before=START, limit=9))

    @pytest.mark.parametrize("is_first", [True, False], ids=["asked for first", "asked for later"])
    def test_no_count_is_lost(self, store: Store, *, is_first: bool) -> None:
        """Many threads count under the same keys, named in different orders: all of it is there."""
        put(store, make_subject("su_1"))

        def count(number: int) -> None:
            keys = ("a", "b", "c") if number % 2 else ("c", "a", "b")
            while True:
                try:
                    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                        if not is_first:
                            tx.subjects.by_identity("id:su_1")
                        found = tx.tallies.locked(keys)
                        for key in keys:
                            tx.save(_counted(found.get(key), key, number))
                except Conflict:
                    continue
                return

        at_once(count)
        found = ask(store, lambda tx: tx.tallies.locked(["a", "b", "c"]))
        for tally in found.values():
            assert tally.version == THREADS
            assert sorted(tally.moments) == list(range(THREADS))

    def test_guards_are_never_due(self, store: Store) -> None:
        """Time alone does not change them."""
        put(store, make_tally("k"), make_verification("vf_1"), make_opt_out("n"))
        assert ask(store, lambda tx: tx.next_due_at()) is None


def _tallies(store: Store, *keys: str) -> dict[str, Tally]:
    return ask(store, lambda tx: tx.tallies.locked(keys))


def _counted(tally: Tally | None, key: str, number: int) -> Tally:
    if tally is None:
        return make_tally(key, moments=(number,), weights=(1,))
    return next_version(tally, moments=(*tally.moments, number), weights=(*tally.weights, 1))


class VerificationContract(ContractBase):
    """One-time codes."""

    def test_a_code_is_used_once_its_row_says_so(self, store: Store) -> None:
        """What is filled and what is emptied is kept."""
        sent = make_verification("vf_1")
        used = next_version(
            sent,
            code_hash=None,
            tries_count=2,
            verified_at=START,
            used_at=START + _HOUR,
            callback_id=CallbackId("cb_1"),
        )
        put(store, sent, used)
        assert ask(store, lambda tx: tx.verifications.get(VerificationId("vf_1"))) == used

    def test_tries_are_never_fewer_than_none(self, store: Store) -> None:
        """Else there would be more of them."""
        with pytest.raises(ValueError, match="cannot count -1"):
            put(store, make_verification("vf_1", tries_count=-1))

    def test_what_has_expired_is_forgotten(self, store: Store) -> None:
        """The oldest first, at most so many; used or not."""
        put(
            store,
            make_verification("vf_3", expires_at=START + 2 * _HOUR),
            make_verification("vf_2", expires_at=START + _HOUR, used_at=START),
            make_verification("vf_1", expires_at=START + _HOUR),
            make_verification("vf_0", expires_at=START + 3 * _HOUR),
        )
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.verifications.forget(expired_before=START + 3 * _HOUR, limit=2) == 2
            for gone in ("vf_1", "vf_2"):
                with pytest.raises(VerificationNotFound):
                    tx.verifications.get(VerificationId(gone))
            assert tx.verifications.get(VerificationId("vf_3")).queue == QUEUE
            assert tx.verifications.forget(expired_before=START + 3 * _HOUR, limit=2) == 1
            assert tx.verifications.forget(expired_before=START + 3 * _HOUR, limit=2) == 0
            assert tx.verifications.get(VerificationId("vf_0")).queue == QUEUE


class OptOutContract(ContractBase):
    """Who wants to be left alone."""

    def test_what_is_known_of_a_number(self, store: Store) -> None:
        """Nothing, until somebody says something; then what was said last."""
        assert ask(store, lambda tx: tx.opt_outs.find("n")) is None
        first = make_opt_out("n", calls_at=START, by="STOP")
        put(store, first)
        assert ask(store, lambda tx: tx.opt_outs.find("n")) == first
        again = next_version(first, calls_at=None, messages_at=START, changed_at=START + _HOUR)
        put(store, again)
        assert ask(store, lambda tx: tx.opt_outs.find("n")) == again
        assert ask(store, lambda tx: tx.opt_outs.find("m")) is None

    def test_of_two_who_say_it_first_one_is_told(self, store: Store) -> None:
        """A number has one row."""
        put(store, make_opt_out("n"))
        with pytest.raises(UniquenessViolated):
            put(store, make_opt_out("n", calls_at=START))
