-- Version 8: what figures are counted from.
--
-- migration: additive

-- The live calls of a queue in the order in which they entered it, whatever became of them.
CREATE INDEX callbackq_calls_joined ON callbackq_calls (tenant_id, queue, entered_at, call_id);

-- The attempts of one callback, in their order.
CREATE INDEX callbackq_attempts_of ON callbackq_attempts (tenant_id, callback_id, started_at, attempt_id);
