"""What the checkers of killed processes are told: who may pass whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs

from callbackq.simulation import kill_checks


@attrs.frozen(kw_only=True)
class Line:
    """An event, in what is looked at."""

    entity: str
    priority: int = 5
    call_id: str | None = None
    callback_id: str | None = None


def test_booked_places_and_calls_that_others_serve_are_classes_of_their_own() -> None:
    """So neither is said to have passed the other, or a place in line."""
    history: list[Any] = [
        SimpleNamespace(entity="booking", callback_id="cb_1"),
        Line(entity="callback", callback_id="cb_1"),
        Line(entity="callback", callback_id="cb_2"),
        Line(entity="call", call_id="call_1"),
        Line(entity="call", call_id="call_2"),
    ]
    told = kill_checks._apart(history, served_elsewhere={"call_1"})
    booked, plain, elsewhere, waiting = (one.priority for one in told[1:])
    assert plain == waiting == 5
    assert len({booked, elsewhere, plain}) == 3
