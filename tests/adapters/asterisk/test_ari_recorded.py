"""What a real Asterisk said, word for word, and what is reported of it. Recorded with Asterisk 22.10.1."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from callbackq import AnsweredBy, Cause, LegId, Report, ReportKind, Role
from callbackq.adapters.asterisk.ari_callers import Callers
from callbackq.adapters.asterisk.ari_client import Reply
from callbackq.adapters.asterisk.ari_events import Events
from callbackq.adapters.asterisk.ari_hands import Hands, Wish
from callbackq.adapters.asterisk.ari_holding import Meeting
from callbackq.adapters.asterisk.ari_reading import fact_of
from callbackq.adapters.asterisk.ari_settings import AriSettings

RECORDED = [
    json.loads(line)
    for line in Path(__file__).with_name("ari_recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
K = ReportKind
ANSWERED = [K.RINGING, K.ANSWERED, K.ENDED]
UNANSWERED = [K.RINGING, K.ENDED]
SAYS: dict[str, tuple[list[ReportKind], set[Cause]]] = {
    "busy": (UNANSWERED, {Cause.BUSY}),
    "declined": (UNANSWERED, {Cause.REJECTED}),
    "rang_out": (UNANSWERED, {Cause.NO_ANSWER}),
    "never_rang": ([K.ENDED], {Cause.UNREACHABLE}),
    "cancelled_ringing": (UNANSWERED, {Cause.CANCELLED}),
    "amd_human": (ANSWERED, {Cause.NORMAL}),
    "amd_machine": (ANSWERED, {Cause.NORMAL}),
    "callee_hangs_up": (ANSWERED, {Cause.NORMAL}),
    "dtmf": ([K.RINGING, K.ANSWERED, K.DIGIT, K.ENDED], {Cause.NORMAL}),
}


class FakeClient:
    """Says yes to everything."""

    async def request(self, *words: str, **others: Any) -> Reply:
        return Reply(204)


@attrs.define
class Heard:
    """What came of it."""

    reports: list[Report] = attrs.field(factory=list)

    def tell(self, report: Report | None) -> None:
        if report is not None:
            self.reports.append(report)

    def kinds(self, leg_id: str) -> list[ReportKind]:
        return [report.kind for report in self.reports if report.leg_id == leg_id]


def heard_of(recorded: dict[str, Any]) -> Heard:
    """Let the adapter hear it, as if it had dialed the legs and asked for what was asked then."""

    async def hear() -> Heard:
        heard = Heard()
        settings = AriSettings(url="http://127.0.0.1/ari", username="u", password="p", amd="amd")
        hands = Hands(settings, FakeClient(), tell=heard.tell, speak=None)  # type: ignore[arg-type]
        events = Events(hands, Callers(hands, None, agent_ring_time_s=20))
        for number, role in ((1, Role.AGENT), (2, Role.CUSTOMER), (3, Role.CUSTOMER)):
            leg_id = LegId(f"leg_{number}")
            hands.book.begin(leg_id, role=role)
            hands.wishes[leg_id] = Wish(detect="amd" in recorded["what"])
        hands.meetings._note(Meeting(bridge="br-1", agent=LegId("leg_1"), customer=LegId("leg_2")))
        for event in recorded["events"]:
            fact = fact_of(event)
            if "deleted" in event:
                hands.book.hanging_up(LegId(event["deleted"]))
            elif fact is not None:
                events.hear(fact)
        await hands.close()
        return heard

    return asyncio.run(hear())


def named(*names: str) -> Any:
    found = [recorded for recorded in RECORDED if recorded["what"] in names]
    return pytest.mark.parametrize(
        "recorded", found, ids=[f"{recorded['what']}-{recorded['phones']}" for recorded in found]
    )


@named(*SAYS)
def test_a_call_is_reported_as_it_was(recorded: dict[str, Any]) -> None:
    kinds, causes = SAYS[recorded["what"]]
    heard = heard_of(recorded)
    for leg_id in dict.fromkeys(report.leg_id for report in heard.reports):
        assert heard.kinds(leg_id) == kinds
    assert {report.cause for report in heard.reports if report.kind is K.ENDED} == causes


@named("bridged")
def test_a_conversation_is_reported_as_it_was(recorded: dict[str, Any]) -> None:
    heard = heard_of(recorded)
    assert heard.kinds("leg_1") == [K.RINGING, K.ANSWERED, K.UNBRIDGED, K.ENDED]
    assert heard.kinds("leg_2") == [K.RINGING, K.ANSWERED, K.BRIDGED, K.ENDED]
    assert [report.cause for report in heard.reports if report.kind is K.ENDED] == [Cause.NORMAL] * 2


@named("delete_at_answer")
def test_deleted_at_the_answer_has_one_end_and_no_answer_after_it(recorded: dict[str, Any]) -> None:
    """Two legs were answered all the same, and one was not."""
    heard = heard_of(recorded)
    starts = [event for event in recorded["events"] if event.get("type") == "StasisStart"]
    assert len(starts) == 2
    for number in (1, 2, 3):
        kinds = heard.kinds(f"leg_{number}")
        assert kinds.count(K.ENDED) == 1
        assert kinds[-1] is K.ENDED
    causes = [report.cause for report in heard.reports if report.kind is K.ENDED]
    assert sorted(causes) == [Cause.CANCELLED, Cause.NORMAL, Cause.NORMAL]


@named("amd_human", "amd_machine")
def test_who_answered_is_said_with_the_answer(recorded: dict[str, Any]) -> None:
    by = AnsweredBy(recorded["what"].removeprefix("amd_"))
    answers = [report for report in heard_of(recorded).reports if report.kind is K.ANSWERED]
    assert [report.answered_by for report in answers] == [by]


@named("no_such_number", "cause-1", "cause-20", "cause-34")
def test_a_call_that_could_not_be_is_reported_as_it_was(recorded: dict[str, Any]) -> None:
    """Cause 20 comes through another Asterisk as 480, which is 19: somebody who cannot be reached, if it never rang."""
    means = {
        (
            "no_such_number",
            "local",
        ): Cause.FAILED,  # Cause 0: a mistake in our own dialplan, and not in the number.
        ("no_such_number", "sip"): Cause.INVALID_NUMBER,
        ("cause-1", "local"): Cause.INVALID_NUMBER,
        ("cause-1", "sip"): Cause.INVALID_NUMBER,
        ("cause-20", "local"): Cause.UNREACHABLE,
        ("cause-20", "sip"): Cause.UNREACHABLE,
        ("cause-34", "local"): Cause.CONGESTED,
        ("cause-34", "sip"): Cause.CONGESTED,
    }
    heard = heard_of(recorded)
    assert [report.cause for report in heard.reports] == [means[recorded["what"], recorded["phones"]]]


@named("bridged", "busy", "dtmf", "delete_at_answer")
def test_every_event_twice_changes_nothing_but_the_bridge_is_said_once(recorded: dict[str, Any]) -> None:
    """As where the endpoint is subscribed to as well: each event comes a second time, at once."""
    twice = [event for event in recorded["events"] for _ in range(2)]
    assert heard_of({**recorded, "events": twice}).reports == heard_of(recorded).reports
