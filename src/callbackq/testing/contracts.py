"""
What every store, telephony and messenger must do, as tests: subclass, say how a fresh one is made, and run pytest.

Needs the extra `testing` (pytest and hypothesis)::

    from callbackq.testing.contracts import StoreContract


    class TestMyStore(StoreContract):
        def open_store(self):
            return MyStore(...)

Each test is given a store of its own by the fixture `store`, which closes it afterwards. A subclass that needs a
fixture itself, such as a folder, takes it in an autouse fixture and keeps it on `self`. No test is ever skipped:
a store that cannot do what one asks for is not a store.

An adapter is tested together with the phones at the other end, which somebody must answer: a `FarEnd`::

    from callbackq.testing.contracts import FarEnd, SnapshotContract, TelephonyContract


    class TestMyTelephony(TelephonyContract, SnapshotContract):
        def open_far_end(self):
            return MyFarEnd(...)

What an adapter may leave out has contracts of its own: `SnapshotContract` (with a `ConnectedFarEnd`) and
`ReserveContract` (with a `ReservingFarEnd`).

A messenger is tested together with the inboxes that it writes to, a `MessageFarEnd`::

    from callbackq.testing.contracts import MessageFarEnd, MessengerContract


    class TestMyMessenger(MessengerContract):
        def open_message_end(self):
            return MyMessageEnd(...)

What depends on the provider has contracts of its own, which want inboxes that refuse: `RefusalContract`,
`KnownOptOutContract` and `UncertaintyContract`.
"""

from __future__ import annotations

from callbackq.testing.messenger_contract.base import Inbox, MessageFarEnd, Received
from callbackq.testing.messenger_contract.refusing import (
    KnownOptOutContract,
    RefusalContract,
    UncertaintyContract,
)
from callbackq.testing.messenger_contract.sending import SendContract
from callbackq.testing.store_contract.bookings import BookingContract, SlotContract
from callbackq.testing.store_contract.chain import ChainContract
from callbackq.testing.store_contract.counts import CountContract
from callbackq.testing.store_contract.due import AgentContract, DueContract
from callbackq.testing.store_contract.guards import OptOutContract, TallyContract, VerificationContract
from callbackq.testing.store_contract.history import HistoryContract
from callbackq.testing.store_contract.keys import KeyContract
from callbackq.testing.store_contract.lanes import LaneContract
from callbackq.testing.store_contract.latest import LatestContract, OpenContract, SwitchContract
from callbackq.testing.store_contract.line import LineContract
from callbackq.testing.store_contract.messages import ConversationContract, MessageContract
from callbackq.testing.store_contract.nodes import AttemptsOfNodeContract, NodeContract
from callbackq.testing.store_contract.old import OldContract
from callbackq.testing.store_contract.paging import PagingContract
from callbackq.testing.store_contract.people import ScrubContract, SubjectContract
from callbackq.testing.store_contract.records import RecordContract
from callbackq.testing.store_contract.tenants import TenantContract
from callbackq.testing.store_contract.transactions import ThreadContract, TransactionContract
from callbackq.testing.store_contract.webhooks import SettledContract, WebhookContract
from callbackq.testing.telephony_contract.base import FarEnd, Phone
from callbackq.testing.telephony_contract.dialing import DialContract
from callbackq.testing.telephony_contract.ending import HangUpContract
from callbackq.testing.telephony_contract.joining import BridgeContract
from callbackq.testing.telephony_contract.knowing import (
    ConnectedFarEnd,
    ReserveContract,
    ReservingFarEnd,
    SnapshotContract,
)
from callbackq.testing.telephony_contract.playing import PlayContract

__all__ = [
    "ConnectedFarEnd",
    "FarEnd",
    "Inbox",
    "KnownOptOutContract",
    "MessageFarEnd",
    "MessengerContract",
    "Phone",
    "Received",
    "RefusalContract",
    "ReserveContract",
    "ReservingFarEnd",
    "SnapshotContract",
    "StoreContract",
    "TelephonyContract",
    "UncertaintyContract",
]


class StoreContract(
    RecordContract,
    KeyContract,
    LineContract,
    LaneContract,
    DueContract,
    AgentContract,
    CountContract,
    LatestContract,
    OpenContract,
    SwitchContract,
    BookingContract,
    SlotContract,
    SubjectContract,
    TallyContract,
    VerificationContract,
    OptOutContract,
    MessageContract,
    ConversationContract,
    NodeContract,
    AttemptsOfNodeContract,
    ScrubContract,
    HistoryContract,
    ChainContract,
    SettledContract,
    WebhookContract,
    OldContract,
    PagingContract,
    TransactionContract,
    ThreadContract,
    TenantContract,
):
    """The specification of `callbackq.ports.Store`. Takes seconds; deterministic but for the threads' order."""


class TelephonyContract(DialContract, HangUpContract, BridgeContract, PlayContract):
    """
    The specification of `callbackq.ports.Telephony`.

    It takes a minute or two in real time, mostly to see that nothing more happens; no time at all in virtual time.
    """


class MessengerContract(SendContract):
    """
    The specification of `callbackq.ports.Messenger`: what is sent is sent once, whole, and leaves nothing in the log.

    It takes a second or two with a provider that answers at once.
    """
