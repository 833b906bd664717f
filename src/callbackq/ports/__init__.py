"""
Every protocol that a host may implement, in one folder. Each has a fake in `callbackq.testing`.

The store protocol is provisional before 1.0: it may gain verbs. Its specification is
`callbackq.testing.contracts.StoreContract`; that of telephony is `TelephonyContract`.
"""

from callbackq.ports.host import (
    AsyncNotices,
    AsyncTelephony,
    CanReserve,
    CanSnapshot,
    Clock,
    CodeSender,
    DoNotCall,
    Estimator,
    Hours,
    IdSource,
    Notices,
    SlotCapacity,
    Telephony,
    Tickets,
)
from callbackq.ports.store import Commit, Store, Transaction
from callbackq.ports.tables import (
    AgentTable,
    AttemptTable,
    BookingTable,
    CallbackTable,
    CallTable,
    HistoryLink,
    HistoryTable,
    Lanes,
    Line,
    OptOutTable,
    QueueTable,
    SlotTable,
    SubjectTable,
    TallyTable,
    VerificationTable,
)

__all__ = [
    "AgentTable",
    "AsyncNotices",
    "AsyncTelephony",
    "AttemptTable",
    "BookingTable",
    "CallTable",
    "CallbackTable",
    "CanReserve",
    "CanSnapshot",
    "Clock",
    "CodeSender",
    "Commit",
    "DoNotCall",
    "Estimator",
    "HistoryLink",
    "HistoryTable",
    "Hours",
    "IdSource",
    "Lanes",
    "Line",
    "Notices",
    "OptOutTable",
    "QueueTable",
    "SlotCapacity",
    "SlotTable",
    "Store",
    "SubjectTable",
    "TallyTable",
    "Telephony",
    "Tickets",
    "Transaction",
    "VerificationTable",
]
