"""The client of AMI: what goes over the wire, what is refused, and what is never said."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.asterisk.ami_scene import PATIENCE_S, QUICK, SECRET, ami_settings, play, scene, until
from callbackq import AdapterError, ConfigurationError, TelephonyDown
from callbackq.adapters.asterisk.ami import Ami, AmiRefused, version_of
from callbackq.adapters.asterisk.ami_framing import LINE_MAX, LINES_MAX, Framer, Message, action_text
from callbackq.adapters.asterisk.ami_settings import AmiSettings
from callbackq.adapters.connection import LoginRefused, Waits
from callbackq.testing.doubles.ami import AmiDouble

CERTIFICATE = Path(__file__).with_name("ami_localhost.pem")
"""Of localhost, signed by itself, with its key: made for these tests, and good for nothing else."""
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


class Heard:
    """A client that notes what it hears."""

    def __init__(self, settings: AmiSettings) -> None:
        self.events: list[Message] = []
        self.ups = self.downs = 0
        self.ami = Ami(
            settings,
            on_event=self.events.append,
            on_up=self._up,
            on_down=self._down,
            now_s=lambda: 0.0,
        )

    def _up(self) -> None:
        self.ups += 1

    def _down(self) -> None:
        self.downs += 1


# ---------------------------------------------------------------------------- framing


def frames(*pieces: bytes) -> list[dict[str, str]]:
    framer = Framer()
    return [dict(message.fields) for piece in (BANNER, *pieces) for message in framer.feed(piece)]


def test_a_message_is_the_same_wherever_the_network_cuts_it() -> None:
    """Every cut of a short stream gives the same messages."""
    stream = "Event: Hangup\r\nUniqueid: 1.2\r\nName: Jörg\r\n\r\nResponse: Success\nPing: Pong\n\n".encode()
    whole = frames(stream)
    assert [message.get("event", "") for message in whole] == ["Hangup", ""]
    assert whole[0]["name"] == "Jörg"
    for at in range(len(stream)):
        assert frames(stream[:at], stream[at:]) == whole


def test_what_is_longer_than_it_can_be_is_left_out() -> None:
    """A line without an end, a line that is too long, and a message of too many: the next one is heard."""
    framer = Framer()
    list(framer.feed(BANNER))
    for _ in range(40):
        assert list(framer.feed(b"Event: x" * 1024)) == []
    assert len(framer._rest) <= LINE_MAX + 8 * 1024
    assert list(framer.feed(b"\r\nUniqueid: 1\r\n\r\n")) == []
    assert list(framer.feed(b"Event: Long\r\nX: " + b"y" * (LINE_MAX + 1) + b"\r\n\r\n")) == []
    assert list(framer.feed(b"Event: Many\r\n" + b"X: y\r\n" * LINES_MAX + b"\r\n")) == []
    assert framer.skipped_count == 3
    assert [message.event for message in framer.feed(b"Event: Hangup\r\n\r\n")] == ["Hangup"]


def test_noise_never_raises() -> None:
    """Bytes by chance, from a seed: messages or nothing."""
    chance = random.Random(10)
    framer = Framer()
    list(framer.feed(BANNER))
    for _ in range(300):
        list(framer.feed(bytes(chance.choices(b"\r\n: EventA\x00\xff1", k=chance.randrange(60)))))
    [*_, last] = framer.feed(b"\r\n\r\nEvent: Hangup\r\n\r\n")
    assert last.event == "Hangup"


def test_what_is_no_manager_interface_is_said_to_be_none() -> None:
    """Such as a web server, or a stream without lines."""
    for noise in (b"HTTP/1.1 400 Bad Request\r\n", b"x" * (LINE_MAX + 1)):
        with pytest.raises(TelephonyDown, match="no manager interface"):
            list(Framer().feed(noise))


def test_a_message_shows_no_value() -> None:
    """Neither a number nor a name."""
    message = Message({"event": "QueueCallerJoin", "calleridnum": "+12125550101"})
    assert repr(message) == "Message(fields='QueueCallerJoin')"
    assert message.whole("calleridnum", 7) == 7


def test_no_header_can_be_smuggled_into_an_action() -> None:
    """The end of a line in a value is refused before anything is sent."""
    assert action_text("Ping", "1", {"Empty": ""}) == b"Action: Ping\r\nActionID: 1\r\n\r\n"
    with pytest.raises(ValueError, match="end of a line"):
        action_text("QueuePause", "1", {"Reason": "x\r\nAction: Command"})


# ---------------------------------------------------------------------------- settings


def test_settings_hide_the_secret() -> None:
    """In repr, in errors, and in what is said of a variable."""
    settings = AmiSettings(url=f"amis://bob:{SECRET}@pbx.example.com")
    assert SECRET not in repr(settings)
    assert SECRET not in settings.url
    assert (settings.host, settings.port, settings.secret, settings.is_encrypted) == (
        "pbx.example.com",
        5039,
        SECRET,
        True,
    )
    for wrong in (
        f"http://bob:{SECRET}@x",
        f"ami://bob:{SECRET}@x:port",
        f"ami://bob:{SECRET}@",
        f"ami://b:{SECRET}@x/y",
    ):
        with pytest.raises(ConfigurationError) as caught:
            AmiSettings.from_env({"CALLBACKQ_AMI_URL": wrong})
        assert caught.value.field == "CALLBACKQ_AMI_URL"
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "ami://127.0.0.1"}, "AmiSettings.username"),
        ({"url": "ami://bob@127.0.0.1"}, "AmiSettings.secret"),
        ({"url": "ami://b:s@127.0.0.1", "heartbeat": timedelta(0)}, "AmiSettings.heartbeat"),
        (
            {"url": "ami://b:s@127.0.0.1", "action_time_max": timedelta(hours=1)},
            "AmiSettings.action_time_max",
        ),
    ],
)
def test_settings_are_checked(given: dict[str, Any], field: str) -> None:
    """Each error names the field."""
    with pytest.raises(ConfigurationError) as caught:
        AmiSettings(**given)
    assert caught.value.field == field


def test_settings_from_the_environment() -> None:
    """In one variable, or in three; one that is missing is named."""
    one = AmiSettings.from_env({"CALLBACKQ_AMI_URL": "ami://bob:a%40b@[::1]:5038"})
    assert (one.username, one.secret, one.host, one.url) == ("bob", "a@b", "::1", "ami://[::1]:5038")
    three = {"CALLBACKQ_AMI_URL": "ami://x", "CALLBACKQ_AMI_USER": "bob", "CALLBACKQ_AMI_SECRET": "s"}
    assert AmiSettings.from_env(three, waits=QUICK).username == "bob"
    with pytest.raises(ConfigurationError, match="CALLBACKQ_AMI_URL"):
        AmiSettings.from_env({})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("22.10.1+dfsg", 22),
        ("certified/20.7-cert1", 20),
        ("GIT-21-0a1b2c", 21),
        ("GIT-master-1a2b", None),
        ("", None),
    ],
)
def test_versions_are_read(text: str, version: int | None) -> None:
    """As Asterisk writes them."""
    assert version_of(text) == version


# ---------------------------------------------------------------------------- logging in


def test_the_secret_is_not_sent_without_tls() -> None:
    """A challenge is answered; version and clock are learned."""

    async def story() -> None:
        async with AmiDouble(version="20.9.3") as double:
            heard = Heard(ami_settings(double))
            await heard.ami.open()
            assert heard.ami.version == 20
            assert heard.ami.clock_ahead_s > 1e9
            assert (await heard.ami.act("Ping")).get("ping") == "Pong"
            await heard.ami.close()
            assert [name for name, _ in double.actions[:3]] == ["Challenge", "Login", "CoreSettings"]
            assert double.actions[1][1]["authtype"] == "MD5"
            assert (heard.ups, heard.downs) == (1, 1)

    play(story)


def test_tls_is_verified_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """A certificate of nobody's is refused, in words; one that is trusted is taken, and needs no challenge."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE)

    async def story() -> None:
        async with AmiDouble(tls=server) as double:
            strict = Heard(ami_settings(double))
            await strict.ami.open()
            assert not strict.ami.is_up
            await strict.ami.close()
            assert "certificate" in caplog.text
            assert double.logins_count == 0
            trusting = Heard(ami_settings(double, tls=ssl.create_default_context(cafile=str(CERTIFICATE))))
            await trusting.ami.open()
            assert trusting.ami.is_up
            assert double.count("Challenge") == 0
            await trusting.ami.close()

    play(story)


def test_a_wrong_password_is_said_at_once_and_not_tried_in_a_loop(caplog: pytest.LogCaptureFixture) -> None:
    """Opening raises, in words. Who learns of it later waits as long as it can."""

    async def story() -> None:
        async with AmiDouble() as double:
            wrong = Heard(ami_settings(double, secret="not-this-one"))
            with pytest.raises(LoginRefused, match=r"refused the login of 'callbackq'.*manager\.conf"):
                await wrong.ami.open()
            assert double.refusals_count == 1
            late = Heard(ami_settings(double, secret="not-this-one", waits=Waits(first_s=0.001, max_s=30)))
            await double.stop()
            await late.ami.open()
            await double.start()
            await until(lambda: double.refusals_count == 2)
            await asyncio.sleep(0.1)
            assert double.refusals_count == 2
            await late.ami.close()

    with caplog.at_level(logging.DEBUG):
        play(story)
    assert "not-this-one" not in caplog.text
    assert SECRET not in caplog.text


def test_a_refused_connection_is_tried_again_with_growing_waits(caplog: pytest.LogCaptureFixture) -> None:
    """It is down until then, says so in words, and comes up by itself."""

    async def story() -> None:
        double = AmiDouble()
        await double.start()
        await double.stop()
        heard = Heard(ami_settings(double))
        await heard.ami.open()
        assert not heard.ami.is_up
        with pytest.raises(TelephonyDown):
            await heard.ami.act("Ping")
        await asyncio.sleep(0.2)
        assert 2 <= caplog.text.count("refuses the connection") <= 6
        await double.start()
        await until(lambda: heard.ami.is_up)
        await heard.ami.close()
        await double.stop()

    play(story)


def test_who_answers_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """At the login, and later: a connection that is open and dead is noticed by its heartbeat."""

    async def story() -> None:
        brief = timedelta(seconds=0.1)
        async with AmiDouble() as double:
            heard = Heard(
                ami_settings(double, connect_time_max=brief, action_time_max=brief, heartbeat=brief)
            )
            double.is_mute = True
            await heard.ami.open()
            assert not heard.ami.is_up
            assert "does not answer the login" in caplog.text
            double.is_mute = False
            await until(lambda: heard.ami.is_up)
            double.is_mute = True
            await until(lambda: heard.downs == 1)
            double.is_mute = False
            await until(lambda: heard.ami.is_up)
            await heard.ami.close()

    play(story)


# ---------------------------------------------------------------------------- actions


def test_what_is_refused_is_said_without_numbers() -> None:
    """An action that Asterisk does not know, one without permission, and one that is wrong."""

    async def story() -> None:
        async with AmiDouble(denied=["QueuePause"]) as double:
            heard = Heard(ami_settings(double))
            await heard.ami.open()
            for name, words in (
                ("Nonsense2125550101", "unknown command"),
                ("QueuePause", "Permission denied"),
            ):
                with pytest.raises(AmiRefused, match=words) as caught:
                    await heard.ami.act(name)
            assert "2125550101" not in str(caught.value)
            with pytest.raises(ValueError, match="end of a line"):
                await heard.ami.act("QueuePause", Reason="x\nAction: Logoff")
            assert heard.ami.is_up
            await heard.ami.close()

    play(story)


def test_an_action_whose_connection_is_lost_may_have_been_done() -> None:
    """It is not given again, by nobody."""

    async def story() -> None:
        async with AmiDouble() as double:
            heard = Heard(ami_settings(double, action_time_max=timedelta(minutes=1)))
            await heard.ami.open()
            double.is_mute = True
            asking = asyncio.create_task(heard.ami.act("QueuePause", Interface="PJSIP/ann"))
            await until(lambda: double.count("QueuePause") == 1)
            double.is_mute = False
            double.disconnect()
            with pytest.raises(AdapterError, match="may have been done"):
                await asking
            await until(lambda: heard.downs == 1 and heard.ami.is_up)
            assert double.count("QueuePause") == 1
            await heard.ami.close()

    play(story)


def test_a_list_is_whole_and_before_the_events_that_follow() -> None:
    """Whatever the network cuts, and whoever answers twice."""

    async def story() -> None:
        async with AmiDouble(cuts=True, seed=3) as double:
            for number in range(30):
                double.queue.add_member("support", f"PJSIP/{number}")
            heard, found = Heard(ami_settings(double)), list[Message]()
            await heard.ami.open()
            await heard.ami.read_list("QueueStatus", take=found.extend)
            assert sum(entry.event == "QueueMember" for entry in found) == 30
            assert not [event for event in heard.events if event.event == "QueueMember"]
            with pytest.raises(AmiRefused):
                await heard.ami.read_list("NoSuchList", take=found.extend)
            with pytest.raises(TypeError):
                await heard.ami.read_list("QueueStatus", take=len(found))  # type: ignore[arg-type]
            assert heard.ami.is_up
            await heard.ami.close()

    play(story)


def test_hostile_lines_harm_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Too long, too many, half, not text, an answer that nobody asked for: the queue is still watched."""

    async def story() -> None:
        async with scene() as at:
            for noise in (
                b"Event: QueueCallerJoin\r\nQueue: support\r\nUniqueid: " + b"9" * 100_000 + b"\r\n\r\n",
                b"Event: QueueCallerJoin\r\nQueue: support\r\n" + b"Uniqueid: 1\r\n" * 2_000 + b"\r\n",
                b"\xff\xfe\x00: \x00\r\n\r\n",
                b"Response: Success\r\nActionID: callbackq-1\r\n\r\n",
                b"Event: QueueMemberStatus\r\nQueue: support\r\nInterface: x\r\nStatus: "
                + b"9" * 30
                + b"\r\n\r\n",
                b"Event: QueueCallerJoin\r\nQueue: support\r\nTimestamp: inf\r\nUniqueid: \r\n\r\n",
                b"Event: QueueCallerJoin\r\nQueue: support\r\nTimestamp: nan\nUniqueid: 7.7\nCallerIDName: \x07\n\n",
            ):
                at.double.send_raw(noise)
            call_id = await at.joined()
            assert at.queues.is_up
            assert [place.call_id for place in at.service.line("support")] == ["7.7", call_id]
            assert at.double.connections_count == 1

    play(story)
    assert "longer than it can be" in caplog.text


def test_the_log_has_no_secret_and_no_number(caplog: pytest.LogCaptureFixture) -> None:
    """Of a whole day: a caller, a call, a lost connection, a store that refuses a name."""

    async def story() -> None:
        async with scene() as at:
            await at.joined(number="2125550101", name="\x1b[2J" * 60)
            at.double.disconnect()
            await until(lambda: not at.queues.is_up)
            await asyncio.wait_for(at.queues.in_step(), PATIENCE_S)

    with caplog.at_level(logging.DEBUG):
        play(story)
    assert "connected" in caplog.text
    for word in (SECRET, "2125550101", "555"):
        assert word not in caplog.text
