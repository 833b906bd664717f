"""The adapter and the phones of the double, as the contract needs them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import attrs

from callbackq import Dial, LegId, Report, TelephonySnapshot
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.adapters.connection import Waits
from callbackq.ids import AgentId
from callbackq.testing.contracts import ConnectedFarEnd, MisbehavingFarEnd, PartingFarEnd, Phone
from callbackq.testing.doubles.ari import AriDouble, AriPhone
from callbackq.testing.doubles.mischief import Mischief, Rates
from callbackq.testing.telephony_contract.awaiting import Blocking, Waiting

UNREACHABLE = "199"
"""Numbers and agents that end so never ring."""
NOBODY = "404"
"""Asterisk has no endpoint that ends so."""


class Board:
    """Who is told by an adapter: notes it."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.ups_count = 0
        self.downs_count = 0
        self.is_up = False

    async def report(self, report: Report, /) -> None:
        self.reports.append(report)

    def telephony_down(self) -> None:
        self.downs_count += 1
        self.is_up = False

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        self.ups_count += 1
        self.is_up = True


def phone_of(endpoint: str, _channel: str) -> AriPhone:
    """Return what there is at an endpoint, by how its name ends."""
    name = endpoint.split("@", maxsplit=1)[0]
    if name.endswith(UNREACHABLE):
        return AriPhone(rings_after_s=None)
    return AriPhone(refused=name.endswith(NOBODY))


def settings_for(double: AriDouble, **others: object) -> AriSettings:
    """Return the settings for a double: it answers soon, and is tried again soon."""
    given: dict[str, object] = {
        "url": double.url,
        "username": double.username,
        "password": double.password,
        "waits": Waits(first_s=0.01, max_s=0.1),
        "digits_after": timedelta(0),
        **others,
    }
    return AriSettings(**given)  # type: ignore[arg-type]


class AriFarEnd(ConnectedFarEnd, MisbehavingFarEnd, PartingFarEnd):
    """A double of Asterisk, and the adapter that is connected to it."""

    patience = timedelta(seconds=10)
    quiet = timedelta(seconds=0.04)
    tick = timedelta(seconds=0.005)
    short = timedelta(seconds=1)
    late = timedelta(seconds=0.05)

    def __init__(self, double: AriDouble | None = None) -> None:
        logging.getLogger("callbackq").setLevel(logging.CRITICAL)
        self.waiting = Waiting()
        self.double = double or AriDouble()
        self.double.world.phone_of = phone_of
        self.double.world.play_time_s = 0.15
        self.double.world.ring_time_ratio = 0.5
        self.waiting.wait(self.double.start())
        self.board = Board()
        self.adapter = AriTelephony(settings_for(self.double))
        self.adapter.attach(self.board)
        self.waiting.wait(self.adapter.open())
        self._telephony = Blocking(self.adapter, self.waiting)
        self._count = 0

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
        return self.double.world.dialed[leg_id]

    def is_live(self, leg_id: LegId) -> bool:
        return leg_id in self.double.world.channels

    def are_joined(self, one: LegId, other: LegId) -> bool:
        return any({one, other} <= set(inside) for inside in self.double.world.bridges.values())

    def answer(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.answer(leg_id))

    def be_busy(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.end(leg_id, cause=17, sip=486))

    def reject(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.end(leg_id, cause=21, sip=603))

    def press(self, leg_id: LegId, digits: str) -> None:
        self._do(lambda: self.double.press(leg_id, digits))

    def heard_digits(self, leg_id: LegId) -> str:
        return self.double.world.channels[leg_id].said

    def hang_up(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.end(leg_id))

    def disconnect(self) -> None:
        self._do(self.double.close_door)
        assert self.wait_until(lambda: not self.adapter.is_up)

    def reconnect(self) -> None:
        self._do(self.double.open_door)
        assert self.wait_until(lambda: self.adapter.is_up)

    def misbehave(self, seed: int) -> None:
        late_s = self.late.total_seconds() * 0.8
        rates = Rates(
            doubled_ratio=0.4,
            delayed_ratio=0.4,
            shuffled_ratio=1.0,
            delay_max_s=late_s / 2,
            shuffle_max_s=late_s / 2,
        )
        self.double.mischief = Mischief(seed, rates=rates)

    def part(self, leg_id: LegId) -> None:
        self._do(lambda: self.double.world.part(leg_id))

    def close(self) -> None:
        self.waiting.wait(self.adapter.close())
        self.waiting.wait(self.double.stop())
        self.waiting.close()
        logging.getLogger("callbackq").setLevel(logging.NOTSET)

    def _do(self, action) -> None:
        async def do() -> None:
            action()

        self.waiting.wait(do())
