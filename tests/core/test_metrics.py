"""Figures by hand: what one story counts, and what each figure makes of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callbackq.core.metrics import DEFINITIONS, figures_of
from callbackq.core.metrics.counts import Counts
from callbackq.core.metrics.report import is_met
from callbackq.errors import ConfigurationError
from callbackq.ids import CallbackId, CallId
from callbackq.model import CallOutcome, Channel, Disposition, Outcome
from callbackq.model.figures import (
    S2_HOST,
    CallbackFacts,
    CallFacts,
    FigureGroup,
    FigureUnit,
    HostFigures,
    Target,
)
from core.figure_samples import (
    at,
    attempt_facts,
    call_facts,
    callback_facts,
    completed,
    converted,
    counted,
    figure,
    talked,
    value,
)
from core.samples import START, M, S


def taken(after_s: float = 15, **changes: Any) -> CallFacts:
    """Return a live call that an agent took after so many seconds, and served for two minutes."""
    taken_at = START + after_s * S
    fields: dict[str, Any] = {
        "taken_at": taken_at,
        "outcome": CallOutcome.SERVED,
        "ended_at": taken_at + 2 * M,
    }
    return call_facts(**{**fields, **changes})


def gave_up(**changes: Any) -> CallFacts:
    """Return a live call whose caller hung up after a minute."""
    return call_facts(**{"outcome": CallOutcome.ABANDONED, "ended_at": START + M, **changes})


# ---------------------------------------------------------------------------- one contact


def test_a_callback_with_three_attempts_is_one_contact_and_no_abandon() -> None:
    """Its call was converted; two attempts failed, the third was connected."""
    day = converted(), completed(attempt_facts(1), attempt_facts(2), talked(3))
    assert value("contacts", *day) == 1
    assert value("abandoned_calls", *day) == 0
    assert value("abandon_rate", *day) == 0
    assert value("attempts", *day) == 3
    assert value("attempts_per_success", *day) == 3
    assert value("billable_time", *day) == 180


def test_a_customer_who_calls_in_while_waiting_is_no_other_contact() -> None:
    """The second call belongs to the callback that it returns for; a third one, for nothing, is one of its own."""
    again = taken(call_id=CallId("call-2"), returns_for_id=CallbackId("cb_1"))
    over = callback_facts(outcome=Outcome.SERVED_ELSEWHERE, ended_at=at(3))
    other = taken(call_id=CallId("call-3"))
    assert value("contacts", converted(), again, over) == 1
    assert value("contacts", converted(), again, over, other) == 2
    assert value("inbound_calls", converted(), again, over, other) == 3


def test_a_merged_request_is_the_same_promise() -> None:
    """It is counted as merged, and nowhere else."""
    merged = callback_facts(outcome=Outcome.REPLACED, ended_at=START, score=5.0, attempts=(talked(),))
    assert counted(merged) == Counts(merged=1)
    assert value("merged", merged, completed()) == 1
    assert value("callbacks", merged, completed()) == 1


# ---------------------------------------------------------------------------- live calls


@pytest.mark.parametrize(
    ("call", "counts"),
    [
        (call_facts(), {}),
        (gave_up(), {"decided": 1, "queued": 1, "abandoned": 1}),
        (call_facts(outcome=CallOutcome.LOST, ended_at=at(1)), {"decided": 1, "queued": 1, "lost": 1}),
        (call_facts(outcome=CallOutcome.EXPIRED, ended_at=at(1)), {"decided": 1, "queued": 1, "lost": 1}),
        (
            taken(20),
            {"decided": 1, "queued": 1, "served": 1, "started": 1, "answered_within": 1}
            | {"answer_wait_us": 20_000_000, "call_talks": 1, "call_talk_us": 120_000_000},
        ),
        (
            taken(10, outcome=None, ended_at=None),
            {"decided": 1, "served": 1, "started": 1, "answered_within": 1, "answer_wait_us": 10_000_000},
        ),
        (
            taken(20.000001, outcome=CallOutcome.EXPIRED),
            {"decided": 1, "queued": 1, "served": 1, "started": 1, "answer_wait_us": 20_000_001},
        ),
        (
            taken(-1, outcome=None, ended_at=None),
            {"decided": 1, "served": 1, "started": 1, "answered_within": 1},
        ),
        (call_facts(offers_count=2), {"offered": 1}),
        (call_facts(overtook_calls_count=3), {}),
        (
            taken(0, outcome=None, overtook_calls_count=2, overtook_callbacks_count=1),
            {"decided": 1, "served": 1, "started": 1, "answered_within": 1, "overtaking": 1, "overtakes": 3},
        ),
    ],
)
def test_what_a_live_call_counts(call: CallFacts, counts: dict[str, Any]) -> None:
    """Besides being one of those that came in, and a contact."""
    assert counted(call) == attrs.evolve(Counts(), inbound=1, call_contacts=1, **counts)


def test_who_took_a_callback_has_not_abandoned() -> None:
    """Whether it was offered or not; only who was offered one has accepted."""
    base: dict[str, Any] = {"inbound": 1, "decided": 1, "queued": 1, "converted": 1, "adopted": 1}
    assert counted(converted()) == attrs.evolve(Counts(), **base, offered=1, accepted=1)
    assert counted(converted(offers_count=0)) == attrs.evolve(Counts(), **base)


def test_who_was_called_back_unasked_has_abandoned() -> None:
    """The live call was abandoned; the callback is the contact."""
    day = (
        gave_up(callback_id=CallbackId("cb_1")),
        callback_facts(channel=Channel.ABANDONED),
    )
    assert value("abandoned_calls", *day) == 1
    assert value("contacts", *day) == 1


# ---------------------------------------------------------------------------- callbacks


@pytest.mark.parametrize(
    ("callback", "counts"),
    [
        (callback_facts(), {}),
        (callback_facts(scheduled_at=at(60), is_booked=True), {"scheduled": 1, "booked": 1}),
        (callback_facts(outcome=Outcome.CANCELLED, ended_at=at(1)), {"settled": 1, "cancelled": 1}),
        (callback_facts(outcome=Outcome.EXPIRED, ended_at=at(1)), {"settled": 1, "expired": 1}),
        (callback_facts(outcome=Outcome.UNREACHED, ended_at=at(1)), {"settled": 1, "unreached": 1}),
        (
            callback_facts(outcome=Outcome.DECLINED_BY_AGENTS, ended_at=at(1)),
            {"settled": 1, "declined_by_agents": 1},
        ),
        (
            callback_facts(outcome=Outcome.REFUSED_BY_RULE, ended_at=at(1)),
            {"settled": 1, "refused_by_rule": 1},
        ),
        (
            callback_facts(outcome=Outcome.SERVED_ELSEWHERE, ended_at=at(1)),
            {"settled": 1, "served_elsewhere": 1},
        ),
        (callback_facts(score=4.5), {"scored": 1, "score_millionths": 4_500_000}),
        (callback_facts(outcome=Outcome.COMPLETED), {"settled": 1, "completed": 1}),
        (
            callback_facts(attempts=(attempt_facts(customer_dialed=False, ended_at=None),)),
            {"attempts": 1, "started": 1},
        ),
    ],
)
def test_what_a_callback_counts(callback: CallbackFacts, counts: dict[str, Any]) -> None:
    """Besides being a callback."""
    assert counted(callback) == attrs.evolve(Counts(), callbacks=1, **counts)


def test_who_answers_the_second_attempt_was_reached() -> None:
    """The answer rate is one of callbacks; those under way are not in it yet."""
    twice = completed(attempt_facts(1), talked(2))
    in_vain = callback_facts(attempts=(attempt_facts(1),), outcome=Outcome.UNREACHED, ended_at=at(9))
    resting = callback_facts(attempts=(attempt_facts(1),))
    talking = callback_facts(attempts=(talked(1, ended_at=None, disposition=None),))
    assert value("answer_rate", twice, in_vain, resting, talking) == 0.5
    assert value("executed", twice, in_vain, resting, talking) == 4
    assert value("answered", twice, in_vain, resting, talking) == 2


@pytest.mark.parametrize("by", [Disposition.MACHINE, Disposition.FAX, Disposition.WRONG_PERSON])
def test_whoever_answered_if_it_was_not_the_customer_nobody_did(by: Disposition) -> None:
    """The line was in use all the same."""
    tried = callback_facts(attempts=(talked(1, disposition=by),))
    assert value("answered", tried) == 0
    assert value("outbound_line_time", tried) == 190
    assert value("billable_time", tried) == 0


def test_an_announcement_is_no_attempt() -> None:
    """It takes a line, and nothing else."""
    said = callback_facts(
        attempts=(talked(1, is_announcement=True, connected_at=None),), overtook_calls_count=1
    )
    assert counted(said) == attrs.evolve(Counts(), callbacks=1, line_us=190_000_000)


def test_an_immediate_callback_waits_until_both_can_hear_each_other() -> None:
    """5 min until it was dialed first, 10 min 20 s until they talked, and that is what the caller did not hold."""
    done = completed(attempt_facts(1), talked(2))
    assert value("request_to_call", done) == 300
    assert value("callback_wait", done) == 620
    assert value("hold_time_saved", done) == 620
    assert value("hold_time_saved", attrs.evolve(done, call_id=None)) == 0
    assert figure("callback_wait", done).is_met is True


@pytest.mark.parametrize(("late_min", "punctual"), [(-5, 1), (5, 1), (-5.01, 0), (5.01, 0)])
def test_a_chosen_time_is_kept_within_five_minutes(late_min: float, punctual: int) -> None:
    """Waits of those who chose a time are not waits."""
    done = completed(scheduled_at=at(30), ended_at=at(30 + late_min))
    assert value("punctuality", done) == punctual
    assert value("lateness", done) == pytest.approx(late_min * 60)
    assert value("callback_wait", done) is None
    assert value("request_to_call", done) is None
    assert value("immediate_executed", done) == 0


def test_quotes_are_held_against_what_came() -> None:
    """300 s and 400 s were quoted, 320 s came; one range held it."""
    short = completed(quoted_wait_s=300.0, quoted_wait_low_s=310.0, quoted_wait_high_s=320.0)
    long = completed(quoted_wait_s=400.0, quoted_wait_low_s=321.0, quoted_wait_high_s=500.0)
    bare = completed(quoted_wait_s=320.0, quoted_wait_low_s=None, quoted_wait_high_s=400.0)
    assert value("quote_error", short, long) == 50
    assert value("quote_bias", short, long) == 30
    assert value("quote_coverage", short, long, bare) == 0.5
    assert value("quote_error", completed(quoted_wait_s=float("inf"))) is None


def test_resolution_is_one_of_what_was_reported() -> None:
    """And at first contact only where it follows on no other callback."""
    first, later = completed(resolved=True), completed(resolved=True, follows_id=CallbackId("cb_0"))
    not_yet, unknown = completed(resolved=False), completed()
    assert value("resolution_rate", first, later, not_yet, unknown) == pytest.approx(2 / 3)
    assert value("first_call_resolution", first, later, not_yet, unknown) == pytest.approx(1 / 3)
    nothing = figure("resolution_rate", unknown)
    assert (nothing.value, nothing.is_met) == (None, None)
    assert nothing.missing is not None
    assert "report_score" in nothing.missing


def test_overtakes_count_where_something_was_begun() -> None:
    """One of two served stories passed two places."""
    passed = completed(overtook_calls_count=2)
    assert value("overtakes", passed, taken()) == 2
    assert value("overtaking_rate", passed, taken()) == 0.5


# ---------------------------------------------------------------------------- definitions and targets


def test_every_definition_says_what_it_is() -> None:
    """Its name is its key; a share and a mean say what they are divided by."""
    for name, one in DEFINITIONS.items():
        assert one.name == name
        assert one.title
        assert one.formula
        assert one.source
        if one.unit is FigureUnit.RATIO and one.group is not FigureGroup.COST:
            assert one.denominator
        assert one.target is None or one.target.source == "S2"


S2_DASHBOARD = [
    ("Total inbound calls", None),
    ("Callback offers presented", Target(more_than=0.3, of="inbound_calls", source="S2")),
    ("Callbacks accepted", Target(more_than=0.7, of="offers", source="S2")),
    ("Scheduled callbacks requested", None),
    ("Immediate callbacks executed", None),
    ("Callback answer rate", Target(more_than=0.85, source="S2")),
    ("First-call resolution (callbacks)", Target(more_than=0.8, source="S2")),
    ("Avg callback wait time", Target(less_than=900.0, source="S2")),
    ("Callback CSAT", Target(more_than=4.5, source="S2")),
    ("Abandoned call rate", Target(less_than=0.05, source="S2")),
    ("Hold-to-callback conversion rate", Target(more_than=0.7, source="S2")),
    ("Callback adoption rate", Target(more_than=0.4, source="S2")),
    ("Callback-to-resolution rate", Target(more_than=0.9, source="S2")),
    ("Avg time from callback request to call", Target(less_than=900.0, source="S2")),
]
"""The lines of S2's two tables, with their targets."""


@pytest.mark.parametrize(("title", "target"), S2_DASHBOARD)
def test_every_line_of_the_dashboard_is_a_figure_with_its_target(title: str, target: Target | None) -> None:
    """By its title, word for word."""
    (found,) = (one for one in figures_of(Counts()) if one.title == title)
    assert found.target == target


def test_the_dashboard_s_own_day() -> None:
    """340 calls, 120 offers, 85 accepted, 14 abandoned: 35 %, 71 % and 4.1 %, all as wanted."""
    day = Counts(
        inbound=340, decided=340, queued=200, offered=120, accepted=85, converted=85, adopted=85, abandoned=14
    )
    found = {one.name: one for one in figures_of(day)}
    assert found["offers"].value == 120
    assert (found["offers"].numerator, found["offers"].denominator) == (120, 340)
    assert found["hold_to_callback_rate"].value == pytest.approx(0.708, abs=0.001)
    assert found["abandon_rate"].value == pytest.approx(0.041, abs=0.001)
    met = ("offers", "accepted", "hold_to_callback_rate", "abandon_rate", "adoption_rate")
    assert [found[name].is_met for name in met] == [True, True, True, True, True]


def test_a_target_that_is_just_not_passed_is_missed() -> None:
    """More than means more; nothing counted is neither."""
    assert not is_met(Target(more_than=0.7, source="S2"), 0.7)
    assert not is_met(Target(less_than=0.05, source="S2"), 0.05)
    none = {one.name: one for one in figures_of(Counts(inbound=10, decided=10))}
    assert none["offers"].is_met is False
    assert none["accepted"].is_met is None
    assert {one.name: one.is_met for one in figures_of(Counts())}["offers"] is None


def test_scores_have_the_target_of_their_own_scale() -> None:
    """4.5 of 5 is 9 of 10."""
    found = figure("csat", completed(score=9.5), host=HostFigures(scores_max=10.0))
    assert (found.value, found.is_met) == (9.5, True)
    assert found.target == Target(more_than=9.0, source="S2")


# ---------------------------------------------------------------------------- what the host knows

DAY = (converted(), completed(), taken(600), gave_up(call_id=CallId("call-9")))
"""One callback (320 s until they talked, 180 s of talk), one call of 120 s of talk, one that was given up."""
HOST = HostFigures(
    cost_of_abandon=10.0,
    abandons_avoided_ratio=0.4,
    cost_of_line_minute=0.06,
    cost_of_agent_hour=36.0,
    staffed_s=640.0,
    retention_per_score_point=0.1,
    score_without=4.0,
    value_of_customer=200.0,
)


def test_what_was_saved_and_what_it_cost() -> None:
    """By hand: each line, and their sum."""
    day = (*DAY, completed(callback_id=CallbackId("cb_2"), score=4.5))
    expected = {
        "abandon_cost": 10.0,
        "abandons_avoided": 0.4,
        "abandon_money_saved": 4.0,
        "line_money_saved": 640 / 60 * 0.06,
        "agent_time_saved": (120 - 180) * 2,
        "agent_money_saved": -120 / 3600 * 36,
        "retention_gain": 0.05,
        "retention_money": 0.05 * 2 * 200,
        "outbound_line_time": 380.0,
        "outbound_cost": 380 / 60 * 0.06 + 40 / 3600 * 36,
    }
    for name, wanted in expected.items():
        found = figure(name, *day, host=HOST)
        assert found.value == pytest.approx(wanted), name
        assert found.missing is None
    saved = [expected[name] for name in ("abandon_money_saved", "line_money_saved", "agent_money_saved")]
    net = figure("net_saved", *day, host=HOST)
    assert net.value == pytest.approx(sum(saved) + expected["retention_money"] - expected["outbound_cost"])
    assert net.missing is None


def test_what_the_host_has_not_said_is_named() -> None:
    """No figure is made up: without a word of the host nothing of it has a value."""
    for name in (
        "abandon_cost",
        "abandons_avoided",
        "abandon_money_saved",
        "line_money_saved",
        "agent_money_saved",
        "retention_gain",
        "retention_money",
        "outbound_cost",
        "net_saved",
        "occupancy",
    ):
        found = figure(name, *DAY)
        assert found.value is None, name
        assert found.missing, name
    assert "cost_of_line_minute and cost_of_agent_hour" in str(figure("outbound_cost", *DAY).missing)


def test_a_sum_that_is_not_whole_says_what_is_not_in_it() -> None:
    """The handbook's own figures say nothing of lines, agents and customers."""
    found = figure("net_saved", *DAY, host=S2_HOST)
    assert found.value == 4.0
    assert found.missing == (
        "not in it: line_money_saved, agent_money_saved, retention_money, outbound_cost; see there"
    )
    half = figure("net_saved", *DAY, host=attrs.evolve(HOST, cost_of_agent_hour=None))
    assert "a part of outbound_cost" in str(half.missing)


def test_what_nothing_was_measured_for_is_missing_too() -> None:
    """Costs are known, and there are no conversations and no scores to hold them against."""
    assert value("agent_time_saved", taken()) is None
    assert value("agent_money_saved", taken(), host=HOST) is None
    assert "report_score" in str(figure("retention_money", completed(), host=HOST).missing)
    assert (
        value("retention_money", completed(score=5.0), host=attrs.evolve(HOST, value_of_customer=None))
        is None
    )


@pytest.mark.parametrize(("staffed_s", "occupancy"), [(640.0, 0.5), (320.0, 1.0), (300.0, None), (0.0, None)])
def test_occupancy_is_of_the_time_that_the_host_gives(staffed_s: float, occupancy: float | None) -> None:
    """120 s and 180 s of talk, and 20 s in which an agent was kept: of less there cannot be a share."""
    found = figure("occupancy", *DAY, host=HostFigures(staffed_s=staffed_s))
    assert found.value == occupancy
    assert (found.missing is None) is (occupancy is not None)


def test_staffed_time_is_of_the_whole_alone() -> None:
    """A part does not know which share of it is its own."""
    parts = {one.name: one for one in figures_of(counted(*DAY), host=HOST, is_whole=False)}
    assert parts["occupancy"].value is None
    assert parts["abandon_cost"].value == 10.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost_of_abandon", -1.0),
        ("staffed_s", float("nan")),
        ("value_of_customer", float("inf")),
        ("cost_of_abandon", 1e308),
        ("currency", "$\n"),
        ("abandons_avoided_ratio", 1.5),
        ("cost_of_agent_hour", True),
        ("scores_max", 0.0),
    ],
)
def test_what_a_host_cannot_mean_is_refused(field: str, value: object) -> None:
    """It would come out as a figure that nobody can explain."""
    with pytest.raises(ConfigurationError, match=f"HostFigures.{field} is "):
        HostFigures(**{field: value})  # type: ignore[arg-type]
