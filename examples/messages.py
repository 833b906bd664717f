"""
What a customer reads and answers: a slot is confirmed and reminded of by text, moved by a number, and kept.

Messages go to the console, by `ConsoleMessenger`; in your program they go to your provider. The clock is moved by hand.
"""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import callbackq as cq
from callbackq.adapters.messengers import ConsoleMessenger
from callbackq.testing import FakeTelephony, ManualClock

NEW_YORK = "America/New_York"
BOB = "+12125550101"

clock = ManualClock(datetime(2026, 1, 5, 9, tzinfo=ZoneInfo(NEW_YORK)))
policy = cq.QueuePolicy(
    queue="support",
    company="Acme",
    company_number="212 555 0100",
    hours=cq.WeekHours(zone=NEW_YORK, week=cq.weekdays(cq.Span(time(9), time(17)))),
    slots=cq.SlotPolicy(seats=cq.FixedSeats(seats=1)),
    messages=cq.Messages(),
)
service = cq.CallbackService(cq.MemoryStore(), [policy], clock=clock)
telephony = FakeTelephony(clock)
driver = cq.Driver(service, cq.Dispatcher(service), telephony, messenger=ConsoleMessenger())
telephony.on_report = driver.report


def run_until(wall: time) -> None:
    """Let time pass until the clock on the wall of Bob shows this."""
    end = datetime.combine(clock.now(), wall, ZoneInfo(NEW_YORK))
    driver.step(clock.now())
    while (at := min(driver.next_wakeup() or end, clock.next_planned_at() or end)) < end:
        clock.move_to(max(at, clock.now()))
        driver.step(clock.now())
    clock.move_to(end)


def bob_writes(text: str) -> None:
    """Hand a text to the driver, as your provider's webhook does: it sends the answers."""
    now = clock.now().astimezone(ZoneInfo(NEW_YORK))
    print(f"[{now:%H:%M}] Bob writes: {text}")
    inbound = cq.Inbound(inbound_id=f"in-{now.isoformat()}-{text}", sender=BOB, text=text, queue="support")
    driver.message_received(inbound)
    driver.step(clock.now())


noon = datetime.combine(clock.now(), time(12), ZoneInfo(NEW_YORK))
receipt = service.request("support", number=BOB, name="Bob", scheduled_at=noon)
run_until(time(9, 1))  # confirmed at once
run_until(time(11, 46))  # reminded a quarter of an hour before
bob_writes("2")  # another time, please
bob_writes("3")  # the third of those
bob_writes("when will you call?")

service.agent_available("ann", queues=["support"])
run_until(time(16))
callback = service.get(receipt.callback_id)
print(
    f"{telephony.dialed(BOB)} call at {telephony.log[0].at.astimezone(ZoneInfo(NEW_YORK)):%H:%M}: {callback.outcome}"
)
bob_writes("STOP")
print(f"Bob wants no messages since {service.opted_out(BOB).messages_at:%H:%M} UTC")
