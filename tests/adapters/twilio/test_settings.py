"""`TwilioSettings`: from the environment, checked, and never shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq import ConfigurationError
from callbackq.adapters.twilio import TwilioMessenger, TwilioSettings, TwilioTelephony
from callbackq.adapters.twilio.needed import missing

SID = "AC" + "0f" * 16
SECRET = "s3cret-s3cret-s3cret"
GOOD: dict[str, Any] = {
    "account_sid": SID,
    "auth_token": SECRET,
    "public_url": "https://pbx.example.com/twilio",
    "caller_id": "+12125550100",
}


def test_from_the_environment() -> None:
    """Names as Twilio's own tools have them; an empty one counts as missing."""
    settings = TwilioSettings.from_env(
        {
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": SECRET,
            "TWILIO_PUBLIC_URL": "https://pbx.example.com/twilio",
            "TWILIO_SMS_FROM": "",
        },
        caller_id="+12125550100",
    )
    assert settings == TwilioSettings(**GOOD)


@pytest.mark.parametrize("name", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PUBLIC_URL"])
def test_what_is_missing_is_named(name: str) -> None:
    """The variable, and no value of another one."""
    environ = {
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": SECRET,
        "TWILIO_PUBLIC_URL": "https://a.example",
    }
    del environ[name]
    with pytest.raises(ConfigurationError, match=name) as caught:
        TwilioSettings.from_env(environ)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_sid", SECRET),
        ("account_sid", "SK" + "0" * 32),
        ("auth_token", " "),
        ("auth_token", "tökén"),
        ("public_url", "http://pbx.example.com/twilio"),
        ("public_url", "https://user:pw@pbx.example.com"),
        ("public_url", "https://pbx.example.com/?a=1"),
        ("public_url", "pbx.example.com"),
        ("base_url", "http://api.twilio.com"),
        ("caller_id", "0171 234"),
        ("sms_from", "more than eleven letters"),
        ("whatsapp_from", "whatsapp:+12125550100"),
        ("messaging_service_sid", "MG1"),
        ("api_key", "SK" + "0" * 32),
        ("timeout", timedelta(0)),
        ("timeout", timedelta(minutes=1)),
        ("detection", "Disable"),
    ],
)
def test_what_is_wrong_is_said(field: str, value: object) -> None:
    """Field, variable and what is allowed; the value only as far as it can be no secret."""
    with pytest.raises(ConfigurationError, match=f"TwilioSettings.{field}") as caught:
        TwilioSettings(**GOOD | {field: value})
    assert SECRET not in str(caught.value)


def test_both_parts_of_a_key() -> None:
    """A key that is no key is said without its secret."""
    with pytest.raises(ConfigurationError, match="TWILIO_API_KEY") as caught:
        TwilioSettings(**GOOD, api_key="SKx", api_secret=SECRET)
    assert SECRET not in str(caught.value)
    TwilioSettings(**GOOD, api_key="SK" + "0" * 32, api_secret=SECRET)


def test_a_repr_shows_no_secret_and_no_number() -> None:
    """The account can be told by its last characters."""
    settings = TwilioSettings(**GOOD, api_key="SK" + "0" * 32, api_secret=SECRET, sms_from="+12125550100")
    for shown in (repr(settings), str(settings)):
        assert SECRET not in shown
        assert "2125550100" not in shown
        assert SID not in shown
        assert "0f0f" in shown


def test_what_each_needs() -> None:
    """Telephony needs a caller id, a messenger a sender."""
    bare = {name: value for name, value in GOOD.items() if name != "caller_id"}
    with pytest.raises(ConfigurationError, match="TWILIO_CALLER_ID"):
        TwilioTelephony(TwilioSettings(**bare), agents={})
    with pytest.raises(ConfigurationError, match="TWILIO_SMS_FROM"):
        TwilioMessenger(TwilioSettings(**bare))


def test_what_is_said_without_the_package() -> None:
    """The extra that is needed; of a package of somebody else's nothing."""
    for name in ("twilio.rest", "requests"):
        assert "pip install 'callbackq[twilio]'" in str(missing(ModuleNotFoundError("no", name=name)))
    other = ModuleNotFoundError("no", name="yaml")
    assert missing(other) is other
