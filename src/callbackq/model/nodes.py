"""Nodes: the processes that run a dispatcher, as they see one another."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from callbackq.ids import NodeId, TenantId
from callbackq.model.words import DueReason


class NodeState(enum.StrEnum):
    """Where a node stands. `core.nodes` says what follows."""

    UP = "up"
    """It begins attempts, and beats."""
    DRAINING = "draining"
    """It begins nothing, and finishes what it began."""
    GONE = "gone"
    """It has nothing left to finish, or another node has it."""


@attrs.frozen(kw_only=True)
class Node:
    """
    One process that runs a dispatcher for one tenant.

    It says that it is there by a new version of its row, at least three times in each lease: it *beats*. A node that
    is silent for longer is taken over. `instance_id` tells a process from the one that had the same name before it.
    All instants are by the node's own clock. `fingerprints` are digests, by queue, of the settings that order a line:
    nodes in which they differ must not serve the same queue. `release` and `schema_version` say what it runs.

    There is no history of nodes: what they did stands in that of the attempts.
    """

    tenant_id: TenantId
    node_id: NodeId
    version: int
    state: NodeState
    instance_id: str
    started_at: datetime
    seen_at: datetime
    lease_until_at: datetime
    schema_version: int
    release: str
    fingerprints: Mapping[str, str] = attrs.field(factory=dict[str, str])
    due_at: datetime | None
    due_reason: DueReason | None

    @property
    def lease(self) -> timedelta:
        """How long it may be silent."""
        return self.lease_until_at - self.seen_at
