"""The adapter and the double, as the contracts need them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import attrs

from callbackq.adapters.twilio import TwilioSettings, TwilioTelephony, TwilioWebhooks
from callbackq.effects import Dial
from callbackq.ids import AgentId, LegId
from callbackq.model import Report, Role, TelephonySnapshot
from callbackq.testing.contracts import MisbehavingFarEnd, PartingFarEnd, Phone
from callbackq.testing.doubles.mischief import Rates
from callbackq.testing.doubles.twilio import TwilioDouble

SPEED = 20.0
PUBLIC_URL = "http://127.0.0.1/twilio"
AGENTS = {"ann": "+12125550201", "ben": "sip:ben@pbx.example.com", "cy": "client:cy"}


class Recorder:
    """A runner that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.said: list[str] = []

    def report(self, report: Report) -> None:
        """Keep a report."""
        self.reports.append(report)

    def telephony_down(self) -> None:
        """Keep that it went down."""
        self.said.append("down")

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        """Keep that it came up."""
        assert snapshot is None
        self.said.append("up")


def settings_of(double: TwilioDouble, **changes: Any) -> TwilioSettings:
    """Return the settings for a double."""
    return attrs.evolve(TwilioSettings.from_env(double.environ(PUBLIC_URL)), **changes)


BAD_DAY = Rates(
    doubled_ratio=0.3, delayed_ratio=0.3, shuffled_ratio=1.0, delay_max_s=0.03, shuffle_max_s=0.01
)
"""One event in three comes twice, one in three late, and all of them shuffled. In real seconds."""


class TwilioFarEnd(MisbehavingFarEnd, PartingFarEnd):
    """A Twilio on this machine, twenty times as fast."""

    patience = timedelta(seconds=60)
    late = timedelta(seconds=2)

    def __init__(self, **double: Any) -> None:
        self.double = TwilioDouble(speed=SPEED, **double)
        self.recorder = Recorder()
        self._numbers = count(100)
        settings = settings_of(self.double)
        self._telephony = TwilioTelephony(settings, agents=self._agent)
        self._telephony.attach(self.recorder)
        self._telephony.open()
        self.webhooks = TwilioWebhooks(settings, telephony=self._telephony)
        self.double.serve(self.webhooks)
        self._addresses: dict[str, str] = {}

    def _agent(self, agent_id: AgentId) -> str | None:
        return self._addresses.get(agent_id)

    @property
    def telephony(self) -> TwilioTelephony:
        return self._telephony

    @property
    def reports(self) -> Sequence[Report]:
        return self.recorder.reports

    def let_pass(self, duration: timedelta) -> None:
        self.double.let_pass(duration.total_seconds())

    def prepare(self, order: Dial, phone: Phone) -> Dial:
        number = f"+121255{next(self._numbers):05}"
        if phone is Phone.UNREACHABLE:
            self.double.unreachable.add(number)
        elif phone is Phone.REFUSED:
            self.double.refused[number] = 21217
        if order.role is Role.AGENT:
            self._addresses[f"agent {number}"] = number
            return attrs.evolve(order, agent_id=AgentId(f"agent {number}"))
        return attrs.evolve(order, number=number)

    def calls_count(self, leg_id: LegId) -> int:
        return self.double.calls_count(leg_id)

    def is_live(self, leg_id: LegId) -> bool:
        return self.calls_count(leg_id) > 0 and not self.double.call(leg_id).is_over

    def are_joined(self, one: LegId, other: LegId) -> bool:
        return self.double.are_joined(one, other)

    def answer(self, leg_id: LegId) -> None:
        self.double.answer(leg_id)

    def be_busy(self, leg_id: LegId) -> None:
        self.double.be_busy(leg_id)

    def reject(self, leg_id: LegId) -> None:
        self.double.reject(leg_id)

    def press(self, leg_id: LegId, digits: str) -> None:
        self.double.press(leg_id, digits)

    def heard_digits(self, leg_id: LegId) -> str:
        return self.double.call(leg_id).heard

    def hang_up(self, leg_id: LegId) -> None:
        self.double.hang_up(leg_id)

    def misbehave(self, seed: int) -> None:
        self.double.misbehave(seed, BAD_DAY)

    def part(self, leg_id: LegId) -> None:
        self.double.part(leg_id)

    def close(self) -> None:
        self._telephony.close()
        self.double.close()
