-- Version 8: what a wallboard counts.
--
-- migration: additive

-- How many callbacks are in each state, and who of them entered first.
CREATE INDEX callbackq_callbacks_states ON callbackq_callbacks (tenant_id, queue, state, entered_at, callback_id)
    WHERE state <> 'ended';

-- Which live call has waited longest, whatever its rank.
CREATE INDEX callbackq_calls_entered ON callbackq_calls (tenant_id, queue, entered_at, state)
    WHERE state = 'waiting';
