-- Version 8, before the rest of it: in a table of a great many callbacks an index takes a while to build, and nobody has
-- to wait for it.
--
-- migration: outside a transaction

-- The callbacks of a queue in the order in which they were asked for, whatever became of them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_callbacks_requested
    ON callbackq_callbacks (tenant_id, queue, requested_at, callback_id) WHERE requested_at > '-infinity';
