"""`callbackq webhooks`: the state of endpoints, and what is said about them, on a store of a host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from callbackq import CallbackService, QueuePolicy, SQLiteStore
from callbackq.cli.app import app
from callbackq.model import WebhookAnswer
from callbackq.testing import ManualClock
from callbackq.testing.webhooks import FakeReceiver, make_endpoint
from callbackq.webhooks import Webhooks, WebhookState, webhook_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "callbacks.db"


@pytest.fixture
def service(path: Path) -> Iterator[CallbackService]:
    """A host with one endpoint, which takes no event of the first callback."""
    store = SQLiteStore(path)
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    receiver = FakeReceiver()
    receiver.answers.append(WebhookAnswer(status=500))
    webhooks = Webhooks(service, [make_endpoint()], sender=receiver)
    for number in ("+12125550101", "+12125550102"):
        service.request("support", number=number)
    webhooks.deliver_due(service.now())
    yield service
    store.close()


def said(path: Path, *options: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["webhooks", str(path), *options])
    assert done.exit_code == code, done.output
    return done.output


def figures(path: Path, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(path, "--json", *options))["webhooks"]
    return found


def test_it_shows_what_an_endpoint_is_behind_with(path: Path, service: CallbackService) -> None:
    """As a table, and as figures; with the last error, and nobody's number."""
    shown = said(path)
    assert "crm" in shown
    assert "2 of 2" in shown
    assert "answered 500" in shown
    assert "+1212" not in shown
    own, behind = figures(path)
    assert (own["state"], own["behind_by"]) == ("open", 0)
    assert (behind["state"], behind["tries"], behind["last_error"]) == ("behind", 1, "answered 500")


def test_it_replays_opens_and_closes(path: Path, service: CallbackService) -> None:
    """The host does it at its next round."""
    assert figures(path, "--close", "crm")[0]["state"] == "disabled"
    assert figures(path, "--open", "crm")[0]["state"] == "open"
    assert figures(path, "--replay", "crm", "--from-number", "2")[0]["position"] == 1
    assert figures(path, "--replay", "crm", "--from", "2026-01-05")[0]["position"] == 0
    assert [row.state for row in webhook_rows(service)] == [WebhookState.OPEN]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--replay", "crm"], "wants --from or --from-number"),
        (["--from-number", "3"], "want --replay"),
        (["--replay", "crm", "--from", "1d", "--from-number", "3"], "not both"),
        (["--open", "crm", "--close", "crm"], "One thing at a time"),
        (["--open", "desk"], "no endpoint 'desk'"),
        (["--replay", "crm", "--from", "yesterday"], "--from cannot be read"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    path: Path, service: CallbackService, options: list[str], sentence: str
) -> None:
    """With code 2."""
    assert sentence in said(path, *options, code=2)


def test_a_store_without_endpoints_says_so(path: Path) -> None:
    """It is not an error."""
    SQLiteStore(path).close()
    assert "No endpoint is known" in said(path)
