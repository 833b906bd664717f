"""The REST API of Twilio, through the official package: what is asked, and what a failure means."""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from callbackq.adapters.connection import LoginRefused
from callbackq.adapters.twilio.needed import missing
from callbackq.adapters.twilio.settings import BASE_URL, TwilioSettings
from callbackq.errors import AdapterError

try:
    from requests import exceptions as http
    from requests.adapters import HTTPAdapter
    from twilio.base.exceptions import TwilioException
    from twilio.http.http_client import TwilioHttpClient
    from twilio.http.response import Response
    from twilio.rest import Client
    from urllib3.exceptions import ClosedPoolError, NewConnectionError
except ModuleNotFoundError as error:
    raise missing(error) from None

T = TypeVar("T")

UNKNOWN_LOGIN: Final = 20003
"""Twilio's error code for credentials that it does not know."""
NO_SUCH_THING: Final = 20404
"""Twilio's error code for what is not there."""
WRONG_STATE: Final = 21220
"""Twilio's error code for a change to a call that is over, or rings yet."""
_POOL_MAX: Final = 64
_NO_CALL: Final = "CA" + "0" * 32
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_IDLE_MAX_S: Final = 30.0
"""A connection that was idle for so long is not used again: who cut it meanwhile may have done so in silence."""
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_UNAUTHORIZED: Final = 401
_TIMEOUT: Final = 408
_UNAVAILABLE: Final = 503
_SERVER: Final = 500


class TwilioUnreachable(AdapterError):
    """The API cannot be reached: the request was certainly not sent."""

    retry_safe = True


class TwilioUnsure(AdapterError):
    """The request was sent, and no answer came that can be understood: nobody knows whether it was done."""


class TwilioRefused(AdapterError):
    """
    The API refused: certainly nothing was done.

    `status` is that of HTTP; `code` is Twilio's own, None where it gave none.
    """

    retry_safe = True

    def __init__(self, status: int, code: int | None) -> None:
        self.status = status
        self.code = code
        super().__init__(_words(status, code))

    @property
    def is_login(self) -> bool:
        """Whether it is about the credentials."""
        return self.status == _UNAUTHORIZED or self.code == UNKNOWN_LOGIN

    @property
    def is_gone(self) -> bool:
        """Whether what was to be changed is over, or never was."""
        return self.status == _NOT_FOUND or self.code == WRONG_STATE

    @property
    def is_busy(self) -> bool:
        """Whether it is about too many requests at once, or a service that is away: later it may be taken."""
        return self.status in (_TOO_MANY, _UNAVAILABLE)

    @property
    def problem(self) -> str:
        """The code, for history."""
        return str(self.code or self.status)


def _words(status: int, code: int | None) -> str:
    named = f"HTTP {status}" + (f", error {code}" if code else "")
    if status == _UNAUTHORIZED or code == UNKNOWN_LOGIN:
        return (
            f"Twilio knows no such account, or another token ({named}): compare TWILIO_ACCOUNT_SID and "
            "TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET, with the console. Nothing was done"
        )
    if status == _TOO_MANY:
        return f"Twilio takes no more requests now ({named}). Nothing was done; it may be tried again later"
    about = f"; https://www.twilio.com/docs/api/errors/{code}" if code else ""
    return f"Twilio refused ({named}). Nothing was done{about}"


@attrs.frozen(kw_only=True)
class CallFacts:
    """A call as the API has it."""

    sid: str
    status: str


class _Http(TwilioHttpClient):
    """The package's own client, without its log, which shows numbers, and pointed to where the API is."""

    def __init__(self, settings: TwilioSettings) -> None:
        quiet = logging.Logger("callbackq.twilio.http")
        quiet.disabled = True
        super().__init__(timeout=settings.timeout.total_seconds(), logger=quiet)
        self._base_url: Final = settings.base_url.rstrip("/")
        self._used_at_s = time.monotonic()
        if self.session is not None:
            # Nothing is tried twice, and a connection for each thread of a runner is kept.
            adapter = HTTPAdapter(pool_maxsize=_POOL_MAX, max_retries=0)
            self.session.mount("https://", adapter)
            self.session.mount("http://", adapter)

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:
        if self._base_url != BASE_URL:
            url = self._base_url + "/" + url.partition("://")[2].partition("/")[2]
        idle_s, self._used_at_s = time.monotonic() - self._used_at_s, time.monotonic()
        if self.session is not None and idle_s > _IDLE_MAX_S:
            self.session.close()  # A dial into a dead connection would be uncertain, and nobody called for long.
        return super().request(method, url, *args, **more)


class TwilioApi:
    """
    What callbackq asks of Twilio. Safe in threads; each request is tried once.

    Every method raises `TwilioUnreachable`, `TwilioUnsure` or `TwilioRefused`, and nothing else. Their texts hold no
    number and no secret.
    """

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings: Final = settings
        self._http: Final = _Http(settings)
        self._client: Final = Client(
            settings.api_key or settings.account_sid,
            settings.api_secret or settings.auth_token,
            settings.account_sid,
            http_client=self._http,
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        session = self._http.session
        if session is not None:
            session.close()

    def create_call(self, **parameters: Any) -> str:
        """Place a call; return its SID. The API knows no idempotency key: twice is two calls."""
        return _asked(lambda: _sid_of(self._client.calls.create(**parameters).sid))

    def update_call(self, sid: str, **parameters: Any) -> bool:
        """Change a call that is there. False: it is over, or not answered."""
        try:
            _asked(lambda: self._client.calls(sid).update(**parameters))
        except TwilioRefused as error:
            if error.is_gone:
                return False
            raise
        return True

    def fetch_call(self, sid: str) -> CallFacts | None:
        """Return a call as it is now; None: there is none."""
        try:
            found = _asked(lambda: self._client.calls(sid).fetch())
        except TwilioRefused as error:
            if error.is_gone:
                return None
            raise
        return CallFacts(sid=sid, status=str(found.status))

    def create_message(self, **parameters: Any) -> str:
        """Send a message; return its SID. Twice is two messages."""
        return _asked(lambda: _sid_of(self._client.messages.create(**parameters).sid))

    def check(self) -> None:
        """
        See whether the API answers, and knows the account.

        Raises:
            LoginRefused: it knows no such account, or another token.
            TwilioUnreachable, TwilioUnsure, TwilioRefused: as always.
        """
        try:
            # A standard API key may not see the account itself: "another token", Twilio would say of it. So a call is
            # asked for that there is not.
            _asked(lambda: self._client.calls(_NO_CALL).fetch())
        except TwilioRefused as error:
            if error.is_login:
                raise LoginRefused(str(error)) from None
            if error.code != NO_SUCH_THING:
                raise


def _asked(ask: Callable[[], T]) -> T:
    """Return what the API answers. Errors of the package name numbers and URLs, and go no further."""
    try:
        return ask()
    except TwilioException as error:
        raise _answer(error) from None
    except Exception as error:
        name = type(error).__name__
        if _was_never_sent(error):
            raise TwilioUnreachable(f"Twilio cannot be reached ({name}). Nothing was done") from None
        raise TwilioUnsure(f"no answer came from Twilio ({name}): it may have been done") from None


def _answer(error: TwilioException) -> AdapterError:
    """Say what an answer that is an error means."""
    status: object = getattr(error, "status", None)
    code: object = getattr(error, "code", None)
    if not isinstance(status, int):
        return TwilioUnsure(f"no answer came from Twilio ({type(error).__name__}): it may have been done")
    # Where an answer has no code, the package takes the status for it.
    own = code if isinstance(code, int) and code != status else None
    # A 503 without a code is not of Twilio, but of something in between, which may have passed the request on.
    if status == _TIMEOUT or (status >= _SERVER and (status != _UNAVAILABLE or not own)):
        return TwilioUnsure(f"Twilio failed (HTTP {status}): it may have been done")
    return TwilioRefused(status, own)


def _sid_of(sid: object) -> str:
    """Return Twilio's name of something. Raises: ValueError: the answer has none, so that nobody knows."""
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise ValueError("an answer without a SID")
    return sid


def _was_never_sent(error: Exception) -> bool:
    """Whether the connection was not made, so that certainly nothing was done."""
    if isinstance(error, http.ConnectTimeout | http.InvalidURL | http.InvalidSchema):
        return True
    if not isinstance(error, http.ConnectionError):
        return False
    cause: object = error.args[0] if error.args else None
    reason: object = getattr(cause, "reason", cause)
    if isinstance(error, http.SSLError):
        return _is_about_certificate(reason)
    if isinstance(error, http.ProxyError):
        # urllib3 1.26 calls so whatever breaks behind a proxy, also after the request was sent.
        reason = getattr(reason, "original_error", reason)
        return isinstance(reason, NewConnectionError) or str(reason).startswith("Tunnel connection failed")
    return isinstance(reason, NewConnectionError | ClosedPoolError)


def _is_about_certificate(reason: object) -> bool:
    found = reason.args[0] if isinstance(reason, Exception) and reason.args else reason
    return isinstance(found, ssl.SSLCertVerificationError)
