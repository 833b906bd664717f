"""Nonsense to the verbs of people and of the telephony: refused with the documented errors, and nothing is changed."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from callbackq import (
    AttemptNotFound,
    CallbackNotFound,
    Disposition,
    InvalidNumber,
    InvalidText,
    InvalidTime,
    LegSnapshot,
    LegState,
    Mode,
    NotPossibleNow,
    Report,
    ReportKind,
    Store,
    TelephonySnapshot,
)
from callbackq.testing import NEVER_ANSWERS, START, VirtualHost
from service.scenes import BOB, DAN, EVE, SECOND, attempt_of, house, promised, rows, sign_in, subject_of

BAD_TEXTS: tuple[Any, ...] = (
    "",
    " ",
    "x" * 201,
    "tab\t",
    "\ud800",
    "nul\x00",
    7,
    None,
    b"cb_000001",
    ["cb_000001"],
)
SETTLE, SAY, NOW, DONE, NUMBER, SCORE, REOPEN = (
    "settle",
    "set_disposition",
    "call_now",
    "mark_done",
    "change_number",
    "report_score",
    "reopen_ticket",
)
BY: dict[str, Any] = {"by": "eva"}
CALLS: dict[str, Callable[..., Any]] = {
    SETTLE: lambda host, key, **more: host.service.settle(key, Disposition.BUSY, **{**BY, **more}),
    SAY: lambda host, key, **more: host.service.set_disposition(key, Disposition.MACHINE, **{**BY, **more}),
    NOW: lambda host, key, **more: host.service.call_now(key, **{**BY, **more}),
    DONE: lambda host, key, **more: host.service.mark_done(key, **{**BY, **more}),
    NUMBER: lambda host, key, **more: host.service.change_number(key, DAN, **more),
    SCORE: lambda host, key, **more: host.service.report_score(key, score=1, **more),
    REOPEN: lambda host, key, **more: host.service.reopen_ticket(callback_id=key, **more),
}


@pytest.fixture
def host(store: Store) -> VirtualHost:
    """DAN's callback is over, BOB's phone rings, and EVE waits."""
    opened = house(store, agents=())
    opened.telephony.person(BOB, NEVER_ANSWERS)
    opened.service.mark_done(promised(opened, DAN), by="eva")
    promised(opened, BOB, priority=1)
    promised(opened, EVE)
    sign_in(opened, "ann")
    opened.run_for(5 * SECOND)
    return opened


OVER, RINGS, WAITS = "cb_000001", "cb_000002", "cb_000003"


def is_refused(
    host: VirtualHost,
    store: Store,
    error: type[Exception],
    call: Callable[[], object],
    match: str | None = None,
) -> None:
    """Check that it is refused so, that its message shows no number, and that nothing was changed."""
    written = rows(host, store)
    with pytest.raises(error, match=match) as caught:
        call()
    assert "555" not in str(caught.value)
    assert rows(host, store) == written


# ---------------------------------------------------------------------------- ids, and who says so


@pytest.mark.parametrize("verb", CALLS)
def test_ids_that_are_none_are_refused(host: VirtualHost, store: Store, verb: str) -> None:
    """N7: `InvalidText` for what is no id, `CallbackNotFound` for one that there is not."""
    for bad in BAD_TEXTS:
        is_refused(host, store, InvalidText, lambda bad=bad: CALLS[verb](host, bad), "callback_id")
    is_refused(host, store, CallbackNotFound, lambda: CALLS[verb](host, "cb_999999"))
    is_refused(host, store, CallbackNotFound, lambda: CALLS[verb](host, "cb_000001' OR '1'='1"))


@pytest.mark.parametrize("verb", CALLS)
def test_whoever_says_so_has_a_name(host: VirtualHost, store: Store, verb: str) -> None:
    """N7: `by` is a text of 1 to 200 characters; where it may be left out, None is the customer."""
    for bad in BAD_TEXTS:
        if bad is None and verb in (NUMBER, SCORE, REOPEN):
            continue
        is_refused(host, store, InvalidText, lambda bad=bad: CALLS[verb](host, RINGS, by=bad), "by")


@pytest.mark.parametrize("verb", [SETTLE, SAY, NOW, DONE])
def test_reasons_are_short_texts(host: VirtualHost, store: Store, verb: str) -> None:
    """N7: None is no reason, and anything else is a text of 1 to 200 characters."""
    for bad in BAD_TEXTS:
        if bad is not None:
            is_refused(
                host, store, InvalidText, lambda bad=bad: CALLS[verb](host, RINGS, reason=bad), "reason"
            )


# ---------------------------------------------------------------------------- dispositions, scores, numbers


@pytest.mark.parametrize("bad", ["", "BUSY", "no answer", "x" * 10_000, 7, None, b"busy", ["busy"], object()])
def test_dispositions_are_the_known_ones(host: VirtualHost, store: Store, bad: Any) -> None:
    """N7: `InvalidText`, for both verbs."""
    for verb in (host.service.settle, host.service.set_disposition):
        is_refused(host, store, InvalidText, lambda verb=verb: verb(RINGS, bad, by="eva"), "disposition")


@pytest.mark.parametrize(
    "said", sorted(set(Disposition) - {"machine", "fax", "wrong_person", "answered_then_left", "unknown"})
)
def test_what_says_nothing_of_a_talk_is_refused_for_one(host: VirtualHost, store: Store, said: str) -> None:
    """C9: `set_disposition` takes what a conversation can turn out to have been."""
    call = lambda: host.service.set_disposition(OVER, Disposition(said), by="eva")  # noqa: E731
    is_refused(host, store, InvalidText, call, "allowed")


@pytest.mark.parametrize(
    "score",
    [math.nan, math.inf, -math.inf, 1_000_001, -1_000_001, 10**400, "5", True, b"5", [5], 5j, object()],
    ids=[
        "nan",
        "inf",
        "-inf",
        "above",
        "below",
        "huge",
        "text",
        "bool",
        "bytes",
        "list",
        "complex",
        "object",
    ],
)
def test_scores_are_finite_numbers_of_a_size(host: VirtualHost, store: Store, score: Any) -> None:
    """F13: `InvalidText`; a score at the bound is taken."""
    is_refused(host, store, InvalidText, lambda: host.service.report_score(OVER, score=score), "score")
    assert host.service.report_score(OVER, score=-1_000_000).score == -1_000_000


@pytest.mark.parametrize("resolved", ["yes", 1, 0, b"", [True], object()])
def test_resolved_is_yes_or_no(host: VirtualHost, store: Store, resolved: Any) -> None:
    """F13: `InvalidText`."""
    call = lambda: host.service.report_score(OVER, resolved=resolved)  # noqa: E731
    is_refused(host, store, InvalidText, call, "resolved")


def test_score_of_the_hosts_own_kind_is_a_plain_number(host: VirtualHost) -> None:
    """F13: an IntEnum is kept as what it is worth."""

    class Stars(enum.IntEnum):
        FIVE = 5

    assert type(host.service.report_score(OVER, score=Stars.FIVE).score) is float


@pytest.mark.parametrize(
    "number", ["", " ", "anonymous", "12", "+12125550101" * 50, "\ud800", 7, None, b"+1", ["+1"]]
)
def test_numbers_that_are_none_are_refused(host: VirtualHost, store: Store, number: Any) -> None:
    """C10/C6: `InvalidNumber`: to change to, as an alternative, and in the records."""
    service = host.service
    is_refused(host, store, InvalidNumber, lambda: service.change_number(WAITS, number))
    is_refused(host, store, InvalidNumber, lambda: promised(host, DAN, alternatives=[EVE, number]))
    if number is not None:
        is_refused(host, store, InvalidNumber, lambda: promised(host, DAN, record_number=number))


@pytest.mark.parametrize(
    ("alternatives", "error"),
    [
        (BOB, InvalidText),
        (b"+12125550101", InvalidText),
        (None, InvalidText),
        (7, InvalidText),
        ({BOB, EVE}, InvalidText),
        ({BOB: EVE}, InvalidText),
        (iter([BOB]), InvalidText),
        ([f"+1212555010{index}" for index in range(6)], InvalidText),
        ([f"{BOB} ext. 7"], InvalidNumber),
        ([[BOB]], InvalidNumber),
    ],
    ids=[
        "a text",
        "bytes",
        "None",
        "a number",
        "a set",
        "a mapping",
        "an iterator",
        "six",
        "an extension",
        "a list",
    ],
)
def test_alternatives_are_a_list_of_at_most_five_numbers(
    host: VirtualHost, store: Store, alternatives: Any, error: type[Exception]
) -> None:
    """C6: anything else is refused, and nobody is made known by it."""
    is_refused(host, store, error, lambda: promised(host, DAN, alternatives=alternatives))
    five = [f"+1212555011{index}" for index in range(5)]
    assert subject_of(host, store, promised(host, DAN, alternatives=five)).alternatives == tuple(five)


@pytest.mark.parametrize("field", ["caller_id", "media"])
def test_wishes_to_the_telephony_are_short_texts(host: VirtualHost, store: Store, field: str) -> None:
    """F10/F16: None is no wish."""
    for bad in BAD_TEXTS:
        if bad is not None:
            is_refused(host, store, InvalidText, lambda bad=bad: promised(host, DAN, **{field: bad}), field)


# ---------------------------------------------------------------------------- the telephony's account

RINGING = LegSnapshot(state=LegState.RINGING)


@pytest.mark.parametrize(
    ("legs", "as_of", "error"),
    [
        ({}, datetime(2026, 1, 5, 9), InvalidTime),  # noqa: DTZ001
        ({}, "2026-01-05T09:00:00Z", InvalidTime),
        ({}, None, InvalidTime),
        ({"": RINGING}, START, InvalidText),
        ({"x" * 201: RINGING}, START, InvalidText),
        ({"leg\n": RINGING}, START, InvalidText),
        ({"\ud800": RINGING}, START, InvalidText),
        ({7: RINGING}, START, InvalidText),
        ({None: RINGING}, START, InvalidText),
        ({"leg_000001": None}, START, InvalidText),
        ({"leg_000001": "ringing"}, START, InvalidText),
        ({"leg_000001": SimpleNamespace(state="ringing")}, START, InvalidText),
        (["leg_000001"], START, InvalidText),
        (None, START, InvalidText),
    ],
)
@pytest.mark.parametrize("mode", [Mode.AGENT_FIRST, Mode.SIMULTANEOUS])
def test_accounts_that_are_none_are_refused(
    store: Store, mode: Mode, legs: Any, as_of: Any, error: type[Exception]
) -> None:
    """F14: before anything is learned of any attempt: a leg of which nothing sound is said is not gone."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS)
    promised(host)
    host.run_for(5 * SECOND)
    account = TelephonySnapshot(legs=legs, as_of=as_of)
    is_refused(host, store, error, lambda: host.service.reconcile(account))


@pytest.mark.parametrize("account", [None, {}, "legs", object()])
def test_what_is_no_account_is_refused(host: VirtualHost, store: Store, account: Any) -> None:
    """F14: of another type altogether."""
    is_refused(host, store, InvalidText, lambda: host.service.reconcile(account), "snapshot")


@pytest.mark.parametrize("known", [(), "at_000001", 7, {"at_000001"}])
def test_what_cannot_be_the_versions_that_were_known_is_refused(
    host: VirtualHost, store: Store, known: Any
) -> None:
    """F14: and not taken for none: then the clock alone would decide who is gone."""
    gone = TelephonySnapshot(legs={}, as_of=host.clock.now())
    is_refused(host, store, InvalidText, lambda: host.service.reconcile(gone, known=known), "known")


def test_account_from_a_clock_that_is_ahead_ends_no_leg_that_is_there(
    host: VirtualHost, store: Store
) -> None:
    """F14/N5: what is in it is there, whatever its clock says."""
    account = host.telephony.snapshot()
    ahead = TelephonySnapshot(legs=account.legs, as_of=account.as_of + timedelta(days=300))
    written = rows(host, store)
    assert host.service.reconcile(ahead).changed_count == 0
    assert rows(host, store) == written


def test_legs_of_an_account_are_never_more_than_hung_up(host: VirtualHost, store: Store) -> None:
    """F14: two thousand strangers are left alone, names like ours are hung up at most: no attempt is touched."""
    strangers = {f"leg_stranger_{index}": RINGING for index in range(2_000)}
    odd = {f"leg_00000{n}.{k}": RINGING for n in range(9) for k in ("2", "02", "-1", "x", "999999999")}
    legs: Any = {**host.telephony.snapshot().legs, **strangers, **odd}
    written = rows(host, store)
    found = host.service.reconcile(TelephonySnapshot(legs=legs, as_of=host.clock.now()))
    assert found.changed_count == 0
    assert {one.leg_id for one in found.effects} <= set(odd)  # type: ignore[union-attr]
    assert rows(host, store) == written


@pytest.mark.parametrize("leg_id", ["leg_000001.2", "leg_000001.999999999", "leg_000001.0", "leg_000001."])
def test_report_of_a_leg_that_no_agent_ever_had(host: VirtualHost, leg_id: Any) -> None:
    """N2: of a later agent's leg before there is one: it changes nothing; a name that is none is said."""
    report = Report(leg_id=leg_id, kind=ReportKind.ANSWERED)
    if leg_id.endswith((".0", ".")):
        with pytest.raises(AttemptNotFound):
            host.service.report(report)
        return
    before = attempt_of(host, host.service.store, RINGS)
    assert not host.service.report(report).changed
    assert attempt_of(host, host.service.store, RINGS) == before


@pytest.mark.parametrize("verb", [NOW, NUMBER, SETTLE, SAY, SCORE, REOPEN])
def test_verbs_at_the_wrong_moment_change_nothing(host: VirtualHost, store: Store, verb: str) -> None:
    """N7: `NotPossibleNow`, which names the command and where it is allowed."""
    moments = {NOW: (RINGS, OVER), NUMBER: (RINGS, OVER), SETTLE: (WAITS, OVER), SAY: (WAITS, RINGS, OVER)}
    for key in moments.get(verb, (WAITS, RINGS)):
        is_refused(host, store, NotPossibleNow, lambda key=key: CALLS[verb](host, key))
