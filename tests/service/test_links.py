"""H9: a signed link opens one callback, until it is too old: what its page does, a customer may do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from callbackq import (
    CallbackNotFound,
    CallbackService,
    InvalidText,
    InvalidTime,
    NotPossibleNow,
    NotVerified,
    Outcome,
    QueuePolicy,
    SlotUnavailable,
    Store,
)
from callbackq.model import MessageKind
from callbackq.policy import Messages
from callbackq.testing import NEVER_ANSWERS, VirtualHost
from scenarios.scene import seats
from service.letters import IN_MEMORY, NOON, kinds_to, post_office
from service.scenes import BOB, EVE, HOUR, MINUTE, SECOND, ZERO, promised, sign_in

K = MessageKind
DAY = 24 * HOUR
PAGE = "https://cb.example/c/{token}"


def booked(store: Store, **messages: object) -> tuple[VirtualHost, str]:
    """Bob has booked a time three hours from now; there is one seat in each slot."""
    policy = Messages(link=PAGE, **messages)  # type: ignore[arg-type]
    host = post_office(store, messages=policy, slots=seats(1, horizon=2 * DAY))
    one = promised(host, scheduled_at=NOON + 3 * HOUR)
    host.run_for(ZERO)
    return host, one


def token_in(text: str) -> str:
    """Return the token of the link in a text."""
    return text.partition(PAGE.format(token=""))[2].split()[0]


def taken(host: VirtualHost, at: datetime) -> bool:
    """Whether nobody else can book this slot."""
    return all(slot.starts_at != at for slot in host.service.free_slots("support", from_at=at, limit=1))


def test_the_link_of_a_message_opens_its_callback(store: Store) -> None:
    """It tells nothing by itself: neither number nor id can be read from it."""
    host, one = booked(store)
    token = token_in(host.messenger.last.text)
    assert host.service.open_link(token) == host.service.get(one)
    for secret in (one, one[3:], BOB[1:], BOB[-4:]):
        assert secret not in token
    assert len(host.messenger.last.text.partition(PAGE.format(token=""))[2]) >= len(token)


def test_to_move_by_a_link_takes_one_seat_for_another(store: Store) -> None:
    """Both at once: nobody can have both, and who finds the new one taken keeps the old."""
    host, one = booked(store)
    token = host.service.link_token(one)
    promised(host, EVE, scheduled_at=NOON + 4 * HOUR)
    opened = host.service.open_link(token)
    with pytest.raises(SlotUnavailable):
        host.service.reschedule(opened.callback_id, scheduled_at=NOON + 4 * HOUR)
    assert (taken(host, NOON + 3 * HOUR), taken(host, NOON + 5 * HOUR)) == (True, False)
    host.service.reschedule(opened.callback_id, scheduled_at=NOON + 5 * HOUR)
    assert (taken(host, NOON + 3 * HOUR), taken(host, NOON + 5 * HOUR)) == (False, True)
    host.run_for(ZERO)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.CONFIRMATION]


def test_to_cancel_by_a_link_frees_the_seat(store: Store) -> None:
    """Twice is once; and a link to what is over has nothing to move."""
    host, one = booked(store)
    token = host.service.link_token(one)
    for _ in range(2):
        host.service.cancel(host.service.open_link(token).callback_id)
    assert not taken(host, NOON + 3 * HOUR)
    assert host.service.open_link(token).outcome is Outcome.CANCELLED
    with pytest.raises(NotPossibleNow):
        host.service.reschedule(one, scheduled_at=NOON + 5 * HOUR)
    host.run_for(ZERO)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.CANCELLED]
    assert PAGE.format(token="") not in host.messenger.last.text, "there is nothing to change any more"


def test_a_link_is_too_old_after_its_life(store: Store) -> None:
    """To the second; that of a message as the policy says."""
    host, one = booked(store, link_life=HOUR)
    tokens = [token_in(host.messenger.last.text), host.service.link_token(one, life=HOUR)]
    host.run_for(HOUR - SECOND)
    for token in tokens:
        assert host.service.open_link(token).callback_id == one
    host.run_for(SECOND)
    for token in tokens:
        with pytest.raises(NotVerified):
            host.service.open_link(token)


@IN_MEMORY
def test_no_link_opens_another_callback(store: Store) -> None:
    """Not with one sign changed, cut or added, and not with another tenant or store."""
    host, one = booked(store)
    token = host.service.link_token(one)
    swapped = {"A": "B"}
    for index, sign in enumerate(token):
        changed = token[:index] + swapped.get(sign, "A") + token[index + 1 :]
        with pytest.raises(InvalidText):
            host.service.open_link(changed)
    for other in ("", token[:-1], f"{token}A", f"{token}=", token.lower(), f" {token}", "é" * 40):
        with pytest.raises(InvalidText):
            host.service.open_link(other)
    stranger = CallbackService(store, [QueuePolicy(queue="support")], clock=host.clock, tenant_id="other")
    with pytest.raises(InvalidText):
        stranger.open_link(token)


@IN_MEMORY
def test_the_life_of_a_link_has_bounds(store: Store) -> None:
    """1 minute to 30 days, for a callback that is there."""
    host, one = booked(store)
    for life in (59 * SECOND, 30 * DAY + SECOND, -HOUR, 60):
        with pytest.raises(InvalidTime):
            host.service.link_token(one, life=life)  # type: ignore[arg-type]
    for life in (MINUTE, timedelta(days=30)):
        assert host.service.open_link(host.service.link_token(one, life=life)).callback_id == one
    with pytest.raises(CallbackNotFound):
        host.service.link_token("cb_unknown")


def test_what_is_over_has_no_link(store: Store) -> None:
    """Bob was not reached: the text about it has no link, for there is nothing that it could change."""
    host, one = booked(store)
    host.telephony.person(BOB, NEVER_ANSWERS)
    sign_in(host, "ann")
    host.run_for(4 * HOUR)
    assert host.service.get(one).outcome is Outcome.UNREACHED
    assert kinds_to(host, BOB)[-1] is K.UNREACHED
    assert "http" not in host.messenger.last.text


@IN_MEMORY
def test_no_page_no_link(store: Store) -> None:
    """Without `Messages.link` no token stands in any text."""
    host = post_office(store)
    promised(host)
    host.run_for(ZERO)
    assert "http" not in host.messenger.last.text
