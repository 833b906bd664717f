"""Settings of the adapter: what is dialed, what is read from the environment, and what is never shown."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from adapters.asterisk.ari_stories import a_dial
from callbackq import ConfigurationError, Prompt, Role
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.errors import DialRefused

SECRET = "s3cret-of-ari"
PLAIN = {"url": "http://127.0.0.1:8088/ari/", "username": "callbackq", "password": SECRET}
ENVIRON = {
    "CALLBACKQ_ARI_URL": "https://pbx.example.com:8089/ari",
    "CALLBACKQ_ARI_USER": "callbackq",
    "CALLBACKQ_ARI_PASSWORD": SECRET,
    "CALLBACKQ_ARI_APP": "support-desk",
}


def test_settings_come_from_the_environment() -> None:
    settings = AriSettings.from_env(ENVIRON, amd="callbackq-amd")
    assert (settings.url, settings.username, settings.password) == (
        "https://pbx.example.com:8089/ari",
        "callbackq",
        SECRET,
    )
    assert (settings.app, settings.amd) == ("support-desk", "callbackq-amd")


def test_user_and_password_may_stand_in_the_address_and_are_taken_out() -> None:
    settings = AriSettings.from_env({"CALLBACKQ_ARI_URL": f"http://callbackq:{SECRET}%21@127.0.0.1:8088/ari"})
    assert settings == AriSettings(**{**PLAIN, "url": "http://127.0.0.1:8088/ari", "password": f"{SECRET}!"})


def test_the_password_is_in_no_repr() -> None:
    settings = AriSettings(**PLAIN)
    assert SECRET not in repr(settings) + str(settings) + repr(AriTelephony(settings))
    assert SECRET not in repr(attrs.evolve(settings, app="other"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": f"ftp://callbackq:{SECRET}@127.0.0.1/ari"},
        {"url": f"callbackq:{SECRET}@127.0.0.1"},
        {"url": f"http://callbackq:{SECRET}@127.0.0.1:port/ari"},
        {"url": f"http://127.0.0.1/ari?api_key=callbackq:{SECRET}"},
        {"password": ""},
        {"username": ""},
        {"username": "call:backq"},
        {"app": "two words"},
        {"app": ""},
        {"customer": "PJSIP/{nummer}"},
        {"customer": "{number}"},
        {"agent": "PJSIP/{agent_id"},
        {"request_time_max": timedelta(0)},
        {"prompt_time_max": timedelta(hours=1)},
        {"heartbeat": timedelta(0)},
        {"digits_after": timedelta(seconds=-1)},
        {"agent_ring_time": timedelta(0)},
        {"connections_max": 0},
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_a_secret(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="AriSettings") as caught:
        AriSettings(**{**PLAIN, **wrong})  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_a_missing_address_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="CALLBACKQ_ARI_URL"):
        AriSettings.from_env({"CALLBACKQ_ARI_PASSWORD": SECRET})


def test_a_missing_password_names_no_value() -> None:
    with pytest.raises(ConfigurationError, match="with the password"):
        AriSettings.from_env(
            {"CALLBACKQ_ARI_URL": "http://127.0.0.1:8088/ari", "CALLBACKQ_ARI_USER": "callbackq"}
        )


# ---------------------------------------------------------------------------- what is dialed


@pytest.mark.parametrize(
    ("template", "others", "dialed"),
    [
        ("PJSIP/{prefix}{number}@{route}", {}, "PJSIP/+12125550101@trunk"),
        (
            "PJSIP/{prefix}{digits}@{route}",
            {"dial_prefix": "9", "route": "cheap"},
            "PJSIP/912125550101@cheap",
        ),
        ("Local/{digits}@out-{queue}/n", {}, "Local/12125550101@out-support/n"),
    ],
)
def test_a_customer_is_dialed_by_the_template(template: str, others: dict[str, str], dialed: str) -> None:
    assert AriSettings(**PLAIN, customer=template).endpoint_for(a_dial(**others)) == dialed


def test_an_agent_is_dialed_by_template_table_or_function() -> None:
    order = a_dial(role=Role.AGENT, agent_id="ann")
    assert AriSettings(**PLAIN).endpoint_for(order) == "PJSIP/ann"
    assert AriSettings(**PLAIN, agent={"ann": "SIP/7001"}).endpoint_for(order) == "SIP/7001"
    assert (
        AriSettings(**PLAIN, agent=lambda order: f"PJSIP/x-{order.agent_id}").endpoint_for(order)
        == "PJSIP/x-ann"
    )


def test_an_agent_who_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(DialRefused, match="the table of endpoints"):
        AriSettings(**PLAIN, agent={"ben": "SIP/7002"}).endpoint_for(a_dial(role=Role.AGENT))


@pytest.mark.parametrize(
    "others",
    [
        {"role": Role.AGENT, "agent_id": "ann&PJSIP/0900123@trunk"},
        {"role": Role.AGENT, "agent_id": "ann@evil"},
        {"role": Role.AGENT, "agent_id": ""},
        {"route": "trunk/n"},
        {"dial_prefix": "9,8"},
    ],
)
def test_a_name_cannot_become_more_than_a_name(others: dict[str, object]) -> None:
    """Not a second endpoint, another trunk, or an option."""
    with pytest.raises(DialRefused, match="cannot be part of what Asterisk dials") as caught:
        AriSettings(**PLAIN).endpoint_for(a_dial(**others))
    assert "12125550101" not in str(caught.value)


def test_a_prompt_has_its_own_sound_or_the_usual_one_or_none() -> None:
    settings = AriSettings(**PLAIN, sounds={Prompt.VOICEMAIL: "sound:vm"})
    assert settings.sound_of(Prompt.VOICEMAIL) == "sound:vm"
    assert settings.sound_of(Prompt.NO_AGENT) == "sound:callbackq/no_agent"
    assert AriSettings(**PLAIN, sound=None).sound_of(Prompt.NO_AGENT) is None
