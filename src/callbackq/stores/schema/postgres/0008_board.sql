-- Version 8: what a wallboard counts. In tables of a great many rows an index takes a while to build, and nobody has
-- to wait for it.
--
-- migration: outside a transaction

-- How many callbacks are in each state, and who of them entered first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_callbacks_states
    ON callbackq_callbacks (tenant_id, queue, state, entered_at, callback_id)
    WHERE state <> 'ended' AND entered_at > '-infinity';

-- Which live call has waited longest, whatever its rank.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_calls_entered ON callbackq_calls (tenant_id, queue, entered_at)
    WHERE state = 'waiting' AND entered_at > '-infinity';
