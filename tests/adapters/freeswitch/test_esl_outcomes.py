"""What each end of a call in FreeSWITCH means: every row of the table that was measured, and the traps beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.freeswitch.esl_rig import Rig, bridge, order, run, until
from callbackq import AnsweredBy, Cause, DialRefused, Play, Prompt, ReportKind, Role, SendDigits, StopPlay
from callbackq.adapters.freeswitch import Detector
from callbackq.adapters.freeswitch.words import channel_of
from callbackq.testing.doubles.esl import ChannelState, EslDouble, EslPhone


def double_with(phone: EslPhone) -> EslDouble:
    return EslDouble(phone_of=lambda _address: phone)


@pytest.mark.parametrize(
    ("phone", "cause", "raw_cause"),
    [
        pytest.param(EslPhone(ends_after_s=0.01, cause="USER_BUSY"), Cause.BUSY, "USER_BUSY 486", id="486"),
        pytest.param(
            EslPhone(ends_after_s=0.01, cause="CALL_REJECTED"),
            Cause.REJECTED,
            "CALL_REJECTED 603",
            id="603 is declined",
        ),
        pytest.param(
            EslPhone(ends_after_s=0.01, cause="NO_USER_RESPONSE", rings=False),
            Cause.UNREACHABLE,
            "NO_USER_RESPONSE 480",
            id="480 is NO_USER_RESPONSE here",
        ),
        pytest.param(
            EslPhone(ends_after_s=0.01, cause="UNALLOCATED_NUMBER", rings=False),
            Cause.INVALID_NUMBER,
            "UNALLOCATED_NUMBER 404",
            id="404",
        ),
        pytest.param(
            EslPhone(ends_after_s=0.01, cause="NORMAL_TEMPORARY_FAILURE", rings=False),
            Cause.CONGESTED,
            "NORMAL_TEMPORARY_FAILURE 503",
            id="503, or a closed port",
        ),
        pytest.param(
            EslPhone(ends_after_s=0.01, cause="RECOVERY_ON_TIMER_EXPIRE", rings=False),
            Cause.UNREACHABLE,
            "RECOVERY_ON_TIMER_EXPIRE 408",
            id="408 is RECOVERY_ON_TIMER_EXPIRE here",
        ),
    ],
)
def test_outcome_of_a_call_that_nobody_answers(phone: EslPhone, cause: Cause, raw_cause: str) -> None:
    async def test() -> None:
        async with Rig(double_with(phone)) as rig:
            dialed = order()
            await rig.adapter.dial(dialed)
            end = await rig.ended(dialed.leg_id)
            assert (end.cause, end.raw_cause) == (cause, raw_cause)
            assert ReportKind.ANSWERED not in rig.kinds(dialed.leg_id)

    run(test())


def test_answered_ends_as_a_call_ends() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.answered()
            rig.phones.hang_up(rig.channel(leg_id))
            end = await rig.ended(leg_id)
            assert (end.cause, end.raw_cause) == (Cause.NORMAL, "NORMAL_CLEARING 200")

    run(test())


def test_our_timeout_is_no_answer_only_if_it_rang() -> None:
    async def test() -> None:
        async with Rig() as rig:
            rig.phones.ring_time_ratio = 0.02
            rang = order(ring_s=1)
            await rig.adapter.dial(rang)
            assert (await rig.ended(rang.leg_id)).cause is Cause.NO_ANSWER
            rig.double.phone_of = lambda _address: EslPhone(rings=False)
            silent = order(ring_s=1)
            await rig.adapter.dial(silent)
            assert (await rig.ended(silent.leg_id)).cause is Cause.UNREACHABLE

    run(test())


@pytest.mark.parametrize(
    ("cause", "becomes"),
    [
        ("CHAN_NOT_IMPLEMENTED", None),
        ("INVALID_PROFILE", None),
        ("INVALID_GATEWAY", None),
        ("NO_ROUTE_DESTINATION", Cause.INVALID_NUMBER),
        ("USER_NOT_REGISTERED", Cause.UNREACHABLE),
    ],
)
def test_a_job_that_makes_no_channel_ends_the_leg(cause: str, becomes: Cause | None) -> None:
    """-ERR without any event of a channel: what FreeSWITCH lacks is refused; what it knows of the phone is an end."""

    async def test() -> None:
        async with Rig(double_with(EslPhone(refused=cause))) as rig:
            dialed = order()
            if becomes is None:
                with pytest.raises(DialRefused, match=cause):
                    await rig.adapter.dial(dialed)
                assert rig.kinds(dialed.leg_id) == []
            else:
                await rig.adapter.dial(dialed)
                assert (await rig.ended(dialed.leg_id)).cause is becomes

    run(test())


def test_early_media_is_ringing_unless_the_settings_say_no() -> None:
    async def test() -> None:
        for counts in (True, False):
            async with Rig(double_with(EslPhone(early_media=True)), progress_is_ringing=counts) as rig:
                dialed = order()
                await rig.adapter.dial(dialed)
                await until(lambda rig=rig, dialed=dialed: rig.channel(dialed.leg_id).media_at)
                await asyncio.sleep(0.02)
                assert (ReportKind.RINGING in rig.kinds(dialed.leg_id)) is counts

    run(test())


def test_a_killed_leg_has_the_cause_that_we_gave_and_was_cancelled() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.ringing()
            await rig.hang_up(leg_id)
            end = await rig.ended(leg_id)
            assert (end.cause, end.raw_cause) == (Cause.CANCELLED, "ORIGINATOR_CANCEL")

    run(test())


def test_killed_at_the_answer_the_job_says_err_although_the_answer_had_come() -> None:
    """One end, and it is that of a call of ours; the ANSWERED that had been said stands."""

    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.ringing()
            rig.phones.answer(rig.channel(leg_id))  # Parked, and +OK, 4 ms later.
            await rig.hang_up(leg_id)
            assert (await rig.ended(leg_id)).cause in (Cause.NORMAL, Cause.CANCELLED)
            assert not any(rig.phones.live())

    run(test())


def test_a_leg_is_not_originated_twice() -> None:
    """FreeSWITCH would take it, under another id, and ring twice."""

    async def test() -> None:
        async with Rig() as rig:
            dialed = order()
            await asyncio.gather(rig.adapter.dial(dialed), rig.adapter.dial(dialed))
            await rig.adapter.dial(dialed)
            assert len(rig.phones.placed) == 1

    run(test())


def test_a_leg_of_an_earlier_process_is_not_originated_again() -> None:
    """Its own table is empty: uuid_exists says that the channel is there."""

    async def test() -> None:
        async with Rig() as first:
            dialed = order()
            await first.adapter.dial(dialed)
            second = Rig(first.double)
            second.adapter = type(first.adapter)(first.adapter._settings)
            second.adapter.attach(second.board)
            async with second.adapter:
                await second.adapter.dial(dialed)
                assert len(first.phones.placed) == 1
                first.phones.answer(first.channel(dialed.leg_id))
                await until(lambda: ReportKind.ANSWERED in second.kinds(dialed.leg_id))

    run(test())


def test_a_second_channel_of_a_leg_is_hung_up() -> None:
    """Somebody had given the same command in the same moment, and a loopback channel is placed under another id."""

    async def test() -> None:
        async with Rig(customer="loopback/{digits}/default") as rig:
            leg_id = await rig.ringing()
            one = rig.channel(leg_id)
            rig.phones.place(one.address, EslPhone(), one.variables, job="")
            other = rig.phones.placed[-1]
            assert other.channel != one.channel
            await until(lambda: not other.is_live)
            assert one.is_live
            assert ReportKind.ENDED not in rig.kinds(leg_id)

    run(test())


def test_a_job_that_is_refused_for_the_id_ends_no_leg_that_lives() -> None:
    """Two processes have dialed one leg in the same moment: sofia refuses the second, and the first goes on."""

    async def test() -> None:
        async with Rig() as rig:
            dialed = order()
            place = rig.phones.place

            def place_twice(address, phone, variables, *, job):
                place(address, phone, variables, job="of another process")
                place(address, phone, variables, job=job)

            rig.phones.place = place_twice
            await rig.adapter.dial(dialed)
            await asyncio.sleep(0.6)  # Longer than an end waits for its event.
            assert len(rig.phones.placed) == 1
            assert rig.kinds(dialed.leg_id) == [ReportKind.RINGING]
            rig.phones.answer(rig.channel(dialed.leg_id))
            await until(lambda: ReportKind.ANSWERED in rig.kinds(dialed.leg_id))

    run(test())


def test_one_session_too_many_in_a_second_is_refused_and_not_the_customer_s_fault() -> None:
    async def test() -> None:
        async with Rig() as rig:
            rig.phones.sessions_left = 1
            await rig.adapter.dial(order())
            late = order()
            with pytest.raises(DialRefused, match="sessions-per-second"):
                await rig.adapter.dial(late)
            assert rig.kinds(late.leg_id) == []

    run(test())


def test_legs_are_placed_no_faster_than_the_settings_say() -> None:
    """The second waits for its turn; who would wait too long is refused, and never dialed."""

    async def test() -> None:
        async with Rig(dials_per_s_max=0.1) as rig:
            await rig.adapter.dial(order())
            with pytest.raises(DialRefused, match="so many legs"):
                await rig.adapter.dial(order())
            assert len(rig.phones.placed) == 1
        async with Rig(dials_per_s_max=0.5) as rig:
            await rig.adapter.dial(order())
            waiting = asyncio.create_task(rig.adapter.dial(given_up := order()))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            await rig.adapter.dial(given_up)
            assert len(rig.phones.placed) == 1

    run(test())


def test_a_leg_is_joined_when_it_is_parked_and_not_before() -> None:
    async def test() -> None:
        async with Rig() as rig:
            agent, customer = await rig.ringing(role=Role.AGENT), await rig.ringing()
            rig.phones.answer(rig.channel(agent))
            rig.phones.answer(rig.channel(customer))
            await until(lambda: ReportKind.ANSWERED in rig.kinds(customer))
            await rig.adapter.bridge(bridge(agent, customer))
            await until(lambda: ReportKind.BRIDGED in rig.kinds(customer) + rig.kinds(agent))
            assert all(not rig.channel(leg_id).job for leg_id in (agent, customer))

    run(test())


def test_a_dial_that_is_given_up_before_its_reply_is_not_said_to_ring_for_ever() -> None:
    async def test() -> None:
        async with Rig() as rig:
            dialed = order()

            async def never(_command: str) -> None:
                await asyncio.Event().wait()

            rig.adapter._client.job = never
            dialing = asyncio.create_task(rig.adapter.dial(dialed))
            await until(lambda: any("uuid_exists" in one for one in rig.double.commands.given))
            await asyncio.sleep(0.01)
            dialing.cancel()
            await asyncio.wait({dialing})
            assert (await rig.adapter.snapshot()).legs == {}
            await rig.adapter.dial(dialed)
            assert rig.phones.placed == []

    run(test())


def test_without_a_sound_a_prompt_is_over_at_once() -> None:
    async def test() -> None:
        async with Rig(sound=None) as rig:
            leg_id = await rig.answered()
            await rig.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD))
            await until(lambda: ReportKind.PLAYED in rig.kinds(leg_id))
            await rig.hang_up(leg_id, prompt=Prompt.COULD_NOT_CONNECT)
            await rig.ended(leg_id)

    run(test())


def test_what_plays_too_long_is_ended() -> None:
    """And the leg too, if it was its goodbye."""

    async def test() -> None:
        async with Rig(prompt_time_max=timedelta(seconds=1)) as rig:
            rig.phones.prompt_s = 60
            leg_id = await rig.answered()
            await rig.hang_up(leg_id, prompt=Prompt.COULD_NOT_CONNECT)
            await asyncio.sleep(0.1)
            assert rig.channel(leg_id).is_live
            await rig.ended(leg_id)

    run(test())


def test_a_recording_that_is_refused_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with Rig() as rig:
            rig.double.commands._answers = {
                **rig.double.commands._answers,
                "uuid_record": lambda _: "-ERR Cannot record session!\n",
            }
            _, customer = await rig.joined(record=True)
            assert [r.recording_id for r in rig.board.reports if r.kind is ReportKind.BRIDGED] == [None]
            rig.phones.hang_up(rig.channel(customer))
            await rig.ended(customer)

    run(test())
    assert "does not record" in caplog.text


def test_one_who_is_left_in_a_bridge_is_parked_and_can_be_told() -> None:
    """The customer hangs up: the agent stays, hears why, and is hung up."""

    async def test() -> None:
        async with Rig() as rig:
            agent, customer = await rig.joined()
            rig.phones.hang_up(rig.channel(customer))
            await rig.ended(customer)
            await rig.hang_up(agent, prompt=Prompt.CUSTOMER_LEFT, language="de")
            await rig.ended(agent)
            assert rig.phones.played == [(channel_of(agent), "callbackq/de/customer_left.wav")]

    run(test())


def test_a_sound_that_is_missing_is_over_at_once() -> None:
    async def test() -> None:
        async with Rig() as rig:
            rig.phones.missing.add("callbackq/en/please_hold.wav")
            leg_id = await rig.answered()
            await rig.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD))
            await until(lambda: ReportKind.PLAYED in rig.kinds(leg_id))
            assert rig.phones.played == []

    run(test())


def test_what_is_spoken_is_one_word_to_freeswitch() -> None:
    async def test() -> None:
        async with Rig(sound="speak::flite|slt|{text}") as rig:
            leg_id = await rig.answered()
            text = "We're back, ${system reboot}' aleg\nPress 1!"
            await rig.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PRESS_TO_CONNECT, text=text))
            await until(lambda: ReportKind.PLAYED in rig.kinds(leg_id))
            spoken = "flite|slt|We’re back, system reboot ’ aleg Press 1!"
            assert rig.phones.played == [(channel_of(leg_id), spoken)]

    run(test())


def test_a_stopped_sound_says_played_once() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.answered()
            await rig.adapter.play(Play(leg_id=leg_id, prompt=Prompt.PLEASE_HOLD))
            await rig.adapter.stop_play(StopPlay(leg_id=leg_id))
            await until(lambda: ReportKind.PLAYED in rig.kinds(leg_id))
            await asyncio.sleep(0.2)
            assert rig.kinds(leg_id).count(ReportKind.PLAYED) == 1

    run(test())


def test_keys_that_were_pressed_before_we_heard_of_the_answer_are_not_lost() -> None:
    async def test() -> None:
        async with Rig() as rig:
            leg_id = await rig.ringing()
            one = rig.channel(leg_id)
            one.state = ChannelState.ANSWERED
            rig.phones.press(one, "1")  # The event of the answer comes later.
            one.state = ChannelState.RINGING
            rig.phones.answer(one)
            await until(lambda: ReportKind.DIGIT in rig.kinds(leg_id))
            assert rig.kinds(leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.DIGIT]

    run(test())


def test_an_extension_is_pressed_after_a_pause() -> None:
    async def test() -> None:
        async with Rig(digits_after=timedelta(seconds=1)) as rig:
            leg_id = await rig.answered()
            await rig.adapter.send_digits(SendDigits(leg_id=leg_id, digits="47-11"))
            assert rig.channel(leg_id).heard == "4711"
            assert rig.double.commands.given[-1].endswith(" ww4711")

    run(test())


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("HUMAN", AnsweredBy.HUMAN),
        ("MACHINE", AnsweredBy.MACHINE),
        ("NOTSURE", AnsweredBy.UNKNOWN),
        ("person", AnsweredBy.HUMAN),
        ("", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered_is_found_out_by_mod_amd(said: str, who: AnsweredBy) -> None:
    async def test() -> None:
        async with Rig(double_with(EslPhone(amd=said)), detector=Detector.AMD) as rig:
            leg_id = await rig.answered(detect=True)
            await until(lambda: ReportKind.DETECTED in rig.kinds(leg_id))
            assert [
                report.answered_by for report in rig.board.reports if report.kind is ReportKind.DETECTED
            ] == [who]

    run(test())


def test_a_beep_is_a_machine_and_a_leg_without_the_wish_is_not_listened_to() -> None:
    async def test() -> None:
        async with Rig(double_with(EslPhone(beeps=True)), detector=Detector.AVMD) as rig:
            plain, leg_id = await rig.answered(), await rig.answered(detect=True)
            await until(lambda: ReportKind.DETECTED in rig.kinds(leg_id))
            report = rig.board.reports[-1]
            assert report.answered_by is AnsweredBy.MACHINE
            assert ReportKind.DETECTED not in rig.kinds(plain)

    run(test())


def test_a_conversation_is_recorded_and_the_recording_is_named() -> None:
    async def test() -> None:
        async with Rig(recordings="/rec") as rig:
            _, customer = await rig.joined(record=True)
            path = "/rec/at_joining.wav"
            assert rig.channel(customer).recordings == [path]
            rig.phones.hang_up(rig.channel(customer))
            assert (await rig.ended(customer)).recording_id == path
            assert [r.recording_id for r in rig.board.reports if r.kind is ReportKind.BRIDGED] == [path]

    run(test())
