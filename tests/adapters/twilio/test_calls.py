"""What `TwilioTelephony` does beyond the contract: failures, crashes, detection, recordings, live callers."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.twilio.far_end import AGENTS, PUBLIC_URL, Recorder, TwilioFarEnd, settings_of
from callbackq import (
    AdapterError,
    AnsweredBy,
    AttemptNotFound,
    Bridge,
    CallbackService,
    Cause,
    ConfigurationError,
    DialRefused,
    DialUncertain,
    Dispatcher,
    HangUp,
    MemoryStore,
    Play,
    Prompt,
    QueuePolicy,
    Report,
    ReportKind,
    Role,
    StoreUnavailable,
    SystemClock,
    TelephonyDown,
)
from callbackq.adapters.connection import LoginRefused
from callbackq.adapters.twilio import TwilioTelephony, TwilioWebhooks
from callbackq.effects import ConnectCall
from callbackq.ids import AgentId, CallId, LegId
from callbackq.ports import CanReserve, CanSnapshot
from callbackq.testing.doubles.twilio import AUTH_TOKEN, Failure, TwilioDouble
from callbackq.testing.telephony_contract.base import (
    answered,
    both_answered,
    ended_once,
    joined,
    order,
    ringing,
)

SECOND = timedelta(seconds=1)


def dialed(end: TwilioFarEnd, leg_id: LegId) -> dict[str, str]:
    """Return what Twilio was asked for."""
    return dict(end.double.call(leg_id).fields)


def another_process(end: TwilioFarEnd, **telephony: Any) -> tuple[TwilioTelephony, Recorder]:
    """Put an adapter in the place of the one that there was: its process has died."""
    end.telephony.close()
    recorder = Recorder()
    settings = settings_of(end.double)
    fresh = TwilioTelephony(settings, agents=AGENTS, **telephony)
    fresh.attach(recorder)
    end.double.serve(TwilioWebhooks(settings, telephony=fresh))
    return fresh, recorder


# ---------------------------------------------------------------------------- what is asked for


def test_the_wishes_of_an_order_reach_twilio(end: TwilioFarEnd) -> None:
    """Caller id, ring time without Twilio's own five seconds, detection; the leg id stands in every URL."""
    wanted = attrs.evolve(order(end, ring_time=timedelta(seconds=30)), caller_id="+15005550009", detect=True)
    end.telephony.dial(wanted)
    asked = dialed(end, wanted.leg_id)
    assert asked["From"] == "+15005550009"
    assert asked["To"] == wanted.number
    assert asked["Timeout"] == "25"
    assert (asked["MachineDetection"], asked["AsyncAmd"]) == ("Enable", "true")
    assert asked["StatusCallbackEvent"] == "initiated ringing answered completed"
    for url in ("Url", "StatusCallback", "AsyncAmdStatusCallback"):
        assert wanted.leg_id in asked[url]
        assert asked[url].startswith(PUBLIC_URL)


def test_an_agent_may_be_a_number_a_sip_address_or_a_client(end: TwilioFarEnd) -> None:
    """By id, as the host says; whoever is in no list is refused, and nothing is dialed."""
    telephony, _ = another_process(end)
    for agent_id, address in AGENTS.items():
        wanted = attrs.evolve(order(end, role=Role.AGENT), agent_id=AgentId(agent_id))
        telephony.dial(wanted)
        assert dialed(end, wanted.leg_id)["To"] == address
        assert "MachineDetection" not in dialed(end, wanted.leg_id)
    with pytest.raises(DialRefused, match="agent nobody has no address"):
        telephony.dial(attrs.evolve(wanted, leg_id=LegId("leg_x"), agent_id=AgentId("nobody")))
    with pytest.raises(ConfigurationError, match="client:name"):
        TwilioTelephony(settings_of(end.double), agents={"dan": "extension 7"})


def test_the_host_may_say_how_a_customer_is_dialed(end: TwilioFarEnd) -> None:
    """A dial prefix and a route mean nothing to Twilio: the host makes an address of them."""
    telephony, _ = another_process(
        end, customers=lambda wanted: f"sip:{wanted.dial_prefix}{wanted.number}@{wanted.route}"
    )
    wanted = attrs.evolve(order(end), dial_prefix="9", route="trunk.example.com")
    telephony.dial(wanted)
    assert dialed(end, wanted.leg_id)["To"] == f"sip:9{wanted.number}@trunk.example.com"


def test_it_can_say_of_no_leg_that_it_is_gone() -> None:
    """Twilio keeps no leg id: a snapshot could not be honest."""
    assert not issubclass(TwilioTelephony, CanSnapshot)
    assert not issubclass(TwilioTelephony, CanReserve)


# ---------------------------------------------------------------------------- refused, lost, uncertain


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (13224, Cause.UNREACHABLE),
        (21211, Cause.INVALID_NUMBER),
        (21214, Cause.UNREACHABLE),
        (10004, Cause.CONGESTED),
        (32009, Cause.UNREACHABLE),
    ],
)
def test_a_refusal_says_what_is_known_of_the_number(end: TwilioFarEnd, code: int, cause: Cause) -> None:
    """It is reported before `DialRefused` is raised, so that nobody dials a wrong number again."""
    refused = order(end)
    end.double.refused[refused.number] = code
    with pytest.raises(DialRefused, match=f"error {code}") as caught:
        end.telephony.dial(refused)
    assert [report.cause for report in end.reports] == [cause]
    assert refused.number not in str(caught.value)


def test_a_refusal_of_the_account_says_nothing_of_the_number(end: TwilioFarEnd) -> None:
    """Such as a caller id that is not verified: the runner makes FAILED of it."""
    refused = order(end)
    end.double.refused[refused.number] = 21210
    with pytest.raises(DialRefused):
        end.telephony.dial(refused)
    assert not end.reports


def test_too_many_requests_is_congestion(end: TwilioFarEnd) -> None:
    """Certainly not placed, whatever Retry-After says: when to try again is the core's affair. It is asked once."""
    end.double.failures.append(Failure(status=429, code=20429))
    with pytest.raises(DialRefused, match="no more requests now"):
        end.telephony.dial(order(end))
    assert [report.cause for report in end.reports] == [Cause.CONGESTED]
    assert not end.double.placed


@pytest.mark.parametrize("status", [0, 408, 500, 503])
def test_a_lost_reply_is_uncertain(end: TwilioFarEnd, status: int) -> None:
    """The phone rings all the same: it is said as soon as Twilio says it, and the leg is not dialed again."""
    wanted = order(end)
    end.double.failures.append(Failure(status=status, done=True, of="/Calls.json"))
    with pytest.raises(DialUncertain, match="may have been done"):
        end.telephony.dial(wanted)
    end.double.settle()
    assert end.kinds(wanted.leg_id) == [ReportKind.RINGING]
    end.telephony.dial(wanted)
    assert end.calls_count(wanted.leg_id) == 1
    end.answer(wanted.leg_id)
    end.double.settle()
    end.telephony.hang_up(HangUp(leg_id=wanted.leg_id))
    assert ended_once(end, wanted.leg_id) is Cause.NORMAL


def test_a_lost_reply_and_no_call(end: TwilioFarEnd) -> None:
    """Nobody knows, and nobody says anything: the deadline of the attempt decides."""
    wanted = order(end)
    end.double.failures.append(Failure(of="/Calls.json"))
    with pytest.raises(DialUncertain):
        end.telephony.dial(wanted)
    end.telephony.hang_up(HangUp(leg_id=wanted.leg_id))
    end.let_pass(SECOND)
    assert not end.double.placed
    assert not end.reports


def test_hung_up_before_twilio_told_the_name(end: TwilioFarEnd) -> None:
    """It ends as soon as Twilio speaks of it."""
    wanted = order(end)
    end.double.unreachable.add(wanted.number)
    end.double.failures.append(Failure(done=True, of="/Calls.json"))
    end.double.lost_ratio = 1.0
    with pytest.raises(DialUncertain):
        end.telephony.dial(wanted)
    end.double.settle()
    end.telephony.hang_up(HangUp(leg_id=wanted.leg_id))
    assert end.is_live(wanted.leg_id)
    end.double.lost_ratio = 0.0
    end.answer(wanted.leg_id)
    ended_once(end, wanted.leg_id)
    assert ReportKind.ANSWERED not in end.kinds(wanted.leg_id)


def test_an_api_that_hangs_is_uncertain(end: TwilioFarEnd) -> None:
    """The wait is bounded, and the request is made once."""
    telephony = TwilioTelephony(
        settings_of(end.double, timeout=SECOND), agents=AGENTS, customers=lambda wanted: wanted.number
    )
    telephony.attach(Recorder())
    end.double.failures.append(Failure(hangs_s=30, of="/Calls.json"))
    with pytest.raises(DialUncertain, match="ReadTimeout"):
        telephony.dial(order(end))
    assert not end.double.placed
    telephony.close()


def test_picked_up_as_we_hang_up(end: TwilioFarEnd) -> None:
    """What is to be said is said to whoever was quicker than we were: nobody is cut off without a word."""
    leg_id = ringing(end)
    call = end.double.call(leg_id)
    call.status = "in-progress"  # Picked up, and nobody has heard of it yet.
    end.telephony.hang_up(HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT, text="We call again."))
    assert end.is_live(leg_id)
    url, fields = call.fields["Url"], end.double.call_fields(call)
    (said, _) = end.double.ask(url, fields)
    assert said.text == "We call again."
    end.hang_up(leg_id)
    ended_once(end, leg_id)
    assert ReportKind.ANSWERED not in end.kinds(leg_id)


# ---------------------------------------------------------------------------- credentials, connection


def test_an_api_key_may_log_in(end: TwilioFarEnd) -> None:
    """Instead of the auth token, which is still needed for signatures."""
    key = "SK" + "0" * 32
    end.double.logins.clear()
    end.double.logins.add(f"{key}:s3cret")
    telephony = TwilioTelephony(settings_of(end.double, api_key=key, api_secret="s3cret"), agents=AGENTS)
    telephony.attach(end.recorder)
    telephony.open()
    wanted = order(end)
    telephony.dial(wanted)
    assert end.wait_until(lambda: end.calls_count(wanted.leg_id) == 1)
    telephony.close()


def test_wrong_credentials_are_said_in_clear_words(
    end: TwilioFarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """When it is opened, and at a dial: which variables to compare; never what is in them. It is asked seldom."""
    wrong = "wrong-token-wrong-token-wrong-tok"
    telephony = TwilioTelephony(settings_of(end.double, auth_token=wrong), agents=AGENTS)
    recorder = Recorder()
    telephony.attach(recorder)
    with pytest.raises(LoginRefused, match="compare TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN") as caught:
        telephony.open()
    with caplog.at_level(logging.DEBUG), pytest.raises(DialRefused, match="TWILIO_AUTH_TOKEN"):
        telephony.dial(order(end))
    assert recorder.said == ["down"]
    assert not telephony.is_up
    assert not end.double.placed
    for shown in (str(caught.value), repr(caught.value), caplog.text, repr(telephony.settings)):
        assert wrong not in shown
        assert AUTH_TOKEN not in shown
    assert "Nobody is dialed until it answers" in caplog.text
    telephony.close()


def test_a_connection_that_is_refused(end: TwilioFarEnd, caplog: pytest.LogCaptureFixture) -> None:
    """Certainly not placed; the runner is told; it comes back by itself, and what was not ended then is ended."""
    leg_id = answered(end)
    end.double.go_away()
    with pytest.raises(DialRefused, match="cannot be reached"):
        end.telephony.dial(order(end))
    with pytest.raises(TelephonyDown):
        end.telephony.hang_up(HangUp(leg_id=leg_id))
    assert end.recorder.said == ["down"]
    assert end.is_live(leg_id)
    end.double.come_back()
    assert end.wait_until(lambda: end.telephony.is_up)
    assert end.recorder.said == ["down", "up"]
    ended_once(end, leg_id)
    assert caplog.text.count("cannot be reached") < 5


def test_two_are_joined_when_twilio_is_back(end: TwilioFarEnd) -> None:
    """What could certainly not be asked is asked again, and once: BRIDGED comes one time."""
    bridge = both_answered(end)
    end.double.go_away()
    with pytest.raises(TelephonyDown):
        end.telephony.bridge(bridge)
    end.double.come_back()
    assert end.wait_until(lambda: end.count(bridge.customer_leg_id, ReportKind.BRIDGED) == 1)
    end.telephony.refresh()
    end.let_pass(SECOND)
    assert end.are_joined(bridge.agent_leg_id, bridge.customer_leg_id)
    assert not end.count(bridge.customer_leg_id, ReportKind.UNBRIDGED)


def test_who_may_be_joined_is_not_moved_again(end: TwilioFarEnd) -> None:
    """The reply was lost: asking again would take them out of the conference in which they talk."""
    bridge = both_answered(end)
    end.double.failures.append(Failure(done=True))
    with pytest.raises(AdapterError):
        end.telephony.bridge(bridge)
    end.telephony.bridge(bridge)
    end.double.settle()
    assert end.count(bridge.customer_leg_id, ReportKind.BRIDGED) == 1
    end.telephony.refresh(quiet=timedelta(0))
    end.let_pass(SECOND)
    assert not end.count(bridge.customer_leg_id, ReportKind.UNBRIDGED)


def test_opened_without_a_connection() -> None:
    """It is no error: the runner is told, and told again when Twilio can be reached."""
    with TwilioDouble(speed=20) as double:
        double.go_away()
        recorder = Recorder()
        telephony = TwilioTelephony(settings_of(double), agents=AGENTS)
        telephony.attach(recorder)
        with telephony:
            assert recorder.said == ["down"]
            assert not telephony.is_up


# ---------------------------------------------------------------------------- what is missed


def test_events_that_are_lost_are_asked_for(end: TwilioFarEnd) -> None:
    """Of a leg that was silent for too long Twilio is asked, and what was missed is reported."""
    rings, talks = ringing(end), answered(end)
    end.double.lost_ratio = 1.0
    end.reject(rings)
    end.hang_up(talks)
    end.double.settle()
    assert end.telephony.refresh() == 0
    assert end.telephony.refresh(quiet=timedelta(0)) == 2
    assert ended_once(end, talks) is Cause.NORMAL
    assert ended_once(end, rings) is Cause.BUSY
    assert end.telephony.refresh(quiet=timedelta(0)) == 0


def test_an_end_that_was_lost_is_found_at_the_next_order(end: TwilioFarEnd) -> None:
    """Twilio says that the call is over: so it is looked at."""
    leg_id = answered(end)
    end.double.lost_ratio = 1.0
    end.hang_up(leg_id)
    end.telephony.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD, text="Hold."))
    assert end.wait_until(lambda: ReportKind.ENDED in end.kinds(leg_id))


def test_a_store_that_is_away_gets_its_reports_later(end: TwilioFarEnd) -> None:
    """In their order; and Twilio is not made to wait."""
    refusals = [StoreUnavailable("away"), StoreUnavailable("away")]
    taken: list[Report] = []

    class Away(Recorder):
        def report(self, report: Report) -> None:
            if refusals:
                raise refusals.pop()
            taken.append(report)

    end.telephony.attach(Away())
    wanted = order(end)
    end.telephony.dial(wanted)
    end.double.settle()
    end.reject(wanted.leg_id)
    assert end.wait_until(lambda: len(taken) == 2)
    assert [report.kind for report in taken] == [ReportKind.RINGING, ReportKind.ENDED]


# ---------------------------------------------------------------------------- another process


def test_a_leg_of_before_a_crash_is_known_again_by_its_url(end: TwilioFarEnd) -> None:
    """The new process learns of it as soon as Twilio speaks of it, and can do everything with it."""
    leg_id = answered(end)
    telephony, recorder = another_process(end)
    end.press(leg_id, "1")
    end.double.settle()
    assert [report.kind for report in recorder.reports] == [ReportKind.ANSWERED, ReportKind.DIGIT]
    telephony.dial(attrs.evolve(order(end), leg_id=leg_id))
    assert end.calls_count(leg_id) == 1
    telephony.hang_up(HangUp(leg_id=leg_id))
    end.double.settle()
    assert recorder.reports[-1].kind is ReportKind.ENDED
    telephony.close()


def test_a_leg_of_before_a_crash_that_is_to_end(end: TwilioFarEnd) -> None:
    """Nobody knows its name yet: it ends when it turns up."""
    rings, waits = ringing(end), answered(end)
    telephony, recorder = another_process(end)
    for leg_id in (rings, waits):
        telephony.hang_up(HangUp(leg_id=leg_id))
    end.answer(rings)
    end.press(waits, "1")
    for leg_id in (rings, waits):
        assert end.wait_until(lambda leg_id=leg_id: not end.is_live(leg_id))
    assert ReportKind.ANSWERED not in [report.kind for report in recorder.reports]
    telephony.close()


def test_a_leg_that_nobody_wants_hangs_up(end: TwilioFarEnd) -> None:
    """The service says so of a leg that no attempt has: it is told to hang up."""
    leg_id = answered(end)
    telephony, recorder = another_process(end)
    store = MemoryStore()
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    telephony.attach(recorder, service=service)
    end.press(leg_id, "1")
    end.double.settle()
    assert not end.is_live(leg_id)
    assert ReportKind.DIGIT not in [report.kind for report in recorder.reports]
    telephony.close()


def test_a_leg_that_rings_for_nobody_is_ended(end: TwilioFarEnd) -> None:
    """The runner has never heard of its attempt."""

    class Stranger(Recorder):
        def report(self, report: Report) -> None:
            raise AttemptNotFound(report.leg_id)

    end.telephony.attach(Stranger())
    wanted = order(end)
    end.telephony.dial(wanted)
    assert end.wait_until(lambda: end.calls_count(wanted.leg_id) == 1 and not end.is_live(wanted.leg_id))
    assert end.double.call(wanted.leg_id).status == "canceled"


# ---------------------------------------------------------------------------- who answered, recordings


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("human", AnsweredBy.HUMAN),
        ("machine_start", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.FAX),
        ("unknown", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered_is_detected(end: TwilioFarEnd, said: str, found: AnsweredBy) -> None:
    """A person, a machine, a fax, nobody knows: DETECTED, once, while the leg goes on."""
    wanted = attrs.evolve(order(end), detect=True)
    end.double.answered_by[wanted.number] = said
    end.telephony.dial(wanted)
    end.double.settle()
    end.answer(wanted.leg_id)
    assert end.wait_until(lambda: ReportKind.DETECTED in end.kinds(wanted.leg_id))
    detected = [report for report in end.reports if report.kind is ReportKind.DETECTED]
    assert [report.answered_by for report in detected] == [found]


def test_a_recording_is_of_the_conversation_and_has_a_name(end: TwilioFarEnd) -> None:
    """Where the order wishes for it. Its name comes with a report; a name that comes late comes alone."""
    legs = {}
    for role in Role:
        wanted = attrs.evolve(order(end, role=role), record=role is Role.CUSTOMER)
        end.telephony.dial(wanted)
        end.double.settle()
        end.answer(wanted.leg_id)
        end.double.settle()
        legs[role] = wanted.leg_id
    bridge = Bridge(
        attempt_id="at_recorded", agent_leg_id=legs[Role.AGENT], customer_leg_id=legs[Role.CUSTOMER]
    )
    end.telephony.bridge(bridge)
    end.let_pass(SECOND)
    end.hang_up(bridge.customer_leg_id)
    ended_once(end, bridge.customer_leg_id)
    names = {report.recording_id for report in end.reports if report.recording_id is not None}
    assert len(names) == 1
    assert names.pop().startswith("RE")


def test_a_recording_that_is_told_of_late(end: TwilioFarEnd) -> None:
    """After the end of both legs: the core keeps it, however late."""
    bridge = joined(end)
    for leg_id in (bridge.agent_leg_id, bridge.customer_leg_id):
        end.telephony.hang_up(HangUp(leg_id=leg_id))
        ended_once(end, leg_id)
    for _ in range(2):
        end.telephony.hearing.recorded(bridge, "RE1")
    said = [report for report in end.reports if report.recording_id == "RE1"]
    assert [report.kind for report in said] == [ReportKind.RINGING]


def test_no_recording_unless_it_is_wished_for(end: TwilioFarEnd) -> None:
    """Nothing is recorded by itself."""
    joined(end)
    assert not [posted for posted in end.double.posted if "RecordingSid" in posted.fields]


# ---------------------------------------------------------------------------- conferences


def test_bridged_only_when_both_are_in(end: TwilioFarEnd) -> None:
    """A reply of Twilio to our request says nothing; nor does one of the two."""
    bridge = both_answered(end)
    end.double.lost_ratio = 1.0
    end.telephony.bridge(bridge)
    end.double.settle()
    assert end.are_joined(bridge.agent_leg_id, bridge.customer_leg_id)
    assert not end.count(bridge.customer_leg_id, ReportKind.BRIDGED)
    hearing, sid = end.telephony.hearing, end.double.call(bridge.agent_leg_id).sid
    hearing.joined(bridge, bridge.agent_leg_id, room="CF1", number=1, sid=sid)
    assert not end.count(bridge.customer_leg_id, ReportKind.BRIDGED)
    other = end.double.call(bridge.customer_leg_id).sid
    hearing.joined(bridge, bridge.customer_leg_id, room="CF1", number=2, sid=other)
    assert end.count(bridge.customer_leg_id, ReportKind.BRIDGED) == 1


def test_a_leave_that_comes_before_its_join(end: TwilioFarEnd) -> None:
    """`SequenceNumber` says what happened last: who has left is not there."""
    bridge = both_answered(end)
    end.double.lost_ratio = 1.0
    hearing = end.telephony.hearing
    sids = {leg: end.double.call(leg).sid for leg in (bridge.agent_leg_id, bridge.customer_leg_id)}
    hearing.left(bridge, bridge.agent_leg_id, room="CF1", number=3)
    for number, leg_id in enumerate((bridge.agent_leg_id, bridge.customer_leg_id), start=1):
        hearing.joined(bridge, leg_id, room="CF1", number=number, sid=sids[leg_id])
    assert not end.count(bridge.customer_leg_id, ReportKind.BRIDGED)


def test_one_leaves_and_the_other_is_unbridged(end: TwilioFarEnd) -> None:
    """UNBRIDGED of who is still there, whoever goes; they are moved out of the conference, and hear of it."""
    for role in Role:
        bridge = joined(end)
        gone = bridge.agent_leg_id if role is Role.AGENT else bridge.customer_leg_id
        left = bridge.customer_leg_id if role is Role.AGENT else bridge.agent_leg_id
        end.hang_up(gone)
        assert end.wait_until(lambda left=left: end.count(left, ReportKind.UNBRIDGED) == 1)
        end.let_pass(SECOND)
        assert end.count(left, ReportKind.UNBRIDGED) == 1
        assert end.is_live(left)


def test_two_calls_of_one_leg(end: TwilioFarEnd) -> None:
    """Whatever went wrong: the one that came first is it, and the other one is ended."""
    leg_id = answered(end)
    other = order(end)
    end.telephony.dial(other)
    end.double.settle()
    stranger = end.double.call(other.leg_id)
    url = end.double.call(leg_id).fields["StatusCallback"]
    end.double.send_event(url, end.double.call_fields(stranger))
    assert end.wait_until(lambda: stranger.is_over)
    assert stranger.status == "canceled"
    assert end.is_live(leg_id)


# ---------------------------------------------------------------------------- live callers


def live_caller(end: TwilioFarEnd) -> tuple[TwilioTelephony, CallbackService, ConnectCall]:
    """Let a customer wait in line, and an agent be free; return the order to connect them."""
    telephony, recorder = another_process(end, waiting_url="https://pbx.example.com/queue")
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=SystemClock())
    telephony.attach(recorder, service=service)
    call = end.double.live_call("+12125550177")
    service.call_joined("support", call_id=call.sid, number=call.from_)
    service.agent_available("ann", queues=["support"])
    effects = Dispatcher(service).step(service.now())
    (wanted,) = [effect for effect in effects if isinstance(effect, ConnectCall)]
    return telephony, service, wanted


def test_a_live_caller_is_connected(end: TwilioFarEnd) -> None:
    """In the caller's own call; when the conversation is over the service is told, and the call ends."""
    telephony, service, wanted = live_caller(end)
    telephony.connect_call(wanted)
    end.let_pass(2 * SECOND)
    assert service.call(wanted.call_id).state == "ended"
    telephony.close()


def test_a_live_caller_whose_agent_does_not_answer(end: TwilioFarEnd) -> None:
    """Stands in line again, and goes on where your queue is."""
    telephony, service, wanted = live_caller(end)
    end.double.unreachable.add(AGENTS["ann"])
    telephony.connect_call(wanted)
    end.let_pass(2 * SECOND)
    assert service.call(wanted.call_id).state == "waiting"
    (answer,) = [posted.body for posted in end.double.posted if "DialCallStatus" in posted.fields]
    assert b"<Redirect>https://pbx.example.com/queue</Redirect>" in answer
    telephony.close()


def test_a_live_caller_who_cannot_be_connected(end: TwilioFarEnd) -> None:
    """No call of Twilio, no agent, no queue to go back to, or gone: an error, so that the caller keeps the place."""
    telephony, _, wanted = live_caller(end)
    for wrong in (
        attrs.evolve(wanted, call_id=CallId("c-1")),
        attrs.evolve(wanted, agent_id=AgentId("nobody")),
        attrs.evolve(wanted, call_id=CallId("CA" + "0" * 32)),
    ):
        with pytest.raises(AdapterError):
            telephony.connect_call(wrong)
    with pytest.raises(AdapterError, match="waiting_url"):
        end.telephony.connect_call(wanted)
    telephony.close()


def test_legs_that_never_were_are_forgotten(end: TwilioFarEnd) -> None:
    """After half an hour without a sound. Should one ring all the same, it is hung up when it is answered."""
    wanted = order(end)
    end.double.lost_ratio = 1.0
    end.double.failures.append(Failure(done=True, of="/Calls.json"))
    with pytest.raises(DialUncertain):
        end.telephony.dial(wanted)
    (line,) = end.telephony.lines.all()
    assert end.telephony.refresh() == 0
    line.heard_at_s -= 1_801
    assert end.telephony.refresh() == 0
    assert not end.telephony.lines.all()
    end.answer(wanted.leg_id)
    end.double.settle()
    assert not end.is_live(wanted.leg_id)
    assert not end.reports
