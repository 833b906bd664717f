-- Version 7: views for reports.
--
-- migration: additive

DROP VIEW callbackq_v_due;

-- What time alone will change, soonest first.
CREATE VIEW callbackq_v_due AS
SELECT tenant_id, due_at, due_reason, 'callback' AS entity, callback_id AS id, state
  FROM callbackq_callbacks WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'call', call_id, state FROM callbackq_calls WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'agent', agent_id, state FROM callbackq_agents WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'attempt', attempt_id, state FROM callbackq_attempts WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'booking', booking_id, state FROM callbackq_bookings WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'message', message_id, state FROM callbackq_messages WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'node', node_id, state FROM callbackq_nodes WHERE due_at IS NOT NULL
ORDER BY 1, 2;

-- How callbacks ended, and after how long; and how far the quote was off.
CREATE VIEW callbackq_v_ended AS
SELECT
    tenant_id,
    queue,
    callback_id,
    channel,
    purpose,
    priority,
    outcome,
    last_disposition,
    attempts_count,
    requested_at,
    turn_at,
    ended_at,
    round((julianday(turn_at) - julianday(requested_at)) * 86400, 3)  AS turn_after_s,
    round((julianday(ended_at) - julianday(requested_at)) * 86400, 3) AS ended_after_s,
    quoted_wait_s,
    round((julianday(turn_at) - julianday(requested_at)) * 86400 - quoted_wait_s, 3) AS quote_error_s
FROM callbackq_callbacks
WHERE ended_at IS NOT NULL;

-- Which processes serve the line, when each was last heard of, and what it has under way.
CREATE VIEW callbackq_v_nodes AS
SELECT
    tenant_id,
    node_id,
    state,
    started_at,
    seen_at,
    lease_until_at,
    release,
    schema_version,
    (SELECT count(*) FROM callbackq_attempts AS attempt
      WHERE attempt.tenant_id = node.tenant_id AND attempt.node_id = node.node_id
        AND attempt.state <> 'ended') AS attempts_open
FROM callbackq_nodes AS node
ORDER BY tenant_id, node_id;
