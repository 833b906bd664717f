"""Webhooks: how far each endpoint was told, and up to which number the history is settled."""

from __future__ import annotations

import pytest

from callbackq.events import CallbackReady, CallJoined
from callbackq.ids import TenantId
from callbackq.model import Webhook, WebhookState
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import make_event, make_webhook, next_version
from callbackq.testing.store_contract.base import (
    OTHER_TENANT,
    TENANT,
    ContractBase,
    append,
    ask,
    at_once,
    fail_after,
    put,
)

_CRM = "crm"
_BEHIND = {"state": WebhookState.BEHIND}


def _settled(store: Store, tenant_id: TenantId = TENANT) -> int:
    """Ask until it is known, as whoever reads the history does: what one finds out serves the next one."""
    looks = (ask(store, lambda tx: tx.history.settled_number(), tenant_id=tenant_id) for _ in range(3))
    return max(looks)


def _last(store: Store, tenant_id: TenantId = TENANT) -> int:
    return max(
        link.history_number for link in ask(store, lambda tx: tx.history.links(limit=99), tenant_id=tenant_id)
    )


class WebhookContract(ContractBase):
    """Rows of endpoints are found by the endpoint, and by nothing else."""

    def test_the_rows_of_an_endpoint_are_found_by_what_they_are_about(self, store: Store) -> None:
        """Its own first; and no others, however their names begin."""
        own, call, callback = (
            make_webhook(_CRM),
            make_webhook(_CRM, about="call c_1", **_BEHIND),
            make_webhook(_CRM, about="callback cb_1", **_BEHIND),
        )
        others = [make_webhook("crm 2"), make_webhook("cr"), make_webhook("crma"), make_webhook("CRM")]
        put(store, callback, own, *others, call)
        assert ask(store, lambda tx: tx.webhooks.of_endpoint(_CRM)) == [own, call, callback]
        assert ask(store, lambda tx: tx.webhooks.of_endpoint("none")) == []
        assert ask(store, lambda tx: tx.webhooks.of_endpoint(_CRM), tenant_id=OTHER_TENANT) == []

    def test_every_endpoint_is_found_by_name(self, store: Store) -> None:
        """Without what they are behind with."""
        crm, desk = make_webhook(_CRM, state=WebhookState.DISABLED), make_webhook("a desk")
        put(store, crm, make_webhook(_CRM, about="callback cb_1", **_BEHIND), desk)
        assert ask(store, lambda tx: tx.webhooks.endpoints()) == [desk, crm]
        assert ask(store, lambda tx: tx.webhooks.endpoints(), tenant_id=OTHER_TENANT) == []

    def test_a_row_is_removed_whatever_its_version(self, store: Store) -> None:
        """And may come again; one that is not there is no error, and nobody else's is touched."""
        row = make_webhook(_CRM, about="callback cb_1", **_BEHIND)
        put(store, make_webhook(_CRM), row, next_version(row, tries_count=2))
        theirs = make_webhook(_CRM, about="callback cb_1", tenant_id=OTHER_TENANT, **_BEHIND)
        put(store, theirs, tenant_id=OTHER_TENANT)

        def remove(tx: Transaction) -> list[Webhook]:
            tx.webhooks.remove(row)
            tx.webhooks.remove(make_webhook("nobody"))
            return tx.webhooks.of_endpoint(_CRM)

        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert remove(tx) == [make_webhook(_CRM)]
        assert ask(store, lambda tx: tx.webhooks.of_endpoint(_CRM), tenant_id=OTHER_TENANT) == [theirs]
        put(store, row)
        assert ask(store, lambda tx: tx.webhooks.of_endpoint(_CRM)) == [make_webhook(_CRM), row]

    def test_a_removal_that_is_undone_never_was(self, store: Store) -> None:
        """As all that a transaction writes."""
        row = make_webhook(_CRM)
        put(store, row)
        with pytest.raises(ValueError, match="undo"):
            fail_after(store, lambda tx: tx.webhooks.remove(row), error=ValueError("undo"))
        assert ask(store, lambda tx: tx.webhooks.endpoints()) == [row]

    def test_nothing_is_removed_by_who_only_reads(self, store: Store) -> None:
        """It is an error."""
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.webhooks.remove(make_webhook(_CRM)))

    def test_one_of_many_gets_the_lease(self, store: Store) -> None:
        """Of nodes that read the same row one may write it."""
        put(store, make_webhook(_CRM))

        def claim(number: int) -> bool:
            try:
                put(store, make_webhook(_CRM, version=2, tries_count=number))
            except Exception:
                return False
            return True

        assert at_once(claim).count(True) == 1


class SettledContract(ContractBase):
    """Who reads the history as it grows misses nothing."""

    def test_an_empty_history_is_settled_up_to_nothing(self, store: Store) -> None:
        """There is no event."""
        assert _settled(store) == 0

    def test_what_is_committed_is_settled(self, store: Store) -> None:
        """Up to the last one, when nobody is writing; of each tenant by itself."""
        append(store, make_event(CallbackReady), make_event(CallJoined))
        assert _settled(store) == _last(store)
        append(store, make_event(CallJoined))
        assert _settled(store) == _last(store)
        append(store, make_event(CallJoined, tenant_id=OTHER_TENANT), tenant_id=OTHER_TENANT)
        assert _settled(store, OTHER_TENANT) == _last(store, OTHER_TENANT)

    def test_the_last_number_is_that_of_the_last_event_that_is_seen(self, store: Store) -> None:
        """Its own events count too; without any it is 0."""
        assert ask(store, lambda tx: tx.history.last_number()) == 0
        append(store, make_event(CallJoined))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.history.last_number() == tx.history.links(limit=9)[-1].history_number
            tx.history.append([make_event(CallJoined), make_event(CallbackReady)])
            assert tx.history.last_number() == tx.history.links(limit=9)[-1].history_number
            assert len(tx.history.links(limit=9)) == 3

    def test_what_a_transaction_writes_itself_is_not_settled(self, store: Store) -> None:
        """It may yet be undone, and its number be another event's."""
        append(store, make_event(CallJoined))
        before = _settled(store)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.history.append([make_event(CallJoined), make_event(CallbackReady)])
            assert tx.history.settled_number() == before
        assert _settled(store) == _last(store) > before

    def test_whoever_reads_up_to_it_sees_every_event_once(self, store: Store) -> None:
        """While many write at once: nothing comes behind the reader's back, and in the end all was seen."""
        seen: list[int] = []

        def read(tx: Transaction) -> None:
            settled = tx.history.settled_number()
            after = seen[-1] if seen else 0
            seen.extend(
                link.history_number
                for link in tx.history.links(after=after, limit=999)
                if link.history_number <= settled
            )

        def write_or_read(number: int) -> None:
            for turn in range(6):
                if number == 0:
                    ask(store, read)
                else:
                    append(store, make_event(CallJoined, call_id=f"call_{number}_{turn}"))

        at_once(write_or_read, count=5)
        for _ in range(3):
            ask(store, read)
        assert seen == [link.history_number for link in ask(store, lambda tx: tx.history.links(limit=999))]
        assert len(seen) == 24
