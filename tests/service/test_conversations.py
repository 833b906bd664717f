"""Random conversations on every store: a shorter run of `callbackq converse`; and what must be found is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from callbackq.core import outbox, outgoing
from callbackq.model import DeliveryKind, MessageState
from callbackq.posting import Postman
from callbackq.service import replies
from callbackq.testing import conversations
from callbackq.testing.conversation_machine import machine_of
from callbackq.testing.conversations import Tally, converse, one_part
from stores.every_store import FRESH


@pytest.mark.parametrize(
    ("kind", "examples"), [("memory", 12), ("sqlite", 3), ("sqlite_shared", 2), ("postgres", 2)]
)
def test_no_conversation_breaks_a_promise(kind: str, examples: int) -> None:
    """Nobody touches what is not theirs; nothing is sent twice, untrue, or after an opt-out."""
    played: list[Tally] = []
    how = settings(
        max_examples=examples,
        stateful_step_count=25,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(7)(machine_of(FRESH[kind], done=played.append)), settings=how)
    assert sum(one.texts for one in played) > 20 * (examples - 1)
    assert sum(one.kinds.total() for one in played) > 10


def test_a_part_is_the_same_wherever_it_is_played() -> None:
    """So that what was found in it can be replayed."""
    first, again = (one_part(3, 1, examples=8) for _ in range(2))
    assert first == again
    assert first.tally.conversations > 5


def test_parts_are_played_until_there_were_so_many_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told, and never more than all."""
    monkeypatch.setattr(conversations, "EXAMPLES", 4)
    told: list[tuple[int, int]] = []
    report = converse(1, conversations=5, progress=lambda done, total: told.append((done, total)))
    assert report.failed is None
    assert report.tally.conversations >= 5
    assert told[-1] == (5, 5)


def _anybody(*_: Any) -> bool:
    return True


def _nobody(*_: Any) -> bool:
    return False


def _nothing(*_: Any, **__: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (Postman, "is_opted_out", _nobody),
        (replies, "_is_theirs", _anybody),
        (outgoing, "untrue", _nothing),
        (Postman, "_quiet_until", _nothing),
        (
            outbox,
            "_COMMANDS",
            {
                **outbox._COMMANDS,
                (MessageState.SENDING, DeliveryKind.UNCERTAIN): outbox.Command.REQUEUE,
            },
        ),
    ],
    ids=["opt-outs", "strangers", "truth", "quiet hours", "at most once"],
)
def test_an_engine_that_breaks_a_promise_is_found(
    owner: Any, name: str, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkers themselves: without one of its rules the engine does what must not happen."""
    monkeypatch.setattr(owner, name, broken)
    part = one_part(5, 200, examples=25, shrunk=False)
    for number in (201, 202, 203):
        if part.failure is not None:
            break
        part = one_part(5, number, examples=25, shrunk=False)
    assert part.failure is not None
    assert "Broken" in part.failure
