"""The adapter and the phones of the double, as the contract needs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs

from callbackq import (
    Acd,
    AgentId,
    CallbackService,
    Dial,
    LegId,
    MemoryStore,
    QueuePolicy,
    Report,
    SystemClock,
    TelephonySnapshot,
)
from callbackq.adapters.connection import Waits
from callbackq.adapters.freeswitch import CallcenterQueues, CallcenterTelephony, EslSettings, EslTelephony
from callbackq.aio import AsyncCallbackService
from callbackq.testing.contracts import (
    ConnectedFarEnd,
    MisbehavingFarEnd,
    PartingFarEnd,
    Phone,
    ReservingFarEnd,
)
from callbackq.testing.doubles.esl import ChannelState, EslChannel, EslDouble, EslPhone
from callbackq.testing.doubles.mischief import Mischief, Rates
from callbackq.testing.telephony_contract.awaiting import Blocking, Waiting

UNREACHABLE = "199"
"""Numbers and agents that end so never ring."""
NOBODY = "404"
"""FreeSWITCH has no such endpoint."""


class Board:
    """Who is told by an adapter: notes it."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.ups_count = 0
        self.downs_count = 0

    async def report(self, report: Report, /) -> None:
        self.reports.append(report)

    def telephony_down(self) -> None:
        self.downs_count += 1

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        self.ups_count += 1


def phone_of(address: str) -> EslPhone:
    """Return what there is at an address, by how it ends."""
    if address.endswith(UNREACHABLE):
        return EslPhone(rings=False)
    return EslPhone(refused="CHAN_NOT_IMPLEMENTED" if address.endswith(NOBODY) else None)


def settings_for(double: EslDouble, **others: object) -> EslSettings:
    """Return the settings for a double: it answers soon, and is tried again soon."""
    given: dict[str, object] = {
        "url": double.url,
        "password": double.password,
        "waits": Waits(first_s=0.01, max_s=0.05),
        "digits_after": timedelta(0),
        "list_lag": timedelta(0),
        "dials_per_s_max": 1_000.0,
        **others,
    }
    return EslSettings(**given)  # type: ignore[arg-type]


class EslFarEnd(ConnectedFarEnd, MisbehavingFarEnd, PartingFarEnd):
    """A double of FreeSWITCH, and the adapter that is connected to it."""

    patience = timedelta(seconds=10)
    quiet = timedelta(seconds=0.04)
    tick = timedelta(seconds=0.005)
    short = timedelta(seconds=1)
    late = timedelta(seconds=0.06)

    def __init__(self, double: EslDouble | None = None) -> None:
        logging.getLogger("callbackq").setLevel(logging.CRITICAL)
        self.waiting = Waiting()
        self.double = double or EslDouble()
        self.double.phone_of = phone_of
        self.double.phones.ring_time_ratio = 0.5
        self.waiting.wait(self.double.start())
        self.board = Board()
        self.adapter = self.make_adapter()
        self.adapter.attach(self.board)
        self.waiting.wait(self.adapter.open())
        self._telephony = Blocking(self.adapter, self.waiting)
        self._count = 0

    def make_adapter(self) -> EslTelephony:
        return EslTelephony(settings_for(self.double))

    @property
    def telephony(self) -> Blocking:
        return self._telephony

    @property
    def reports(self) -> Sequence[Report]:
        return self.board.reports

    def let_pass(self, duration: timedelta) -> None:
        self.waiting.let_pass(duration)

    def prepare(self, order: Dial, phone: Phone) -> Dial:
        self._count += 1
        tail = {Phone.UNREACHABLE: UNREACHABLE, Phone.REFUSED: NOBODY}.get(phone, "100")
        return attrs.evolve(
            order, number=f"+1212{self._count:04}{tail}", agent_id=AgentId(f"agent{self._count}{tail}")
        )

    def calls_count(self, leg_id: LegId) -> int:
        return sum(one.leg_id == leg_id for one in self.double.phones.placed)

    def is_live(self, leg_id: LegId) -> bool:
        return any(one.leg_id == leg_id for one in self.double.phones.live())

    def are_joined(self, one: LegId, other: LegId) -> bool:
        this, that = self.double.phones.of_leg(one), self.double.phones.of_leg(other)
        return this is not None and that is not None and this.partner == that.channel

    def answer(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.phones.answer(self._channel(leg_id)))

    def be_busy(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.phones.end(self._channel(leg_id), "USER_BUSY"))

    def reject(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.phones.hang_up(self._channel(leg_id)))

    def press(self, leg_id: LegId, digits: str) -> None:
        for key in digits:
            self._do(lambda key=key: self.double.phones.press(self._channel(leg_id), key))

    def heard_digits(self, leg_id: LegId) -> str:
        return self._channel(leg_id).heard

    def hang_up(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.phones.hang_up(self._channel(leg_id)))

    def disconnect(self) -> None:
        self.waiting.wait(self.double.stop())
        assert self.wait_until(lambda: not self.adapter.is_up)

    def reconnect(self) -> None:
        self.waiting.wait(self.double.start())
        assert self.wait_until(lambda: self.adapter.is_up)

    def misbehave(self, seed: int) -> None:
        rates = Rates(
            doubled_ratio=0.5, delayed_ratio=0.3, shuffled_ratio=1.0, delay_max_s=0.05, shuffle_max_s=0.005
        )
        self.double.mischief = Mischief(seed, rates=rates)

    def part(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.phones.part(self._channel(leg_id)))

    def close(self) -> None:
        self.waiting.wait(self.adapter.close())
        self.double.phones.forget_all()
        self.waiting.wait(self.double.stop())
        self.waiting.close()
        logging.getLogger("callbackq").setLevel(logging.NOTSET)

    def _channel(self, leg_id: LegId) -> EslChannel:
        found = self.double.phones.of_leg(leg_id)
        assert found is not None
        return found

    def _do(self, action: Callable[[], object]) -> None:
        async def do() -> None:
            action()

        self.waiting.wait(do())


class CallcenterFarEnd(EslFarEnd, ReservingFarEnd):
    """The same, with `mod_callcenter`."""

    def make_adapter(self) -> EslTelephony:
        self.double.callcenter.queue("support@default", agents=["ann"])
        self.double.callcenter.set_status("ann", "Available")
        service = CallbackService(
            MemoryStore(), [QueuePolicy(queue="support", acd=Acd.HOST)], clock=SystemClock()
        )
        self.service = AsyncCallbackService(service)
        queues = CallcenterQueues(self.service, {"support@default": "support"})
        return CallcenterTelephony(settings_for(self.double), queues)

    def is_reserved(self, agent_id: AgentId) -> bool:
        return self.double.callcenter.agents[agent_id].status == "On Break"

    def close(self) -> None:
        self.waiting.wait(self.adapter.close())
        self.waiting.wait(self.service.close())
        super().close()


__all__ = ["Board", "CallcenterFarEnd", "ChannelState", "EslFarEnd", "phone_of", "settings_for"]
