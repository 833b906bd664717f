"""`callbackq webhooks`: how far the endpoints of webhooks were told, and what people may say about that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import attrs

from callbackq.cli.common import new_table, print_json, refuse, wide_page
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.moments import iso, read_moment, shown
from callbackq.model import Webhook
from callbackq.ports import Commit
from callbackq.service import CallbackService
from callbackq.webhooks import close_endpoint, open_endpoint, replay, webhook_rows


@attrs.frozen(kw_only=True)
class Asked:
    """What is to be done; the state is shown in any case."""

    replay: str | None
    from_number: int | None
    from_at: str | None
    opens: str | None
    closes: str | None
    as_json: bool


def run(kept: Kept, asked: Asked) -> None:
    """Do what was asked, and show how far all endpoints are."""
    if sum(name is not None for name in (asked.replay, asked.opens, asked.closes)) > 1:
        refuse("One thing at a time: --replay, --open or --close.")
    if (asked.replay is None) is not (asked.from_number is None and asked.from_at is None):
        refuse("--replay wants --from or --from-number, and these want --replay.")
    if asked.from_number is not None and asked.from_at is not None:
        refuse("Say --from or --from-number, and not both.")
    with service_of(kept) as service:
        if asked.replay is not None:
            moment = read_moment(asked.from_at, "--from", zone=UTC, now=service.now())
            replay(service, asked.replay, from_number=asked.from_number, from_at=moment)
        if asked.opens is not None:
            open_endpoint(service, asked.opens)
        if asked.closes is not None:
            close_endpoint(service, asked.closes)
        rows, last = webhook_rows(service), _last_number(service)
    if asked.as_json:
        print_json({"last_number": last, "webhooks": [_figures(row, last) for row in rows]})
    else:
        _show(rows, last)


def _last_number(service: CallbackService) -> int:
    with service.transaction(Commit.READ_ONLY) as tx:
        return tx.history.last_number()


def _figures(row: Webhook, last: int) -> dict[str, Any]:
    return {
        "endpoint": row.endpoint,
        "about": row.about or None,
        "callback_id": row.callback_id,
        "state": row.state.value,
        "position": row.position,
        "behind_by": last - row.position if not row.about else None,
        "tries": row.tries_count,
        "failing_since_at": iso(row.failing_since_at),
        "rests_until_at": iso(row.rests_until_at),
        "last_error": row.last_error,
        "delivered_at": iso(row.delivered_at),
    }


def _show(rows: Sequence[Webhook], last: int) -> None:
    console = wide_page()
    if not rows:
        console.print("No endpoint is known in this store: a host makes them known with callbackq.webhooks.")
        return
    table = new_table(console)
    for heading in (
        "endpoint",
        "about",
        "state",
        "position",
        "tries",
        "failing since",
        "last error",
        "delivered",
    ):
        table.add_column(heading, justify="right" if heading in {"position", "tries"} else "left")
    for row in rows:
        position = str(row.position) if row.about else f"{row.position} of {last}"
        table.add_row(
            row.endpoint if not row.about else "",
            row.about,
            row.state.value,
            position,
            str(row.tries_count),
            shown(row.failing_since_at, UTC),
            row.last_error or "-",
            shown(row.delivered_at, UTC),
        )
    console.print(table, markup=False)
