"""`TwilioTelephony`: legs as calls at Twilio."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from callbackq.adapters.legs import LegBook, why
from callbackq.adapters.twilio.api import TwilioApi, TwilioRefused, TwilioUnreachable, TwilioUnsure
from callbackq.adapters.twilio.chores import Chores
from callbackq.adapters.twilio.hearing import CallEvent, Hearing
from callbackq.adapters.twilio.lines import Line, Lines
from callbackq.adapters.twilio.links import Links
from callbackq.adapters.twilio.reach import Reach
from callbackq.adapters.twilio.script import Join, Leave, Script, Speak, Wait, Wish, go_on, hang_up
from callbackq.adapters.twilio.settings import TwilioSettings
from callbackq.adapters.twilio.telling import Teller, TwilioRunner
from callbackq.causes import TWILIO_ERRORS
from callbackq.effects import Bridge, ConnectCall, Dial, HangUp, Play, Prompt, SendDigits, StopPlay
from callbackq.errors import (
    AdapterError,
    ConfigurationError,
    Conflict,
    DialRefused,
    DialUncertain,
    StoreError,
    TelephonyDown,
)
from callbackq.ids import AgentId, LegId
from callbackq.model import Cause, Role
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

REFUSALS: Final[Mapping[int, Cause]] = {
    10004: Cause.CONGESTED,
    20429: Cause.CONGESTED,
    20503: Cause.CONGESTED,
    21211: Cause.INVALID_NUMBER,
    21214: Cause.UNREACHABLE,
    21217: Cause.INVALID_NUMBER,
}
"""
Twilio's error code of a call that it refused to place -> what that means of the number; see also `TWILIO_ERRORS`.

Any other code is of the account or its settings, and means FAILED: nothing is learned of the customer.
"""

_CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")
_ADDRESS: Final = re.compile(r"\+[1-9]\d{6,14}|sips?:\S+@\S+|client:\S+")
_DIGITS: Final = re.compile(r"[0-9*#wW]+")
_INLINE_MAX: Final = 4_000
_RING_BUFFER_S: Final = 5
_RING_MAX_S: Final = 600
_WATCH_EVERY_S: Final = 15.0
_QUIET_RINGING_S: Final = 30.0
_LOOK_SOON_S: Final = 1.0
_END_AGAIN_S: Final = 15.0
_NEVER_PLACED_S: Final = 1_800.0
"""A leg of which nobody knows whether it was placed, and of which nothing was heard for so long, never was."""


class TwilioTelephony:
    """
    Places legs as calls of a Twilio account; `TwilioWebhooks` brings what becomes of them. Safe in threads.

    A leg that was answered waits in a `<Gather>`, so that keys are heard; two legs are joined in a conference that has
    the name of their attempt. Twilio's REST API has no idempotency key and keeps nothing of ours with a call, so that
    a leg id is dialed once by remembering it, and travels in the URLs that Twilio calls. There is no snapshot, for the
    same reason: Twilio cannot say which call belongs to which leg, and so deadlines decide after a crash.

    Args:
        settings: the account. agents: the address of each agent: a number in E.164, `sip:…` or `client:…`; or a
            function that returns it, or None. It is asked at each dial.
        customers: returns what is dialed for a customer; `order.number` unless given. An order's `dial_prefix` and
            `route` mean nothing to Twilio: read them here.
        sounds: URLs of sound files for prompts; what has none is spoken. voice: which voice speaks.
        waiting_url: the TwiML of your queue, for a live caller whose agent did not answer; `connect_call` needs it.

    Use it as a context manager, or call `open` and `close`; call `attach` before.

    Raises:
        ConfigurationError: the settings have no `caller_id`; or an agent's address is none.
    """

    def __init__(
        self,
        settings: TwilioSettings,
        *,
        agents: Mapping[str, str] | Callable[[AgentId], str | None],
        customers: Callable[[Dial], str] | None = None,
        sounds: Mapping[Prompt, str] | None = None,
        voice: str | None = None,
        waiting_url: str | None = None,
    ) -> None:
        if settings.caller_id is None:
            raise ConfigurationError(
                "TwilioSettings.caller_id (TWILIO_CALLER_ID)", None, "a number of the account"
            )
        self._settings: Final = settings
        self._agents: Final = agents if callable(agents) else _addresses(agents).get
        self._customers: Final = customers
        self._waiting_url: Final = waiting_url
        self._api: Final = TwilioApi(settings)
        self._links: Final = Links(settings.public_url, overrides=settings.callback_overrides)
        self._script: Final = Script(self._links, sounds=sounds or {}, voice=voice)
        self._book: Final = LegBook()
        self._lines: Final = Lines()
        self._chores: Final = Chores("callbackq-twilio")
        # Reports do not wait for what is asked of Twilio.
        self._reports: Final = Chores("callbackq-twilio-reports")
        self._teller: Final = Teller(self._reports, nobody_has=self._nobody_has)
        self._hearing: Final = Hearing(
            self._book,
            self._lines,
            self._script,
            self._teller,
            ends=self._end_later,
            is_wanted=self._is_wanted,
        )
        self._reach: Final = Reach(self._api, self._chores, self._teller, came_back=self._catch_up)
        self._service: CallbackService | None = None
        self._lock: Final = Lock()
        self._is_watching = False

    # ------------------------------------------------------------------ opening and closing

    @property
    def settings(self) -> TwilioSettings:
        """The account."""
        return self._settings

    @property
    def hearing(self) -> Hearing:
        """Where `TwilioWebhooks` brings what Twilio says."""
        return self._hearing

    @property
    def lines(self) -> Lines:
        """What is known of the calls of the legs that are not over."""
        return self._lines

    @property
    def is_up(self) -> bool:
        """Whether the API was reached at the last try."""
        return self._reach.is_up

    def attach(self, runner: TwilioRunner, *, service: CallbackService | None = None) -> None:
        """
        Say who is told what happens: a `ThreadRunner` or an `AsyncRunner`.

        Args:
            service: is asked whether a leg is wanted that is not known here, such as one of before a restart, and told
                how a live caller fared. Without it every such leg is kept until its deadline.
        """
        self._teller.attach(runner)
        self._service = service

    def open(self) -> None:
        """
        See whether the API answers and knows the account. Starting without a connection is no error: it is tried again.

        Raises:
            LoginRefused: the account is not known, or it is another token.
        """
        for chores in (self._chores, self._reports):
            chores.open()
        self._teller.open()
        self._reach.open()
        self._watch()

    def close(self) -> None:
        """Ask Twilio nothing more. Calls go on. It may be opened again."""
        for chores in (self._chores, self._reports):
            chores.close()
        self._teller.close()
        self._api.close()
        with self._lock:
            self._is_watching = False

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ orders

    def dial(self, order: Dial) -> None:
        """
        Place one leg. A leg id is dialed once, also after its end.

        Raises:
            DialRefused: certainly not placed: Twilio said no, or could not be reached, or the agent has no address.
            DialUncertain: sent, and no answer came.
        """
        address = self._address(order)
        if not self._book.begin(order.leg_id, role=order.role):
            return
        ring_s = _ring_s(order.ring_time)
        line = self._lines.open(
            Line(
                order.leg_id,
                order.role,
                attempt_id=order.attempt_id,
                record=order.record,
                quiet_max_s=ring_s + _QUIET_RINGING_S,
            )
        )
        self._watch()
        try:
            sid = self._api.create_call(**self._parameters(order, address, ring_s))
        except TwilioUnsure as error:
            raise DialUncertain(str(error)) from None
        except (TwilioUnreachable, TwilioRefused) as error:
            self._not_placed(line, error)
            raise DialRefused(str(error)) from None
        self._lines.learn(line, sid)
        if isinstance(line.wish, Leave):  # Hung up meanwhile.
            self._end_later(sid)

    def bridge(self, order: Bridge) -> None:
        """
        Move both legs into one conference. BRIDGED is reported when Twilio says that both are in it.

        Nothing happens where one of them is not there, or was not answered.

        Raises:
            TelephonyDown, AdapterError: Twilio was not reached, or did not answer.
        """
        pair = (order.agent_leg_id, order.customer_leg_id)
        legs = [self._book.get(leg_id) for leg_id in pair]
        lines = [self._lines.get(leg_id) for leg_id in pair]
        if any(leg is None or not leg.can_hear or leg.joined_to in pair for leg in legs):
            return
        wish = Join(bridge=order, record=any(line is not None and line.record for line in lines))
        try:
            for line in lines:
                if line is None or not self._wish(line, wish):
                    return
        except AdapterError:
            for line in lines:
                if line is not None and wish not in (line.wish, line.done):
                    before, line.wish, line.untold = line.wish, wish, wish  # It was not told yet.
                    if isinstance(before, Speak):
                        self._hearing.stopped(line)
            raise

    def hang_up(self, order: HangUp) -> None:
        """
        End a leg, saying the prompt first if it was answered.

        Raises:
            TelephonyDown, AdapterError: Twilio was not reached, or did not answer. The leg is ended when it is heard
                of again, or Twilio can be reached.
        """
        if not self._book.hanging_up(order.leg_id):
            if self._book.get(order.leg_id) is None:
                self._lines.unwanted(order.leg_id)
            return
        line, leg = self._lines.get(order.leg_id), self._book.get(order.leg_id)
        if line is None or leg is None:
            return
        line.wish = Leave(prompt=order.prompt, text=order.text, language=order.language)
        if line.sid is None or line.done == line.wish:
            return  # It is ended when Twilio tells its name; or it is being said already.
        if order.prompt is None:
            self._end(line)
        elif leg.answered:
            self._change(line)
        else:
            # This leaves alone who picks up at this very moment: their call asks what to do, and they are told.
            self._end(line, status="canceled")

    def play(self, order: Play) -> None:
        """Say a prompt to an answered leg, and report PLAYED when it is over. Raises: as `bridge`."""
        leg, line = self._book.get(order.leg_id), self._lines.get(order.leg_id)
        if leg is None or line is None or not leg.can_hear:
            return
        self._wish(line, Speak(prompt=order.prompt, text=order.text, language=order.language))

    def stop_play(self, order: StopPlay) -> None:
        """Say no more, and report PLAYED. Raises: as `bridge`."""
        line = self._lines.get(order.leg_id)
        if line is not None and isinstance(line.wish, Speak):
            self._wish(line, Wait())

    def send_digits(self, order: SendDigits) -> None:
        """Press keys on an answered leg, once. `w` waits for half a second. Raises: as `bridge`."""
        leg, line = self._book.get(order.leg_id), self._lines.get(order.leg_id)
        if leg is None or line is None or line.sid is None or not leg.can_hear:
            return
        if not _DIGITS.fullmatch(order.digits):
            raise AdapterError("these are no keys; allowed: digits, *, # and w")
        document = self._script.keys(line.leg_id, line.role, order.digits)
        self._reach.asked(partial(self._api.update_call, line.sid, twiml=document))

    def connect_call(self, order: ConnectCall) -> None:
        """
        Connect a live caller to an agent: the caller's `call_id` must be the `CallSid` of the call at Twilio.

        The agent is dialed by Twilio, in the caller's call. When the conversation is over, `call_left` is called; if
        the agent did not answer, `call_returned`, and the caller goes on at *waiting_url*.

        Raises:
            AdapterError: it is no call of Twilio, the agent has no address, or there is no *waiting_url*.
            TelephonyDown: Twilio was not reached.
        """
        if not _CALL_SID.fullmatch(order.call_id) or self._waiting_url is None or self._service is None:
            raise AdapterError(
                "connect_call needs a CallSid as call_id, a waiting_url, and attach(…, service=…); nothing was done"
            )
        address = self._agents(order.agent_id)
        if address is None:
            raise AdapterError(f"agent {order.agent_id} has no address; nothing was done")
        ring_s = _ring_s(self._service.policies[order.queue].agent_ring_time)
        document = self._script.connect(
            order.call_id, address, caller_id=self._settings.caller_id, ring_s=ring_s
        )
        if not self._reach.asked(partial(self._api.update_call, order.call_id, twiml=document)):
            raise AdapterError("the live caller is gone")

    # ------------------------------------------------------------------ what else is heard

    def call_dialed(self, call_id: str, *, dial_status: str, is_over: bool) -> str:
        """Twilio says how an agent's conversation with a live caller went. Return TwiML. Raises: as the service."""
        if self._service is None or not _CALL_SID.fullmatch(call_id):
            return hang_up()
        if is_over or dial_status in ("completed", "answered") or self._waiting_url is None:
            self._service.call_left(call_id)
            return hang_up()
        self._service.call_returned(call_id)
        return go_on(self._waiting_url)

    def refresh(self, *, quiet: timedelta | None = None) -> int:
        """
        Ask Twilio about the legs of which nothing was heard for so long, and report what was missed.

        What Twilio could not be told of a leg is told: that it is to end, or to be joined. It is done every 15 s by
        itself, and when Twilio can be reached again. Costs one request a leg.

        Args:
            quiet: for how long; None: a minute, or for a leg that rings its ring time and half a minute.

        Returns:
            How many legs Twilio was asked about.

        Raises:
            TelephonyDown: Twilio cannot be reached.
        """
        now_s, count = time.monotonic(), 0
        for line in self._lines.all():
            quiet_s = line.quiet_max_s if quiet is None else quiet.total_seconds()
            if self._chores.is_closed:
                break
            if not self._is_there(line, now_s=now_s):
                continue
            is_untold = self._is_untold(line)
            if line.sid is None or not (is_untold or now_s - line.heard_at_s >= quiet_s):
                continue
            count += 1
            try:
                if not is_untold:
                    self._look(line)
                elif isinstance(line.wish, Leave):
                    self._end(line)
                else:
                    self._change(line)
            except (TwilioUnsure, TwilioRefused) as error:
                logger.info("leg %s is looked at again later: %s", line.leg_id, error)
        return count

    # ------------------------------------------------------------------ inside: calls

    def _address(self, order: Dial) -> str:
        try:
            address = self._address_of(order)
        except AdapterError:
            raise
        except Exception as error:
            # Whatever is wrong in the host's function: certainly nobody was called.
            raise DialRefused(f"no address of leg {order.leg_id}: {type(error).__name__}") from None
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DialRefused(f"the address of leg {order.leg_id} is none; allowed: +…, sip:…@…, client:…")
        return address

    def _address_of(self, order: Dial) -> str:
        if order.role is Role.CUSTOMER:
            return order.number if self._customers is None else self._customers(order)
        found = self._agents(order.agent_id) if order.agent_id is not None else None
        if found is None:
            raise DialRefused(f"agent {order.agent_id} has no address: add it to agents. Nothing was dialed")
        return found

    def _parameters(self, order: Dial, address: str, ring_s: int) -> dict[str, Any]:
        leg_id, role = order.leg_id, order.role
        parameters: dict[str, Any] = {
            "to": address,
            "from_": order.caller_id or self._settings.caller_id,
            "url": self._links.voice(leg_id, role),
            "method": "POST",
            "status_callback": self._links.status(leg_id, role),
            "status_callback_event": ["initiated", "ringing", "answered", "completed"],
            "status_callback_method": "POST",
            "timeout": ring_s,
        }
        if order.detect and role is Role.CUSTOMER:
            parameters |= {
                "machine_detection": self._settings.detection,
                "async_amd": "true",
                "async_amd_status_callback": self._links.amd(leg_id, role),
                "async_amd_status_callback_method": "POST",
            }
        return parameters

    def _not_placed(self, line: Line, error: TwilioUnreachable | TwilioRefused) -> None:
        """Say more of a leg that was not placed than that it failed, where Twilio does."""
        cause = Cause.FAILED
        if isinstance(error, TwilioRefused):
            known = TWILIO_ERRORS.get(error.code or 0)
            cause = REFUSALS.get(error.code or 0) or (known.cause if known else Cause.FAILED)
            cause = Cause.CONGESTED if error.is_busy else cause
        if cause is Cause.FAILED:
            self._book.refused(line.leg_id)
        else:
            raw = f"twilio error {error.problem}" if isinstance(error, TwilioRefused) else None
            line.note(lambda: self._book.ended(line.leg_id, why(cause), raw_cause=raw))
            line.give(self._teller.tell)
        self._lines.close(line.leg_id)
        self._reach.lost_by(error)

    def _wish(self, line: Line, wish: Wish) -> bool:
        """Let a leg do something. False: it is gone."""
        before, line.wish = line.wish, wish
        if line.done == wish:
            return True
        done = self._change(line)
        if isinstance(before, Speak) and not isinstance(wish, Speak) and line.wish is wish:
            self._hearing.stopped(line)
        return done

    def _change(self, line: Line) -> bool:
        if line.sid is None:
            return False
        wish = line.wish
        document = self._script.document(line.leg_id, line.role, wish)
        told = {"twiml": document}
        if len(document) > _INLINE_MAX:
            told = {"url": self._links.voice(line.leg_id, line.role), "method": "POST"}
        line.untold = None
        try:
            done = bool(self._reach.asked(partial(self._api.update_call, line.sid, **told)))
        except (TelephonyDown, TwilioRefused):
            line.untold = wish  # Certainly not told: it may be told again. What is uncertain may not.
            raise
        if done:
            line.done = wish
        else:
            self._look_soon(line)
        return done

    def _end(self, line: Line, *, status: str = "completed") -> None:
        if line.sid is None:
            return
        wish, line.untold = line.wish, line.wish
        if self._reach.asked(partial(self._api.update_call, line.sid, status=status)):
            line.done = wish
        else:
            self._look_soon(line)

    def _end_later(self, sid: str) -> None:
        self._chores.later(
            0, lambda: self._reach.asked(partial(self._api.update_call, sid, status="completed"))
        )

    def _look_soon(self, line: Line) -> None:
        """Its end was not heard of, or is on its way."""
        self._chores.later(_LOOK_SOON_S, lambda: self._look(line))

    def _look(self, line: Line) -> None:
        if line.sid is None or not self._book.is_live(line.leg_id):
            return
        found = self._reach.asked(partial(self._api.fetch_call, line.sid))
        line.heard()
        if found is None:
            self._hearing.gone(line, "twilio has no such call")
        else:
            self._hearing.apply(line, CallEvent(sid=found.sid, status=found.status))

    def _is_untold(self, line: Line) -> bool:
        """
        Whether Twilio was certainly not told what the leg is to do.

        Only an end may be told twice: who is moved into a conference again is taken out of it.
        """
        if line.done == line.wish:
            return False
        silent_s = time.monotonic() - line.heard_at_s
        return line.untold == line.wish or (isinstance(line.wish, Leave) and silent_s >= _END_AGAIN_S)

    def _is_there(self, line: Line, *, now_s: float) -> bool:
        """Whether the leg may be in the world; forget it if not."""
        if line.sid is None and now_s - line.heard_at_s >= _NEVER_PLACED_S:
            self._book.refused(line.leg_id)
        if self._book.is_live(line.leg_id):
            return True
        self._lines.close(line.leg_id)
        return False

    def _watch(self) -> None:
        with self._lock:
            if self._is_watching:
                return
            self._is_watching = True
        self._chores.later(_WATCH_EVERY_S, self._watch_once)

    def _watch_once(self) -> None:
        self._chores.later(_WATCH_EVERY_S, self._watch_once)
        if self.is_up:
            self.refresh()

    def _catch_up(self) -> None:
        self.refresh(quiet=timedelta(0))

    def _nobody_has(self, leg_id: LegId) -> None:
        line = self._lines.get(leg_id)
        if line is not None and self._book.hanging_up(leg_id):
            line.wish = Leave()
            if line.sid is not None:
                self._end_later(line.sid)

    def _is_wanted(self, leg_id: LegId) -> bool:
        if self._service is None or self._lines.is_unwanted(leg_id):
            return not self._lines.is_unwanted(leg_id)
        try:
            return self._service.leg_is_wanted(leg_id)
        except (StoreError, Conflict):
            return True  # The store cannot say: nobody is cut off for that.


def _ring_s(ring_time: timedelta) -> int:
    """Return how long Twilio is told to let it ring: it may add 5 s of its own."""
    ring_s = max(1, round(ring_time.total_seconds()))
    return min(_RING_MAX_S, ring_s - _RING_BUFFER_S if ring_s >= 3 * _RING_BUFFER_S else ring_s)


def _addresses(agents: Mapping[str, str]) -> Mapping[str, str]:
    """Return the addresses. Raises: ConfigurationError: one is none."""
    for agent_id, address in agents.items():
        if not _ADDRESS.fullmatch(address):
            raise ConfigurationError(
                f"TwilioTelephony.agents[{agent_id!r}]",
                "…",
                "a number in E.164, sip:user@host, or client:name",
            )
    return dict(agents)
