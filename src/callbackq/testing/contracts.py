"""
What every store must do, as tests: subclass, say how a fresh store is made, and run pytest.

Needs the extra `testing` (pytest and hypothesis)::

    from callbackq.testing.contracts import StoreContract


    class TestMyStore(StoreContract):
        def open_store(self):
            return MyStore(...)

Each test is given a store of its own by the fixture `store`, which closes it afterwards. A subclass that needs a
fixture itself, such as a folder, takes it in an autouse fixture and keeps it on `self`. No test is ever skipped:
a store that cannot do what one asks for is not a store.
"""

from __future__ import annotations

from callbackq.testing.store_contract.due import AgentContract, DueContract
from callbackq.testing.store_contract.history import HistoryContract
from callbackq.testing.store_contract.keys import KeyContract
from callbackq.testing.store_contract.lanes import LaneContract
from callbackq.testing.store_contract.latest import LatestContract, OpenContract, SwitchContract
from callbackq.testing.store_contract.line import LineContract
from callbackq.testing.store_contract.records import RecordContract
from callbackq.testing.store_contract.tenants import TenantContract
from callbackq.testing.store_contract.transactions import ThreadContract, TransactionContract

__all__ = ["StoreContract"]


class StoreContract(
    RecordContract,
    KeyContract,
    LineContract,
    LaneContract,
    DueContract,
    AgentContract,
    LatestContract,
    OpenContract,
    SwitchContract,
    HistoryContract,
    TransactionContract,
    ThreadContract,
    TenantContract,
):
    """The specification of `callbackq.ports.Store`. Takes seconds; deterministic but for the threads' order."""
