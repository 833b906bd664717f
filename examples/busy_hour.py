"""
A busy hour in virtual time: two agents, a caller each minute, and an offer for each who is still on hold after 20 s.

Every second one takes the callback. One of them does not pick up at first, and is tried again after a rest. Live
calls and callbacks stand in one line: nobody loses a place by hanging up.
"""

from __future__ import annotations

from datetime import timedelta

from callbackq import ConnectCall, MemoryStore, Offer, QueuePolicy
from callbackq.testing import ANSWERS, NEVER_ANSWERS, START, Carried, VirtualHost

MINUTE = timedelta(minutes=1)
SHOWN = {Carried.RINGING: "phone rings", Carried.BRIDGED: "agent and customer talk", Carried.ENDED: "hung up"}

host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support")])
service, clock, telephony = host.service, host.clock, host.telephony
names: dict[str, str] = {}
timeline: list[tuple[timedelta, str, str]] = []


def note(who: str, what: str) -> None:
    timeline.append((clock.now() - START, names[who], what))


def arrive(number: int) -> None:
    """A caller enters the queue, and hears music for 20 s."""
    call_id, phone = f"call-{number}", f"+121255501{number:02d}"
    names[call_id] = names[phone] = f"caller {number}"
    service.call_joined("support", call_id=call_id, number=phone)
    note(call_id, "enters")
    clock.plan(clock.now() + MINUTE / 3, lambda: propose(call_id, takes_it=number % 2 == 0))


def propose(call_id: str, *, takes_it: bool) -> None:
    """Offer a callback to a caller who is still on hold."""
    if service.call_position(call_id) is None:
        return
    offer = service.offer(call_id)
    if isinstance(offer, Offer) and offer.wait.mean_s is not None:
        note(
            call_id, f"hears: you are number {offer.position.number}, about {offer.wait.mean_s / 60:.0f} min"
        )
        if takes_it:
            service.request("support", call_id=call_id)
            note(call_id, "takes a callback, and hangs up")


def talk(order: ConnectCall) -> None:
    """A live caller and an agent talk; then the caller hangs up."""
    note(order.call_id, f"is put through to {order.agent_id}")
    clock.plan(clock.now() + 4 * MINUTE, lambda: service.call_left(order.call_id))


telephony.on_connect_call = talk
telephony.person("+12125550104", NEVER_ANSWERS, ANSWERS)
for agent in ("ann", "ben"):
    service.agent_available(agent, queues=["support"])
for number in range(1, 9):
    clock.plan(START + (number - 1) * MINUTE, lambda number=number: arrive(number))
host.run_for(timedelta(hours=1))

timeline += [
    (entry.at - START, names[entry.number], f"callback: {SHOWN[entry.what]}")
    for entry in telephony.log
    if entry.number and entry.what in SHOWN
]
for after, who, what in sorted(timeline, key=lambda line: line[0]):
    minutes, seconds = divmod(int(after.total_seconds()), 60)
    print(f"{minutes:02d}:{seconds:02d}  {who}  {what}")
