"""What customers read and answer, as a policy: its defaults, its bounds, and what it refuses."""

from __future__ import annotations

import pickle
from datetime import UTC, time, timedelta
from typing import Any

import attrs
import pytest

from callbackq import Catalogue, ConfigurationError, MessageKind, Messages, QueuePolicy, ReplyWish, Wording
from callbackq.policy.messages import CHOICES_MAX, DIGITS_DEFAULT

S = timedelta(seconds=1)
M = timedelta(minutes=1)
D = timedelta(days=1)

DEFAULTS: dict[str, Any] = {
    "channels": ("sms",),
    "kinds": frozenset(MessageKind) - {MessageKind.EXPIRED},
    "languages": {},
    "wording": Wording.DIGITS,
    "answers": True,
    "requests": True,
    "verify_new_number": True,
    "cancel_phrase_opts_out": False,
    "opt_out_confirmed": False,
    "quiet_from": time(21),
    "quiet_until": time(8),
    "slip_margin": 15 * M,
    "choices_max": 3,
    "segments_max": 4,
    "tries_max": 3,
    "rest": 30 * S,
    "send_time_max": M,
    "receipt_time_max": 3 * D,
    "uncertain_life": D,
    "message_life": D / 2,
    "question_life": D,
    "link": None,
    "link_life": 7 * D,
}


def test_the_defaults_are_what_is_documented() -> None:
    """None changes unnoticed."""
    policy = Messages()
    assert {name: getattr(policy, name) for name in attrs.fields_dict(Messages)} == DEFAULTS


def test_a_queue_sends_nothing_unless_it_is_told_to() -> None:
    """Whoever wants no messages of ours gets notices, as before."""
    assert QueuePolicy(queue="support").messages is None


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("slip_margin", 0 * S, D),
        ("rest", S, 60 * M),
        ("send_time_max", S, 10 * M),
        ("receipt_time_max", M, 14 * D),
        ("uncertain_life", M, 30 * D),
        ("message_life", M, 7 * D),
        ("question_life", M, 7 * D),
        ("link_life", M, 30 * D),
    ],
)
def test_durations_have_bounds(field: str, low: timedelta, high: timedelta) -> None:
    """The bounds themselves are allowed, and nothing beyond them."""
    for value in (low, high):
        assert getattr(Messages(**{field: value}), field) == value
    for value in (low - timedelta(microseconds=1), high + timedelta(microseconds=1), 60, "1 min"):
        with pytest.raises(ConfigurationError, match=rf"^Messages\.{field} is "):
            Messages(**{field: value})


@pytest.mark.parametrize(
    ("field", "low", "high"), [("choices_max", 1, 5), ("segments_max", 1, 10), ("tries_max", 1, 10)]
)
def test_counts_have_bounds(field: str, low: int, high: int) -> None:
    """The bounds themselves are allowed, and nothing beyond them."""
    for value in (low, high):
        assert getattr(Messages(**{field: value}), field) == value
    for wrong in (low - 1, high + 1, 2.0, True, None):
        with pytest.raises(ConfigurationError, match=rf"^Messages\.{field} is "):
            Messages(**{field: wrong})


@pytest.mark.parametrize(
    "field", ["answers", "requests", "verify_new_number", "cancel_phrase_opts_out", "opt_out_confirmed"]
)
@pytest.mark.parametrize("wrong", [None, 1, "yes"])
def test_switches_are_on_or_off(field: str, wrong: object) -> None:
    """Nothing that merely looks true."""
    with pytest.raises(ConfigurationError, match=rf"^Messages\.{field} is "):
        Messages(**{field: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [(), [""], ["sms", "x" * 65], ["a\nb"], [None], 7])
def test_channels_are_names(channels: Any) -> None:
    """At least one, and each can be shown."""
    with pytest.raises(ConfigurationError, match=r"^Messages\.channels is "):
        Messages(channels=channels)


def test_one_channel_needs_no_list() -> None:
    """A word is one channel, not its letters; the same twice is one."""
    assert Messages(channels="whatsapp").channels == ("whatsapp",)  # type: ignore[arg-type]
    assert Messages(channels=("sms", "email", "sms")).channels == ("sms", "email")


@pytest.mark.parametrize("kinds", [["reminder", "no such"], "nothing"])
def test_kinds_are_known(kinds: Any) -> None:
    """A word that is none is refused with all that are."""
    with pytest.raises(ConfigurationError, match=r"any of: confirmation, reminder"):
        Messages(kinds=kinds)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (time(21), None),
        (None, time(8)),
        (time(8), time(8)),
        ("21:00", time(8)),
        (time(21, tzinfo=UTC), time(8)),
        (21, 8),
    ],
)
def test_quiet_hours_have_two_ends(start: Any, end: Any) -> None:
    """Both, and they differ; or neither."""
    assert Messages(quiet_from=None, quiet_until=None).quiet_from is None
    with pytest.raises(ConfigurationError, match=r"^Messages\.quiet_(from|until) is "):
        Messages(quiet_from=start, quiet_until=end)


@pytest.mark.parametrize(
    "link",
    [
        "http://example.com/{token}",
        "https://example.com/",
        "https://example.com/{token}{token}",
        "https://example.com/{name}/{token}",
        "https://example.com/a b/{token}",
        "https://example.com/{token}" + "x" * 500,
        "javascript:{token}",
        7,
    ],
)
def test_a_link_is_an_address_with_one_token(link: Any) -> None:
    """Over https, for whoever reads the token can cancel."""
    assert Messages(link="https://example.com/c/{token}").link is not None
    with pytest.raises(ConfigurationError, match=r"^Messages\.link is "):
        Messages(link=link)


def test_an_own_text_that_advertises_a_reserved_word_is_refused() -> None:
    """Whoever answered it would be unsubscribed."""
    texts = {"cancelled": "Your callback is off. Reply STOP to say so."}
    with pytest.raises(ConfigurationError, match=r"^Messages\.languages\['en'\]\.cancelled is 'stop'"):
        Messages(languages={"en": Catalogue(language="en", texts=texts)})


def test_an_own_text_that_is_too_long_is_refused() -> None:
    """With the longest values it would go out in more parts than allowed."""
    texts = {"cancelled": "Your callback is off. " * 40}
    with pytest.raises(ConfigurationError, match=r"^Messages\.languages\['en'\]\.cancelled is "):
        Messages(languages={"en": Catalogue(language="en", texts=texts)})


def test_an_own_language_is_whole() -> None:
    """A customer who reads it must not get half of the messages in another one."""
    with pytest.raises(ConfigurationError, match=r"it lacks .* and \d+ more"):
        Messages(languages={"nl": Catalogue(language="nl", texts={"cancelled": "Geannuleerd."})})


def test_digits_do_not_collide_with_choices() -> None:
    """Nine is above every number of a choice: it always cancels."""
    assert int(DIGITS_DEFAULT[ReplyWish.CANCEL]) > CHOICES_MAX
    assert len(set(DIGITS_DEFAULT.values())) == len(DIGITS_DEFAULT)


def test_a_policy_survives_pickling() -> None:
    """It goes to other processes, and is the same there."""
    own = Catalogue(language="en", texts={"cancelled": "It is off."})
    policy = Messages(languages={"en": own}, wording=Wording.S2)
    again = pickle.loads(pickle.dumps(policy))
    assert again == policy
    assert hash(again) == hash(policy)


def test_quiet_hours_that_end_when_they_begin_are_refused_as_they_were_given() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Messages(quiet_from=time(8, 30), quiet_until=time(8, 30))
    assert (refused.value.field, refused.value.value) == ("Messages.quiet_until", time(8, 30))
