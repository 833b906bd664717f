"""Chains of events as the core checks them: what is said of each break, and that heads alone find a lost end."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.histories import (
    Link,
    check_chain,
    digest_of_text,
    export_line,
    heads_of,
    link_of,
    read_export,
)
from callbackq.events import CallbackWatched
from callbackq.events.chain import digest_of, record_id_of, text_of
from callbackq.model import ChainHead, Entity
from callbackq.ports import HistoryLink
from callbackq.testing.builders import make_event


def chain(record_id: str, length: int, *, first: int = 1) -> list[Link]:
    """Return the links of one callback, as a store would keep them."""
    links: list[Link] = []
    digest = ""
    for number in range(1, length + 1):
        event = make_event(CallbackWatched, callback_id=record_id, version=number)
        digest = digest_of(digest, event)
        kept = HistoryLink(
            history_number=first + number - 1,
            entity=Entity.CALLBACK,
            record_id=record_id,
            event_number=number,
            digest=digest,
            event=event,
        )
        links.append(link_of(kept))
    return links


def test_a_link_is_its_event_in_words() -> None:
    """Text, chain and digest are those that `events.chain` makes of it."""
    (link,) = chain("cb_1", 1)
    event = make_event(CallbackWatched, callback_id="cb_1", version=1)
    assert (link.text, link.is_of) == (text_of(event), (Entity.CALLBACK, record_id_of(event)))
    assert digest_of_text("ab", link.text) == digest_of("ab", event)


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_an_export_is_read_as_it_was_written(lengths: list[int]) -> None:
    """And is whole, with its own heads and with older ones."""
    links = [link for number, length in enumerate(lengths) for link in chain(f"cb_{number}", length)]
    read = list(read_export(map(export_line, links)))
    assert read == links
    older = heads_of(links[: len(links) // 2])
    check = check_chain(read, heads=[*heads_of(links), *older])
    assert check.is_whole
    assert (check.chains_count, check.events_count) == (len(lengths), len(links))


@given(data=st.data(), length=st.integers(2, 8))
def test_whatever_one_does_to_one_event_is_found(data: st.DataObject, length: int) -> None:
    """Changed, taken out of the middle, put in twice, or exchanged with the next: at the first event that is wrong."""
    links, other = chain("cb_1", length), chain("cb_2", 3)
    at = data.draw(st.integers(0, length - 2))
    how = data.draw(st.sampled_from(["change", "take", "double", "exchange", "digest"]))
    wrong, number = [*links], at + 1
    match how:
        case "change":
            wrong[at] = attrs.evolve(links[at], text=links[at].text.replace("version", "virsion"))
        case "digest":
            wrong[at] = attrs.evolve(links[at], digest="00")
        case "take":
            del wrong[at]
        case "double":
            wrong.insert(at, links[at])
        case _:
            wrong[at], wrong[at + 1] = links[at + 1], links[at]
    check = check_chain([*other, *wrong])
    assert [(one.record_id, one.event_number) for one in check.broken] == [("cb_1", number)]
    assert (check.chains_count, check.is_whole) == (2, False)


@pytest.mark.parametrize(
    ("left", "problem"),
    [(2, "the end is gone: 2 left, 3 events were there"), (0, "all of it is gone: 3 events were there")],
)
def test_a_lost_end_is_found_by_a_head_alone(left: int, problem: str) -> None:
    """In words of how much is left."""
    links = chain("cb_1", 3)
    heads = heads_of(links)
    assert check_chain(links[:left]).is_whole
    (broken,) = check_chain(links[:left], heads=heads).broken
    assert (broken.event_number, broken.problem) == (left + 1, problem)


def test_a_head_of_a_record_that_never_was_is_a_chain_that_is_gone() -> None:
    """It is no chain that is there."""
    head = ChainHead(entity=Entity.AGENT, record_id="ann", events_count=1, digest="ab")
    check = check_chain([], heads=[head])
    assert (check.chains_count, check.events_count) == (0, 0)
    assert [one.problem for one in check.broken] == ["all of it is gone: 1 event was there"]


def test_an_event_of_another_record_is_found() -> None:
    """Its digest may be right: it does not tell of the record under which it stands."""
    links = chain("cb_1", 3)
    links[1] = attrs.evolve(links[1], is_of=(Entity.CALLBACK, "cb_2"))
    (broken,) = check_chain(links).broken
    assert (broken.event_number, broken.problem) == (2, "the event is about another record")


def test_a_chain_that_was_written_anew_is_found_by_a_head_alone() -> None:
    """Whole in itself, and not what it was."""
    kept = attrs.evolve(heads_of(chain("cb_1", 2))[0], digest="00")
    links = chain("cb_1", 3)
    assert check_chain(links).is_whole
    (broken,) = check_chain(links, heads=[kept]).broken
    assert (broken.event_number, broken.problem) == (
        2,
        "the chain was written anew: the digest that was kept elsewhere is another one",
    )
