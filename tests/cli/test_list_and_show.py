"""`callbackq list`, `show`, `explain` and `cancel`: what a supervisor sees of single callbacks, and may do to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import typer

from callbackq import Messages, Outcome, QueueName, QueuePolicy, SQLiteStore
from callbackq.cli import kept
from callbackq.cli.moments import read_moment
from callbackq.cli.telling import HIDDEN
from callbackq.testing import NEVER_ANSWERS, VirtualHost
from cli.asking import invoke
from stores.postgres_server import conninfo, fresh_store

if TYPE_CHECKING:
    from click.testing import Result

BOB, EVE, KIM = "+12125550101", "+12125550102", "+12125550103"


def figures(result: Result, code: int = 0) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(result: Result) -> str:
    """Return the one sentence of a refusal."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "\n" not in result.stderr.rstrip("\n")
    return result.stderr


@pytest.fixture(params=["sqlite", "postgres"])
def at_work(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[VirtualHost, list[str]]]:
    """A host in whose store one callback is done, one rests after nobody answered, and one waits."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            store: Any = stack.enter_context(closing(SQLiteStore(tmp_path / "callbacks.db")))
            named = [str(tmp_path / "callbacks.db")]
        else:
            store = stack.enter_context(fresh_store())
            named = [conninfo(), "--schema", store._schema]
        host = VirtualHost(
            store, [QueuePolicy(queue=QueueName(name), calling=None) for name in ("sales", "support")]
        )
        host.telephony.person(BOB)
        host.telephony.person(EVE, NEVER_ANSWERS)
        host.service.agent_available("ann", queues=["support"])
        for number, minutes in ((BOB, 3), (EVE, 1)):
            host.service.request("support", number=number, name="Kowalski", context={"reason": "refund"})
            host.run_for(timedelta(minutes=minutes))
        host.service.agent_unavailable("ann")
        host.service.request("sales", number=KIM, customer_id="crm-7")
        monkeypatch.setattr(kept, "SystemClock", lambda: host.clock)
        yield host, named


in_a_file = pytest.mark.parametrize("at_work", ["sqlite"], indirect=True)
"""Where it makes no difference in which store the rows are."""


# ---------------------------------------------------------------------------- list


def test_list_shows_states_places_and_what_is_next(at_work: tuple[VirtualHost, list[str]]) -> None:
    """The latest first; numbers are masked, in words and as figures."""
    host, named = at_work
    result = invoke("list", *named)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["cb_000003", "cb_000002", "cb_000001"]
    due_at = host.service.get("cb_000002").due_at
    assert due_at is not None
    assert "waiting" in lines[1]
    assert f"{due_at:%m-%d %H:%M} rest over" in lines[2]
    assert "ended: completed" in lines[3]
    assert lines[-1] == "Times are of UTC."
    assert "+1…02" in lines[2]
    found = figures(invoke("list", *named, "--json"))
    assert found["next"] is None
    assert [one["position"] for one in found["callbacks"]] == [1, 1, None]
    assert [one["attempts"] for one in found["callbacks"]] == [0, 1, 1]
    assert [one["due_reason"] for one in found["callbacks"]] == ["waited_long", "rest_over", None]
    assert "5550" not in result.stdout + json.dumps(found)
    assert "Kowalski" not in result.stdout + json.dumps(found)


@in_a_file
def test_list_takes_what_is_asked_for_and_turns_pages(at_work: tuple[VirtualHost, list[str]]) -> None:
    """By queue, state, time and person; the last callback of a page says where the next one begins."""
    host, named = at_work

    def ids(*asked: str, told: str | None = None) -> str:
        found = figures(invoke("list", *named, *asked, "--json", told=told))
        return "".join(one["callback_id"][-1] for one in found["callbacks"])

    asked_at = host.service.get("cb_000002").requested_at
    assert ids("--queue", "support") == "21"
    assert ids("--queue", "support", "--queue", "sales", "--state", "open") == "32"
    assert ids("--state", "ended", "--state", "resting") == "21"
    assert ids("--since", asked_at.isoformat()) == "32"
    assert ids("--since", "1m") == "32"
    assert ids("--until", asked_at.isoformat()) == "1"
    assert ids("--since", "2026-01-05T17:00", "--zone", "Asia/Tokyo") == "321"
    assert ids("--since", "2026-01-05T17:01", "--zone", "Asia/Tokyo") == "32"
    assert ids("--number", "+1 212 555 0102") == "2"
    assert ids("--number", "-", told=f"{BOB}\n") == "1"
    assert ids("--customer", "crm-7") == "3"
    assert ids("--tenant", "acme") == ""
    page = figures(invoke("list", *named, "--limit", 2, "--json"))
    assert page["next"] == "cb_000002"
    assert ids("--limit", "2", "--after", page["next"]) == "1"
    assert "--after cb_000002" in invoke("list", *named, "--limit", 2).stdout
    assert invoke("list", *named, "--customer", "nobody").stdout == "No callback fits.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--state", "asleep"], "There is no state"),
        (["--since", "yesterday"], "--since cannot be read"),
        (["--until", "9999-99-99"], "--until cannot be read"),
        (["--zone", "Mars/Base"], "--zone cannot be read"),
        (["--after", "cb_never"], "has no callback"),
        (["--number", "212 555 0101"], "begins with +"),
        (["--settings", "never.toml"], "cannot be read"),
    ],
)
def test_list_refuses_what_it_cannot_read(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Code 2, one sentence, and no number in it."""
    with closing(SQLiteStore(tmp_path / "callbacks.db")):
        result = invoke("list", tmp_path / "callbacks.db", *arguments)
    sentence = refused(result)
    assert said in sentence or "no callback" in sentence
    assert "555" not in sentence


@in_a_file
def test_list_fits_into_a_terminal_of_eighty_columns(
    at_work: tuple[VirtualHost, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is longer, and with NO_COLOR none has a colour."""
    _, named = at_work
    for name, value in {
        "FORCE_COLOR": "1",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "TERM": "xterm-256color",
    }.items():
        monkeypatch.setenv(name, value)
    shown = invoke("list", *named).stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "cb_000003" in plain
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "01-05 08:04" in plain
    assert "tries" in plain
    assert "\x1b[3" not in shown


# ---------------------------------------------------------------------------- show


def test_show_tells_the_whole_story(at_work: tuple[VirtualHost, list[str]]) -> None:
    """Attempts, and each event in one line with what is new in it; names nobody."""
    _, named = at_work
    result = invoke("show", *named, "cb_000002")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert text.startswith("cb_000002, resting\nIt is not dialed: it rests after no_answer")
    assert "no answer with agent ann" in text
    story = text[text.index("What happened, times of UTC") :].splitlines()
    assert story[1] == "  2026-01-05"
    assert story[2].startswith("  08:03:00  callback requested: state waiting, queue support")
    assert "callback attempted: state attempting, agent ann" in story[3]
    assert "queue support" not in story[3]
    assert "callback rested: state resting, last disposition no answer" in story[-1]
    assert [secret for secret in ("5550102", "Kowalski", "refund") if secret in text] == []


@in_a_file
def test_show_has_times_on_the_clocks_of_the_queue(
    at_work: tuple[VirtualHost, list[str]], tmp_path: Path
) -> None:
    """Of the hours in the settings, or of the zone that is asked for."""
    _, named = at_work
    settings = tmp_path / "queues.toml"
    settings.write_text(
        '[queue.support]\nhours = { zone = "Asia/Tokyo", week = { weekdays = ["09:00-17:00"] } }\n'
    )
    assert (
        "  17:03:00  callback requested" in invoke("show", *named, "cb_000002", "--settings", settings).stdout
    )
    shown = invoke("show", *named, "cb_000002", "--settings", settings, "--zone", "Europe/Berlin").stdout
    assert "times of Europe/Berlin" in shown
    assert "  09:03:00  callback requested" in shown


@in_a_file
def test_show_gives_all_as_data(at_work: tuple[VirtualHost, list[str]]) -> None:
    """The row, and what belongs to it; no digest and nothing personal."""
    host, named = at_work
    found = figures(invoke("show", *named, "cb_000001", "--json"))
    assert (found["state"], found["outcome"], found["attempts_count"]) == ("ended", "completed", 1)
    assert found["explanation"]["rule"] == "ended"
    (attempt,) = found["all_attempts"]
    assert (attempt["disposition"], attempt["agent_id"]) == ("connected", "ann")
    assert [one["kind"] for one in found["history"]] == [
        one.kind for one in host.service.history("cb_000001")
    ]
    shown = json.dumps(found)
    assert [name for name in HIDDEN if f'"{name}"' in shown] == []
    assert [secret for secret in ("5550101", "Kowalski", "refund") if secret in shown] == []


def test_show_tells_of_bookings_and_messages(tmp_path: Path) -> None:
    """A message that was sent stands among its messages, and in its story."""
    where = tmp_path / "callbacks.db"
    with closing(SQLiteStore(where)) as store:
        host = VirtualHost(
            store,
            [QueuePolicy(queue=QueueName("support"), calling=None, messages=Messages(channels=("sms",)))],
        )
        host.service.request("support", number=BOB)
    text = invoke("show", where, "cb_000001").stdout
    assert "\nMessages\n" in text
    assert "confirmation" in text
    assert (
        figures(invoke("show", where, "cb_000001", "--json"))["messages"][0]["message_kind"] == "confirmation"
    )


@pytest.mark.parametrize("command", ["show", "explain", "cancel"])
def test_a_callback_that_is_not_there_is_said_in_one_sentence(tmp_path: Path, command: str) -> None:
    """Code 2; so is an id that can be none."""
    where = tmp_path / "callbacks.db"
    by = ["--by", "kim"] if command == "cancel" else []
    with closing(SQLiteStore(where)):
        assert "no callback" in refused(invoke(command, where, "cb_never", *by))
        assert "callback_id" in refused(invoke(command, where, "", *by))


# ---------------------------------------------------------------------------- explain


@in_a_file
def test_explain_says_why_and_until_when(at_work: tuple[VirtualHost, list[str]]) -> None:
    """What the service says, with the rule; on stderr that settings are wanted, where they are."""
    host, named = at_work
    why = host.service.explain("cb_000002")
    found = figures(invoke("explain", *named, "cb_000002", "--json"))
    assert (found["rule"], found["text"], found["values"]) == (why.rule, why.text, dict(why.values))
    assert why.next_change_at is not None
    result = invoke("explain", *named, "cb_000002", "--zone", "Asia/Tokyo")
    assert result.exit_code == 0
    local = why.next_change_at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert result.stdout == (
        f"cb_000002 is {why.text}.\nRule: rest\n"
        f"Time alone changes it next at {local:%Y-%m-%d %H:%M:%S}, Asia/Tokyo.\n"
    )
    assert result.stderr == ""
    unknown = invoke("explain", *named, "cb_000003")
    assert "Rule: queue_not_configured" in unknown.stdout
    assert "Without --settings" in unknown.stderr


@in_a_file
def test_explain_knows_the_rules_of_the_settings(
    at_work: tuple[VirtualHost, list[str]], tmp_path: Path
) -> None:
    """With them it says what the host would say."""
    host, named = at_work
    settings = tmp_path / "queues.toml"
    settings.write_text("[queue.sales]\n[queue.support]\n")
    found = figures(invoke("explain", *named, "cb_000003", "--settings", settings, "--json"))
    assert found["rule"] == host.service.explain("cb_000003").rule == "nobody_staffed"
    settings.write_text('[queue.sales]\nprority_default = "high"\n')
    wrong = invoke("explain", *named, "cb_000003", "--settings", settings)
    assert wrong.exit_code == 2
    assert "prority_default" in wrong.stderr


# ---------------------------------------------------------------------------- cancel


def test_cancel_takes_a_promise_back_while_the_host_works(at_work: tuple[VirtualHost, list[str]]) -> None:
    """Once; with who wanted it, and why. What ended otherwise stays as it is."""
    host, named = at_work
    result = invoke("cancel", *named, "cb_000003", "--by", "kim", "--reason", "called in")
    assert (result.exit_code, result.stdout) == (0, "Cancelled: cb_000003\n")
    assert host.service.get("cb_000003").outcome is Outcome.CANCELLED
    ended = host.service.history("cb_000003")[-1]
    assert (getattr(ended, "by", None), getattr(ended, "reason", None)) == ("kim", "called in")
    again = figures(invoke("cancel", *named, "cb_000003", "--by", "lee", "--json"))
    assert again["outcome"] == "cancelled"
    assert getattr(host.service.history("cb_000003")[-1], "by", None) == "kim"
    assert "cannot cancel" in refused(invoke("cancel", *named, "cb_000001", "--by", "kim"))


def test_who_cancels_must_be_said(tmp_path: Path) -> None:
    """It is kept in history."""
    with closing(SQLiteStore(tmp_path / "callbacks.db")):
        result = invoke("cancel", tmp_path / "callbacks.db", "cb_000003")
    assert result.exit_code == 2
    assert "--by" in result.stderr


# ---------------------------------------------------------------------------- moments


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_an_age_counts_back_from_now(text: str, age: timedelta) -> None:
    """In minutes, hours, days or weeks."""
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert read_moment(text, "--since", zone=ZoneInfo("Europe/Berlin"), now=now) == now - age


def test_a_time_with_a_zone_of_its_own_keeps_it() -> None:
    """And one without is on the clocks of the queue."""
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    hours = [
        read_moment(f"2026-03-29T14:00{zone}", "--since", zone=ZoneInfo("Europe/Berlin"), now=now)
        for zone in ("", "+05:00", "Z")
    ]
    assert [at.hour if at else None for at in hours] == [12, 9, 14]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("999999w", "--since is longer ago than there are years.\n"),
        ("0001-01-01", "--since is 0001-01-01T00:00:00+00:53:28; allowed: years 2000 to 2099.\n"),
        ("2100-01-01T00:00Z", "--since is 2100-01-01T00:00:00+00:00; allowed: years 2000 to 2099.\n"),
        ("2026-02-30", "--since cannot be read: write an age as 90m, 24h, 7d or 2w, "),
    ],
)
def test_a_moment_that_cannot_be_is_refused(text: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, also where no calendar has it."""
    with pytest.raises(typer.Exit) as refused:
        read_moment(
            text, "--since", zone=ZoneInfo("Europe/Berlin"), now=datetime(2026, 3, 29, 12, tzinfo=UTC)
        )
    assert refused.value.exit_code == 2
    assert capsys.readouterr().err.startswith(says)
