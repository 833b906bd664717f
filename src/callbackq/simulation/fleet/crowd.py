"""
Who lives in a fleet's world: agents, customers, and people who know better; what they do, and what happens to them.

They speak to any process that answers, and again to another one where it does not. What happens to them they write
into a journal of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final, Protocol

from callbackq.effects import ConnectCall, Dial
from callbackq.errors import CommitUncertain
from callbackq.ids import CallbackId, LegId
from callbackq.model import AnsweredBy, Disposition, Inbound, Role
from callbackq.simulation.fleet.chance import Chance
from callbackq.simulation.fleet.network import SharedPbx
from callbackq.simulation.fleet.plan import FleetPlan, Meddling, PersonPlan, Word
from callbackq.simulation.fleet.processes import Node, Process
from callbackq.simulation.fleet.views import ProcessEnded
from callbackq.simulation.storm_people import Worker, draw_behaviour
from callbackq.simulation.world import Happened, Journal, WorldLine
from callbackq.testing.clock import ManualClock
from callbackq.testing.telephony import Behaviour, Carried


class Stage(Protocol):
    """What people ask of the world that they live in."""

    clock: ManualClock
    chance: Chance
    pbx: SharedPbx

    def see(self, who: str, what: object) -> None:
        """Take down what happened."""
        ...

    def later(self, after: timedelta, action: Callable[[], None]) -> None:
        """Plan an action."""
        ...

    def name_of(self, number: str) -> str:
        """Return whose number it is."""
        ...

    def ask(
        self,
        about: str,
        action: Callable[[Process], object],
        *,
        tries: int = ...,
        nodes_only: bool = ...,
        of: Process | None = ...,
    ) -> None:
        """Let some process do something, and another one soon if it could not."""
        ...


class Crowd:
    """
    Everybody in one world.

    Attributes:
        journal: what happened to people.
        promised: who has a receipt for each callback.
        persons: the legs at which a person answers, and no machine.
    """

    def __init__(self, stage: Stage, plan: FleetPlan) -> None:
        self._stage: Final = stage
        self._plan: Final = plan
        self._people: Final = {person.name: person for person in plan.people}
        self._at_work: Final[set[str]] = set()
        self.journal: Final = Journal()
        self.promised: Final[dict[CallbackId, PersonPlan]] = {}
        self.persons: Final[set[LegId]] = set()

    # ------------------------------------------------------------------ agents

    def sign_in(self, worker: Worker) -> None:
        """An agent comes to work, and goes after a while."""
        if worker.agent_id in self._at_work:
            return
        self._at_work.add(worker.agent_id)

        def available(process: Process) -> None:
            if worker.agent_id in self._at_work:
                process.service.agent_available(worker.agent_id, queues=worker.queues, skills=worker.skills)

        self._stage.ask(worker.agent_id, available)
        self._stage.later(worker.works_for, partial(self.sign_out, worker))

    def sign_out(self, worker: Worker, *, rests_for: timedelta | None = None) -> None:
        """An agent goes, and comes back after a while."""
        if worker.agent_id not in self._at_work:
            return
        self._at_work.discard(worker.agent_id)

        def unavailable(process: Process) -> None:
            if worker.agent_id not in self._at_work:
                process.service.agent_unavailable(worker.agent_id)

        self._stage.ask(worker.agent_id, unavailable)
        self._stage.later(worker.rests_for if rests_for is None else rests_for, partial(self.sign_in, worker))

    def behaviour(self, order: Dial, dialed_before: int) -> Behaviour:
        """Draw what happens on a leg: the same for the same person's first, second … dial."""
        who = (
            order.agent_id
            if order.role is Role.AGENT and order.agent_id
            else self._stage.name_of(order.number)
        )
        share = self._stage.chance.share(f"{who}/behaves/{dialed_before}")
        drawn = draw_behaviour(order, Random(int(share * (1 << 53))))
        found_out = drawn.detected_as if drawn.answered_by is AnsweredBy.UNKNOWN else drawn.answered_by
        if order.role is Role.CUSTOMER and found_out not in (AnsweredBy.MACHINE, AnsweredBy.FAX):
            self.persons.add(order.leg_id)
        return drawn

    # ------------------------------------------------------------------ people

    def come(self, person: PersonPlan) -> None:
        """A person calls, or asks for a callback."""
        wisher = person.wisher
        self._stage.see(person.name, "calls" if wisher.calls else "asks for a callback")
        if wisher.calls:
            call_id = f"call-{person.name}"
            self._write(Happened.JOINED, person, call_id=call_id)
            self._stage.ask(person.name, partial(self._join, person, call_id))
        else:
            self._request(person, f"wish-{person.name}", None)
        if person.asks_again_after is not None:
            self._stage.later(
                person.asks_again_after, lambda: self._request(person, f"again-{person.name}", None)
            )
        if person.opts_out_after is not None:
            self._stage.later(person.opts_out_after, partial(self._opt_out, person))

    def _join(self, person: PersonPlan, call_id: str, process: Process) -> None:
        wisher = person.wisher
        process.service.call_joined(wisher.queue, call_id=call_id, number=wisher.number, skills=wisher.skills)
        stays = timedelta(seconds=1 + 119 * self._stage.chance.share(f"{person.name}/stays"))
        if wisher.converts:
            self._stage.later(stays, lambda: self._request(person, f"wish-{person.name}", call_id))
        else:
            self._stage.later(
                stays, lambda: self._stage.ask(person.name, partial(self._leave_if_waiting, call_id))
            )

    def _leave_if_waiting(self, call_id: str, process: Process) -> None:
        if process.service.call(call_id).agent_id is None:
            process.service.call_left(call_id)

    def _request(self, person: PersonPlan, key: str, call_id: str | None) -> None:
        if person.books and call_id is None:
            self._stage.ask(person.name, partial(self._book, person, key))
        else:
            self._stage.ask(person.name, partial(self._promise, person, key, call_id, None))

    def _book(self, person: PersonPlan, key: str, process: Process) -> None:
        """Take the first slot that is free, and keep it; as others do at the same time."""
        service, queue = process.service, person.wisher.queue
        if self._policy(queue).slots is None:
            self._promise(person, key, None, None, process)
            return
        free = service.free_slots(queue, limit=1)
        if free:
            held = service.hold_slot(queue, slot_at=free[0].starts_at, number=person.wisher.number)
            self._promise(person, key, None, held.booking_id, process)

    def _policy(self, queue: str) -> Any:
        return next(policy for policy in self._plan.policies if policy.queue == queue)

    def _promise(
        self, person: PersonPlan, key: str, call_id: str | None, booking_id: str | None, process: Process
    ) -> None:
        wisher, scheduled_at = person.wisher, None
        is_free = call_id is None and booking_id is None and self._policy(wisher.queue).slots is None
        if wisher.scheduled_in is not None and is_free:
            scheduled_at = process.service.now() + wisher.scheduled_in
        receipt = process.service.request(
            wisher.queue,
            call_id=call_id,
            number=wisher.number,
            request_key=key,
            skills=wisher.skills,
            alternatives=wisher.alternatives,
            preferred_agent=None if self._plan.calm else wisher.preferred,
            scheduled_at=scheduled_at,
            booking_id=booking_id,
            confirmed=True,
        )
        if receipt.callback_id not in self.promised:
            self.promised[receipt.callback_id] = person
            if call_id is None:
                self._write(Happened.JOINED, person, call_id=receipt.callback_id)
        self._write(Happened.PROMISED, person, call_id=key, callback_id=receipt.callback_id)
        self._stage.see(person.name, f"is promised {receipt.callback_id} by {process.name}")

    def _opt_out(self, person: PersonPlan) -> None:
        def write(process: Process) -> None:
            assert isinstance(process, Node)
            number = person.wisher.number.split(";", maxsplit=1)[0]
            inbound_id = f"inbound-{person.name}"
            heard = Inbound(inbound_id=inbound_id, sender=number, text="STOP", queue=person.wisher.queue)
            process.driver.message_received(heard)

        if self._policy(person.wisher.queue).messages is not None:
            self._stage.see(person.name, "writes STOP")
            self._stage.ask(person.name, write, nodes_only=True)

    def talk(self, order: ConnectCall) -> None:
        """A live caller is with an agent, and talks for a while."""
        talks = timedelta(seconds=5 + 195 * self._stage.chance.share(f"{order.call_id}/talks"))
        left = partial(self._left, order.call_id)
        self._stage.later(talks, lambda: self._stage.ask(order.call_id, left))

    def _left(self, call_id: str, process: Process) -> None:
        process.service.call_left(call_id)

    def _write(self, what: Happened, person: PersonPlan, **ids: str | None) -> None:
        wisher = person.wisher
        self.journal.write(
            WorldLine(
                at=self._stage.clock.now(),
                what=what,
                call_id=ids.pop("call_id", None) or "",
                number=wisher.number,
                skills=wisher.skills,
                **ids,
            )
        )

    # ------------------------------------------------------------------ people who know better

    def meddle(self, meddling: Meddling) -> None:
        """Somebody who knows better says something about the latest callback of a person."""
        person = self._people.get(meddling.whose)
        ids = [callback_id for callback_id, one in self.promised.items() if one is person]
        if person is None or not ids:
            return
        self._stage.see("boss", f"{meddling.what.replace('_', ' ')}: {ids[-1]}")
        self._stage.ask(
            f"boss/{meddling.at}", partial(self._say, meddling, ids[-1], person), nodes_only=True, tries=5
        )

    def _say(self, meddling: Meddling, callback_id: CallbackId, person: PersonPlan, process: Process) -> None:
        assert isinstance(process, Node)
        service, share = process.service, self._stage.chance.share(f"boss/{meddling.at}/{meddling.whose}")
        match meddling.what:
            case Word.CANCEL:
                service.cancel(callback_id)
            case Word.CALL_NOW:
                service.call_now(callback_id, by="boss")
            case Word.MARK_DONE:
                service.mark_done(callback_id, by="boss", reason="met in the hall")
            case Word.RESCHEDULE:
                service.reschedule(callback_id, scheduled_at=service.now() + timedelta(minutes=1 + 4 * share))
            case Word.SETTLE:
                said = (Disposition.NO_ANSWER, Disposition.UNKNOWN, Disposition.BUSY)[int(share * 3)]
                try:
                    settled = service.settle(callback_id, said, by="boss")
                except (CommitUncertain, ProcessEnded):
                    self._write(Happened.SETTLED, person, callback_id=callback_id)
                    raise
                self._write(Happened.SETTLED, person, callback_id=callback_id)
                process.driver.perform(settled.effects)
            case Word.CORRECT:
                wrong = share < 1 / 2
                said = Disposition.WRONG_PERSON if wrong else Disposition.MACHINE
                self._correct(callback_id, person, process, said, wrong=wrong)

    def _correct(
        self, callback_id: CallbackId, person: PersonPlan, node: Node, said: Disposition, *, wrong: bool
    ) -> None:
        talks = (line for line in reversed(self._stage.pbx.log) if line.what is Carried.BRIDGED)
        talk = next((line for line in talks if line.callback_id == callback_id), None)
        line = partial(
            self._write,
            Happened.CORRECTED,
            person,
            callback_id=callback_id,
            leg_id=talk.leg_id if talk is not None else None,
            note=talk.number if talk is not None and wrong else None,
        )
        try:
            settled = node.service.set_disposition(callback_id, said, by="agent")
        except (CommitUncertain, ProcessEnded):
            line()
            raise
        line()
        node.driver.perform(settled.effects)
