"""The words that carriers act on: what comes with callbackq, and which data files are refused."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from callbackq.errors import ConfigurationError
from callbackq.policy.reply_words import carrier_words, read_carriers

GOOD: Final = """
[acme]
name = "Acme"
source = "a test"
as_of = 2026-01-01
single_word = true
opt_out = ["STOP", "Weg"]
opt_in = ["Start"]
help = ["Help"]
"""


def test_every_word_that_the_field_notes_name_is_known() -> None:
    known = carrier_words()
    assert known.opt_out >= {
        *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        *("opt-out", "opt out", "arret", "remove", "td"),
    }
    assert known.opt_in == {"start", "yes", "unstop"}
    assert known.help == {"help", "info"}


def test_words_are_in_small_letters_and_each_carrier_has_a_source_and_a_date() -> None:
    known = carrier_words()
    assert all(word == word.casefold() == word.strip() for word in known.reserved)
    assert {carrier.key for carrier in known.carriers} == {"twilio", "aws", "telnyx", "ctia", "us_law"}
    assert all(carrier.source and carrier.name for carrier in known.carriers)
    assert all(date(2026, 1, 1) <= carrier.as_of for carrier in known.carriers)


def test_all_of_them_take_cancel_for_an_opt_out() -> None:
    known = carrier_words()
    assert known.takers("CANCEL") == known.carriers
    assert [carrier.key for carrier in known.takers("revoke")] == ["twilio", "us_law"]
    assert known.takers("drop") == ()


def test_the_law_of_the_usa_asks_for_no_single_word() -> None:
    assert [carrier.key for carrier in carrier_words().carriers if not carrier.single_word] == ["us_law"]


def test_the_file_is_read_once() -> None:
    assert carrier_words() is carrier_words()


def test_reserved_words_are_those_for_anything() -> None:
    known = carrier_words()
    assert {"stop", "start", "help", "yes", "info"} <= known.reserved
    assert "status" not in known.reserved


def test_a_file_of_the_same_format_is_read() -> None:
    known = read_carriers(GOOD)
    assert known.opt_out == {"stop", "weg"}
    assert known.opt_in == {"start"}
    assert known.carriers[0].as_of == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[acme", "TOML"),
        ("acme = 1", "acme"),
        (GOOD.replace('help = ["Help"]', ""), "acme"),
        (GOOD + 'more = "x"', "acme"),
        (GOOD.replace("2026-01-01", '"yesterday"'), "as_of"),
        (GOOD.replace('"Weg"', "7"), "opt_out"),
        (GOOD.replace('"Weg"', '" "'), "opt_out"),
        (GOOD.replace('["Start"]', '"Start"'), "opt_in"),
    ],
)
def test_another_format_is_refused_and_the_field_is_named(text: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        read_carriers(text)
