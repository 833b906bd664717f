"""`AmiSettings`: where the manager interface (AMI) of an Asterisk is, and who we are there."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import attrs

from callbackq.adapters.connection import Waits
from callbackq.errors import ConfigurationError

_PORTS: Final = {"ami": 5038, "amis": 5039}
_TIMES: Final = (
    ("connect_time_max", timedelta(seconds=0.1), timedelta(minutes=1)),
    ("action_time_max", timedelta(seconds=0.1), timedelta(minutes=1)),
    ("heartbeat", timedelta(seconds=0.1), timedelta(minutes=5)),
)
_URL_ALLOWED: Final = "ami://user:secret@host:port, or amis:// for TLS"
_VARIABLE: Final = "CALLBACKQ_AMI_URL"


@attrs.frozen(kw_only=True)
class AmiSettings:
    """
    How to reach the manager interface of an Asterisk.

    Args:
        url: such as `amis://pbx.example.com` (TLS, port 5039) or `ami://127.0.0.1` (plain, port 5038). A user and a
            secret in it are taken out of it.
        username, secret: as in `manager.conf`. Without TLS the secret is not sent: a challenge (MD5) is answered.
        tls: for `amis`, where the system's authorities are not enough. The certificate is checked in any case, unless
            this one says otherwise.
        connect_time_max: how long connecting and logging in may take, each. 0.1 s to 1 min.
        action_time_max: how long the answer to an action may take. 0.1 s to 1 min.
        heartbeat: how often it is asked whether the other side still hears. 0.1 s to 5 min.
        waits: between two tries to connect.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> AmiSettings(url="amis://callbackq:secret@pbx.example.com")
    AmiSettings(url='amis://pbx.example.com:5039', username='callbackq')
    """

    url: str
    username: str = ""
    secret: str = attrs.field(default="", repr=False)
    tls: ssl.SSLContext | None = attrs.field(default=None, repr=False)
    connect_time_max: timedelta = attrs.field(default=timedelta(seconds=10), repr=False)
    action_time_max: timedelta = attrs.field(default=timedelta(seconds=8), repr=False)
    heartbeat: timedelta = attrs.field(default=timedelta(seconds=15), repr=False)
    waits: Waits = attrs.field(factory=Waits, repr=False)
    host: str = attrs.field(init=False, repr=False)
    port: int = attrs.field(init=False, repr=False)
    is_encrypted: bool = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
            user, secret = parts.username, parts.password
        except ValueError:
            raise ConfigurationError("AmiSettings.url", "…", _URL_ALLOWED) from None
        if (
            not host
            or parts.scheme not in _PORTS
            or parts.path not in {"", "/"}
            or parts.query
            or parts.fragment
        ):
            raise ConfigurationError("AmiSettings.url", "…", _URL_ALLOWED)
        found: dict[str, object] = {
            "username": self.username or unquote(user or ""),
            "secret": self.secret or unquote(secret or ""),
            "host": host,
            "port": port or _PORTS[parts.scheme],
            "is_encrypted": parts.scheme == "amis",
        }
        shown = f"[{host}]" if ":" in host else host
        found["url"] = f"{parts.scheme}://{shown}:{found['port']}"
        for name, value in found.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        for name in ("username", "secret"):
            value: str = getattr(self, name)
            if not value or not value.isprintable():
                raise ConfigurationError(
                    f"AmiSettings.{name}", "…" if value else "", "as it is in manager.conf"
                )
        for name, least, most in _TIMES:
            duration: timedelta = getattr(self, name)
            if not least <= duration <= most:
                raise ConfigurationError(f"AmiSettings.{name}", duration, f"{least} to {most}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **others: object) -> Self:
        """
        Read `CALLBACKQ_AMI_URL`, `…_USER` and `…_SECRET`; what is given as *others* goes before.

        Raises:
            ConfigurationError: a variable is missing, or is nothing that can be used. Its value is not shown.

        >>> AmiSettings.from_env({"CALLBACKQ_AMI_URL": "ami://callbackq:secret@127.0.0.1"}).port
        5038
        """
        found: dict[str, object] = {
            field: value
            for field, name in (
                ("url", _VARIABLE),
                ("username", "CALLBACKQ_AMI_USER"),
                ("secret", "CALLBACKQ_AMI_SECRET"),
            )
            if (value := environ.get(name, "").strip())
        }
        found |= others
        if "url" not in found:
            raise ConfigurationError(_VARIABLE, None, _URL_ALLOWED)
        try:
            return cls(**found)  # type: ignore[arg-type]
        except ConfigurationError as error:
            if error.field == "AmiSettings.url" and "url" not in others:
                raise ConfigurationError(_VARIABLE, "…", _URL_ALLOWED) from None
            raise
