-- Version 8: what a help desk knows a callback by.
--
-- migration: additive

-- The callbacks of a ticket, the latest asked for at the end.
CREATE INDEX callbackq_callbacks_ticket ON callbackq_callbacks (tenant_id, ticket_id, requested_at, callback_id)
    WHERE ticket_id IS NOT NULL;
