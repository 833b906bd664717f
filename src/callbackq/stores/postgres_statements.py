"""
The statements of the store in PostgreSQL: what is asked, and how a record is written.

The rule: the text of every statement is made once, when the module is imported, so that the server plans it once per
connection; and every statement names the tenant, and is served by an index of `schema/postgres/`. Parameters are
PostgreSQL's own, `$1` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final, Generic

from callbackq.model import (
    POSITION_EXACT_MAX,
    Agent,
    Attempt,
    Booking,
    Callback,
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
from callbackq.stores.rows import CHAIN_COLUMNS, EVENT_COLUMNS, RecordRows, RecordT

_CHANGES_MAX: Final = 64
"""So many statements are kept of each table, by which of its columns change."""

_KEPT: Final = (Agent, Attempt, Callback)
_DECODED_MAX: Final = 500
"""So many records are kept of each of these classes, in which no personal data stands: a row is mostly seen again."""

_MARK: Final = re.compile(r"\{(\w+)\}")


def _numbered(template: str, used: Sequence[str], count: int) -> str:
    return _MARK.sub(lambda found: f"${used.index(found[1]) + 1 + count}", template)


class Numbered:
    """
    A statement whose parameters are columns of one row: `{queue}` stands for the value of `queue`.

    Args:
        template: the statement, with names.
        columns: the columns of the row, in their order.

    Attributes:
        text_after: returns the statement as a part of another one, in which so many parameters come before its own.
    """

    def __init__(self, template: str, columns: Sequence[str]) -> None:
        used = list(dict.fromkeys(_MARK.findall(template)))
        self._places: Final = tuple(columns.index(name) for name in used)
        self.text_after: Final = partial(_numbered, template, used)
        self.text: Final = self.text_after(0)

    @property
    def count(self) -> int:
        """How many parameters it has."""
        return len(self._places)

    def of(self, values: Sequence[Any]) -> list[Any]:
        """Return the parameters, out of the values of a row."""
        return [values[place] for place in self._places]


def _changing(table: str, own: str, columns: Sequence[str], changed: tuple[int, ...]) -> Numbered:
    """Return the statement that writes some columns of a row whose version was read."""
    changes = ["version = {version}", *(f"{columns[place]} = {{{columns[place]}}}" for place in changed)]
    where = f"WHERE {own} AND version = {{version}}::bigint - 1"
    return Numbered(f"UPDATE {table} SET {', '.join(changes)} {where}", columns)


class Statements(Generic[RecordT]):
    """
    The statements that every table of records has. The first columns are the tenant, the key and the version.

    A row that the transaction can see to break a rule is not written at all: so no error ends the transaction, and
    a block that catches the refusal goes on. What only the index itself finds was written at the same moment.

    Args:
        table: its name.
        record_class: what its rows are.
        rules: what must be unique besides the id: by the rule's name a query that finds whoever is in the way.
    """

    def __init__(
        self, table: str, record_class: type[RecordT], rules: Mapping[str, str] | None = None
    ) -> None:
        rows: RecordRows[RecordT] = RecordRows(record_class, native=True)
        columns = ", ".join(rows.columns)
        key = rows.key[0]
        own = " AND ".join(f"{column} = {{{column}}}" for column in ("tenant_id", *rows.key))
        mine = " AND ".join(f"{column} = ${number}" for number, column in enumerate(rows.key, start=2))
        others: list[str] = [f"{query} AND {key} <> {{{key}}}" for query in (rules or {}).values()]
        free = "".join(f" AND NOT EXISTS ({other})" for other in others)
        values = ", ".join(f"{{{column}}}" for column in rows.columns)
        rest = rows.columns[1 + len(rows.key) :]
        changes = ", ".join(f"{column} = {{{column}}}" for column in rest)
        found = ", ".join(["version", *(f"EXISTS ({other})" for other in others)])
        unique = {name for other in others for name in _MARK.findall(other)} - {"tenant_id", "state", key}
        self._unique: Final = tuple(rows.columns.index(name) for name in sorted(unique))
        self._state: Final = rows.columns.index("state") if "state" in rows.columns else None
        self.table: str = table
        self.rows: RecordRows[RecordT] = rows
        self.columns: str = columns
        self.rules: tuple[str, ...] = tuple(rules or ())
        self.select: str = f"SELECT {columns} FROM {table} WHERE tenant_id = $1"
        self.get: str = f"{self.select} AND {mine}"
        self.due: str = f"{self.select} AND due_at <= $2 ORDER BY due_at, {key} LIMIT $3"
        self.due_in: str = (
            f"{self.select} AND due_at <= $2 AND queue = ANY ($4) ORDER BY due_at, {key} LIMIT $3"
        )
        self.insert: Numbered = Numbered(
            f"INSERT INTO {table} ({columns}) SELECT {values}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {own}){free}",
            rows.columns,
        )
        self.update: Numbered = Numbered(
            f"UPDATE {table} SET {changes} WHERE {own} AND version = {{version}}::bigint - 1{free}",
            rows.columns,
        )
        self._is_kept: Final = record_class in _KEPT
        self._decoded: Final[dict[tuple[Any, ...], tuple[Sequence[Any], RecordT]]] = {}
        self._instants: Final = tuple(
            (name, place) for place, name in enumerate(rows.columns) if name.endswith("_at")
        )
        self._rest: Final = range(2 + len(rows.key), len(rows.columns))
        self._changing: Final = lru_cache(_CHANGES_MAX)(partial(_changing, table, own, rows.columns))
        self.remove: Numbered = Numbered(
            f"DELETE FROM {table} WHERE {own} AND version = {{version}}", rows.columns
        )
        self.refusal: Numbered = Numbered(
            f"SELECT {found} FROM (VALUES (1)) AS one LEFT JOIN {table} ON {own}", rows.columns
        )

    def decode(self, row: Sequence[Any]) -> RecordT:
        """Return the record of a row: the same one, if this very row was read or written lately."""
        if not self._is_kept:
            return self.rows.decode(row)
        key = tuple(row[: 1 + len(self.rows.key)])
        known = self._decoded.get(key)
        if known is not None and known[0] == row:
            return known[1]
        if len(self._decoded) >= _DECODED_MAX:
            self._decoded.clear()
        record = self.rows.decode(row)
        self._decoded[key] = row, record
        return record

    def remember(self, record: RecordT, row: Sequence[Any]) -> None:
        """Keep a record that was written as this row: who reads the very same row gets it."""
        # One with an instant of another zone would not be read as it was written.
        if self._is_kept and all(getattr(record, name) is row[place] for name, place in self._instants):
            if len(self._decoded) >= _DECODED_MAX:
                self._decoded.clear()
            self._decoded[tuple(row[: 1 + len(self.rows.key)])] = row, record

    def writing(self, before: Sequence[Any] | None, values: Sequence[Any]) -> Numbered:
        """
        Return the statement that writes a row.

        Args:
            before: the row that is stored, where it is known. Then only what has changed is written; and if its keys
                have not, it holds them still, so nobody else does.
            values: the row.
        """
        version = values[1 + len(self.rows.key)]
        if version == 1:
            return self.insert
        is_read = before is not None and before[1 + len(self.rows.key)] == version - 1
        if before is None or not is_read or not self._holds_on(before, values):
            return self.update
        changed = tuple(place for place in self._rest if before[place] != values[place])
        return self._changing(changed)

    def _holds_on(self, before: Sequence[Any], values: Sequence[Any]) -> bool:
        if self._state is not None and before[self._state] == "ended" != values[self._state]:
            return False
        return all(before[place] == values[place] for place in self._unique)


CALLBACKS: Final = Statements(
    "callbackq_callbacks",
    Callback,
    {
        "request_key": "SELECT 1 FROM callbackq_callbacks AS other"
        " WHERE other.tenant_id = {tenant_id} AND other.request_key = {request_key}",
        "dedup_key": "SELECT 1 FROM callbackq_callbacks AS other WHERE {state}::text <> 'ended'"
        " AND other.tenant_id = {tenant_id} AND other.dedup_key = {dedup_key} AND other.state <> 'ended'",
    },
)
CALLS: Final = Statements("callbackq_calls", LiveCall)
AGENTS: Final = Statements("callbackq_agents", Agent)
ATTEMPTS: Final = Statements(
    "callbackq_attempts",
    Attempt,
    {
        "callback_id": "SELECT 1 FROM callbackq_attempts AS other WHERE {state}::text <> 'ended'"
        " AND other.tenant_id = {tenant_id} AND other.callback_id = {callback_id} AND other.state <> 'ended'",
        "number_key": "SELECT 1 FROM callbackq_attempts AS other WHERE {state}::text <> 'ended'"
        " AND other.tenant_id = {tenant_id} AND other.number_key = {number_key} AND other.state <> 'ended'",
        "leg_id": "SELECT 1 FROM callbackq_legs AS other"
        " WHERE other.tenant_id = {tenant_id} AND other.leg_id IN ({agent_leg_id}, {customer_leg_id})",
    },
)
BOOKINGS: Final = Statements(
    "callbackq_bookings",
    Booking,
    {
        "booking_callback_id": "SELECT 1 FROM callbackq_bookings AS other WHERE {state}::text <> 'ended'"
        " AND other.tenant_id = {tenant_id} AND other.callback_id = {callback_id} AND other.state <> 'ended'",
        "agent_slot": "SELECT 1 FROM callbackq_bookings AS other WHERE {state}::text <> 'ended'"
        " AND other.tenant_id = {tenant_id} AND other.agent_id = {agent_id} AND other.slot_at = {slot_at}"
        " AND other.state <> 'ended'",
    },
)
SLOTS: Final = Statements("callbackq_slots", SlotCount)
SLOT_DAYS: Final = Statements("callbackq_slot_days", SlotDay)
SUBJECTS: Final = Statements(
    "callbackq_subjects",
    Subject,
    {
        "identity": "SELECT 1 FROM callbackq_subjects AS other"
        " WHERE other.tenant_id = {tenant_id} AND other.identity = {identity}",
        "customer_id": "SELECT 1 FROM callbackq_subjects AS other"
        " WHERE other.tenant_id = {tenant_id} AND other.customer_id = {customer_id}",
    },
)
QUEUES: Final = Statements("callbackq_queues", QueueControl)
TALLIES: Final = Statements("callbackq_tallies", Tally)
VERIFICATIONS: Final = Statements("callbackq_verifications", Verification)
OPT_OUTS: Final = Statements("callbackq_opt_outs", OptOut)
MESSAGES: Final = Statements(
    "callbackq_messages",
    Message,
    {
        "cause": "SELECT 1 FROM callbackq_messages AS other"
        " WHERE other.tenant_id = {tenant_id} AND other.cause = {cause}",
    },
)
CONVERSATIONS: Final = Statements("callbackq_conversations", Conversation)
NODES: Final = Statements("callbackq_nodes", Node)
WEBHOOKS: Final = Statements("callbackq_webhooks", Webhook)
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

# ---------------------------------------------------------------------------- keys

BY_REQUEST_KEY: Final = f"{CALLBACKS.select} AND request_key = $2"
BY_DEDUP_KEY: Final = f"{CALLBACKS.select} AND state <> 'ended' AND dedup_key = $2"
BY_NUMBER_KEY: Final = f"{ATTEMPTS.select} AND state <> 'ended' AND number_key = $2"
BY_IDENTITY: Final = f"{SUBJECTS.select} AND identity = $2"
BY_CUSTOMER: Final = f"{SUBJECTS.select} AND customer_id = $2"
BY_LEG: Final = (
    f"{ATTEMPTS.select} AND attempt_id ="
    " (SELECT leg.attempt_id FROM callbackq_legs AS leg WHERE leg.tenant_id = $1 AND leg.leg_id = $2)"
)


def _beside(of: Statements[Any], on: str, key: str) -> str:
    """Join one row by its key. OFFSET keeps the planner from any other way."""
    return (
        f" LEFT JOIN LATERAL (SELECT {of.columns} FROM {of.table} AS found"
        f" WHERE found.tenant_id = $1 AND found.{on} = {key} OFFSET 0) AS {on} ON TRUE"
    )


# An attempt with its callback, the person and the agent: whatever is done to it looks at these.
OF_LEG: Final = (ATTEMPTS, CALLBACKS, SUBJECTS, AGENTS)
BY_LEG_WITH_ALL: Final = (
    f"SELECT * FROM ({BY_LEG}) AS attempt"
    + _beside(CALLBACKS, "callback_id", "attempt.callback_id")
    + _beside(SUBJECTS, "subject_id", "attempt.subject_id")
    + _beside(AGENTS, "agent_id", "attempt.agent_id")
)
BY_LEGS_WITH_ALL: Final = (
    "SELECT * FROM (SELECT leg_id, attempt_id AS its_id FROM callbackq_legs"
    " WHERE tenant_id = $1 AND leg_id = ANY ($2)) AS leg"
    + _beside(ATTEMPTS, "attempt_id", "leg.its_id")
    + _beside(CALLBACKS, "callback_id", "attempt_id.callback_id")
    + _beside(SUBJECTS, "subject_id", "attempt_id.subject_id")
    + _beside(AGENTS, "agent_id", "attempt_id.agent_id")
)

# Who is about to be called at a number: whether they opted out, and are being called at it.
OF_NUMBER: Final = (OPT_OUTS, ATTEMPTS)
OPT_OUT_WITH_ATTEMPT: Final = (
    "SELECT * FROM (VALUES (1)) AS one(one)"
    f" LEFT JOIN ({OPT_OUTS.get}) AS opt_out ON TRUE LEFT JOIN ({BY_NUMBER_KEY}) AS attempt ON TRUE"
)

# ---------------------------------------------------------------------------- one queue

_OPEN: Final = "AND queue = $2 AND state <> 'ended' AND version > 0"
OPEN_COUNT: Final = (
    f"SELECT count(*) FROM (SELECT 1 FROM callbackq_callbacks WHERE tenant_id = $1 {_OPEN} LIMIT $3) AS open"
)
OPEN_ATTEMPTS_COUNT: Final = (
    f"SELECT count(*) FROM (SELECT 1 FROM callbackq_attempts WHERE tenant_id = $1 {_OPEN}"
    " ORDER BY attempt_id LIMIT $3) AS open"
)
KEEP_ATTEMPT: Final = "SELECT 1 FROM callbackq_attempts WHERE tenant_id = $1 AND attempt_id = $2 FOR SHARE"
OPEN_CALLS: Final = f"{CALLS.select} {_OPEN} ORDER BY call_id"
_LATEST: Final = "{} AND queue = $2 AND {} IS NOT NULL ORDER BY {} DESC, {} DESC LIMIT $3"
LAST_ENDED_CALLBACKS: Final = _LATEST.format(CALLBACKS.select, "ended_at", "ended_at", "callback_id")
LAST_ENDED_CALLS: Final = _LATEST.format(CALLS.select, "ended_at", "ended_at", "call_id")
LAST_TAKEN_CALLS: Final = _LATEST.format(CALLS.select, "taken_at", "taken_at", "call_id")
LAST_STARTED_ATTEMPTS: Final = (
    f"{ATTEMPTS.select} AND queue = $2 AND started_at > '-infinity'"
    " ORDER BY started_at DESC, attempt_id DESC LIMIT $3"
)
CALLBACKS_OF_SUBJECT: Final = (
    f"{CALLBACKS.select} AND subject_id = $2 ORDER BY requested_at DESC, callback_id DESC LIMIT $3"
)
CALLBACKS_OF_TICKET: Final = (
    f"{CALLBACKS.select} AND ticket_id = $2 ORDER BY requested_at DESC, callback_id DESC LIMIT $3"
)
OPEN_ATTEMPTS: Final = f"{ATTEMPTS.select} {_OPEN} ORDER BY attempt_id"
_WANTING: Final = "AND agent_id IS NULL AND announces IS NULL AND state NOT IN ('ending', 'ended')"
WANTING_ATTEMPTS: Final = f"{ATTEMPTS.select} {_WANTING}"
WANTING_ATTEMPTS_IN: Final = f"{ATTEMPTS.select} {_WANTING} AND queue = ANY ($2)"
DIALED_ATTEMPTS: Final = (
    f"{ATTEMPTS.select} AND number_key = $2 AND customer_leg <> 'none' AND started_at > $3"
    " ORDER BY started_at DESC, attempt_id DESC LIMIT $4"
)
ATTEMPTS_OF_NODE: Final = (
    f"{ATTEMPTS.select} AND node_id = $2 AND state <> 'ended' AND attempt_id > $3"
    " ORDER BY attempt_id LIMIT $4"
)
AVAILABLE: Final = f"{AGENTS.select} AND state = 'available' ORDER BY since_at, agent_id"
STAFFED_COUNT: Final = "SELECT count(*) FROM callbackq_agent_queues WHERE tenant_id = $1 AND queue = $2"
# Agent by agent, by the key: OFFSET keeps the planner from a join, for which a new table looks small enough.
STAFFED_SKILLS: Final = """
    SELECT agent.skills, count(*)
      FROM callbackq_agent_queues AS served CROSS JOIN LATERAL (
        SELECT skills FROM callbackq_agents
         WHERE tenant_id = served.tenant_id AND agent_id = served.agent_id OFFSET 0
      ) AS agent
     WHERE served.tenant_id = $1 AND served.queue = $2 GROUP BY agent.skills"""

# ---------------------------------------------------------------------------- slots

# The one that has not ended, and the one that was held last: two at most.
BOOKINGS_OF_CALLBACK: Final = f"""
    ({BOOKINGS.select} AND callback_id = $2 AND state <> 'ended')
    UNION ALL
    ({BOOKINGS.select} AND callback_id = $2 AND held_at > '-infinity'
     ORDER BY held_at DESC, booking_id DESC LIMIT 1)"""
BOOKINGS_OF_SLOT: Final = (
    f"{BOOKINGS.select} AND queue = $2 AND slot_at = $3 AND slot_at > '-infinity' AND state <> 'ended'"
    " ORDER BY booking_id"
)
_BETWEEN: Final = (
    "{} AND {} AND (state <> 'ended' OR ended_as = 'used') AND slot_at >= $3 AND slot_at < $4"
    " ORDER BY slot_at, booking_id LIMIT $5"
)
BOOKINGS_BETWEEN: Final = _BETWEEN.format(BOOKINGS.select, "queue = $2 AND slot_at > '-infinity'")
BOOKINGS_OF_AGENT: Final = _BETWEEN.format(BOOKINGS.select, "agent_id = $2 AND version > 0")
BOOKINGS_OF_AGENT_IN: Final = _BETWEEN.format(BOOKINGS.select, "agent_id = $2 AND version > 0 AND queue = $6")
SLOT_LOCKED: Final = f"{SLOTS.get} FOR UPDATE"
SLOTS_BETWEEN: Final = f"{SLOTS.select} AND queue = $2 AND slot_at >= $3 AND slot_at < $4 ORDER BY slot_at"
DAYS_BETWEEN: Final = f"{SLOT_DAYS.select} AND queue = $2 AND day >= $3 AND day <= $4 ORDER BY day"

# ---------------------------------------------------------------------------- persons, and what guards them

HOLDING: Final = (
    f"{SUBJECTS.select} AND version > 0 AND (number = $2 OR preferred_number = $2 OR record_number = $2"
    " OR pending_number = $2 OR strpos(identity, $2) > 0 OR alternatives ? $2 OR wrong_numbers ? $2)"
    " ORDER BY subject_id"
)
UNSEEN: Final = (
    f"{SUBJECTS.select} AND erased_at IS NULL AND coalesce(seen_at, created_at) < $2"
    " ORDER BY coalesce(seen_at, created_at), subject_id LIMIT $3"
)
TALLIES_OF: Final = f"{TALLIES.select} AND key = ANY ($2)"
TALLIES_LOCKED: Final = f"{TALLIES_OF} ORDER BY key FOR UPDATE"
# Those that somebody keeps are passed over: they count again.
_FORGET: Final = """
    DELETE FROM {0} WHERE tenant_id = $1 AND {1} = ANY (ARRAY(
        SELECT {1} FROM {0} WHERE tenant_id = $1 AND {2} < $2 AND {2} > '-infinity'
         ORDER BY {2}, {1} LIMIT $3 FOR UPDATE SKIP LOCKED))"""
FORGET_TALLIES: Final = _FORGET.format("callbackq_tallies", "key", "over_at")
FORGET_VERIFICATIONS: Final = _FORGET.format("callbackq_verifications", "verification_id", "expires_at")

# ---------------------------------------------------------------------------- messages

BY_CAUSE: Final = f"{MESSAGES.select} AND cause = $2"
BY_PROVIDER: Final = (
    f"{MESSAGES.select} AND channel = $2 AND provider_key = $3 ORDER BY message_id DESC LIMIT 1"
)
MESSAGES_OF_CALLBACK: Final = (
    f"{MESSAGES.select} AND callback_id = $2 AND created_at > '-infinity'"
    " ORDER BY created_at DESC, message_id DESC LIMIT $3"
)
MESSAGES_WAITING: Final = f"{MESSAGES.select} AND callback_id = $2 AND state = 'waiting' ORDER BY message_id"
MESSAGES_TO: Final = (
    f"{MESSAGES.select} AND address_key = $2 AND sent_at IS NOT NULL"
    " ORDER BY sent_at DESC, message_id DESC LIMIT $3"
)
MESSAGES_UNCERTAIN: Final = f"{MESSAGES.select} AND state = 'uncertain' ORDER BY due_at, message_id LIMIT $2"
FORGET_CONVERSATIONS: Final = _FORGET.format("callbackq_conversations", "conversation_key", "over_at")

# ---------------------------------------------------------------------------- nodes

NODES_PRESENT: Final = f"{NODES.select} AND state <> 'gone' AND version > 0 ORDER BY node_id"
NODES_ALL: Final = f"{NODES.select} ORDER BY node_id"
FORGET_NODES: Final = """
    DELETE FROM callbackq_nodes WHERE tenant_id = $1 AND node_id = ANY (ARRAY(
        SELECT node_id FROM callbackq_nodes WHERE tenant_id = $1 AND state = 'gone' AND seen_at < $2
         ORDER BY seen_at, node_id LIMIT $3 FOR UPDATE SKIP LOCKED))"""

# ---------------------------------------------------------------------------- the line

_WAITING: Final = "FROM {} WHERE tenant_id = $1 AND queue = $2 AND state = 'waiting'{}"
_BY_RANK: Final = " AND rank >= -9007199254740992"
"""True of every rank: it says which index is meant."""

THINNING: Final = 64
_THINNED: Final = f" AND hashtext(place_id) & {THINNING - 1} = 0"
_CALLBACKS_BY_LANE: Final = _WAITING.format("callbackq_callbacks", "")
_CALLBACKS_BY_RANK: Final = _WAITING.format("callbackq_callbacks", _BY_RANK)
_CALLBACKS_THINNED: Final = _WAITING.format("callbackq_callbacks", _THINNED)
_CALLS_BY_LANE: Final = _WAITING.format("callbackq_calls", "")
_CALLS_BY_RANK: Final = _WAITING.format("callbackq_calls", _BY_RANK)
_CALLS_THINNED: Final = _WAITING.format("callbackq_calls", _THINNED)

_HEAD: Final = """
    SELECT place.* FROM unnest($3::bigint[]) AS wanted(lane) CROSS JOIN LATERAL (
        SELECT {} {} AND lane = wanted.lane ORDER BY rank, place_id LIMIT 1
    ) AS place ORDER BY place.rank, place.place_id LIMIT 1"""
HEAD_CALLBACK: Final = _HEAD.format(CALLBACKS.columns, _CALLBACKS_BY_LANE)
HEAD_CALL: Final = _HEAD.format(CALLS.columns, _CALLS_BY_LANE)

# The first callbacks, each with its person, and whether they have another callback.
OF_HEAD: Final = (CALLBACKS, SUBJECTS)
HEAD_CALLBACKS: Final = f"""
    SELECT place.*, subject_id.*, (
        SELECT count(*) FROM (
            SELECT 1 FROM callbackq_callbacks AS other
             WHERE other.tenant_id = $1 AND other.subject_id = place.subject_id LIMIT 2) AS others)
      FROM (SELECT first.* FROM unnest($3::bigint[]) AS wanted(lane) CROSS JOIN LATERAL (
                SELECT {CALLBACKS.columns} {_CALLBACKS_BY_LANE} AND lane = wanted.lane
                 ORDER BY rank, place_id LIMIT $4::bigint
            ) AS first ORDER BY first.rank, first.place_id LIMIT $4::bigint) AS place
      {_beside(SUBJECTS, "subject_id", "place.subject_id")}
     ORDER BY place.rank, place.place_id"""

_BOUND: Final = POSITION_EXACT_MAX + 1
_AHEAD: Final = (
    "(SELECT count(*) FROM (SELECT 1 {0} AND rank < $3 LIMIT {1}) AS before)"
    " + (SELECT count(*) FROM (SELECT 1 {0} AND rank = $3 AND place_id < $4 LIMIT {1}) AS among)"
)
COUNT_AHEAD: Final = (
    f"SELECT {_AHEAD.format(_CALLS_BY_RANK, _BOUND)}, {_AHEAD.format(_CALLBACKS_BY_RANK, _BOUND)}"
)
_ESTIMATE: Final = f"""
    SELECT {THINNING} * (SELECT count(*) {{1}}
                            AND (rank, place_id) > (last.rank, last.place_id) AND (rank, place_id) < ($3, $4))
      FROM (SELECT rank, place_id {{0}} ORDER BY rank, place_id OFFSET {POSITION_EXACT_MAX} - 1 LIMIT 1) AS last"""
ESTIMATE_CALLS: Final = _ESTIMATE.format(_CALLS_BY_RANK, _CALLS_THINNED)
ESTIMATE_CALLBACKS: Final = _ESTIMATE.format(_CALLBACKS_BY_RANK, _CALLBACKS_THINNED)
_PASSED: Final = (
    "(SELECT count(*) {0} AND lane = $3 AND rank < $5 AND priority = $4)"
    " + (SELECT count(*) {0} AND lane = $3 AND rank = $5 AND place_id < $6 AND priority = $4)"
)
COUNT_PASSED: Final = f"SELECT {_PASSED.format(_CALLS_BY_LANE)}, {_PASSED.format(_CALLBACKS_BY_LANE)}"

_PAGE: Final = "SELECT {} {} ORDER BY rank, place_id LIMIT $3"
_PAGE_BEHIND: Final = "SELECT {} {} AND (rank, place_id) > ($4, $5) ORDER BY rank, place_id LIMIT $3"
PAGE_CALLS: Final = _PAGE.format(CALLS.columns, _CALLS_BY_RANK)
PAGE_CALLS_BEHIND: Final = _PAGE_BEHIND.format(CALLS.columns, _CALLS_BY_RANK)
PAGE_CALLBACKS: Final = _PAGE.format(CALLBACKS.columns, _CALLBACKS_BY_RANK)
PAGE_CALLBACKS_BEHIND: Final = _PAGE_BEHIND.format(CALLBACKS.columns, _CALLBACKS_BY_RANK)
WAITING_COUNT: Final = f"SELECT (SELECT count(*) {_CALLS_BY_RANK}) + (SELECT count(*) {_CALLBACKS_BY_RANK})"
ANY_WAITING: Final = f"""
    SELECT EXISTS (SELECT 1 FROM callbackq_calls WHERE tenant_id = $1 AND state = 'waiting'{_BY_RANK})
        OR EXISTS (SELECT 1 FROM callbackq_callbacks WHERE tenant_id = $1 AND state = 'waiting'{_BY_RANK})"""

# ---------------------------------------------------------------------------- times

_QUEUED: Final = (
    "callbackq_callbacks",
    "callbackq_calls",
    "callbackq_attempts",
    "callbackq_bookings",
    "callbackq_messages",
)
_EARLIEST: Final = (
    "(SELECT due_at FROM {} WHERE tenant_id = $1 AND due_at IS NOT NULL{} ORDER BY due_at LIMIT 1)"
)


def _next_due_at(condition: str) -> str:
    tables = [_EARLIEST.format(table, condition) for table in _QUEUED]
    return f"SELECT least({', '.join([_EARLIEST.format('callbackq_agents', ''), *tables])})"


NEXT_DUE_AT: Final = _next_due_at("")

# ---------------------------------------------------------------------------- what there is to do

LOOKED_AT: Final = ("callbackq_agents", *_QUEUED)
LOOK: Final = f"""
    SELECT {", ".join(_EARLIEST.format(table, "") for table in LOOKED_AT)},
        EXISTS (SELECT 1 FROM callbackq_callbacks WHERE tenant_id = $1 AND state = 'waiting'{_BY_RANK}),
        EXISTS (SELECT 1 FROM callbackq_calls WHERE tenant_id = $1 AND state = 'waiting'{_BY_RANK}),
        EXISTS (SELECT 1 FROM callbackq_attempts WHERE tenant_id = $1 {_WANTING}),
        EXISTS (SELECT 1 FROM callbackq_agents WHERE tenant_id = $1 AND state = 'available'),
        EXISTS (SELECT 1 FROM callbackq_queues WHERE tenant_id = $1),
        (SELECT coalesce(max(lane), 0) + 1 FROM callbackq_lanes WHERE tenant_id = $1)"""
NEXT_DUE_AT_IN: Final = _next_due_at(" AND queue = ANY ($2)")

# ---------------------------------------------------------------------------- lanes and history

LANES_FROM: Final = (
    "SELECT lane, skills FROM callbackq_lanes WHERE tenant_id = $1 AND lane >= $2 ORDER BY lane"
)
INSERT_LANE: Final = "INSERT INTO callbackq_lanes (tenant_id, lane, skills) VALUES ($1, $2, $3)"

_EVENTS: Final = f"SELECT {', '.join(EVENT_COLUMNS)} FROM callbackq_history WHERE tenant_id = $1"
_IN_ORDER: Final = "ORDER BY history_number"
HISTORY: Final = f"{_EVENTS} {_IN_ORDER}"
HISTORY_OF_CALLBACK: Final = (
    f"{_EVENTS} AND callback_id = $2 AND entity IN ('callback', 'attempt', 'booking', 'message') {_IN_ORDER}"
)
_CHAIN: Final = "tenant_id = $1 AND entity = $2 AND record_id = {}"
HISTORY_OF_RECORD: Final = (
    f"SELECT {', '.join(EVENT_COLUMNS)} FROM callbackq_history"
    f" WHERE {_CHAIN.format('$3')} ORDER BY event_number"
)
LINKS: Final = (
    f"SELECT {', '.join((*EVENT_COLUMNS, 'history_number', *CHAIN_COLUMNS))} FROM callbackq_history"
    f" WHERE tenant_id = $1 AND history_number > $2 {_IN_ORDER} LIMIT $3"
)
_TYPES: Final = {"version": "bigint", "at": "timestamptz", "due_at": "timestamptz", "detail": "json"}
_TOLD: Final = (*EVENT_COLUMNS, "record_id", "told")
_HEAD_OF: Final = "entity = told.entity AND record_id = told.record_id"


def insert_events(count: int, *, after: int = 0) -> str:
    """
    Return the statement that writes so many events, each of another record, where so many parameters come before.

    The parameters of each are its columns, its record's id, and its text. The server links it to the last event of its
    record: so it costs no journey to ask which that is.
    """
    rows = [
        ", ".join(
            f"${after + number * len(_TOLD) + place}::{_TYPES.get(column, 'text')}"
            for place, column in enumerate(_TOLD, start=1)
        )
        for number in range(count)
    ]
    columns = ", ".join(f"told.{column}" for column in EVENT_COLUMNS)
    return f"""
    INSERT INTO callbackq_history ({", ".join((*EVENT_COLUMNS, *CHAIN_COLUMNS))})
    SELECT {columns}, told.record_id, coalesce(head.event_number, 0) + 1,
           encode(sha256(convert_to(pg_catalog.concat(head.digest, chr(10), told.told), 'UTF8')), 'hex')
      FROM (VALUES ({"), (".join(rows)})) AS told({", ".join(_TOLD)})
      LEFT JOIN LATERAL (
        SELECT event_number, digest FROM callbackq_history
         WHERE tenant_id = ${after + 1} AND {_HEAD_OF} ORDER BY event_number DESC LIMIT 1
      ) AS head ON TRUE"""


INSERT_EVENT: Final = insert_events(1)
