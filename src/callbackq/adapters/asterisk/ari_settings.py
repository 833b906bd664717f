"""`AriSettings`: where the Asterisk is, who we are there, and how people and sounds are named in its dialplan."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from string import Formatter
from types import MappingProxyType
from typing import Final, Self, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import attrs

from callbackq.adapters.connection import Waits
from callbackq.effects import ConnectCall, Dial, Prompt
from callbackq.errors import ConfigurationError, DialRefused
from callbackq.model import Role

Endpoint: TypeAlias = str | Mapping[str, str] | Callable[[Dial | ConnectCall], str]
"""A template, a table by agent id or number, or a function of the order: each says what Asterisk dials."""

_FIELDS: Final = frozenset({"agent_id", "number", "digits", "prefix", "route", "queue"})
_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+*#._-")
_TIMES: Final = (
    ("request_time_max", timedelta(seconds=0.1), timedelta(minutes=1)),
    ("prompt_time_max", timedelta(seconds=1), timedelta(minutes=10)),
    ("agent_ring_time", timedelta(seconds=1), timedelta(minutes=5)),
    ("heartbeat", timedelta(seconds=0.1), timedelta(minutes=5)),
    ("digits_after", timedelta(0), timedelta(seconds=30)),
)
_CONNECTIONS_MAX: Final = 1_000


def _no_sounds() -> Mapping[Prompt, str]:
    return MappingProxyType({})


@attrs.frozen(kw_only=True)
class AriSettings:
    """
    How to reach Asterisk's REST interface (ARI), and what things are called there.

    Args:
        url: the address up to `/ari`, such as `https://pbx.example.com:8089/ari`. A user and a password in it are taken
            out of it. With `http://` to another machine the password can be read on the way; the log warns of it.
        username, password: as in `ari.conf`.
        app: the Stasis application. One process for each name: Asterisk gives all events to the last that came.
        customer: what is dialed for a customer. A template has `{number}` (E.164), `{digits}` (without the plus),
            `{prefix}` and `{route}` (of the queue's policy), `{queue}`.
        agent: what is dialed for an agent: a template with `{agent_id}`, a table by agent id, or a function.
        agent_ring_time: how long an agent's phone rings for a live caller; for a callback the policy says it.
            1 s to 5 min.
        route: what `{route}` is where the policy says nothing: the name of the trunk.
        customer_on_agents_phone: whether the agent's phone shows the customer's number as the caller.
        progress_is_ringing: whether early media (SIP 183) counts as a phone that rings. Many trunks send nothing else.
        amd: the context, or `context,extension`, of your dialplan that runs `AMD()` and comes back; None: nobody is
            listened to. See the how-to.
        sound: what is played for a prompt that has no own one in *sounds*: a media URI with `{prompt}`, which is
            looked for in the customer's language. None: nothing.
        sounds: media URIs by prompt.
        hold_music: the class of the music for live callers who wait in this application; None: silence.
        recording_format: such as `wav`.
        tls: for `https`, where the system's authorities are not enough. Certificates are checked in any case, unless
            this one says otherwise.
        request_time_max: how long one request may take. 0.1 s to 1 min.
        prompt_time_max: what plays longer is ended. 1 s to 10 min.
        digits_after: how long after the answer the keys of an extension are pressed. Up to 30 s.
        heartbeat: how often it is asked whether the other side still hears. 0.1 s to 5 min.
        connections_max: so many requests at once; the others wait. Less than `sessionlimit` of `http.conf`.
        waits: between two tries to connect.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> AriSettings(url="http://callbackq:secret@127.0.0.1:8088/ari")
    AriSettings(url='http://127.0.0.1:8088/ari', username='callbackq', app='callbackq')
    """

    url: str
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    app: str = "callbackq"
    customer: Endpoint = attrs.field(default="PJSIP/{prefix}{number}@{route}", repr=False)
    agent: Endpoint = attrs.field(default="PJSIP/{agent_id}", repr=False)
    agent_ring_time: timedelta = attrs.field(default=timedelta(seconds=20), repr=False)
    route: str = attrs.field(default="trunk", repr=False)
    customer_on_agents_phone: bool = attrs.field(default=True, repr=False)
    progress_is_ringing: bool = attrs.field(default=True, repr=False)
    amd: str | None = attrs.field(default=None, repr=False)
    sound: str | None = attrs.field(default="sound:callbackq/{prompt}", repr=False)
    sounds: Mapping[Prompt, str] = attrs.field(factory=_no_sounds, repr=False)
    hold_music: str | None = attrs.field(default="default", repr=False)
    recording_format: str = attrs.field(default="wav", repr=False)
    tls: ssl.SSLContext | None = attrs.field(default=None, repr=False)
    request_time_max: timedelta = attrs.field(default=timedelta(seconds=8), repr=False)
    prompt_time_max: timedelta = attrs.field(default=timedelta(seconds=60), repr=False)
    digits_after: timedelta = attrs.field(default=timedelta(seconds=0.5), repr=False)
    heartbeat: timedelta = attrs.field(default=timedelta(seconds=10), repr=False)
    connections_max: int = attrs.field(default=32, repr=False)
    waits: Waits = attrs.field(factory=Waits, repr=False)

    def __attrs_post_init__(self) -> None:
        parts = _parts_of(self.url)
        if parts.username is not None:
            object.__setattr__(self, "username", self.username or unquote(parts.username))
            object.__setattr__(self, "password", self.password or unquote(parts.password or ""))
        host = parts.netloc.rpartition("@")[2]
        object.__setattr__(self, "url", urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")))
        self._check()

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **others: object) -> Self:
        """
        Read `CALLBACKQ_ARI_URL`, `…_USER`, `…_PASSWORD` and `…_APP`; what is given as *others* goes before.

        Raises:
            ConfigurationError: a variable is missing, or is nothing that can be used. Its value is not shown.

        >>> AriSettings.from_env(
        ...     {
        ...         "CALLBACKQ_ARI_URL": "http://127.0.0.1:8088/ari",
        ...         "CALLBACKQ_ARI_USER": "callbackq",
        ...         "CALLBACKQ_ARI_PASSWORD": "secret",
        ...     }
        ... ).username
        'callbackq'
        """
        found: dict[str, object] = {}
        for field, name in (
            ("url", "CALLBACKQ_ARI_URL"),
            ("username", "CALLBACKQ_ARI_USER"),
            ("password", "CALLBACKQ_ARI_PASSWORD"),
            ("app", "CALLBACKQ_ARI_APP"),
        ):
            value = environ.get(name, "").strip()
            if value:
                found[field] = value
        found |= others
        if "url" not in found:
            raise ConfigurationError(
                "CALLBACKQ_ARI_URL", None, "the address of ARI, such as http://127.0.0.1:8088/ari"
            )
        return cls(**found)  # type: ignore[arg-type]

    @property
    def can_be_read(self) -> bool:
        """Whether the password goes to another machine without encryption."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not _is_of_this_machine(parts.hostname or "")

    def endpoint_for(self, order: Dial | ConnectCall) -> str:
        """
        Return what Asterisk is to dial for an order.

        Raises:
            DialRefused: nothing can be: a value that it is made of is missing, or could be read as more than a name.
        """
        for_customer = isinstance(order, Dial) and order.role is Role.CUSTOMER
        how = self.customer if for_customer else self.agent
        if isinstance(how, str):
            return _filled(how, order, route=self.route)
        if callable(how):
            return how(order)
        found = how.get((order.number if for_customer else order.agent_id) or "")
        if found is None:
            raise DialRefused("the table of endpoints has none for whom is to be dialed")
        return found

    def sound_of(self, prompt: Prompt) -> str | None:
        """Return the media URI of a prompt; None if it has none."""
        found = self.sounds.get(prompt, self.sound)
        return None if found is None else found.replace("{prompt}", prompt.value)

    def _check(self) -> None:
        for field, low, high in _TIMES:
            value: timedelta = getattr(self, field)
            if not low <= value <= high:
                raise ConfigurationError(f"AriSettings.{field}", value, f"{low} to {high}")
        if not 1 <= self.connections_max <= _CONNECTIONS_MAX:
            raise ConfigurationError(
                "AriSettings.connections_max", self.connections_max, f"1 to {_CONNECTIONS_MAX:,}"
            )
        if not self.username or not self.password or ":" in self.username:
            raise ConfigurationError(
                "AriSettings.username",
                "…" if self.username else None,  # It may hold the password.
                "a user of ari.conf, without a colon, with the password",
            )
        if not self.app or not set(self.app) <= _SAFE:
            raise ConfigurationError("AriSettings.app", self.app, "letters, digits and . _ - only")
        for field in ("customer", "agent"):
            _check_template(f"AriSettings.{field}", getattr(self, field))


def _is_of_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _parts_of(url: str) -> SplitResult:
    """Read an address. The value is not shown where it cannot be read: it may hold a password."""
    allowed = "http:// or https://, a host, and a path that ends in /ari"
    try:
        parts = urlsplit(url.strip())
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise ConfigurationError("AriSettings.url", "…", allowed) from None
    if not is_good or parts.query or parts.fragment:
        raise ConfigurationError("AriSettings.url", "…", allowed)
    return parts


def _check_template(field: str, endpoint: Endpoint) -> None:
    if not isinstance(endpoint, str):
        return
    allowed = f"a technology, a slash, and text with {', '.join(sorted(_FIELDS))} in braces"
    try:
        names = {name for _, name, _, _ in Formatter().parse(endpoint) if name is not None}
    except ValueError:
        raise ConfigurationError(field, endpoint, allowed) from None
    if "/" not in endpoint or not names <= _FIELDS:
        raise ConfigurationError(field, endpoint, allowed)


def _filled(template: str, order: Dial | ConnectCall, *, route: str) -> str:
    dial = order if isinstance(order, Dial) else None
    number = order.number or ""
    values = {
        "agent_id": order.agent_id or "",
        "number": number,
        "digits": number.removeprefix("+"),
        "prefix": (dial.dial_prefix or "") if dial is not None else "",
        "route": (dial.route or route) if dial is not None else route,
        "queue": order.queue,
    }
    for name in {name for _, name, _, _ in Formatter().parse(template) if name is not None}:
        if not set(values[name]) <= _SAFE or (not values[name] and name != "prefix"):
            raise DialRefused(
                f"{name} cannot be part of what Asterisk dials: letters, digits and + * # . _ - only"
            )
    return template.format(**values)
