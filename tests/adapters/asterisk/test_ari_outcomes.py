"""How legs end: what Asterisk was measured to say of each outcome, and what is reported."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.asterisk.ari_stories import a_dial, a_moment, asterisk, told, until
from callbackq import Cause, HangUp, ReportKind, Role
from callbackq.errors import DialRefused
from callbackq.testing.doubles.ari import AriPhone

ROWS = [
    # what the customer does, whether it rang, cause, SIP code, what it means
    ("busy", True, 17, 486, Cause.BUSY),
    ("busy everywhere", False, 17, 600, Cause.BUSY),
    ("declines", True, 21, 603, Cause.REJECTED),
    ("declines, as forbidden", True, 21, 403, Cause.REJECTED),
    ("480 while it rang", True, 19, 480, Cause.NO_ANSWER),
    ("480 at once", False, 19, 480, Cause.UNREACHABLE),
    ("408 while it rang", True, 18, 408, Cause.NO_ANSWER),
    ("unknown number", False, 1, 404, Cause.INVALID_NUMBER),
    ("incomplete number", False, 28, 484, Cause.INVALID_NUMBER),
    ("number changed", False, 22, 410, Cause.INVALID_NUMBER),
    ("congestion", False, 34, 503, Cause.CONGESTED),
    ("server error", False, 38, 500, Cause.FAILED),
    ("bad gateway", False, 27, 502, Cause.UNREACHABLE),
    ("no common codec", False, 58, 488, Cause.FAILED),
    ("unwanted", True, 127, 607, Cause.REJECTED),
    ("terminated", True, 127, 487, Cause.CANCELLED),
    ("subscriber absent", False, 20, None, Cause.UNREACHABLE),
    ("no such Local extension", False, 0, None, Cause.FAILED),
]


@pytest.mark.parametrize(("what", "rings", "cause", "sip", "means"), ROWS, ids=[row[0] for row in ROWS])
@told
async def test_outcome_is_read_from_the_cause(
    what: str, rings: bool, cause: int, sip: int | None, means: Cause
) -> None:
    """Never from the dialstatus: a decline and a wrong number both read NOANSWER there."""
    async with asterisk() as story:
        phone = AriPhone(rings_after_s=0 if rings else None, fails_after_s=0.003, cause=cause, sip=sip)
        story.double.world.phone_of = lambda *_: phone
        order = a_dial()
        await story.adapter.dial(order)
        await story.has(order.leg_id, ReportKind.ENDED)
        assert story.causes(order.leg_id) == [means]
        assert (ReportKind.RINGING in story.kinds(order.leg_id)) is rings
        raw = story.board.reports[-1].raw_cause
        assert raw is not None
        assert raw.startswith(f"{cause} ")
        assert sip is None or f"SIP {sip}" in raw


@told
async def test_a_normal_end_after_an_answer_is_normal() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        story.double.end(leg_id)
        await story.has(leg_id, ReportKind.ENDED)
        assert story.causes(leg_id) == [Cause.NORMAL]


@told
async def test_our_own_timeout_is_no_answer_only_if_it_rang() -> None:
    """The same cause 19 comes where nothing ever replies: only the ringing tells them apart."""
    async with asterisk() as story:
        story.double.world.ring_time_ratio = 0.02
        story.double.world.phone_of = lambda endpoint, _: AriPhone(
            rings_after_s=None if "dead" in endpoint else 0
        )
        rang, dead = a_dial(ring_time=timedelta(seconds=1)), a_dial(role=Role.AGENT, agent_id="dead")
        for order in (rang, dead):
            await story.adapter.dial(order)
        for order in (rang, dead):
            await story.has(order.leg_id, ReportKind.ENDED)
        assert story.causes(rang.leg_id) == [Cause.NO_ANSWER]
        assert story.causes(dead.leg_id) == [Cause.UNREACHABLE]


@pytest.mark.parametrize(("counts", "means"), [(True, Cause.NO_ANSWER), (False, Cause.UNREACHABLE)])
@told
async def test_early_media_counts_as_ringing_where_that_is_wanted(counts: bool, means: Cause) -> None:
    """Many trunks send 183 and never 180."""
    async with asterisk(progress_is_ringing=counts) as story:
        phone = AriPhone(early_media=True, fails_after_s=0.003, cause=19, sip=480)
        story.double.world.phone_of = lambda *_: phone
        order = a_dial()
        await story.adapter.dial(order)
        await story.has(order.leg_id, ReportKind.ENDED)
        assert story.causes(order.leg_id) == [means]


@told
async def test_a_leg_that_we_cancel_is_cancelled_whatever_the_cause() -> None:
    """A customer's phone with cause 16; an agent's as answered elsewhere, so that it shows no missed call."""
    async with asterisk() as story:
        for role, cause in ((Role.CUSTOMER, 16), (Role.AGENT, 26)):
            order = a_dial(role=role)
            await story.adapter.dial(order)
            await story.has(order.leg_id, ReportKind.RINGING)
            await story.adapter.hang_up(HangUp(leg_id=order.leg_id))
            await story.has(order.leg_id, ReportKind.ENDED)
            assert story.causes(order.leg_id) == [Cause.CANCELLED]
            assert str(story.board.reports[-1].raw_cause).startswith(f"{cause} ")


@told
async def test_no_such_endpoint_is_refused_and_no_event_ever_comes() -> None:
    """HTTP 500 `Allocation failed`."""
    async with asterisk() as story:
        order = a_dial(number="+12125550404")
        with pytest.raises(DialRefused, match="500 Allocation failed"):
            await story.adapter.dial(order)
        await a_moment()
        assert story.kinds(order.leg_id) == []
        await story.adapter.dial(order)  # It was dialed, and is not dialed again.
        assert not story.double.world.dialed


@told
async def test_the_far_half_of_a_local_channel_is_no_leg() -> None:
    """Its answer and its end are said too, under `…;2`: the leg has one of each."""
    async with asterisk(customer="Local/{digits}@phones/n") as story:
        leg_id = await story.answered()
        story.double.end(leg_id)
        await story.has(leg_id, ReportKind.ENDED)
        await a_moment()
        assert story.kinds(leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.ENDED]
        assert {report.leg_id for report in story.board.reports} == {leg_id}


@told
async def test_a_leg_that_is_gone_unheard_has_ended() -> None:
    """Its last event was lost: the reply to our hang-up says that there is no such channel."""
    async with asterisk() as story:
        leg_id = await story.answered()
        story.double.filters["callbackq"] = frozenset({"ChannelDestroyed"})
        story.double.end(leg_id)
        await a_moment()
        assert ReportKind.ENDED not in story.kinds(leg_id)
        await story.adapter.hang_up(HangUp(leg_id=leg_id))
        await until(lambda: story.causes(leg_id) == [Cause.NORMAL])
