"""Who writes in the world of `conversations`, and to which queues."""

from __future__ import annotations

import re
from datetime import time, timedelta
from functools import cache
from typing import Any, Final

import attrs

from callbackq.model import EMAIL, SMS, MessageKind
from callbackq.policy import Duplicates, FixedSeats, Messages, QueuePolicy, SlotPolicy, Wording
from callbackq.testing.message_checkers import Rules

WHATSAPP: Final = "whatsapp"
QUEUES: Final = ("line", "slots", "plain", "mute")
LANGUAGES: Final = (None, "en", "de-AT", "fr", "es")
MARK: Final = "xylophone"
"""A word of some texts that must stand in no row and no event."""

# ---------------------------------------------------------------------------- who is there


@attrs.frozen(kw_only=True)
class Customer:
    """Somebody with a telephone in their hand. `spare` is a number that they may want to be called at."""

    index: int
    phone: str = attrs.field(repr=False)
    spare: str = attrs.field(repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    customer_id: str | None = None
    extension: str | None = None
    email: str | None = attrs.field(default=None, repr=False)
    language: str | None = None


CUSTOMERS_COUNT: Final = 24


@cache
def customers() -> tuple[Customer, ...]:
    """
    Return who is there: in several countries, some sharing a telephone, some known by an id, some behind a switchboard.

    >>> first, second, *_ = customers()
    >>> (first.phone == second.phone, first.customer_id == second.customer_id)
    (True, False)
    """
    return tuple(_customer(index) for index in range(CUSTOMERS_COUNT))


def _customer(index: int) -> Customer:
    phone_of = index - 1 if index in (1, 3, 5) else index  # These share one with the customer before.
    phone = f"+12125550{110 + phone_of}"
    if index in (8, 9, 10):
        phone = f"+4930231250{index:02d}"
    elif index in (11, 12):
        phone = f"+442079460{500 + index}"
    elif index == 13:
        phone = "+61491570156"
    return Customer(
        index=index,
        phone=phone,
        spare=f"+13105550{170 + index}",
        name=f"Quirin {chr(65 + index)}" if index % 2 else None,
        customer_id=f"crm-{index}" if index in (0, 1, 2, 6, 10, 14) else None,
        extension="7" if index == 5 else None,
        email=f"reader{index}@example.com" if index % 2 == 0 else None,
        language=LANGUAGES[index % len(LANGUAGES)],
    )


@cache
def policies() -> tuple[QueuePolicy, ...]:
    """Return four queues: a line, one with slots, one that takes no requests, and one without messages."""
    short: dict[str, Any] = {"receipt_time_max": timedelta(hours=20), "uncertain_life": timedelta(hours=6)}
    line = Messages(opt_out_confirmed=True, channels=(SMS, EMAIL), slip_margin=timedelta(minutes=10), **short)
    slots = Messages(
        wording=Wording.S2,
        verify_new_number=False,
        cancel_phrase_opts_out=True,
        channels=(WHATSAPP, SMS),
        kinds=frozenset(MessageKind),
        link="https://example.com/callback/{token}",
        **short,
    )
    plain = Messages(
        opt_out_confirmed=True,
        requests=False,
        quiet_from=None,
        quiet_until=None,
        channels=("push", SMS),
        **short,
    )
    known: dict[str, Any] = {"calling": None, "company": "Acme", "company_number": "800-555-0100"}
    return (
        QueuePolicy(queue="line", duplicates=Duplicates.ALLOW, messages=line, **known),
        QueuePolicy(
            queue="slots",
            language="de",
            survey=True,
            slots=SlotPolicy(
                seats=FixedSeats(seats=3),
                horizon=timedelta(hours=36),
                remind_before=timedelta(hours=1),
                closing_ratio=None,
            ),
            messages=slots,
            **known,
        ),
        QueuePolicy(queue="plain", language="fr", messages=plain, **known),
        QueuePolicy(queue="mute", duplicates=Duplicates.ALLOW, **known),
    )


def rules_of_messages() -> dict[str, Rules]:
    """Return what the queues promise of their messages, in the words of the checker."""
    night = (time(21), time(8))
    return {
        "line": Rules(confirms=True, proves=True, quiet=night),
        "slots": Rules(confirms=False, proves=False, quiet=night),
        "plain": Rules(confirms=True, proves=True, quiet=None),
    }


def numbers() -> frozenset[str]:
    """Return every number that somebody here has, or may want to have."""
    return frozenset(number for one in customers() for number in (one.phone, one.spare))


@cache
def secrets() -> re.Pattern[str]:
    """Return what finds anything personal of this world in a text."""
    emails = [one.email for one in customers() if one.email is not None]
    parts = [*(number[-7:] for number in numbers()), *emails, "Quirin", MARK]
    return re.compile("|".join(re.escape(part) for part in sorted(set(parts))))


@cache
def zones_of(number: str) -> tuple[str, ...]:
    """Return where the owner of a number may be."""
    import phonenumbers
    from phonenumbers import timezone

    return tuple(timezone.time_zones_for_number(phonenumbers.parse(number)))
