"""What Twilio sends, read: bounded, and checked to be Twilio's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Self
from urllib.parse import parse_qsl

from callbackq.adapters.twilio.hearing import CallEvent
from callbackq.adapters.twilio.links import Links
from callbackq.adapters.twilio.needed import missing

try:
    from twilio.request_validator import RequestValidator
except ModuleNotFoundError as error:
    raise missing(error) from None

FIELDS_MAX: Final = 200
_SHORT_MAX: Final = 200
_CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")


class Form:
    """The fields of a form, as often as they came."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: Final[dict[str, list[str]]] = {}
        for name, value in pairs:
            self._fields.setdefault(name, []).append(value)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a form, or a query. Raises: ValueError: it is none, or has too many fields."""
        return cls(
            parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
            if text
            else ()
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def getlist(self, name: str) -> list[str]:
        """Return every value of a field: the official validator asks for them so."""
        return self._fields.get(name, [])

    def text(self, name: str) -> str:
        """Return the last value of a field, as it is; empty if there is none."""
        values = self._fields.get(name)
        return values[-1] if values else ""

    def short(self, name: str) -> str:
        """Return a value that can be an id or a code; empty if it cannot."""
        value = self.text(name)
        return value if len(value) <= _SHORT_MAX and value.isprintable() else ""

    def number(self, name: str) -> int:
        """Return a whole number, 0 if it is none."""
        value = self.text(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 0


def call_sid(form: Form) -> str:
    """Return the name of the call, which goes into URLs; empty if it can be none."""
    found = form.short("CallSid")
    return found if _CALL_SID.fullmatch(found) else ""


def call_event(form: Form) -> CallEvent:
    """Return what a form says of its call."""
    return CallEvent(
        sid=call_sid(form),
        status=form.short("CallStatus").lower(),
        sip=form.short("SipResponseCode") or None,
        error=form.short("ErrorCode") or None,
        answered_by=form.short("AnsweredBy") or None,
    )


class Signatures:
    """Says whether Twilio sent a request, by the official validator."""

    def __init__(self, auth_token: str, links: Links) -> None:
        self._validator: Final = RequestValidator(auth_token)
        self._links: Final = links

    def are_right(self, endpoint: str, query: str, form: Form, headers: Mapping[str, str]) -> bool:
        """Whether the request is signed with our token, for our URL. *headers* have names in lower case."""
        signature = headers.get("x-twilio-signature", "")
        if not signature or len(signature) > _SHORT_MAX:
            return False
        try:
            return any(
                self._validator.validate(url, form, signature)
                for url in self._links.as_signed(endpoint, query)
            )
        except (ValueError, UnicodeError):
            return False
