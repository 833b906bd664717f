"""What legs hear, who answered, and keys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.asterisk.ari_stories import Story, a_dial, a_moment, asterisk, told, until
from callbackq import AnsweredBy, Cause, HangUp, LegId, Play, Prompt, ReportKind, Role, SendDigits
from callbackq.testing.doubles.ari import AriPhone, Trouble

HOLD = Prompt.PLEASE_HOLD


def heard(story: Story, leg_id: LegId) -> list[tuple[str, str | None]]:
    return [(sound.media, sound.language) for sound in story.double.world.channels[leg_id].sounds]


@told
async def test_a_prompt_is_a_sound_in_the_customers_language() -> None:
    async with asterisk(sounds={Prompt.CALL_LATER: "sound:bye"}) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD, language="fr-CA"))
        assert heard(story, leg_id) == [("sound:callbackq/please_hold", "fr_CA")]
        await story.has(leg_id, ReportKind.PLAYED)
        await story.adapter.play(Play(leg_id=leg_id, prompt=Prompt.CALL_LATER))
        assert heard(story, leg_id) == [("sound:bye", None)]


@told
async def test_a_host_may_speak_the_words_itself() -> None:
    async def speak(order: Play | HangUp) -> str | None:
        return f"sound:spoken/{order.text}" if order.text else None

    async with asterisk(speak=speak) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD, text="Hold."))
        assert heard(story, leg_id) == [("sound:spoken/Hold.", None)]
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        assert [media for media, _ in heard(story, leg_id)][-1] == "sound:callbackq/please_hold"


@told
async def test_a_voice_that_fails_holds_nobody_up() -> None:
    def speak(order: Play | HangUp) -> str | None:
        raise RuntimeError("+12125550101")

    async with asterisk(speak=speak) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.PLAYED)


@told
async def test_a_sound_that_is_missing_is_over_at_once() -> None:
    """The request is answered with 201 all the same; then it has failed."""
    async with asterisk(sounds={HOLD: "sound:missing"}) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.PLAYED)


@told
async def test_a_medium_of_whose_end_nothing_is_heard_is_ended() -> None:
    """An unknown scheme: 201, it has begun, and no end ever comes."""
    async with asterisk(sounds={HOLD: "foo:bar"}, prompt_time_max=timedelta(seconds=1)) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.PLAYED)
        await until(lambda: not story.double.world.channels[leg_id].sounds)


@told
async def test_no_sound_at_all_is_over_at_once() -> None:
    async with asterisk(sound=None) as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.PLAYED)
        await story.adapter.hang_up(HangUp(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.ENDED)


@told
async def test_a_prompt_that_gives_way_to_another_is_not_reported() -> None:
    """Its end would be taken for the end of the other one."""
    async with asterisk() as story:
        leg_id = await story.answered()
        for _ in range(3):
            await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        await story.has(leg_id, ReportKind.PLAYED)
        await a_moment(0.08)
        assert story.kinds(leg_id).count(ReportKind.PLAYED) == 1


@told
async def test_a_leg_that_dies_during_a_sound_has_one_end() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        await story.adapter.play(Play(leg_id=leg_id, prompt=HOLD))
        story.double.end(leg_id)
        await story.has(leg_id, ReportKind.ENDED)
        await a_moment()
        assert story.kinds(leg_id)[-1] is ReportKind.ENDED


@told
async def test_a_goodbye_is_said_before_the_leg_ends() -> None:
    """Its own end is not reported, and asking twice does not cut it short."""
    async with asterisk() as story:
        leg_id = await story.answered()
        for _ in range(2):
            await story.adapter.hang_up(HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT))
        assert heard(story, leg_id) == [("sound:callbackq/could_not_connect", None)]
        await story.has(leg_id, ReportKind.ENDED)
        assert story.causes(leg_id) == [Cause.NORMAL]
        assert ReportKind.PLAYED not in story.kinds(leg_id)


@told
async def test_a_goodbye_is_cut_short_by_a_plain_hang_up() -> None:
    async with asterisk() as story:
        story.double.world.play_time_s = 60
        leg_id = await story.answered()
        await story.adapter.hang_up(HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT))
        await story.adapter.hang_up(HangUp(leg_id=leg_id))
        await story.has(leg_id, ReportKind.ENDED)


@told
async def test_a_goodbye_that_cannot_be_said_ends_the_leg_all_the_same() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        other = await story.answered()
        for one, trouble in ((leg_id, Trouble.FAILS), (other, Trouble.LOST_BEFORE)):
            story.double.trouble("POST", "/channels/.*/play/.*", trouble)
            await story.adapter.hang_up(HangUp(leg_id=one, prompt=Prompt.COULD_NOT_CONNECT))
            await story.has(one, ReportKind.ENDED)


@told
async def test_keys_are_pressed_and_heard() -> None:
    async with asterisk() as story:
        leg_id = await story.answered()
        await story.adapter.send_digits(SendDigits(leg_id=leg_id, digits="4711#"))
        assert story.double.world.channels[leg_id].said == "4711#"
        story.double.press(leg_id, "1")
        await story.has(leg_id, ReportKind.DIGIT)
        assert story.board.reports[-1].digits == "1"


# ---------------------------------------------------------------------------- who answered


@pytest.mark.parametrize(
    ("status", "by"),
    [
        ("HUMAN", AnsweredBy.HUMAN),
        ("MACHINE", AnsweredBy.MACHINE),
        ("NOTSURE", AnsweredBy.UNKNOWN),
        ("FAX", AnsweredBy.FAX),
    ],
)
@told
async def test_the_dialplan_finds_out_who_answered(status: str, by: AnsweredBy) -> None:
    """StasisStart, StasisEnd, StasisStart: the leg is answered when it comes back, and StasisEnd is no hang-up."""
    async with asterisk(amd="callbackq-amd") as story:
        story.double.world.phone_of = lambda *_: AriPhone(answers_after_s=0, amd=status)
        order = a_dial(detect=True)
        await story.adapter.dial(order)
        await story.has(order.leg_id, ReportKind.ANSWERED)
        assert story.kinds(order.leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED]
        assert story.board.reports[-1].answered_by is by
        assert story.double.world.channels[order.leg_id].place == ("callbackq-amd", "s", 1)
        await story.adapter.play(Play(leg_id=order.leg_id, prompt=HOLD))
        await story.has(order.leg_id, ReportKind.PLAYED)


@told
async def test_nobody_is_listened_to_unless_the_order_says_so() -> None:
    async with asterisk(amd="callbackq-amd,listen") as story:
        for others in ({}, {"role": Role.AGENT}):
            leg_id = await story.answered(**others)
            assert story.double.world.channels[leg_id].in_stasis


@told
async def test_a_detection_that_cannot_begin_is_an_answer_of_somebody_unknown() -> None:
    async with asterisk(amd="callbackq-amd") as story:
        story.double.world.phone_of = lambda *_: AriPhone(answers_after_s=0)
        story.double.trouble("POST", "/channels/.*/continue", Trouble.FAILS)
        order = a_dial(detect=True)
        await story.adapter.dial(order)
        await story.has(order.leg_id, ReportKind.ANSWERED)
        assert story.board.reports[-1].answered_by is AnsweredBy.UNKNOWN


@told
async def test_who_hangs_up_while_they_are_listened_to_had_answered() -> None:
    async with asterisk(amd="callbackq-amd") as story:
        story.double.world.phone_of = lambda *_: AriPhone(answers_after_s=0, amd_after_s=60)
        order = a_dial(detect=True)
        await story.adapter.dial(order)
        await until(lambda: ("POST", f"/channels/{order.leg_id}/continue") in story.double.requests)
        await a_moment()
        story.double.end(order.leg_id)
        await story.has(order.leg_id, ReportKind.ENDED)
        assert story.causes(order.leg_id) == [Cause.NORMAL]
        assert ReportKind.ANSWERED not in story.kinds(order.leg_id)
