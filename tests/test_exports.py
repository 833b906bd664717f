"""The public names: there, complete, in order, and said once."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import callbackq
from callbackq import effects, errors, ids, model, policy, ports

CLASSES_INSIDE: dict[ModuleType, set[str]] = {
    # Tables of a transaction: named through `Transaction`, implemented by stores.
    ports: {
        "AgentTable",
        "AttemptTable",
        "BookingTable",
        "CallTable",
        "CallbackTable",
        # What a store can do besides: runners ask for it.
        "CanListen",
        "CanSaveAll",
        "CanShareFlushes",
        "CanWorkAhead",
        "Listening",
        "CanGiveFacts",
        "CanGiveGists",
        "ConversationTable",
        "FactsTable",
        "HistoryTable",
        "HistoryTrace",
        "Lanes",
        "Line",
        "MessageTable",
        "NodeTable",
        "OptOutTable",
        "QueueTable",
        "SlotTable",
        "SubjectTable",
        "TallyTable",
        "VerificationTable",
        # Imported from `callbackq.webhooks`, and what a sender of one's own is given.
        "WebhookSender",
        "WebhookTable",
    },
    # What only those meet who write texts of their own: beside `lint`, in `callbackq.policy`.
    policy: {"Dates", "Finding"},
    # Rows that guard a rule: what is taken is told by `Slot`, and what is refused by errors.
    model: {
        "Conversation",
        "Question",
        "SlotCount",
        "SlotDay",
        "Tally",
        "Verification",
        "Webhook",
        "WebhookAnswer",
        "WebhookOrder",
        "WebhookState",
    },
}


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: as the linter sorts them."""
    bare = name.strip("_")
    if bare.isupper() and len(bare) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def test_public_names_are_in_order_and_said_once() -> None:
    """So that a name is found, and a doubled one is seen."""
    assert list(callbackq.__all__) == sorted(set(callbackq.__all__), key=order)


@pytest.mark.parametrize("name", callbackq.__all__)
def test_a_public_name_is_there(name: str) -> None:
    """Every name of `__all__` can be imported."""
    assert getattr(importlib.import_module("callbackq"), name) is not None


def test_nothing_is_imported_that_is_not_public() -> None:
    """What stands at the top without being in `__all__` is a module, and nothing else."""
    hidden = {
        name: value
        for name, value in vars(callbackq).items()
        if not name.startswith("_") and name not in callbackq.__all__
    }
    assert {name for name, value in hidden.items() if not inspect.ismodule(value)} == set()


def test_every_error_is_public() -> None:
    """A host catches errors by the names at the top."""
    assert set(errors.__all__) <= set(callbackq.__all__)
    assert all(getattr(callbackq, name) is getattr(errors, name) for name in errors.__all__)


@pytest.mark.parametrize("module", [effects, ids, model, policy, ports])
def test_every_class_that_a_host_meets_is_public(module: ModuleType) -> None:
    """Records, values, effects, settings and protocols; and the ids."""
    own = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (getattr(value, "__module__", None) or "").startswith(module.__name__)
        if inspect.isclass(value) or module is ids
    }
    missing = own - set(callbackq.__all__) - CLASSES_INSIDE.get(module, set()) - {"make_id"}
    assert missing == set()


def test_a_star_import_gives_the_public_names() -> None:
    """And no more."""
    namespace: dict[str, object] = {}
    exec("from callbackq import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(callbackq.__all__)


def test_importing_is_cheap_and_quiet() -> None:
    """No thread, and none of the packages that are slow or optional, until they are needed."""
    script = (
        "import sys, threading, callbackq\n"
        "slow = {'phonenumbers', 'dateutil', 'typer', 'rich', 'pytest', 'hypothesis', 'asyncio'}\n"
        "print(sorted(slow & set(sys.modules)), threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] 1"
    assert done.stderr == ""
