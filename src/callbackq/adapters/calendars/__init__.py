"""
Calendars: national holidays, busy times and closures from iCalendar data, seats from staff, bookings exported.

Needs the extra `calendars`; `StaffPlan` needs none. The packages are imported on first use.
"""

from callbackq.adapters.calendars.national import holidays_of
from callbackq.adapters.calendars.reading import busy_times, closures_of
from callbackq.adapters.calendars.staff import StaffPlan
from callbackq.adapters.calendars.writing import booking_calendar

__all__ = ["StaffPlan", "booking_calendar", "busy_times", "closures_of", "holidays_of"]
