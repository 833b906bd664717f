"""The settings of an endpoint: what is out of its bounds is refused by name, and no secret is shown."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from callbackq import ConfigurationError
from callbackq.events import CallbackEnded, CallJoined
from callbackq.policy.webhooks import WebhookEndpoint, key_of
from callbackq.testing.builders import make_event
from callbackq.testing.webhooks import SECRET, make_endpoint

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("url", "crm.example.com/hook"),
        ("url", "ftp://crm.example.com/hook"),
        ("url", "https:///hook"),
        ("url", "https://user:word@crm.example.com/"),
        ("url", "https://crm.example.com:port/"),
        ("url", "https://crm.example.com:0/"),
        ("url", "https://crm.example.com/a b"),
        ("url", "https://crm.example.com/\n"),
        ("url", "https://crm.exämple.com/"),
        ("url", None),
        ("secrets", []),
        ("secrets", ["secret"]),
        ("secrets", ["whsec_"]),
        ("secrets", ["whsec_" + base64.b64encode(bytes(23)).decode()]),
        ("secrets", ["whsec_" + base64.b64encode(bytes(65)).decode()]),
        ("secrets", ["whsec_" + "é" * 32]),
        ("secrets", [SECRET, None]),
        ("kinds", ["callback_ended", "callbacks_*"]),
        ("queues", [""]),
        ("rests", []),
        ("rests", [timedelta(milliseconds=999)]),
        ("rests", [DAY + timedelta(seconds=1)]),
        ("jitter_ratio", -0.1),
        ("jitter_ratio", 1.1),
        ("give_up_after", timedelta(seconds=59)),
        ("give_up_after", 31 * DAY),
        ("retry_after_max", timedelta(0)),
        ("behind_max", 0),
        ("behind_max", 1001),
        ("time_max", timedelta(milliseconds=99)),
        ("time_max", timedelta(minutes=2)),
    ],
)
def test_what_is_out_of_its_bounds_is_refused_by_name(field: str, value: Any) -> None:
    """And what is refused is shown only where it is no secret."""
    with pytest.raises(ConfigurationError, match=f"WebhookEndpoint.{field}") as caught:
        make_endpoint(**{field: value})
    for secret in ("word@", "secret'", SECRET):
        assert secret not in str(caught.value)


def test_an_endpoint_shows_neither_its_secrets_nor_its_whole_address() -> None:
    """Also a path may be a secret."""
    shown = repr(make_endpoint(url="https://crm.example.com/hooks/s3cr3t?key=s3cr3t"))
    assert "crm.example.com" in shown
    assert "s3cr3t" not in shown
    assert SECRET not in shown


def test_kinds_are_chosen_by_name_or_by_pattern() -> None:
    """Unless given, what happens to callbacks, attempts and bookings."""
    ended, joined = make_event(CallbackEnded), make_event(CallJoined)
    assert make_endpoint().wants_kind(ended)
    assert not make_endpoint().wants_kind(joined)
    assert make_endpoint(kinds=["*"]).wants_kind(joined)
    assert make_endpoint(kinds=["call_joined"]).wants_kind(joined)
    assert not make_endpoint(kinds=["call_joined"]).wants_kind(ended)


def test_the_default_rests_grow_from_seconds_to_hours() -> None:
    """And are given up after three days."""
    endpoint = make_endpoint()
    assert endpoint.rests[0] == timedelta(seconds=5)
    assert list(endpoint.rests) == sorted(endpoint.rests)
    assert endpoint.rests[-1] == timedelta(hours=6)
    assert endpoint.give_up_after == 3 * DAY


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_each_length_is_read(length: int) -> None:
    """As the standard allows them."""
    text = "whsec_" + base64.b64encode(bytes(range(length))).decode()
    assert key_of(text) == bytes(range(length))
    assert WebhookEndpoint(name="crm", url="http://[::1]:8000/", secrets=[text]).keys == (
        bytes(range(length)),
    )
