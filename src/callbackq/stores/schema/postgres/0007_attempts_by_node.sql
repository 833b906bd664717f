-- Version 7, before the rest of it: in a table of a great many attempts an index takes a while to build, and nobody has
-- to wait for it.
--
-- migration: outside a transaction

-- What a node has begun and not ended: another one takes it over.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_attempts_node ON callbackq_attempts (tenant_id, node_id, attempt_id)
    WHERE state <> 'ended' AND node_id IS NOT NULL;
