"""What may be removed, how far chains can be shortened, and how it is sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import events
from callbackq.core import pruning
from callbackq.core.histories import Link, check_chain, digest_of_text, link_of
from callbackq.core.history import fold
from callbackq.core.pruning import Cuts, digest_of_heads
from callbackq.events import Event
from callbackq.events.chain import digest_of, record_id_of
from callbackq.ids import AgentId, QueueName
from callbackq.model import (
    AgentState,
    CallbackState,
    ChainHead,
    DueReason,
    Entity,
    PrunedHeads,
    Purpose,
)
from callbackq.policy import CallingPolicy, Caps, Limit, QueuePolicy, built_in_rules
from callbackq.ports import HistoryLink, HistoryTrace
from callbackq.testing.builders import make_callback, make_event
from callbackq.testing.clock import START

DAY = timedelta(days=1)
ANN = (Entity.AGENT, "ann")
NO_CAPS = Caps()


def test_what_is_over_long_enough() -> None:
    """Ended, and before the date."""
    ended = make_callback(state=CallbackState.ENDED, ended_at=START)
    assert pruning.is_over(ended, before=START + DAY)
    assert not pruning.is_over(ended, before=START)
    assert not pruning.is_over(make_callback(), before=START + DAY)


def test_how_far_rules_look_back() -> None:
    """The longest of all windows; a week at least; and as far as any rule about numbers, where none is known."""
    short: dict[str, Any] = {
        "no_shows_window": DAY,
        "missed_life": DAY,
        "follows_within": DAY,
        "calling": None,
    }
    plain = QueuePolicy(queue=QueueName("a"), **short)
    assert pruning.kept_min([], caps=NO_CAPS) == 60 * DAY
    assert pruning.kept_min([plain], caps=NO_CAPS) == 7 * DAY
    own = Caps(attempts_per_number_max=3, number_period=20 * DAY)
    assert pruning.kept_min([plain], caps=own) == 20 * DAY
    rule = attrs.evolve(built_in_rules()[0], limits={Purpose.SALES: (Limit(1, 40 * DAY),)})
    for changes, longest in (
        ({"no_shows_window": 100 * DAY}, 100),
        ({"missed_life": 30 * DAY}, 30),
        ({"follows_within": 29 * DAY}, 29),
        ({"caps": own}, 20),
        ({"calling": CallingPolicy(rules=(rule,))}, 40),
    ):
        other = QueuePolicy(queue=QueueName("b"), **{**short, **changes})
        assert pruning.kept_min([plain, other], caps=NO_CAPS) == longest * DAY


def trace(number: int, kind: str, state: str | None, key: tuple[Entity, str] = ANN) -> HistoryTrace:
    return HistoryTrace(
        history_number=number,
        entity=key[0],
        record_id=key[1],
        event_number=number,
        digest=f"digest {number}",
        kind=kind,
        state=state,
        callback_id=None,
        at=START,
    )


def cut_at(cuts: Cuts) -> dict[tuple[Entity, str], int]:
    return {key: head.events_count for key, head in cuts.found.items()}


def test_chains_are_cut_before_the_last_event_that_says_all() -> None:
    """Of agents, a sign-in of whom is free; of queues, every switch; of nothing else."""
    walked = Cuts().walked(
        [
            trace(1, "agent_signed_in", "available"),
            trace(2, "agent_reserved", "reserved"),
            trace(3, "agent_signed_in", "available"),
            trace(4, "agent_signed_in", "busy"),
            trace(1, "queue_switched", None, (Entity.QUEUE, "support")),
            trace(2, "queue_switched", None, (Entity.QUEUE, "support")),
            trace(1, "opt_out_changed", None, (Entity.OPT_OUT, "key")),
            trace(2, "opt_out_changed", None, (Entity.OPT_OUT, "key")),
        ],
        before=START + DAY,
    )
    assert cut_at(walked) == {ANN: 2, (Entity.QUEUE, "support"): 1}
    assert walked.found[ANN].digest == "digest 2"
    further = walked.walked(
        [trace(5, "agent_freed", "available"), trace(6, "agent_signed_in", "available")], before=START + DAY
    )
    assert cut_at(further) == {ANN: 5}
    assert cut_at(further.walked([], before=START)) == {}
    young = [trace(7, "agent_signed_in", "available")]
    assert cut_at(further.walked(young, before=START)) == {}


def test_what_begins_with_an_event_that_says_all_is_not_cut() -> None:
    """Nothing stands before it any more."""
    assert cut_at(Cuts().walked([trace(7, "agent_signed_in", "available")], before=START + DAY)) == {}


# ---------------------------------------------------------------------------- seals


def head(record_id: str, count: int = 3, digest: str = "5e8f") -> ChainHead:
    return ChainHead(entity=Entity.CALLBACK, record_id=record_id, events_count=count, digest=digest)


def test_a_seal_is_over_every_part_of_every_link() -> None:
    """In any order."""
    heads = [head("cb_1"), head("cb_2")]
    assert digest_of_heads(heads) == digest_of_heads(reversed(heads))
    others = [
        [heads[0]],
        [head("cb_1", 4), heads[1]],
        [head("cb_1", digest="77"), heads[1]],
        [*heads, heads[0]],
    ]
    seals = {digest_of_heads(one) for one in (heads, *others)}
    assert len(seals) == 5


def pruned(heads: list[ChainHead], cut: list[ChainHead], number: int = 1) -> events.HistoryPruned:
    return pruning.told(
        heads,
        cut,
        tenant_id=make_callback().tenant_id,
        number=number,
        events_count=9,
        before=START,
        by="kim",
        now=START,
    )


def test_what_the_history_tells_of_a_pruning() -> None:
    """How much went, under which seal, and where chains go on."""
    ann = attrs.evolve(head("ann", 57), entity=Entity.AGENT)
    event = pruned([head("cb_1")], [ann], number=4)
    assert (event.history_id, event.version, event.chains_count, event.by) == ("pruned", 4, 1, "kim")
    assert event.heads_digest == digest_of_heads([head("cb_1")])
    assert dict(event.cut) == {"agent ann": "57 5e8f"}
    found = pruning.prunings_of([event, make_event(events.AgentAvailable)])
    assert found == {ANN: {(57, "5e8f")}}


def test_free_fields_go_with_what_they_came_with() -> None:
    """The others stay."""
    contexts = {"cb_1": {"order": "17"}, "cb_2": {"order": "18"}}
    assert pruning.without_contexts(contexts, ["cb_1", "cb_9"]) == {"cb_2": {"order": "18"}}


# ---------------------------------------------------------------------------- chains, and what builds them


def signed_in(version: int) -> Event:
    return make_event(
        events.AgentSignedIn,
        agent_id=AgentId("ann"),
        state=AgentState.AVAILABLE,
        version=version,
        due_at=START,
        due_reason=DueReason.PRESENCE_OVER,
    )


def links(*told: Event, kept: int = 0) -> list[Link]:
    """Return events as links, without the first *kept* ones of agents."""
    chains: dict[tuple[Entity, str], tuple[int, str]] = {}
    found: list[Link] = []
    for number, event in enumerate(told, start=1):
        key = event.entity, record_id_of(event)
        count, previous = chains.get(key, (0, ""))
        chains[key] = count + 1, digest_of(previous, event)
        if event.entity is Entity.AGENT and count < kept:
            continue
        found.append(
            link_of(
                HistoryLink(
                    history_number=number,
                    entity=key[0],
                    record_id=key[1],
                    event_number=count + 1,
                    digest=chains[key][1],
                    event=event,
                )
            )
        )
    return found


SIGNED = [signed_in(version) for version in (1, 2, 3)]
FIRST = digest_of("", SIGNED[0])
CUT = attrs.evolve(head("ann", 1, FIRST), entity=Entity.AGENT)
SECOND = attrs.evolve(head("ann", 2, digest_of(FIRST, SIGNED[1])), entity=Entity.AGENT)


def test_a_chain_that_was_cut_is_whole_where_a_pruning_says_so() -> None:
    """Up to that event, with that digest; and heads that were kept before are not missed."""
    told = links(*SIGNED, pruned([], [CUT]), kept=1)
    check = check_chain(told, heads=[CUT, SECOND])
    assert check.is_whole
    assert (check.chains_count, check.events_count, check.pruned_count) == (2, 3, 0)
    for wrong in ([], [attrs.evolve(CUT, digest="5e8f")], [SECOND]):
        broken = check_chain(links(*SIGNED, pruned([], wrong), kept=1)).broken
        assert [(one.record_id, one.event_number) for one in broken] == [("ann", 1)]
        assert "event 1 is missing, or stands behind event 2" in broken[0].problem
    other = attrs.evolve(CUT, digest="5e8f")
    (anew,) = check_chain(told, heads=[other]).broken
    assert "written anew" in anew.problem


def test_a_chain_that_is_broken_before_is_not_judged_by_heads() -> None:
    """What was found first is told."""
    (broken,) = check_chain(links(*SIGNED, kept=1), heads=[SECOND]).broken
    assert broken.event_number == 1


@pytest.mark.parametrize("count", [2, 3])
def test_a_chain_that_was_removed_is_not_missed_by_who_kept_its_last_link(count: int) -> None:
    """An earlier link of it counts for nothing either way."""
    gone = PrunedHeads(heads=(head("cb_1"), head("cb_2")))
    told = links(pruned(list(gone.heads), []))
    known = [head("cb_1", count, "5e8f" if count == 3 else "77aa")]
    assert check_chain(told, heads=known, pruned=[gone]).is_whole
    assert check_chain(told, heads=known, pruned=[gone]).pruned_count == 2
    (missed,) = check_chain(told, heads=known).broken
    assert "all of it is gone" in missed.problem
    unsealed = attrs.evolve(gone, heads=(*gone.heads, head("cb_3")))
    assert not check_chain(told, heads=known, pruned=[unsealed]).is_whole


def test_a_later_chain_may_have_the_name_of_one_that_was_removed() -> None:
    """As when a telephony gives a name again; beyond the old one, heads count."""
    gone = PrunedHeads(heads=(attrs.evolve(CUT, digest="0ld"),))
    told = links(*SIGNED, pruned(list(gone.heads), []))
    kept = [attrs.evolve(CUT, digest="0ld"), SECOND]
    assert check_chain(told, heads=kept, pruned=[gone]).is_whole
    changed = [attrs.evolve(SECOND, digest="77aa")]
    assert not check_chain(told, heads=changed, pruned=[gone]).is_whole
    longer = [attrs.evolve(SECOND, events_count=9)]
    (short,) = check_chain(told, heads=longer, pruned=[gone]).broken
    assert "the end is gone" in short.problem


def test_an_event_of_the_history_that_is_not_its_own_explains_nothing() -> None:
    """It stands in another chain than it says."""
    (told,) = links(pruned([], [CUT]))
    astray = attrs.evolve(told, record_id="other", digest=digest_of_text("", told.text))
    broken = check_chain([*links(*SIGNED, kept=1), astray]).broken
    assert [one.record_id for one in broken] == ["ann", "other"]


def test_a_record_is_built_from_what_is_left() -> None:
    """If the history says that the rest was pruned, or whoever asks does; else the gap is one."""
    whole = fold(SIGNED)
    assert fold([*SIGNED[1:], pruned([], [CUT])]) == whole
    assert fold(SIGNED[1:], cut=[ANN]) == whole
    with pytest.raises(AssertionError, match="goes from version 0 to 2"):
        fold(SIGNED[1:])
