"""What one world of kills is drawn from: how many nodes, how the world around them is, and where they die."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.testing.faultpoints import fault_points


@attrs.frozen(kw_only=True)
class Nature:
    """
    What one world is like.

    Args:
        nodes: how many processes there are, when all live.
        at_once: several nodes are given work at the same moment: what happens then depends on the machine as well.
        kills: how many deaths there are to be, at most.
        can_snapshot: the telephony can say which legs it has.
        repeats: reports of the telephony are repeated until somebody takes them; else they are lost with a node.
        names_sends: receipts of the provider name the send by our id.
    """

    nodes: int
    at_once: bool
    kills: int
    can_snapshot: bool
    repeats: bool
    names_sends: bool


def draw_nature(random: Random) -> Nature:
    """Draw what a world is like."""
    nodes = random.choice((1, 1, 1, 2, 2, 3))
    return Nature(
        nodes=nodes,
        at_once=nodes > 1 and random.random() < 0.5,
        kills=random.choice((2, 3, 4, 5)),
        can_snapshot=random.random() < 0.75,
        repeats=random.random() < 0.7,
        names_sends=random.random() < 0.5,
    )


NEVER_PASSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CanListen.listen": "runners listen that sleep; these nodes are stepped",
        "Listening.wait": "as CanListen.listen",
        "Listening.stop": "as CanListen.listen",
        "Listening.close": "as CanListen.listen",
        "HistoryTable.all": "the engine reads no whole history; checks do",
        "Line.waiting_count": "the engine counts places before one",
        "NodeTable.due": "the engine looks at the nodes that are present",
        "CallbackTable.of_ticket": "no help desk of these worlds opens a ticket again",
        "CanShareFlushes.when_flushed": "nobody listens in these nodes",
        "CallbackTable.counts": "nobody looks at a wallboard: it only reads",
        "CallbackTable.in_state": "as CallbackTable.counts",
        "AgentTable.counts": "as CallbackTable.counts",
        "Line.oldest": "as CallbackTable.counts",
        "CallbackTable.requested": "nobody lists or exports: that only reads",
        "QueueTable.with_callbacks": "as CallbackTable.requested",
        "Transaction.page": "as CallbackTable.requested",
        "FactsTable.queues": "nobody asks for figures: they are only read",
        "FactsTable.count": "as FactsTable.queues",
        "FactsTable.calls": "as FactsTable.queues",
        "FactsTable.callbacks": "as FactsTable.queues",
        "CanGiveGists.call_gists": "as FactsTable.queues",
        "CanGiveGists.callback_gists": "as FactsTable.queues",
        "WebhookSender.send": "no webhooks are sent by these nodes; tests/service/test_webhooks.py dies at each place",
        "WebhookTable.of_endpoint": "as WebhookSender.send",
        "WebhookTable.endpoints": "as WebhookSender.send",
        "WebhookTable.remove": "as WebhookSender.send",
        "Transaction.save Webhook": "as WebhookSender.send",
        "HistoryTable.settled_number": "as WebhookSender.send",
        "HistoryTable.last_number": "as WebhookSender.send",
    }
)
"""Places that no node comes to in these worlds, and why. All others are passed, on one store at least."""
_WEIGHTS: Final[Mapping[str, float]] = {
    "Store.commit flushed": 14,
    "Store.commit relaxed": 6,
    "Telephony.": 5,
    "Messenger.": 12,
    "CanSnapshot.": 4,
    "Tickets.": 4,
    "Notices.": 4,
    "CodeSender.": 4,
    "Transaction.save": 2,
    "HistoryTable.append": 4,
    "SlotTable.locked": 3,
}


@cache
def points_to_die_at() -> tuple[str, ...]:
    """Return the fault points to which nodes come."""
    return tuple(point for point in fault_points() if point.partition(" ")[2] not in NEVER_PASSED)


def draw_point(random: Random) -> str:
    """Draw a fault point; those where something leaves the process, or becomes true, more often."""
    points = points_to_die_at()
    weights = [next((weight for sign, weight in _WEIGHTS.items() if sign in point), 0.5) for point in points]
    return random.choices(points, weights=weights)[0]
