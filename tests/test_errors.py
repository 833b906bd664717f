"""The tree of errors is the one that is drawn, and each says whether trying again is safe."""

from __future__ import annotations

import builtins
import inspect
import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import attrs
import pytest

from callbackq import errors
from callbackq.errors import (
    CallbackqError,
    CallForbidden,
    CodeWrong,
    ConfigurationError,
    DuplicateCallback,
    InvalidNumber,
    MessageImpossible,
    MessageRefused,
    NotPossibleNow,
    NumberNeeded,
    NumberRefused,
    RecipientOptedOut,
    SettingsInvalid,
    SettingWrong,
    SlotUnavailable,
    TooManyRequests,
)
from callbackq.ids import CallbackId


@attrs.frozen
class Drawn:
    """One line of the drawing."""

    name: str
    parent: str
    also: str | None
    retry: str | None


LINE = re.compile(
    r"^    (?P<branch>[ │├└─]*)(?P<name>[A-Z]\w+)(?: \((?P<also>\w+)\))?"
    r"(?P<rest> .*?)?(?:  +(?P<retry>yes|no|not as it is))?$"
)


def drawing() -> Iterator[Drawn]:
    """Read the tree at the top of the module: who comes from whom, and the column on the right."""
    assert errors.__doc__ is not None
    path: list[str] = []
    for line in errors.__doc__.partition("::\n")[2].splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        depth = len(match["branch"]) // 4
        path[depth:] = [match["name"]]
        yield Drawn(match["name"], path[depth - 1] if depth else "Exception", match["also"], match["retry"])


TREE = {drawn.name: drawn for drawn in drawing()}
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, CallbackqError)
}
AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
MADE_OF_PARTS: dict[type[CallbackqError], CallbackqError] = {
    ConfigurationError: ConfigurationError("ring_time", 5, "15 to 300"),
    DuplicateCallback: DuplicateCallback(CallbackId("cb_1"), choices=["merge", "allow"]),
    NotPossibleNow: NotPossibleNow("cancel", "ended", "waiting"),
    SlotUnavailable: SlotUnavailable("full", "at nine", alternatives=[AT]),
    NumberRefused: NumberRefused("region_not_served", "+8…01 is one of JP", alternatives=["email", "chat"]),
    CodeWrong: CodeWrong("not the code that was sent", tries_left=2),
    TooManyRequests: TooManyRequests("per_number", AT),
    CallForbidden: CallForbidden("opted out"),
    MessageRefused: MessageRefused("the provider is busy", problem="429"),
    MessageImpossible: MessageImpossible("a landline", problem="30006"),
    RecipientOptedOut: RecipientOptedOut("unsubscribed", problem="21610"),
    SettingWrong: SettingWrong("mode", "both", "a mode", file="a.toml", line=3, suggestion="simultaneous"),
    SettingsInvalid: SettingsInvalid([SettingWrong("queue", "no table", "a table", file="a.toml")]),
}


def sample(cls: type[CallbackqError]) -> CallbackqError:
    """Return an error of this class."""
    return MADE_OF_PARTS.get(cls) or cls("something happened")


def test_the_drawing_is_read() -> None:
    """Every line that has a branch is a class."""
    assert errors.__doc__ is not None
    assert len(TREE) == len(re.findall(r"[├└]──", errors.__doc__)) + 1
    assert len(TREE) == 45


def test_every_class_is_drawn_and_exported() -> None:
    """None is missing in the drawing, in `__all__`, or in the module."""
    assert set(TREE) == set(CLASSES) == set(errors.__all__)
    assert list(errors.__all__) == sorted(errors.__all__)


@pytest.mark.parametrize("name", TREE)
def test_a_class_stands_where_it_is_drawn(name: str) -> None:
    """Its bases are the drawn one, and the built-in one in brackets."""
    drawn = TREE[name]
    bases = [CLASSES.get(drawn.parent, Exception)]
    if drawn.also is not None:
        bases.append(getattr(builtins, drawn.also))
    assert list(CLASSES[name].__bases__) == bases


@pytest.mark.parametrize("name", TREE)
def test_trying_again_is_as_safe_as_it_is_drawn(name: str) -> None:
    """The column on the right; a line without one is like the line that it hangs on."""
    drawn: Drawn | None = TREE[name]
    while drawn is not None and drawn.retry is None:
        drawn = TREE.get(drawn.parent)
    assert CLASSES[name].retry_safe is (drawn is not None and drawn.retry == "yes")


def test_what_may_be_tried_again() -> None:
    """In full: only what certainly did nothing."""
    assert {name for name, cls in CLASSES.items() if cls.retry_safe} == {
        "Conflict",
        "StaleVersion",
        "UniquenessViolated",
        "StoreUnavailable",
        "DialRefused",
        "MessageRefused",
        "CodeNotSent",
        "TelephonyDown",
    }


@pytest.mark.parametrize("cls", CLASSES.values())
def test_every_error_says_something(cls: type[CallbackqError]) -> None:
    """Its message, or what its docstring says."""
    error = sample(cls)
    assert str(error)
    assert isinstance(error, CallbackqError)
    if cls not in MADE_OF_PARTS:
        assert str(error) == "something happened"
        assert str(cls()) == cls.__doc__


def test_errors_made_of_parts_keep_them() -> None:
    """What a program needs is an attribute, and what a person needs is the message."""
    wrong = ConfigurationError("ring_time", 5, "15 to 300")
    assert str(wrong) == "ring_time is 5; allowed: 15 to 300"
    assert (wrong.field, wrong.value, wrong.allowed) == ("ring_time", 5, "15 to 300")
    twice = DuplicateCallback(CallbackId("cb_1"))
    assert twice.existing_id == "cb_1"
    assert str(twice) == (
        "this person already has callback cb_1; give its receipt (service.receipt), or cancel it first"
    )
    asked = DuplicateCallback(CallbackId("cb_1"), choices=["merge", "allow"])
    assert asked.choices == ("merge", "allow")
    assert str(asked) == f"{twice}, or ask again with on_duplicate: merge, allow"
    impossible = NotPossibleNow("cancel", "ended", "held, waiting")
    assert str(impossible) == "cannot cancel in state 'ended'; allowed in: held, waiting"
    assert (impossible.command, impossible.state) == ("cancel", "ended")
    full = SlotUnavailable("full", "at nine", alternatives=[AT])
    assert str(full) == "slot unavailable (full): at nine; free instead: 2026-01-05T08:00:00+00:00"
    assert (full.reason, full.alternatives) == ("full", (AT,))
    assert str(SlotUnavailable("full", "at nine")) == "slot unavailable (full): at nine"


def test_errors_of_a_settings_file_say_where() -> None:
    """File, line, key, value, what is allowed, and what was probably meant; of a file all that is wrong."""
    wrong = SettingWrong("queue.a.mode", "both", "a mode", file="a.toml", line=3, suggestion="simultaneous")
    assert str(wrong) == "a.toml:3: queue.a.mode is 'both'; allowed: a mode; did you mean 'simultaneous'?"
    assert (wrong.file, wrong.line, wrong.suggestion) == ("a.toml", 3, "simultaneous")
    assert (wrong.field, wrong.value, wrong.allowed) == ("queue.a.mode", "both", "a mode")
    whole = SettingWrong("", "no TOML", "TOML", file="a.toml")
    assert (str(whole), whole.line) == ("a.toml: 'no TOML'; allowed: TOML", None)
    assert {wrong, wrong, whole} == {whole, wrong}
    assert wrong not in {whole, str(wrong)}
    invalid = SettingsInvalid([wrong, whole])
    assert str(invalid).splitlines() == ["a.toml: 2 mistakes", str(wrong), str(whole)]
    assert (invalid.problems, invalid.field) == ((wrong, whole), "queue.a.mode")
    assert str(SettingsInvalid([whole])).startswith("a.toml: 1 mistake\n")


def test_errors_about_who_calls_keep_their_parts() -> None:
    """A number's problem and the other ways, tries, times and reasons: for the program and for people."""
    assert (InvalidNumber().problem, NumberNeeded().problem) == ("not_a_number", "not_a_number")
    abroad = NumberRefused("region_not_served", "+8…01 is one of JP", alternatives=["email", "chat"])
    assert (abroad.problem, abroad.alternatives) == ("region_not_served", ("email", "chat"))
    assert str(abroad) == "number refused (region_not_served): +8…01 is one of JP; instead: email, chat"
    wrong = CodeWrong("not the code that was sent", tries_left=2)
    assert (wrong.tries_left, str(wrong)) == (2, "not the code that was sent; tries left: 2")
    flood = TooManyRequests("per_number", AT)
    assert (flood.limit, flood.again_at) == ("per_number", AT)
    assert str(flood) == "the limit per_number is reached; allowed: again at 2026-01-05T08:00:00+00:00"
    assert (CallForbidden("opted out").reason, str(CallForbidden("opted out"))) == (
        "opted out",
        "this number must not be called: opted out",
    )


def test_what_a_messenger_raises_keeps_the_code_of_the_provider() -> None:
    """All three say that it was certainly not sent; which of them says what is to be done next."""
    for cls in (MessageRefused, MessageImpossible, RecipientOptedOut):
        refused = cls("not sent", problem="30006")
        assert (refused.problem, str(refused)) == ("30006", "not sent")
        assert isinstance(refused, MessageRefused)
        assert cls("not sent").problem is None


@pytest.mark.parametrize("error", MADE_OF_PARTS.values())
def test_an_error_made_of_parts_crosses_processes(error: CallbackqError) -> None:
    """With its parts, and its message made once."""
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if cls not in MADE_OF_PARTS])
def test_an_error_crosses_processes(cls: type[CallbackqError]) -> None:
    """A pool of processes hands errors on by pickling."""
    copied = pickle.loads(pickle.dumps(sample(cls)))
    assert type(copied) is cls
    assert str(copied) == "something happened"
