"""`TwilioWebhooks`: what Twilio calls. One handler without a framework, and thin faces for WSGI and ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs

from callbackq.adapters.twilio import links
from callbackq.adapters.twilio.forms import Form, Signatures, call_event, call_sid
from callbackq.adapters.twilio.mail import Mailbox
from callbackq.adapters.twilio.script import twiml
from callbackq.effects import Bridge
from callbackq.errors import CallbackqError, Conflict, StoreError
from callbackq.ids import AttemptId, LegId
from callbackq.masking import without_text
from callbackq.model import Role

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from callbackq.adapters.twilio.hearing import Hearing
    from callbackq.adapters.twilio.settings import TwilioSettings
    from callbackq.adapters.twilio.telephony import TwilioTelephony

logger = logging.getLogger("callbackq")

BODY_MAX: Final = 64 * 1024
"""A request with a longer body is refused, in bytes."""

_FORM: Final = "application/x-www-form-urlencoded"
_XML: Final = "text/xml; charset=utf-8"
_PLAIN: Final = "text/plain; charset=utf-8"
_JOINED: Final = "participant-join"
_LEFT: Final = "participant-leave"
_CLOSED: Final = "conference-end"
_RECORDED: Final = frozenset({"in-progress", "completed"})


@attrs.frozen(kw_only=True)
class Request:
    """
    A request as any framework has it.

    Args:
        method: such as `POST`. path: only its last part counts. query: as it came, not decoded.
        headers: by their names, in any case.
        body: as it came; None where it is longer than `BODY_MAX`.
    """

    method: str
    path: str
    query: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    body: bytes | None = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Response:
    """What to answer."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class TwilioWebhooks:
    """
    Takes what Twilio sends: events of calls, questions what to do next, conferences, keys, messages, receipts.

    Every request must be signed by Twilio for `public_url`; any other is refused with 403, and changes nothing. Events
    may come twice, late, and in another order. It never raises. It is a WSGI application, and `asgi` an ASGI one; of
    another framework give `handle` its requests. Mount it where `public_url` leads; only the last part of the path
    counts. Safe in threads.

    Args:
        settings: the account. telephony: whose legs are spoken of; None: only messages come here.
        runner: who is told of messages and receipts: a `ThreadRunner` or an `AsyncRunner`; None: nobody.
        queues: to which queue a number of yours belongs that customers write to; queue: the one of all other numbers.
            A message to a number without a queue is left alone.
    """

    def __init__(
        self,
        settings: TwilioSettings,
        *,
        telephony: TwilioTelephony | None = None,
        runner: object | None = None,
        queues: Mapping[str, str] | None = None,
        queue: str | None = None,
    ) -> None:
        found = links.Links(settings.public_url, overrides=settings.callback_overrides)
        self._signatures: Final = Signatures(settings.auth_token, found)
        self._telephony: Final = telephony
        self._mailbox: Final = (
            Mailbox(runner, queues=queues or {}, queue=queue) if runner is not None else None
        )
        self._refused_count = 0
        self._endpoints: Final[Mapping[str, Callable[[Form, Form], Response]]] = {
            links.VOICE: self._voice,
            links.STATUS: self._status,
            links.KEYS: self._keys,
            links.AMD: self._amd,
            links.CONFERENCE: self._conference,
            links.RECORDING: self._recording,
            links.DIALED: self._dialed,
            links.MESSAGE: self._message,
            links.RECEIPT: self._receipt,
        }

    # ------------------------------------------------------------------ the handler

    def handle(self, request: Request) -> Response:
        """
        Answer one request. Never raises. Blocks as long as a store takes for one transaction.

        Returns:
            200 with TwiML, or 204; 403: not signed by Twilio; 404: no such endpoint; 405, 413, 415, 400: it is no
            request of Twilio; 503: the store could not take it, and Twilio may try again.
        """
        try:
            return self._handle(request)
        except (StoreError, Conflict) as error:
            logger.warning("Twilio is told to try again: %s", type(error).__name__)
            return _words(HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception as error:
            logger.error("a request of Twilio was not taken: %s", without_text(error))  # noqa: TRY400
            return _words(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _handle(self, request: Request) -> Response:
        name = request.path.rstrip("/").rpartition("/")[2]
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return _words(HTTPStatus.NOT_FOUND)
        headers = {key.lower(): value for key, value in request.headers.items()}
        problem = _problem(request, headers)
        if problem is not None:
            return _words(problem)
        try:
            form = Form.read((request.body or b"").decode("utf-8"))
            query = Form.read(request.query)
        except (ValueError, UnicodeError):
            return _words(HTTPStatus.BAD_REQUEST)
        if not self._signatures.are_right(name, request.query, form, headers):
            self._log_refused(name)
            return _words(HTTPStatus.FORBIDDEN)
        return endpoint(query, form)

    def _log_refused(self, endpoint: str) -> None:
        self._refused_count += 1
        if self._refused_count & (self._refused_count - 1) == 0:  # The 1st, 2nd, 4th, 8th … time.
            logger.warning(
                "a request to /%s was refused: it is not signed by Twilio with TWILIO_AUTH_TOKEN for TWILIO_PUBLIC_URL "
                "(%d so far)",
                endpoint,
                self._refused_count,
            )

    # ------------------------------------------------------------------ calls

    def _voice(self, query: Form, form: Form) -> Response:
        leg, hearing = self._leg(query), self._hearing()
        if leg is None or hearing is None:
            return _xml(twiml())
        played, left = query.short("played") or None, query.short("left") or None
        return _xml(hearing.voice(*leg, call_event(form), played=played, left=left))

    def _keys(self, query: Form, form: Form) -> Response:
        leg, hearing = self._leg(query), self._hearing()
        if leg is None or hearing is None:
            return _xml(twiml())
        return _xml(
            hearing.keys(
                *leg,
                call_event(form),
                form.short("Digits"),
                key=query.short("key"),
                played=query.short("played") or None,
            )
        )

    def _status(self, query: Form, form: Form) -> Response:
        leg, hearing = self._leg(query), self._hearing()
        if leg is None or hearing is None:
            return _words(HTTPStatus.NOT_FOUND)
        hearing.status(*leg, call_event(form))
        return _NOTED

    def _amd(self, query: Form, form: Form) -> Response:
        leg, hearing = self._leg(query), self._hearing()
        if leg is None or hearing is None:
            return _words(HTTPStatus.NOT_FOUND)
        hearing.detected(*leg, call_event(form))
        return _NOTED

    def _conference(self, query: Form, form: Form) -> Response:
        bridge, hearing = _bridge(query), self._hearing()
        if bridge is None or hearing is None:
            return _words(HTTPStatus.NOT_FOUND)
        room, number = form.short("ConferenceSid"), form.number("SequenceNumber")
        event, sid = form.short("StatusCallbackEvent"), call_sid(form)
        leg_id = hearing.leg_in(bridge, LegId(form.short("ParticipantLabel")), sid)
        if event == _CLOSED:
            hearing.closed(bridge, room=room)
        elif leg_id is None:
            return _NOTED
        elif event == _JOINED:
            hearing.joined(bridge, leg_id, room=room, number=number, sid=sid)
        elif event == _LEFT:
            hearing.left(bridge, leg_id, room=room, number=number)
        return _NOTED

    def _recording(self, query: Form, form: Form) -> Response:
        bridge, hearing = _bridge(query), self._hearing()
        sid = form.short("RecordingSid")
        if bridge is not None and hearing is not None and sid and form.short("RecordingStatus") in _RECORDED:
            hearing.recorded(bridge, sid)
        return _NOTED

    def _dialed(self, query: Form, form: Form) -> Response:
        if self._telephony is None:
            return _xml(twiml())
        try:
            document = self._telephony.call_dialed(
                query.short("call"),
                dial_status=form.short("DialCallStatus"),
                is_over=form.short("CallStatus") == "completed",
            )
        except CallbackqError as error:
            if isinstance(error, StoreError | Conflict):
                raise
            document = twiml()
        return _xml(document)

    def _hearing(self) -> Hearing | None:
        return self._telephony.hearing if self._telephony is not None else None

    @staticmethod
    def _leg(query: Form) -> tuple[LegId, Role] | None:
        leg_id, role = query.short("leg"), query.short("role")
        return (LegId(leg_id), Role(role)) if leg_id and role in tuple(Role) else None

    # ------------------------------------------------------------------ messages

    def _message(self, _query: Form, form: Form) -> Response:
        if self._mailbox is not None:
            self._mailbox.received(form)
        return _xml(twiml())

    def _receipt(self, query: Form, form: Form) -> Response:
        is_known = self._mailbox is not None and self._mailbox.receipt(query, form)
        return _NOTED if is_known else _words(HTTPStatus.NOT_FOUND)

    # ------------------------------------------------------------------ faces

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application (PEP 3333)."""
        response = self.handle(_from_wsgi(environ))
        status = HTTPStatus(response.status)
        headers = [*response.headers, ("Content-Length", str(len(response.body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [response.body]

    async def asgi(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer as an ASGI application. The work is done in a thread: the loop waits for no store."""
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        if scope["type"] != "http":
            return
        request = await _from_asgi(scope, receive)
        if request is None:
            return
        response = await asyncio.to_thread(self.handle, request)
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


_NOTED: Final = Response(status=HTTPStatus.NO_CONTENT.value)


def _xml(document: str) -> Response:
    return Response(headers=(("Content-Type", _XML),), body=document.encode())


def _words(status: HTTPStatus) -> Response:
    return Response(status=status.value, headers=(("Content-Type", _PLAIN),), body=status.phrase.encode())


def _problem(request: Request, headers: Mapping[str, str]) -> HTTPStatus | None:
    """Return what is wrong with a request, before anybody reads what it says."""
    if request.method != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    if request.body is None or len(request.body) > BODY_MAX:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if headers.get("content-type", _FORM).partition(";")[0].strip().lower() != _FORM:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    return None


def _bridge(query: Form) -> Bridge | None:
    attempt, agent, customer = query.short("attempt"), query.short("agent"), query.short("customer")
    if not (attempt and agent and customer):
        return None
    return Bridge(attempt_id=AttemptId(attempt), agent_leg_id=LegId(agent), customer_leg_id=LegId(customer))


def _from_wsgi(environ: WSGIEnvironment) -> Request:
    length = environ.get("CONTENT_LENGTH") or "0"
    is_number = length.isascii() and length.isdigit() and len(length) <= 9
    body: bytes | None = None
    if is_number and int(length) <= BODY_MAX:
        body = environ["wsgi.input"].read(int(length))
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") and isinstance(value, str)
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return Request(
        method=environ.get("REQUEST_METHOD", ""),
        path=environ.get("PATH_INFO", ""),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=body,
    )


async def _from_asgi(
    scope: Mapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
) -> Request | None:
    """Return a request; None: whoever sent it has gone before its end."""
    body, is_too_long = bytearray(), False
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            is_too_long = True
        if is_too_long or not message.get("more_body", False):
            break
    return Request(
        method=scope.get("method", ""),
        path=scope.get("path", ""),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())},
        body=None if is_too_long else bytes(body),
    )
