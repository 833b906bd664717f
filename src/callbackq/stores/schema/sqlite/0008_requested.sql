-- Version 8: what a list of callbacks reads.
--
-- migration: additive

-- The callbacks of a queue in the order in which they were asked for, whatever became of them.
CREATE INDEX callbackq_callbacks_requested ON callbackq_callbacks (tenant_id, queue, requested_at, callback_id);
