"""What other products call the end of a callback: total, sourced, and S4's two sentences to the letter."""

from __future__ import annotations

from datetime import date
from itertools import product as pairs
from typing import Any

import pytest

from callbackq.errors import ConfigurationError
from callbackq.ids import CallbackId, QueueName
from callbackq.model import CallbackState, Channel, Disposition, Mode, Outcome
from callbackq.model.figures import CallbackFacts
from callbackq.policy.status_words import (
    product_words,
    read_status_words,
    status_products,
    status_words,
)
from callbackq.testing.builders import make_callback
from callbackq.testing.clock import START


def facts(outcome: Outcome | None, last_disposition: Disposition | None) -> CallbackFacts:
    """Return what a report knows of a callback that ended so."""
    return CallbackFacts(
        callback_id=CallbackId("cb_1"),
        queue=QueueName("support"),
        channel=Channel.WEB,
        mode=Mode.AGENT_FIRST,
        entered_at=START,
        requested_at=START,
        outcome=outcome,
        last_disposition=last_disposition,
    )


def test_talkdesk_calls_a_customer_who_was_not_reached_missed_and_answered() -> None:
    """S4: "the call is considered as a Missed Call and the contact as an Answered Contact"."""
    words = status_words(facts(Outcome.UNREACHED, Disposition.NO_ANSWER), product="talkdesk")
    assert (words.call, words.contact, words.note) == ("Missed Call", "Answered Contact", None)


def test_talkdesk_calls_a_callback_that_all_agents_declined_abandoned_and_missed() -> None:
    """S4: "the call is considered an Abandoned Call and the contact is marked as Missed"."""
    for last in (None, Disposition.AGENT_UNAVAILABLE):
        words = status_words(facts(Outcome.DECLINED_BY_AGENTS, last), product="talkdesk")
        assert (words.call, words.contact) == ("Abandoned Call", "Missed")


@pytest.mark.parametrize("product", status_products())
def test_every_end_has_its_words_or_a_note_that_says_why_not(product: str) -> None:
    """Every outcome after every disposition, and while it is open: nothing is without an answer."""
    for outcome, last in pairs([None, *Outcome], [None, *Disposition]):
        words = status_words(facts(outcome, last), product=product)
        has_all = words.contact is not None and (words.call is not None or last is None)
        assert words.product == product
        assert (words.note is None) is has_all, (outcome, last)


@pytest.mark.parametrize("product", status_products())
def test_each_product_says_where_its_words_are_from(product: str) -> None:
    """Source and date; and what has words says what they are."""
    known = product_words(product)
    assert known.source
    assert date(2026, 1, 1) <= known.as_of
    has_calls = bool(known.dispositions) or any(pair.call for pair in known.outcomes.values())
    has_contacts = bool(known.states) or any(pair.contact for pair in known.outcomes.values())
    assert (bool(known.call_is), bool(known.contact_is)) == (has_calls, has_contacts)


def test_what_follows_the_last_disposition_goes_before() -> None:
    """A voicemail is a success for one, and a reason of its own for another."""
    words = product_words("nice_cxone").words
    assert words(outcome=Outcome.UNREACHED, last_disposition=Disposition.MACHINE).contact == "Successful"
    assert words(outcome=Outcome.UNREACHED, last_disposition=Disposition.BUSY).contact == "Failed"
    assert status_words(facts(Outcome.UNREACHED, Disposition.BUSY), product="cisco_cvp").contact == "busy"
    assert status_words(facts(Outcome.UNREACHED, Disposition.FAX), product="cisco_cvp").contact is None


def test_an_open_callback_has_the_word_of_its_state() -> None:
    """A record knows its state, the facts of a report do not."""
    open_one = make_callback("cb_1", state=CallbackState.WAITING, last_disposition=Disposition.BUSY)
    words = status_words(open_one, product="twilio")
    assert (words.call, words.contact) == ("busy", "pending")
    assert status_words(facts(None, Disposition.BUSY), product="twilio").contact is None
    ended = make_callback("cb_1", state=CallbackState.ENDED, outcome=Outcome.COMPLETED, ended_at=START)
    assert status_words(ended, product="twilio").contact == "completed"


def test_a_product_of_which_nothing_is_known_is_refused() -> None:
    """With those that are."""
    with pytest.raises(ConfigurationError, match=r"^product is 'acme'; allowed: one of talkdesk, "):
        status_words(facts(None, None), product="acme")


SOUND = """
[acme]
name = "Acme"
call_is = ""
contact_is = "status"
source = "here"
as_of = 2026-01-01
silent = "it is"
states = {}
outcomes.completed = { contact = "done" }
after = {}
dispositions = {}
"""


def test_a_file_of_ones_own_is_read() -> None:
    """In the same format."""
    found = read_status_words(SOUND)["acme"]
    assert found.words(outcome=Outcome.COMPLETED).contact == "done"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[acme]", "[acme", "allowed: TOML"),
        ("[acme]", "acme = 1\n[other]", r"\[acme\] is 1; allowed: a table"),
        ('name = "Acme"', "", r"allowed: a table of name"),
        ('name = "Acme"', "name = 1", r"name is 1; allowed: str"),
        ("2026-01-01", '"today"', r"as_of is 'today'; allowed: date"),
        ("outcomes.completed", "outcomes.done", r"outcomes is 'done'; allowed: one of completed"),
        ('{ contact = "done" }', "{}", r"outcomes.completed is ''; allowed: a word"),
        ('{ contact = "done" }', "{ contact = 1 }", r"outcomes.completed is 'contact'; allowed: a word"),
        ('{ contact = "done" }', '{ agent = "done" }', r"outcomes.completed is 'agent'; allowed: a word"),
        ('{ contact = "done" }', "1", r"outcomes.completed is 1; allowed: a table"),
        ("states = {}", 'states.asleep = "x"', r"states is 'asleep'; allowed: one of scheduled"),
        ("dispositions = {}", 'dispositions.busy = ""', r"dispositions.busy is ''; allowed: a word"),
        ("dispositions = {}", "dispositions.busy = 1", r"dispositions.busy is 1; allowed: a word"),
        ("after = {}", "after.unreached = 1", r"after.unreached is 1; allowed: a table"),
        (
            "after = {}",
            "after.unreached.asleep = {}",
            r"after.unreached is 'asleep'; allowed: one of connected",
        ),
    ],
)
def test_a_file_that_is_wrong_says_where(old: str, new: str, message: str) -> None:
    """Table and key, and what is allowed."""
    assert old in SOUND
    text: Any = SOUND.replace(old, new, 1)
    with pytest.raises(ConfigurationError, match=message):
        read_status_words(text)
