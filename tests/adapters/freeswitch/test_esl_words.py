"""What is said to FreeSWITCH: nothing that comes from outside is a second command, variable or telephone."""

from __future__ import annotations

import random

import pytest

from adapters.freeswitch.esl_rig import order
from callbackq import AgentId, ConfigurationError, DialRefused, LegId, QueueName, Role
from callbackq.adapters.freeswitch import EslSettings, ordering, words
from callbackq.testing.doubles.esl_words import addresses, braces, separated

SETTINGS = EslSettings(password="x")
EVIL = "{}[]<>()'\"\\,=|:_^$&;%!~#@/*+-?\n\r\t\0 aZ0ö漢\u202e\u00a0"
ATTACKS = [
    "x}sofia/gateway/evil/1",
    "x,execute_on_answer='system reboot'",
    "x' execute_on_answer=system",
    "${system(reboot)}",
    "x\\",
    "x:_:sofia/gateway/evil/1",
    "x|sofia/gateway/evil/1",
    "x\n\nbgapi originate sofia/gateway/evil/1 &park()\n\n",
    "^^|a|b",
    "x&hangup()",
    "x] [evil=1",
    "\0",
    "undef",
    "origination_nested_vars=true",
]


def said(command: str) -> tuple[dict[str, str], list[str]]:
    """Read an `originate` as FreeSWITCH does: its variables, and whom it calls."""
    assert "\n" not in command
    name, *rest = separated(command)
    assert (name, len(rest), rest[1]) == ("originate", 2, "&park()")
    variables, dialed = braces(rest[0])
    return variables, addresses(dialed)


def hostile() -> list[str]:
    chance = random.Random(7)
    return ATTACKS + ["".join(chance.choices(EVIL, k=chance.randrange(1, 30))) for _ in range(300)]


def test_no_value_of_a_customer_is_more_than_a_value() -> None:
    """Whatever it is: the same variables are set, one telephone rings, and nothing is filled in."""
    plain = order(role=Role.AGENT, name="Ann", reason="why", context={"note": "hello"}, ticket_id="T-1")
    expected, called = said(ordering.originate(plain, SETTINGS))
    assert called == ["user/ann"]
    for value in hostile():
        evil = order(role=Role.AGENT, name=value, reason=value, context={"note": value}, ticket_id=value)
        variables, called = said(ordering.originate(evil, SETTINGS))
        assert called == ["user/ann"]
        assert variables.keys() <= expected.keys()
        assert not any(one in text for text in variables.values() for one in "${}\\'\"\n,=|")


def test_no_name_of_a_field_is_another_variable() -> None:
    context = dict.fromkeys(["execute_on_answer", "a b", "x=y,z", "${x}", "ok", "ü", ""], "v")
    variables, _ = said(ordering.originate(order(context=context), SETTINGS))
    named = {name for name in variables if name.startswith("callbackq_context_")}
    assert named == {
        "callbackq_context_execute_on_answer",
        "callbackq_context_ok",
        "callbackq_context_",
    }
    assert "execute_on_answer" not in variables


@pytest.mark.parametrize("value", [*ATTACKS, "", "a b", "x" * 200])
def test_an_address_is_never_mended(value: str) -> None:
    """Another one would ring somebody else's phone."""
    allowed = value == "undef"
    for evil in (
        order(role=Role.AGENT, agent_id=AgentId(value)),
        order(route=value) if value else None,
        order(dial_prefix=value) if value else None,
        order(leg_id=LegId(value)),
    ):
        if evil is not None and not allowed:
            with pytest.raises((DialRefused, words.NotSayable)):
                ordering.originate(evil, SETTINGS)


@pytest.mark.parametrize(
    ("settings", "given", "called"),
    [
        ({}, {}, "sofia/gateway/trunk/+12125550101"),
        ({}, {"route": "cheap", "dial_prefix": "9"}, "sofia/gateway/cheap/9+12125550101"),
        (
            {"customer": "sofia/gateway/{route}/{digits}"},
            {"dial_prefix": "9"},
            "sofia/gateway/trunk/912125550101",
        ),
        ({"customer": {"+12125550101": "user/42"}}, {}, "user/42"),
        ({"customer": lambda one: f"loopback/{one.queue}"}, {}, "loopback/support"),
        ({"agent": "user/{agent_id}@pbx.example"}, {"role": Role.AGENT}, "user/ann@pbx.example"),
        ({"agent": {"ann": "user/1000"}}, {"role": Role.AGENT}, "user/1000"),
    ],
)
def test_who_is_dialed(settings: dict, given: dict, called: str) -> None:
    """Prefix, route and the host's own tables."""
    _, found = said(ordering.originate(order(**given), EslSettings(password="x", **settings)))
    assert found == [called]


def test_the_host_s_wishes_are_handed_through() -> None:
    settings = EslSettings(
        password="x", codecs={"video": "PCMU,H264"}, variables={"loopback_bowout": "false"}
    )
    variables, _ = said(
        ordering.originate(
            order(caller_id="+12125550000", media="video", record=True, ring_s=20, route="r", language="de"),
            settings,
        )
    )
    assert (
        variables.items()
        >= {
            "originate_timeout": "20",
            "ignore_early_media": "true",
            "hangup_after_bridge": "false",
            "park_after_bridge": "true",
            "origination_caller_id_number": "+12125550000",
            "absolute_codec_string": "PCMU,H264",
            "loopback_bowout": "false",
            "callbackq_media": "video",
            "callbackq_record": "true",
            "callbackq_language": "de",
            "callbackq_queue": "support",
        }.items()
    )


def test_the_agent_sees_who_is_called_unless_the_settings_say_no() -> None:
    agent = order(role=Role.AGENT, name="Zoë O'Neil", queue=QueueName("support"))
    variables, _ = said(ordering.originate(agent, SETTINGS))
    assert variables["origination_caller_id_name"] == "Zoë O Neil"
    assert variables["origination_caller_id_number"] == "+12125550101"
    variables, _ = said(ordering.originate(agent, EslSettings(password="x", customer_on_agents_phone=False)))
    assert "origination_caller_id_number" not in variables


def test_the_channel_of_a_leg_is_always_the_same() -> None:
    """It must never change: a new release finds the channels that the old one had dialed."""
    assert words.channel_of(LegId("leg_019b8d627a8000ff")) == "7dfff69f-bb62-5fba-b4de-a34a31497545"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://127.0.0.1:8021"},
        {"url": "esl://"},
        {"url": "esl://127.0.0.1:99999"},
        {"password": ""},
        {"password": "two\nlines"},
        {"customer": "sofia/gateway/{nothing}"},
        {"customer": "sofia/{number.__class__}"},
        {"sound": "{0}"},
        {"sound": "a\nb"},
        {"variables": {"a b": "c"}},
        {"variables": {"a": "x}sofia/evil"}},
        {"codecs": {"video": "'"}},
        {"recordings": "relative"},
        {"recording_format": "../x"},
        {"language": "../.."},
        {"dials_per_s_max": 0},
    ],
)
def test_wrong_settings_are_refused_when_they_are_built(wrong: dict) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EslSettings(**{"password": "geheim", **wrong})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("host", ["10.0.0.5", "pbx.example.com", "0.0.0.0", "[2001:db8::1]", "[::]"])
def test_another_machine_is_refused_unless_it_is_said_to_be_insecure(host: str) -> None:
    """The event socket has no encryption."""
    with pytest.raises(ConfigurationError, match="not encrypted") as caught:
        EslSettings(url=f"esl://:geheim@{host}:8021")
    assert "geheim" not in str(caught.value)
    assert EslSettings(url=f"esl://:geheim@{host}:8021", insecure=True).port == 8021


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8", "[::1]"])
def test_this_machine_is_taken(host: str) -> None:
    assert EslSettings(url=f"esl://:geheim@{host}").url == f"esl://{host}:8021"


def test_settings_from_the_environment_show_no_secret() -> None:
    settings = EslSettings.from_env({"CALLBACKQ_ESL_URL": "esl://:ge%2Fheim@127.0.0.1:8021"})
    assert (settings.password, settings.host, settings.port) == ("ge/heim", "127.0.0.1", 8021)
    assert "heim" not in repr(settings)
    for environ in ({}, {"CALLBACKQ_ESL_URL": "geheim"}, {"CALLBACKQ_ESL_URL": "esl://:geheim@"}):
        with pytest.raises(ConfigurationError) as caught:
            EslSettings.from_env(environ)
        assert "geheim" not in str(caught.value)
