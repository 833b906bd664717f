"""
The text of every statement that the store in SQLite runs.

The rule: each is made once, when the module is imported, so that SQLite compiles it once per connection; and each
names the tenant, and is served by an index of `schema/sqlite/`.
"""

from __future__ import annotations

from typing import Any, Final, Generic

from callbackq.model import (
    Agent,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    Conversation,
    LiveCall,
    Message,
    Node,
    OptOut,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.stores.rows import (
    AGENT_ROWS,
    ATTEMPT_ROWS,
    BOOKING_ROWS,
    CALL_ROWS,
    CALLBACK_ROWS,
    CHAIN_COLUMNS,
    CONVERSATION_ROWS,
    EVENT_COLUMNS,
    MESSAGE_ROWS,
    NODE_ROWS,
    OPT_OUT_ROWS,
    QUEUE_ROWS,
    SLOT_DAY_ROWS,
    SLOT_ROWS,
    SUBJECT_ROWS,
    TALLY_ROWS,
    VERIFICATION_ROWS,
    WEBHOOK_ROWS,
    RecordRows,
    RecordT,
)

_IN_QUEUES: Final = "AND queue IN (SELECT value FROM json_each(?))"


class Statements(Generic[RecordT]):
    """The statements that every table of records has. The first columns are the tenant, the key and the version."""

    def __init__(self, table: str, rows: RecordRows[RecordT]) -> None:
        names = list(rows.columns)
        columns = ", ".join(names)
        key = rows.key[0]
        same = "tenant_id = ?" + "".join(f" AND {column} = ?" for column in rows.key)
        changes = ", ".join(f"{name} = ?" for name in names[1 + len(rows.key) :])
        marks = ", ".join("?" * len(names))
        self.rows: RecordRows[RecordT] = rows
        self.select: str = f"SELECT {columns} FROM {table} WHERE tenant_id = ?"
        self.get: str = f"SELECT {columns} FROM {table} WHERE {same}"
        due = f"{self.select} AND due_at IS NOT NULL AND due_at <= ?"
        first = f"ORDER BY due_at, {key} LIMIT ?"
        self.due: str = f"{due} {first}"
        self.due_in: str = f"{due} {_IN_QUEUES} {first}"
        self.insert: str = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        self.update: str = f"UPDATE {table} SET {changes} WHERE {same} AND version = ?"
        self.version: str = f"SELECT version FROM {table} WHERE {same}"
        self.remove: str = f"DELETE FROM {table} WHERE {same} AND version = ?"
        self._columns: str = columns
        self._key: str = key
        self._table: str = table

    def found(self, index: str, condition: str) -> str:
        """Return a statement that finds rows of the tenant by the index that ends in *index*."""
        select = f"SELECT {self._columns} FROM {self._table} INDEXED BY {self._table}_{index}"
        return f"{select} WHERE tenant_id = ? AND {condition}"

    def by(self, index: str, condition: str) -> str:
        """Return a statement that finds rows of one queue by the index that ends in *index*."""
        return self.found(index, f"queue = ? AND {condition}")

    def latest(self, index: str, column: str, condition: str = "TRUE", *, of: str = "queue") -> str:
        """Return a statement that finds the rows of one queue (or other *of*) with the latest *column*."""
        order = f"ORDER BY {column} DESC, {self._key} DESC LIMIT ?"
        return self.found(index, f"{of} = ? AND {condition} {order}")


CALLBACKS: Final = Statements("callbackq_callbacks", CALLBACK_ROWS)
CALLS: Final = Statements("callbackq_calls", CALL_ROWS)
AGENTS: Final = Statements("callbackq_agents", AGENT_ROWS)
ATTEMPTS: Final = Statements("callbackq_attempts", ATTEMPT_ROWS)
BOOKINGS: Final = Statements("callbackq_bookings", BOOKING_ROWS)
SLOTS: Final = Statements("callbackq_slots", SLOT_ROWS)
SLOT_DAYS: Final = Statements("callbackq_slot_days", SLOT_DAY_ROWS)
SUBJECTS: Final = Statements("callbackq_subjects", SUBJECT_ROWS)
QUEUES: Final = Statements("callbackq_queues", QUEUE_ROWS)
TALLIES: Final = Statements("callbackq_tallies", TALLY_ROWS)
VERIFICATIONS: Final = Statements("callbackq_verifications", VERIFICATION_ROWS)
OPT_OUTS: Final = Statements("callbackq_opt_outs", OPT_OUT_ROWS)
MESSAGES: Final = Statements("callbackq_messages", MESSAGE_ROWS)
CONVERSATIONS: Final = Statements("callbackq_conversations", CONVERSATION_ROWS)
NODES: Final = Statements("callbackq_nodes", NODE_ROWS)
WEBHOOKS: Final = Statements("callbackq_webhooks", WEBHOOK_ROWS)
OF_CLASS: Final[dict[type[Any], Statements[Any]]] = {
    Callback: CALLBACKS,
    LiveCall: CALLS,
    Agent: AGENTS,
    Attempt: ATTEMPTS,
    Booking: BOOKINGS,
    SlotCount: SLOTS,
    SlotDay: SLOT_DAYS,
    Subject: SUBJECTS,
    QueueControl: QUEUES,
    Tally: TALLIES,
    Verification: VERIFICATIONS,
    OptOut: OPT_OUTS,
    Message: MESSAGES,
    Conversation: CONVERSATIONS,
    Node: NODES,
    Webhook: WEBHOOKS,
}

# ---------------------------------------------------------------------------- one row by a key

BY_REQUEST_KEY: Final = f"{CALLBACKS.select} AND request_key = ?"
BY_DEDUP_KEY: Final = f"{CALLBACKS.select} AND state <> 'ended' AND dedup_key = ?"
BY_AGENT_LEG: Final = f"{ATTEMPTS.select} AND agent_leg_id = ?"
BY_CUSTOMER_LEG: Final = f"{ATTEMPTS.select} AND customer_leg_id = ?"
BY_NUMBER_KEY: Final = f"{ATTEMPTS.select} AND state <> 'ended' AND number_key = ?"
BY_IDENTITY: Final = f"{SUBJECTS.select} AND identity = ?"
BY_CUSTOMER: Final = f"{SUBJECTS.select} AND customer_id = ?"
BOOKING_OPEN: Final = f"{BOOKINGS.select} AND state <> 'ended' AND callback_id = ?"
BOOKINGS_OF_CALLBACK: Final = BOOKINGS.latest("callback", "held_at", of="callback_id")

# ---------------------------------------------------------------------------- rows of one queue, and agents

CALLBACKS_OPEN_COUNT: Final = """
    SELECT count(*) FROM (SELECT 1 FROM callbackq_callbacks INDEXED BY callbackq_callbacks_open
    WHERE tenant_id = ? AND queue = ? AND state <> 'ended' LIMIT ?)"""
_IN_STATE: Final = (
    "FROM callbackq_callbacks INDEXED BY callbackq_callbacks_states"
    " WHERE tenant_id = ? AND queue = ? AND state <> 'ended' AND state = '{}'"
)
COUNTED_STATES: Final = tuple(state for state in CallbackState if state is not CallbackState.ENDED)
CALLBACKS_COUNTS: Final = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM (SELECT 1 {_IN_STATE.format(state)} LIMIT ?))" for state in COUNTED_STATES
)
CALLBACKS_IN_STATE: Final = CALLBACKS.by(
    "states", "state <> 'ended' AND state = ? ORDER BY entered_at, callback_id LIMIT ?"
)
OLDEST: Final = f"""
    SELECT (SELECT min(entered_at) FROM callbackq_calls INDEXED BY callbackq_calls_entered
             WHERE tenant_id = ? AND queue = ? AND state = 'waiting'),
           (SELECT min(entered_at) {_IN_STATE.format(CallbackState.WAITING)})"""
ATTEMPTS_OPEN_COUNT: Final = """
    SELECT count(*) FROM (SELECT 1 FROM callbackq_attempts INDEXED BY callbackq_attempts_open
    WHERE tenant_id = ? AND queue = ? AND state <> 'ended' LIMIT ?)"""
CALLBACKS_ENDED: Final = CALLBACKS.latest("ended", "ended_at", "ended_at IS NOT NULL")
CALLS_OPEN: Final = CALLS.by("open", "state <> 'ended' ORDER BY call_id")
CALLS_TAKEN: Final = CALLS.latest("taken", "taken_at", "taken_at IS NOT NULL")
CALLS_ENDED: Final = CALLS.latest("ended", "ended_at", "ended_at IS NOT NULL")
CALLBACKS_OF_SUBJECT: Final = CALLBACKS.latest("subject", "requested_at", of="subject_id")
CALLBACKS_OF_TICKET: Final = CALLBACKS.latest("ticket", "requested_at", of="ticket_id")
ATTEMPTS_STARTED: Final = ATTEMPTS.latest("started", "started_at")
ATTEMPTS_OPEN: Final = ATTEMPTS.by("open", "state <> 'ended' ORDER BY attempt_id")
_WANTING: Final = "agent_id IS NULL AND announces IS NULL AND state NOT IN ('ending', 'ended')"
ATTEMPTS_WANTING: Final = ATTEMPTS.found("wanting", _WANTING)
ATTEMPTS_WANTING_IN: Final = ATTEMPTS.found("wanting", f"{_WANTING} {_IN_QUEUES}")
ATTEMPTS_DIALED: Final = ATTEMPTS.latest(
    "dialed", "started_at", "customer_leg <> 'none' AND started_at > ?", of="number_key"
)
ATTEMPTS_OF_NODE: Final = ATTEMPTS.found(
    "node", "node_id = ? AND state <> 'ended' AND attempt_id > ? ORDER BY attempt_id LIMIT ?"
)
AVAILABLE: Final = AGENTS.found("available", "state = 'available' ORDER BY since_at, agent_id")
STAFFED_COUNT: Final = "SELECT count(*) FROM callbackq_agent_queues WHERE tenant_id = ? AND queue = ?"
STAFFED_STATES: Final = (
    "SELECT state FROM callbackq_agent_queues JOIN callbackq_agents USING (tenant_id, agent_id)"
    " WHERE tenant_id = ? AND queue = ?"
)
STAFFED_SKILLS: Final = (
    "SELECT skills FROM callbackq_agent_queues JOIN callbackq_agents USING (tenant_id, agent_id)"
    " WHERE tenant_id = ? AND queue = ?"
)

# ---------------------------------------------------------------------------- slots

_STANDS: Final = "(state <> 'ended' OR ended_as = 'used')"
_BETWEEN: Final = f"{_STANDS} AND slot_at >= ? AND slot_at < ?"
_FIRST_SLOTS: Final = "ORDER BY slot_at, booking_id LIMIT ?"
BOOKINGS_OF_SLOT: Final = BOOKINGS.by("slot", "slot_at = ? AND state <> 'ended' ORDER BY booking_id")
BOOKINGS_BETWEEN: Final = BOOKINGS.by("slot", f"{_BETWEEN} {_FIRST_SLOTS}")
BOOKINGS_OF_AGENT: Final = BOOKINGS.found("agent", f"agent_id = ? AND {_BETWEEN} {_FIRST_SLOTS}")
BOOKINGS_OF_AGENT_IN: Final = BOOKINGS.found(
    "agent", f"agent_id = ? AND {_BETWEEN} AND queue = ? {_FIRST_SLOTS}"
)
SLOTS_BETWEEN: Final = f"{SLOTS.select} AND queue = ? AND slot_at >= ? AND slot_at < ? ORDER BY slot_at"
DAYS_BETWEEN: Final = f"{SLOT_DAYS.select} AND queue = ? AND day >= ? AND day <= ? ORDER BY day"

# ---------------------------------------------------------------------------- persons, and what guards them

HOLDING: Final = f"""{SUBJECTS.select} AND (? IN (number, preferred_number, record_number, pending_number)
    OR instr(identity, ?)
    OR EXISTS (SELECT 1 FROM json_each(alternatives) WHERE value = ?)
    OR EXISTS (SELECT 1 FROM json_each(wrong_numbers) WHERE value = ?)) ORDER BY subject_id"""
UNSEEN: Final = SUBJECTS.found(
    "unseen",
    "erased_at IS NULL AND coalesce(seen_at, created_at) < ?"
    " ORDER BY coalesce(seen_at, created_at), subject_id LIMIT ?",
)
TALLIES_OF: Final = f"{TALLIES.select} AND key IN (SELECT value FROM json_each(?)) ORDER BY key"
_FORGET: Final = """
    DELETE FROM {0} WHERE tenant_id = ? AND {1} IN (
        SELECT {1} FROM {0} INDEXED BY {0}_{3} WHERE tenant_id = ? AND {2} < ? ORDER BY {2}, {1} LIMIT ?)"""
FORGET_TALLIES: Final = _FORGET.format("callbackq_tallies", "key", "over_at", "over")
FORGET_VERIFICATIONS: Final = _FORGET.format(
    "callbackq_verifications", "verification_id", "expires_at", "expires"
)

# ---------------------------------------------------------------------------- messages

BY_CAUSE: Final = f"{MESSAGES.select} AND cause = ?"
BY_PROVIDER: Final = MESSAGES.found(
    "provider", "channel = ? AND provider_key = ? ORDER BY message_id DESC LIMIT 1"
)
MESSAGES_OF_CALLBACK: Final = MESSAGES.latest("callback", "created_at", of="callback_id")
MESSAGES_WAITING: Final = MESSAGES.found(
    "waiting", "callback_id = ? AND state = 'waiting' ORDER BY message_id"
)
MESSAGES_TO: Final = MESSAGES.latest("to", "sent_at", "sent_at IS NOT NULL", of="address_key")
MESSAGES_UNCERTAIN: Final = MESSAGES.found(
    "uncertain", "state = 'uncertain' ORDER BY due_at, message_id LIMIT ?"
)
FORGET_CONVERSATIONS: Final = _FORGET.format("callbackq_conversations", "conversation_key", "over_at", "over")

# ---------------------------------------------------------------------------- nodes

NODES_PRESENT: Final = f"{NODES.select} AND state <> 'gone' ORDER BY node_id"
NODES_ALL: Final = f"{NODES.select} ORDER BY node_id"
WEBHOOKS_OF: Final = f"{WEBHOOKS.select} AND endpoint = ? ORDER BY about"
WEBHOOKS_THEMSELVES: Final = f"{WEBHOOKS.select} AND about = '' ORDER BY endpoint"
REMOVE_WEBHOOK: Final = "DELETE FROM callbackq_webhooks WHERE tenant_id = ? AND endpoint = ? AND about = ?"
FORGET_NODES: Final = """
    DELETE FROM callbackq_nodes WHERE tenant_id = ? AND node_id IN (
        SELECT node_id FROM callbackq_nodes WHERE tenant_id = ? AND state = 'gone' AND seen_at < ?
         ORDER BY seen_at, node_id LIMIT ?)"""

# ---------------------------------------------------------------------------- the line

_FIRST: Final = " AND queue = ? AND lane = ? AND state = 'waiting' ORDER BY rank, place_id LIMIT 1"
HEAD_CALLBACK: Final = CALLBACKS.select + _FIRST
HEAD_CALL: Final = CALLS.select + _FIRST

_PAGE_AMONG: Final = "state = 'waiting' AND rank = ? AND place_id > ? ORDER BY place_id LIMIT ?"
_PAGE_BEHIND: Final = "state = 'waiting' AND rank > ? ORDER BY rank, place_id LIMIT ?"
PAGE_CALLBACKS_AMONG: Final = CALLBACKS.by("ahead", _PAGE_AMONG)
PAGE_CALLBACKS_BEHIND: Final = CALLBACKS.by("ahead", _PAGE_BEHIND)
PAGE_CALLS_AMONG: Final = CALLS.by("ahead", _PAGE_AMONG)
PAGE_CALLS_BEHIND: Final = CALLS.by("ahead", _PAGE_BEHIND)
BEFORE_ALL_RANKS: Final = -(2**63)

_WAITING: Final = "tenant_id = ? AND queue = ? AND state = 'waiting'"
_BEFORE: Final = f"{_WAITING} AND rank < ?"
_AMONG: Final = f"{_WAITING} AND rank = ? AND place_id < ?"


def _from(table: str, index: str) -> str:
    return f"FROM callbackq_{table} INDEXED BY callbackq_{table}_{index} WHERE"


def _count(table: str, index: str, condition: str) -> str:
    """Count the places of one kind before a place: the lower ranks, and the lower ids of the same rank."""
    found = _from(table, index)
    return f"(SELECT count(*) {found} {_BEFORE}{condition}) + (SELECT count(*) {found} {_AMONG}{condition})"


def _bounded_count(table: str) -> str:
    """Count as `_count` does, and stop in each part at a limit."""
    found = _from(table, "ahead")
    before = f"(SELECT count(*) FROM (SELECT 1 {found} {_BEFORE} LIMIT ?))"
    among = f"(SELECT count(*) FROM (SELECT 1 {found} {_AMONG} LIMIT ?))"
    return f"{before} + {among}"


COUNT_AHEAD: Final = f"SELECT {_bounded_count('calls')}, {_bounded_count('callbacks')}"

_OF_CLASS: Final = " AND lane = ? AND priority = ?"
COUNT_PASSED: Final = f"SELECT {_count('calls', 'line', _OF_CLASS)}, {_count('callbacks', 'line', _OF_CLASS)}"

SAMPLE_OF: Final = 31
"""One place in so many is in the sample of the waiting places; which ones, the schema says."""

_IN_SAMPLE: Final = (
    " AND (24329 * (rank % 1000003)"
    " + 39233 * unicode(substr(place_id, -1)) + 12497 * unicode(substr(place_id, -2))"
    " + 4111 * unicode(substr(place_id, -3)) + 6379 * unicode(substr(place_id, -4)))"
    f" % 1000003 % {SAMPLE_OF} = 0"
)
SAMPLE_CALLS: Final = f"SELECT {_count('calls', 'sample', _IN_SAMPLE)}"
SAMPLE_CALLBACKS: Final = f"SELECT {_count('callbacks', 'sample', _IN_SAMPLE)}"
_NTH: Final = f"{_WAITING} ORDER BY rank, place_id LIMIT 1 OFFSET ?"
NTH_CALL: Final = f"SELECT rank, place_id {_from('calls', 'ahead')} {_NTH}"
NTH_CALLBACK: Final = f"SELECT rank, place_id {_from('callbacks', 'ahead')} {_NTH}"

WAITING_COUNT: Final = f"""
    SELECT (SELECT count(*) {_from("callbacks", "ahead")} {_WAITING})
         + (SELECT count(*) {_from("calls", "ahead")} {_WAITING})"""
ANY_WAITING: Final = f"""
    SELECT EXISTS (SELECT 1 {_from("callbacks", "ahead")} tenant_id = ? AND state = 'waiting')
        OR EXISTS (SELECT 1 {_from("calls", "ahead")} tenant_id = ? AND state = 'waiting')"""

# ---------------------------------------------------------------------------- time

_EARLIEST: Final = "SELECT min(due_at) AS due_at FROM {} WHERE tenant_id = ? AND due_at IS NOT NULL"
QUEUED: Final = (
    "callbackq_callbacks",
    "callbackq_calls",
    "callbackq_attempts",
    "callbackq_bookings",
    "callbackq_messages",
)
"""What belongs to a queue and can be due."""
_EARLIEST_AGENT: Final = _EARLIEST.format("callbackq_agents")
NEXT_DUE_AT: Final = "SELECT min(due_at) FROM ({})".format(
    " UNION ALL ".join([_EARLIEST_AGENT, *(_EARLIEST.format(table) for table in QUEUED)])
)
_EARLIEST_IN: Final = (
    "SELECT * FROM (SELECT due_at FROM {} WHERE tenant_id = ? AND due_at IS NOT NULL"
    " AND queue IN (SELECT value FROM json_each(?)) ORDER BY due_at LIMIT 1)"
)
NEXT_DUE_AT_IN: Final = "SELECT min(due_at) FROM ({})".format(
    " UNION ALL ".join([_EARLIEST_AGENT, *(_EARLIEST_IN.format(table) for table in QUEUED)])
)

# ---------------------------------------------------------------------------- lanes and history

LANES_AFTER: Final = "SELECT skills FROM callbackq_lanes WHERE tenant_id = ? AND lane > ? ORDER BY lane"
INSERT_LANE: Final = "INSERT INTO callbackq_lanes (tenant_id, lane, skills) VALUES (?, ?, ?)"

_EVENTS: Final = f"SELECT {', '.join(EVENT_COLUMNS)} FROM callbackq_history"
HISTORY: Final = f"{_EVENTS} WHERE tenant_id = ? ORDER BY history_number"
HISTORY_OF_CALLBACK: Final = f"""{_EVENTS} INDEXED BY callbackq_history_callback
    WHERE tenant_id = ? AND callback_id = ? AND entity IN ('callback', 'attempt', 'booking', 'message')
    ORDER BY history_number"""
_CHAIN: Final = "INDEXED BY callbackq_history_chain WHERE tenant_id = ? AND entity = ? AND record_id = ?"
HISTORY_OF_RECORD: Final = f"{_EVENTS} {_CHAIN} ORDER BY event_number"
CHAIN_HEAD: Final = (
    f"SELECT event_number, digest FROM callbackq_history {_CHAIN} ORDER BY event_number DESC LIMIT 1"
)
LINKS: Final = f"""
    SELECT {", ".join(EVENT_COLUMNS)}, history_number, {", ".join(CHAIN_COLUMNS)} FROM callbackq_history
     WHERE tenant_id = ? AND history_number > ? ORDER BY history_number LIMIT ?"""
LAST_HISTORY_NUMBER: Final = "SELECT max(history_number) FROM callbackq_history WHERE tenant_id = ?"
INSERT_EVENT: Final = (
    f"INSERT INTO callbackq_history ({', '.join((*EVENT_COLUMNS, 'history_number', *CHAIN_COLUMNS))})"
    f" VALUES ({', '.join('?' * (len(EVENT_COLUMNS) + 1 + len(CHAIN_COLUMNS)))})"
)
