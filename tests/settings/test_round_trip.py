"""What is written as a file is read as the same settings: policies of any kind, tenants, and everything at once."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    Access,
    CallingPolicy,
    CallingRule,
    Caps,
    Catalogue,
    Choice,
    Closure,
    Disposition,
    Duplicates,
    ExponentialRest,
    FixedSeats,
    KeypadPhrase,
    KeypadPolicy,
    Limit,
    Messages,
    Mode,
    NextBusinessDay,
    NoticeKind,
    NumberChoice,
    NumberPolicy,
    NumberType,
    Prompt,
    Purpose,
    QueuePolicy,
    RegionRule,
    RequestLimits,
    RetryRule,
    SlotPolicy,
    Span,
    StaffedSeats,
    SteppedRest,
    Verify,
    Voicemail,
    WeekHours,
)
from callbackq.model.figures import HostFigures
from callbackq.policy import Dates, built_in_rules
from callbackq.settings import RunnerSettings, Settings, TenantSettings, settings_of, to_toml
from callbackq.settings.writing import policy_data, toml_text

NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=5)


def spans_of(low: timedelta, high: timedelta) -> st.SearchStrategy[timedelta]:
    return st.timedeltas(low, high)


S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIMES = st.times()
SPANS = st.sampled_from(
    [(), (Span(time(9), time(12)), Span(time(13), time(17, 0, 0, 5))), (Span(time(22), time(0)),)]
)
LIMITS = st.builds(Limit, st.integers(1, 100), spans_of(S, H))
RULE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "retries_max": st.integers(0, 5),
    "rest": st.one_of(
        spans_of(2 * M, H),
        st.lists(spans_of(2 * M, H), min_size=1, max_size=2).map(lambda rests: SteppedRest(rests=rests)),
        st.builds(ExponentialRest, first=spans_of(2 * M, H), factor=st.floats(1, 100)),
        st.builds(NextBusinessDay, at=TIMES, zone=st.just("Europe/Berlin"), weekdays=st.just((0, 6))),
    ),
    "jitter_ratio": st.floats(0, 1),
    "number": st.sampled_from(NumberChoice),
    "voicemail": st.sampled_from(Voicemail),
    "notice": st.sampled_from([None, NoticeKind.MISSED]),
    "follow_up_within": st.none() | spans_of(M, H),
}
RULES = st.fixed_dictionaries({"rest": RULE_FIELDS.pop("rest")}, optional=RULE_FIELDS).map(
    lambda given: RetryRule(**given)
)
HOURS = st.builds(
    WeekHours,
    zone=st.sampled_from(["UTC", "America/New_York"]),
    week=st.dictionaries(st.integers(0, 6), SPANS, max_size=7).map(
        lambda week: {**week, 2: [Span(time(9), time(17))]}
    ),
    holidays=st.sets(st.dates(date(2000, 1, 1), date(2100, 1, 1)), max_size=2),
    special=st.dictionaries(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.just(()), max_size=2),
    closures=st.sampled_from(
        [(), (Closure(from_at=datetime(2026, 1, 1, tzinfo=UTC), until_at=datetime(2027, 1, 1, tzinfo=UTC)),)]
    ),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "mode": st.sampled_from(Mode),
    "duplicates": st.sampled_from(Duplicates),
    "ring_time": spans_of(15 * S, M),
    "offer_wait_min": st.none() | spans_of(0 * S, H),
    "offer_position_min": st.none() | st.integers(1, 1_000_000),
    "offer_load_min": st.none() | st.floats(0.001, 10_000),
    "offer_ratio": st.floats(0, 1),
    "other_channels": st.lists(NAMES, max_size=3),
    "company": st.none() | NAMES,
    "survey": st.booleans(),
    "keys": st.dictionaries(NAMES.map(str.lower), st.just(Choice.CALLBACK_NOW), max_size=3),
    "caps": st.builds(Caps, attempts_at_once_max=st.none() | st.integers(1, 9)),
    "limits": st.builds(RequestLimits, per_number=st.lists(LIMITS, max_size=2)),
    "retry_rules": st.dictionaries(
        st.sampled_from([Disposition.BUSY, Disposition.FAX, Disposition.REJECTED]),
        RULES,
    ),
    "hours": st.none() | HOURS,
    "slots": st.none()
    | st.builds(
        SlotPolicy,
        seats=st.sampled_from([None, FixedSeats(seats=5), StaffedSeats(agents=3, share_ratio=0.25)]),
        grid=st.none() | spans_of(M, H),
        kept_seats=st.integers(0, 5),
    ),
    "calling": st.sampled_from([None, CallingPolicy(), CallingPolicy(rules=()), CallingPolicy(asked_life=H)]),
    "verify": st.sampled_from([None, Verify(), Verify(channels=(), typed=True, codes_max=Limit(1, M))]),
    "messages": st.none()
    | st.builds(Messages, channels=st.lists(NAMES, min_size=1, max_size=2), slip_margin=st.none() | spans_of(S, H)),
    "keypad": st.builds(KeypadPolicy, confirm=st.booleans(), tries_max=st.integers(1, 10)),
    "numbers": st.builds(
        NumberPolicy,
        types_refused=st.sets(st.sampled_from(NumberType)),
        regions=st.dictionaries(
            st.sampled_from(["US", "001"]),
            st.builds(RegionRule, access=st.just(Access.TIERS), tiers=st.lists(NAMES, min_size=1, max_size=2)),
        ),
    ),
}  # fmt: skip
POLICIES = st.fixed_dictionaries({}, optional=FIELDS).map(
    lambda given: QueuePolicy(queue="support", callback_life=timedelta(days=9), **given)
)


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(POLICIES, st.booleans())
def test_any_policy_is_read_as_it_was_written(policy: QueuePolicy, whole: bool) -> None:
    """With what differs from the defaults, or with everything."""
    assert settings_of(to_toml(policy, whole=whole)) == Settings(policies=(policy,))


@settings(max_examples=15, derandomize=True, database=None, deadline=None)
@given(POLICIES, POLICIES)
def test_a_tenant_is_written_as_what_differs(base: QueuePolicy, own: QueuePolicy) -> None:
    """However the two differ, the tenant's policy is the one that was written."""
    mine = Settings(policies=(base,), tenants={"acme": TenantSettings(policies=(own,))})
    assert settings_of(to_toml(mine)) == mine


def everything() -> QueuePolicy:
    """Return a policy with something in each of its parts."""
    rule = CallingRule(
        key="au",
        region="AU",
        week={Purpose.SERVICE: {day: [Span(time(9), time(20))] for day in range(7)}},
        closed_on={Purpose.SERVICE: ["12-25"]},
        limits={Purpose.SERVICE: [Limit(3, H)]},
        source='our "lawyer"',
        as_of=date(2026, 3, 1),
    )
    texts = Catalogue(
        language="en-AU",
        texts={"agent_changed": "Still at {time}.\nSee you, mate."},
        titles={"reminder": "Soon"},
        words={"cancel": ["no worries"]},  # type: ignore[dict-item]
        dates=Dates(
            weekdays=list("abcdefg"),
            months=list("abcdefghijkl"),
            date="{day} {month}",
            date_with_year="{day} {month} {year}",
        ),
    )
    return QueuePolicy(
        queue="support",
        calling=CallingPolicy(rules=(*built_in_rules(), rule)),
        messages=Messages(languages={"en-AU": texts}, quiet_from=None, quiet_until=None),
        prompts={"en": {Prompt.VOICEMAIL: 'This is "{company}".'}},
        keypad=KeypadPolicy(words={"en": {KeypadPhrase.PLACE_KEPT: "Your place is kept."}}),
        retry_rules={},
        keys={},
        hours=WeekHours(
            zone="UTC",
            week={0: [Span(time(0), time(0))]},
            holidays=[date(2026, month, 1) for month in range(1, 13)],
        ),
    )


@pytest.mark.parametrize("whole", [False, True])
def test_every_part_of_a_policy_can_be_written(whole: bool) -> None:
    """Rules, texts, prompts and words of one's own; what is taken out of the defaults stays out."""
    policy = everything()
    text = to_toml(policy, whole=whole)
    assert settings_of(text).policies == (policy,)
    assert (
        "holidays = [\n    2026-01-01,\n    2026-02-01,\n" in text
    )  # What is long stands on lines of its own.


def test_settings_are_written_whole() -> None:
    """All that a file can say, for everybody and for tenants."""
    base = QueuePolicy(queue="support", company="All", hours=None)
    mine = Settings(
        policies=(base, QueuePolicy(queue="sales")),
        caps=Caps(attempts_at_once_max=3),
        limits=(Limit(5, M),),
        figures=HostFigures(currency="€", cost_of_abandon=7.5),
        runner=RunnerSettings(lease=None, threads_max=3),
        tenants={
            "acme": TenantSettings(policies=(attrs.evolve(base, company=None),), caps=Caps(number_period=H)),
            "bolt": TenantSettings(
                policies=(base, QueuePolicy(queue="vip", served_first=1)), limits=(), figures=HostFigures()
            ),
        },
    )
    text = to_toml(mine)
    assert settings_of(text) == mine
    data = tomllib.loads(text)
    assert data["tenant"]["acme"]["queue"] == {"support": {"company": False}}
    assert data["runner"] == {"lease": False, "threads_max": 3}
    assert settings_of(to_toml(mine, whole=True)) == mine


def test_what_is_as_by_default_is_not_written() -> None:
    assert policy_data(QueuePolicy(queue="support")) == {}
    assert to_toml(QueuePolicy(queue="a b".replace(" ", "-"))) == "[queue.a-b]\n"


def test_every_character_is_written_so_that_toml_reads_it() -> None:
    """In keys and in values; what a terminal would act on is not written as it is."""
    text = "".join(map(chr, range(0x20))) + '"\\\x7f\x85\u2028\U0001f600 x'
    written = toml_text({text: {text: [text]}})
    assert tomllib.loads(written) == {text: {text: [text]}}
    assert written.replace("\n", "").isprintable()
