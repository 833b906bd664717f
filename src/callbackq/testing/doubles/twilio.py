"""
`TwilioDouble`: a Twilio that is not there. It speaks the part of the REST API that is used here, and calls a web app.

Made from Twilio's documentation and the official package, not from recorded exchanges: there was no account.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from threading import Event, Lock
from types import TracebackType
from typing import Final, Self
from xml.etree import ElementTree as ET

import attrs

from callbackq.testing.doubles.mischief import HONEST, Mischief, Rates
from callbackq.testing.doubles.twilio_calls import Calls, DoubleCall, new_sid
from callbackq.testing.doubles.twilio_clock import DoubleClock
from callbackq.testing.doubles.twilio_post import Posted, Poster, WsgiApp
from callbackq.testing.doubles.twilio_rest import Answer, RestServer

ACCOUNT_SID: Final = "AC" + "0" * 31 + "1"
AUTH_TOKEN: Final = "0123456789abcdef" * 2
NUMBER: Final = "+15005550006"
TEXT_MAX: Final = 1_600
_PATH: Final = f"/2010-04-01/Accounts/{ACCOUNT_SID}"


@attrs.frozen(kw_only=True)
class DoubleMessage:
    """A message that was sent."""

    sid: str
    to: str
    from_: str
    body: str = attrs.field(repr=False)
    status_callback: str


@attrs.frozen(kw_only=True)
class Failure:
    """
    What the API does to a request instead of what it should.

    Args:
        status: the HTTP status, with Twilio's error *code*. 0: the connection is lost.
        done: whether what was asked for is done all the same.
        of: only requests whose path ends like this, such as `/Calls.json`; of any if empty.
        hangs_s: so long there is no answer, in real seconds.
    """

    status: int = 0
    code: int = 0
    done: bool = False
    of: str = ""
    hangs_s: float = 0.0


class TwilioDouble:
    """
    An account at a Twilio on this machine. Safe in threads; its time passes *speed* times as fast as ours.

    `environ` has what `TwilioSettings.from_env` reads. `serve` gives it your web app; else it is called over HTTP.
    Every phone rings until somebody does something, unless `answers_after_s` is set.

    Args:
        seed: of its misbehaviour. rates: how often events come twice, late, or shuffled; lost_ratio: or never.
        speed: how fast its time passes.
        text_max: so many characters may a message have.

    Attributes:
        unreachable: numbers whose phone never rings. refused: number -> error code with which it is refused.
        opted_out: numbers whose owners replied STOP. broken: numbers at which the connection is lost.
        answers_after_s: after so many seconds every phone is answered; None: by the test. talk_s: so long do two who
            were joined talk; None: until the test hangs up.
        logins: who may use the API, as `user:password`.
        answered_by: number -> who is found to have answered, such as `machine_start`.
        receipts: what becomes of each message that is sent.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        rates: Rates = HONEST,
        lost_ratio: float = 0.0,
        speed: float = 1.0,
        text_max: int = TEXT_MAX,
    ) -> None:
        self.unreachable: Final[set[str]] = set()
        self.refused: Final[dict[str, int]] = {}
        self.opted_out: Final[set[str]] = set()
        self.broken: Final[set[str]] = set()
        self.answers_after_s: float | None = None
        self.talk_s: float | None = None
        self.answered_by: Final[dict[str, str]] = {}
        self.logins: Final = {f"{ACCOUNT_SID}:{AUTH_TOKEN}"}
        self.receipts: tuple[str, ...] = ("sent", "delivered")
        self.messages: Final[list[DoubleMessage]] = []
        self.placed: Final[list[DoubleCall]] = []
        self.failures: Final[deque[Failure]] = deque()
        self.lost_ratio = lost_ratio
        self.lost_count = 0
        self._text_max: Final = text_max
        self._chance: Final = random.Random(seed)
        self._mischief = Mischief(seed, rates=rates)
        self._clock: Final = DoubleClock(speed)
        self._poster: Final = Poster(AUTH_TOKEN)
        self._calls: Final = Calls(self, self._clock)
        self._lock: Final = Lock()
        self._closed: Final = Event()
        self._rest: Final = RestServer(self._answer)

    # ------------------------------------------------------------------ for the test

    @property
    def base_url(self) -> str:
        """Where its REST API is."""
        return self._rest.url

    @property
    def posted(self) -> list[Posted]:
        """All that was sent to the web app."""
        return self._poster.posted

    def environ(self, public_url: str = "http://127.0.0.1/twilio") -> dict[str, str]:
        """Return the environment variables of an app that uses it."""
        return {
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_PUBLIC_URL": public_url,
            "TWILIO_CALLER_ID": NUMBER,
            "TWILIO_SMS_FROM": NUMBER,
            "TWILIO_WHATSAPP_FROM": NUMBER,
            "TWILIO_BASE_URL": self.base_url,
        }

    def serve(self, app: WsgiApp) -> None:
        """Give it the web app: it is called straight, whatever URL it has."""
        self._poster.app = app

    def call(self, leg_id: str) -> DoubleCall:
        """Return the first call of a leg."""
        return next(call for call in self.placed if call.leg_id == leg_id)

    def calls_count(self, leg_id: str) -> int:
        """Return how many calls there were of a leg."""
        return sum(call.leg_id == leg_id for call in self.placed)

    def answer(self, leg_id: str) -> None:
        """Let the phone be picked up."""
        self._calls.answer(self.call(leg_id))

    def be_busy(self, leg_id: str) -> None:
        """Let the phone be busy."""
        self._calls.finish(self.call(leg_id), "busy", sip="486")

    def reject(self, leg_id: str) -> None:
        """Let somebody decline."""
        self._calls.finish(self.call(leg_id), "busy", sip="603")

    def hang_up(self, leg_id: str) -> None:
        """Let somebody hang up."""
        self._calls.finish(self.call(leg_id), "completed")

    def part(self, leg_id: str) -> None:
        """Take a leg out of its conference, as the Console can. Both legs stay up."""
        self._calls.part(self.call(leg_id))

    def misbehave(self, seed: int, rates: Rates) -> None:
        """From now on, send events twice, late or shuffled."""
        with self._lock:
            self._mischief = Mischief(seed, rates=rates)

    def press(self, leg_id: str, digits: str) -> None:
        """Let somebody press keys, each as soon as it can be heard."""
        for digit in digits:
            self.settle()
            self._calls.press(self.call(leg_id), digit)

    def are_joined(self, one: str, other: str) -> bool:
        """Return whether two legs are in one conference."""
        room = self.call(one).room
        return room is not None and room is self.call(other).room

    def receive(self, number: str, text: str, *, public_url: str, to: str = NUMBER, **more: str) -> Posted:
        """Let a customer write a message, and return how the web app took it."""
        fields = {
            "MessageSid": new_sid("SM"),
            "AccountSid": ACCOUNT_SID,
            "From": number,
            "To": to,
            "Body": text,
            "NumMedia": "0",
            **more,
        }
        return self._poster.post(f"{public_url}/message", fields)

    def sign(self, url: str, fields: Mapping[str, str]) -> str:
        """Return the signature that Twilio would give a request."""
        return self._poster.sign(url, fields)

    def let_pass(self, seconds: float) -> None:
        """Let so many seconds of its time pass, and all happen that is due then."""
        self._clock.sleep(seconds)
        self.settle()

    def settle(self) -> None:
        """Wait until all has happened that is due."""
        self._clock.settle()
        if self._clock.failures:
            raise self._clock.failures.pop(0)

    def go_away(self) -> None:
        """Refuse connections to the REST API. Calls go on, and the web app is told."""
        self._rest.stop()

    def come_back(self) -> None:
        """Take connections again."""
        self._rest.start()

    def close(self) -> None:
        """End everything."""
        self._closed.set()
        self._rest.stop()
        self._clock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ what the calls need

    def call_fields(self, call: DoubleCall) -> dict[str, str]:
        """Return what is said of a call in every request."""
        return {
            "CallSid": call.sid,
            "AccountSid": ACCOUNT_SID,
            "From": call.from_,
            "To": call.to,
            "CallStatus": call.status,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
        }

    def send_event(self, url: str, fields: Mapping[str, str]) -> None:
        """Send an event: mostly now, and once."""
        with self._lock:
            if self._chance.random() < self.lost_ratio:
                self.lost_count += 1
                return
            times_s = self._mischief.times_s()
        for wait_s in times_s:
            # What is late is late in real time.
            self._clock.later(wait_s * self._clock.speed, lambda: self._post(url, fields))

    def ask(self, url: str, fields: Mapping[str, str]) -> list[ET.Element]:
        """Ask the web app what to do: nothing, if it cannot say, and that ends the call."""
        answer = self._poster.post(url, fields)
        if answer.status != 200 or not answer.body:
            return []
        return list(ET.fromstring(answer.body))

    def rings(self, call: DoubleCall) -> bool:
        """Whether there is a phone that rings."""
        return call.to not in self.unreachable

    def went_out(self, call: DoubleCall) -> None:
        """Answer it, if everybody does."""
        if self.answers_after_s is not None and self.rings(call):
            self._clock.later(self.answers_after_s, lambda: self._calls.answer(call))

    def talks(self, call: DoubleCall) -> None:
        """Let them talk for a while, if everybody does."""
        if self.talk_s is not None:
            self._clock.later(self.talk_s, lambda: self._calls.finish(call, "completed"))

    def ended(self, call: DoubleCall) -> None:
        """A call is over: the agent whom a live caller talked to goes on alone."""

    def detected(self, call: DoubleCall, url: str) -> None:
        """Say who answered."""
        if not call.is_over:
            fields = {
                "CallSid": call.sid,
                "AccountSid": ACCOUNT_SID,
                "AnsweredBy": self.answered_by.get(call.to, "human"),
                "MachineDetectionDuration": "2000",
            }
            self.send_event(url, fields)

    def dial_agent(self, call: DoubleCall, verb: ET.Element) -> None:
        """Connect a live caller: the agent answers, and hangs up after a while, unless the phone is unreachable."""
        address = (verb[0].text or "") if len(verb) else ""
        status = "no-answer" if address in self.unreachable else "completed"
        fields = self.call_fields(call) | {"DialCallStatus": status, "DialCallSid": new_sid("CA")}
        self._clock.later(1.0, lambda: self._agent_is_done(call, verb.get("action", ""), fields))

    def live_call(self, number: str) -> DoubleCall:
        """Let a customer call in, and wait in a queue of the host's; return the call."""
        call = DoubleCall(
            sid=new_sid("CA"), to=NUMBER, from_=number, fields={}, events=frozenset(), status="in-progress"
        )
        self._calls.by_sid[call.sid] = call
        return call

    # ------------------------------------------------------------------ the REST API

    def _answer(self, method: str, path: str, fields: Mapping[str, str], login: str | None) -> Answer | None:
        """Answer a request; None: the connection is lost."""
        # What is of the account itself is not for standard API keys.
        is_standard_key = login is not None and login.startswith("SK")
        if login not in self.logins or (is_standard_key and path == f"{_PATH}.json"):
            return _error(401, 20003, "Authenticate")
        failure = self._failure(path)
        if failure is not None and failure.hangs_s:
            self._closed.wait(failure.hangs_s)
        if failure is not None and not failure.done:
            return _error(failure.status, failure.code, "failed") if failure.status else None
        found = self._found(method, path, fields)
        if failure is not None:
            return _error(failure.status, failure.code, "failed") if failure.status else None
        return None if fields.get("To") in self.broken else found

    def _failure(self, path: str) -> Failure | None:
        with self._lock:
            if self.failures and path.endswith(self.failures[0].of):
                return self.failures.popleft()
        return None

    def _found(self, method: str, path: str, fields: Mapping[str, str]) -> Answer:
        if method == "GET" and path == f"{_PATH}.json":
            return Answer(200, {"sid": ACCOUNT_SID, "status": "active", "friendly_name": "double"})
        if method == "POST" and path == f"{_PATH}/Calls.json":
            return self._create_call(fields)
        if method == "POST" and path == f"{_PATH}/Messages.json":
            return self._create_message(fields)
        if path.startswith(f"{_PATH}/Calls/"):
            sid = path.removeprefix(f"{_PATH}/Calls/").removesuffix(".json")
            call = self._calls.by_sid.get(sid)
            if call is not None:
                return self._change_call(call, fields) if method == "POST" else _call_json(call, 200)
        return _error(404, 20404, "The requested resource was not found")

    def _create_call(self, fields: Mapping[str, str]) -> Answer:
        to = fields.get("To", "")
        if to in self.refused:
            return _error(400, self.refused[to], f"The number {to} is refused")
        call = DoubleCall(
            sid=new_sid("CA"),
            to=to,
            from_=fields.get("From", ""),
            fields=fields,
            events=frozenset(fields.get("StatusCallbackEvent", "completed").split()),
        )
        with self._lock:
            self.placed.append(call)
        self._calls.place(call)
        return _call_json(call, 201)

    def _change_call(self, call: DoubleCall, fields: Mapping[str, str]) -> Answer:
        if "Status" in fields:
            done = self._calls.end(call, fields["Status"])
        else:
            done = self._calls.redirect(call, twiml=fields.get("Twiml"), url=fields.get("Url"))
        if not done:
            return _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        return _call_json(call, 200)

    def _create_message(self, fields: Mapping[str, str]) -> Answer:
        to = fields.get("To", "")
        number = to.removeprefix("whatsapp:")
        if number in self.refused:
            code = self.refused[number]
            return _error(429 if code == 20429 else 400, code, f"The number {number} is refused")
        if number in self.opted_out:
            return _error(400, 21610, f"Attempt to send to unsubscribed recipient {number}")
        if len(fields.get("Body", "")) > self._text_max:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        message = DoubleMessage(
            sid=new_sid("SM"),
            to=to,
            from_=fields.get("From", "") or fields.get("MessagingServiceSid", ""),
            body=fields.get("Body", ""),
            status_callback=fields.get("StatusCallback", ""),
        )
        with self._lock:
            self.messages.append(message)
        for status in self.receipts if message.status_callback else ():
            self.send_receipt(message, status)
        return Answer(201, {"sid": message.sid, "status": "queued", "to": to})

    def send_receipt(
        self, message: DoubleMessage, status: str, *, code: int = 0, url: str | None = None
    ) -> None:
        """Tell the web app what became of a message; under another URL, if one is given."""
        fields = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "AccountSid": ACCOUNT_SID,
            "MessageStatus": status,
            "To": message.to,
            "From": message.from_,
        }
        self.send_event(url or message.status_callback, fields | ({"ErrorCode": str(code)} if code else {}))

    # ------------------------------------------------------------------ inside

    def _post(self, url: str, fields: Mapping[str, str]) -> None:
        self._poster.post(url, fields)

    def _agent_is_done(self, call: DoubleCall, action: str, fields: Mapping[str, str]) -> None:
        call.program = self.ask(action, fields)


def _call_json(call: DoubleCall, status: int) -> Answer:
    return Answer(status, {"sid": call.sid, "status": call.status, "to": call.to, "from": call.from_})


def _error(status: int, code: int, message: str) -> Answer:
    body = {"code": code, "message": message, "status": status}
    return Answer(status, body | {"more_info": f"https://www.twilio.com/docs/errors/{code}"})
