"""The checkers of the outbox find what they are for, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from callbackq.model import MessageEnd, MessageKind, MessageState
from callbackq.testing import START
from callbackq.testing.builders import make_message
from callbackq.testing.outbox_checkers import (
    AFTER_OPT_OUT,
    END_UNTRUE,
    NO_INTENT,
    SENT_TWICE,
    TOLD_TWICE,
    UNACCOUNTED,
    UNSEEN,
    OutboxEvidence,
    check_outbox,
)


def line(send_id: str = "ms_1.1", what: str = "taken", *, after_s: int = 1) -> Any:
    return SimpleNamespace(at=START + timedelta(seconds=after_s), what=what, send_id=send_id)


def intent(number: int = 1, message_id: str = "ms_1") -> Any:
    return SimpleNamespace(kind="message_sending", at=START, message_id=message_id, sends_count=number)


def opted(*, out: bool = True, after_s: int = 0) -> Any:
    at = START + timedelta(seconds=after_s)
    return SimpleNamespace(kind="opt_out_changed", at=at, number_key="key", messages_at=at if out else None)


def ended(how: MessageEnd = MessageEnd.SENT, **changes: Any) -> Any:
    fields = {
        "state": MessageState.ENDED,
        "ended_as": how,
        "ended_at": START,
        "address_key": "key",
        "sends_count": 2,
    }
    return make_message("ms_1", **{**fields, **changes})


def found(provider: list[Any], history: list[Any], rows: list[Any], **more: Any) -> set[str]:
    evidence = OutboxEvidence(
        provider=provider, history=history, messages=rows, ended_at=START + timedelta(days=9), **more
    )
    return {finding.check for finding in check_outbox(evidence).all}


def test_what_is_right_is_not_found() -> None:
    """One send; or a second one, after the first did not arrive."""
    assert found([line()], [intent()], [ended()]) == set()
    twice = [line(), line(what="undelivered"), line("ms_1.2")]
    assert found(twice, [intent(), intent(2)], [ended()]) == set()


def test_a_send_that_is_taken_twice() -> None:
    """It tells its cause twice, too."""
    assert found([line(), line()], [intent()], [ended()]) == {SENT_TWICE, TOLD_TWICE}


def test_a_cause_that_is_told_twice() -> None:
    """By another send, or by another message; that another send did not arrive permits nothing."""
    assert found([line(), line("ms_1.2")], [intent(), intent(2)], [ended()]) == {TOLD_TWICE}
    other = [line(), line("ms_1.2", "undelivered"), line("ms_1.2")]
    assert found(other, [intent(), intent(2)], [ended()]) == {TOLD_TWICE}
    two = [ended(), attrs.evolve(ended(MessageEnd.UNCERTAIN), message_id="ms_2")]
    assert found([line()], [intent()], two) == {TOLD_TWICE}


def test_a_send_without_its_intent() -> None:
    """Nobody gave it out, or only later, or twice."""
    assert found([line()], [], [ended()]) == {NO_INTENT}
    assert found([line(after_s=-1)], [intent()], [ended()]) == {NO_INTENT}
    assert found([line()], [intent(), intent()], [ended()]) == {NO_INTENT}


def test_a_message_after_an_opt_out() -> None:
    """Unless it was on its way, confirms it once, or messages are wanted again."""
    given = [intent()]
    assert found([line()], [*given, opted()], [ended()]) == {AFTER_OPT_OUT}
    soon = timedelta(seconds=1)
    assert found([line()], [*given, opted()], [ended()], in_flight_max=soon) == set()
    assert found([line()], [*given, opted(), opted(out=False, after_s=1)], [ended()]) == set()
    confirms = ended(message_kind=MessageKind.OPTED_OUT)
    assert found([line()], [*given, opted()], [confirms]) == set()
    again = [line(), line(what="undelivered"), line("ms_1.2")]
    assert found(again, [*given, intent(2), opted()], [confirms]) == {AFTER_OPT_OUT}


@pytest.mark.parametrize("state", [MessageState.WAITING, MessageState.UNCERTAIN])
def test_a_message_without_account(state: MessageState) -> None:
    """Its time came, and nothing was done; one whose time is to come is accounted for."""
    assert found([], [], [make_message(state=state, due_at=START)]) == {UNACCOUNTED}
    assert found([], [], [make_message(state=state, due_at=START + timedelta(days=10))]) == set()


def test_an_end_that_says_nothing() -> None:
    """Ended, and nobody says how."""
    assert found([line()], [intent()], [ended(ended_as=None)]) == {UNACCOUNTED}


def test_a_message_that_was_forgotten() -> None:
    """It was queued, and there is no row."""
    queued = SimpleNamespace(kind="message_queued", at=START, message_id="ms_9", message_kind="late")
    assert found([], [queued], []) == {UNSEEN}


def test_an_end_that_is_not_true() -> None:
    """Said to be sent, and never taken; or the other way round. What a person said is theirs."""
    assert found([], [], [ended()]) == {END_UNTRUE}
    withdrawn = ended(MessageEnd.WITHDRAWN)
    assert found([line()], [intent()], [withdrawn]) == {END_UNTRUE}
    by_hand = frozenset({"ms_1"})
    assert found([line()], [intent()], [withdrawn], settled_by_hand=by_hand) == set()
    assert found([line()], [intent()], [ended(MessageEnd.UNCERTAIN)]) == set()
