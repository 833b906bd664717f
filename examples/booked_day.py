"""
A day with booked times, in virtual time: slots are cut, callers book, one moves, and two agents keep the day.

One customer has a callback every week: the next one is booked when today's is over. Where the extra `calendars` is
installed, what is still to come is shown as the iCalendar text that a calendar program reads.
"""

from datetime import UTC, datetime, time, timedelta
from importlib.util import find_spec
from zoneinfo import ZoneInfo

from callbackq import (
    FixedSeats,
    MemoryStore,
    QueuePolicy,
    SlotPolicy,
    SlotUnavailable,
    Span,
    WeekHours,
    weekdays,
)
from callbackq.adapters.calendars import booking_calendar
from callbackq.testing import FakeNotices, VirtualHost

NEW_YORK = "America/New_York"
MONDAY, WEEK = datetime(2026, 1, 5, tzinfo=UTC), timedelta(days=7)

hours = WeekHours(zone=NEW_YORK, week=weekdays(Span(time(9), time(12)), Span(time(13), time(17))))
slots = SlotPolicy(seats=FixedSeats(seats=2), horizon=timedelta(days=14))
notices = FakeNotices()
host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support", hours=hours, slots=slots)], notices=notices)
service = host.service


def book(name: str, number: str, clock: time, **more: str) -> str:
    """Book a time in New York, or the first of those that are free instead. The number tells the customer's zone."""
    at = datetime.combine(MONDAY.date(), clock, ZoneInfo(NEW_YORK))
    try:
        receipt = service.request("support", number=number, name=name, scheduled_at=at, **more)
    except SlotUnavailable as error:
        print(f"{name} wanted {clock:%H:%M}, which is {error.reason}, and takes another")
        receipt = service.request(
            "support", number=number, name=name, scheduled_at=error.alternatives[0], **more
        )
    return receipt.callback_id


def show_day(of: datetime, *, agent: str | None = None) -> None:
    """Print the bookings of a day, of one agent or of all: without any phone number."""
    for one in service.booked("support", agent=agent, from_at=of, until_at=of + timedelta(days=1)):
        outcome = one.outcome or one.state
        print(f"  {one.agent_time}, for them {one.customer_time}: {one.name} {one.number_masked}, {outcome}")


book("Bob", "+12125550101", time(10), owner="ann")
book("Eve", "+12135550102", time(10))  # in California
book("Kim", "+12125550103", time(10))  # the third for two seats
dan = book("Dan", "+12125550104", time(14), owner="ann")
book("Liz", "+12125550105", time(15), owner="ann", repeats="FREQ=WEEKLY;BYDAY=MO")
service.reschedule(dan, scheduled_at=MONDAY + timedelta(hours=21, minutes=30), by="customer")  # 4:30 PM

for agent in ("ann", "ben"):
    service.agent_available(agent, queues=["support"])

print("In the morning, Ann's own calendar:")
show_day(MONDAY, agent="ann")

host.run_until(MONDAY + timedelta(hours=23))
print("In the evening:")
show_day(MONDAY)
kept = service.punctuality("support", from_at=MONDAY, until_at=MONDAY + timedelta(days=1))
print(f"{kept.on_time_count} of {kept.booked_count} were on time; {len(notices.told)} notices went out")
print("A week later:")
show_day(MONDAY + WEEK)

if find_spec("icalendar"):
    print("For a calendar program:")
    coming = service.booked("support", from_at=MONDAY + WEEK, until_at=MONDAY + 2 * WEEK)
    print(booking_calendar(coming, company="Acme", now=host.clock.now(), domain="acme.example").decode())
