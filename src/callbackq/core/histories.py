"""
Whether a history is as it was written: in a store, or in a file that was exported from one.

The events of one record are a chain: the digest of each is the SHA-256 of the digest before it and of its own text.
So whoever changes, takes out, puts in or moves one event breaks the chain there. Who takes the end of a chain away, or
reckons a whole chain anew, is found by its last digest alone, where somebody kept that elsewhere: a `ChainHead`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final, cast

import attrs

from callbackq.core.pruning import digest_of_heads
from callbackq.errors import InvalidText
from callbackq.events.chain import RECORD_IDS, SEPARATOR, record_id_of, text_of
from callbackq.model import BrokenChain, ChainHead, Entity, HistoryCheck, PrunedHeads
from callbackq.ports import HistoryLink

_FIELDS: Final = ("number", "entity", "record_id", "event_number", "digest", "text")


@attrs.frozen(kw_only=True)
class Link:
    """
    One event, with its place in the history and in the chain of its record.

    `entity` and `record_id` name the chain that it is kept in, `event_number` and `digest` are what is kept with it,
    and `text` is what it says (`events.chain.text_of`). `is_of` is the chain that the text itself names.
    """

    number: int
    entity: Entity
    record_id: str
    event_number: int
    digest: str
    text: str
    is_of: tuple[str, str]


@attrs.define
class _Chain:
    """What was read of one chain so far."""

    events_count: int = 0
    digest: str = ""
    broken: BrokenChain | None = None
    differs: list[int] = attrs.field(factory=list[int])
    """At which events it is not the chain of which somebody kept a digest."""
    cut_before: Link | None = None
    """The first event that is left of it, where that is not its first one."""


_Key = tuple[Entity, str]


def check_chain(
    links: Iterable[Link], *, heads: Iterable[ChainHead] = (), pruned: Iterable[PrunedHeads] = ()
) -> HistoryCheck:
    """
    Say whether the chains of a history are as they were written.

    Args:
        links: of the whole history from its first event, in order. From a file: `read_export`.
        heads: what `history_heads` told earlier, and was kept where nobody of the store could change it. Without them
            nothing tells that the end of a chain, or all of it, was taken away.
        pruned: what `prune` handed out when it removed chains, and was kept as well. A head of which the chain is gone
            is looked for in it; what no pruning in the history is sealed over counts for nothing.

    Returns:
        The first thing that is wrong in each chain; what stands behind it cannot be trusted.

    Cost: O(events), a few microseconds each; memory O(chains).
    """
    chains: dict[_Key, _Chain] = {}
    known = _by_chain(heads)
    prunings = Prunings()
    events_count = 0
    for link in links:
        events_count += 1
        key = (link.entity, link.record_id)
        chain = chains.setdefault(key, _Chain())
        if chain.broken is None:
            _follow(key, chain, link, known.get(key, {}))
        chain.events_count = link.event_number if chain.cut_before is link else chain.events_count + 1
        chain.digest = link.digest
        prunings.learn(link)
    chains_count = len(chains)
    for key, chain in chains.items():
        if chain.cut_before is not None and not prunings.explain(chain.cut_before):
            chain.broken = _broken(key, 1, _missing(1, chain.cut_before.event_number))
    settled = prunings.settled(pruned)
    for key, digests in known.items():
        _hold_against_heads(key, chains.setdefault(key, _Chain()), digests, settled.get(key))
    broken = [chain.broken for chain in chains.values() if chain.broken is not None]
    return HistoryCheck(
        chains_count=chains_count,
        events_count=events_count,
        pruned_count=prunings.chains_count,
        broken=tuple(sorted(broken, key=lambda one: (one.entity, one.record_id))),
    )


def _follow(key: _Key, chain: _Chain, link: Link, digests: dict[int, str]) -> None:
    """Hold one event against the end of its chain as far as it was read."""
    if chain.events_count == 0 and link.event_number > 1 and link.is_of == key:
        chain.cut_before = link
    else:
        problem = _problem(link, chain)
        if problem is not None:
            chain.broken = _broken(key, *problem)
    if digests.get(link.event_number, link.digest) != link.digest:
        chain.differs.append(link.event_number)


def _hold_against_heads(key: _Key, chain: _Chain, digests: dict[int, str], settled: ChainHead | None) -> None:
    """Say whether a chain is, or was, the one of which somebody kept digests."""
    if chain.broken is not None:
        return
    last, over = max(digests), 0
    if settled is not None:
        # What was removed is not there to be looked at; a later chain may have the same name.
        over = settled.events_count
        if digests.get(over, settled.digest) != settled.digest:
            chain.broken = _broken(key, over, _ANEW)
            return
    differs = [number for number in chain.differs if number > over]
    if differs:
        chain.broken = _broken(key, differs[0], _ANEW)
    elif chain.events_count < last and over < last:
        chain.broken = _broken(key, chain.events_count + 1, _gone(chain.events_count, last))


class Prunings:
    """What the history itself says was removed from it."""

    def __init__(self) -> None:
        self.chains_count = 0
        self._seals: set[str] = set()
        self._cut: dict[_Key, set[tuple[int, str]]] = {}

    def learn(self, link: Link) -> None:
        """Take note of an event, if it tells of a pruning. Its own chain says whether it is to be believed."""
        if link.entity is not Entity.HISTORY or link.is_of != (Entity.HISTORY, link.record_id):
            return
        said = cast("dict[str, Any]", json.loads(link.text))
        self.chains_count += int(said["chains_count"])
        self._seals.add(str(said["heads_digest"]))
        for name, place in cast("dict[str, str]", said["cut"]).items():
            (entity, _, record_id), (count, _, digest) = name.partition(" "), place.partition(" ")
            self._cut.setdefault((Entity(entity), record_id), set()).add((int(count), digest))

    def explain(self, first: Link) -> bool:
        """Whether the events before the first that is left of a chain were pruned, and it follows on them."""
        return any(
            count == first.event_number - 1 and digest_of_text(digest, first.text) == first.digest
            for count, digest in self._cut.get((first.entity, first.record_id), ())
        )

    def settled(self, pruned: Iterable[PrunedHeads]) -> dict[_Key, ChainHead]:
        """Return the last links that were removed, of those that a pruning has sealed; and of chains that were cut."""
        found: dict[_Key, ChainHead] = {}
        for key, places in self._cut.items():
            count, digest = max(places)
            found[key] = ChainHead(entity=key[0], record_id=key[1], events_count=count, digest=digest)
        for one in pruned:
            if digest_of_heads(one.heads) in self._seals:
                found.update({(head.entity, head.record_id): head for head in one.heads})
        return found


def heads_of(links: Iterable[Link | HistoryLink]) -> list[ChainHead]:
    """Return the last link of each chain, by entity and record id. Nothing is checked. O(events), memory O(chains)."""
    chains: dict[_Key, _Chain] = {}
    for link in links:
        chain = chains.setdefault((link.entity, link.record_id), _Chain())
        chain.events_count, chain.digest = link.event_number, link.digest
    return [
        ChainHead(entity=entity, record_id=record_id, events_count=chain.events_count, digest=chain.digest)
        for (entity, record_id), chain in sorted(chains.items())
    ]


def _by_chain(heads: Iterable[ChainHead]) -> dict[_Key, dict[int, str]]:
    """Return the digests that are known, by chain and event number."""
    known: dict[_Key, dict[int, str]] = {}
    for head in heads:
        known.setdefault((head.entity, head.record_id), {})[head.events_count] = head.digest
    return known


def _missing(number: int, behind: int) -> str:
    return f"event {number} is missing, or stands behind event {behind}"


_ANEW: Final = "the chain was written anew: the digest that was kept elsewhere is another one"


def _problem(link: Link, chain: _Chain) -> tuple[int, str] | None:
    """Return what is wrong with the next event of a chain, and from which event number on."""
    wanted = chain.events_count + 1
    if link.event_number > wanted:
        return wanted, _missing(wanted, link.event_number)
    if link.event_number < wanted:
        return link.event_number, f"event {link.event_number} was put in, or stands behind event {wanted - 1}"
    if link.is_of != (link.entity, link.record_id):
        return wanted, "the event is about another record"
    if link.digest != digest_of_text(chain.digest, link.text):
        return wanted, "the event was changed: its digest is not that of what it says"
    return None


def _broken(key: _Key, event_number: int, problem: str) -> BrokenChain:
    entity, record_id = key
    return BrokenChain(entity=entity, record_id=record_id, event_number=event_number, problem=problem)


def _gone(left: int, known: int) -> str:
    events = "1 event was" if known == 1 else f"{known} events were"
    return f"the end is gone: {left} left, {events} there" if left else f"all of it is gone: {events} there"


def digest_of_text(previous: str, text: str) -> str:
    """
    Return the digest of an event by its text, as `events.chain.digest_of` does of the event itself.

    >>> digest_of_text("", "{}")[:16]
    'a062dd4952b935e4'
    """
    # A text that was tampered with may hold half a character: that is no reason not to look at it.
    return sha256(f"{previous}{SEPARATOR}{text}".encode(errors="surrogatepass")).hexdigest()


# ---------------------------------------------------------------------------- links of a store, and of a file


def link_of(kept: HistoryLink) -> Link:
    """
    Return an event of a store as a link, with its text.

    Raises:
        ValueError, TypeError: the event says what none can say.

    Cost: about ten microseconds.
    """
    event = kept.event
    return Link(
        number=kept.history_number,
        entity=kept.entity,
        # Whoever writes into a file of SQLite can put anything into any column.
        record_id=str(kept.record_id),
        event_number=int(kept.event_number),
        digest=str(kept.digest),
        text=text_of(event),
        is_of=(event.entity, record_id_of(event)),
    )


def export_line(link: Link) -> str:
    """Return one line of an exported history: JSON, all ASCII, without the end of the line."""
    return json.dumps({name: getattr(link, name) for name in _FIELDS}, separators=(",", ":"))


def read_export(lines: Iterable[str]) -> Iterator[Link]:
    """
    Read an exported history again. Empty lines are left out.

    Raises:
        InvalidText: a line is none of an exported history. Says which one, and does not show it.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _read_line(line)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InvalidText(f"line {number} is none of an exported history") from error


def _read_line(line: str) -> Link:
    fields: dict[str, Any] = json.loads(line)
    said = cast("dict[str, Any]", json.loads(fields["text"]))
    entity = Entity(said["entity"])
    return Link(
        number=int(fields["number"]),
        entity=Entity(fields["entity"]),
        record_id=str(fields["record_id"]),
        event_number=int(fields["event_number"]),
        digest=str(fields["digest"]),
        text=str(fields["text"]),
        is_of=(entity, str(said[RECORD_IDS[entity]])),
    )
