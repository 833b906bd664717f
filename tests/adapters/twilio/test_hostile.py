"""What a hostile internet, a clumsy host and a bad moment do to the adapter: nobody called twice, nothing stuck."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import pytest
from requests import exceptions as http
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ClosedPoolError, MaxRetryError, NewConnectionError, ProxyError

from adapters.twilio.far_end import AGENTS, PUBLIC_URL, Recorder, TwilioFarEnd, settings_of
from callbackq import (
    AdapterError,
    AnsweredBy,
    CallbackService,
    ConfigurationError,
    DialRefused,
    HangUp,
    Report,
    ReportKind,
    Role,
    StoreUnavailable,
)
from callbackq.adapters.connection import LoginRefused
from callbackq.adapters.twilio import Request, TwilioSettings, TwilioTelephony, TwilioWebhooks
from callbackq.adapters.twilio import api as api_module
from callbackq.adapters.twilio.api import TwilioApi, TwilioUnreachable, TwilioUnsure
from callbackq.adapters.twilio.chores import Chores
from callbackq.adapters.twilio.hearing import CallEvent
from callbackq.adapters.twilio.lines import Line
from callbackq.adapters.twilio.telling import Teller
from callbackq.ids import LegId
from callbackq.testing.doubles.twilio import AUTH_TOKEN, Failure, TwilioDouble
from callbackq.testing.telephony_contract.base import answered, both_answered, joined, order, ringing

SECOND = timedelta(seconds=1)
NOW = timedelta(0)


class Away(Recorder):
    """A runner whose store is away for so many reports."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.left = refusals

    def report(self, report: Report) -> None:
        """Keep a report, if the store is there."""
        if self.left:
            self.left -= 1
            raise StoreUnavailable("away")
        super().report(report)


@pytest.fixture
def api() -> TwilioApi:
    """An API at a place where nobody listens."""
    return TwilioApi(
        TwilioSettings(
            account_sid="AC" + "0" * 32,
            auth_token="s3cret",
            public_url=PUBLIC_URL,
            base_url="http://localhost:1",
        )
    )


# ---------------------------------------------------------------------------- was it placed?


def broken_behind_a_proxy(error: Exception) -> Exception:
    """Return what `requests` raises of an error on the way to, or behind, a proxy."""
    pool = cast("ConnectionPool", None)
    return http.ProxyError(MaxRetryError(pool, "/", ProxyError("Cannot connect to proxy.", error)))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (broken_behind_a_proxy(ConnectionResetError()), TwilioUnsure),
        (broken_behind_a_proxy(NewConnectionError(cast("Any", None), "refused")), TwilioUnreachable),
        (broken_behind_a_proxy(OSError("Tunnel connection failed: 407")), TwilioUnreachable),
        (http.ConnectionError(ClosedPoolError(cast("Any", None), "closed")), TwilioUnreachable),
        (http.ConnectionError(ConnectionResetError()), TwilioUnsure),
        (http.ReadTimeout(), TwilioUnsure),
    ],
)
def test_only_what_was_never_sent_is_certainly_not_done(
    api: TwilioApi, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    """A proxy in between may have passed the request on before anything broke."""

    def fail(*_args: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(TwilioHttpClient, "request", fail)
    with pytest.raises(kind):
        api.create_call(to="+12125550101", from_="+12125550100")


@pytest.mark.parametrize("body", ["{}", '{"sid": null}', '{"sid": "../x"}', "[]", "<html>"])
def test_an_answer_without_a_sid_is_uncertain(
    api: TwilioApi, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """A name that is none would make the true call a stranger, to be hung up."""
    monkeypatch.setattr(TwilioHttpClient, "request", lambda *_, **__: Response(201, body))
    for create in (api.create_call, api.create_message):
        with pytest.raises(TwilioUnsure):
            create(to="+12125550101", from_="+12125550100")


def test_a_connection_that_was_idle_is_not_used_again(
    end: TwilioFarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may have cut it in silence: the next dial would be uncertain, and nobody called for long."""
    closed: list[str] = []
    monkeypatch.setattr(HTTPAdapter, "close", lambda _adapter: closed.append("closed"))
    ringing(end)
    assert not closed
    monkeypatch.setattr(api_module, "_IDLE_MAX_S", 0.0)
    ringing(end)
    assert closed


def test_a_host_that_cannot_say_whom_to_dial(end: TwilioFarEnd) -> None:
    """Its function is wrong: certainly nobody was called, and the customer is in no doubt."""

    def customers(_order: object) -> str:
        raise KeyError("+12125550101")

    telephony = TwilioTelephony(settings_of(end.double), agents=AGENTS, customers=customers)
    with pytest.raises(DialRefused, match="KeyError") as caught:
        telephony.dial(order(end))
    assert "2125550101" not in str(caught.value)
    assert not end.double.placed


@pytest.mark.parametrize("is_refused", [False, True])
def test_hung_up_while_it_is_being_dialed(
    end: TwilioFarEnd, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    """Nobody knew its name yet: it ends as soon as the reply tells it, or Twilio can do that, and does not ring on."""
    create = TwilioApi.create_call
    wanted = order(end)

    def create_slowly(api: TwilioApi, **parameters: Any) -> str:
        sid = create(api, **parameters)
        end.telephony.hang_up(HangUp(leg_id=wanted.leg_id))
        if is_refused:
            end.double.failures.append(Failure(status=500))
        return sid

    monkeypatch.setattr(TwilioApi, "create_call", create_slowly)
    end.double.lost_ratio = 1.0
    end.telephony.dial(wanted)
    if is_refused:
        assert end.wait_until(lambda: not end.double.failures)
        (line,) = end.telephony.lines.all()
        line.heard_at_s -= 16  # Twilio was silent for so long.
        end.telephony.refresh()
    assert end.wait_until(lambda: end.double.call(wanted.leg_id).status == "canceled")


def test_what_was_detected_is_said_once(end: TwilioFarEnd) -> None:
    """Also where Twilio says it again, and something else."""
    leg_id = answered(end)
    sid = end.double.call(leg_id).sid
    for said in ("machine_start", "human"):
        end.telephony.hearing.detected(leg_id, Role.CUSTOMER, CallEvent(sid=sid, answered_by=said))
    found = [report.answered_by for report in end.reports if report.kind is ReportKind.DETECTED]
    assert found == [AnsweredBy.MACHINE]


def test_only_keys_are_keys(end: TwilioFarEnd) -> None:
    """What a telephone has no key for is left out, and a page of keys is cut."""
    leg_id = answered(end)
    event = CallEvent(sid=end.double.call(leg_id).sid, status="in-progress")
    for key, digits in (("a", "1x\u0663 #"), ("b", "<Say>"), ("c", "7" * 1_000)):
        end.telephony.hearing.keys(leg_id, Role.CUSTOMER, event, digits, key=key)
    assert [report.digits for report in end.reports if report.digits is not None] == ["1#", "7" * 32]


# ---------------------------------------------------------------------------- nothing gets stuck


def test_a_standard_api_key_may_not_see_the_account(end: TwilioFarEnd) -> None:
    """Twilio says "another token" of one that asks for it; dialing works all the same, so that is not asked."""
    key = "SK" + "0" * 32
    end.double.logins.add(f"{key}:s3cret")
    with TwilioTelephony(
        settings_of(end.double, api_key=key, api_secret="s3cret"), agents=AGENTS
    ) as telephony:
        assert telephony.is_up
    wrong = TwilioTelephony(settings_of(end.double, api_key=key, api_secret="other"), agents=AGENTS)
    with pytest.raises(LoginRefused), wrong:
        pass


def test_opened_again_while_twilio_is_away(end: TwilioFarEnd) -> None:
    """Without a probe the runner would wait for ever, and with it every deadline."""
    telephony = end.telephony
    end.double.go_away()
    with pytest.raises(DialRefused):
        telephony.dial(order(end))
    telephony.close()
    telephony.open()
    end.double.come_back()
    assert end.wait_until(lambda: telephony.is_up)
    end.double.go_away()
    with pytest.raises(DialRefused):
        telephony.dial(order(end))
    telephony.close()
    end.double.come_back()
    telephony.open()
    assert telephony.is_up
    assert end.recorder.said == ["down", "down", "up", "down", "up"]


def test_a_report_does_not_wait_for_the_api(end: TwilioFarEnd) -> None:
    """An API that hangs holds up what is asked of it, and not what the store is told."""
    leg_id, stranger = answered(end), ringing(end)
    runner = Away(1)
    end.telephony.attach(runner)
    end.double.failures.append(Failure(hangs_s=30, of=f"{end.double.call(stranger).sid}.json"))
    end.telephony.hearing._ends(end.double.call(stranger).sid)
    end.hang_up(leg_id)
    assert end.wait_until(lambda: bool(runner.reports))
    assert end.is_live(stranger)
    end.double.close()


def test_reports_that_the_store_never_took_are_named(
    end: TwilioFarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """At the end they are given once more; what is lost is in the log, without a number."""
    wanted = ringing(end)
    end.telephony.attach(Away(1_000_000))
    end.answer(wanted)
    end.double.settle()
    end.telephony.close()
    assert f"answered of {wanted} is lost" in caplog.text
    end.hang_up(wanted)
    end.double.settle()
    assert f"ended of {wanted} is lost" in caplog.text


def test_nothing_overtakes_what_the_store_could_not_take() -> None:
    """An end that came before the conversation would be read as a call that nobody took."""
    due: list[Callable[[], object]] = []

    class Later:
        is_closed = False

        def later(self, _wait_s: float, chore: Callable[[], object]) -> None:
            due.append(chore)

    runner = Away(1)
    teller = Teller(cast("Chores", Later()), nobody_has=lambda _leg_id: None)
    teller.attach(runner)
    kinds = [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.ENDED]
    for kind in kinds:
        teller.tell(Report(leg_id=LegId("leg_1"), kind=kind))
    assert not runner.reports
    (again,) = due
    again()
    assert [report.kind for report in runner.reports] == kinds


def test_a_leg_is_heard_though_somebody_ended_the_thread() -> None:
    """Whoever was telling is gone; who comes next tells the rest."""
    line, told = Line(LegId("leg_1"), Role.AGENT), list[ReportKind]()

    def tell(report: Report) -> None:
        if not told:
            told.append(report.kind)
            raise SystemExit
        told.append(report.kind)

    for kind in (ReportKind.RINGING, ReportKind.ANSWERED):
        line.note(lambda kind=kind: Report(leg_id=line.leg_id, kind=kind))
        if told:
            line.give(tell)
        else:
            with pytest.raises(SystemExit):
                line.give(tell)
    assert told == [ReportKind.RINGING, ReportKind.ANSWERED]


def test_a_chore_cannot_end_the_thread() -> None:
    """Not even by `sys.exit`; and after `close` chores are taken again when it is opened."""
    chores, done = Chores("chores"), threading.Event()

    def leave() -> None:
        raise SystemExit

    chores.later(0, leave)
    chores.later(0, done.set)
    assert done.wait(5)
    chores.close()
    done.clear()
    chores.later(0, done.set)
    chores.open()
    chores.later(0, done.set)
    assert done.wait(5)
    chores.close()


# ---------------------------------------------------------------------------- joining


@pytest.mark.parametrize(
    "failure", [Failure(done=True), Failure(status=429, code=20429), Failure(status=500)], ids=str
)
def test_the_second_is_joined_though_the_first_was_in_doubt(end: TwilioFarEnd, failure: Failure) -> None:
    """Nobody is alone in a conference until a deadline: whoever was not told is told later."""
    bridge = both_answered(end)
    end.double.failures.append(failure)
    with pytest.raises(AdapterError):
        end.telephony.bridge(bridge)
    end.double.settle()
    end.telephony.refresh(quiet=NOW)
    if failure.code:  # Certainly not told: they are told again, and need not ask.
        end.let_pass(SECOND)
    else:
        end.let_pass(25 * SECOND)  # They ask every 20 s what to do.
    assert end.are_joined(bridge.agent_leg_id, bridge.customer_leg_id)
    assert end.count(bridge.customer_leg_id, ReportKind.BRIDGED) == 1


def test_joins_that_are_told_after_the_end_of_the_conference(end: TwilioFarEnd) -> None:
    """They were earlier: nobody hears anybody."""
    bridge = both_answered(end)
    end.double.lost_ratio = 1.0
    hearing = end.telephony.hearing
    hearing.closed(bridge, room="CF1")
    for number, leg_id in enumerate((bridge.agent_leg_id, bridge.customer_leg_id), start=1):
        hearing.joined(bridge, leg_id, room="CF1", number=number, sid=end.double.call(leg_id).sid)
    assert not end.count(bridge.customer_leg_id, ReportKind.BRIDGED)


def test_parted_though_no_event_says_so(end: TwilioFarEnd) -> None:
    """Whoever is out of the conference asks what to do, and that says it: once, whoever asks first."""
    bridge = joined(end)
    end.double.lost_ratio = 1.0
    end.part(bridge.agent_leg_id)
    pair = (bridge.agent_leg_id, bridge.customer_leg_id)
    assert end.wait_until(lambda: any(end.count(leg_id, ReportKind.UNBRIDGED) for leg_id in pair))
    end.let_pass(SECOND)
    assert sum(end.count(leg_id, ReportKind.UNBRIDGED) for leg_id in pair) == 1
    assert all(end.double.call(leg_id).room is None for leg_id in pair), "somebody is alone in silence"


def test_a_leg_of_before_a_crash_that_rings_and_is_called_off(end: TwilioFarEnd) -> None:
    """It is ended at the first word of it, and not when somebody picks up."""
    leg_id = ringing(end)
    call = end.double.call(leg_id)
    end.telephony.close()
    settings = settings_of(end.double)
    with TwilioTelephony(settings, agents=AGENTS) as telephony:
        telephony.attach(Recorder())
        end.double.serve(TwilioWebhooks(settings, telephony=telephony))
        telephony.hang_up(HangUp(leg_id=leg_id))
        end.double.send_event(call.fields["StatusCallback"], end.double.call_fields(call))
        assert end.wait_until(lambda: call.is_over)
    assert call.status == "canceled"


def test_nobody_is_cut_off_because_the_store_is_away(end: TwilioFarEnd) -> None:
    """A leg of before a crash asks what to do, and nobody can say whether it is wanted: it waits."""

    class AwayService:
        def leg_is_wanted(self, _leg_id: str) -> bool:
            raise StoreUnavailable("away")

    leg_id = answered(end)
    end.telephony.close()
    settings = settings_of(end.double)
    with TwilioTelephony(settings, agents=AGENTS) as telephony:
        telephony.attach(Recorder(), service=cast("CallbackService", AwayService()))
        end.double.serve(TwilioWebhooks(settings, telephony=telephony))
        end.press(leg_id, "1")
        end.double.settle()
        assert end.is_live(leg_id)


def test_hung_up_while_two_are_joined(end: TwilioFarEnd) -> None:
    """The bridge is in doubt, and one is called off: the other is not joined to nobody."""
    bridge = both_answered(end)
    end.double.failures.append(Failure(status=429, code=20429))
    with pytest.raises(AdapterError):
        end.telephony.bridge(bridge)
    end.telephony.hang_up(HangUp(leg_id=bridge.customer_leg_id))
    end.double.settle()
    end.telephony.refresh(quiet=NOW)
    end.double.settle()
    assert not end.is_live(bridge.customer_leg_id)
    assert not end.count(bridge.customer_leg_id, ReportKind.BRIDGED)


# ---------------------------------------------------------------------------- requests, settings


def test_a_request_that_is_broken_off_is_none(end: TwilioFarEnd, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sent it has gone: nothing is answered, and nobody is accused of a forged signature."""
    sent: list[object] = []
    parts = [
        {"type": "http.request", "body": b"CallSid=", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> MutableMapping[str, Any]:
        return parts.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/twilio/status", "query_string": b"", "headers": ()}
    asyncio.run(end.webhooks.asgi(scope, receive, send))
    assert not sent
    assert "not signed" not in caplog.text


def test_a_signature_may_cover_the_fragment(end: TwilioFarEnd) -> None:
    """Twilio's documentation leaves open whether what stands after `#` is signed; our own fragment only."""
    leg_id = ringing(end)
    call = end.double.call(leg_id)
    url, fields = call.fields["StatusCallback"], {**end.double.call_fields(call), "CallStatus": "in-progress"}
    plain, _, fragment = url.partition("#")
    assert fragment
    for signed, status in ((f"{plain}#rc=9", 403), (url, 204)):
        parts = urlsplit(plain)
        request = Request(
            method="POST",
            path=parts.path,
            query=parts.query,
            headers={"X-Twilio-Signature": end.double.sign(signed, fields)},
            body=urlencode(fields).encode(),
        )
        assert end.webhooks.handle(request).status == status
    assert end.kinds(leg_id)[-1] is ReportKind.ANSWERED


@pytest.mark.parametrize("changes", [{"auth_token": AUTH_TOKEN + "\n"}, {"account_sid": AUTH_TOKEN}])
def test_a_token_that_was_copied_badly(changes: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """With a line end, or into the wrong variable: it is refused, and next to nothing of it is shown."""
    with (
        TwilioDouble() as double,
        caplog.at_level(logging.DEBUG),
        pytest.raises(ConfigurationError) as caught,
    ):
        settings_of(double, **changes)
    assert AUTH_TOKEN[:4] not in str(caught.value) + repr(caught.value) + caplog.text
