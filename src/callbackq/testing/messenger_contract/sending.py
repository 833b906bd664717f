"""What every messenger does: sends each send id once, whole, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Final

import attrs

from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused
from callbackq.testing.messenger_contract.base import (
    MessageFarEnd,
    MessengerContractBase,
    arrived,
    as_lines,
    order,
    sent,
)

_THREADS: Final = 8
_MANY: Final = 40
_LONG: Final = " ".join(f"Word{n:03}" for n in range(220))
"""About 1,750 characters: more than ten parts of an SMS."""
_FOREIGN: Final = "Grüße aus Zürich, ¿cómo está? Παρακαλώ. 您的回电。 🙂 ½ \u202f€"
_LINES: Final = "First line\n\n.\n.. dots begin this one\nFrom here on: the last"
_TITLE: Final = "Ihr Rückruf – 您的回电 🙂 " + "und noch viel mehr " * 8


class SendContract(MessengerContractBase):
    """What `send` does with what can be sent."""

    def test_a_message_arrives_once(self, message_end: MessageFarEnd) -> None:
        """Whole, at its address, and nothing else arrives."""
        given = order(message_end)
        sent(message_end, given)
        assert [found.to for found in arrived(message_end, given)] == [given.to]
        assert len(message_end.received) == 1

    def test_a_send_id_is_sent_once(self, message_end: MessageFarEnd) -> None:
        """Who asks again is told the same, also when others were sent in between."""
        given = order(message_end)
        first = sent(message_end, given)
        sent(message_end, order(message_end))
        assert sent(message_end, given) == first
        assert len(arrived(message_end, given)) == 1

    def test_a_send_id_is_sent_once_from_many_threads(self, message_end: MessageFarEnd) -> None:
        """Those who come second wait for the end, or know it; all are told the same."""
        given = order(message_end)
        start = Barrier(_THREADS)
        with ThreadPoolExecutor(_THREADS) as threads:
            ends = [threads.submit(_send_at_once, message_end, given, start) for _ in range(_THREADS)]
        assert len({end.result() for end in ends}) == 1
        assert len(arrived(message_end, given)) == 1

    def test_many_threads_send(self, message_end: MessageFarEnd) -> None:
        """Nothing is lost, mixed up, or sent twice; ids differ, where there are some."""
        orders = [order(message_end) for _ in range(_MANY)]
        with ThreadPoolExecutor(_THREADS) as threads:
            ids = list(threads.map(partial(sent, message_end), orders))
        assert sorted(found.text.strip() for found in message_end.received) == sorted(
            given.text for given in orders
        )
        named = [provider_id for provider_id in ids if provider_id is not None]
        assert len(set(named)) == len(named)

    def test_the_same_text_can_be_sent_again(self, message_end: MessageFarEnd) -> None:
        """Under another send id it is another message, also to the same address."""
        given = order(message_end)
        sent(message_end, given)
        sent(message_end, attrs.evolve(given, send_id=order(message_end).send_id))
        assert len(arrived(message_end, given)) == 2

    def test_long_texts_are_not_cut(self, message_end: MessageFarEnd) -> None:
        """What is too long was refused when the policy was built: a messenger sends what it is given."""
        given = order(message_end, text=_LONG, segments_count=12)
        sent(message_end, given)
        assert len(arrived(message_end, given)) == 1

    def test_every_alphabet_arrives(self, message_end: MessageFarEnd) -> None:
        """Letters with accents, other scripts, signs outside the first plane of Unicode."""
        given = order(message_end, text=_FOREIGN)
        sent(message_end, given)
        assert len(arrived(message_end, given)) == 1

    def test_lines_stay_lines(self, message_end: MessageFarEnd) -> None:
        """Also empty ones, and those that begin with a dot, which some protocols would take for an end."""
        given = order(message_end, text=_LINES)
        sent(message_end, given)
        assert [as_lines(found.text) for found in message_end.received] == [as_lines(_LINES)]

    def test_titles_arrive_or_are_left_out(self, message_end: MessageFarEnd) -> None:
        """Long ones, in any alphabet; and one that is empty. They are never mixed into the text."""
        for title in (_TITLE, ""):
            given = order(message_end, title=title)
            sent(message_end, given)
            (found,) = arrived(message_end, given)
            assert found.title is None or found.title.split() == title.split()

    def test_an_order_is_left_as_it_is(self, message_end: MessageFarEnd) -> None:
        """It belongs to who gave it."""
        given = order(message_end)
        before = attrs.asdict(given)
        sent(message_end, given)
        assert attrs.asdict(given) == before

    def test_no_address(self, message_end: MessageFarEnd) -> None:
        """Who knows the customer otherwise sends it; who does not says that it was not sent."""
        given = order(message_end, to=None, customer_id="customer-1")
        try:
            sent(message_end, given)
        except MessageRefused:
            assert message_end.received == []
        else:
            assert [found.to for found in arrived(message_end, given)] == [None]


def _send_at_once(message_end: MessageFarEnd, given: SendMessage, start: Barrier) -> str | None:
    start.wait()
    return sent(message_end, given)
