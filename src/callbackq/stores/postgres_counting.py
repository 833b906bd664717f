"""
How much there is in a queue, in PostgreSQL: callbacks by their states, agents by theirs, and who entered first.

The rule: as in `postgres_statements`. An index holds all that is counted here; no row is read, but those of agents.
"""

from __future__ import annotations

from typing import Final

from callbackq.model import CallbackState
from callbackq.stores.postgres_statements import CALLBACKS, STAFFED_SKILLS

_IN_STATE: Final = (
    "FROM callbackq_callbacks WHERE tenant_id = $1 AND queue = $2"
    " AND state = '{}' AND state <> 'ended' AND entered_at > '-infinity'"
)
COUNTED_STATES: Final = tuple(state for state in CallbackState if state is not CallbackState.ENDED)
CALLBACKS_COUNTS: Final = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM (SELECT 1 {_IN_STATE.format(state)} LIMIT $3) AS counted)"
    for state in COUNTED_STATES
)
CALLBACKS_IN_STATE: Final = (
    f"{CALLBACKS.select} AND queue = $2 AND state = $3 AND state <> 'ended' AND entered_at > '-infinity'"
    " ORDER BY entered_at, callback_id LIMIT $4"
)
_FIRST_ENTERED: Final = "ORDER BY entered_at LIMIT 1"
OLDEST: Final = f"""
    SELECT (SELECT entered_at FROM callbackq_calls WHERE tenant_id = $1 AND queue = $2 AND state = 'waiting'
               AND entered_at > '-infinity' {_FIRST_ENTERED}),
           (SELECT entered_at {_IN_STATE.format(CallbackState.WAITING)} {_FIRST_ENTERED})"""
STAFFED_STATES: Final = STAFFED_SKILLS.replace("skills", "state")
