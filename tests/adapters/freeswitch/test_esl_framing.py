"""The way of writing of the event socket: whatever comes, in whatever pieces."""

from __future__ import annotations

import json
import random

import pytest

from callbackq.adapters.freeswitch import reading
from callbackq.adapters.freeswitch.framing import (
    BODY_SIZE_MAX,
    HEAD_SIZE_MAX,
    Event,
    Framing,
    NotUnderstood,
    read_event,
)
from callbackq.errors import AdapterError

STREAM = (
    b"Content-Type: auth/request\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
    b"\nContent-Length: 12\nContent-Type: api/response\n\nfirst\n\nlast\n"
    b"Content-Type: text/disconnect-notice\nContent-Length: 0\n\n"
)


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_in_any_pieces_is_the_same_messages(seed: int) -> None:
    chance, framing, messages, at = random.Random(seed), Framing(), [], 0
    while at < len(STREAM):
        size = chance.choice((1, 2, 7, 40))
        messages += framing.feed(STREAM[at : at + size])
        at += size
    assert [message.kind for message in messages] == [
        "auth/request",
        "command/reply",
        "api/response",
        "text/disconnect-notice",
    ]
    assert (messages[1].reply, messages[2].text) == ("+OK accepted", "first\n\nlast\n")


@pytest.mark.parametrize(
    "size", [b"-1", b"99999999999", b"1e3", b"0x10", b"", b"999999999999999999999", "٣".encode(), b"7, 7"]
)
def test_a_hostile_size_is_refused(size: bytes) -> None:
    """Nothing is kept back for it: 100 GB are not waited for."""
    with pytest.raises(NotUnderstood):
        list(Framing().feed(b"Content-Type: x\nContent-Length: " + size + b"\n\n"))


def test_a_size_at_the_bound_is_taken_and_one_more_is_not() -> None:
    head = b"Content-Length: %d\n\n"
    assert list(Framing().feed(head % BODY_SIZE_MAX)) == []
    with pytest.raises(NotUnderstood, match="allowed"):
        list(Framing().feed(head % (BODY_SIZE_MAX + 1)))


def test_a_head_without_an_end_is_refused() -> None:
    """In one piece, and in many."""
    with pytest.raises(NotUnderstood):
        list(Framing().feed(b"x" * (HEAD_SIZE_MAX + 1)))
    framing = Framing()
    with pytest.raises(NotUnderstood):
        [list(framing.feed(b"y" * 512)) for _ in range(HEAD_SIZE_MAX // 512 + 2)]


def test_an_event_says_the_same_in_both_formats() -> None:
    plain = b"Event-Name: DTMF\nDTMF-Digit: %23\nvariable_a: J%C3%B6rg%0A\nContent-Length: 4\n\n+OK\n"
    as_json = json.dumps(
        {"Event-Name": "DTMF", "DTMF-Digit": "#", "variable_a": "Jörg\n", "_body": "+OK\n", "list": ["no"]}
    )
    for event in (
        read_event("text/event-plain", plain),
        read_event("text/event-json", as_json.encode()),
    ):
        assert (event.name, event["DTMF-Digit"], event.variable("a"), event.body) == (
            "DTMF",
            "#",
            "Jörg\n",
            "+OK\n",
        )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_event("text/event-json", body)


@pytest.mark.parametrize("said", ["", "-ERR SQL disabled, no data available!", "<h1>", "[1]", '{"rows": 7}'])
def test_no_account_is_not_an_empty_one(said: str) -> None:
    """Of an answer that is none nothing follows: all legs would be believed to be gone. One without rows is one."""
    with pytest.raises(AdapterError):
        reading.channels_listed(said)
    assert reading.channels_listed('{"row_count":0}') == ()
    assert reading.channel_dumped("-ERR No such channel!") is None


def test_numbers_and_names_are_not_in_a_repr() -> None:
    event = Event("DTMF", {"Caller-Caller-ID-Number": "+12125550101"}, "+12125550101")
    assert "5550101" not in repr(event)
    (message,) = Framing().feed(b"Reply-Text: +12125550101\n\n")
    assert "5550101" not in repr(message)
