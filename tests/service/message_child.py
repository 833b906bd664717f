"""
A call center whose process may be killed at any step, and the world around it, which forgets nothing.

Started as a program it makes processes: each line on stdin is the order for one, which plays a scenario and is killed
by SIGKILL at the step that the order names. `test_message_kills` starts it, and plays on where the process was killed.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq import CallbackService, Dispatcher, MessageNotFound, QueuePolicy
from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused
from callbackq.ids import DEFAULT_TENANT, TenantId
from callbackq.model import Delivery, DeliveryKind, Inbound, MessageKind
from callbackq.policy import Messages
from callbackq.ports import Commit, IdSource, Store, Transaction
from callbackq.runners import Driver, ThreadRunner
from callbackq.testing import START, FakeTelephony, ManualClock, SequentialIds
from service.fighters import open_place

ANN, BOB, CAROL = "+12125550101", "+12125550102", "+12125550103"
NEW_NUMBER: Final = "+12125550199"
REFUSED_FIRST, NOT_DELIVERED = "+12125550111", "+12125550112"
CROWD: Final = 20
PACE: Final = timedelta(seconds=40)
"""So much time passes from one act to the next: longer than a refused message rests, shorter than a send may take."""
MESSAGES: Final = Messages(
    channels=("sms", "whatsapp"),
    quiet_from=None,
    quiet_until=None,
    slip_margin=None,
    opt_out_confirmed=True,
)
POLICY: Final = QueuePolicy(
    queue="support", company="Acme", company_number="800-555-0100", calling=None, messages=MESSAGES
)


# ---------------------------------------------------------------------------- steps


class Steps:
    """Counts the steps of a process, and has it killed at one of them. 0: at none."""

    def __init__(self, kill_at: int = 0) -> None:
        self.kill_at = kill_at
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        """Take one more step: it is done, or the process is gone."""
        self.names.append(name)
        if len(self.names) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class SteppedStore:
    """A store each of whose reads and commits is a step: before it, and after it."""

    def __init__(self, behind: Store, steps: Steps) -> None:
        self.behind: Final = behind
        self._steps: Final = steps

    @property
    def pepper(self) -> bytes:
        return self.behind.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Transaction]:
        with self.behind.transaction(tenant_id, commit=commit) as tx:
            yield tx
            self._steps(
                "before the end of a read" if commit is Commit.READ_ONLY else f"before a {commit} commit"
            )
        if commit is not Commit.READ_ONLY:
            self._steps(f"after a {commit} commit")

    def scrub(self) -> bool:
        return self.behind.scrub()

    def close(self) -> None:
        self.behind.close()


# ---------------------------------------------------------------------------- the world


class Log:
    """Lines of JSON in a file: what is written is on the disk, whoever is killed."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def write(self, **line: object) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)

    def read(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text().splitlines()]


@attrs.frozen(kw_only=True)
class Line:
    """One line of the provider's account."""

    at: datetime
    what: str
    send_id: str
    kind: str
    to: str
    text: str
    channel: str
    provider_id: str


class Provider:
    """A provider of messages, who takes one twice if it is given twice."""

    def __init__(self, folder: Path, clock: ManualClock, steps: Steps) -> None:
        self._log: Final = Log(folder / "provider.jsonl")
        self._clock: Final = clock
        self._steps: Final = steps
        self.taken_count = 0
        self.has_crowd: Final = Event()

    def send(self, order: SendMessage) -> str:
        """Take a message; the first one to some numbers is refused."""
        self._steps("before the provider takes it")
        lines = self._log.read()
        is_refused = order.to == REFUSED_FIRST and all(line["to"] != REFUSED_FIRST for line in lines)
        provider_id = f"SM-{order.send_id}"
        self.note(order, "refused" if is_refused else "taken", provider_id)
        self._steps("after the provider took it")
        self.taken_count += not is_refused
        if self.taken_count == CROWD:
            self.has_crowd.set()
        if is_refused:
            raise MessageRefused("too many just now", problem="429")
        return provider_id

    def note(self, order: SendMessage | Line, what: str, provider_id: str) -> None:
        self._log.write(
            at=self._clock.now().isoformat(),
            what=what,
            send_id=order.send_id,
            kind=str(order.kind),
            to=order.to,
            text=order.text,
            channel=order.channel,
            provider_id=provider_id,
        )

    def lines(self, what: str | None = None) -> list[Line]:
        """Return the account; or only what was taken, refused or not delivered."""
        lines = (Line(**{**line, "at": datetime.fromisoformat(line["at"])}) for line in self._log.read())
        return [line for line in lines if what in (None, line.what)]


class World:
    """
    One process of the call center, and everybody around it.

    A web server that was given no answer asks again, a provider delivers again what was not acknowledged, and the
    customers write on.

    Args:
        folder: of the provider's account, and of the acts that were acknowledged.
        names_sends: the provider's receipts name the sends by the id that they were given; not by its own id alone.
    """

    def __init__(
        self, store: Store, folder: Path, *, steps: Steps, ids: IdSource, names_sends: bool = True
    ) -> None:
        self.clock: Final = ManualClock(START)
        self.steps: Final = steps
        self.provider: Final = Provider(folder, self.clock, steps)
        self.acknowledged: Final = Log(folder / "acts.jsonl")
        self.service: Final = CallbackService(SteppedStore(store, steps), [POLICY], clock=self.clock, ids=ids)
        self.driver: Final = Driver(
            self.service,
            Dispatcher(self.service, node_id="node"),
            FakeTelephony(self.clock),
            messenger=self.provider,
        )
        self._names_sends: Final = names_sends

    def play(self, scenario: str) -> None:
        """Play a scenario from the first act that was not acknowledged."""
        first = len(self.acknowledged.read())
        for number, act in enumerate(ACTS_OF[scenario]):
            if number < first:
                continue
            self.clock.move_to(START + number * PACE)
            act(self)
            self.pump()
            self.acknowledged.write(act=number)
            self.steps("after the act was acknowledged")

    def pump(self) -> None:
        """Do all that is to be done now."""
        while self.driver.step(self.clock.now()):
            pass

    # ------------------------------------------------------------------ acts

    def ask(self, number: str) -> None:
        """A web page asks for a callback, with the key of its form."""
        self.service.request("support", number=number, request_key=f"form-{number}")

    def crowd_asks(self) -> None:
        """Many ask before anything is sent."""
        for who in range(CROWD):
            self.ask(f"+1212556{1000 + who}")

    def send_from_threads(self) -> None:
        """Let a crowd ask, and a runner send from several threads, until the provider has it all."""
        self.crowd_asks()
        runner = ThreadRunner(self.service, FakeTelephony(self.clock), messenger=self.provider)
        with runner:
            assert self.provider.has_crowd.wait(60)

    def three_ask(self) -> None:
        """Three ask before anything is sent: then a step gives out three messages."""
        for number in (ANN, BOB, CAROL):
            self.ask(number)

    def write(self, inbound_id: str, number: str, text: str) -> None:
        """A customer writes, and the provider says so."""
        self.driver.message_received(
            Inbound(inbound_id=inbound_id, sender=number, text=text, queue="support")
        )

    def write_code(self, inbound_id: str, number: str) -> None:
        """A customer writes the code that came to the new phone, if one came."""
        codes = [line.text for line in self.provider.lines("taken") if line.kind == MessageKind.VERIFICATION]
        if codes:
            self.write(inbound_id, number, "".join(filter(str.isdigit, codes[-1]))[:6])

    def receipts(self) -> None:
        """The provider says what became of each message that it took; what it said before, it says again."""
        not_delivered = {line.send_id for line in self.provider.lines("undelivered")}
        for line in self.provider.lines("taken"):
            kind = DeliveryKind.DELIVERED
            if line.to == NOT_DELIVERED and line.channel == "sms":
                kind = DeliveryKind.UNDELIVERED
                if line.send_id not in not_delivered:
                    self.provider.note(line, "undelivered", line.provider_id)
            named = line.send_id if self._names_sends else None
            with suppress(MessageNotFound):
                self.driver.delivery(
                    Delivery(kind=kind, send_id=named, provider_id=line.provider_id, channel=line.channel)
                )


Act = Callable[[World], None]
SCENARIOS: Final[Mapping[str, tuple[Act, ...]]] = MappingProxyType(
    {
        "three ask": (
            World.three_ask,
            World.receipts,
        ),
        "refused first": (
            lambda world: world.ask(REFUSED_FIRST),
            World.pump,
            World.receipts,
        ),
        "not delivered": (
            lambda world: world.ask(NOT_DELIVERED),
            World.receipts,
            World.receipts,
        ),
        "cancel": (
            lambda world: world.ask(ANN),
            lambda world: world.write("in-1", ANN, "9"),
            World.receipts,
        ),
        "another number": (
            lambda world: world.ask(BOB),
            lambda world: world.write("in-1", BOB, "3"),
            lambda world: world.write("in-2", BOB, NEW_NUMBER),
            lambda world: world.write_code("in-3", BOB),
            World.receipts,
        ),
        "call me, and stop": (
            lambda world: world.write("in-1", CAROL, "call me"),
            lambda world: world.write("in-2", CAROL, "STOP"),
            World.receipts,
        ),
    }
)
FROM_THREADS: Final = "from threads"
ACTS_OF: Final[Mapping[str, tuple[Act, ...]]] = MappingProxyType(
    {**SCENARIOS, FROM_THREADS: (World.crowd_asks, World.receipts)}
)
"""All scenarios. The last one is played by a runner with threads, until it is killed."""


# ---------------------------------------------------------------------------- what stands in the store


def history_and_rows(store: Store) -> tuple[list[Any], list[Any]]:
    """Return every event, and the row of every message that was ever queued."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        history: list[Any] = list(tx.history.all())
        queued = [event.message_id for event in history if event.kind == "message_queued"]
        return history, [tx.messages.get(message_id) for message_id in queued]


# ---------------------------------------------------------------------------- processes


def live(kind: str, where: str, folder: str, scenario: str, kill_at: int) -> int:
    """Be one process: play the scenario; return how many steps it had, if it came so far."""
    steps = Steps(kill_at)
    store = open_place(kind, where)
    world = World(store, Path(folder), steps=steps, ids=SequentialIds())
    if scenario == FROM_THREADS:
        world.send_from_threads()
    else:
        world.play(scenario)
    store.close()
    Path(folder, "steps.json").write_text(json.dumps(steps.names))
    return 0


def main() -> None:
    """Make a process for each line, and say how each ended: the negative number of the signal that killed it."""
    importlib.import_module("psycopg")  # Once, and not in each process.
    importlib.import_module("callbackq.stores.postgres_session")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = live(*json.loads(line))
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
