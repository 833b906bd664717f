"""
Deliberate faults in the engine, one at a time: each a row with what is broken, how, and who must find it.

They are the test of the tests: a checker that finds nothing in a broken engine is worth nothing in a whole one.
`docs/how-to/storm-test.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from callbackq import chooser, writing
from callbackq.core import (
    agents,
    attempt,
    consequences,
    legs,
    lifecycle,
    notices,
    promising,
    reconcile,
    retry,
    steps,
)
from callbackq.core.decision import Decision
from callbackq.core.retry import GoBack
from callbackq.model import AttemptState, DueReason, ReportKind, Role
from callbackq.simulation.storm import PEOPLE
from callbackq.simulation.storm_log import FAILED
from callbackq.simulation.storm_parts import FOLD
from callbackq.testing import checkers, storm_checkers
from callbackq.testing.faults import Fault

Patch = pytest.MonkeyPatch
CALM: Final = (2, 3, 7, 8)
"""Worlds in which store, process and connection hold: some checks look at these only."""
WILD: Final = (1, 4, 5, 6)
"""Worlds in which they do not."""


@attrs.frozen(kw_only=True)
class Mutation:
    """
    One deliberate fault.

    Args:
        broken: what is broken, in words.
        breaks: how.
        found_by: the check that must find it.
        seeds: the worlds that are let rage, one after the other, until it is found.
        weather: what goes wrong so often in these worlds, whatever their seed says.
        people: how many live in them.
    """

    broken: str
    breaks: Callable[[Patch], object]
    found_by: str
    seeds: tuple[int, ...] = (1, 2, 3, 4)
    weather: Mapping[Fault, float] = attrs.field(factory=dict[Fault, float])
    people: int = PEOPLE


# ---------------------------------------------------------------------------- attempts and their legs


def legs_are_left_up(patch: Patch) -> None:
    patch.setattr(steps, "hang_ups", lambda *_arguments, **_prompts: ())


def doubt_is_skipped(patch: Patch) -> None:
    patch.setattr(attempt, "DEADLINES", {**attempt.DEADLINES, DueReason.HANG_UP_OVERDUE: steps.close_legs})


def holding_lasts(patch: Patch) -> None:
    def hold_on(before: Any, context: Any) -> steps.Step:
        later = attrs.evolve(before, customer_until_at=context.now + timedelta(minutes=10))
        return legs.clocked(later), ()

    patch.setattr(attempt, "DEADLINES", {**attempt.DEADLINES, DueReason.CUSTOMER_HOLD_OVER: hold_on})


def bridge_ends_the_talk(patch: Patch) -> None:
    key = (AttemptState.JOINING, Role.CUSTOMER, ReportKind.BRIDGED)
    patch.setattr(attempt, "RULES", {**attempt.RULES, key: steps.talk_over})


def next_agent_has_the_same_leg(patch: Patch) -> None:
    patch.setattr(legs, "agent_leg_id", lambda of: of.agent_leg_id)


def earlier_agents_leg_is_taken_for_the_present_one(patch: Patch) -> None:
    def leg_of(of: Any, leg_id: str) -> Any:
        return of.customer_leg if leg_id == of.customer_leg_id else of.agent_leg

    for module in (legs, attempt, reconcile):
        patch.setattr(module, "leg_of", leg_of)


def rule_raises(patch: Patch) -> None:
    broken: Any = steps.customer_silent

    def customer_silent(before: Any, _context: Any) -> steps.Step:
        found: steps.Step = broken(before)
        return found

    patch.setattr(attempt, "DEADLINES", {**attempt.DEADLINES, DueReason.RING_OVER: customer_silent})


# ---------------------------------------------------------------------------- callbacks


def nothing_counts(patch: Patch) -> None:
    for module in (retry, consequences):
        patch.setattr(module, "counts", lambda _attempt: False)


def one_attempt_more(patch: Patch) -> None:
    honest = consequences.next_step

    def next_step(callback: Any, of: Any, *, policy: Any, **more: Any) -> Any:
        return honest(callback, of, policy=attrs.evolve(policy, attempts_max=policy.attempts_max + 1), **more)

    patch.setattr(consequences, "next_step", next_step)


def kept_before_they_are_joined(patch: Patch) -> None:
    honest = writing.follow

    def follow(moved: Any, context: Any) -> Decision:
        if moved.after.state is AttemptState.JOINING and moved.before.state is not AttemptState.JOINING:
            return consequences._callback_kept(moved, context)
        return honest(moved, context)

    patch.setattr(writing, "follow", follow)


def doubt_after_an_answer_is_redialed(patch: Patch) -> None:
    honest = consequences.next_step

    def next_step(callback: Any, of: Any, **more: Any) -> Any:
        return honest(callback, attrs.evolve(of, answered_by=None), **more)

    patch.setattr(consequences, "next_step", next_step)


def who_goes_back_loses_the_place(patch: Patch) -> None:
    honest = consequences.lifecycle.attempt_failed

    def attempt_failed(callback: Any, *, step: Any, now: Any, **more: Any) -> Decision:
        if isinstance(step, GoBack):
            callback = attrs.evolve(callback, ranked_at=now)
        return honest(callback, step=step, now=now, **more)

    patch.setattr(lifecycle, "attempt_failed", attempt_failed)


def second_in_line_is_served_first(patch: Patch) -> None:
    honest = chooser.Chooser._head

    def head(self: Any, queue: Any, lanes: Any) -> Any:
        first = honest(self, queue, lanes)
        places = [
            place for place in self._tx.line.places(queue, limit=2) if first and place.lane == first.lane
        ]
        return places[-1] if places else first

    patch.setattr(chooser.Chooser, "_head", head)


def entry_is_the_request(patch: Patch) -> None:
    honest = promising.request

    def request(asked: Any, *, now: Any, **more: Any) -> Any:
        return honest(attrs.evolve(asked, entered_at=now), now=now, **more)

    patch.setattr(promising, "request", request)


def a_person_may_ask_twice(patch: Patch) -> None:
    patch.setattr(promising, "dedup_key_or_none", lambda _subject_id, *, policy: None)


def wrong_numbers_are_forgotten(patch: Patch) -> None:
    honest = writing.failures_of

    def failures_of(tx: Any, ended: Any, context: Any) -> Any:
        every = tuple(range(len(legs.numbers_of(context.subject))))
        return attrs.evolve(honest(tx, ended, context), usable=every)

    patch.setattr(writing, "failures_of", failures_of)
    patch.setattr(writing, "_mark_subject", lambda *_of: None)


def every_notice_has_one_id(patch: Patch) -> None:
    honest = notices._notice

    def notice(kind: Any, callback: Any, *more: Any) -> Any:
        return attrs.evolve(honest(kind, callback, *more), notice_id=f"{callback.callback_id}.{kind}")

    patch.setattr(notices, "_notice", notice)


def rest_is_forever(patch: Patch) -> None:
    honest = consequences.lifecycle.attempt_failed

    def attempt_failed(callback: Any, **more: Any) -> Decision:
        decision = honest(callback, **more)
        return attrs.evolve(
            decision,
            records=tuple(_put_off(record) for record in decision.records),
            events=tuple(_put_off(event) for event in decision.events),
        )

    patch.setattr(lifecycle, "attempt_failed", attempt_failed)


def _put_off(what: Any) -> Any:
    if what.due_reason is not DueReason.REST_OVER:
        return what
    return attrs.evolve(what, due_at=what.due_at + timedelta(days=2))


# ---------------------------------------------------------------------------- agents


def lost_agent_is_not_freed(patch: Patch) -> None:
    patch.setattr(consequences, "_agent_lost", lambda _moved, _context: Decision())


def agents_are_not_reserved(patch: Patch) -> None:
    patch.setattr(agents, "reserve", lambda *_agent, **_how: Decision())


def only_one_agent_gets_work(patch: Patch) -> None:
    honest = chooser.Chooser.pick

    def pick(self: Any, agent: Any) -> Any:
        picked = honest(self, agent)
        first = self.__dict__.setdefault("only", agent.agent_id)
        return picked if agent.agent_id == first else attrs.evolve(picked, place=None)

    patch.setattr(chooser.Chooser, "pick", pick)


# ---------------------------------------------------------------------------- the table

ERROR: Final = "error"
"""The world ends by an error that is a bug."""

MUTATIONS: Final = (
    Mutation(
        broken="legs are not hung up when an attempt is over",
        breaks=legs_are_left_up,
        found_by=storm_checkers.RUNG_TWICE,
        seeds=CALM,
    ),
    Mutation(
        broken="a leg that may still ring is taken for ended",
        breaks=doubt_is_skipped,
        found_by=checkers.NUMBER_TWICE,
        seeds=WILD,
        # An answer that nobody heard of, where no hang-up ever works, is beyond what can be promised.
        weather={Fault.HANG_UP_FAILS: 1.0, Fault.REPORT_LOST: 0.0},
    ),
    Mutation(
        broken="a customer may hold for ten minutes more",
        breaks=holding_lasts,
        found_by=storm_checkers.ALONE,
        seeds=CALM,
    ),
    Mutation(
        broken="BRIDGED ends the conversation (a swapped transition)",
        breaks=bridge_ends_the_talk,
        found_by=storm_checkers.CUT,
    ),
    Mutation(
        broken="the second agent's leg has the first one's id",
        breaks=next_agent_has_the_same_leg,
        found_by=checkers.LEG_TWICE,
    ),
    Mutation(
        broken="no attempt counts",
        breaks=nothing_counts,
        found_by=ERROR,
    ),
    Mutation(
        broken="one attempt more than policy allows",
        breaks=one_attempt_more,
        found_by=checkers.ATTEMPTS,
    ),
    Mutation(
        broken="a promise is kept before the two are joined",
        breaks=kept_before_they_are_joined,
        found_by=checkers.NEVER_CONNECTED,
        seeds=WILD,
        weather={Fault.BRIDGE_TO_DEAD: 0.5},
    ),
    Mutation(
        broken="who answered, and may have talked, is dialed again (a dropped guard)",
        breaks=doubt_after_an_answer_is_redialed,
        found_by=checkers.DIALED_AGAIN,
        seeds=(*WILD, 9, 11),
        weather={Fault.OUTAGE: 0.02},
    ),
    Mutation(
        broken="who goes back in line stands at its end",
        breaks=who_goes_back_loses_the_place,
        found_by=FOLD,
    ),
    Mutation(
        broken="the second in line is served first",
        breaks=second_in_line_is_served_first,
        found_by=checkers.OVERTAKEN,
    ),
    Mutation(
        broken="the time on hold before the request is forgotten",
        breaks=entry_is_the_request,
        found_by=checkers.ENTRY,
    ),
    Mutation(
        broken="a person may have two callbacks (a dropped key)",
        breaks=a_person_may_ask_twice,
        found_by=checkers.TWO_ACTIVE,
    ),
    Mutation(
        broken="wrong numbers are forgotten",
        breaks=wrong_numbers_are_forgotten,
        found_by=storm_checkers.WRONG_NUMBER,
    ),
    Mutation(
        broken="notices of two causes have one id",
        breaks=every_notice_has_one_id,
        found_by=storm_checkers.NOTICE_TWICE,
    ),
    Mutation(
        broken="a rest lasts two days longer",
        breaks=rest_is_forever,
        found_by=storm_checkers.HANGING,
    ),
    Mutation(
        broken="an agent who declined is not freed (a dropped consequence)",
        breaks=lost_agent_is_not_freed,
        found_by=storm_checkers.HANGING,
    ),
    Mutation(
        broken="agents are not reserved",
        breaks=agents_are_not_reserved,
        found_by=checkers.AGENT_TWICE,
    ),
    Mutation(
        broken="only the first free agent gets work",
        breaks=only_one_agent_gets_work,
        found_by=checkers.IDLE,
        seeds=CALM,
    ),
    Mutation(
        broken="a rule of the attempt is missing an argument",
        breaks=rule_raises,
        found_by=FAILED,
        seeds=WILD,
        weather={Fault.REPORT_LOST: 0.5},
        people=10,
    ),
)
