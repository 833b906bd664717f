-- Version 8: what a help desk knows a callback by. In a table of a great many callbacks an index takes a while to build,
-- and nobody has to wait for it.
--
-- migration: outside a transaction

-- The callbacks of a ticket, the latest asked for at the end.
CREATE INDEX CONCURRENTLY IF NOT EXISTS callbackq_callbacks_ticket
    ON callbackq_callbacks (tenant_id, ticket_id, requested_at, callback_id)
    WHERE ticket_id IS NOT NULL;
