"""
Many nodes on one PostgreSQL: callbacks per second, beside a bare loop that writes as many rows into the same tables.

Started as a program, this file is one of the processes. Each node is a service and a dispatcher on a store of its own,
with a telephony stand-in that reports at once: WAITING, ATTEMPTING, CONNECTED, ENDED, and the agent is free again. What
is reported of all agents of a node piles up, and is taken together, as runners do it; every callback still has five
reports, each in a commit of its own. The node is given twice: so, and taking one report after the other.

The bare loop claims with FOR UPDATE SKIP LOCKED, keeps no rule, reads nothing that a claim does not give it, and writes
the same rows of the same width into tables with the same indexes, in five transactions: claimed, agent there, customer
there, bridged, over. It is given twice: with one statement after the other, as such loops are written, and with all
statements of a transaction in one pipeline. How many rows each of the two writes is counted by the server, and shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from harness import table
from psycopg.rows import dict_row

from callbackq import CallbackService, Conflict, Dispatcher, QueuePolicy, SystemClock
from callbackq.effects import Bridge, Dial, Effect, HangUp
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import AnsweredBy, Cause, Report, ReportKind
from callbackq.ports import Commit, Transaction
from callbackq.stores import PostgresStore

NODES = (1, 4, 8)
AGENTS_PER_NODE = 8
CALLBACKS = 1_500
ROUNDS = 3
COUNTED = 200
PAUSE_S = 0.02
KINDS = ("ours", "singly", "bare", "pipelined")
BARE = KINDS[2:]

# ---------------------------------------------------------------------------- our nodes


class CountedStore:
    """A store that counts its conflicts."""

    def __init__(self, behind: PostgresStore) -> None:
        self.behind = behind
        self.conflicts_count = 0

    @property
    def pepper(self) -> bytes:
        return self.behind.pepper

    @contextmanager
    def transaction(self, tenant_id: Any, *, commit: Commit) -> Generator[Transaction]:
        try:
            with self.behind.transaction(tenant_id, commit=commit) as tx:
                yield tx
        except Conflict:
            self.conflicts_count += 1
            raise

    def scrub(self) -> bool:
        return self.behind.scrub()

    def close(self) -> None:
        self.behind.close()


def service_of(store: Any) -> CallbackService:
    """One queue whose agents need no rest."""
    policy = QueuePolicy(queue="support", calling=None, wrap_up=timedelta(0), pending_max=1_000_000)
    return CallbackService(store, [policy], clock=SystemClock())


def perform(service: CallbackService, effects: Iterable[Effect], *, singly: bool = False) -> int:
    """Let everybody answer at once, and hang up when they were bridged; return how many attempts went to their end."""
    ended_count = 0
    at_once, next_time = said_of(effects), list[Report]()
    while at_once or next_time:
        ended_count += sum(report.kind is ReportKind.BRIDGED for report in at_once)
        next_time += [
            Report(leg_id=report.leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL)
            for report in at_once
            if report.kind is ReportKind.BRIDGED
        ]
        followed = take(service, at_once, singly=singly)
        at_once = said_of(followed)
        if not at_once:
            at_once, next_time = next_time, []
    return ended_count


def shares_of(effects: list[Effect]) -> Iterator[list[Effect]]:
    """Cut what a step gave out into the work of as many agents as a node has: each is brought to its end by itself."""
    for start in range(0, len(effects), AGENTS_PER_NODE):
        yield effects[start : start + AGENTS_PER_NODE]


def said_of(effects: Iterable[Effect]) -> list[Report]:
    """Return what the telephony says when it has performed these."""
    said: list[Report] = []
    for effect in effects:
        if isinstance(effect, Dial):
            said.append(Report(leg_id=effect.leg_id, kind=ReportKind.ANSWERED, answered_by=AnsweredBy.HUMAN))
        elif isinstance(effect, Bridge):
            said.append(Report(leg_id=effect.customer_leg_id, kind=ReportKind.BRIDGED))
        elif isinstance(effect, HangUp):
            said.append(Report(leg_id=effect.leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))
    return said


def take(service: CallbackService, reports: list[Report], *, singly: bool) -> list[Effect]:
    """Take what was said, and return what is to be done then."""
    if singly:
        return [effect for report in reports for effect in service.report(report).effects]
    effects: list[Effect] = []
    for reported in service.report_all(reports):
        if isinstance(reported, Exception):
            raise reported
        effects.extend(reported.effects)
    return effects


def run_ours(conninfo: str, schema: str, name: str, *, singly: bool = False) -> dict[str, float]:
    """Be one node until nobody waits any more."""
    store = CountedStore(PostgresStore(conninfo, schema=schema, connections_max=2))
    service = service_of(store)
    dispatcher = Dispatcher(service, node_id=f"node-{name}")
    done_count = steps_count = 0
    began_at = began()
    while True:
        effects = list(dispatcher.step(service.now()))
        steps_count += 1
        if effects:
            # A step gives work to all agents who are free, also to those of other nodes: these are left waiting for no
            # longer than their share takes, and are free again for whichever node looks then.
            for some in shares_of(effects):
                done_count += perform(service, some, singly=singly)
        elif is_empty(store):
            break
        else:
            time.sleep(PAUSE_S)
    store.close()
    return {
        **ended(began_at),
        "done": done_count,
        "conflicts": store.conflicts_count,
        "steps": steps_count,
    }


def is_empty(store: CountedStore) -> bool:
    """Whether nobody waits."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.line.is_empty()


# ---------------------------------------------------------------------------- the bare loop

CLAIM = """
    WITH head AS MATERIALIZED (
        SELECT tenant_id, callback_id FROM callbackq_callbacks
         WHERE tenant_id = 'default' AND queue = 'support' AND lane = 0 AND state = 'waiting'
         ORDER BY rank, place_id LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE callbackq_callbacks AS mine
       SET state = 'attempting', version = mine.version + 1, attempt_id = %(attempt_id)s, turn_at = now(),
           attempts_count = mine.attempts_count + 1, due_at = now() + '1 hour', due_reason = 'attempt_overdue'
      FROM head, callbackq_subjects AS person
     WHERE mine.tenant_id = head.tenant_id AND mine.callback_id = head.callback_id
       AND person.tenant_id = mine.tenant_id AND person.subject_id = mine.subject_id
    RETURNING mine.callback_id, mine.version, mine.subject_id, person.number"""
TAKE_AGENT = """
    UPDATE callbackq_agents
       SET state = 'reserved', version = version + 1, attempt_id = %(attempt_id)s, since_at = now(),
           due_at = now() + '8 hours'
     WHERE tenant_id = 'default' AND agent_id = (
        SELECT agent_id FROM callbackq_agents WHERE tenant_id = 'default' AND state = 'available'
         ORDER BY since_at, agent_id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING agent_id, version"""
MOVE_AGENT = """
    UPDATE callbackq_agents
       SET state = %(state)s, version = %(version)s, since_at = now(), attempt_id = %(attempt_id)s,
           due_at = now() + '8 hours'
     WHERE tenant_id = 'default' AND agent_id = %(agent_id)s"""
END_CALLBACK = """
    UPDATE callbackq_callbacks
       SET state = 'ended', version = %(version)s, outcome = 'completed', last_disposition = 'connected',
           ended_at = now(), due_at = NULL, due_reason = NULL
     WHERE tenant_id = 'default' AND callback_id = %(callback_id)s"""
MOVE_ATTEMPT = """
    UPDATE callbackq_attempts
       SET state = %(state)s, version = %(version)s, agent_leg = %(agent_leg)s, customer_leg = %(customer_leg)s,
           disposition = %(disposition)s, due_reason = %(due_reason)s,
           due_at = CASE WHEN %(state)s = 'ended' THEN NULL ELSE now() + '1 minute' END
     WHERE tenant_id = 'default' AND attempt_id = %(attempt_id)s"""
HISTORY = """
    INSERT INTO callbackq_history
        (tenant_id, entity, kind, version, at, state, due_at, due_reason, queue, callback_id, attempt_id, agent_id,
         subject_id, disposition, outcome, detail, record_id, event_number, digest)
    VALUES {}"""
EVENT = """('default', %s, %s, %s, now(), %s, now(), 'ring_over', 'support', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
DETAIL = {
    "callback": {
        "notices": [],
        "overtook_calls_count": 0,
        "overtook_callbacks_count": 0,
        "number_index": 0,
        "turn_at": "2026-01-05T08:00:00.000000Z",
    },
    "attempt": {
        "agent_leg": "answered",
        "agents_rung_count": 1,
        "agent_until_at": None,
        "customer_leg": "answered",
        "customer_until_at": "2026-01-05T08:00:00.000000Z",
        "customer_rang": True,
        "customer_answered_at": "2026-01-05T08:00:00.000000Z",
        "answered_by": "human",
        "confirmation": None,
        "recording_id": None,
        "cause": "customer answered",
        "raw_cause": None,
        "by": None,
    },
    "agent": {"since_at": "2026-01-05T08:00:00.000000Z"},
}
DETAILS = {entity: json.dumps(detail) for entity, detail in DETAIL.items()}


class Bare:
    """One process of the bare loop."""

    def __init__(self, conninfo: str, schema: str, name: str, *, pipelined: bool) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.connection.prepare_threshold = 0
        self.connection.execute(f'SET search_path = "{schema}"')
        self.connection.execute("SET plan_cache_mode = force_generic_plan")
        self.connection.execute("SET enable_seqscan = off")
        self.name = name
        self.pipelined = pipelined
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SELECT * FROM callbackq_attempts WHERE attempt_id = 'at_pattern'")
            pattern = cursor.fetchone()
        assert pattern is not None
        self.attempt: dict[str, Any] = {
            **pattern,
            "version": 1,
            "state": "intended",
            "agent_leg": "intended",
            "customer_leg": "none",
            "customer_answered_at": None,
            "disposition": None,
            "connected_at": None,
            "ended_at": None,
            "due_at": pattern["started_at"],
            "due_reason": "agent_ring_over",
        }
        columns = list(pattern)
        self.insert_attempt = (
            f"INSERT INTO callbackq_attempts ({', '.join(columns)})"
            f" VALUES ({', '.join(f'%({column})s' for column in columns)})"
        )

    @contextmanager
    def commit(self) -> Iterator[None]:
        """One transaction: its statements one after the other, or in one pipeline."""
        with self.connection.pipeline() if self.pipelined else nullcontext(), self.connection.transaction():
            yield

    def write_history(self, *events: tuple[object, ...]) -> None:
        """Write the events of one transaction in one statement."""
        values = [value for event in events for value in event]
        self.connection.execute(HISTORY.format(", ".join([EVENT] * len(events))), values)

    def one(self, number: int) -> bool:
        """Bring one callback to its end. False: nobody waits."""
        attempt_id = f"at_{self.name}_{number:08d}_0123456789"
        digest = f"{number:064d}"
        connection = self.connection
        with self.commit():
            claimed = connection.execute(CLAIM, {"attempt_id": attempt_id})
            taken = connection.execute(TAKE_AGENT, {"attempt_id": attempt_id})
            mine, agent = claimed.fetchone(), taken.fetchone()
            if mine is None:
                raise psycopg.Rollback
            assert agent is not None
            callback_id, version, subject_id, called = mine
            agent_id, agent_version = agent
            assert called
            connection.execute(
                self.insert_attempt,
                {
                    **self.attempt,
                    "attempt_id": attempt_id,
                    "callback_id": callback_id,
                    "subject_id": subject_id,
                    "number_key": digest[:32] + attempt_id,
                    "agent_id": agent_id,
                    "agent_leg_id": f"leg_a_{attempt_id}",
                    "customer_leg_id": f"leg_c_{attempt_id}",
                },
            )
            ids = (callback_id, attempt_id, agent_id, subject_id)

            def told(entity: str, of: str, at: int, state: str, *, event_number: int) -> tuple[object, ...]:
                kind = f"{entity}_{state}"
                ended = ("connected", "completed") if state == "ended" else (None, None)
                return (entity, kind, at, state, *ids, *ended, DETAILS[entity], of, event_number, digest)

            self.write_history(
                told("callback", callback_id, version, "attempting", event_number=version + 1_000),
                told("attempt", attempt_id, 1, "intended", event_number=1),
                told("agent", agent_id, agent_version, "reserved", event_number=agent_version + 1_000),
            )
        if mine is None:
            return False

        def move(state: str, at: int, agent_leg: str, customer_leg: str) -> None:
            over = state == "ended"
            connection.execute(
                MOVE_ATTEMPT,
                {
                    "state": state,
                    "version": at,
                    "agent_leg": agent_leg,
                    "customer_leg": customer_leg,
                    "disposition": "connected" if state in ("ending", "ended") else None,
                    "due_reason": None if over else "ring_over",
                    "attempt_id": attempt_id,
                },
            )

        for at, state, customer_leg in ((2, "agent_on_line", "intended"), (3, "joining", "answered")):
            with self.commit():
                move(state, at, "answered", customer_leg)
                self.write_history(told("attempt", attempt_id, at, state, event_number=at))
        with self.commit():
            move("connected", 4, "answered", "answered")
            connection.execute(END_CALLBACK, {"version": version + 1, "callback_id": callback_id})
            connection.execute(
                MOVE_AGENT,
                {
                    "state": "busy",
                    "version": agent_version + 1,
                    "attempt_id": attempt_id,
                    "agent_id": agent_id,
                },
            )
            self.write_history(
                told("attempt", attempt_id, 4, "connected", event_number=4),
                told("callback", callback_id, version + 1, "ended", event_number=version + 1_001),
                told("agent", agent_id, agent_version + 1, "busy", event_number=agent_version + 1_001),
            )
        with self.commit():
            move("ending", 5, "answered", "ended")
            move("ended", 6, "ended", "ended")
            connection.execute(
                MOVE_AGENT,
                {
                    "state": "available",
                    "version": agent_version + 2,
                    "attempt_id": None,
                    "agent_id": agent_id,
                },
            )
            self.write_history(
                told("attempt", attempt_id, 5, "ending", event_number=5),
                told("attempt", attempt_id, 6, "ended", event_number=6),
                told("agent", agent_id, agent_version + 2, "available", event_number=agent_version + 1_002),
            )
        return True


def run_bare(conninfo: str, schema: str, name: str, *, pipelined: bool) -> dict[str, float]:
    """Be one process of the bare loop until nobody waits any more."""
    loop = Bare(conninfo, schema, name, pipelined=pipelined)
    began_at, done_count = began(), 0
    while loop.one(done_count):
        done_count += 1
    loop.connection.close()
    return {**ended(began_at), "done": done_count, "conflicts": 0, "steps": 0}


# ---------------------------------------------------------------------------- claims alone

FIRST = """
    SELECT callback_id, rank FROM callbackq_callbacks
     WHERE tenant_id = 'default' AND queue = 'support' AND lane = 0 AND state = 'waiting'
     ORDER BY rank, place_id LIMIT {}"""
TAKE = """
    UPDATE callbackq_callbacks SET state = 'attempting', version = version + 1, due_at = now() + '1 hour'
     WHERE tenant_id = 'default' AND callback_id = ANY (%s)"""
WAYS = {
    "skip locked": ("BEGIN", "WITH head AS MATERIALIZED ({} FOR UPDATE SKIP LOCKED) SELECT * FROM head"),
    "skip locked, one moment": (
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "WITH head AS MATERIALIZED ({} FOR UPDATE SKIP LOCKED) SELECT * FROM head",
    ),
    "turns, one moment": (
        "BEGIN; SELECT pg_advisory_lock(1); COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ;"
        " SELECT pg_advisory_xact_lock(1), pg_advisory_unlock(1)",
        "{}",
    ),
}


def run_claims(conninfo: str, schema: str, way: str, count: int) -> dict[str, Any]:
    """Claim so many at once, again and again, until nobody waits."""
    begin, ask = WAYS[way]
    asked = ask.format(FIRST.format(count))
    claimed: list[tuple[float, int]] = []
    conflicts_count = 0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.prepare_threshold = 0
        connection.execute(
            f'SET search_path = "{schema}"; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off',  # type: ignore[arg-type]
            prepare=False,
        )
        since = began()
        while True:
            connection.execute(begin, prepare=False)  # type: ignore[arg-type]
            try:
                found = connection.execute(asked).fetchall()  # type: ignore[arg-type]
                connection.execute(TAKE, [[callback_id for callback_id, _ in found]])
            except psycopg.errors.SerializationFailure:
                connection.execute("ROLLBACK", prepare=False)
                conflicts_count += 1
                continue
            connection.execute("COMMIT", prepare=False)
            if not found:
                break
            claimed += [(time.time(), rank) for _, rank in found]
        return {**ended(since), "conflicts": conflicts_count, "claimed": claimed}


def claims(uri: str) -> Iterator[list[str]]:
    """Compare how several processes may claim from one line: how fast, and how many are passed by a later place."""
    for count in (1, AGENTS_PER_NODE):
        for way in WAYS:
            with filled(uri, callbacks=CALLBACKS, agents=1) as schema:
                said = together(uri, schema, "claims", [f"{way}/{count}"] * NODES[-1])
            took = max(each["ended_at"] for each in said) - min(each["began_at"] for each in said)
            in_order = [
                rank for _, rank in sorted(one for each in said for one in map(tuple, each["claimed"]))
            ]
            furthest, passed_count = in_order[0], 0
            for rank in in_order:
                passed_count += rank < furthest
                furthest = max(furthest, rank)
            yield [
                way,
                str(count),
                f"{len(in_order) / took:,.0f}",
                str(sum(each["conflicts"] for each in said)),
                f"{passed_count / len(in_order):.0%}",
            ]


# ---------------------------------------------------------------------------- one process


def began() -> tuple[float, float]:
    """Say that this process is ready, wait until all are, and return the time, and what was used of a processor."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.time(), time.process_time()


def ended(since: tuple[float, float]) -> dict[str, float]:
    """Return when the work of this process began and ended, and for how long it has kept a processor busy."""
    began_at, used = since
    return {"began_at": began_at, "ended_at": time.time(), "busy": time.process_time() - used}


class Journeys:
    """Counts how often a process waits for the server."""

    def __init__(self) -> None:
        self.count = 0
        behind = psycopg.Connection.wait

        def wait(connection: Any, gen: Any, *args: Any, **named: Any) -> Any:
            return behind(connection, self._counted(gen), *args, **named)

        psycopg.Connection.wait = wait  # type: ignore[method-assign]

    def _counted(self, gen: Any) -> Any:
        """Drive a generator of the driver: it pauses only where it waits for the server."""
        try:
            wanted = next(gen)
        except StopIteration as end:
            return end.value
        self.count += 1
        while True:
            ready = yield wanted
            try:
                wanted = gen.send(ready)
            except StopIteration as end:
                return end.value


def be_one(kind: str, conninfo: str, schema: str, name: str, counted: str) -> None:
    """Be one of several processes, and say what was done."""
    journeys = Journeys() if counted == "counted" else None
    if kind == "claims":
        way, _, count = name.partition("/")
        print(json.dumps(run_claims(conninfo, schema, way, int(count))))
        return
    if kind in {"ours", "singly"}:
        said = run_ours(conninfo, schema, name, singly=kind == "singly")
    else:
        said = run_bare(conninfo, schema, name, pipelined=kind == "pipelined")
    said["journeys"] = journeys.count if journeys is not None else 0
    print(json.dumps(said))


# ---------------------------------------------------------------------------- all of them


@contextmanager
def server() -> Iterator[str]:
    """Give a server that waits for its disk, as one in production does."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "stores"))
    import postgres_server

    uri = postgres_server.conninfo()
    settings = ("fsync", "full_page_writes", "autovacuum")
    if os.environ.get(postgres_server.GIVEN):
        yield uri
        return
    _set(uri, *(f"{name} = on" for name in settings))
    try:
        yield uri
    finally:
        _set(uri, *(f"{name} = off" for name in settings))


def _set(uri: str, *settings: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")


CLONE = """
    INSERT INTO callbackq_{0}s SELECT of.* FROM callbackq_{0}s AS first, generate_series(1, {1}) AS nth(n),
        jsonb_populate_record(first, jsonb_build_object({2})) AS of WHERE first.{0}_id = '{3}'"""


@contextmanager
def filled(uri: str, *, callbacks: int, agents: int) -> Iterator[str]:
    """Make a schema in which so many wait, and so many agents are free; give its name."""
    schema = "callbackq_nodes"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        with closing(PostgresStore(uri, schema=schema)) as store:
            _make_patterns(store, uri, schema, agents)
        connection.execute(f'SET search_path = "{schema}"')
        ((callback_id, subject_id),) = connection.execute(
            "SELECT callback_id, subject_id FROM callbackq_callbacks WHERE state = 'waiting'"
        )
        person = "'subject_id', 'su_' || n, 'identity', 'tel:+1212' || 2000000 + n, 'number', '+1212' || 2000000 + n"
        connection.execute(CLONE.format("subject", callbacks - 1, person, subject_id))
        promise = (
            "'callback_id', 'cb_' || n, 'subject_id', 'su_' || n, 'place_id', 'pl_' || n,"
            " 'dedup_key', first.dedup_key || n, 'rank', first.rank + n"
        )
        connection.execute(CLONE.format("callback", callbacks - 1, promise, callback_id))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        yield schema
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


def _make_patterns(store: PostgresStore, uri: str, schema: str, agents: int) -> None:
    """Let one callback go through all states, whose rows are patterns; let one wait, and agents be free."""
    service = service_of(store)
    service.request("support", number="+12125550199")
    service.agent_available("agent-0000", queues=["support"])
    perform(service, list(Dispatcher(service).step(service.now())))
    service.request("support", number="+12125550101")
    for number in range(1, agents):
        service.agent_available(f"agent-{number:04d}", queues=["support"])
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{schema}"')
        connection.execute(
            "INSERT INTO callbackq_attempts SELECT of.* FROM callbackq_attempts AS first, jsonb_populate_record(first,"
            " jsonb_build_object('attempt_id', 'at_pattern', 'agent_leg_id', 'leg_a', 'customer_leg_id', 'leg_c'))"
            " AS of"
        )


def rows_written(uri: str, schema: str) -> Counter[str]:
    """Return how many rows were inserted or updated so far, by table, as the server counts them."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        found = connection.execute(
            "SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE schemaname = %s", [schema]
        )
        counted: Counter[str] = Counter()
        for name, inserted, updated in found:
            short = name.removeprefix("callbackq_")
            counted[f"{short}+"] += inserted
            counted[f"{short}="] += updated
        return counted


def together(
    uri: str, schema: str, kind: str, names: Iterable[str], *, counted: bool = False
) -> list[dict[str, Any]]:
    """Start a process for each of these names, let them go at once, and return what they say."""
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, kind, uri, schema, name, "counted" if counted else "timed"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=300)[0]) for process in processes]


def race(uri: str, schema: str, kind: str, nodes: int, *, counted: bool = False) -> Counter[str]:
    """Let so many processes of one kind go at once; return the sum of what they say."""
    before = servers_busy(uri)
    said = together(uri, schema, kind, map(str, range(nodes)), counted=counted)
    total: Counter[str] = Counter()
    for each in said:
        total.update({name: each[name] for name in ("done", "conflicts", "steps", "journeys", "busy")})
    total["server_busy"] = servers_busy(uri) - before
    total["took"] = max(each["ended_at"] for each in said) - min(each["began_at"] for each in said)
    return total


def servers_busy(uri: str) -> float:
    """Return for how many seconds all processes of the server have kept a processor busy; 0 where nobody can say."""
    with psycopg.connect(uri) as connection:
        ((name,),) = connection.execute("SHOW data_directory")
    try:
        first = int((Path(name) / "postmaster.pid").read_text().split()[0])
        used = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == first:
                used += sum(map(int, fields[11:15]))  # Its own, and that of the processes that have ended.
            elif int(fields[1]) == first:
                used += sum(map(int, fields[11:13]))
    except (OSError, ValueError):
        return 0.0
    return used / os.sysconf("SC_CLK_TCK")


def counts(uri: str) -> tuple[dict[str, Counter[str]], dict[str, float]]:
    """Return, for one process of each kind, the rows that one callback costs by table, and the journeys."""
    rows: dict[str, Counter[str]] = {}
    journeys: dict[str, float] = {}
    for kind in KINDS:
        with filled(uri, callbacks=COUNTED, agents=AGENTS_PER_NODE) as schema:
            before = rows_written(uri, schema)
            said = race(uri, schema, kind, 1, counted=True)
            time.sleep(0.5)
            rows[kind] = rows_written(uri, schema) - before
            journeys[kind] = said["journeys"] / said["done"]
            assert said["done"] == COUNTED
    return rows, journeys


def check(uri: str, schema: str, callbacks: int) -> None:
    """Make sure that each callback was called once, and is over."""
    with psycopg.connect(uri) as connection:
        connection.execute(f'SET search_path = "{schema}"')
        found = connection.execute(
            "SELECT count(*), count(DISTINCT callback_id) FROM callbackq_attempts"
            " WHERE state = 'ended' AND attempt_id <> 'at_pattern'"
        ).fetchone()
        assert found == (callbacks + 1, callbacks + 1), found


def rates(
    uri: str, nodes: int, *, kinds: tuple[str, ...] = KINDS, rounds: int = ROUNDS
) -> dict[str, Counter[str]]:
    """Return the run of median speed of each kind; the kinds in turn, each time on tables of their own."""
    runs: dict[str, list[Counter[str]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            with filled(uri, callbacks=CALLBACKS, agents=AGENTS_PER_NODE * nodes) as schema:
                said = race(uri, schema, kind, nodes)
                assert said["done"] == CALLBACKS
                check(uri, schema, CALLBACKS)
                runs[kind].append(said)
    return {kind: sorted(each, key=lambda said: said["took"])[len(each) // 2] for kind, each in runs.items()}


def speeds(uri: str) -> Iterator[list[str]]:
    """How many callbacks are served a second by so many processes of each kind, and how busy processors are."""
    for nodes in NODES:
        found = rates(uri, nodes)
        rate = {kind: said["done"] / said["took"] for kind, said in found.items()}
        busy = {
            kind: (said["busy"] + said["server_busy"]) / said["done"] * 1e3 for kind, said in found.items()
        }
        ours = found["ours"]
        yield [
            str(nodes),
            *(f"{rate[kind]:,.0f}" for kind in KINDS),
            *(f"{rate['ours'] / rate[kind]:.2f}" for kind in BARE),
            f"{rate['singly'] / rate['bare']:.2f}",
            *(f"{busy[kind]:.1f}" for kind in KINDS),
            f"{busy['bare'] / busy['ours']:.2f}",
            f"{busy['bare'] / busy['singly']:.2f}",
            str(ours["conflicts"]),
            f"{ours['done'] / ours['steps']:.1f}",
        ]


def widths(uri: str) -> Iterator[list[str]]:
    """What one callback costs: rows by table, as the server counts them, and journeys."""
    rows, journeys = counts(uri)
    for name in sorted(set().union(*rows.values())):
        how = "inserted" if name[-1] == "+" else "updated"
        yield [f"{name[:-1]} {how}", *(f"{rows[kind][name] / COUNTED:.2f}" for kind in KINDS)]
    yield ["rows in all", *(f"{sum(rows[kind].values()) / COUNTED:.2f}" for kind in KINDS)]
    yield ["journeys", *(f"{journeys[kind]:.1f}" for kind in KINDS)]


def run() -> str:
    with server() as uri:
        costs = table("What one callback costs", ["", *KINDS], widths(uri))
        heads = [
            "nodes",
            *(f"{kind}/s" for kind in KINDS),
            "of bare",
            "of pipelined",
            "singly of bare",
            *(f"{kind} cpu ms" for kind in KINDS),
            "bare cpu of ours",
            "of singly",
            "conflicts",
            "per step",
        ]
        title = (
            "Callbacks from waiting to ended on one PostgreSQL that waits for its disk:"
            f" {CALLBACKS} in line, {AGENTS_PER_NODE} agents for each node"
        )
        found = table(title, heads, speeds(uri))
        ways = table(
            f"Claims alone, {NODES[-1]} processes",
            ["", "at once", "claims/s", "conflicts", "passed"],
            claims(uri),
        )
    return f"{costs}\n{found}\n{ways}"


if __name__ == "__main__":
    be_one(*sys.argv[1:6])
