"""`callbackq cancel`: a promise is taken back, while a host may be at work in the store."""

from __future__ import annotations

from callbackq.cli.common import page, print_json
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.moments import iso


def run(kept: Kept, *, callback_id: str, by: str, reason: str | None, as_json: bool) -> None:
    """Cancel, and say since when. What is cancelled already stays as it is."""
    with service_of(kept) as service:
        done = service.cancel(callback_id, reason=reason, by=by)
    if as_json:
        assert done.outcome is not None
        print_json(
            {
                "callback_id": done.callback_id,
                "outcome": done.outcome.value,
                "ended_at": iso(done.ended_at),
                "attempts": done.attempts_count,
            }
        )
        return
    page().print(f"Cancelled: {done.callback_id}", highlight=False, markup=False, soft_wrap=True)
