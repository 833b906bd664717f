"""Many tenants in one store, isolated by construction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq import (
    AgentNotFound,
    AttemptNotFound,
    CallbackNotFound,
    CallNotFound,
    Disposition,
    InvalidText,
    Outcome,
    QueuePolicy,
    Report,
    ReportKind,
    Store,
    TelephonySnapshot,
)
from callbackq.testing import VirtualHost

BOB = "+12125550101"


def test_tenants_share_a_store_and_nothing_else(store: Store) -> None:
    """M8: the same queue, number, call id, agent id and request key in two tenants; neither sees the other."""
    acme, bolt = (
        VirtualHost(store, [QueuePolicy(queue="support")], tenant_id=name) for name in ("acme", "bolt")
    )
    for host in (acme, bolt):
        host.service.call_joined("support", call_id="1", number=BOB)
        host.service.request("support", number=BOB, request_key="k")
    position = bolt.service.call_position("1")
    assert position is not None
    assert position.number == 1
    acme.service.agent_available("ann", queues=["support"])
    bolt.run_for(timedelta(hours=1))
    assert bolt.telephony.log == []
    acme.run_for(timedelta(0))
    acme.service.call_left("1")
    acme.run_for(timedelta(minutes=10))
    assert acme.telephony.dialed(BOB) == 1
    assert bolt.telephony.log == []


def test_ids_of_another_tenant_are_not_found(store: Store) -> None:
    """M8: every verb that takes an id answers as if the row were not there."""
    acme = VirtualHost(store, [QueuePolicy(queue="support")], tenant_id="acme")
    bolt = VirtualHost(store, [QueuePolicy(queue="support")], tenant_id="bolt").service
    receipt = acme.service.request("support", number=BOB)
    acme.run_for(timedelta(seconds=1))
    acme.service.call_joined("support", call_id="1")
    acme.service.agent_available("ann", queues=["support"])
    acme.run_for(timedelta(minutes=1))
    leg = next(entry.leg_id for entry in acme.telephony.log if entry.leg_id is not None)
    for verb in (bolt.get, bolt.cancel, bolt.position, bolt.explain, bolt.history, bolt.receipt):
        with pytest.raises(CallbackNotFound):
            verb(receipt.callback_id)
    for of_person in (bolt.call_now, bolt.mark_done):
        with pytest.raises(CallbackNotFound):
            of_person(receipt.callback_id, by="eva")
    for of_attempt in (bolt.settle, bolt.set_disposition):
        with pytest.raises(CallbackNotFound):
            of_attempt(receipt.callback_id, Disposition.MACHINE, by="eva")
    with pytest.raises(CallbackNotFound):
        bolt.change_number(receipt.callback_id, "+12125550109")
    with pytest.raises(CallbackNotFound):
        bolt.report_score(receipt.callback_id, score=5)
    for call_verb in (bolt.call_left, bolt.call_returned, bolt.offer, bolt.call_position):
        with pytest.raises(CallNotFound):
            call_verb("1")
    with pytest.raises(AgentNotFound):
        bolt.agent_unavailable("ann")
    with pytest.raises(AttemptNotFound):
        bolt.report(Report(leg_id=leg, kind=ReportKind.ENDED))
    learned = bolt.reconcile(TelephonySnapshot(legs={}, as_of=acme.clock.now()))
    assert (learned.attempts_count, learned.effects) == (0, ())
    acme.run_for(timedelta(minutes=10))
    assert acme.service.get(receipt.callback_id).outcome is Outcome.COMPLETED


def test_a_tenant_has_a_name(store: Store) -> None:
    """An empty tenant is refused when the service is built."""
    with pytest.raises(InvalidText, match="tenant_id"):
        VirtualHost(store, [QueuePolicy(queue="support")], tenant_id="")
