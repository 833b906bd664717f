"""Bookings as iCalendar data (RFC 5545), for Outlook, Google Calendar and others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from callbackq.adapters.calendars.clocks import Clock, ZoneClock
from callbackq.adapters.calendars.lines import shown
from callbackq.adapters.calendars.needed import needed
from callbackq.adapters.calendars.zone_parts import ZoneParts, zone_parts
from callbackq.core.instants import check_instant
from callbackq.errors import ConfigurationError, InvalidText
from callbackq.masking import mask_number
from callbackq.model.bookings import BookedCallback
from callbackq.policy.checks import within

BOOKINGS_MAX: Final = 10_000
_NAME_MAX: Final = 100
_KEY_MAX: Final = 64
_VALUE_MAX: Final = 200
_FIELDS_MAX: Final = 20

_DOMAIN: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@" + _DOMAIN.pattern.replace("(?=.{1,253}$)", ""))
_BOOKING_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_NUMBER: Final = re.compile(r"\+?\(?\d(?:[^\w\n:,;]{0,3}\d){6,}")
_DATE: Final = re.compile(r"(19|20)\d\d-[01]\d-[0-3]\d( [0-2]\d)?")
_TICKET: Final = re.compile(r"[1-9][0-9]*|[\w#./-]*[A-Za-z][\w#./-]*")
"""Digits in it are no phone number: it has a letter, or no 0 at its beginning and nothing between its digits."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""They are part of how some languages are written, and of some pictures."""


def booking_calendar(
    bookings: Iterable[BookedCallback],
    *,
    company: str,
    now: datetime,
    organizer: str | None = None,
    attendee: str | None = None,
    domain: str = "callbackq.invalid",
    alarm_before: timedelta | None = timedelta(minutes=15),
) -> bytes:
    """
    Return an iCalendar file of bookings: an agent's day, or one of them. The same input gives the same bytes.

    An event keeps its UID, `<booking_id>@<domain>`, for ever. SEQUENCE is how often it was moved, and one more when it
    is called off; so a later file of the same booking changes or removes the event in a calendar that has it.

    Which METHOD a file has:

    - PUBLISH, for a file that is imported, or a feed that is subscribed to;
    - REQUEST, for one booking that is mailed as an invitation: it needs both organizer and attendee (RFC 5546). Outlook
      and Google Calendar then offer to accept it;
    - CANCEL, where all bookings are called off. Sent by mail, it takes the event out. It needs the same organizer and
      attendee as the REQUEST did. A feed may just as well leave them out.

    Times have the booking's zone, with a VTIMEZONE of yearly rules, the only kind that Outlook takes. They are in UTC
    where such rules would be wrong in the year before, of or after it (Casablanca); and in the hour that comes twice,
    for iCalendar cannot say which of the two is meant. Both are the same instant, to the second.

    No phone number is in it: what looks like one, seven digits or more, is masked in names and context fields; a date
    such as 2026-03-10 is not, and neither is a ticket id, unless it is written as numbers are. Characters that
    cannot be shown become blanks, and long texts are cut. A series is one event for each booking, without a rule.

    Args:
        bookings: at most 10,000, each once.
        company: shown as the calendar's name.
        now: DTSTAMP: when the file was made.
        organizer: a mail address, of whoever sends the file.
        attendee: the agent's mail address.
        domain: yours. It makes UIDs unique: never change it.
        alarm_before: so long before the time the calendar reminds of it; None: not at all. 0 to 7 days.

    Raises:
        ConfigurationError: domain, address or alarm is none, or there is an attendee without an organizer.
        InvalidText: a booking id has other characters than letters, digits and `._:-`, or comes twice; or there are
            too many.
        InvalidTime: an instant is naive, or outside 2000 to 2099.
        ModuleNotFoundError: the package icalendar is not installed.

    Cost: a millisecond, and a third of one for each booking.
    """
    _check_settings(organizer, attendee, domain, alarm_before)
    icalendar = needed("icalendar")
    rows = _own_bookings(bookings)
    method = _method(rows, invites=attendee is not None)
    name = clean(company, most=_NAME_MAX) or "callbacks"
    calendar = icalendar.Calendar()
    calendar.add("prodid", f"-//callbackq//{name.replace('/', ' ')}//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add("x-wr-calname", name)
    zones: dict[str, ZoneParts] = {}
    events = [_event(row, zones, check_instant(now, "now"), domain, alarm_before) for row in rows]
    for key in sorted(zones):
        calendar.add_component(zones[key].component())
    for event in events:
        if organizer is not None:
            event.add("organizer", _address(organizer, name))
        if attendee is not None and method != "PUBLISH":
            event.add("attendee", _address(attendee, None))
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _check_settings(
    organizer: str | None, attendee: str | None, domain: str, alarm_before: timedelta | None
) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise ConfigurationError("domain", domain, "a name such as example.com")
    for field, address in (("organizer", organizer), ("attendee", attendee)):
        if address is not None and not _ADDRESS.fullmatch(address):
            raise ConfigurationError(field, address, "a mail address, or None")
    if attendee is not None and organizer is None:
        raise ConfigurationError("attendee", attendee, "None, where there is no organizer")
    if alarm_before is not None:
        within("alarm_before", alarm_before, timedelta(0), timedelta(days=7))


def _own_bookings(bookings: Iterable[BookedCallback]) -> list[BookedCallback]:
    rows = sorted(bookings, key=lambda row: (row.slot_at, row.booking_id))
    if len(rows) > BOOKINGS_MAX:
        raise InvalidText(f"there are {len(rows):,} bookings; allowed: {BOOKINGS_MAX:,}")
    seen: set[str] = set()
    for row in rows:
        if not _BOOKING_ID.fullmatch(row.booking_id):
            raise InvalidText(f"booking id {shown(row.booking_id)}; allowed: letters, digits and ._:-")
        if row.booking_id in seen:
            raise InvalidText(f"booking {row.booking_id} comes twice; allowed: its last state")
        seen.add(row.booking_id)
    return rows


def _method(rows: list[BookedCallback], *, invites: bool) -> str:
    if rows and all(row.called_off for row in rows):
        return "CANCEL"
    # One invitation is about one event (RFC 5546, 3.2.2).
    return "REQUEST" if invites and len(rows) == 1 else "PUBLISH"


# ---------------------------------------------------------------------------- one event


def _event(
    row: BookedCallback,
    zones: dict[str, ZoneParts],
    now: datetime,
    domain: str,
    alarm_before: timedelta | None,
) -> Any:
    icalendar = needed("icalendar")
    event = icalendar.Event()
    event.add("uid", f"{row.booking_id}@{domain}")
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("sequence", row.moves_count + (1 if row.called_off else 0))
    event.add("last-modified", check_instant(row.changed_at, "changed_at").replace(microsecond=0))
    times = _Times.of(row)
    for field, value in (("dtstart", times.starts), ("dtend", times.ends)):
        event.add(field, value)
    if times.parts is not None:
        zones[row.zone] = times.parts
    summary = f"Callback: {_who(row)}"
    event.add("summary", summary)
    event.add("description", _description(row))
    event.add("status", "CANCELLED" if row.called_off else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if row.called_off else "OPAQUE")
    if alarm_before is not None and not row.called_off:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", -alarm_before)
        event.add_component(alarm)
    return event


@attrs.frozen
class _Times:
    """When a booking begins and ends, as it is written, and the zone that has to be written with it."""

    starts: datetime
    ends: datetime
    parts: ZoneParts | None

    @classmethod
    def of(cls, row: BookedCallback) -> _Times:
        starts = check_instant(row.slot_at, "slot_at").replace(microsecond=0)
        ends = check_instant(row.ends_at, "ends_at").replace(microsecond=0)
        parts = zone_parts(row.zone, starts.year, ends.year)
        if parts is not None and row.zone != "UTC":
            zone = ZoneInfo(row.zone)
            clocks: tuple[Clock, ...] = (parts.clock, ZoneClock(zone))
            local = [at.astimezone(zone).replace(fold=0) for at in (starts, ends)]
            # Whoever reads it must come to the same instants, by the VTIMEZONE as well as by the key.
            pairs = list(zip(local, (starts, ends), strict=True))
            is_clear = all(wall.replace(fold=1).astimezone(UTC) == at for wall, at in pairs)
            if is_clear and all(
                clock.instant(wall.replace(tzinfo=None)) == at for clock in clocks for wall, at in pairs
            ):
                return cls(local[0], local[1], parts)
        return cls(starts, ends, None)


def _who(row: BookedCallback) -> str:
    name = clean(row.name or "", most=_NAME_MAX)
    return name or clean(row.number_masked, most=_NAME_MAX)


def _description(row: BookedCallback) -> str:
    lines = [
        f"Queue: {clean(row.queue, most=_KEY_MAX)}",
        f"Customer's time: {clean(row.customer_time, most=_VALUE_MAX, mask=False)}",
    ]
    if row.ticket_id:
        is_id = _TICKET.fullmatch(row.ticket_id) is not None
        lines.append(f"Ticket: {clean(row.ticket_id, most=_VALUE_MAX, mask=not is_id)}")
    lines.extend(
        f"{clean(key, most=_KEY_MAX)}: {clean(row.context[key], most=_VALUE_MAX)}"
        for key in sorted(row.context)[:_FIELDS_MAX]
    )
    if len(row.context) > _FIELDS_MAX:
        lines.append(f"… and {len(row.context) - _FIELDS_MAX} more")
    return "\n".join(lines)


def clean(text: str, *, most: int, mask: bool = True) -> str:
    r"""
    Return a text as one line of what can be shown, at most so long, with phone numbers masked.

    >>> clean("call +1 212 555 0123\r\nATTENDEE:mailto:eve@example.com", most=30)
    'call +1…23 ATTENDEE:mailto:ev…'
    """
    line = "".join(
        character if character.isprintable() or character in _JOINERS else " " for character in text[:10_000]
    )
    line = " ".join(line.split())
    if mask:
        line = _NUMBER.sub(_masked, line)
    return line if len(line) <= most else line[: most - 1] + "…"


def _masked(found: re.Match[str]) -> str:
    return found[0] if _DATE.fullmatch(found[0]) else mask_number(found[0])


def _address(mail: str, name: str | None) -> Any:
    address = needed("icalendar").vCalAddress(f"mailto:{mail}")
    if name is not None:
        address.params["CN"] = name.replace('"', "'").replace("^", " ")
    return address
