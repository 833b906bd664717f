"""
The commands. One method is one command is one transaction: read, decide, save, append history, commit.

A `CallbackService` belongs to one tenant, and reaches no row of another. It has no thread and no socket; it reads
the clock that it is given, once for each command. It may be used from any thread at any time.
"""

from __future__ import annotations

from callbackq.service.agents import AgentCommands
from callbackq.service.base import CONFLICT_TRIES
from callbackq.service.board import BoardQuestions
from callbackq.service.calls import CallCommands
from callbackq.service.doctoring import DoctorCommands
from callbackq.service.figures import FiguresCommands
from callbackq.service.histories import HistoryCommands
from callbackq.service.listing import ListQuestions
from callbackq.service.order import HeadStart, OrderCommands
from callbackq.service.planning import PlanningCommands
from callbackq.service.promises import PromiseCommands
from callbackq.service.pruning import PruningCommands
from callbackq.service.queues import QueueCommands
from callbackq.service.reading import Questions
from callbackq.service.replies import ReplyCommands
from callbackq.service.reports import ReportCommands
from callbackq.service.settling import SettlingCommands
from callbackq.service.slots import SlotCommands
from callbackq.service.verifying import VerifyCommands

__all__ = ["CONFLICT_TRIES", "CallbackService", "HeadStart"]


class CallbackService(
    ReplyCommands,
    CallCommands,
    PromiseCommands,
    OrderCommands,
    QueueCommands,
    AgentCommands,
    ReportCommands,
    SettlingCommands,
    SlotCommands,
    VerifyCommands,
    PruningCommands,
    HistoryCommands,
    PlanningCommands,
    FiguresCommands,
    DoctorCommands,
    BoardQuestions,
    ListQuestions,
    Questions,
):
    """
    The promises of one tenant.

    Args:
        store: where everything is kept.
        policies: one for each queue.
        clock: `SystemClock()`, or a clock of the host.
        ids: where ids come from; random ones unless given.
        tenant_id: whose promises. One store can hold many tenants; make a service for each.
        caps: how many callbacks are dialed at once and per minute over all its queues; see `QueuePolicy.caps`.
        hours: when each queue is open; as their policies say, unless given.
        estimator: how waits are estimated; `BestAvailable()` unless given.
        tickets: a help desk, in which tickets are opened for requests without a live call; none unless given.
        capacity: how many seats a slot has, for queues whose `SlotPolicy` leaves it to the host.
        do_not_call: who must not be called; nobody unless given.
        codes: what sends one-time codes; without it none can be sent.
        limits: how many requests are taken over all queues; see `QueuePolicy.limits` for those of one.
        listeners: told of what happens, after each commit that this service, its dispatcher and its runner make. What
            other processes do they do not hear, nor a commit of which nobody knows whether it happened
            (`CommitUncertain`): who must miss nothing reads the history, or is sent it (`callbackq.webhooks`).

    Raises:
        ConfigurationError: two policies for one queue; or what is no list of policies; or a queue that leaves its
            seats to a capacity, and none is given.

    Any error out of a method that its docstring does not name is a `StoreError`; or InvalidText, for an id that
    can be none; or UnknownQueue, for an offer in a queue without a policy here. Any other one is a bug. What was
    begun in a queue that is no longer configured is wound up by the default policy.
    """
