"""What callbackq must know to use an account at Twilio."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

import attrs

from callbackq.errors import ConfigurationError
from callbackq.masking import repr_masked

BASE_URL: Final = "https://api.twilio.com"
CALLBACK_OVERRIDES: Final = "rc=3&rp=ct,rt,5xx"
"""How often Twilio tries an event again that the web app could not take, and when: see "connection overrides"."""

_ACCOUNT: Final = re.compile(r"AC[0-9a-fA-F]{32}")
_API_KEY: Final = re.compile(r"SK[0-9a-fA-F]{32}")
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")
_TOKEN: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_SENDER: Final = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DETECTIONS: Final = frozenset({"Enable", "DetectMessageEnd"})
_TIME_MIN, _TIME_MAX = timedelta(seconds=1), timedelta(seconds=30)

ENVIRONMENT: Final[Mapping[str, str]] = {
    "account_sid": "TWILIO_ACCOUNT_SID",
    "auth_token": "TWILIO_AUTH_TOKEN",
    "public_url": "TWILIO_PUBLIC_URL",
    "caller_id": "TWILIO_CALLER_ID",
    "api_key": "TWILIO_API_KEY",
    "api_secret": "TWILIO_API_SECRET",
    "sms_from": "TWILIO_SMS_FROM",
    "whatsapp_from": "TWILIO_WHATSAPP_FROM",
    "messaging_service_sid": "TWILIO_MESSAGING_SERVICE_SID",
    "base_url": "TWILIO_BASE_URL",
}
"""Field -> name of the environment variable that `TwilioSettings.from_env` reads."""

_SECRET: Final = frozenset({"auth_token", "api_secret"})


def _repr_sid(sid: str | None) -> str:
    return repr(f"{sid[:2]}…{sid[-4:]}" if sid else sid)


@attrs.frozen(kw_only=True)
class TwilioSettings:
    """
    An account at Twilio, and how it reaches you.

    Args:
        account_sid: of the account or subaccount: `AC` and 32 hexadecimal digits.
        auth_token: its primary auth token. Twilio signs what it sends you with it, so that it is needed in any case.
        public_url: where Twilio reaches your `TwilioWebhooks`: `https://…`, without query. Signatures are checked
            against it, whatever a proxy in front of your app makes of host, port or path. Each process that dials needs
            one of its own. `http://` is for this machine only.
        caller_id: the number that people see, of your account or verified for it; E.164. An order's own goes first.
        api_key, api_secret: with what to log in to the REST API instead of the auth token; both or neither.
        sms_from: the sender of SMS: a number, a short code or a name. messaging_service_sid: or a messaging service.
        whatsapp_from: the sender of WhatsApp messages: a number, without `whatsapp:`.
        timeout: how long to wait for a connection, and then for each part of a reply; 1 to 30 s. A runner gives a
            method up after `call_time_max` (10 s): stay below half of that.
        detection: what Twilio listens for where an order has `detect`: `Enable` says at once that a machine answered,
            `DetectMessageEnd` when its greeting is over, so that a message can be left.
        callback_overrides: what Twilio does about an event that could not be delivered; "" for its default, which is
            to try it once.
        base_url: where the REST API is. Only tests change it.

    Raises:
        ConfigurationError: a value is out of its bounds. Secrets are not shown.

    >>> TwilioSettings(
    ...     account_sid="AC" + "0" * 32,
    ...     auth_token="s3cret",
    ...     public_url="https://pbx.example.com/twilio",
    ...     caller_id="+12125550100",
    ... ).caller_id
    '+12125550100'
    """

    account_sid: str = attrs.field(repr=_repr_sid)
    auth_token: str = attrs.field(repr=False)
    public_url: str
    caller_id: str | None = attrs.field(default=None, repr=repr_masked)
    api_key: str | None = attrs.field(default=None, repr=_repr_sid)
    api_secret: str | None = attrs.field(default=None, repr=False)
    sms_from: str | None = attrs.field(default=None, repr=repr_masked)
    whatsapp_from: str | None = attrs.field(default=None, repr=repr_masked)
    messaging_service_sid: str | None = attrs.field(default=None, repr=_repr_sid)
    timeout: timedelta = timedelta(seconds=4)
    detection: str = "Enable"
    callback_overrides: str = CALLBACK_OVERRIDES
    base_url: str = BASE_URL

    def __attrs_post_init__(self) -> None:
        self._check_secrets()
        self._check_urls()
        self._check_numbers()
        if not _TIME_MIN <= self.timeout <= _TIME_MAX:
            raise _wrong("timeout", self.timeout, "1 s to 30 s")
        if self.detection not in _DETECTIONS:
            raise _wrong("detection", self.detection, "Enable or DetectMessageEnd")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **more: str) -> Self:
        """
        Read the settings from environment variables; *more* goes before them.

        Names are in `ENVIRONMENT`: `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, `TWILIO_PUBLIC_URL`, `TWILIO_CALLER_ID`
        and so on.

        Raises:
            ConfigurationError: one that is needed is missing, or one is wrong. It names the variable, and never shows
                a secret.
        """
        found = os.environ if environ is None else environ
        values = {field: found[name] for field, name in ENVIRONMENT.items() if found.get(name)} | more
        for field in ("account_sid", "auth_token", "public_url"):
            if field not in values:
                raise ConfigurationError(ENVIRONMENT[field], None, "set in the environment")
        return cls(**values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def _check_secrets(self) -> None:
        if not _ACCOUNT.fullmatch(self.account_sid):
            raise _wrong("account_sid", _shape(self.account_sid, 2), "AC and 32 hexadecimal digits")
        if not _TOKEN.fullmatch(self.auth_token):
            raise _wrong("auth_token", "…", "the primary auth token of the account, without spaces around it")
        if (self.api_key is None) != (self.api_secret is None):
            raise _wrong("api_key", "…", "both an API key and its secret, or neither")
        if self.api_key is not None and not _API_KEY.fullmatch(self.api_key):
            raise _wrong("api_key", _shape(self.api_key, 2), "SK and 32 hexadecimal digits")
        if self.messaging_service_sid is not None and not _SERVICE.fullmatch(self.messaging_service_sid):
            raise _wrong(
                "messaging_service_sid", _shape(self.messaging_service_sid, 2), "MG and 32 hexadecimal digits"
            )

    def _check_urls(self) -> None:
        for field, url in (("public_url", self.public_url), ("base_url", self.base_url)):
            parts = urlsplit(url)
            is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
            if not is_safe or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
                raise _wrong(
                    field, _shape(url), "https:// with a host, no user, no query; http:// to this machine"
                )

    def _check_numbers(self) -> None:
        for field in ("caller_id", "whatsapp_from"):
            number = getattr(self, field)
            if number is not None and not _NUMBER.fullmatch(number):
                raise _wrong(field, "…", "a number in E.164, such as +12125550100")
        if self.sms_from is not None and not _SENDER.fullmatch(self.sms_from):
            raise _wrong("sms_from", "…", "a number, a short code, or a name of 1 to 11 letters and digits")


def _shape(text: str, shown: int = 8) -> str:
    """Return enough of a wrong value to find it: somebody may have put a secret there."""
    return f"{text[:shown]}… ({len(text)} characters)"


def _wrong(field: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(
        f"TwilioSettings.{field} ({ENVIRONMENT.get(field, 'no variable')})", value, allowed
    )
