"""`TwilioWebhooks`: only what Twilio signed, once, in any order, and never an error."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from adapters.twilio.far_end import PUBLIC_URL, TwilioFarEnd, settings_of
from callbackq import HangUp, Report, ReportKind, StoreUnavailable
from callbackq.adapters.twilio import Request, TwilioSettings, TwilioTelephony, TwilioWebhooks
from callbackq.adapters.twilio.links import Links
from callbackq.adapters.twilio.webhooks import BODY_MAX
from callbackq.testing.doubles.twilio import AUTH_TOKEN, TwilioDouble
from callbackq.testing.doubles.twilio_post import environ_of
from callbackq.testing.telephony_contract.base import (
    answered,
    both_answered,
    ended_once,
    joined,
    order,
    ringing,
)

FORM = "application/x-www-form-urlencoded"


def request_of(
    double: TwilioDouble, url: str, fields: dict[str, str], *, token: str | None = None, **changes: Any
) -> Request:
    """Return a request as Twilio would send it, signed; *changes* are made on the way."""
    parts = urlsplit(url)
    signature = double.sign(url.partition("#")[0], fields) if token is None else token
    given: dict[str, Any] = {
        "method": "POST",
        "path": parts.path,
        "query": parts.query,
        "headers": {"X-Twilio-Signature": signature, "Content-Type": FORM, "Host": parts.netloc},
        "body": urlencode(fields).encode(),
    }
    return Request(**given | changes)


def status_of(end: TwilioFarEnd, leg_id: str, status: str, **more: str) -> tuple[str, dict[str, str]]:
    """Return the URL and the fields of an event of a leg."""
    call = end.double.call(leg_id)
    return call.fields["StatusCallback"], {**end.double.call_fields(call), "CallStatus": status, **more}


# ---------------------------------------------------------------------------- signatures


def test_what_twilio_signed_is_taken(end: TwilioFarEnd) -> None:
    """The event is reported, and the answer is empty."""
    leg_id = ringing(end)
    response = end.webhooks.handle(request_of(end.double, *status_of(end, leg_id, "in-progress")))
    assert (response.status, response.body) == (204, b"")
    assert end.kinds(leg_id)[-1] is ReportKind.ANSWERED


def test_what_nobody_signed_is_refused(end: TwilioFarEnd, caplog: pytest.LogCaptureFixture) -> None:
    """No signature, a wrong one, one for other fields or for another URL: 403, and nothing changes."""
    leg_id = ringing(end)
    url, fields = status_of(end, leg_id, "in-progress")
    right = end.double.sign(url.partition("#")[0], fields)
    others = [
        request_of(end.double, url, fields, headers={"Content-Type": FORM}),
        request_of(end.double, url, fields, token=""),
        request_of(end.double, url, fields, token="AAAA"),
        request_of(end.double, url, fields, token="\u0661" * 28),
        request_of(end.double, url, fields, token="A" * 10_000),
        request_of(end.double, url, {**fields, "CallStatus": "completed"}, token=right),
        request_of(end.double, url.replace(leg_id, "leg_other"), fields, token=right),
        request_of(end.double, url.replace("/status", "/voice"), fields, token=right),
    ]
    with caplog.at_level(logging.DEBUG):
        for forged in others:
            assert end.webhooks.handle(forged).status == 403
    assert end.kinds(leg_id) == [ReportKind.RINGING]
    assert len([record for record in caplog.records if "not signed by Twilio" in record.message]) == 4
    for secret in (AUTH_TOKEN, right, fields["To"]):
        assert secret not in caplog.text


def test_a_request_that_is_sent_again_changes_nothing(end: TwilioFarEnd) -> None:
    """Events, keys and answers that were recorded and are played back: they were heard before."""
    leg_id = answered(end)
    end.press(leg_id, "1")
    end.double.settle()
    end.telephony.hang_up(HangUp(leg_id=leg_id))
    ended_once(end, leg_id)
    before = list(end.reports)
    for posted in list(end.double.posted):
        again = request_of(end.double, posted.url, dict(posted.fields))
        assert end.webhooks.handle(again).status in (200, 204)
    assert end.reports == before


def test_keys_that_are_sent_again_are_pressed_once(end: TwilioFarEnd) -> None:
    """Also while the leg is there."""
    leg_id = answered(end)
    end.press(leg_id, "5")
    end.double.settle()
    (posted,) = [posted for posted in end.double.posted if "Digits" in posted.fields]
    for _ in range(3):
        end.webhooks.handle(request_of(end.double, posted.url, dict(posted.fields)))
    assert end.count(leg_id, ReportKind.DIGIT) == 1


@pytest.mark.parametrize("path", ["/status", "/callbackq/twilio/status", "/inner/v2/status/"])
def test_behind_a_proxy(path: str) -> None:
    """`public_url` decides which URL was signed, whatever host, port and path arrive."""
    with TwilioDouble() as double:
        public = "https://pbx.example.com:8443/callbackq/twilio"
        settings = TwilioSettings.from_env(double.environ(public))
        telephony = TwilioTelephony(settings, agents={})
        webhooks = TwilioWebhooks(settings, telephony=telephony)
        fields = {"CallSid": "CA1", "CallStatus": "ringing"}
        url = f"{public}/status?leg=leg_1&role=agent"
        headers = {
            "X-Twilio-Signature": double.sign(url, fields),
            "Host": "10.0.0.7:8080",
            "X-Forwarded-Proto": "ftp",
        }
        inner = request_of(double, url, fields, path=path, headers=headers)
        assert webhooks.handle(inner).status == 204
        elsewhere = url.replace("pbx.example.com", "10.0.0.7")
        assert webhooks.handle(request_of(double, elsewhere, fields)).status == 403
        telephony.close()


def test_a_port_may_be_signed_or_not() -> None:
    """Twilio is not consistent about it; the official validator knows both."""
    with TwilioDouble() as double:
        webhooks = TwilioWebhooks(TwilioSettings.from_env(double.environ("https://pbx.example.com/t")))
        for url in ("https://pbx.example.com/t/message", "https://pbx.example.com:443/t/message"):
            assert webhooks.handle(request_of(double, url, {"Body": "x"})).status == 200


# ---------------------------------------------------------------------------- order, repetition


def test_events_in_any_order(end: TwilioFarEnd) -> None:
    """What is told backwards is reported as it can have been: one answer, one end, nothing after it."""
    leg_id = ringing(end)
    for status in ("completed", "in-progress", "ringing", "initiated", "completed", "busy"):
        end.webhooks.handle(request_of(end.double, *status_of(end, leg_id, status)))
    assert end.kinds(leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.ENDED]


def test_an_event_of_a_conference_without_a_label(end: TwilioFarEnd) -> None:
    """The leg is known by its call; a call of somebody else's is nobody's."""
    bridge = both_answered(end)
    end.double.lost_ratio = 1.0
    end.telephony.bridge(bridge)
    url = Links(PUBLIC_URL, overrides="").conference(bridge)
    sids = [end.double.call(leg_id).sid for leg_id in (bridge.agent_leg_id, bridge.customer_leg_id)]
    for number, sid in enumerate(["CA" + "0" * 32, *sids]):
        fields = {"ConferenceSid": "CF1", "CallSid": sid, "SequenceNumber": str(number)}
        fields["StatusCallbackEvent"] = "participant-join"
        assert end.webhooks.handle(request_of(end.double, url, fields)).status == 204
    assert end.count(bridge.customer_leg_id, ReportKind.BRIDGED) == 1


def test_a_store_that_is_away_makes_twilio_try_a_message_again(end: TwilioFarEnd) -> None:
    """503, which `callback_overrides` tells Twilio to try again, with the same idempotency token."""

    class Away:
        left = 2

        def message_received(self, _inbound: object) -> None:
            if self.left:
                self.left -= 1
                raise StoreUnavailable("away")

        def delivery(self, _report: object) -> None: ...

    webhooks = TwilioWebhooks(settings_of(end.double), runner=Away(), queue="support")
    end.double.serve(webhooks)
    taken = end.double.receive("+12125550101", "STOP", public_url=PUBLIC_URL)
    assert taken.status == 503
    url, fields = f"{PUBLIC_URL}/message", dict(taken.fields)
    assert webhooks.handle(request_of(end.double, url, fields)).status == 503
    assert webhooks.handle(request_of(end.double, url, fields)).status == 200


# ---------------------------------------------------------------------------- hostile


def test_what_is_no_request_of_twilio(end: TwilioFarEnd) -> None:
    """Each is refused by its own status, before its signature is looked at."""
    url, fields = f"{PUBLIC_URL}/status?leg=x&role=agent", {"CallSid": "CA1"}
    wrong = {
        404: {"path": "/nothing"},
        405: {"method": "GET"},
        413: {"body": b"x" * (BODY_MAX + 1)},
        415: {"headers": {"Content-Type": "application/json"}},
        400: {"body": b"\xff\xfe"},
    }
    for status, change in wrong.items():
        assert end.webhooks.handle(request_of(end.double, url, fields, **change)).status == status
    many = b"&".join(b"a%d=1" % n for n in range(300))
    assert end.webhooks.handle(request_of(end.double, url, fields, body=many)).status == 400
    assert end.webhooks.handle(request_of(end.double, url, fields, body=None)).status == 413


def test_nothing_that_is_signed_raises(end: TwilioFarEnd) -> None:
    """Five hundred requests by a seed, of Twilio's fields with nonsense in them: never 500, and no nonsense on."""
    chance = random.Random(5)
    leg_id = joined(end).customer_leg_id
    nonsense = [
        "",
        "0",
        "-1",
        "9" * 400,
        "\x00",
        "\u0661",
        "../..",
        "CA1",
        "in-progress",
        "machine_start",
        "7",
        leg_id,
    ]
    names = [
        "CallSid",
        "CallStatus",
        "Digits",
        "AnsweredBy",
        "SequenceNumber",
        "SipResponseCode",
        "ErrorCode",
    ]
    names += [
        "ConferenceSid",
        "ParticipantLabel",
        "StatusCallbackEvent",
        "RecordingSid",
        "MessageStatus",
        "From",
    ]
    keys = ["leg", "role", "key", "played", "left", "attempt", "agent", "customer", "send", "channel", "call"]
    ends = ["voice", "status", "keys", "amd", "conference", "recording", "dialed", "message", "receipt"]
    for _ in range(500):
        query = {key: chance.choice([*nonsense, "agent", "customer"]) for key in chance.sample(keys, 5)}
        fields = {name: chance.choice(nonsense) for name in chance.sample(names, 6)}
        url = f"{PUBLIC_URL}/{chance.choice(ends)}?{urlencode(query)}"
        response = end.webhooks.handle(request_of(end.double, url, fields))
        assert response.status in (200, 204, 404), (url, fields)
    known = {report.leg_id for report in end.reports if report.kind is ReportKind.DIGIT}
    assert all(set(report.digits or "") <= set("0123456789*#ABCD") for report in end.reports)
    assert known <= {*nonsense, *keys, leg_id, "agent", "customer"}


def test_a_bug_is_a_500_and_its_text_goes_nowhere(
    end: TwilioFarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever breaks inside: the type and the place are logged."""
    url, fields = f"{PUBLIC_URL}/message", {"MessageSid": "SM1", "From": "+12125550101"}

    class Broken:
        def message_received(self, _inbound: object) -> None:
            raise ZeroDivisionError("+12125550101")

        delivery = message_received

    webhooks = TwilioWebhooks(settings_of(end.double), runner=Broken(), queue="support")
    response = webhooks.handle(request_of(end.double, url, fields))
    assert response.status == 500
    assert "ZeroDivisionError at" in caplog.text
    assert "+12125550101" not in caplog.text + response.body.decode()


def test_a_leg_without_telephony(end: TwilioFarEnd) -> None:
    """An app that takes messages only answers calls with nothing to do, and knows no events."""
    webhooks = TwilioWebhooks(settings_of(end.double))
    leg = "?leg=leg_1&role=agent"
    for endpoint, status in (("voice", 200), ("keys", 200), ("status", 404), ("amd", 404), ("receipt", 404)):
        url = f"{PUBLIC_URL}/{endpoint}{leg}"
        assert webhooks.handle(request_of(end.double, url, {"CallSid": "CA1"})).status == status


# ---------------------------------------------------------------------------- faces


def test_wsgi(end: TwilioFarEnd) -> None:
    """A body that is too long, or has no length that can be read, is not read."""
    url, fields = f"{PUBLIC_URL}/status?leg=leg_1&role=agent", {"CallSid": "CA1", "CallStatus": "ringing"}
    headers = {"X-Twilio-Signature": end.double.sign(url, fields), "Content-Type": FORM}
    seen: list[str] = []

    def start(status: str, _headers: object, *_more: object) -> Any:
        seen.append(status)

    environ = environ_of(url, urlencode(fields).encode(), headers)
    for length in (environ["CONTENT_LENGTH"], str(BODY_MAX + 1), "-3", "many"):
        environ["CONTENT_LENGTH"] = length
        end.webhooks(environ, start)
    assert seen == ["204 No Content", *["413 Request Entity Too Large"] * 3]


def test_asgi(end: TwilioFarEnd) -> None:
    """The body comes in parts; a body that is too long is refused; a lifespan is answered."""
    url, fields = f"{PUBLIC_URL}/voice?leg=leg_1&role=agent", {"CallSid": "CA1", "CallStatus": "in-progress"}
    body = urlencode(fields).encode()

    async def ask(parts: list[bytes], kind: str = "http") -> list[MutableMapping[str, Any]]:
        sent: list[MutableMapping[str, Any]] = []
        left = list(parts)

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": left.pop(0) if left else b"", "more_body": bool(left)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        split = urlsplit(url)
        scope = {
            "type": kind,
            "method": "POST",
            "path": split.path,
            "query_string": split.query.encode(),
            "headers": [
                (b"x-twilio-signature", end.double.sign(url, fields).encode()),
                (b"content-type", FORM.encode()),
            ],
        }
        await end.webhooks.asgi(scope, receive, send)
        return sent

    start, answer = asyncio.run(ask([body[:5], body[5:]]))
    assert start["status"] == 200
    assert b"<Gather" in answer["body"]
    assert asyncio.run(ask([b"x" * BODY_MAX] * 3))[0]["status"] == 413
    assert asyncio.run(ask([], "lifespan"))[0]["type"] == "lifespan.startup.complete"


def test_over_http(end: TwilioFarEnd) -> None:
    """The same over a socket, with the server of the standard library: a call rings, and is answered."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_args: object) -> None: ...

    reports: list[Report] = []
    server = make_server("127.0.0.1", 0, None, handler_class=Quiet)
    public = f"http://127.0.0.1:{server.server_port}/twilio"
    with TwilioDouble(speed=20) as double:
        settings = TwilioSettings.from_env(double.environ(public))
        telephony = TwilioTelephony(settings, agents={})
        webhooks = TwilioWebhooks(settings, telephony=telephony)

        class Board:
            def report(self, report: Report) -> None:
                reports.append(report)

            def telephony_down(self) -> None: ...

            def telephony_up(self, snapshot: object = None) -> None: ...

        telephony.attach(Board())
        server.set_app(webhooks)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        wanted = order(end)
        telephony.dial(wanted)
        double.settle()
        double.answer(wanted.leg_id)
        double.settle()
        double.hang_up(wanted.leg_id)
        double.settle()
        server.shutdown()
        thread.join()
        server.server_close()
        telephony.close()
    assert [report.kind for report in reports] == [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.ENDED]
