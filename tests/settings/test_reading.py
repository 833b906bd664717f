"""Settings from files are those from Python; every mistake is named with file, line, key, value and what is allowed."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    Caps,
    Closure,
    Disposition,
    ExponentialRest,
    FixedSeats,
    KeypadPolicy,
    Limit,
    MemoryStore,
    Messages,
    Mode,
    NextBusinessDay,
    QueuePolicy,
    RetryRule,
    SettingsInvalid,
    SettingWrong,
    SlotPolicy,
    Span,
    SteppedRest,
    Verify,
    WeekHours,
)
from callbackq.policy import RETRY_S2, built_in_rules
from callbackq.policy.forms import Forms
from callbackq.settings import read_settings, settings_of
from callbackq.settings.files import SIZE_MAX

M = timedelta(minutes=1)


def policy(text: str) -> QueuePolicy:
    """Return the policy of a queue that says this."""
    return settings_of(f"[queue.a]\n{text}").policies[0]


def mistakes(text: str) -> list[str]:
    """Return what is wrong with a text, one line for each."""
    with pytest.raises(SettingsInvalid) as caught:
        settings_of(text, file="a.toml")
    assert str(caught.value).splitlines()[1:] == list(map(str, caught.value.problems))
    return list(map(str, caught.value.problems))


def of(**given: Any) -> QueuePolicy:
    return QueuePolicy(queue="a", **given)


# ---------------------------------------------------------------------------- equal to Python


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ('ring_time = "30 s"', {"ring_time": timedelta(seconds=30)}),
        ('ring_time = "PT30S"', {"ring_time": timedelta(seconds=30)}),
        ('mode = "customer_first"', {"mode": Mode.CUSTOMER_FIRST}),
        ("offer_ratio = 1", {"offer_ratio": 1}),
        ("offer_wait_min = false", {"offer_wait_min": None}),
        ("offer_position_min = 3", {"offer_position_min": 3}),
        ("calling = false", {"calling": None}),
        ("messages = true", {"messages": Messages()}),
        ("verify.typed = true", {"verify": Verify(typed=True)}),
        ("keypad.confirm = false", {"keypad": KeypadPolicy(confirm=False)}),
        ("slots.seats.seats = 2", {"slots": SlotPolicy(seats=FixedSeats(seats=2))}),
        (
            "slots.seats = { kind = 'fixed_seats', seats = 2 }",
            {"slots": SlotPolicy(seats=FixedSeats(seats=2))},
        ),
        ("slots = { seats = false }", {"slots": SlotPolicy(seats=None)}),
        ("messages.quiet_from = 22:00:00", {"messages": Messages(quiet_from=time(22))}),
        ("messages.quiet_from = '22:00'", {"messages": Messages(quiet_from=time(22))}),
        (
            "messages.quiet_from = false\nmessages.quiet_until = false",
            {"messages": Messages(quiet_from=None, quiet_until=None)},
        ),
        (
            "limits.per_number = [{ most = 6, period = '24 h' }]",
            {"limits": {"per_number": (Limit(6, timedelta(days=1)),)}},
        ),
        ("other_channels = ['email', 'chat']", {"other_channels": ("email", "chat")}),
        ("numbers.types_refused = ['pager']", {"numbers": {"types_refused": ["pager"]}}),
        ("calling.rules = []", {"calling": {"rules": ()}}),
        ("calling.rules = ['built_in']", {"calling": {"rules": built_in_rules()}}),
    ],
)
def test_a_file_says_what_python_says(text: str, expected: dict[str, Any]) -> None:
    """Values, None, records and their shorthands."""
    from callbackq import CallingPolicy, NumberPolicy, RequestLimits

    kinds: dict[str, Any] = {"limits": RequestLimits, "numbers": NumberPolicy, "calling": CallingPolicy}
    given = {
        key: kinds[key](**value) if isinstance(value, dict) else value for key, value in expected.items()
    }
    assert policy(text) == of(**given)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ('"2 min"', 2 * M),
        ('{ rests = ["2 min", "30 min"] }', SteppedRest(rests=(2 * M, 30 * M))),
        ('{ first = "1 min", factor = 3 }', ExponentialRest(first=M, factor=3)),
        ('{ at = "10:30", weekdays = ["monday"] }', NextBusinessDay(at=time(10, 30), weekdays=(0,))),
        ('{ kind = "next_business_day" }', NextBusinessDay()),
    ],
)
def test_a_rest_is_one_of_four(rest: str, expected: Any) -> None:
    """The kind is told by the keys, or said."""
    found = policy(f"callback_life = '5 days'\nretry_rules.busy.rest = {rest}").retry_rules
    assert found[Disposition.BUSY] == RetryRule(retries_max=1, rest=expected)


def test_rules_that_are_not_named_stay_as_they_are() -> None:
    """A rule is changed in part, left out, or new."""
    found = policy(
        "retry_rules.busy.retries_max = 3\nretry_rules.machine = false\nretry_rules.fax.retries_max = 1"
    ).retry_rules
    assert found == {
        **{key: rule for key, rule in RETRY_S2.items() if key != "machine"},
        Disposition.BUSY: RetryRule(retries_max=3, rest=3 * M),
        Disposition.FAX: RetryRule(retries_max=1),
    }


def test_hours_are_written_as_on_a_door() -> None:
    """The name of a day wins over a group; dates and instants are those of TOML."""
    found = policy("""
        [queue.a.hours]
        zone = "America/New_York"
        week = { friday = ["09:00-12:00"], weekdays = ["09:00-12:00", "13:00-17:30"], sunday = [] }
        holidays = [2026-12-25, "2027-01-01"]
        special = { 2026-12-24 = ["22:00-24:00"] }
        closures = [{ from_at = 2026-07-01T12:00:00-04:00, until_at = 2026-07-01T18:00:00Z, reason = "alarm" }]
    """).hours
    morning, afternoon = Span(time(9), time(12)), Span(time(13), time(17, 30))
    assert found == WeekHours(
        zone="America/New_York",
        week={**dict.fromkeys(range(4), (morning, afternoon)), 4: (morning,), 6: ()},
        holidays=[date(2026, 12, 25), date(2027, 1, 1)],
        special={date(2026, 12, 24): [Span(time(22), time(0))]},
        closures=[
            Closure(
                from_at=datetime(2026, 7, 1, 16, tzinfo=UTC),
                until_at=datetime(2026, 7, 1, 18, tzinfo=UTC),
                reason="alarm",
            )
        ],
    )


def test_texts_and_rules_may_stand_in_files_of_their_own(tmp_path: Path) -> None:
    """Their names count from the folder of the file that names them."""
    texts = 'language = "en"\n[texts]\nagent_changed = "Still at {time}."\n'
    rules = '[au]\nregion = "AU"\nsource = "our lawyer"\nas_of = 2026-03-01\n[au.service]\nweekdays = ["09:00-20:00"]\n'
    (tmp_path / "texts.toml").write_text(texts, encoding="utf-8")
    (tmp_path / "au.toml").write_text(rules, encoding="utf-8")
    path = tmp_path / "settings.toml"
    path.write_text(
        "[queue.a]\nmessages.languages.en = 'texts.toml'\ncalling.rules = ['built_in', 'au.toml']",
        encoding="utf-8",
    )
    found = read_settings(path).policies[0]
    inline = policy("messages.languages.en.texts.agent_changed = 'Still at {time}.'")
    assert found.messages == inline.messages
    assert found.calling is not None
    assert [rule.key for rule in found.calling.rules] == [*(rule.key for rule in built_in_rules()), "au"]
    path.write_text(
        "[queue.a]\nmessages.languages.en = 'no.toml'\ncalling.rules = ['texts.toml']", encoding="utf-8"
    )
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(path)
    assert [wrong.line for wrong in caught.value.problems] == [2, 3]
    assert "No such file" in str(caught.value)


# ---------------------------------------------------------------------------- layers


def test_the_more_special_wins() -> None:
    """A preset, then the defaults, then the queue; one preset, that of the queue before that of the defaults."""
    first, second = settings_of("""
        [defaults]
        preset = "s2"
        company = "Acme"
        hours = { zone = "Europe/Berlin", week = { weekdays = ["09:00-17:00"] } }
        [queue.first]
        attempts_max = 3
        hours.week = { monday = ["10:00-11:00"] }
        slots = false
        [queue.second]
        preset = "portsip"
    """).policies
    assert (first.company, first.mode, first.attempts_max, first.slots) == ("Acme", "simultaneous", 3, None)
    assert first.hours == WeekHours(zone="Europe/Berlin", week={0: [Span(time(10), time(11))]})
    assert (second.company, second.mode, second.keypad.confirm) == ("Acme", "agent_first", False)
    assert (second.messages, second.offer_wait_min) == (None, None)


def test_tenants_have_what_all_have_and_their_own() -> None:
    """What a tenant says comes after what the file says of all; it may list the queues that it has."""
    found = settings_of("""
        limits = [{ most = 100, period = "1 min" }]
        [defaults]
        company = "All"
        [caps]
        attempts_at_once_max = 30
        [queue.support]
        company = "Support"
        [queue.sales]
        [tenant.acme.defaults]
        company = "Acme"
        [tenant.acme.caps]
        attempts_per_minute_max = 5
        [tenant.bolt]
        queues = ["sales", "vip"]
        [tenant.bolt.queue.vip]
        served_first = 1
        [tenant.cure]
    """)
    companies = {
        name: {str(policy.queue): policy.company for policy in found.of(name).policies}
        for name in ("default", "acme", "bolt", "cure")
    }
    usual = {"support": "Support", "sales": "All"}
    assert companies == {
        "default": usual,
        "acme": {"support": "Acme", "sales": "Acme"},
        "bolt": {"sales": "All", "vip": "All"},
        "cure": usual,
    }
    assert found.of("acme").caps == Caps(attempts_at_once_max=30, attempts_per_minute_max=5)
    assert found.of("bolt").caps == found.caps == Caps(attempts_at_once_max=30)
    assert found.of("cure").limits == (Limit(100, M),)
    store = MemoryStore()
    assert found.service(store, tenant_id="acme").caps == found.of("acme").caps
    with pytest.raises(ValueError, match="tenant_id is 'dash'; allowed: any of: acme, bolt, cure"):
        found.service(store, tenant_id="dash")
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_service_takes_orders_by_a_file() -> None:
    """What only the host has is given besides, and wins."""
    found = settings_of("[caps]\nattempts_at_once_max = 2\n[queue.support]\nabandoned_wait_min = false")
    service = found.service(MemoryStore())
    service.call_joined("support", call_id="call-1", number="+1 212 555 0101")
    assert service.request("support", call_id="call-1").position.number == 1
    assert service.caps == Caps(attempts_at_once_max=2)
    assert found.service(MemoryStore(), caps=Caps()).caps == Caps()


# ---------------------------------------------------------------------------- mistakes

MISTAKES = [
    ("ring_tme = '45 s'", 2, "ring_tme is no setting", "did you mean 'ring_time'?"),
    ("Ring-Time = '45 s'", 2, "Ring-Time is no setting", "did you mean 'ring_time'?"),
    ("ring_time = '5 s'", 2, "ring_time is '5 s'; allowed: 15 s to 5 min", ""),
    ("ring_time = 45", 2, "ring_time is 45; allowed: a duration with its unit", ""),
    ("ring_time = 'soon'", 2, "ring_time is 'soon'; allowed: a duration with its unit", ""),
    ("\nmode = 'simultanous'", 3, "mode is 'simultanous'; allowed: any of: agent_first,", "'simultaneous'?"),
    ("mode = true", 2, "mode is True; allowed: any of", ""),
    ("survey = 1", 2, "survey is 1; allowed: true or false", ""),
    ("attempts_max = 1.0", 2, "attempts_max is 1.0; allowed: a whole number", ""),
    ("attempts_max = true", 2, "attempts_max is True; allowed: a whole number", ""),
    ("attempts_max = 101", 2, "attempts_max is 101; allowed: a whole number, 1 to 100", ""),
    (
        "attempts_max = 9999999999999999999",
        2,
        "attempts_max is a very long number; allowed: a whole number of",
        "",
    ),
    ("attempts_max = 0x" + "f" * 90_000, 2, "attempts_max is a very long number; allowed: a whole", ""),
    ("attempts_max = " + "9" * 5_000, 2, "a number that is too long; allowed: TOML", ""),
    ("offer_ratio = nan", 2, "offer_ratio is nan; allowed: a number that is not infinite", ""),
    ("offer_ratio = -inf", 2, "offer_ratio is -inf; allowed: a number that is not infinite", ""),
    (
        "offer_wait_min = 'none'",
        2,
        "offer_wait_min is 'none'; allowed: a duration",
        "'PT45S'; or false: none",
    ),
    ("company = 2026-01-01", 2, "company is 2026-01-01; allowed: a text", ""),
    ("keys.3 = 'call'", 2, "keys.3 is 'call'; allowed: any of", ""),
    ("keys = ['3']", 2, "keys is a list; allowed: a table", ""),
    ("caps = 3", 2, "caps is 3; allowed: a table: attempts_at_once_max, attempts_per_minute_max,", ""),
    (
        "hours.zone = 'Europe/Berln'",
        2,
        "hours.zone is 'Europe/Berln'; allowed: an IANA key",
        "'Europe/Berlin'?",
    ),
    ("hours.zone = 'new york'", 2, "hours.zone is 'new york'", "did you mean 'America/New_York'?"),
    ("hours.zone = 'UTC'", 2, "hours.week is missing; allowed: a value: up to 20 spans by day", ""),
    ("hours.week = { mon = [] }", 2, "hours.week.mon is no day; allowed: any of: every_day", "'monday'?"),
    ("hours.week.monday = ['9-5']", 2, "hours.week.monday[0] is '9-5'; allowed: a span of time", ""),
    ("hours.week = 3", 2, "hours.week is 3; allowed: a table of every_day, weekdays, monday", ""),
    (
        "hours = { zone = 'UTC', week.monday = ['09:00-12:00', '11:00-13:00'] }",
        2,
        "hours.week is '11:00:00-13:00:00'; allowed: no span that overlaps 09:00:00-12:00:00",
        "",
    ),
    (
        "hours.week.monday = ['09:00-12:00']\nhours.zone = 'UTC'\nhours.closures = [{ from_at = 2026-01-01 }]",
        4,
        "hours.closures[0].from_at is 2026-01-01; allowed: a date and time with its distance to UTC",
        "",
    ),
    (
        "hours.zone = 'UTC'\nhours.special.2026-02-30 = []",
        3,
        "hours.special.2026-02-30 is no key; allowed: a date",
        "",
    ),
    ("hours.special.may = []", 2, "hours.special.may is no key; allowed: a date without a time", ""),
    (
        "retry_rules.busy.rest = { weekdays = ['mon'] }",
        2,
        "retry_rules.busy.rest.weekdays[0] is 'mon'",
        "'monday'?",
    ),
    (
        "retry_rules.busy.rest = { weekdays = [1] }",
        2,
        "retry_rules.busy.rest.weekdays[0] is 1; allowed: any of",
        "",
    ),
    ("slots = true", 2, "slots is True; allowed: a table of SlotPolicy", ""),
    (
        "slots.length = '30 min'",
        2,
        "slots.seats is missing; allowed: a value: how many callbacks one slot",
        "",
    ),
    (
        "slots.seats = { seets = 2 }",
        2,
        "slots.seats is a table of seets; allowed: a table of seats; or a",
        "",
    ),
    (
        "slots.seats = { kind = 'none' }",
        2,
        "slots.seats.kind is 'none'; allowed: kind = 'fixed_seats' or",
        "",
    ),
    ("slots.seats = 2", 2, "slots.seats is 2; allowed: a table of seats; or a table of agents, share", ""),
    (
        "slots.seats.seats = 2\nslots.kept_seats = 3",
        3,
        "slots.kept_seats is 3; allowed: with retry_seats, at most the 2 seats",
        "",
    ),
    ("retry_rules.bussy.retries_max = 1", 2, "retry_rules.bussy is no key; allowed: any of", "mean 'busy'?"),
    (
        "retry_rules.busy.rest = { first = '0 s' }",
        2,
        "retry_rules.busy.rest.first is '0 s'; allowed: 1 s to",
        "",
    ),
    (
        "retry_rules.unknown.rest = '10 s'",
        2,
        "retry_rules.unknown.rest is '10 s'; allowed: more than ring_time + customer_hold_max",
        "",
    ),
    (
        "preferred_agent_time = '10 h'\ncallback_life = '1 h'",
        2,
        "preferred_agent_time is '10 h'; allowed: less",
        "",
    ),
    (
        "callback_life = '1 min'",
        1,
        "preferred_agent_time is 2 min; allowed: less than callback_life, 1 min",
        "",
    ),
    ("messages.kinds = ['missed', 'mised']", 2, "messages.kinds[1] is 'mised'; allowed: any of", "'missed'?"),
    ("messages.kinds = 'missed'", 2, "messages.kinds is 'missed'; allowed: a list", ""),
    ("messages.quiet_from = '25:00'", 2, "messages.quiet_from is '25:00'; allowed: a time on the clock", ""),
    (
        "messages.languages.en.texts.agent_changed = 'It stands.'",
        2,
        "messages.languages.en.texts.agent_changed is 'It stands.'; allowed: with {time}",
        "",
    ),
    ("calling.rules = 'built_in'", 2, "calling.rules is 'built_in'; allowed: a list of tables", ""),
    ("calling.rules = [{ key = 'x' }]", 2, "calling.rules[0].week is missing", ""),
    ("numbers.regions.USA.cost = 1", 2, "numbers.regions is 'USA'; allowed: two capital letters", ""),
    ("preset = 'talkdsk'", 2, "preset is 'talkdsk'; allowed: any of: contaqt", "did you mean 'talkdesk'?"),
    ("preset = 2", 2, "preset is 2; allowed: any of: contaqt", ""),
]


@pytest.mark.parametrize(("text", "line", "said", "more"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_named_with_its_line(text: str, line: int, said: str, more: str) -> None:
    """And with its key, value, what is allowed, and what was probably meant."""
    found = mistakes(f"[queue.a]\n{text}")
    prefix = "" if said.startswith("a number") else "queue.a."
    assert any(one.startswith(f"a.toml:{line}: {prefix}{said}") and one.endswith(more) for one in found), (
        found
    )


WRONG_LINES = (
    "ring_time = 1",
    "wrap_up = '2 h'",
    "mode = 'both'",
    "declines_max = 0",
    "offer_ratio = 2",
    "keys.7 = 'no'",
    "caps.attempts_at_once_max = 0",
    "retry_rules.busy.jitter_ratio = -1",
    "messages.tries_max = 11",
    "unknown = 1",
    "company = ''",
)
RIGHT_LINES = ("# well", "survey = true", "numbers.cost_day_max = 5", "retry_rules.fax = false", "")


@settings(max_examples=30, derandomize=True, database=None, deadline=None)
@given(st.lists(st.sampled_from((*WRONG_LINES, *RIGHT_LINES)), unique=True))
def test_whatever_is_wrong_is_all_that_is_named(lines: list[str]) -> None:
    """Each mistake once, on its line; and nothing is wrong with the rest."""
    text = "\n".join(["[queue.a]", *lines])
    wrong = [number for number, line in enumerate(lines, 2) if line in WRONG_LINES]
    problems: tuple[SettingWrong, ...] = ()
    try:
        settings_of(text)
    except SettingsInvalid as error:
        problems = error.problems
    assert [problem.line for problem in problems] == wrong


def test_what_may_follow_from_a_mistake_is_none() -> None:
    """How long before a slot one may book cannot be judged while nobody knows the horizon."""
    text = "[queue.a]\nslots = { seats = false, horizon = '400 days', lead_min = '5 h' }"
    assert mistakes(text) == ["a.toml:2: queue.a.slots.horizon is '400 days'; allowed: 15 min to 366 days"]


def test_a_long_key_is_cut_and_not_guessed_at() -> None:
    (wrong,) = mistakes(f"[queue.a]\n{'ring_time' * 20} = 1")
    assert len(wrong) < 150
    assert "did you mean" not in wrong


def test_texts_of_a_language_are_put_together_over_layers() -> None:
    found = settings_of("""
        [defaults]
        messages.languages.en.texts.agent_changed = "Still at {time}."
        [queue.a]
        messages.languages.en.texts.survey = "How was it?"
    """).policies[0]
    assert found.messages is not None
    assert set(found.messages.languages["en"].texts) == {"agent_changed", "survey"}


def test_a_type_that_no_file_can_hold_is_an_error_of_ours() -> None:
    with pytest.raises(TypeError, match="no form for"):
        Forms().of(complex)


def test_all_mistakes_of_a_file_are_listed_at_once() -> None:
    """In the order of the lines; one in the defaults once, though all queues have it."""
    found = mistakes("""\
[queue.a]
ring_time = "5 s"
attempts_max = 0
mode = "none"
jitter = 1
keypad = { tries_max = 0, right_key = "12" }
[defaults]
wrap_up = "2 h"
[queue.b]
declines_max = 0
[caps]
attempts_at_once_max = 0
[runner]
threads_max = 0
[defualts]
[tenant.x]
queues = ["c"]
tenant = 1
[tenant.y.queue.b]
ring_time = 1
""")
    assert [int(one.split(":")[1]) for one in found] == [2, 3, 4, 5, 6, 6, 8, 10, 12, 14, 15, 17, 18, 20]
    assert found[10].endswith("did you mean 'defaults'?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.toml: queue is missing; allowed: a table for each queue: [queue.NAME]"),
        ("queue = 1", "a.toml:1: queue is 1; allowed: a table, such as [queue.NAME]"),
        ("queue.a = 1", "a.toml:1: queue.a is 1; allowed: a table, such as [queue.NAME]"),
        ("[queue.'']", "a.toml:1: queue.\"\" is ''; allowed: 1 to 64 letters, digits, '_', '.', '-'"),
        (
            '[queue.a]\n[queue."\\u001b[31m\\\\\\""]',
            'a.toml:2: queue."\\U0000001b[31m\\\\\\"" is ',
        ),
        (
            "[tenant.''.queue.a]",
            "a.toml:1: tenant.\"\" is ''; allowed: the id of a tenant: 1 to 200 characters",
        ),
        (
            '[tenant."\\u001b".queue.a]',
            "a.toml:1: tenant.\"\\U0000001b\" is '\\x1b'; allowed: the id of a tenant",
        ),
        ("defaults = 1\n[queue.a]", "a.toml:1: defaults is 1; allowed: a table"),
        ("tenant.x = 1\n[queue.a]", "a.toml:1: tenant.x is 1; allowed: a table, such as [tenant.NAME]"),
        ("limits = 1\n[queue.a]", "a.toml:1: limits is 1; allowed: a list, such as [...]"),
        (
            "[queue.a]\n[tenant.x]\nqueues = []",
            "a.toml:3: tenant.x.queues is a list; allowed: a list of the names",
        ),
        (
            "[queue.a]\n[figures]\npreset = 'talkdesk'",
            "a.toml:3: figures.preset is 'talkdesk'; allowed: any of: s2",
        ),
    ],
)
def test_a_file_needs_its_tables(text: str, said: str) -> None:
    assert any(one.startswith(said) for one in mistakes(text)), mistakes(text)


@pytest.mark.parametrize(
    "text",
    [
        "caller_id = 12125550123",
        "caller_id = ['+1 212 555 0123']",
        "mode = '+1 212 555 0123'",
        "numbers.blocked = ['212-555-0123']",
        "numbers.regions.'+12125550123'.cost = 1",
        "'+1 212 555 0123' = 1",
        "caller_id = { a = '+12125550123' }",
        "caller_id = { a.'212_555_0123' = 1, b = '212·555·0123' }",
        "mode = '212_555_0123'",
        "[queue.a.keys.'+12125550123']\n[queue.a.keys.'+12125550123']",
        "caller_id = '" + "+1 212 555 0123 " * 9 + "'",
        "hours.closures = [{ reason = '+12125550123' }]",
    ],
)
def test_numbers_are_masked_in_mistakes(text: str) -> None:
    """Wherever they stand: as values, as keys, within lists."""
    said = "\n".join(mistakes(f"[queue.a]\n{text}"))
    assert "5550123" not in re.sub(r"[ -]", "", said)


# ---------------------------------------------------------------------------- what is no file of settings


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b'[queue.a]\ncompany = "\xff"', 2, "the byte 0xff; allowed: text in UTF-8"),
        ("[queue.a]".encode("utf-16"), 1, "the byte 0xff; allowed: text in UTF-8"),
        (b"\x00", 1, "TOML"),
        (b"[queue.a]\nring_time = '5 s'\nring_time = '9 s'", 3, "Cannot overwrite a value; allowed: TOML"),
        (b"[queue.a]\n[queue.a]", 2, "Cannot declare ('queue', 'a') twice; allowed: TOML"),
        (b"[queue.a]\nring_time = 45 s", 2, "TOML"),
        (b"[queue.a]\ncompany = 'x", 2, "TOML"),
        (b"[queue.a]\n\n[queue.b", 3, "TOML"),
        (b"[queue.a]\nhours.holidays = [2026-02-30]", 2, "TOML"),
        (b"\n\na = " + b"[" * 100_000, 3, "a key or a list that is too deep; allowed: 32 within one another"),
        (b"[queue.a]\n" + b"a." * 100_000 + b"a = 1", 2, "a key or a list that is too deep"),
        (b"#" * (SIZE_MAX + 1), None, "a file that is too large; allowed: 256 kB"),
        (b"a = 1\n" * 2_000_000, None, "a file that is too large; allowed: 256 kB"),
    ],
    ids=range(13),
)
def test_what_is_no_file_of_settings_is_said_so(
    tmp_path: Path, data: bytes, line: int | None, said: str
) -> None:
    """Whatever it is: one sentence, the line, and no other error."""
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(path)
    (wrong,) = caught.value.problems
    assert wrong.line == line
    assert said in str(wrong)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_editors_may_put_a_mark_and_their_own_ends_of_lines(tmp_path: Path, mark: bytes, end: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(mark + b"# caf\xc3\xa9\n[queue.a]\ncompany = 'Caf\xc3\xa9'\n".replace(b"\n", end))
    assert read_settings(path).policies == (of(company="Café"),)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_settings(tmp_path / "no.toml")
