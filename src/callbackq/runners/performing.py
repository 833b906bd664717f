"""
How each effect is performed: one description, for hosts that block and for hosts that await.

The rule: nothing here sleeps, and nothing here knows of threads or of an event loop. A program is a coroutine that
asks the service and calls the host's code through `Hands` only. Hands that do everything at once make programs that
never pause, and `at_once` runs those like plain functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    Effect,
    HangUp,
    LookUp,
    Notice,
    Play,
    ReleaseAgent,
    ReserveAgent,
    SendDigits,
    SendMessage,
    StopPlay,
)
from callbackq.errors import CallbackqError, DialRefused, TelephonyDown
from callbackq.ids import AttemptId
from callbackq.model import Cause, Report, ReportKind, TelephonySnapshot
from callbackq.ports import AsyncNotices, AsyncTelephony, CanReserve, CanSnapshot
from callbackq.runners.hands import Act, Done, Hands, log_failure
from callbackq.runners.sending import Messengers, Sending
from callbackq.service import CallbackService

R = TypeVar("R")

DIAL_TIME_MAX: Final = timedelta(seconds=10)
"""How long a dial may take, unless a runner is told otherwise."""


# ---------------------------------------------------------------------------- the programs

Simple = Bridge | HangUp | Play | StopPlay | SendDigits | ReserveAgent | ReleaseAgent | Notice
_METHODS: Final[Mapping[type[Simple], str]] = MappingProxyType(
    {
        Bridge: "bridge",
        HangUp: "hang_up",
        Play: "play",
        StopPlay: "stop_play",
        SendDigits: "send_digits",
        ReserveAgent: "reserve_agent",
        ReleaseAgent: "release_agent",
        Notice: "tell",
    }
)


@attrs.frozen(eq=False)
class Account:
    """Which legs the telephony has, dated by our own clock, and which attempts were open before it was asked."""

    snapshot: TelephonySnapshot
    known: Mapping[AttemptId, int]


class Performing:
    """
    The programs of all effects, for one telephony.

    Args:
        messengers: who sends the messages.
        hands: how the programs reach the world.
        follow: takes the effects of what a program reported; they are performed right there if None.
        lost: is told that an order found no connection, if the telephony can say afterwards which legs it has.
        dial_time_max: a leg that was intended so shortly before a snapshot may not have been dialed by then.
    """

    def __init__(
        self,
        service: CallbackService,
        telephony: AsyncTelephony,
        *,
        notices: AsyncNotices | None,
        messengers: Messengers,
        hands: Hands,
        follow: Callable[[Iterable[Effect], AttemptId | None], None] | None = None,
        lost: Callable[[datetime], None],
        dial_time_max: timedelta = DIAL_TIME_MAX,
    ) -> None:
        self.service: Final = service
        self.can_snapshot: Final = isinstance(telephony, CanSnapshot)
        self._telephony: Final = telephony
        self._notices: Final = notices
        self._hands: Final = hands
        self._follow: Final = follow
        self._lost: Final = lost
        self._dial_time_max: Final = dial_time_max
        self._can_reserve: Final = isinstance(telephony, CanReserve)
        self._sending: Final = Sending(service, messengers, hands=hands)
        self.changes_count = 0
        """How often something was told to the service: then somebody else may be next."""

    def can(self, effect: Effect) -> bool:
        """Whether the host has anything that takes this effect. One that nobody takes is dropped in silence."""
        if isinstance(effect, ReserveAgent | ReleaseAgent):
            return self._can_reserve
        if isinstance(effect, LookUp):
            return self.can_snapshot
        return not isinstance(effect, Notice) or self._notices is not None

    async def all(self, effects: Iterable[Effect]) -> None:
        """Perform effects in order; the telephony is looked up once for all who ask, when the rest is done."""
        look_up: LookUp | None = None
        for effect in effects:
            if isinstance(effect, LookUp):
                look_up = effect
            else:
                await self.one(effect)
        if look_up is not None:
            await self.one(look_up)

    async def one(self, effect: Effect) -> None:
        """Perform one effect. Never raises what the host's code raises."""
        if not self.can(effect):
            return
        if isinstance(effect, Dial):
            await self._dial(effect)
        elif isinstance(effect, ConnectCall):
            await self._connect(effect)
        elif isinstance(effect, LookUp):
            await self._look_up(effect)
        elif isinstance(effect, SendMessage):
            self.changes_count += await self._sending.send(effect)
        else:
            await self._simple(effect)

    async def account(self) -> Done:
        """
        Ask the telephony which legs it has: an `Account`, or an error.

        Raises:
            CallbackqError: the service could not say what is open.
        """
        asked_at = self.service.now()
        act = Act(owner=self._telephony, method="snapshot", which="the telephony")
        async with self._hands.turn(act):
            # What comes about from now on is not in the snapshot for sure: versions say so, clocks may differ.
            known = await self._hands.ask(self.service.open_attempts)
            done = await self._hands.act(act)
        if done.error is not None:
            return done
        if not isinstance(done.value, TelephonySnapshot):
            return Done(error=TypeError(f"a snapshot is {type(done.value).__name__}"))
        return Done(value=Account(attrs.evolve(done.value, as_of=asked_at), known))

    async def ask(self, command: Callable[[], R]) -> R:
        """Give a command to the service."""
        return await self._hands.ask(command)

    # ------------------------------------------------------------------ one by one

    async def _dial(self, order: Dial) -> None:
        act = Act(owner=self._telephony, method="dial", args=(order,), which=order.leg_id)
        uncertain = partial(self._tell, Report(leg_id=order.leg_id, kind=ReportKind.UNCERTAIN))
        told = False

        async def when_late() -> None:
            nonlocal told
            told = True
            await uncertain()

        async with self._hands.turn(act):
            if not await self._is_wanted(order, if_unknown=False):
                return
            done = await self._hands.act(act, when_late=when_late)
        if isinstance(done.error, DialRefused):
            await self._tell(Report(leg_id=order.leg_id, kind=ReportKind.ENDED, cause=Cause.FAILED))
            return
        if done.error is not None:
            # It may ring: the safe side is to take it for dialed, and to let its deadline decide.
            self._failed(act.method, act.which, done.error)
            if not told:
                await uncertain()
        if not await self._is_wanted(order, if_unknown=True):
            # The attempt ended during the dial.
            await self._simple(HangUp(leg_id=order.leg_id))

    async def _is_wanted(self, order: Dial, *, if_unknown: bool) -> bool:
        """Ask the store. Where it cannot say: do not begin to dial, and do not hang up who is being dialed."""
        try:
            return await self._hands.ask(partial(self.service.leg_is_wanted, order.leg_id))
        except CallbackqError as error:
            log_failure("look-up", order.leg_id, error)
            return if_unknown

    async def _connect(self, order: ConnectCall) -> None:
        act = Act(owner=self._telephony, method="connect_call", args=(order,), which=order.call_id)
        async with self._hands.turn(act):
            done = await self._hands.act(act)
        if done.error is not None:
            self._failed(act.method, act.which, done.error)
            self.changes_count += 1
            try:
                await self._hands.ask(partial(self.service.call_returned, order.call_id))
            except CallbackqError as second:
                log_failure("call_returned", order.call_id, second)

    async def _look_up(self, order: LookUp) -> None:
        """Learn which legs there are, for one attempt and so for all. One that is being dialed is left as it is."""
        try:
            done = await self.account()
            if not isinstance(done.value, Account):
                self._failed("look-up", order.attempt_id, done.error or TypeError())
                return
            said = done.value.snapshot
            said = attrs.evolve(said, as_of=said.as_of - self._dial_time_max)
            ask = partial(self.service.reconcile, said, known=done.value.known, hang_up_ending=False)
            found = await self._hands.ask(ask)
        except Exception as error:
            log_failure("reconcile", order.attempt_id, error)
        else:
            self.changes_count += found.changed_count
            await self._go_on(found.effects, None)

    async def _simple(self, order: Simple) -> None:
        """Call one method. What it raises is logged: the attempt's deadline finds what is left."""
        owner = self._notices if isinstance(order, Notice) else self._telephony
        act = Act(owner=owner, method=_METHODS[type(order)], args=(order,), which=_which(order))
        async with self._hands.turn(act):
            done = await self._hands.act(act)
        if done.error is not None:
            self._failed(act.method, act.which, done.error)

    def _failed(self, what: str, which: str, error: BaseException) -> None:
        log_failure(what, which, error)
        if isinstance(error, TelephonyDown) and self.can_snapshot:
            self._lost(self.service.now())

    async def _tell(self, report: Report) -> None:
        try:
            reported = await self._hands.ask(partial(self.service.report, report))
        except CallbackqError as error:
            log_failure("report", report.leg_id, error)
        else:
            self.changes_count += reported.changed
            await self._go_on(reported.effects, reported.attempt_id)

    async def _go_on(self, effects: Iterable[Effect], attempt_id: AttemptId | None) -> None:
        if self._follow is None:
            await self.all(effects)
        else:
            self._follow(effects, attempt_id)


def _which(order: Simple) -> str:
    match order:
        case Bridge():
            return order.attempt_id
        case ReserveAgent() | ReleaseAgent():
            return order.agent_id
        case Notice():
            return order.notice_id
        case _:
            return order.leg_id
