"""Who wants to be left alone is, whoever they were, and for as long as they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    DEFAULT_TENANT,
    Commit,
    InvalidNumber,
    InvalidText,
    Medium,
    OptedOut,
    Store,
    UnknownQueue,
)
from callbackq.testing import VirtualHost
from service.scenes import BOB, EVE, HOUR, house, promised
from service.traces import everything_in


def told(host: VirtualHost, store: Store) -> list[Any]:
    """Return the events of opt-outs, oldest first."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return [event for event in tx.history.all() if event.kind == "opt_out_changed"]


def test_nobody_is_opted_out_at_first(store: Store) -> None:
    """Nothing is known of a number of which nothing was said."""
    assert house(store).service.opted_out(BOB) == OptedOut()


def test_opting_out_is_of_calls_or_of_messages_or_of_both(store: Store) -> None:
    """Each is known with the moment at which it was said."""
    host = house(store)
    first = host.clock.now()
    assert host.service.opt_out(BOB, medium=Medium.MESSAGES) == OptedOut(messages_at=first)
    host.run_for(HOUR)
    both = OptedOut(calls_at=first + HOUR, messages_at=first)
    assert host.service.opt_out(BOB) == both
    assert host.service.opted_out("+1 (212) 555-0101 ext. 7") == both
    assert host.service.opted_out("212 555 0101", queue="support") == both
    assert host.service.opted_out(EVE) == OptedOut()
    assert host.service.opt_in(BOB, medium=Medium.CALLS) == OptedOut(messages_at=first)
    assert host.service.opt_in(BOB) == OptedOut()


def test_saying_it_twice_changes_nothing(store: Store) -> None:
    """The first moment stands, and history has one event for each change."""
    host = house(store)
    first = host.service.opt_out(BOB, by="web")
    host.run_for(HOUR)
    assert host.service.opt_out(BOB, by="letter") == first
    assert host.service.opt_out(BOB, medium=Medium.CALLS) == first
    assert [(event.by, event.version) for event in told(host, store)] == [("web", 1)]
    host.service.opt_in(BOB, by="phone")
    host.service.opt_in(BOB)
    assert host.service.opt_in(EVE) == OptedOut()
    assert [(event.by, event.version) for event in told(host, store)] == [("web", 1), ("phone", 2)]
    assert host.service.verify_history().is_whole


def test_opting_out_outlives_the_person_and_tells_no_number(store: Store, tmp_path: Any) -> None:
    """After they are erased it is still known, by a digest."""
    host = house(store, agents=())
    promised(host)
    said = host.service.opt_out(BOB, by="letter")
    host.service.erase(number=BOB)
    assert host.service.opted_out(BOB) == said
    assert BOB[1:].encode() not in everything_in(store, tmp_path)
    host.run_for(timedelta(days=400))
    assert host.service.prune(personal_life=timedelta(days=30)).more is False
    assert host.service.opted_out(BOB) == said


def test_each_tenant_has_its_own(store: Store) -> None:
    """Who does not want to hear of one company may want to hear of another."""
    host = house(store)
    other = VirtualHost(store, host.service.policies.values(), tenant_id="other")
    other.service.opt_out(BOB)
    assert host.service.opted_out(BOB) == OptedOut()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"number": "nobody"}, InvalidNumber),
        ({"number": "212 555 0101"}, InvalidNumber),
        ({"number": BOB, "medium": "smoke"}, InvalidText),
        ({"number": BOB, "by": ""}, InvalidText),
        ({"number": BOB, "queue": "nowhere"}, UnknownQueue),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    store: Store, fields: dict[str, Any], error: type[Exception]
) -> None:
    """The error says what is allowed."""
    host = house(store)
    with pytest.raises(error):
        host.service.opt_out(**fields)
    assert told(host, store) == []
