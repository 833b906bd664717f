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

What an adapter may leave out, or a far end cannot do, has contracts of its own:

* `SnapshotContract`, with a `ConnectedFarEnd`: which legs there are, also after a lost connection.
* `ReserveContract`, with a `ReservingFarEnd`: that the PBX's own queues leave an agent alone.
* `MischiefContract`, with a `MisbehavingFarEnd`: events that come twice, late, and in another order.
* `PartContract`, with a `PartingFarEnd`: two who are parted though both are up.

An adapter whose methods are awaited gets a face that blocks: `Blocking`, on the loop of a `Waiting`.

A messenger is tested together with the inboxes that it writes to, a `MessageFarEnd`::

    from callbackq.testing.contracts import MessageFarEnd, MessengerContract


    class TestMyMessenger(MessengerContract):
        def open_message_end(self):
            return MyMessageEnd(...)

What depends on the provider has contracts of its own, which want inboxes that refuse: `RefusalContract`,
`KnownOptOutContract` and `UncertaintyContract`.

Each small protocol of a host has a contract too, in the same way: say how one is made, such as `open_clock`. What needs
somebody at the other end has a far end of its own: `HelpDesk`, `CodeFarEnd`, `NoticeFarEnd`.

* `Clock`: `ClockContract`.
* `IdSource`: `IdSourceContract`; for several processes also `ManyNodesIdsContract`.
* `Hours`: `HoursContract`. `SlotCapacity`: `SlotCapacityContract`. `Estimator`: `EstimatorContract`.
* `Tickets`: `TicketsContract`; where the help desk can be asked also `TicketsAgainContract`.
* `DoNotCall`: `DoNotCallContract`.
* `CodeSender`: `CodeSenderContract`; where it learns at once that it cannot send also `CodeRefusalContract`.
* `Notices`: `NoticesContract`.
* `Listener`, through which metrics, dashboards and CRMs are fed: `ListenerContract`.
* `CanGiveFacts`, a part of a store, from which figures are counted: `FactsContract`.
* `WebhookSender`: `WebhookSenderContract`.
"""

from __future__ import annotations

from callbackq.testing.host_contract.clocks import ClockContract, IdSourceContract, ManyNodesIdsContract
from callbackq.testing.host_contract.facts import FactsContract
from callbackq.testing.host_contract.people import (
    CodeFarEnd,
    CodeRefusalContract,
    CodeSenderContract,
    DoNotCallContract,
    HelpDesk,
    TicketsAgainContract,
    TicketsContract,
)
from callbackq.testing.host_contract.planning import EstimatorContract, HoursContract, SlotCapacityContract
from callbackq.testing.host_contract.telling import ListenerContract, NoticeFarEnd, NoticesContract
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
from callbackq.testing.telephony_contract.awaiting import Blocking, Waiting
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
from callbackq.testing.telephony_contract.misbehaving import (
    MisbehavingFarEnd,
    MischiefContract,
    PartContract,
    PartingFarEnd,
)
from callbackq.testing.telephony_contract.playing import PlayContract
from callbackq.testing.webhook_contract import WebhookSenderContract

__all__ = [
    "Blocking",
    "ClockContract",
    "CodeFarEnd",
    "CodeRefusalContract",
    "CodeSenderContract",
    "ConnectedFarEnd",
    "DoNotCallContract",
    "EstimatorContract",
    "FactsContract",
    "FarEnd",
    "HelpDesk",
    "HoursContract",
    "IdSourceContract",
    "Inbox",
    "KnownOptOutContract",
    "ListenerContract",
    "ManyNodesIdsContract",
    "MessageFarEnd",
    "MessengerContract",
    "MisbehavingFarEnd",
    "MischiefContract",
    "NoticeFarEnd",
    "NoticesContract",
    "PartContract",
    "PartingFarEnd",
    "Phone",
    "Received",
    "RefusalContract",
    "ReserveContract",
    "ReservingFarEnd",
    "SlotCapacityContract",
    "SnapshotContract",
    "StoreContract",
    "TelephonyContract",
    "TicketsAgainContract",
    "TicketsContract",
    "UncertaintyContract",
    "Waiting",
    "WebhookSenderContract",
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
