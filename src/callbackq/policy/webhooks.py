"""The settings of an endpoint of webhooks: where what happens is sent, what of it, and how long it is tried."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

import attrs

from callbackq import events
from callbackq.errors import ConfigurationError
from callbackq.events import Event
from callbackq.ids import QueueName
from callbackq.policy.checks import NAMES_ALLOWED, int_within, is_name, number_within, within

SECRET_HEAD: Final = "whsec_"
SECRET_MIN: Final = 24
SECRET_MAX: Final = 64
"""So many bytes a secret of the Standard Webhooks has."""

KINDS: Final = ("callback_*", "attempt_*", "booking_*")
"""What is sent unless it is said otherwise: all that happens to callbacks, their attempts and bookings."""

RESTS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
_REST_MIN: Final = timedelta(seconds=1)
_REST_MAX: Final = timedelta(days=1)
_KNOWN: Final = frozenset(
    getattr(events, name).kind for name in events.__all__ if hasattr(getattr(events, name), "kind")
)
_SECRETS: Final = f"texts that begin with {SECRET_HEAD}, and {SECRET_MIN} to {SECRET_MAX} bytes in base64"


def key_of(secret: str) -> bytes:
    """
    Return the bytes of a secret of the Standard Webhooks.

    Raises:
        ConfigurationError: it is none. The message does not show it.

    >>> key_of("whsec_" + "A" * 32) == bytes(24)
    True
    """
    try:
        head, text = secret[: len(SECRET_HEAD)], secret[len(SECRET_HEAD) :]
        key = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ConfigurationError("WebhookEndpoint.secrets", "not shown", _SECRETS) from None
    if head != SECRET_HEAD or not SECRET_MIN <= len(key) <= SECRET_MAX:
        raise ConfigurationError("WebhookEndpoint.secrets", "not shown", _SECRETS)
    return key


def shown_url(url: str) -> str:
    """
    Show of an address what is no secret: scheme and host.

    >>> shown_url("https://crm.example.com/hook?token=x")
    "'https://crm.example.com/…'"
    """
    parts = urlsplit(url)
    return repr(f"{parts.scheme}://{parts.hostname}/…")


@attrs.frozen(kw_only=True)
class WebhookEndpoint:
    """
    An endpoint that is sent what happens.

    Args:
        name: its name in the store, where it stands how far it was told. Under another name it is another endpoint.
        url: where its requests go: `https://…`, or `http://…` where the sender allows it.
        secrets: what requests are signed with: `"whsec_…"`, 24 to 64 bytes. One, or while they are changed, the new one
            and the old one: then each request has both signatures.
        kinds: which events are sent, by `Event.kind`; `*` stands for any letters.
        queues: only what concerns these queues; all, unless given.
        rests: how long is waited after the first try that failed, after the second …; after later ones as after the
            last. 1 s to a day each.
        jitter_ratio: by how much of itself a rest may be longer. 0 to 1.
        give_up_after: how long one event is tried, and then set aside as undelivered. 1 min to 30 days.
        retry_after_max: so long, at most, nothing is sent when the endpoint asks for a rest (`Retry-After`).
        behind_max: of so many callbacks (or other records) events may fail while those of others are still sent. With
            more, the endpoint is taken to be down, and waited for.
        time_max: how long one request may take. 100 ms to 1 min.

    Raises:
        ConfigurationError: one of these is out of its bounds.

    >>> WebhookEndpoint(name="crm", url="https://crm.example.com/hook", secrets=["whsec_" + "A" * 32]).name
    'crm'
    """

    name: str
    url: str = attrs.field(repr=shown_url)
    secrets: tuple[str, ...] = attrs.field(converter=tuple[str, ...], repr=False)
    kinds: tuple[str, ...] = attrs.field(default=KINDS, converter=tuple[str, ...])
    queues: tuple[QueueName, ...] = attrs.field(default=(), converter=tuple[QueueName, ...])
    rests: tuple[timedelta, ...] = attrs.field(default=RESTS, converter=tuple[timedelta, ...])
    jitter_ratio: float = 0.2
    give_up_after: timedelta = timedelta(days=3)
    retry_after_max: timedelta = timedelta(hours=6)
    behind_max: int = 20
    time_max: timedelta = timedelta(seconds=15)

    def __attrs_post_init__(self) -> None:
        if not is_name(self.name):
            raise ConfigurationError("WebhookEndpoint.name", self.name, NAMES_ALLOWED)
        self._check_url()
        if not self.secrets:
            raise ConfigurationError("WebhookEndpoint.secrets", "none", _SECRETS)
        for secret in self.secrets:
            key_of(secret)
        for pattern in self.kinds:
            if not any(fnmatchcase(kind, pattern) for kind in _KNOWN):
                raise ConfigurationError(
                    "WebhookEndpoint.kinds", pattern, "kinds of events, such as callback_*"
                )
        for queue in self.queues:
            if not is_name(queue):
                raise ConfigurationError("WebhookEndpoint.queues", queue, NAMES_ALLOWED)
        if not self.rests:
            raise ConfigurationError("WebhookEndpoint.rests", (), "one or more")
        for rest in self.rests:
            within("WebhookEndpoint.rests", rest, _REST_MIN, _REST_MAX)
        number_within("WebhookEndpoint.jitter_ratio", self.jitter_ratio, 0, 1)
        within("WebhookEndpoint.give_up_after", self.give_up_after, timedelta(minutes=1), timedelta(days=30))
        within("WebhookEndpoint.retry_after_max", self.retry_after_max, _REST_MIN, _REST_MAX)
        int_within("WebhookEndpoint.behind_max", self.behind_max, 1, 1000)
        within("WebhookEndpoint.time_max", self.time_max, timedelta(milliseconds=100), timedelta(minutes=1))

    def _check_url(self) -> None:
        wanted = "an address such as https://crm.example.com/hook"
        try:
            parts = urlsplit(self.url)
            is_one = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
            is_one = is_one and parts.username is None and parts.password is None
        except (AttributeError, TypeError, ValueError):
            is_one = False
        if not is_one or not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise ConfigurationError("WebhookEndpoint.url", "not shown", wanted)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The bytes of the secrets."""
        return tuple(key_of(secret) for secret in self.secrets)

    def wants_kind(self, event: Event) -> bool:
        """Whether events of this kind are sent."""
        return any(fnmatchcase(event.kind, pattern) for pattern in self.kinds)
