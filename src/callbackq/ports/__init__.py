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
    Estimator,
    Hours,
    IdSource,
    Notices,
    SlotCapacity,
    Telephony,
    Tickets,
)
from callbackq.ports.store import (
    AgentTable,
    AttemptTable,
    BookingTable,
    CallbackTable,
    CallTable,
    Commit,
    HistoryTable,
    Lanes,
    Line,
    QueueTable,
    SlotTable,
    Store,
    SubjectTable,
    Transaction,
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
    "Commit",
    "Estimator",
    "HistoryTable",
    "Hours",
    "IdSource",
    "Lanes",
    "Line",
    "Notices",
    "QueueTable",
    "SlotCapacity",
    "SlotTable",
    "Store",
    "SubjectTable",
    "Telephony",
    "Tickets",
    "Transaction",
]
