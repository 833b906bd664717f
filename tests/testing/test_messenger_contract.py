"""The messenger contract: honest messengers keep it, and each that does wrong breaks it where it should."""

from __future__ import annotations

import inspect
import io
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from callbackq.adapters.messengers import ConsoleMessenger, FileMessenger
from callbackq.effects import SendMessage
from callbackq.errors import MessageImpossible, MessageRefused
from callbackq.ports import Messenger
from callbackq.testing import FakeMessenger, Reaction, make_send
from callbackq.testing.contracts import (
    Inbox,
    KnownOptOutContract,
    MessageFarEnd,
    MessengerContract,
    Received,
    RefusalContract,
    UncertaintyContract,
)
from callbackq.testing.messenger_contract.base import check_log

REACTIONS = {
    Inbox.TAKES: Reaction.ACCEPTS,
    Inbox.REFUSES: Reaction.REFUSES,
    Inbox.IMPOSSIBLE: Reaction.IMPOSSIBLE,
    Inbox.OPTED_OUT: Reaction.OPTED_OUT,
    Inbox.BREAKS: Reaction.FAILS_AFTER,
}


class FakeEnd(MessageFarEnd):
    """The fake; each inbox has a number of its own."""

    def __init__(self, messenger: FakeMessenger, wrapped: Messenger | None = None) -> None:
        self._fake = messenger
        self._messenger = wrapped or messenger
        self._count = 0

    @property
    def messenger(self) -> Messenger:
        return self._messenger

    @property
    def received(self) -> Sequence[Received]:
        return [Received(to=order.to, text=order.text, title=order.title) for order in self._fake.sent]

    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        self._count += 1
        number = f"+1212555{self._count:04}"
        self._fake.does(number, REACTIONS[inbox])
        return attrs.evolve(order, to=number)


class Everything(MessengerContract, RefusalContract, KnownOptOutContract, UncertaintyContract):
    """All tests of the contract."""


class TestFakeMessenger(Everything):
    """The fake can do everything that a provider does."""

    def open_message_end(self) -> FakeEnd:
        return FakeEnd(FakeMessenger())


class FileEnd(MessageFarEnd):
    """A file, and what stands in it."""

    def __init__(self, path: Path) -> None:
        self._messenger = FileMessenger(path)

    @property
    def messenger(self) -> FileMessenger:
        return self._messenger

    @property
    def received(self) -> Sequence[Received]:
        return [
            Received(to=one["to"], text=one["text"], title=one["title"]) for one in self._messenger.sent()
        ]

    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        assert inbox is Inbox.TAKES
        return order


class TestFileMessenger(MessengerContract):
    """What is sent stands in a file."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self._folder = tmp_path

    def open_message_end(self) -> FileEnd:
        return FileEnd(self._folder / "sent.jsonl")


class ConsoleEnd(MessageFarEnd):
    """A console, read again: a heading line, perhaps a subject, and the text up to the empty line at its end."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self._messenger = ConsoleMessenger(self._stream, shows_numbers=True)
        self._prepared: list[SendMessage] = []

    @property
    def messenger(self) -> Any:
        return self._messenger

    @property
    def received(self) -> Sequence[Received]:
        found: list[Received] = []
        for block in self._stream.getvalue().split("sms")[1:]:
            heading, *lines = block.removesuffix("\n\n").split("\n")
            before, _, _ = heading.partition(": ")
            title = lines.pop(0).removeprefix("Subject: ") if lines[0].startswith("Subject: ") else ""
            found.append(Received(to=before.removeprefix(" to ") or None, text="\n".join(lines), title=title))
        return found

    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        assert inbox is Inbox.TAKES
        return order


class TestConsoleMessenger(MessengerContract):
    """What is sent is printed."""

    def open_message_end(self) -> ConsoleEnd:
        return ConsoleEnd()


# ---------------------------------------------------------------------------- those that do wrong


def _with(change: Callable[[Messenger, SendMessage], Any]) -> Callable[[FakeMessenger], Messenger]:
    """Make messengers that do their work by *change*."""

    def wrap(good: FakeMessenger) -> Messenger:
        class Wrong:
            def send(self, order: SendMessage) -> Any:
                return change(good, order)

        return Wrong()

    return wrap


def _twice(good: Messenger, order: SendMessage) -> Any:
    good.send(attrs.evolve(order, send_id=f"{order.send_id}.again"))
    return good.send(order)


def _forgets_ids(good: Messenger, order: SendMessage) -> Any:
    return good.send(attrs.evolve(order, send_id=f"{order.send_id}.{_next_number()}"))


def _next_number() -> int:
    _next_number.count += 1  # type: ignore[attr-defined]
    return int(_next_number.count)  # type: ignore[attr-defined]


_next_number.count = 0  # type: ignore[attr-defined]


def _never(_good: Messenger, _order: SendMessage) -> Any:
    return None


def _cuts(good: Messenger, order: SendMessage) -> Any:
    return good.send(attrs.evolve(order, text=order.text[:160]))


def _ascii_only(good: Messenger, order: SendMessage) -> Any:
    return good.send(attrs.evolve(order, text=order.text.encode("ascii", "replace").decode()))


def _one_line(good: Messenger, order: SendMessage) -> Any:
    return good.send(attrs.evolve(order, text=" ".join(order.text.split())))


def _title_in_text(good: Messenger, order: SendMessage) -> Any:
    return good.send(attrs.evolve(order, text=f"{order.title}\n{order.text}" if order.title else order.text))


def _bare_number(good: Messenger, order: SendMessage) -> Any:
    return int((good.send(order) or "0").rpartition("-")[2])


def _long_id(good: Messenger, order: SendMessage) -> Any:
    return f"{good.send(order)}-{'x' * 200}"


def _changes_order(good: Messenger, order: SendMessage) -> Any:
    provider_id = good.send(order)
    object.__setattr__(order, "title", "changed")
    return provider_id


def _logs(good: Messenger, order: SendMessage) -> Any:
    logging.getLogger("provider").info("sent to %s", order.to)
    return good.send(order)


def _logs_text(good: Messenger, order: SendMessage) -> Any:
    logging.getLogger("provider").warning("sent: %s", order.text)
    return good.send(order)


def _fails_without_address(good: Messenger, order: SendMessage) -> Any:
    if order.to is None:
        raise TypeError("to")
    return good.send(order)


def _guesses_refusals(good: Messenger, order: SendMessage) -> Any:
    """Take every trouble for a refusal."""
    try:
        return good.send(order)
    except OSError as error:
        raise MessageRefused("lost") from error


def _never_for_good(good: Messenger, order: SendMessage) -> Any:
    try:
        return good.send(order)
    except MessageRefused as error:
        raise MessageRefused("refused", problem=error.problem) from None


def _always_for_good(good: Messenger, order: SendMessage) -> Any:
    try:
        return good.send(order)
    except MessageRefused as error:
        raise MessageImpossible("refused", problem=error.problem) from None


def _tells_number(good: Messenger, order: SendMessage) -> Any:
    try:
        return good.send(order)
    except MessageRefused as error:
        raise type(error)(f"{order.to} refused") from None


def _number_as_problem(good: Messenger, order: SendMessage) -> Any:
    try:
        return good.send(order)
    except MessageRefused as error:
        raise type(error)("refused", problem=f"no {order.to}") from None


def _refuses_by_nothing(good: Messenger, order: SendMessage) -> Any:
    with suppress(MessageRefused):
        return good.send(order)


BREAKS: list[tuple[Callable[..., Any], list[str]]] = [
    (_twice, ["a_message_arrives_once", "a_send_id_is_sent_once"]),
    (_forgets_ids, ["a_send_id_is_sent_once", "a_send_id_is_sent_once_from_many_threads"]),
    (_never, ["a_message_arrives_once", "many_threads_send", "no_address"]),
    (_cuts, ["long_texts_are_not_cut"]),
    (_ascii_only, ["every_alphabet_arrives"]),
    (_one_line, ["lines_stay_lines"]),
    (_title_in_text, ["titles_arrive_or_are_left_out"]),
    (_bare_number, ["a_message_arrives_once"]),
    (_long_id, ["a_message_arrives_once"]),
    (_changes_order, ["an_order_is_left_as_it_is"]),
    (_logs, ["a_message_arrives_once"]),
    (_logs_text, ["a_message_arrives_once"]),
    (_fails_without_address, ["no_address"]),
    (_guesses_refusals, ["what_nobody_knows_is_no_refusal"]),
    (_never_for_good, ["refused_for_good", "an_opt_out_has_a_name"]),
    (_always_for_good, ["refused_for_now"]),
    (_tells_number, ["refused_for_now", "refused_for_good"]),
    (_number_as_problem, ["refused_for_now"]),
    (_refuses_by_nothing, ["refused_for_now", "refused_for_good", "an_opt_out_has_a_name"]),
]
"""What must be found out about a messenger that does one thing wrong."""


def is_broken(name: str, change: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> bool:
    """Run one test of the contract, with what is checked after it, against a messenger that does wrong."""
    fake = FakeMessenger()
    end = FakeEnd(fake, _with(change)(fake))
    caplog.clear()
    try:
        with caplog.at_level(logging.INFO):
            getattr(Everything(), f"test_{name}")(end)
        check_log(caplog.text, end.received)
    except (Exception, pytest.fail.Exception):
        return True
    return False


@pytest.mark.parametrize(("change", "name"), [(change, name) for change, names in BREAKS for name in names])
def test_what_is_wrong_is_found_out(
    change: Callable[..., Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And by the test that is there for it; the honest one passes it."""
    assert is_broken(name, change, caplog)
    assert not is_broken(name, lambda good, order: good.send(order), caplog)


def test_every_test_has_something_to_find() -> None:
    """A test of the contract that no wrong messenger breaks would be worth nothing."""
    tests = {
        name.removeprefix("test_")
        for name, _ in inspect.getmembers(Everything)
        if name.startswith("test_") and name != "test_the_same_text_can_be_sent_again"
    }
    of_other_messengers = {"a_refusal_holds_up_nobody_else", "what_nobody_knows_is_not_sent_again"}
    assert {name for _, names in BREAKS for name in names} == tests - of_other_messengers


def test_one_that_takes_the_text_for_the_send_id_is_found_out(caplog: pytest.LogCaptureFixture) -> None:
    """It swallows a message that is said a second time, and one that follows a refusal with the same text."""

    def by_text(good: Messenger, order: SendMessage) -> Any:
        return good.send(attrs.evolve(order, send_id=order.text))

    assert is_broken("the_same_text_can_be_sent_again", by_text, caplog)


def test_one_that_never_recovers_is_found_out(caplog: pytest.LogCaptureFixture) -> None:
    """After a trouble it must send what comes next, and not what came before."""
    troubled: list[SendMessage] = []

    def stays_down(good: Messenger, order: SendMessage) -> Any:
        if troubled:
            raise MessageRefused("still down")
        try:
            return good.send(order)
        except Exception:
            troubled.append(order)
            raise

    assert is_broken("what_nobody_knows_is_not_sent_again", stays_down, caplog)
    troubled.clear()
    fake = FakeMessenger()
    wrong = FakeEnd(fake, _with(stays_down)(fake))
    with pytest.raises(MessageRefused):
        Everything().test_a_refusal_holds_up_nobody_else(wrong, Inbox.REFUSES)


def test_nothing_is_printed_anywhere_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file messenger is silent, and the console messenger prints to where it was told."""
    order = make_send("ms_1.1")
    FileMessenger(tmp_path / "sent.jsonl").send(order)
    ConsoleMessenger(io.StringIO()).send(order)
    assert capsys.readouterr() == ("", "")
    ConsoleMessenger().send(order)
    assert order.text in capsys.readouterr().out
