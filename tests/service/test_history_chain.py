"""The history shows whether anybody has laid hands on it: in the store, in a file, and at its end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from callbackq import (
    DEFAULT_TENANT,
    ChainHead,
    Commit,
    Entity,
    HistoryCheck,
    InvalidText,
    MemoryStore,
    SQLiteStore,
    Store,
    StoreError,
    aio,
)
from callbackq.core import histories
from callbackq.core.histories import check_chain, heads_of, read_export
from callbackq.events import CallbackWatched
from callbackq.service import histories as commands
from callbackq.testing import ANSWERS, NEVER_ANSWERS, VirtualHost
from callbackq.testing.builders import make_event
from service.scenes import BOB, DAN, EVE, HOUR, house, promised
from stores.postgres_server import admin, fresh_store

Tamper = Callable[[str, dict[str, Any]], None]


def story(store: Store) -> tuple[VirtualHost, str]:
    """Let three callbacks be done; return one with many events."""
    host = house(store)
    host.telephony.person(EVE, NEVER_ANSWERS, ANSWERS)
    ids = [promised(host, number, name="Kowalski") for number in (BOB, EVE, DAN)]
    host.service.opt_out(BOB)
    host.service.pause("sales", dialing=True)
    host.run_for(HOUR)
    return host, ids[1]


@pytest.fixture(params=["sqlite", "postgres"])
def hands(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Tamper]]:
    """A store of each kind that has a database, and a way to write into it by SQL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path / "callbacks.db"
            opened: Store = stack.enter_context(closing(SQLiteStore(path)))

            def tamper(statement: str, values: dict[str, Any]) -> None:
                with closing(sqlite3.connect(path)) as connection, connection:
                    assert (
                        connection.execute(statement.replace("%(", ":").replace(")s", ""), values).rowcount
                        > 0
                    )
        else:
            made = stack.enter_context(fresh_store())
            opened, schema = made, _schema_of(made)

            def tamper(statement: str, values: dict[str, Any]) -> None:
                told = statement.replace("callbackq_history", f'"{schema}".callbackq_history')
                assert admin().execute(told, values).rowcount > 0

        yield opened, tamper


def _schema_of(store: Any) -> str:
    schema: str = store._schema
    return schema


def of(callback_id: str, event_number: int = 3) -> dict[str, Any]:
    """Return which event of which record is meant."""
    return {"id": callback_id, "number": event_number}


WHERE = "entity = 'callback' AND record_id = %(id)s AND event_number = %(number)s"


def found(check: HistoryCheck) -> list[tuple[Entity, str, int]]:
    """Return where chains are broken."""
    assert check.is_whole is (check.broken == ())
    return [(one.entity, one.record_id, one.event_number) for one in check.broken]


# ---------------------------------------------------------------------------- in the store


def test_a_history_that_nobody_touched_is_whole(store: Store) -> None:
    """Every event of every record is counted."""
    host, _ = story(store)
    check = host.service.verify_history(heads=host.service.history_heads())
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        events = tx.history.all()
    assert check.is_whole
    assert check.events_count == len(events) > 20
    assert check.chains_count == len(host.service.history_heads())
    assert {Entity.CALLBACK, Entity.ATTEMPT, Entity.AGENT, Entity.OPT_OUT, Entity.QUEUE} <= {
        head.entity for head in host.service.history_heads()
    }


def test_an_empty_history_is_whole(store: Store) -> None:
    """There is nothing to find, and nothing to export."""
    service = house(store, agents=()).service
    assert service.verify_history() == HistoryCheck(chains_count=0, events_count=0)
    assert service.history_heads() == []
    assert list(service.export_history()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (f"UPDATE callbackq_history SET state = 'held' WHERE {WHERE}", "was changed"),
        (f"UPDATE callbackq_history SET version = version + 1 WHERE {WHERE}", "was changed"),
        (f"UPDATE callbackq_history SET digest = 'ab' WHERE {WHERE}", "was changed"),
        (f"DELETE FROM callbackq_history WHERE {WHERE}", "is missing"),
    ],
)
def test_one_event_that_is_changed_or_taken_out_is_found(
    hands: tuple[Store, Tamper], change: str, problem: str
) -> None:
    """With its record and its number, and nothing else is blamed."""
    store, tamper = hands
    host, callback_id = story(store)
    tamper(change, of(callback_id))
    check = host.service.verify_history()
    assert found(check) == [(Entity.CALLBACK, callback_id, 3)]
    assert problem in check.broken[0].problem


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'nonsense'",
        "state = 'nonsense'",
        "detail = '[]'",
        f"detail = '{'[' * 2_000}{']' * 2_000}'",
    ],
    ids=["kind", "state", "list", "deep"],
)
def test_an_event_that_says_nonsense_is_said_to_be_unreadable(
    hands: tuple[Store, Tamper], change: str
) -> None:
    """Behind which number it stands; its text is not shown."""
    store, tamper = hands
    host, callback_id = story(store)
    links = list(read_export(host.service.export_history()))
    (index,) = (
        index
        for index, link in enumerate(links)
        if (link.entity, link.record_id, link.event_number) == (Entity.CALLBACK, callback_id, 3)
    )
    tamper(f"UPDATE callbackq_history SET {change} WHERE {WHERE}", of(callback_id))
    behind = links[index - 1].number
    with pytest.raises(StoreError, match=rf"^the event of the history behind number {behind} cannot be read"):
        host.service.verify_history()


def test_two_events_that_are_swapped_are_found(hands: tuple[Store, Tamper]) -> None:
    """What they say is exchanged, or where they stand."""
    store, tamper = hands
    host, callback_id = story(store)
    for now, then in ((2, -1), (3, 2), (-1, 3)):
        tamper(
            "UPDATE callbackq_history SET event_number = %(then)s "
            "WHERE entity = 'callback' AND record_id = %(id)s AND event_number = %(now)s",
            {"id": callback_id, "now": now, "then": then},
        )
    check = host.service.verify_history()
    assert found(check) == [(Entity.CALLBACK, callback_id, 2)]
    assert "event 2 is missing, or stands behind event 3" in check.broken[0].problem


def test_an_event_of_another_record_is_found(hands: tuple[Store, Tamper]) -> None:
    """It is put at the end of a chain to which it does not belong, with a digest that is reckoned as it should be."""
    store, tamper = hands
    host, callback_id = story(store)
    promised(host)
    links = list(read_export(host.service.export_history()))
    last = next(one for one in reversed(links) if one.record_id == callback_id)
    other = next(
        one for one in reversed(links) if one.entity is Entity.CALLBACK and one.record_id != callback_id
    )
    tamper(
        "UPDATE callbackq_history SET record_id = %(id)s, event_number = %(number)s, digest = %(digest)s "
        "WHERE history_number = %(from)s",
        {
            "id": callback_id,
            "number": last.event_number + 1,
            "digest": histories.digest_of_text(last.digest, other.text),
            "from": other.number,
        },
    )
    check = host.service.verify_history()
    assert found(check) == [(Entity.CALLBACK, callback_id, last.event_number + 1)]
    assert "another record" in check.broken[0].problem


def test_an_event_that_is_said_to_be_of_another_kind_of_record_is_found(hands: tuple[Store, Tamper]) -> None:
    """It is missing where it was, and stands where nothing was."""
    store, tamper = hands
    host, callback_id = story(store)
    tamper(f"UPDATE callbackq_history SET entity = 'call' WHERE {WHERE}", of(callback_id))
    assert found(host.service.verify_history()) == [
        (Entity.CALL, callback_id, 1),
        (Entity.CALLBACK, callback_id, 3),
    ]


def test_an_end_that_is_taken_away_is_found_by_heads_alone(hands: tuple[Store, Tamper]) -> None:
    """A shorter chain is a chain; who kept the last digest elsewhere sees the difference."""
    store, tamper = hands
    host, callback_id = story(store)
    heads = host.service.history_heads()
    (head,) = (one for one in heads if one.record_id == callback_id)
    tamper(f"DELETE FROM callbackq_history WHERE {WHERE}", of(callback_id, head.events_count))
    assert host.service.verify_history().is_whole
    check = host.service.verify_history(heads=heads)
    assert found(check) == [(Entity.CALLBACK, callback_id, head.events_count)]
    assert "the end is gone" in check.broken[0].problem


def test_a_chain_that_is_gone_is_found_by_heads_alone(hands: tuple[Store, Tamper]) -> None:
    """As if the callback had never been."""
    store, tamper = hands
    host, callback_id = story(store)
    heads = host.service.history_heads()
    tamper(
        "DELETE FROM callbackq_history WHERE entity = 'callback' AND record_id = %(id)s", {"id": callback_id}
    )
    assert host.service.verify_history().is_whole
    check = host.service.verify_history(heads=heads)
    assert found(check) == [(Entity.CALLBACK, callback_id, 1)]
    assert "all of it is gone" in check.broken[0].problem


def test_a_chain_that_is_reckoned_anew_is_found_by_heads_alone(hands: tuple[Store, Tamper]) -> None:
    """There is no secret in a digest; what was kept elsewhere is the secret."""
    store, tamper = hands
    host, callback_id = story(store)
    heads = host.service.history_heads()
    tamper(f"UPDATE callbackq_history SET state = 'held' WHERE {WHERE}", of(callback_id))
    digest = ""
    for link in read_export(host.service.export_history()):
        if link.record_id == callback_id and link.entity is Entity.CALLBACK:
            digest = histories.digest_of_text(digest, link.text)
            tamper(
                f"UPDATE callbackq_history SET digest = %(digest)s WHERE {WHERE}",
                {**of(callback_id, link.event_number), "digest": digest},
            )
    assert host.service.verify_history().is_whole
    check = host.service.verify_history(heads=heads)
    last = next(one for one in heads if one.record_id == callback_id).events_count
    assert found(check) == [(Entity.CALLBACK, callback_id, last)]
    assert "written anew" in check.broken[0].problem


def test_older_heads_hold_as_well(store: Store) -> None:
    """What was kept last month is a part of what is there now."""
    host, _ = story(store)
    heads = host.service.history_heads()
    promised(host)
    host.run_for(HOUR)
    assert host.service.verify_history(heads=heads).is_whole
    later = host.service.history_heads()
    assert len(later) > len(heads)
    assert host.service.verify_history(heads=[*heads, *later]).is_whole
    wrong = [ChainHead(entity=Entity.CALL, record_id="never", events_count=2, digest="ab")]
    assert found(host.service.verify_history(heads=wrong)) == [(Entity.CALL, "never", 1)]


def test_an_event_that_is_committed_late_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is lower than some that were read already; its record goes on meanwhile."""
    with fresh_store() as store:
        host, _ = story(store)
        count = host.service.verify_history().events_count
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> None:
            with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
                tx.history.append([_event()])
                begun.set()
                assert go_on.wait(20)
            with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
                tx.history.append([_event()])

        thread = threading.Thread(target=slow)
        thread.start()
        assert begun.wait(20)
        host.service.opt_out(EVE)
        page = commands._page

        def read_and_wait(*given: Any, **fields: Any) -> Any:
            links = page(*given, **fields)
            go_on.set()
            thread.join(20)
            return links

        monkeypatch.setattr(commands, "_page", read_and_wait)
        first = check_chain(host.service._links())
        assert found(first) == [(Entity.CALLBACK, "cb_late", 1)]
        assert host.service.verify_history() == HistoryCheck(
            chains_count=first.chains_count, events_count=count + 3
        )


def _event() -> Any:
    return make_event(CallbackWatched, callback_id="cb_late", tenant_id=DEFAULT_TENANT)


# ---------------------------------------------------------------------------- in a file


def test_an_export_names_nobody(store: Store) -> None:
    """One line of JSON for each event, without number and name."""
    host, _ = story(store)
    lines = list(host.service.export_history())
    assert len(lines) == host.service.verify_history().events_count
    for secret in (BOB, EVE, DAN, "5550101", "Kowalski"):
        assert [line for line in lines if secret in line] == []
    for line in lines:
        assert line.isascii()
        assert list(json.loads(line)) == ["number", "entity", "record_id", "event_number", "digest", "text"]


def test_an_export_is_verified_without_callbackq(store: Store) -> None:
    """SHA-256 over the digest before, a line feed and the text: twenty lines in any language."""
    host, _ = story(store)
    last: dict[tuple[str, str], str] = {}
    for line in map(json.loads, host.service.export_history()):
        key = (line["entity"], line["record_id"])
        sealed = last.get(key, "") + "\n" + line["text"]
        assert line["digest"] == hashlib.sha256(sealed.encode()).hexdigest()
        last[key] = line["digest"]
    heads = {(head.entity, head.record_id): head.digest for head in host.service.history_heads()}
    assert heads == last


def test_an_export_goes_on_where_it_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the number of the last line that was written; whatever the size of a page."""
    host, _ = story(store)
    whole = list(host.service.export_history())
    first = whole[:7]
    assert first + list(host.service.export_history(after=json.loads(first[-1])["number"])) == whole
    assert list(host.service.export_history(after=json.loads(whole[-1])["number"])) == []
    monkeypatch.setattr(commands, "_PAGE", 3)
    assert list(host.service.export_history()) == whole


@pytest.mark.parametrize("after", [-1, 2**63, 1.5, "3", None])
def test_an_export_goes_on_behind_a_number_only(after: Any) -> None:
    """A slip is no history that was tampered with."""
    service = house(MemoryStore()).service
    with pytest.raises(InvalidText, match="no number of a line"):
        service.export_history(after=after)


def test_an_awaited_export_never_asks_the_store_on_the_event_loop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same lines, read in the thread of the service, some at a time."""
    host, _ = story(store)
    whole, threads, page = list(host.service.export_history()), set[str](), commands._page

    def remember(*given: Any, **fields: Any) -> Any:
        threads.add(threading.current_thread().name)
        return page(*given, **fields)

    monkeypatch.setattr(commands, "_page", remember)
    monkeypatch.setattr(aio, "_LINES_TOGETHER", 4)

    async def exported(after: int) -> list[str]:
        async with aio.AsyncCallbackService(host.service) as service:
            return [line async for line in service.export_history(after=after)]

    assert asyncio.run(exported(0)) == whole
    assert asyncio.run(exported(json.loads(whole[-2])["number"])) == whole[-1:]
    assert all(name.startswith("callbackq-aio") for name in threads)
    assert len(threads) > 0


def test_a_file_is_checked_as_a_store_is(store: Store) -> None:
    """Whole as it was written; a line that is changed, taken out, put in twice or moved is found."""
    host, callback_id = story(store)
    lines, heads = list(host.service.export_history()), host.service.history_heads()
    assert check_chain(read_export(lines), heads=heads) == host.service.verify_history()
    assert heads_of(read_export(lines)) == heads
    mine = [index for index, line in enumerate(lines) if f'"callback","record_id":"{callback_id}"' in line]
    second, third = mine[1], mine[2]
    changed = [*lines]
    changed[third] = changed[third].replace('\\"version\\":3', '\\"version\\":4')
    assert changed != lines
    moved = [*lines]
    moved[second], moved[third] = moved[third], moved[second]
    for wrong, number in (
        (changed, 3),
        ([*lines[:third], *lines[third + 1 :]], 3),
        ([*lines[: third + 1], *lines[third:]], 3),
        (moved, 2),
    ):
        assert found(check_chain(read_export(wrong))) == [(Entity.CALLBACK, callback_id, number)]


@pytest.mark.parametrize(
    "change",
    [
        "detail = CAST(x'ff41' AS TEXT)",
        "event_number = 'x'",
        "version = '1e999'",
        "at = '2026-01-05T08:00:00'",
    ],
    ids=["bytes", "text", "infinite", "naive"],
)
def test_what_a_file_of_sqlite_can_hold_is_said_to_be_unreadable(tmp_path: Path, change: str) -> None:
    """Its columns take values of any type, and bytes that are no text."""
    path = tmp_path / "callbacks.db"
    with closing(SQLiteStore(path)) as store:
        host, _ = story(store)
        with closing(sqlite3.connect(path)) as hands, hands:
            hands.execute(f"UPDATE callbackq_history SET {change} WHERE history_number = 5")
        for look in (host.service.verify_history, lambda: list(host.service.export_history())):
            with pytest.raises(StoreError, match=r"^the event of the history behind number 4 cannot be read"):
                look()


def test_digest_that_is_no_text_is_a_broken_chain(tmp_path: Path) -> None:
    """It can be exported as well."""
    path = tmp_path / "callbacks.db"
    with closing(SQLiteStore(path)) as store:
        host, _ = story(store)
        with closing(sqlite3.connect(path)) as hands, hands:
            hands.execute("UPDATE callbackq_history SET digest = x'00' WHERE history_number = 1")
        assert len(found(host.service.verify_history())) == 1
        lines = host.service.export_history()
        assert len(found(check_chain(read_export(lines)))) == 1


def test_text_with_half_a_character_is_an_event_that_was_changed() -> None:
    """No other chain goes unchecked because of it."""
    host = house(MemoryStore())
    promised(host)
    *lines, last = host.service.export_history()
    changed = last.replace('\\"version\\":', '\\"version\\ud800\\":')
    assert changed != last
    check = check_chain(read_export([*lines, changed]))
    assert ["was changed" in one.problem for one in check.broken] == [True]


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "no json",
        "[1]",
        "7",
        '{"number":1}',
        '{"text":"7"}',
        '{"number":1e999,"text":"{}"}',
        "[" * 100_000,
    ],
    ids=["empty", "no json", "list", "number", "no text", "no event", "infinite", "deep"],
)
def test_a_file_that_is_no_export_is_said_to_be_none(line: str) -> None:
    """With the number of the line, and without the line."""
    host = house(MemoryStore())
    promised(host)
    lines = [*host.service.export_history(), "", line]
    with pytest.raises(InvalidText, match=rf"^line {len(lines)} is none of an exported history$"):
        check_chain(read_export(lines))
