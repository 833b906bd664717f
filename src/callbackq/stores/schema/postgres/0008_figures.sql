-- Version 8: what figures are counted from. In tables of a great many rows an index takes a while to build, and nobody
-- has to wait for it. What always holds stands as a condition, so that no other question is answered by them.
--
-- migration: outside a transaction

-- The live calls of a queue in the order in which they entered it, whatever became of them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_calls_joined
    ON callbackq_calls (tenant_id, queue, entered_at, call_id) WHERE entered_at > '-infinity';

-- The attempts of one callback, in their order.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_attempts_of
    ON callbackq_attempts (tenant_id, callback_id, started_at, attempt_id) WHERE started_at > '-infinity';
