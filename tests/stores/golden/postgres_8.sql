SET check_function_bodies = false;
CREATE SCHEMA callbackq_golden;
CREATE FUNCTION callbackq_golden.callbackq_keep_agent_queues() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'callbackq_golden'
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM callbackq_agent_queues
         WHERE tenant_id = OLD.tenant_id AND agent_id = OLD.agent_id
           AND queue IN (SELECT jsonb_array_elements_text(OLD.queues));
    END IF;
    IF NEW.state <> 'signed_out' THEN
        INSERT INTO callbackq_agent_queues (tenant_id, queue, agent_id)
        SELECT DISTINCT NEW.tenant_id, queue, NEW.agent_id FROM jsonb_array_elements_text(NEW.queues) AS queue;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION callbackq_golden.callbackq_keep_legs() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'callbackq_golden'
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM callbackq_legs
         WHERE tenant_id = OLD.tenant_id AND attempt_id = OLD.attempt_id
           AND leg_id IN (OLD.agent_leg_id, OLD.customer_leg_id);
    END IF;
    INSERT INTO callbackq_legs (tenant_id, leg_id, attempt_id)
    SELECT DISTINCT NEW.tenant_id, leg_id, NEW.attempt_id
      FROM unnest(ARRAY[NEW.agent_leg_id, NEW.customer_leg_id]) AS leg_id;
    RETURN NULL;
END
$$;
CREATE TABLE callbackq_golden.callbackq_agent_queues (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C"
);
COMMENT ON TABLE callbackq_golden.callbackq_agent_queues IS 'Which agents serve which queue now: one row for each queue of each agent who is not signed out. A trigger of callbackq_agents keeps it; nothing else writes to it.';
COMMENT ON COLUMN callbackq_golden.callbackq_agent_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_agent_queues.queue IS 'a queue that the agent serves';
COMMENT ON COLUMN callbackq_golden.callbackq_agent_queues.agent_id IS 'an agent who is not signed out';
CREATE TABLE callbackq_golden.callbackq_agents (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    queues jsonb NOT NULL,
    skills jsonb NOT NULL,
    since_at timestamp with time zone NOT NULL,
    attempt_id text COLLATE pg_catalog."C",
    call_id text COLLATE pg_catalog."C",
    leaving boolean NOT NULL,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT agent_due CHECK (((state = 'signed_out'::text) = (due_at IS NULL))),
    CONSTRAINT agent_lists CHECK (((jsonb_typeof(queues) = 'array'::text) AND (jsonb_typeof(skills) = 'array'::text))),
    CONSTRAINT agent_state CHECK ((state = ANY (ARRAY['available'::text, 'reserved'::text, 'busy'::text, 'wrap_up'::text, 'cooling_down'::text, 'signed_out'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_agents IS 'One row for each human who takes calls.';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.agent_id IS 'the host''s own id of the agent';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.state IS 'what the agent does';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.queues IS 'list of the queues that are served';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.skills IS 'list of skills';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.since_at IS 'when the present state began';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.attempt_id IS 'the attempt that the agent is held for';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.call_id IS 'the live call that the agent talks to';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.leaving IS 'whether the agent is signed out when the present work is over';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_agents.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_attempts (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    attempt_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    callback_id text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    subject_id text NOT NULL COLLATE pg_catalog."C",
    number_key text NOT NULL COLLATE pg_catalog."C",
    mode text NOT NULL COLLATE pg_catalog."C",
    announces text COLLATE pg_catalog."C",
    agent_id text COLLATE pg_catalog."C",
    node_id text NOT NULL COLLATE pg_catalog."C",
    agent_leg_id text NOT NULL COLLATE pg_catalog."C",
    agent_leg text NOT NULL COLLATE pg_catalog."C",
    agents_rung_count bigint NOT NULL,
    agent_until_at timestamp with time zone,
    customer_leg_id text NOT NULL COLLATE pg_catalog."C",
    customer_leg text NOT NULL COLLATE pg_catalog."C",
    customer_until_at timestamp with time zone,
    customer_rang boolean NOT NULL,
    customer_answered_at timestamp with time zone,
    number_index bigint NOT NULL,
    answered_by text COLLATE pg_catalog."C",
    confirmation text COLLATE pg_catalog."C",
    recording_id text COLLATE pg_catalog."C",
    disposition text COLLATE pg_catalog."C",
    started_at timestamp with time zone NOT NULL,
    connected_at timestamp with time zone,
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT attempt_due CHECK (((state = 'ended'::text) = (due_at IS NULL))),
    CONSTRAINT attempt_state CHECK ((state = ANY (ARRAY['intended'::text, 'agent_on_line'::text, 'confirming'::text, 'customer_on_line'::text, 'joining'::text, 'connected'::text, 'ending'::text, 'ended'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_attempts IS 'One row for each try to connect one callback: an agent''s leg and a customer''s leg.';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.attempt_id IS 'at_…';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.state IS 'where it stands';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.callback_id IS 'the callback that it tries to connect';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.mode IS 'which leg starts when';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.announces IS 'what the customer is to be told, where no agent takes part';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.agent_id IS 'the agent who is reserved; none while one is looked for';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.node_id IS 'the process that started it';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.agent_leg_id IS 'the id of the first agent''s leg; the n-th agent who is rung has the same with .n behind it';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.agent_leg IS 'how far the leg of the latest agent has come';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.agents_rung_count IS 'how many agents were rung so far';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.agent_until_at IS 'by when the agent''s leg must have gone on';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.customer_leg_id IS 'the id of the customer''s leg; dialed at most once';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.customer_leg IS 'how far the customer''s leg has come';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.customer_until_at IS 'by when the customer''s leg must have gone on';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.customer_rang IS 'whether the customer''s phone rang';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.customer_answered_at IS 'when the customer''s phone was answered';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.number_index IS 'which number of the person it dials: 0 the main one, n the n-th alternative';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.answered_by IS 'who or what answered the customer''s phone';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.confirmation IS 'what the customer said to "press 1 to connect"';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.recording_id IS 'the telephony''s own name for a recording';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.disposition IS 'how it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.started_at IS 'when the intent was stored';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.connected_at IS 'when both could hear each other';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_attempts.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_bookings (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    booking_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    slot_at timestamp with time zone NOT NULL,
    length bigint NOT NULL,
    seat text NOT NULL COLLATE pg_catalog."C",
    wall_at text NOT NULL COLLATE pg_catalog."C",
    zone text NOT NULL COLLATE pg_catalog."C",
    fold bigint NOT NULL,
    window_until_at timestamp with time zone,
    callback_id text COLLATE pg_catalog."C",
    call_id text COLLATE pg_catalog."C",
    agent_id text COLLATE pg_catalog."C",
    held_at timestamp with time zone NOT NULL,
    booked_at timestamp with time zone,
    moves_count bigint NOT NULL,
    repeats text COLLATE pg_catalog."C",
    series_id text COLLATE pg_catalog."C",
    reminded_at timestamp with time zone,
    late_at timestamp with time zone,
    ended_as text COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT booking_due CHECK (((state = 'ended'::text) = (due_at IS NULL))),
    CONSTRAINT booking_state CHECK ((state = ANY (ARRAY['held'::text, 'booked'::text, 'ended'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_bookings IS 'One row for each seat in a slot: held for somebody who decides, or booked for a callback.';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.booking_id IS 'bk_…';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.state IS 'held, booked, ended';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.slot_at IS 'when the slot begins; it follows from wall_at, zone and fold';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.length IS 'of the slot, in microseconds';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.seat IS 'usual: one for everybody; kept: one that is kept for better priorities';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.wall_at IS 'the time on the wall that was promised, such as 2026-03-10T15:00:00';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.zone IS 'the time zone of that wall';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.fold IS '1: the second of two hours that read the same, when clocks go back';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.window_until_at IS 'the end of the time window that the customer gave: until then it is not late';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.callback_id IS 'the callback that it is for; none while it is only held';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.call_id IS 'the live call for whose caller it was held';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.agent_id IS 'the agent in whose own calendar it stands';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.held_at IS 'when the seat was taken';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.booked_at IS 'when it was booked';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.moves_count IS 'how often it was rescheduled';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.repeats IS 'the rule of its series, as in RFC 5545, without RRULE:';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.series_id IS 'the first booking of its series';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.reminded_at IS 'when agent and customer were reminded';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.late_at IS 'when it was said to be late';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.ended_as IS 'how it ended: used, or its seat is free again';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_bookings.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_callbacks (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    callback_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    subject_id text NOT NULL COLLATE pg_catalog."C",
    call_id text COLLATE pg_catalog."C",
    channel text NOT NULL COLLATE pg_catalog."C",
    mode text NOT NULL COLLATE pg_catalog."C",
    priority bigint NOT NULL,
    lane bigint NOT NULL,
    place_id text NOT NULL COLLATE pg_catalog."C",
    entered_at timestamp with time zone NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    ranked_at timestamp with time zone NOT NULL,
    rank bigint NOT NULL,
    scheduled_at timestamp with time zone,
    booking_id text COLLATE pg_catalog."C",
    expires_at timestamp with time zone NOT NULL,
    preferred_agent_id text COLLATE pg_catalog."C",
    preferred_until_at timestamp with time zone,
    owner_id text COLLATE pg_catalog."C",
    ticket_id text COLLATE pg_catalog."C",
    caller_id text COLLATE pg_catalog."C",
    media text COLLATE pg_catalog."C",
    called_in_id text COLLATE pg_catalog."C",
    purpose text NOT NULL COLLATE pg_catalog."C",
    consent_at timestamp with time zone,
    consent_ref text COLLATE pg_catalog."C",
    verification_id text COLLATE pg_catalog."C",
    follows_id text COLLATE pg_catalog."C",
    number_index bigint NOT NULL,
    turn_at timestamp with time zone,
    waited_long_at timestamp with time zone,
    dedup_key text COLLATE pg_catalog."C",
    request_key text COLLATE pg_catalog."C",
    attempt_id text COLLATE pg_catalog."C",
    attempts_count bigint NOT NULL,
    last_disposition text COLLATE pg_catalog."C",
    hold_reason text COLLATE pg_catalog."C",
    offer_id text COLLATE pg_catalog."C",
    quoted_position bigint,
    quoted_position_exact boolean NOT NULL,
    quoted_wait_s double precision,
    quoted_wait_low_s double precision,
    quoted_wait_high_s double precision,
    quoted_by text COLLATE pg_catalog."C",
    overtook_calls_count bigint NOT NULL,
    overtook_callbacks_count bigint NOT NULL,
    merged_into_id text COLLATE pg_catalog."C",
    score double precision,
    resolved boolean,
    outcome text COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT callback_due CHECK (((state = 'ended'::text) = (due_at IS NULL))),
    CONSTRAINT callback_state CHECK ((state = ANY (ARRAY['scheduled'::text, 'waiting'::text, 'attempting'::text, 'resting'::text, 'held'::text, 'ended'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_callbacks IS 'One row for each promise to call a customer back.';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.callback_id IS 'cb_…';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.state IS 'where it stands';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.call_id IS 'the live call that it was made from';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.channel IS 'how it was asked for';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.mode IS 'which leg starts when';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.place_id IS 'under which id the place was first taken; breaks ties';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.entered_at IS 'when the caller first entered the queue; never rewritten';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.requested_at IS 'when the promise was made';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.ranked_at IS 'the time that the order goes by';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.scheduled_at IS 'the time that was chosen, if one was';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.booking_id IS 'its seat in a slot, where the queue has slots';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.expires_at IS 'when it expires if it is not done';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.preferred_agent_id IS 'the agent who shall call back, if one was asked for';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.preferred_until_at IS 'until then it waits for that agent alone';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.owner_id IS 'the agent who asked for it';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.ticket_id IS 'the ticket in the host''s help desk';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.caller_id IS 'the number of the company that the customer is shown, if one was given';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.media IS 'handed to the telephony as the host gave it';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.called_in_id IS 'the live call with which the customer came back while waiting';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.purpose IS 'why the customer is called: requested, service, sales';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.consent_at IS 'when the customer agreed to be called';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.consent_ref IS 'the host''s own reference to how';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.verification_id IS 'the one-time code that proved the number';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.follows_id IS 'an earlier callback of the person that had just ended';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.number_index IS 'which number of the person is dialed next: 0 the main one, n the n-th alternative';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.turn_at IS 'when its turn first came';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.waited_long_at IS 'when it was said to have waited too long';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.dedup_key IS 'no two that have not ended hold the same one';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.request_key IS 'no two were ever made under the same one';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.attempt_id IS 'the attempt under way, or the one during which it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.attempts_count IS 'attempts that count, so far';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.last_disposition IS 'how the last attempt ended';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.hold_reason IS 'which rule forbids dialing while it is held';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.offer_id IS 'the offer that was accepted';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_position IS 'the position that the customer was told';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_position_exact IS 'false if that was an estimate';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_wait_s IS 'the estimated wait that the customer was told, in seconds';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_wait_low_s IS 'its lower end';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_wait_high_s IS 'its upper end';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.quoted_by IS 'the estimator that found it';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.overtook_calls_count IS 'live calls of its queue, priority and lane that stood before it when it was started';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.overtook_callbacks_count IS 'callbacks that did';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.merged_into_id IS 'the callback that it was merged into';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.score IS 'how it went, as the host reported afterwards';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.resolved IS 'whether the matter is settled, as the host reported';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_callbacks.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_calls (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    subject_id text COLLATE pg_catalog."C",
    priority bigint NOT NULL,
    lane bigint NOT NULL,
    place_id text NOT NULL COLLATE pg_catalog."C",
    entered_at timestamp with time zone NOT NULL,
    ranked_at timestamp with time zone NOT NULL,
    rank bigint NOT NULL,
    preferred_agent_id text COLLATE pg_catalog."C",
    preferred_until_at timestamp with time zone,
    offers_count bigint NOT NULL,
    declines_count bigint NOT NULL,
    declined_at timestamp with time zone,
    quoted_at timestamp with time zone,
    quoted_position bigint,
    quoted_wait_s double precision,
    quoted_wait_low_s double precision,
    quoted_wait_high_s double precision,
    quoted_by text COLLATE pg_catalog."C",
    offer_id text COLLATE pg_catalog."C",
    offer_until_at timestamp with time zone,
    overtook_calls_count bigint NOT NULL,
    overtook_callbacks_count bigint NOT NULL,
    agent_id text COLLATE pg_catalog."C",
    taken_at timestamp with time zone,
    callback_id text COLLATE pg_catalog."C",
    returns_for_id text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT call_due CHECK (((state = 'ended'::text) = (due_at IS NULL))),
    CONSTRAINT call_state CHECK ((state = ANY (ARRAY['waiting'::text, 'taken'::text, 'ended'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_calls IS 'One row for each caller on the line. Live calls and callbacks stand in one line.';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.call_id IS 'the host''s own id of it';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.state IS 'waiting, taken, ended';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.subject_id IS 'the person, if the caller id was known';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.place_id IS 'under which id the place was first taken; breaks ties';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.entered_at IS 'when the caller entered the queue; never rewritten';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.ranked_at IS 'the time that the order goes by';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.preferred_agent_id IS 'the agent who shall take it, if one was asked for';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.preferred_until_at IS 'until then it waits for that agent alone';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.offers_count IS 'how often a callback was offered';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.declines_count IS 'how often a callback was declined';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.declined_at IS 'when a callback was last declined';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_at IS 'when a callback was last offered; the rest of quoted_… is what was said then';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_position IS 'the position';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_wait_s IS 'the estimated wait, in seconds';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_wait_low_s IS 'its lower end';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_wait_high_s IS 'its upper end';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.quoted_by IS 'the estimator that found it';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.offer_id IS 'the offer that stands';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.offer_until_at IS 'until when it does';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.overtook_calls_count IS 'live calls of its queue, priority and lane that stood before it when it was taken';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.overtook_callbacks_count IS 'callbacks that did';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.agent_id IS 'the agent who took it';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.taken_at IS 'when an agent took it';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.callback_id IS 'the callback that it was turned into';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.returns_for_id IS 'the callback that its caller was waiting for, or had missed, when calling in';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_calls.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_conversations (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    conversation_key text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    question text COLLATE pg_catalog."C",
    wish text COLLATE pg_catalog."C",
    callback_id text COLLATE pg_catalog."C",
    choices jsonb NOT NULL,
    verification_id text COLLATE pg_catalog."C",
    tries_count bigint NOT NULL,
    until_at timestamp with time zone,
    last_callback_id text COLLATE pg_catalog."C",
    heard_ids jsonb NOT NULL,
    heard_at timestamp with time zone,
    helped_at timestamp with time zone,
    over_at timestamp with time zone NOT NULL,
    CONSTRAINT conversation_lists CHECK (((jsonb_typeof(choices) = 'array'::text) AND (jsonb_typeof(heard_ids) = 'array'::text))),
    CONSTRAINT conversation_tries CHECK ((tries_count >= 0))
);
COMMENT ON TABLE callbackq_golden.callbackq_conversations IS 'What was said last to and by each address, by each channel: neither a text nor a number. A row is deleted some time after over_at.';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.conversation_key IS 'keyed digest of the number or address, by channel';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.question IS 'what was asked and not answered yet';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.wish IS 'what is to be done with the answer';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.callback_id IS 'the callback that the question is about';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.choices IS 'list: what the numbers in the question mean';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.verification_id IS 'the one-time code that was sent to a new number';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.tries_count IS 'how many answers were given since the sender last paused';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.until_at IS 'until when the question stands';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.last_callback_id IS 'the callback that the last message was about';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.heard_ids IS 'list of digests of the ids of what was heard last';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.heard_at IS 'when the latest came';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.helped_at IS 'when text that was not understood was last answered with help';
COMMENT ON COLUMN callbackq_golden.callbackq_conversations.over_at IS 'when the row can be forgotten';
CREATE TABLE callbackq_golden.callbackq_history (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    history_number bigint NOT NULL,
    entity text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    state text COLLATE pg_catalog."C",
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    callback_id text COLLATE pg_catalog."C",
    call_id text COLLATE pg_catalog."C",
    attempt_id text COLLATE pg_catalog."C",
    booking_id text COLLATE pg_catalog."C",
    agent_id text COLLATE pg_catalog."C",
    subject_id text COLLATE pg_catalog."C",
    disposition text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    detail json,
    record_id text NOT NULL COLLATE pg_catalog."C",
    event_number bigint NOT NULL,
    digest text NOT NULL COLLATE pg_catalog."C"
);
COMMENT ON TABLE callbackq_golden.callbackq_history IS 'What happened: written in the same transaction as the row that it tells of, and never changed. The events of one record stand in their order. Numbers may have gaps, and two transactions that run at once may mix theirs.';
COMMENT ON COLUMN callbackq_golden.callbackq_history.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_history.history_number IS 'the order of writing, over all tenants; numbers may have gaps';
COMMENT ON COLUMN callbackq_golden.callbackq_history.entity IS 'callback, call, agent, attempt, queue, booking, opt_out, message, history';
COMMENT ON COLUMN callbackq_golden.callbackq_history.kind IS 'what happened';
COMMENT ON COLUMN callbackq_golden.callbackq_history.version IS 'of the row, after the event';
COMMENT ON COLUMN callbackq_golden.callbackq_history.at IS 'when it happened';
COMMENT ON COLUMN callbackq_golden.callbackq_history.state IS 'of the row, after the event; so is every column that the row has too';
COMMENT ON COLUMN callbackq_golden.callbackq_history.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_history.due_reason IS 'why it is looked at then';
COMMENT ON COLUMN callbackq_golden.callbackq_history.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_history.callback_id IS 'the callback concerned';
COMMENT ON COLUMN callbackq_golden.callbackq_history.call_id IS 'the live call concerned';
COMMENT ON COLUMN callbackq_golden.callbackq_history.attempt_id IS 'the attempt concerned';
COMMENT ON COLUMN callbackq_golden.callbackq_history.booking_id IS 'the booking concerned';
COMMENT ON COLUMN callbackq_golden.callbackq_history.agent_id IS 'the agent concerned';
COMMENT ON COLUMN callbackq_golden.callbackq_history.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_golden.callbackq_history.disposition IS 'how an attempt ended';
COMMENT ON COLUMN callbackq_golden.callbackq_history.outcome IS 'how a callback or a live call ended';
COMMENT ON COLUMN callbackq_golden.callbackq_history.reason IS 'why a callback ended, in one word, or as the host said; why a queue was switched; why a report was ignored';
COMMENT ON COLUMN callbackq_golden.callbackq_history.detail IS 'the other fields of this kind of event, exactly as they were written';
COMMENT ON COLUMN callbackq_golden.callbackq_history.record_id IS 'the id of the row; with entity, the name of a chain of events';
COMMENT ON COLUMN callbackq_golden.callbackq_history.event_number IS 'counted from 1 within the chain, without a gap';
COMMENT ON COLUMN callbackq_golden.callbackq_history.digest IS 'SHA-256, in hex, over the digest before it in the chain and over the event';
ALTER TABLE callbackq_golden.callbackq_history ALTER COLUMN history_number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME callbackq_golden.callbackq_history_history_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE callbackq_golden.callbackq_lanes (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    lane bigint NOT NULL,
    skills jsonb NOT NULL
);
COMMENT ON TABLE callbackq_golden.callbackq_lanes IS 'Sets of skills as small numbers, counted from 1 without a gap. Lane 0 needs no skill, and has no row. Rows are only ever added.';
COMMENT ON COLUMN callbackq_golden.callbackq_lanes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_lanes.lane IS 'counted from 1';
COMMENT ON COLUMN callbackq_golden.callbackq_lanes.skills IS 'list of skills, sorted';
CREATE TABLE callbackq_golden.callbackq_legs (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    leg_id text NOT NULL COLLATE pg_catalog."C",
    attempt_id text NOT NULL COLLATE pg_catalog."C"
);
COMMENT ON TABLE callbackq_golden.callbackq_legs IS 'To which attempt a leg belongs, for ever: one row for each leg of each attempt. A trigger of callbackq_attempts keeps it; nothing else writes to it.';
COMMENT ON COLUMN callbackq_golden.callbackq_legs.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_legs.leg_id IS 'the leg; never dialed twice';
COMMENT ON COLUMN callbackq_golden.callbackq_legs.attempt_id IS 'the attempt that it belongs to';
CREATE TABLE callbackq_golden.callbackq_messages (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    message_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    message_kind text NOT NULL COLLATE pg_catalog."C",
    cause text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    callback_id text COLLATE pg_catalog."C",
    booking_id text COLLATE pg_catalog."C",
    subject_id text COLLATE pg_catalog."C",
    is_answer boolean NOT NULL,
    channel text COLLATE pg_catalog."C",
    address_key text COLLATE pg_catalog."C",
    choices jsonb NOT NULL,
    sends_count bigint NOT NULL,
    tries_count bigint NOT NULL,
    channels_over jsonb NOT NULL,
    provider_key text COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    best_before_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    problem text COLLATE pg_catalog."C",
    ended_as text COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT message_due CHECK (((state = 'ended'::text) = (due_at IS NULL))),
    CONSTRAINT message_lists CHECK (((jsonb_typeof(choices) = 'array'::text) AND (jsonb_typeof(channels_over) = 'array'::text))),
    CONSTRAINT message_state CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'uncertain'::text, 'ended'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_messages IS 'The outbox: one row for each message to a customer, before it is sent and for good. It holds no text and no number.';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.message_id IS 'ms_…';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.state IS 'where it stands';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.message_kind IS 'what it is about';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.cause IS 'what it tells of; no two tell of the same';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.callback_id IS 'the callback that it is about';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.booking_id IS 'the booking that it is about';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.subject_id IS 'the person to whom it goes; none for a stranger, who is answered at once';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.is_answer IS 'whether it answers what the customer wrote';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.channel IS 'how it was given out last';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.address_key IS 'keyed digest of the number or address that it was given out to last';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.choices IS 'list: what the numbered choices in it mean';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.sends_count IS 'how often it was given out to be sent, over all channels';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.tries_count IS 'how often by the present channel';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.channels_over IS 'list of the channels that were given up';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.provider_key IS 'keyed digest of the provider''s own id of the latest send';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.created_at IS 'when it was queued';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.best_before_at IS 'after this it is not sent any more';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.sent_at IS 'when the provider had taken it';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.problem IS 'the provider''s own code, or why it was withdrawn';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.ended_as IS 'how it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_golden.callbackq_messages.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_meta (
    name text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL
);
COMMENT ON TABLE callbackq_golden.callbackq_meta IS 'What holds for all tables: schema_version, and the pepper of the keyed digests (or a fingerprint of it, where the host keeps it elsewhere).';
COMMENT ON COLUMN callbackq_golden.callbackq_meta.name IS 'schema_version, compatible_from (the lowest version whose releases may use the tables), and pepper, or pepper_fingerprint where the host keeps the pepper elsewhere';
COMMENT ON COLUMN callbackq_golden.callbackq_meta.value IS 'its value';
CREATE TABLE callbackq_golden.callbackq_nodes (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    node_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    lease_until_at timestamp with time zone NOT NULL,
    schema_version bigint NOT NULL,
    release text NOT NULL COLLATE pg_catalog."C",
    fingerprints jsonb NOT NULL,
    due_at timestamp with time zone,
    due_reason text COLLATE pg_catalog."C",
    CONSTRAINT node_due CHECK (((state = 'gone'::text) = (due_at IS NULL))),
    CONSTRAINT node_state CHECK ((state = ANY (ARRAY['up'::text, 'draining'::text, 'gone'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_nodes IS 'One row for each process that runs a dispatcher and beats, so that others see when it is gone. A row is kept, as gone, until it is forgotten.';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.node_id IS 'the name that the host gave it; it stands in its attempts';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.version IS 'grows by one with each change, and so with each beat';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.state IS 'up, draining or gone';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.instance_id IS 'of this start of the process; a restart has another one';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.started_at IS 'when it started';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.seen_at IS 'when it beat last';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.lease_until_at IS 'after this others may take its attempts over';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.schema_version IS 'the newest schema that its release knows';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.release IS 'the version of callbackq that it runs';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.fingerprints IS 'by queue, a digest of the settings that order its line';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.due_at IS 'the next moment at which time alone changes it; none once it is gone';
COMMENT ON COLUMN callbackq_golden.callbackq_nodes.due_reason IS 'why it is looked at then';
CREATE TABLE callbackq_golden.callbackq_opt_outs (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    number_key text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    calls_at timestamp with time zone,
    messages_at timestamp with time zone,
    by text COLLATE pg_catalog."C",
    changed_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE callbackq_golden.callbackq_opt_outs IS 'Who wants no calls, or no messages, at a number. It outlives the erasure of the person.';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.calls_at IS 'since when no calls; none: they may be made';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.messages_at IS 'since when no messages; none: they may be sent';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.by IS 'who said so, or how';
COMMENT ON COLUMN callbackq_golden.callbackq_opt_outs.changed_at IS 'when it was last changed';
CREATE TABLE callbackq_golden.callbackq_queues (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    offering_paused boolean NOT NULL,
    dialing_paused boolean NOT NULL,
    reason text COLLATE pg_catalog."C",
    changed_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE callbackq_golden.callbackq_queues IS 'What is switched on and off for a queue at run time. A queue has no row until something is switched.';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.queue IS 'the queue, or *';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.offering_paused IS 'whether no callback is offered';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.dialing_paused IS 'whether nobody is called back';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.reason IS 'as the host said';
COMMENT ON COLUMN callbackq_golden.callbackq_queues.changed_at IS 'when it was last switched';
CREATE TABLE callbackq_golden.callbackq_slot_days (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    day text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    full_count bigint NOT NULL,
    rules text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT slot_day_count CHECK ((full_count >= 0))
);
COMMENT ON TABLE callbackq_golden.callbackq_slot_days IS 'How many slots of each day are full, so that full days are passed over.';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.day IS 'the date in the zone of the queue, such as 2026-03-10';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.full_count IS 'slots that have no seat left for everybody';
COMMENT ON COLUMN callbackq_golden.callbackq_slot_days.rules IS 'the settings under which they were counted; under others the count says nothing';
CREATE TABLE callbackq_golden.callbackq_slots (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    slot_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    usual_count bigint NOT NULL,
    kept_count bigint NOT NULL,
    CONSTRAINT slot_counts CHECK (((usual_count >= 0) AND (kept_count >= 0)))
);
COMMENT ON TABLE callbackq_golden.callbackq_slots IS 'How many seats of each slot are taken: by bookings that have not given theirs back. There is no row before the first.';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.slot_at IS 'when the slot begins';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.usual_count IS 'seats for everybody that are taken';
COMMENT ON COLUMN callbackq_golden.callbackq_slots.kept_count IS 'seats kept for better priorities that are taken';
CREATE TABLE callbackq_golden.callbackq_subjects (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    subject_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL COLLATE pg_catalog."C",
    extension text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    language text COLLATE pg_catalog."C",
    alternatives jsonb NOT NULL,
    wrong_numbers jsonb NOT NULL,
    record_number text COLLATE pg_catalog."C",
    flagged_at timestamp with time zone,
    contexts jsonb NOT NULL,
    customer_id text COLLATE pg_catalog."C",
    tier text COLLATE pg_catalog."C",
    preferred_number text COLLATE pg_catalog."C",
    zone text COLLATE pg_catalog."C",
    channel text COLLATE pg_catalog."C",
    hours jsonb NOT NULL,
    email text COLLATE pg_catalog."C",
    pending_number text COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone,
    erased_at timestamp with time zone,
    CONSTRAINT subject_contexts CHECK ((jsonb_typeof(contexts) = 'object'::text)),
    CONSTRAINT subject_hours CHECK ((jsonb_typeof(hours) = 'object'::text)),
    CONSTRAINT subject_lists CHECK (((jsonb_typeof(alternatives) = 'array'::text) AND (jsonb_typeof(wrong_numbers) = 'array'::text)))
);
COMMENT ON TABLE callbackq_golden.callbackq_subjects IS 'The persons: the only table with personal data.';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.subject_id IS 'su_…';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.identity IS 'what makes two requests the same person';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.number IS 'in E.164';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.extension IS 'dialed after the answer';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.name IS 'as given';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.language IS 'as given';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.alternatives IS 'list of other numbers of the person, in the order in which they are tried';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.wrong_numbers IS 'list of numbers at which somebody else answered';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.record_number IS 'the number that the host''s own records have';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.flagged_at IS 'when the person was flagged for missing callbacks at chosen times';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.contexts IS 'the free context of each request, by callback or call id';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.customer_id IS 'the host''s own id of the customer: no two persons have the same';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.tier IS 'the host''s own name of the customer''s class of service';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.preferred_number IS 'the number that the customer prefers, on every channel';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.zone IS 'the zone of hours';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.channel IS 'how the customer prefers to be reached';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.hours IS 'when the customer wants to be called, by day of the week';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.email IS 'where messages go that are sent by e-mail';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.pending_number IS 'a new number that the customer gave by message and has not proved yet';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.created_at IS 'when the person was first seen';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.seen_at IS 'about when anything was last heard of the person';
COMMENT ON COLUMN callbackq_golden.callbackq_subjects.erased_at IS 'since when nothing of the person stands here any more';
CREATE TABLE callbackq_golden.callbackq_tallies (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    moments jsonb NOT NULL,
    weights jsonb NOT NULL,
    over_at timestamp with time zone NOT NULL,
    CONSTRAINT tally_lists CHECK (((jsonb_typeof(moments) = 'array'::text) AND (jsonb_typeof(weights) = 'array'::text)))
);
COMMENT ON TABLE callbackq_golden.callbackq_tallies IS 'What was counted lately, for limits over rolling windows. A row counts nothing after over_at, and is deleted then.';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.key IS 'what is counted; never a number, at most a keyed digest of one';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.moments IS 'list of instants, in microseconds since 1970';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.weights IS 'list: how much was counted at each';
COMMENT ON COLUMN callbackq_golden.callbackq_tallies.over_at IS 'from then on nothing of it counts';
CREATE VIEW callbackq_golden.callbackq_v_attempts AS
 SELECT attempt.tenant_id,
    attempt.queue,
    attempt.attempt_id,
    attempt.callback_id,
    attempt.agent_id,
    attempt.state,
    attempt.agent_leg,
    attempt.customer_leg,
    attempt.started_at,
    attempt.due_at,
    callback.attempts_count,
    callback.entered_at
   FROM (callbackq_golden.callbackq_attempts attempt
     JOIN callbackq_golden.callbackq_callbacks callback USING (tenant_id, callback_id))
  WHERE (attempt.state <> 'ended'::text)
  ORDER BY attempt.tenant_id, attempt.queue, attempt.started_at;
COMMENT ON VIEW callbackq_golden.callbackq_v_attempts IS 'Who is being called back now, by which agent, and how far it has come.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.attempt_id IS 'the attempt';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.callback_id IS 'its callback';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.agent_id IS 'the agent who is reserved';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.state IS 'where it stands';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.agent_leg IS 'how far the agent''s leg has come';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.customer_leg IS 'how far the customer''s leg has come';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.started_at IS 'when the intent was stored';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.due_at IS 'its next deadline';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.attempts_count IS 'attempts of the callback that counted before it';
COMMENT ON COLUMN callbackq_golden.callbackq_v_attempts.entered_at IS 'when the caller first entered the queue';
CREATE VIEW callbackq_golden.callbackq_v_due AS
 SELECT callbackq_callbacks.tenant_id,
    callbackq_callbacks.due_at,
    callbackq_callbacks.due_reason,
    'callback'::text AS entity,
    callbackq_callbacks.callback_id AS id,
    callbackq_callbacks.state
   FROM callbackq_golden.callbackq_callbacks
  WHERE (callbackq_callbacks.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_calls.tenant_id,
    callbackq_calls.due_at,
    callbackq_calls.due_reason,
    'call'::text AS entity,
    callbackq_calls.call_id AS id,
    callbackq_calls.state
   FROM callbackq_golden.callbackq_calls
  WHERE (callbackq_calls.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_agents.tenant_id,
    callbackq_agents.due_at,
    callbackq_agents.due_reason,
    'agent'::text AS entity,
    callbackq_agents.agent_id AS id,
    callbackq_agents.state
   FROM callbackq_golden.callbackq_agents
  WHERE (callbackq_agents.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_attempts.tenant_id,
    callbackq_attempts.due_at,
    callbackq_attempts.due_reason,
    'attempt'::text AS entity,
    callbackq_attempts.attempt_id AS id,
    callbackq_attempts.state
   FROM callbackq_golden.callbackq_attempts
  WHERE (callbackq_attempts.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_bookings.tenant_id,
    callbackq_bookings.due_at,
    callbackq_bookings.due_reason,
    'booking'::text AS entity,
    callbackq_bookings.booking_id AS id,
    callbackq_bookings.state
   FROM callbackq_golden.callbackq_bookings
  WHERE (callbackq_bookings.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_messages.tenant_id,
    callbackq_messages.due_at,
    callbackq_messages.due_reason,
    'message'::text AS entity,
    callbackq_messages.message_id AS id,
    callbackq_messages.state
   FROM callbackq_golden.callbackq_messages
  WHERE (callbackq_messages.due_at IS NOT NULL)
UNION ALL
 SELECT callbackq_nodes.tenant_id,
    callbackq_nodes.due_at,
    callbackq_nodes.due_reason,
    'node'::text AS entity,
    callbackq_nodes.node_id AS id,
    callbackq_nodes.state
   FROM callbackq_golden.callbackq_nodes
  WHERE (callbackq_nodes.due_at IS NOT NULL)
  ORDER BY 1, 2;
COMMENT ON VIEW callbackq_golden.callbackq_v_due IS 'What time alone will change, soonest first.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.due_at IS 'when';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.due_reason IS 'why';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.entity IS 'callback, call, agent, attempt, booking, message, node';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.id IS 'its id';
COMMENT ON COLUMN callbackq_golden.callbackq_v_due.state IS 'where it stands now';
CREATE VIEW callbackq_golden.callbackq_v_ended AS
 SELECT tenant_id,
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
    (EXTRACT(epoch FROM (turn_at - requested_at)))::double precision AS turn_after_s,
    (EXTRACT(epoch FROM (ended_at - requested_at)))::double precision AS ended_after_s,
    quoted_wait_s,
    ((EXTRACT(epoch FROM (turn_at - requested_at)))::double precision - quoted_wait_s) AS quote_error_s
   FROM callbackq_golden.callbackq_callbacks
  WHERE (ended_at IS NOT NULL);
COMMENT ON VIEW callbackq_golden.callbackq_v_ended IS 'How callbacks ended, and after how long; and how far the quote was off.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.callback_id IS 'the callback';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.channel IS 'how it was asked for';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.purpose IS 'why the customer was called';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.last_disposition IS 'how its last attempt ended';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.attempts_count IS 'attempts that counted';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.requested_at IS 'when the promise was made';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.turn_at IS 'when its turn first came; none if it never did';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.turn_after_s IS 'seconds from the promise to its turn';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.ended_after_s IS 'seconds from the promise to its end';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.quoted_wait_s IS 'the wait that the customer was told, in seconds';
COMMENT ON COLUMN callbackq_golden.callbackq_v_ended.quote_error_s IS 'by how many seconds its turn came later than that';
CREATE VIEW callbackq_golden.callbackq_v_line AS
 SELECT tenant_id,
    queue,
    row_number() OVER (PARTITION BY tenant_id, queue ORDER BY rank, place_id) AS "position",
    entity,
    id,
    subject_id,
    priority,
    lane,
    entered_at,
    rank,
    place_id
   FROM ( SELECT callbackq_callbacks.tenant_id,
            callbackq_callbacks.queue,
            'callback'::text AS entity,
            callbackq_callbacks.callback_id AS id,
            callbackq_callbacks.subject_id,
            callbackq_callbacks.priority,
            callbackq_callbacks.lane,
            callbackq_callbacks.entered_at,
            callbackq_callbacks.rank,
            callbackq_callbacks.place_id
           FROM callbackq_golden.callbackq_callbacks
          WHERE (callbackq_callbacks.state = 'waiting'::text)
        UNION ALL
         SELECT callbackq_calls.tenant_id,
            callbackq_calls.queue,
            'call'::text,
            callbackq_calls.call_id,
            callbackq_calls.subject_id,
            callbackq_calls.priority,
            callbackq_calls.lane,
            callbackq_calls.entered_at,
            callbackq_calls.rank,
            callbackq_calls.place_id
           FROM callbackq_golden.callbackq_calls
          WHERE (callbackq_calls.state = 'waiting'::text)) places
  ORDER BY tenant_id, queue, (row_number() OVER (PARTITION BY tenant_id, queue ORDER BY rank, place_id));
COMMENT ON VIEW callbackq_golden.callbackq_v_line IS 'The waiting line of every queue, first to be served first.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line."position" IS '1 is served next';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.entity IS 'callback or call';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.id IS 'its id';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.entered_at IS 'when the caller first entered the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_golden.callbackq_v_line.place_id IS 'under which id the place was first taken; breaks ties';
CREATE VIEW callbackq_golden.callbackq_v_nodes AS
 SELECT tenant_id,
    node_id,
    state,
    started_at,
    seen_at,
    lease_until_at,
    release,
    schema_version,
    ( SELECT count(*) AS count
           FROM callbackq_golden.callbackq_attempts attempt
          WHERE ((attempt.tenant_id = node.tenant_id) AND (attempt.node_id = node.node_id) AND (attempt.state <> 'ended'::text))) AS attempts_open
   FROM callbackq_golden.callbackq_nodes node
  ORDER BY tenant_id, node_id;
COMMENT ON VIEW callbackq_golden.callbackq_v_nodes IS 'Which processes serve the line, when each was last heard of, and what it has under way.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.node_id IS 'the node';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.state IS 'up, draining or gone';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.started_at IS 'when it started';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.seen_at IS 'when it beat last';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.lease_until_at IS 'after this others may take its attempts over';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.release IS 'the version of callbackq that it runs';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.schema_version IS 'the newest schema that its release knows';
COMMENT ON COLUMN callbackq_golden.callbackq_v_nodes.attempts_open IS 'attempts that it has begun and not ended';
CREATE VIEW callbackq_golden.callbackq_v_queues AS
 SELECT tenant_id,
    queue,
    count(*) FILTER (WHERE (entity = 'callback'::text)) AS callbacks_waiting,
    count(*) FILTER (WHERE (entity = 'call'::text)) AS calls_waiting,
    min(entered_at) AS oldest_entered_at,
    ( SELECT count(*) AS count
           FROM callbackq_golden.callbackq_agent_queues served
          WHERE ((served.tenant_id = line.tenant_id) AND (served.queue = line.queue))) AS agents_staffed
   FROM callbackq_golden.callbackq_v_line line
  GROUP BY tenant_id, queue;
COMMENT ON VIEW callbackq_golden.callbackq_v_queues IS 'What each queue holds: how many wait, how long the first has waited since, how many agents are signed in.';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.callbacks_waiting IS 'callbacks in line';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.calls_waiting IS 'live calls in line';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.oldest_entered_at IS 'since when the longest waiting place waits';
COMMENT ON COLUMN callbackq_golden.callbackq_v_queues.agents_staffed IS 'agents signed in for it';
CREATE TABLE callbackq_golden.callbackq_verifications (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    verification_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    number_key text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    code_hash text COLLATE pg_catalog."C",
    tries_count bigint NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    verified_at timestamp with time zone,
    used_at timestamp with time zone,
    callback_id text COLLATE pg_catalog."C",
    CONSTRAINT verification_tries CHECK ((tries_count >= 0))
);
COMMENT ON TABLE callbackq_golden.callbackq_verifications IS 'One row for each one-time code that was sent to prove a number. It is deleted some time after expires_at.';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.verification_id IS 'vf_…';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.queue IS 'the queue';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.code_hash IS 'keyed digest of the code; none once it was used, or tried too often';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.tries_count IS 'how often a wrong one was tried';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.sent_at IS 'when it was sent';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.expires_at IS 'until when it can be used';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.verified_at IS 'when the right code was given';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.used_at IS 'when a callback was made with it';
COMMENT ON COLUMN callbackq_golden.callbackq_verifications.callback_id IS 'that callback';
CREATE TABLE callbackq_golden.callbackq_webhooks (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    about text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    callback_id text COLLATE pg_catalog."C",
    tries_count bigint NOT NULL,
    failing_since_at timestamp with time zone,
    rests_until_at timestamp with time zone,
    last_error text COLLATE pg_catalog."C",
    delivered_at timestamp with time zone,
    node_id text COLLATE pg_catalog."C",
    lease_until_at timestamp with time zone,
    CONSTRAINT webhook_state CHECK ((state = ANY (ARRAY['open'::text, 'disabled'::text, 'behind'::text, 'undelivered'::text])))
);
COMMENT ON TABLE callbackq_golden.callbackq_webhooks IS 'One row for each endpoint of webhooks, with nothing in about; and one for each record whose events it has not taken yet, and for each event that was given up.';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.endpoint IS 'the name that the host gave it';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.about IS 'empty for the endpoint itself; else whose events these are, or which one';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.state IS 'open or disabled: the endpoint itself; behind or undelivered: the others';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks."position" IS 'the history_number up to which all is settled; of an event that was given up, its own';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.callback_id IS 'the callback that it is about, if it is about one';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.tries_count IS 'how often the next event was tried';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.failing_since_at IS 'when that failed first';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.rests_until_at IS 'nothing is sent before';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.last_error IS 'why the last try failed; no address and no answer stands in it';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.delivered_at IS 'when something was delivered last';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.node_id IS 'who delivers now';
COMMENT ON COLUMN callbackq_golden.callbackq_webhooks.lease_until_at IS 'after this another one may';
INSERT INTO callbackq_golden.callbackq_agent_queues VALUES ('default', 'support', 'mia');
INSERT INTO callbackq_golden.callbackq_agent_queues VALUES ('default', 'billing', 'mia');
INSERT INTO callbackq_golden.callbackq_agent_queues VALUES ('default', 'support', 'noa');
INSERT INTO callbackq_golden.callbackq_agents VALUES ('default', 'mia', 18, 'busy', '["support", "billing"]', '["french"]', '2026-01-05 15:13:45+00', 'at_000007', NULL, false, '2026-01-06 07:13:45+00', 'presence_over');
INSERT INTO callbackq_golden.callbackq_agents VALUES ('default', 'noa', 2, 'busy', '["support"]', '[]', '2026-01-05 15:14:00+00', NULL, 'chan-2', false, '2026-01-06 07:14:00+00', 'presence_over');
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000001', 8, 'ended', 'cb_000003', 'support', 'su_000003', '941f81fc11984d92e1766eab3f9fd1eb', 'agent_first', NULL, 'mia', 'node', 'leg_000001', 'ended', 1, NULL, 'leg_000002', 'ended', NULL, true, '2026-01-05 15:01:00+00', 0, 'human', NULL, NULL, 'connected', '2026-01-05 15:01:00+00', '2026-01-05 15:01:00+00', '2026-01-05 15:04:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000002', 8, 'ended', 'cb_000001', 'support', 'su_000001', 'e3492e43f766f32755c7f33e8b0e1375', 'agent_first', NULL, 'mia', 'node', 'leg_000003', 'ended', 1, NULL, 'leg_000004', 'ended', NULL, true, '2026-01-05 15:04:00+00', 0, 'human', NULL, NULL, 'connected', '2026-01-05 15:04:00+00', '2026-01-05 15:04:00+00', '2026-01-05 15:07:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000003', 6, 'ended', 'cb_000002', 'support', 'su_000002', '93e171c79ab4c87f9005b3a535690490', 'agent_first', NULL, 'mia', 'node', 'leg_000005', 'ended', 1, NULL, 'leg_000006', 'ended', NULL, true, NULL, 0, NULL, NULL, NULL, 'no_answer', '2026-01-05 15:07:00+00', NULL, '2026-01-05 15:07:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000004', 8, 'ended', 'cb_000004', 'support', 'su_000004', 'c23cfcdb8f76403974c8d5feb6c610b4', 'agent_first', NULL, 'mia', 'node', 'leg_000007', 'ended', 1, NULL, 'leg_000008', 'ended', NULL, true, '2026-01-05 15:07:45+00', 0, 'human', NULL, NULL, 'connected', '2026-01-05 15:07:45+00', '2026-01-05 15:07:45+00', '2026-01-05 15:10:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000005', 6, 'ended', 'cb_000002', 'support', 'su_000002', '93e171c79ab4c87f9005b3a535690490', 'agent_first', NULL, 'mia', 'node', 'leg_000009', 'ended', 1, NULL, 'leg_000010', 'ended', NULL, true, NULL, 0, NULL, NULL, NULL, 'no_answer', '2026-01-05 15:10:45+00', NULL, '2026-01-05 15:11:30+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000006', 6, 'ended', 'cb_000005', 'support', 'su_000005', 'ccc241b5e58a575b843539f988255de4', 'agent_first', NULL, 'mia', 'node', 'leg_000011', 'ended', 1, NULL, 'leg_000012', 'ended', NULL, true, NULL, 0, NULL, NULL, NULL, 'no_answer', '2026-01-05 15:13:00+00', NULL, '2026-01-05 15:13:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_attempts VALUES ('default', 'at_000007', 6, 'connected', 'cb_000006', 'support', 'su_000006', '17bc58b467a2549bb230186f957a8846', 'agent_first', NULL, 'mia', 'node', 'leg_000013', 'answered', 1, NULL, 'leg_000014', 'answered', NULL, true, '2026-01-05 15:13:45+00', 0, 'human', NULL, NULL, NULL, '2026-01-05 15:13:45+00', '2026-01-05 15:13:45+00', NULL, '2026-01-05 19:13:45+00', 'talk_overdue');
INSERT INTO callbackq_golden.callbackq_bookings VALUES ('default', 'bk_000001', 2, 'booked', 'billing', '2026-01-05 15:30:00+00', 1800000000, 'usual', '2026-01-05T16:30:00', 'Europe/Berlin', 0, NULL, 'cb_000007', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', 0, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:15:00+00', 'reminder');
INSERT INTO callbackq_golden.callbackq_bookings VALUES ('default', 'bk_000002', 2, 'booked', 'billing', '2026-01-06 07:00:00+00', 1800000000, 'usual', '2026-01-06T08:00:00', 'Europe/Berlin', 0, NULL, 'cb_000008', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', 0, 'DTSTART:20260106T080000
RRULE:FREQ=WEEKLY', 'bk_000002', NULL, NULL, NULL, NULL, '2026-01-06 06:45:00+00', 'reminder');
INSERT INTO callbackq_golden.callbackq_bookings VALUES ('default', 'bk_000003', 1, 'held', 'billing', '2026-01-06 07:30:00+00', 1800000000, 'usual', '2026-01-06T08:30:00', 'Europe/Berlin', 0, NULL, NULL, NULL, NULL, '2026-01-05 15:14:00+00', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:14:30+00', 'slot_hold_over');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000003', 3, 'ended', 'support', 'su_000003', NULL, 'agent', 'agent_first', 50, 0, 'cb_000003', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', -4714966800000000, NULL, NULL, '2026-01-06 15:00:00+00', 'mia', NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, '2026-01-05 15:01:00+00', NULL, 'support/su_000003', NULL, 'at_000001', 1, 'connected', NULL, NULL, 1, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 'completed', '2026-01-05 15:01:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000001', 3, 'ended', 'support', 'su_000001', NULL, 'agent', 'agent_first', 100, 0, 'cb_000001', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', -3133846800000000, NULL, NULL, '2026-01-06 15:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, '2026-01-05 15:04:00+00', NULL, 'support/su_000001', NULL, 'at_000002', 1, 'connected', NULL, NULL, 1, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 'completed', '2026-01-05 15:04:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000004', 3, 'ended', 'support', 'su_000004', NULL, 'web', 'agent_first', 100, 0, 'cb_000004', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', -3133846800000000, NULL, NULL, '2026-01-06 15:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'requested', '2026-01-05 15:00:00+00', NULL, 'vf_000001', NULL, 0, '2026-01-05 15:07:45+00', NULL, 'support/su_000004', NULL, 'at_000004', 1, 'connected', NULL, NULL, 4, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 'completed', '2026-01-05 15:07:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000002', 6, 'ended', 'support', 'su_000002', NULL, 'agent', 'agent_first', 100, 1, 'cb_000002', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', -3133846800000000, NULL, NULL, '2026-01-06 15:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, '2026-01-05 15:07:00+00', NULL, 'support/su_000002', 'form-2', 'at_000005', 2, 'no_answer', NULL, NULL, 2, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 'unreached', '2026-01-05 15:11:30+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000005', 3, 'resting', 'support', 'su_000005', NULL, 'agent', 'agent_first', 100, 0, 'cb_000005', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', -3133846020000000, NULL, NULL, '2026-01-06 15:13:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, '2026-01-05 15:13:00+00', NULL, 'support/su_000005', NULL, NULL, 1, 'no_answer', NULL, NULL, 1, true, 0, 0, 0, 'ql', 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:15:45+00', 'rest_over');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000006', 3, 'ended', 'support', 'su_000006', 'chan-1', 'in_queue', 'agent_first', 100, 0, 'chan-1', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', -3133846020000000, NULL, NULL, '2026-01-06 15:13:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'requested', '2026-01-05 15:13:00+00', NULL, NULL, NULL, 0, '2026-01-05 15:13:45+00', NULL, 'support/su_000006', 'call:chan-1', 'at_000007', 1, 'connected', NULL, NULL, 2, true, 267.27272727272725, 13.7092986817635, 800.6775349317023, 'ql', 0, 0, NULL, NULL, NULL, 'completed', '2026-01-05 15:13:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000007', 1, 'scheduled', 'billing', 'su_000008', NULL, 'web', 'agent_first', 100, 0, 'cb_000007', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-05 15:30:00+00', -6327707400000000, '2026-01-05 15:30:00+00', 'bk_000001', '2026-01-06 15:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'requested', '2026-01-05 15:14:00+00', NULL, NULL, NULL, 0, NULL, NULL, 'billing/su_000008', NULL, NULL, 0, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:28:00+00', 'scheduled');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000008', 1, 'scheduled', 'billing', 'su_000009', NULL, 'web', 'agent_first', 100, 0, 'cb_000008', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-06 07:00:00+00', -6327651600000000, '2026-01-06 07:00:00+00', 'bk_000002', '2026-01-07 07:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'requested', '2026-01-05 15:14:00+00', NULL, NULL, NULL, 0, NULL, NULL, 'billing/su_000009', NULL, NULL, 0, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-06 06:58:00+00', 'scheduled');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000009', 2, 'ended', 'support', 'su_000011', NULL, 'agent', 'agent_first', 100, 0, 'cb_000009', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', -3133845960000000, NULL, NULL, '2026-01-06 15:14:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, NULL, NULL, 'support/su_000011', NULL, NULL, 0, NULL, NULL, NULL, 2, true, 534.5454545454545, 94.97844013218787, 1267.9056076425722, 'ql', 0, 0, NULL, NULL, NULL, 'cancelled', '2026-01-05 15:14:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000010', 1, 'scheduled', 'support', 'su_000012', NULL, 'agent', 'agent_first', 100, 0, 'cb_000010', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-05 17:14:00+00', -3133838760000000, '2026-01-05 17:14:00+00', NULL, '2026-01-06 17:14:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, NULL, NULL, 'support/su_000012', NULL, NULL, 0, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-05 17:14:00+00', 'scheduled');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000012', 1, 'waiting', 'support', 'su_000013', NULL, 'agent', 'agent_first', 100, 0, 'cb_000012', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', -3133845960000000, NULL, NULL, '2026-01-06 15:14:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, NULL, NULL, 'support/su_000013', NULL, NULL, 0, NULL, NULL, NULL, 2, true, 534.5454545454545, 94.97844013218787, 1267.9056076425722, 'ql', 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:59:00+00', 'waited_long');
INSERT INTO callbackq_golden.callbackq_callbacks VALUES ('default', 'cb_000013', 1, 'waiting', 'support', 'su_000014', NULL, 'agent', 'agent_first', 100, 0, 'cb_000013', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', -3133845960000000, NULL, NULL, '2026-01-06 15:14:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'service', NULL, NULL, NULL, NULL, 0, NULL, NULL, 'support/su_000014', NULL, NULL, 0, NULL, NULL, NULL, 3, true, 801.8181818181818, 218.54662315109292, 1682.693931663971, 'ql', 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-01-05 15:59:00+00', 'waited_long');
INSERT INTO callbackq_golden.callbackq_calls VALUES ('default', 'chan-1', 3, 'ended', 'support', 'su_000006', 100, 0, 'chan-1', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', -3133846020000000, NULL, NULL, 1, 0, NULL, '2026-01-05 15:13:00+00', 2, 267.27272727272725, 13.7092986817635, 800.6775349317023, 'ql', 'of_000001', '2026-01-05 15:14:00+00', 0, 0, NULL, NULL, 'cb_000006', NULL, 'converted', '2026-01-05 15:13:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_calls VALUES ('default', 'chan-3', 2, 'ended', 'support', NULL, 100, 0, 'chan-3', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', -3133846020000000, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 'abandoned', '2026-01-05 15:13:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_calls VALUES ('default', 'chan-2', 2, 'taken', 'support', 'su_000007', 100, 0, 'chan-2', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', -3133846020000000, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 'noa', '2026-01-05 15:14:00+00', NULL, NULL, NULL, NULL, '2026-01-05 19:14:00+00', 'talk_overdue');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/e3492e43f766f32755c7f33e8b0e1375', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000001', '[]', NULL, NULL, '2026-02-04 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/c23cfcdb8f76403974c8d5feb6c610b4', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000004', '[]', NULL, NULL, '2026-02-04 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/93e171c79ab4c87f9005b3a535690490', 2, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000002', '[]', NULL, NULL, '2026-02-04 15:11:30+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/941f81fc11984d92e1766eab3f9fd1eb', 2, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000003', '["96eb52e0ff39b96522b2655a153d1ad2"]', '2026-01-05 15:13:00+00', NULL, '2026-02-04 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/ccc241b5e58a575b843539f988255de4', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000005', '[]', NULL, NULL, '2026-02-04 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/17bc58b467a2549bb230186f957a8846', 3, NULL, NULL, NULL, '[]', NULL, 1, NULL, 'cb_000006', '["d97d0b5371cf5682527c55be3ea4863d"]', '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', '2026-02-04 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/d5906d27821e8b9375be74b9ab196cda', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000009', '[]', NULL, NULL, '2026-02-04 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/a161211260abedbce7f98ac3682199a9', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000010', '[]', NULL, NULL, '2026-02-04 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/02155a544e3ba39fe043650fe0ad8905', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000012', '[]', NULL, NULL, '2026-02-04 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_conversations VALUES ('default', 'sms/b96e6e6ea903ee850be3fc6ef7eaec45', 1, NULL, NULL, NULL, '[]', NULL, 0, NULL, 'cb_000013', '[]', NULL, NULL, '2026-02-04 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 1, 'callback', 'callback_requested', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:45:00+00', 'waited_long', 'support', 'cb_000001', NULL, NULL, NULL, NULL, 'su_000001', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000001","entered_at":"2026-01-05T15:00:00.000000Z","requested_at":"2026-01-05T15:00:00.000000Z","ranked_at":"2026-01-05T15:00:00.000000Z","rank":-3133846800000000,"scheduled_at":null,"expires_at":"2026-01-06T15:00:00.000000Z","dedup_key":"support/su_000001","request_key":null,"offer_id":null,"quoted_position":1,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000001', 1, '30ac4dcdd43fefad5b24cfd05fc7fbd588ef0d02b696d8f98ef7ae258d9edbc1');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 2, 'message', 'message_queued', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:00:00+00', 'message_waits', 'support', 'cb_000001', NULL, NULL, NULL, NULL, 'su_000001', NULL, NULL, NULL, '{"message_id":"ms_000001","message_kind":"confirmation","cause":"cb_000001.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:00:00.000000Z","best_before_at":"2026-01-06T03:00:00.000000Z"}', 'ms_000001', 1, '4faef95697c20fa46f5e4aa34a811dfd7922f0598de900815f24e961a23fe205');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 3, 'callback', 'callback_requested', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:45:00+00', 'waited_long', 'support', 'cb_000002', NULL, NULL, NULL, NULL, 'su_000002', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":1,"place_id":"cb_000002","entered_at":"2026-01-05T15:00:00.000000Z","requested_at":"2026-01-05T15:00:00.000000Z","ranked_at":"2026-01-05T15:00:00.000000Z","rank":-3133846800000000,"scheduled_at":null,"expires_at":"2026-01-06T15:00:00.000000Z","dedup_key":"support/su_000002","request_key":"form-2","offer_id":null,"quoted_position":2,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000002', 1, '0a8a534e79e38cb424201908cb70337211c469221a220c9dcc96d1f0a943dfec');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 4, 'message', 'message_queued', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:00:00+00', 'message_waits', 'support', 'cb_000002', NULL, NULL, NULL, NULL, 'su_000002', NULL, NULL, NULL, '{"message_id":"ms_000002","message_kind":"confirmation","cause":"cb_000002.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:00:00.000000Z","best_before_at":"2026-01-06T03:00:00.000000Z"}', 'ms_000002', 1, '89e401bba11ceed40b52b0d85cbde3eadb8b410140ba0cd73aceb5807823642b');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 5, 'callback', 'callback_requested', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:45:00+00', 'waited_long', 'support', 'cb_000003', NULL, NULL, NULL, NULL, 'su_000003', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":50,"lane":0,"place_id":"cb_000003","entered_at":"2026-01-05T15:00:00.000000Z","requested_at":"2026-01-05T15:00:00.000000Z","ranked_at":"2026-01-05T15:00:00.000000Z","rank":-4714966800000000,"scheduled_at":null,"expires_at":"2026-01-06T15:00:00.000000Z","dedup_key":"support/su_000003","request_key":null,"offer_id":null,"quoted_position":1,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":"mia","preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000003', 1, '97af4aa18bbd8abff48f7bb5063e1d9f7b66b94e6547c976eca6bd7a213bc08c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 6, 'message', 'message_queued', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:00:00+00', 'message_waits', 'support', 'cb_000003', NULL, NULL, NULL, NULL, 'su_000003', NULL, NULL, NULL, '{"message_id":"ms_000003","message_kind":"confirmation","cause":"cb_000003.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:00:00.000000Z","best_before_at":"2026-01-06T03:00:00.000000Z"}', 'ms_000003', 1, 'd2fda05d949baa1504478d74ab2c26148aa004bcd999384c44e93d7e65d958ca');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 7, 'callback', 'callback_requested', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:45:00+00', 'waited_long', 'support', 'cb_000004', NULL, NULL, NULL, NULL, 'su_000004', NULL, NULL, NULL, '{"channel":"web","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000004","entered_at":"2026-01-05T15:00:00.000000Z","requested_at":"2026-01-05T15:00:00.000000Z","ranked_at":"2026-01-05T15:00:00.000000Z","rank":-3133846800000000,"scheduled_at":null,"expires_at":"2026-01-06T15:00:00.000000Z","dedup_key":"support/su_000004","request_key":null,"offer_id":null,"quoted_position":4,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"requested","consent_at":"2026-01-05T15:00:00.000000Z","consent_ref":null,"verification_id":"vf_000001","follows_id":null}', 'cb_000004', 1, 'ddd4b23addf53cf94bd9de280982a1baa93861f6bc9bc93363a80ac5d3e253ef');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 8, 'message', 'message_queued', 1, '2026-01-05 15:00:00+00', 'waiting', '2026-01-05 15:00:00+00', 'message_waits', 'support', 'cb_000004', NULL, NULL, NULL, NULL, 'su_000004', NULL, NULL, NULL, '{"message_id":"ms_000004","message_kind":"confirmation","cause":"cb_000004.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:00:00.000000Z","best_before_at":"2026-01-06T03:00:00.000000Z"}', 'ms_000004', 1, '23769270bc0a7de273bd3d76d9b1b311c31398f5eebeddb33e7f3ac8a481950f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 9, 'message', 'message_sending', 2, '2026-01-05 15:00:00+00', 'sending', '2026-01-05 15:01:00+00', 'send_overdue', NULL, 'cb_000001', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000001","channel":"sms","address_key":"e3492e43f766f32755c7f33e8b0e1375","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":2}', 'ms_000001', 2, '814c63971e064ed539b4e74e8314057896c2791141ce8df616e305619c8ec11c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 10, 'message', 'message_sending', 2, '2026-01-05 15:00:00+00', 'sending', '2026-01-05 15:01:00+00', 'send_overdue', NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000002","channel":"sms","address_key":"93e171c79ab4c87f9005b3a535690490","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000002', 2, '65d5af2a3ea883af5a89cfd776c5df2653754673541ff0c872bd6e535ae83630');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 11, 'message', 'message_sending', 2, '2026-01-05 15:00:00+00', 'sending', '2026-01-05 15:01:00+00', 'send_overdue', NULL, 'cb_000003', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000003","channel":"sms","address_key":"941f81fc11984d92e1766eab3f9fd1eb","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000003', 2, '8134d8e7bb9dbb1655f67a27c4df8d3f0a298372467028d44d2281a3f523dc60');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 12, 'message', 'message_sending', 2, '2026-01-05 15:00:00+00', 'sending', '2026-01-05 15:01:00+00', 'send_overdue', NULL, 'cb_000004', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000004","channel":"sms","address_key":"c23cfcdb8f76403974c8d5feb6c610b4","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000004', 2, '0b90ba61e76537c684a8334c8346459028f65b8c4c1c8efc143da476db93efce');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 13, 'message', 'message_sent', 3, '2026-01-05 15:00:00+00', 'sent', '2026-01-08 15:00:00+00', 'receipt_overdue', NULL, 'cb_000001', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000001","provider_key":"3d5831b2ee0570e2deabb780b79eddc8","sent_at":"2026-01-05T15:00:00.000000Z"}', 'ms_000001', 3, '4a5e97a638051a144ea8dd15abeb88ff2df7ee1fb461a94189acd9321bf44fc7');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 14, 'message', 'message_sent', 3, '2026-01-05 15:00:00+00', 'sent', '2026-01-08 15:00:00+00', 'receipt_overdue', NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000002","provider_key":"7ce83341b1a791ba9d286e2b0b3c9cfd","sent_at":"2026-01-05T15:00:00.000000Z"}', 'ms_000002', 3, '737eb69a6e0ecaf43bedef97731e6474495c892c9741e036e158e3c76d9cf206');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 15, 'message', 'message_sent', 3, '2026-01-05 15:00:00+00', 'sent', '2026-01-08 15:00:00+00', 'receipt_overdue', NULL, 'cb_000003', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000003","provider_key":"672fc889991c6ddcef461b537a5dadc0","sent_at":"2026-01-05T15:00:00.000000Z"}', 'ms_000003', 3, '7f287a125afc99c566d0aeb8e5ba148a7e98129e551daba3eba69e8ae35b801e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 16, 'message', 'message_sent', 3, '2026-01-05 15:00:00+00', 'sent', '2026-01-08 15:00:00+00', 'receipt_overdue', NULL, 'cb_000004', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000004","provider_key":"2b1316c77f6620672266789c2ad32052","sent_at":"2026-01-05T15:00:00.000000Z"}', 'ms_000004', 3, 'ed1db3135cbc05502e1c91f3ead05ef27e3ac1c8c2aec2b2cb4d3f690d838549');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 17, 'agent', 'agent_signed_in', 1, '2026-01-05 15:01:00+00', 'available', '2026-01-06 07:01:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:01:00.000000Z","queues":["support","billing"],"skills":["french"],"leaving":0}', 'mia', 1, '2b0c85bf8e49e5acfa894c49f842f17738758965b804ec6338e91292249fb32a');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 18, 'callback', 'callback_attempted', 2, '2026-01-05 15:01:00+00', 'attempting', '2026-01-05 15:10:30+00', 'attempt_overdue', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:01:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000003', 2, '111376e7f254ef3ee0de9af0486ba7665255b091d06973435a2a3f95676cfac2');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 19, 'attempt', 'attempt_started', 1, '2026-01-05 15:01:00+00', 'intended', '2026-01-05 15:01:30+00', 'agent_ring_over', 'support', 'cb_000003', NULL, 'at_000001', NULL, 'mia', 'su_000003', NULL, NULL, NULL, '{"number_key":"941f81fc11984d92e1766eab3f9fd1eb","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000001","agent_leg":"intended","customer_leg_id":"leg_000002","customer_leg":"none","started_at":"2026-01-05T15:01:00.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:01:30.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000001', 1, '22e98d455e5adc26bd88833f0bed21480a06786355774a0cbe622c3d2a316d71');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 20, 'agent', 'agent_reserved', 2, '2026-01-05 15:01:00+00', 'reserved', '2026-01-06 07:01:00+00', 'presence_over', NULL, NULL, NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:01:00.000000Z"}', 'mia', 2, 'cac2c5bcfc466aaa9097fb5fc4ff1660471d32ecfa65d202717db7d95668182e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 21, 'attempt', 'attempt_moved', 2, '2026-01-05 15:01:00+00', 'intended', '2026-01-05 15:01:30+00', 'agent_ring_over', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:01:30.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000001', 2, '131ff5d837746b3549896b89b04c168b1e68f6b58e12ddc012f919891b68ab75');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 22, 'attempt', 'attempt_moved', 3, '2026-01-05 15:01:00+00', 'agent_on_line', '2026-01-05 15:01:55+00', 'ring_over', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:01:55.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000001', 3, '7e92b6ab17995260639bbba37620d39ffc1149a7569a1327e451f7a00e58e33c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 23, 'attempt', 'attempt_moved', 4, '2026-01-05 15:01:00+00', 'agent_on_line', '2026-01-05 15:01:55+00', 'ring_over', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:01:55.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000001', 4, '56034df1806408f52a560b7377db58a2457b94d50d26ba2fdf21e7a875213c33');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 24, 'attempt', 'attempt_moved', 5, '2026-01-05 15:01:00+00', 'joining', '2026-01-05 15:01:10+00', 'join_overdue', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:01:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000001', 5, '63f6aae0246ee060526f63692cd94390149165889990fdd7eedff629edfc7be6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 25, 'attempt', 'attempt_moved', 6, '2026-01-05 15:01:00+00', 'connected', '2026-01-05 19:01:00+00', 'talk_overdue', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer bridged","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:01:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:01:00.000000Z","raw_cause":null,"by":null}', 'at_000001', 6, '3bfba8bd02c2e1456d1b374111c66de23016bdc2ca8356122057e62066c369e2');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 26, 'callback', 'callback_ended', 3, '2026-01-05 15:01:00+00', 'ended', NULL, NULL, NULL, 'cb_000003', NULL, NULL, NULL, NULL, NULL, NULL, 'completed', NULL, '{"attempts_count":1,"last_disposition":"connected","hold_reason":null,"ended_at":"2026-01-05T15:01:00.000000Z","merged_into_id":null,"by":null,"notices":[],"follow_up_due_at":null,"no_shows_count":null}', 'cb_000003', 3, '4d168b6197a4b3911942887688e1d8ad4012ffe36fac7fb0e5e7d3d5a36b778c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 27, 'agent', 'agent_connected', 3, '2026-01-05 15:01:00+00', 'busy', '2026-01-06 07:01:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:01:00.000000Z"}', 'mia', 3, 'e10546cfe72e29763fe5d3b27e8dff1005711c43dcefbe7f848d58c1283915ed');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 28, 'attempt', 'attempt_moved', 7, '2026-01-05 15:04:00+00', 'ending', '2026-01-05 15:04:10+00', 'hang_up_overdue', NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"customer ended normal","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:01:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:01:00.000000Z","raw_cause":null,"by":null}', 'at_000001', 7, '80f20a9ad8b5324aab53bd518488250772fa129b7bc10e994011312b62cb7084');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 29, 'attempt', 'attempt_ended', 8, '2026-01-05 15:04:00+00', 'ended', NULL, NULL, NULL, 'cb_000003', NULL, 'at_000001', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:01:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:01:00.000000Z","raw_cause":null,"by":null,"ended_at":"2026-01-05T15:04:00.000000Z"}', 'at_000001', 8, '38e20ab8cbd776bc2c054ff952158581a079333926781b2ea5e7aded68547a92');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 30, 'agent', 'agent_freed', 4, '2026-01-05 15:04:00+00', 'available', '2026-01-06 07:04:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:04:00.000000Z","leaving":0}', 'mia', 4, '52098844e8a288db71bf81614f5b6c29a3f6c393e419596127991b5d46b9fd36');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 31, 'callback', 'callback_attempted', 2, '2026-01-05 15:04:00+00', 'attempting', '2026-01-05 15:13:30+00', 'attempt_overdue', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:04:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000001', 2, '5efc6b876344213b0afa06bd685959521b319acef761f52d4707ef98314e9dbf');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 32, 'attempt', 'attempt_started', 1, '2026-01-05 15:04:00+00', 'intended', '2026-01-05 15:04:30+00', 'agent_ring_over', 'support', 'cb_000001', NULL, 'at_000002', NULL, 'mia', 'su_000001', NULL, NULL, NULL, '{"number_key":"e3492e43f766f32755c7f33e8b0e1375","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000003","agent_leg":"intended","customer_leg_id":"leg_000004","customer_leg":"none","started_at":"2026-01-05T15:04:00.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:04:30.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000002', 1, 'ca140510375add28d0f18a970739ac38e2280a6f897efb8071b102d392fd87b0');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 33, 'agent', 'agent_reserved', 5, '2026-01-05 15:04:00+00', 'reserved', '2026-01-06 07:04:00+00', 'presence_over', NULL, NULL, NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:04:00.000000Z"}', 'mia', 5, '70338a7404db605360bbc4722d273fd637be111c8b3c6adb396153dab3ff826c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 34, 'attempt', 'attempt_moved', 2, '2026-01-05 15:04:00+00', 'intended', '2026-01-05 15:04:30+00', 'agent_ring_over', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:04:30.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000002', 2, 'af8cc9d88df8a5a2f4d4734a0cdb6643962030a6a6775994b1eca401e3310ce1');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 35, 'attempt', 'attempt_moved', 3, '2026-01-05 15:04:00+00', 'agent_on_line', '2026-01-05 15:04:55+00', 'ring_over', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:04:55.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000002', 3, '10236d95a09ad777ce6ce078eee49efd43f27ed2ce433e31453552fac7f50a43');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 36, 'attempt', 'attempt_moved', 4, '2026-01-05 15:04:00+00', 'agent_on_line', '2026-01-05 15:04:55+00', 'ring_over', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:04:55.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000002', 4, 'bf59d73b839af242d81c5ca25495329b4dfec34eca3b947576eaea65791a1018');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 37, 'attempt', 'attempt_moved', 5, '2026-01-05 15:04:00+00', 'joining', '2026-01-05 15:04:10+00', 'join_overdue', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:04:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000002', 5, 'ce6021d5ef0ea8e77932386ca93753d55aca86e4aaa74a8e23a92619324b36cd');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 38, 'attempt', 'attempt_moved', 6, '2026-01-05 15:04:00+00', 'connected', '2026-01-05 19:04:00+00', 'talk_overdue', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer bridged","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:04:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:04:00.000000Z","raw_cause":null,"by":null}', 'at_000002', 6, '9961896c5a7545c0304b78be680aff61aea4548ab111b03270f6c44fedcb7a67');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 39, 'callback', 'callback_ended', 3, '2026-01-05 15:04:00+00', 'ended', NULL, NULL, NULL, 'cb_000001', NULL, NULL, NULL, NULL, NULL, NULL, 'completed', NULL, '{"attempts_count":1,"last_disposition":"connected","hold_reason":null,"ended_at":"2026-01-05T15:04:00.000000Z","merged_into_id":null,"by":null,"notices":[],"follow_up_due_at":null,"no_shows_count":null}', 'cb_000001', 3, '7eb21223a68b3840d9015d928623c9992cb4a395b14f2cee5ee58e3f38227a9a');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 40, 'agent', 'agent_connected', 6, '2026-01-05 15:04:00+00', 'busy', '2026-01-06 07:04:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:04:00.000000Z"}', 'mia', 6, '12b5d4bfa20c190134f0cb6d6dac6fad324fed35e76a39b41ceb123c90d346ff');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 41, 'attempt', 'attempt_moved', 7, '2026-01-05 15:07:00+00', 'ending', '2026-01-05 15:07:10+00', 'hang_up_overdue', NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"customer ended normal","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:04:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:04:00.000000Z","raw_cause":null,"by":null}', 'at_000002', 7, 'efcd084f11fae42068085bcb7b421a91d80031b715d54f403e4224593a23d461');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 42, 'attempt', 'attempt_ended', 8, '2026-01-05 15:07:00+00', 'ended', NULL, NULL, NULL, 'cb_000001', NULL, 'at_000002', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:04:00.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:04:00.000000Z","raw_cause":null,"by":null,"ended_at":"2026-01-05T15:07:00.000000Z"}', 'at_000002', 8, '731234f501fe7b6db9c13d1dd28b75fa18e550fb17efea8d46ce4b4b2e53bf15');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 43, 'agent', 'agent_freed', 7, '2026-01-05 15:07:00+00', 'available', '2026-01-06 07:07:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:07:00.000000Z","leaving":0}', 'mia', 7, 'd737a3ec1eb0d650f88b0876330c58f551d43efba9501c38df8fbd25f65a0bf6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 44, 'callback', 'callback_attempted', 2, '2026-01-05 15:07:00+00', 'attempting', '2026-01-05 15:16:30+00', 'attempt_overdue', NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:07:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000002', 2, '7b15683ca9e56658fd7a95cbea772fa471ed084a564c2159ed465ea5d66f808a');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 45, 'attempt', 'attempt_started', 1, '2026-01-05 15:07:00+00', 'intended', '2026-01-05 15:07:30+00', 'agent_ring_over', 'support', 'cb_000002', NULL, 'at_000003', NULL, 'mia', 'su_000002', NULL, NULL, NULL, '{"number_key":"93e171c79ab4c87f9005b3a535690490","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000005","agent_leg":"intended","customer_leg_id":"leg_000006","customer_leg":"none","started_at":"2026-01-05T15:07:00.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:07:30.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000003', 1, '71b4900f3a2e3cd9a428c8f8b496b6c8304300952fefa981dceaff1f93a107c9');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 46, 'agent', 'agent_reserved', 8, '2026-01-05 15:07:00+00', 'reserved', '2026-01-06 07:07:00+00', 'presence_over', NULL, NULL, NULL, 'at_000003', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:07:00.000000Z"}', 'mia', 8, '97d7d65bced4478ea817d3225725421f2c134a214c4c91326d4171d90e059595');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 47, 'attempt', 'attempt_moved', 2, '2026-01-05 15:07:00+00', 'intended', '2026-01-05 15:07:30+00', 'agent_ring_over', NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:07:30.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000003', 2, '976f54dd1c037437b012ed6999b8ae17b22a3a563507774c1d52d42aff04b820');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 48, 'attempt', 'attempt_moved', 3, '2026-01-05 15:07:00+00', 'agent_on_line', '2026-01-05 15:07:55+00', 'ring_over', NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:07:55.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000003', 3, 'ed1f0b69e8abb9c29a58e09f1ff6bccac6a0b1a8399c5bd810d956070ccb61da');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 49, 'attempt', 'attempt_moved', 4, '2026-01-05 15:07:00+00', 'agent_on_line', '2026-01-05 15:07:55+00', 'ring_over', NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:07:55.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000003', 4, '7250582abb1b6556bec7e9db34e2ec9cd6caeff25c130f8c935e2bfeb5e4c15c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 50, 'attempt', 'attempt_moved', 5, '2026-01-05 15:07:45+00', 'ending', '2026-01-05 15:08:25+00', 'hang_up_overdue', NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"customer ended no_answer","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000003', 5, 'fa0e7d1620daadbc653bdd95aaa192ddc1f546e5fa8b205fe960883c98cfe772');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 51, 'attempt', 'attempt_ended', 6, '2026-01-05 15:07:45+00', 'ended', NULL, NULL, NULL, 'cb_000002', NULL, 'at_000003', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null,"ended_at":"2026-01-05T15:07:45.000000Z"}', 'at_000003', 6, 'd24e62a1b4a7ecddd3bcfdb2069d6f5686f5d6529fad4611b0de38a6f28b587f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 52, 'callback', 'callback_rested', 3, '2026-01-05 15:07:45+00', 'resting', '2026-01-05 15:09:45+00', 'rest_over', NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts_count":1,"last_disposition":"no_answer","number_index":0,"notice":null}', 'cb_000002', 3, '45888fbe8849b02b101405a678314754cb9a590bb1b549e7e7ff49ccaebe3914');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 53, 'agent', 'agent_freed', 9, '2026-01-05 15:07:45+00', 'available', '2026-01-06 07:07:45+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:07:45.000000Z","leaving":0}', 'mia', 9, 'dcb51d9c74a7c4923434625aa60da4cbfa6fca68c1fb561e79a887d3690ecbca');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 54, 'callback', 'callback_attempted', 2, '2026-01-05 15:07:45+00', 'attempting', '2026-01-05 15:17:15+00', 'attempt_overdue', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:07:45.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000004', 2, '781e5111354ff0699eac245ec26f6580c1393424a4c243d68c509d807073601e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 55, 'attempt', 'attempt_started', 1, '2026-01-05 15:07:45+00', 'intended', '2026-01-05 15:08:15+00', 'agent_ring_over', 'support', 'cb_000004', NULL, 'at_000004', NULL, 'mia', 'su_000004', NULL, NULL, NULL, '{"number_key":"c23cfcdb8f76403974c8d5feb6c610b4","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000007","agent_leg":"intended","customer_leg_id":"leg_000008","customer_leg":"none","started_at":"2026-01-05T15:07:45.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:08:15.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000004', 1, 'b10747c417b69dc22caba6dbf9c5413fe9287b1465326e263133a4af67a64831');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 56, 'agent', 'agent_reserved', 10, '2026-01-05 15:07:45+00', 'reserved', '2026-01-06 07:07:45+00', 'presence_over', NULL, NULL, NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:07:45.000000Z"}', 'mia', 10, '7550f5d4108edc2d9e280d5d4e281b55d8e24759ac6f074ccd10f8d775ecd464');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 57, 'attempt', 'attempt_moved', 2, '2026-01-05 15:07:45+00', 'intended', '2026-01-05 15:08:15+00', 'agent_ring_over', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:08:15.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000004', 2, '62b8f0f3b63d94f42244f19d10973d3577d368a4154de54096d9f92b6ea93756');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 58, 'attempt', 'attempt_moved', 3, '2026-01-05 15:07:45+00', 'agent_on_line', '2026-01-05 15:08:40+00', 'ring_over', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:08:40.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000004', 3, 'a8f116135bf71ebce5bfb6ceb522176c48eaddcee2d76007f6cfde8ca0ddc6ce');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 59, 'attempt', 'attempt_moved', 4, '2026-01-05 15:07:45+00', 'agent_on_line', '2026-01-05 15:08:40+00', 'ring_over', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:08:40.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000004', 4, 'c7875070b70a5b39c9d02c61e4859f8229fb64b5f092a06b23b09ffbbc9985d6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 60, 'attempt', 'attempt_moved', 5, '2026-01-05 15:07:45+00', 'joining', '2026-01-05 15:07:55+00', 'join_overdue', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:07:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000004', 5, '503219d0c5f51bc3f2b25d0ca2e3d7f36aa8d8c2ce451a3e637cbb3fbf8c2a28');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 61, 'attempt', 'attempt_moved', 6, '2026-01-05 15:07:45+00', 'connected', '2026-01-05 19:07:45+00', 'talk_overdue', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer bridged","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:07:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:07:45.000000Z","raw_cause":null,"by":null}', 'at_000004', 6, 'dadfdbdc67b374d804900fd90000d3baf678e52d8877a0a68c6fc721f66dd124');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 62, 'callback', 'callback_ended', 3, '2026-01-05 15:07:45+00', 'ended', NULL, NULL, NULL, 'cb_000004', NULL, NULL, NULL, NULL, NULL, NULL, 'completed', NULL, '{"attempts_count":1,"last_disposition":"connected","hold_reason":null,"ended_at":"2026-01-05T15:07:45.000000Z","merged_into_id":null,"by":null,"notices":[],"follow_up_due_at":null,"no_shows_count":null}', 'cb_000004', 3, '0b2964cc71ae8e699f3474179d608977f096b88941826c318a403cc87561584d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 63, 'agent', 'agent_connected', 11, '2026-01-05 15:07:45+00', 'busy', '2026-01-06 07:07:45+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:07:45.000000Z"}', 'mia', 11, 'b27498ffe94510c05d2ac4cc9ca6b035b8fc4c4d973c97a3313d7ea54cc74b89');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 64, 'callback', 'callback_ready', 4, '2026-01-05 15:09:45+00', 'waiting', '2026-01-05 15:17:00+00', 'window_over', 'support', 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"mode":"agent_first","priority":100,"lane":1,"ranked_at":"2026-01-05T15:00:00.000000Z","rank":-3133846800000000,"preferred_until_at":null,"dedup_key":"support/su_000002","by":null,"hold_reason":null}', 'cb_000002', 4, 'dd56459d47d0ff1e1702064e55b97da157f3e9f13547f807c45d13d7a120fe7d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 65, 'attempt', 'attempt_moved', 7, '2026-01-05 15:10:45+00', 'ending', '2026-01-05 15:10:55+00', 'hang_up_overdue', NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"customer ended normal","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:07:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:07:45.000000Z","raw_cause":null,"by":null}', 'at_000004', 7, '5168bc0e56358f94dc3dc4da5182d8fc50f9fee25f691cc88220eb38ee71016f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 66, 'attempt', 'attempt_ended', 8, '2026-01-05 15:10:45+00', 'ended', NULL, NULL, NULL, 'cb_000004', NULL, 'at_000004', NULL, 'mia', NULL, 'connected', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:07:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:07:45.000000Z","raw_cause":null,"by":null,"ended_at":"2026-01-05T15:10:45.000000Z"}', 'at_000004', 8, '0826b7efe1742a273fe77dfb92504721be665f97b7302de150bb1bd902d4b5c1');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 67, 'agent', 'agent_freed', 12, '2026-01-05 15:10:45+00', 'available', '2026-01-06 07:10:45+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:10:45.000000Z","leaving":0}', 'mia', 12, '0e00317e85d3d88af1bf7355f656785596aa20bf2a3d50669d84d27695bc38b8');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 68, 'callback', 'callback_attempted', 5, '2026-01-05 15:10:45+00', 'attempting', '2026-01-05 15:20:15+00', 'attempt_overdue', NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:07:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000002', 5, 'd1d20bc5282831f324b5354742e34ddfc0fc91387671a94bcb0655b8e808de6c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 69, 'attempt', 'attempt_started', 1, '2026-01-05 15:10:45+00', 'intended', '2026-01-05 15:11:15+00', 'agent_ring_over', 'support', 'cb_000002', NULL, 'at_000005', NULL, 'mia', 'su_000002', NULL, NULL, NULL, '{"number_key":"93e171c79ab4c87f9005b3a535690490","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000009","agent_leg":"intended","customer_leg_id":"leg_000010","customer_leg":"none","started_at":"2026-01-05T15:10:45.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:11:15.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000005', 1, '9dcbe170d5bd191ef47c44da2cd518788cd00f928e2a2e7e0365531662667671');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 70, 'agent', 'agent_reserved', 13, '2026-01-05 15:10:45+00', 'reserved', '2026-01-06 07:10:45+00', 'presence_over', NULL, NULL, NULL, 'at_000005', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:10:45.000000Z"}', 'mia', 13, 'a1b5a4b56c7819384bd302c04b6a321b4591f32a06106c53b527cf4da4af9a74');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 71, 'attempt', 'attempt_moved', 2, '2026-01-05 15:10:45+00', 'intended', '2026-01-05 15:11:15+00', 'agent_ring_over', NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:11:15.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000005', 2, '3684eda81c35d002547872bb989847bb68af221e9ec55de5c01bbf9bc8303e8f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 72, 'attempt', 'attempt_moved', 3, '2026-01-05 15:10:45+00', 'agent_on_line', '2026-01-05 15:11:40+00', 'ring_over', NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:11:40.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000005', 3, '89943341512f2f120fd7142a7e10f3cf6761eb0a72af58c727e6b1898b9440c1');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 73, 'attempt', 'attempt_moved', 4, '2026-01-05 15:10:45+00', 'agent_on_line', '2026-01-05 15:11:40+00', 'ring_over', NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:11:40.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000005', 4, '5862d1e2f76c3726ea2ea8db1367a3dc78ed7a5679d4c4115f26cbe13710009f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 74, 'attempt', 'attempt_moved', 5, '2026-01-05 15:11:30+00', 'ending', '2026-01-05 15:12:10+00', 'hang_up_overdue', NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"customer ended no_answer","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000005', 5, '059c1b96446d6610dcb43d7eef3e45dc374e1bd94967b3665d32085058c68710');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 75, 'attempt', 'attempt_ended', 6, '2026-01-05 15:11:30+00', 'ended', NULL, NULL, NULL, 'cb_000002', NULL, 'at_000005', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null,"ended_at":"2026-01-05T15:11:30.000000Z"}', 'at_000005', 6, 'ef38686131fa71a2ef68244080b3de79bccde451da3abc8643e51c9e2078c36b');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 76, 'callback', 'callback_ended', 6, '2026-01-05 15:11:30+00', 'ended', NULL, NULL, NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, 'unreached', 'attempts_used_up', '{"attempts_count":2,"last_disposition":"no_answer","hold_reason":null,"ended_at":"2026-01-05T15:11:30.000000Z","merged_into_id":null,"by":null,"notices":["unreached","ticket_note","follow_up"],"follow_up_due_at":"2026-01-06T15:11:30.000000Z","no_shows_count":null}', 'cb_000002', 6, '056d216a703ecd25486a69ff659a4119badbaf811bbe0fb9e102671df388d21e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 77, 'agent', 'agent_freed', 14, '2026-01-05 15:11:30+00', 'available', '2026-01-06 07:11:30+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:11:30.000000Z","leaving":0}', 'mia', 14, '5b92759c151a41b5b738f25d7dfe5cfb98402d7aa11d0b779b940a9000c3c073');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 78, 'message', 'message_queued', 1, '2026-01-05 15:11:30+00', 'waiting', '2026-01-05 15:11:30+00', 'message_waits', 'support', 'cb_000002', NULL, NULL, NULL, NULL, 'su_000002', NULL, NULL, NULL, '{"message_id":"ms_000005","message_kind":"unreached","cause":"cb_000002.6.unreached","is_answer":0,"created_at":"2026-01-05T15:11:30.000000Z","best_before_at":"2026-01-06T03:11:30.000000Z"}', 'ms_000005', 1, 'c88fbdf5ef80bde0f619bc868eec872752829e83894ac839e5727e0c16735d37');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 79, 'message', 'message_sending', 2, '2026-01-05 15:11:30+00', 'sending', '2026-01-05 15:12:30+00', 'send_overdue', NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000005","channel":"sms","address_key":"93e171c79ab4c87f9005b3a535690490","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000005', 2, 'f1635c111b9ac0a92d345ca74c41d196a20870730b498bee1813be2bd86fcdcf');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 80, 'message', 'message_sent', 3, '2026-01-05 15:11:30+00', 'sent', '2026-01-08 15:11:30+00', 'receipt_overdue', NULL, 'cb_000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000005","provider_key":"6486d59a5e5a0eddce18fc339988e6d3","sent_at":"2026-01-05T15:11:30.000000Z"}', 'ms_000005', 3, 'c8866508d780aa97f76af2ef739a6289e6c8578ca71551bb8a34126e79bac860');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 130, 'opt_out', 'opt_out_changed', 1, '2026-01-05 15:14:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"number_key":"ba1d2bb46a3d04a8a8b9ac8d940fc02c","calls_at":"2026-01-05T15:14:00.000000Z","messages_at":"2026-01-05T15:14:00.000000Z","by":"letter","changed_at":"2026-01-05T15:14:00.000000Z"}', 'ba1d2bb46a3d04a8a8b9ac8d940fc02c', 1, 'cee8eda3a9d3d30209f9c97d1a40c48ded3ccabbd306569b91452c94831c7c43');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 81, 'callback', 'callback_requested', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:58:00+00', 'waited_long', 'support', 'cb_000005', NULL, NULL, NULL, NULL, 'su_000005', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000005","entered_at":"2026-01-05T15:13:00.000000Z","requested_at":"2026-01-05T15:13:00.000000Z","ranked_at":"2026-01-05T15:13:00.000000Z","rank":-3133846020000000,"scheduled_at":null,"expires_at":"2026-01-06T15:13:00.000000Z","dedup_key":"support/su_000005","request_key":null,"offer_id":null,"quoted_position":1,"quoted_position_exact":1,"quoted_wait_s":0.0,"quoted_wait_low_s":0.0,"quoted_wait_high_s":0.0,"quoted_by":"ql","preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000005', 1, '417496f92d95d90cfab1d575c7660356e999960f5cac59312a12aee3325f1cf7');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 82, 'message', 'message_queued', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:13:00+00', 'message_waits', 'support', 'cb_000005', NULL, NULL, NULL, NULL, 'su_000005', NULL, NULL, NULL, '{"message_id":"ms_000006","message_kind":"confirmation","cause":"cb_000005.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:13:00.000000Z","best_before_at":"2026-01-06T03:13:00.000000Z"}', 'ms_000006', 1, '64b794523da1e66013af59e524b05646eab6138384ad7a3ad2c02e1571dab3c6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 83, 'message', 'message_queued', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:28:00+00', 'message_waits', 'support', 'cb_000005', NULL, NULL, NULL, NULL, 'su_000005', NULL, NULL, NULL, '{"message_id":"ms_000007","message_kind":"slipped","cause":"cb_000005.slipped","is_answer":0,"created_at":"2026-01-05T15:13:00.000000Z","best_before_at":"2026-01-06T03:28:00.000000Z"}', 'ms_000007', 1, '99fa910adda05188bfd6b26447b08d195d18c6d361b2be904a04c3f4183d224f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 84, 'call', 'call_joined', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 23:13:00+00', 'expires', 'support', NULL, 'chan-1', NULL, NULL, NULL, 'su_000006', NULL, NULL, NULL, '{"priority":100,"lane":0,"place_id":"chan-1","entered_at":"2026-01-05T15:13:00.000000Z","ranked_at":"2026-01-05T15:13:00.000000Z","rank":-3133846020000000,"preferred_agent_id":null,"preferred_until_at":null,"returns_for_id":null}', 'chan-1', 1, 'c92cb0b5e1fe30cb976c31903712fb8489a0eece9d3cf4574a47b885e779e396');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 85, 'call', 'call_offered', 2, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 23:13:00+00', 'expires', NULL, NULL, 'chan-1', NULL, NULL, NULL, NULL, NULL, NULL, 'asked', '{"offers_count":1,"offer_id":"of_000001","quoted_at":"2026-01-05T15:13:00.000000Z","quoted_position":2,"quoted_wait_s":267.27272727272725,"quoted_wait_low_s":13.7092986817635,"quoted_wait_high_s":800.6775349317023,"quoted_by":"ql","offer_until_at":"2026-01-05T15:14:00.000000Z"}', 'chan-1', 2, 'aeb91050464f938b07c6f699882e94c02b8cc33b76d17257bba965ce1e6506ea');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 86, 'callback', 'callback_requested', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:58:00+00', 'waited_long', 'support', 'cb_000006', 'chan-1', NULL, NULL, NULL, 'su_000006', NULL, NULL, NULL, '{"channel":"in_queue","mode":"agent_first","priority":100,"lane":0,"place_id":"chan-1","entered_at":"2026-01-05T15:13:00.000000Z","requested_at":"2026-01-05T15:13:00.000000Z","ranked_at":"2026-01-05T15:13:00.000000Z","rank":-3133846020000000,"scheduled_at":null,"expires_at":"2026-01-06T15:13:00.000000Z","dedup_key":"support/su_000006","request_key":"call:chan-1","offer_id":null,"quoted_position":2,"quoted_position_exact":1,"quoted_wait_s":267.27272727272725,"quoted_wait_low_s":13.7092986817635,"quoted_wait_high_s":800.6775349317023,"quoted_by":"ql","preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"requested","consent_at":"2026-01-05T15:13:00.000000Z","consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000006', 1, 'a6623a95bac2452b996c841b591c97cb08273e1723fc09667bc57e0f1653fab5');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 87, 'call', 'call_ended', 3, '2026-01-05 15:13:00+00', 'ended', NULL, NULL, NULL, 'cb_000006', 'chan-1', NULL, NULL, NULL, NULL, NULL, 'converted', NULL, '{"ended_at":"2026-01-05T15:13:00.000000Z"}', 'chan-1', 3, 'bfcf3ddc4336838a8109bea57ed64c25134b37dbf4941c55b6dcc7e265484867');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 88, 'message', 'message_queued', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:13:00+00', 'message_waits', 'support', 'cb_000006', NULL, NULL, NULL, NULL, 'su_000006', NULL, NULL, NULL, '{"message_id":"ms_000008","message_kind":"confirmation","cause":"cb_000006.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:13:00.000000Z","best_before_at":"2026-01-06T03:13:00.000000Z"}', 'ms_000008', 1, 'a90c7447ce50c3e1733d1f58d8b91708afd2d0801205a45df4f0203866e67b67');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 89, 'message', 'message_queued', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:41:20.677535+00', 'message_waits', 'support', 'cb_000006', NULL, NULL, NULL, NULL, 'su_000006', NULL, NULL, NULL, '{"message_id":"ms_000009","message_kind":"slipped","cause":"cb_000006.slipped","is_answer":0,"created_at":"2026-01-05T15:13:00.000000Z","best_before_at":"2026-01-06T03:41:20.677535Z"}', 'ms_000009', 1, '52bc872a5f3c55abe5113e5f5a1f1c32d719ee25cb99a9b797674f8bb8ce3fad');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 90, 'call', 'call_joined', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 23:13:00+00', 'expires', 'support', NULL, 'chan-2', NULL, NULL, NULL, 'su_000007', NULL, NULL, NULL, '{"priority":100,"lane":0,"place_id":"chan-2","entered_at":"2026-01-05T15:13:00.000000Z","ranked_at":"2026-01-05T15:13:00.000000Z","rank":-3133846020000000,"preferred_agent_id":null,"preferred_until_at":null,"returns_for_id":null}', 'chan-2', 1, 'd8515596bf38eb361e16b31b852b4dba61d58921e68f2f710ff38f4c6ddbc53a');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 91, 'call', 'call_joined', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 23:13:00+00', 'expires', 'support', NULL, 'chan-3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"priority":100,"lane":0,"place_id":"chan-3","entered_at":"2026-01-05T15:13:00.000000Z","ranked_at":"2026-01-05T15:13:00.000000Z","rank":-3133846020000000,"preferred_agent_id":null,"preferred_until_at":null,"returns_for_id":null}', 'chan-3', 1, '25787dd7de1d567519f02640fcbbea146fb54736783137c8908f9732e87f97b3');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 92, 'call', 'call_ended', 2, '2026-01-05 15:13:00+00', 'ended', NULL, NULL, NULL, NULL, 'chan-3', NULL, NULL, NULL, NULL, NULL, 'abandoned', NULL, '{"ended_at":"2026-01-05T15:13:00.000000Z"}', 'chan-3', 2, '0e60402e880670fc6ced568a7aedb767dbd7ab84d4e246aff3609a43ac196a16');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 93, 'opt_out', 'opt_out_changed', 1, '2026-01-05 15:13:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"number_key":"941f81fc11984d92e1766eab3f9fd1eb","calls_at":null,"messages_at":"2026-01-05T15:13:00.000000Z","by":"message","changed_at":"2026-01-05T15:13:00.000000Z"}', '941f81fc11984d92e1766eab3f9fd1eb', 1, '1ea5fb71d69f77a29726bf5da0a696d233892acce81aae997428bcb5098d86a2');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 94, 'message', 'message_queued', 1, '2026-01-05 15:13:00+00', 'waiting', '2026-01-05 15:13:00+00', 'message_waits', 'support', NULL, NULL, NULL, NULL, NULL, 'su_000006', NULL, NULL, NULL, '{"message_id":"ms_000010","message_kind":"help","cause":"in/d97d0b5371cf5682527c55be3ea4863d.help","is_answer":1,"created_at":"2026-01-05T15:13:00.000000Z","best_before_at":"2026-01-06T03:13:00.000000Z"}', 'ms_000010', 1, 'ad4eef14206ebe688e560880f638e51827630c17dcf1e0417c65ea52c91bbe23');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 95, 'message', 'message_sending', 1, '2026-01-05 15:13:00+00', 'sending', '2026-01-05 15:14:00+00', 'send_overdue', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000010","channel":"sms","address_key":"17bc58b467a2549bb230186f957a8846","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000010', 2, '9146fe6c54bc0ff0cff42d13fade85df8f78272cf39ce6558cd370f9b780bb76');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 96, 'message', 'message_sent', 2, '2026-01-05 15:13:00+00', 'sent', '2026-01-08 15:13:00+00', 'receipt_overdue', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000010","provider_key":"0124eecf9105377f926323a975f2707b","sent_at":"2026-01-05T15:13:00.000000Z"}', 'ms_000010', 3, '03af4925f822d02946a6e2d19bb5b10e93bfc34578ece3e47ed12ce567b9ec3d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 97, 'callback', 'callback_attempted', 2, '2026-01-05 15:13:00+00', 'attempting', '2026-01-05 15:22:30+00', 'attempt_overdue', NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:13:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000005', 2, 'd82f77fa95b8fa3bb2e6b43e639d9c9516bb0bcb0de4a3e1f9bab61a36956e7f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 98, 'attempt', 'attempt_started', 1, '2026-01-05 15:13:00+00', 'intended', '2026-01-05 15:13:30+00', 'agent_ring_over', 'support', 'cb_000005', NULL, 'at_000006', NULL, 'mia', 'su_000005', NULL, NULL, NULL, '{"number_key":"ccc241b5e58a575b843539f988255de4","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000011","agent_leg":"intended","customer_leg_id":"leg_000012","customer_leg":"none","started_at":"2026-01-05T15:13:00.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:13:30.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000006', 1, '4528ba2dd671c370d66aa01b48b99920004e76cd691e060f3caa4b5597cb8cda');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 99, 'agent', 'agent_reserved', 15, '2026-01-05 15:13:00+00', 'reserved', '2026-01-06 07:13:00+00', 'presence_over', NULL, NULL, NULL, 'at_000006', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:13:00.000000Z"}', 'mia', 15, '52824d54e8c7588d92742d054a6c385290912d325e60fee01f4f275fe4dd7e19');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 100, 'message', 'message_sending', 2, '2026-01-05 15:13:00+00', 'sending', '2026-01-05 15:14:00+00', 'send_overdue', NULL, 'cb_000005', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000006","channel":"sms","address_key":"ccc241b5e58a575b843539f988255de4","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000006', 2, '2a4291d0e2efa649a8471f826c9318f9096a8d9866ae5ab275f0b698c36d78b9');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 101, 'message', 'message_sending', 2, '2026-01-05 15:13:00+00', 'sending', '2026-01-05 15:14:00+00', 'send_overdue', NULL, 'cb_000006', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000008","channel":"sms","address_key":"17bc58b467a2549bb230186f957a8846","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000008', 2, '659fcd66a155ff70c6a5e900d41db9446b22d66b0e0df7e41351eb9b701ced03');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 102, 'message', 'message_sent', 3, '2026-01-05 15:13:00+00', 'sent', '2026-01-08 15:13:00+00', 'receipt_overdue', NULL, 'cb_000005', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000006","provider_key":"e0c6d15b946e8885a5b3ca12562df4e1","sent_at":"2026-01-05T15:13:00.000000Z"}', 'ms_000006', 3, '12d95d3b1ae9f8ee099dacfb4b0283d7e0be81bed965784c7ce086e80cf54e73');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 103, 'message', 'message_sent', 3, '2026-01-05 15:13:00+00', 'sent', '2026-01-08 15:13:00+00', 'receipt_overdue', NULL, 'cb_000006', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000008","provider_key":"909b5a11d5debf992c98501efd1cbf1b","sent_at":"2026-01-05T15:13:00.000000Z"}', 'ms_000008', 3, 'e0f3a023601b1fedf11ff81bc5f0501abf0104aa1c06c882404c5d9ffb81748c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 104, 'attempt', 'attempt_moved', 2, '2026-01-05 15:13:00+00', 'intended', '2026-01-05 15:13:30+00', 'agent_ring_over', NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:13:30.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000006', 2, '1491d3c80ae15fb256a0b7a62d7e2c0e2be9381bc2a7f9e2ec894766a46c456a');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 105, 'attempt', 'attempt_moved', 3, '2026-01-05 15:13:00+00', 'agent_on_line', '2026-01-05 15:13:55+00', 'ring_over', NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:13:55.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000006', 3, 'a1bed2740b670e5018737dabf82fc82add376daa1c0e6cea59520604a9922a69');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 106, 'attempt', 'attempt_moved', 4, '2026-01-05 15:13:00+00', 'agent_on_line', '2026-01-05 15:13:55+00', 'ring_over', NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:13:55.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000006', 4, '27cdeff2fe7dcb66869585b308e4c2603e4af0592ab39395d6d81ba2626651ca');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 107, 'attempt', 'attempt_moved', 5, '2026-01-05 15:13:45+00', 'ending', '2026-01-05 15:14:25+00', 'hang_up_overdue', NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"customer ended no_answer","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000006', 5, 'c847c813903ba69815e488467c7d669d20da4bb78dd1dd8d49c62a6926d88c56');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 108, 'attempt', 'attempt_ended', 6, '2026-01-05 15:13:45+00', 'ended', NULL, NULL, NULL, 'cb_000005', NULL, 'at_000006', NULL, 'mia', NULL, 'no_answer', NULL, NULL, '{"cause":"agent ended normal","agent_leg":"ended","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ended","customer_until_at":null,"customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null,"ended_at":"2026-01-05T15:13:45.000000Z"}', 'at_000006', 6, '66cf09080cd999fce05c2e2e9648761b345babbaadcfa26f74026c8d2ebc57f9');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 109, 'callback', 'callback_rested', 3, '2026-01-05 15:13:45+00', 'resting', '2026-01-05 15:15:45+00', 'rest_over', NULL, 'cb_000005', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts_count":1,"last_disposition":"no_answer","number_index":0,"notice":null}', 'cb_000005', 3, '476b0af92db93f3511afde35f5fe76b0c81d48861e92145a1cfdc481ca08eb18');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 110, 'agent', 'agent_freed', 16, '2026-01-05 15:13:45+00', 'available', '2026-01-06 07:13:45+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:13:45.000000Z","leaving":0}', 'mia', 16, 'a7a0c7857cff327da73814927b8a3be9bd7f3cbe1f8b65edae83c6f2c3596519');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 111, 'message', 'message_ended', 2, '2026-01-05 15:13:45+00', 'ended', NULL, NULL, NULL, 'cb_000005', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000007","ended_as":"withdrawn","ended_at":"2026-01-05T15:13:45.000000Z","sent_at":null,"provider_key":null,"problem":"called","by":null}', 'ms_000007', 2, '499b99743581d4652ae8e73c9ebb3d6ae52fee9b13e495c1de7c78f2574f4836');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 112, 'callback', 'callback_attempted', 2, '2026-01-05 15:13:45+00', 'attempting', '2026-01-05 15:23:15+00', 'attempt_overdue', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"number_index":0,"turn_at":"2026-01-05T15:13:45.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'cb_000006', 2, '80271fba250c6fee9b24df53113b61eab81a350b8d9f784e5a44c5160b6f1894');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 113, 'attempt', 'attempt_started', 1, '2026-01-05 15:13:45+00', 'intended', '2026-01-05 15:14:15+00', 'agent_ring_over', 'support', 'cb_000006', NULL, 'at_000007', NULL, 'mia', 'su_000006', NULL, NULL, NULL, '{"number_key":"17bc58b467a2549bb230186f957a8846","mode":"agent_first","node_id":"node","agent_leg_id":"leg_000013","agent_leg":"intended","customer_leg_id":"leg_000014","customer_leg":"none","started_at":"2026-01-05T15:13:45.000000Z","agents_rung_count":1,"agent_until_at":"2026-01-05T15:14:15.000000Z","customer_until_at":null,"number_index":0,"announces":null}', 'at_000007', 1, '6b5acc64014f71da8e48d8a3c8d87cb2d27e00df9fe69803cb94f8acbfc592f5');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 114, 'agent', 'agent_reserved', 17, '2026-01-05 15:13:45+00', 'reserved', '2026-01-06 07:13:45+00', 'presence_over', NULL, NULL, NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:13:45.000000Z"}', 'mia', 17, 'a65a7b9437c997b2a64ffaaa3069a8aa5902d299b3b07ffb93dff806cd3a2ff1');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 115, 'attempt', 'attempt_moved', 2, '2026-01-05 15:13:45+00', 'intended', '2026-01-05 15:14:15+00', 'agent_ring_over', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent ringing","agent_leg":"ringing","agents_rung_count":1,"agent_until_at":"2026-01-05T15:14:15.000000Z","customer_leg":"none","customer_until_at":null,"customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000007', 2, '3f280cc124fd25f518e6825211cd188049542e00a381bb598bafaf96139246d0');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 116, 'attempt', 'attempt_moved', 3, '2026-01-05 15:13:45+00', 'agent_on_line', '2026-01-05 15:14:40+00', 'ring_over', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"agent answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"intended","customer_until_at":"2026-01-05T15:14:40.000000Z","customer_rang":0,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000007', 3, 'cfc376c0a8366f5b1f4f1fc7ec1a43db98c10474c512a6b07ca93576101f2bf9');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 117, 'attempt', 'attempt_moved', 4, '2026-01-05 15:13:45+00', 'agent_on_line', '2026-01-05 15:14:40+00', 'ring_over', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer ringing","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"ringing","customer_until_at":"2026-01-05T15:14:40.000000Z","customer_rang":1,"customer_answered_at":null,"answered_by":null,"confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000007', 4, 'c07c541e2e90b02430144bf8af2a98be323e9620bd7db440c2dbf7461b59bf59');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 118, 'attempt', 'attempt_moved', 5, '2026-01-05 15:13:45+00', 'joining', '2026-01-05 15:13:55+00', 'join_overdue', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer answered","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:13:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":null,"raw_cause":null,"by":null}', 'at_000007', 5, 'c607d501c946364e83e42ea714790f1577b5a594164670627ef0e4388a5c2fcc');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 119, 'attempt', 'attempt_moved', 6, '2026-01-05 15:13:45+00', 'connected', '2026-01-05 19:13:45+00', 'talk_overdue', NULL, 'cb_000006', NULL, 'at_000007', NULL, 'mia', NULL, NULL, NULL, NULL, '{"cause":"customer bridged","agent_leg":"answered","agents_rung_count":1,"agent_until_at":null,"customer_leg":"answered","customer_until_at":null,"customer_rang":1,"customer_answered_at":"2026-01-05T15:13:45.000000Z","answered_by":"human","confirmation":null,"recording_id":null,"connected_at":"2026-01-05T15:13:45.000000Z","raw_cause":null,"by":null}', 'at_000007', 6, '7e6511be565c138e536f3e21a7b9785e3d1855868894d25db4874d665d52202f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 120, 'callback', 'callback_ended', 3, '2026-01-05 15:13:45+00', 'ended', NULL, NULL, NULL, 'cb_000006', NULL, NULL, NULL, NULL, NULL, NULL, 'completed', NULL, '{"attempts_count":1,"last_disposition":"connected","hold_reason":null,"ended_at":"2026-01-05T15:13:45.000000Z","merged_into_id":null,"by":null,"notices":[],"follow_up_due_at":null,"no_shows_count":null}', 'cb_000006', 3, '363d28a012eeeabcb24bb60b896f98f6870bd5f6532b26fbd45dbb6a505acc4d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 121, 'agent', 'agent_connected', 18, '2026-01-05 15:13:45+00', 'busy', '2026-01-06 07:13:45+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'mia', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:13:45.000000Z"}', 'mia', 18, '7e810cd5d97c553bbbe7034468bb26b4dbec1adf6ac352a3a6db17c720eaa5b9');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 122, 'message', 'message_ended', 2, '2026-01-05 15:13:45+00', 'ended', NULL, NULL, NULL, 'cb_000006', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000009","ended_as":"withdrawn","ended_at":"2026-01-05T15:13:45.000000Z","sent_at":null,"provider_key":null,"problem":"ended","by":null}', 'ms_000009', 2, 'a109eba0c5874085db5b95ee1371811dcf20f5d66fa2684017e2d575bc056bea');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 123, 'booking', 'booking_held', 1, '2026-01-05 15:14:00+00', 'held', '2026-01-05 15:14:30+00', 'slot_hold_over', 'billing', NULL, NULL, NULL, 'bk_000001', NULL, NULL, NULL, NULL, NULL, '{"slot_at":"2026-01-05T15:30:00.000000Z","length":1800000000,"seat":"usual","wall_at":"2026-01-05T16:30:00","zone":"Europe/Berlin","fold":0,"window_until_at":null,"held_at":"2026-01-05T15:14:00.000000Z"}', 'bk_000001', 1, '9f541962aa71b93119268235911922f8b80386b2ed7847cb68d16bd0ba720cc6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 124, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'scheduled', '2026-01-05 15:28:00+00', 'scheduled', 'billing', 'cb_000007', NULL, NULL, 'bk_000001', NULL, 'su_000008', NULL, NULL, NULL, '{"channel":"web","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000007","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-05T15:30:00.000000Z","rank":-6327707400000000,"scheduled_at":"2026-01-05T15:30:00.000000Z","expires_at":"2026-01-06T15:30:00.000000Z","dedup_key":"billing/su_000008","request_key":null,"offer_id":null,"quoted_position":null,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"requested","consent_at":"2026-01-05T15:14:00.000000Z","consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000007', 1, '90cd62d95e7d12d3b85a8ad29233017788cd9efcb46fb2773183ccf18054cb52');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 125, 'booking', 'booking_made', 2, '2026-01-05 15:14:00+00', 'booked', '2026-01-05 15:15:00+00', 'reminder', 'billing', 'cb_000007', NULL, NULL, 'bk_000001', NULL, NULL, NULL, NULL, NULL, '{"slot_at":"2026-01-05T15:30:00.000000Z","length":1800000000,"seat":"usual","wall_at":"2026-01-05T16:30:00","zone":"Europe/Berlin","fold":0,"window_until_at":null,"held_at":"2026-01-05T15:14:00.000000Z","booked_at":"2026-01-05T15:14:00.000000Z","repeats":null,"series_id":null}', 'bk_000001', 2, 'f22a0c824d3f760afcbe48c974a93d1594e3314b1f9305e857a9c88e895da74b');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 126, 'booking', 'booking_held', 1, '2026-01-05 15:14:00+00', 'held', '2026-01-05 15:14:30+00', 'slot_hold_over', 'billing', NULL, NULL, NULL, 'bk_000002', NULL, NULL, NULL, NULL, NULL, '{"slot_at":"2026-01-06T07:00:00.000000Z","length":1800000000,"seat":"usual","wall_at":"2026-01-06T08:00:00","zone":"Europe/Berlin","fold":0,"window_until_at":null,"held_at":"2026-01-05T15:14:00.000000Z"}', 'bk_000002', 1, 'e5c8737f05188e5817b35fddea69b52dfcc6e64e16bb1ca6249f33a44de7fcfa');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 127, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'scheduled', '2026-01-06 06:58:00+00', 'scheduled', 'billing', 'cb_000008', NULL, NULL, 'bk_000002', NULL, 'su_000009', NULL, NULL, NULL, '{"channel":"web","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000008","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-06T07:00:00.000000Z","rank":-6327651600000000,"scheduled_at":"2026-01-06T07:00:00.000000Z","expires_at":"2026-01-07T07:00:00.000000Z","dedup_key":"billing/su_000009","request_key":null,"offer_id":null,"quoted_position":null,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"requested","consent_at":"2026-01-05T15:14:00.000000Z","consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000008', 1, '2af5edab6feefc6866acb21609c9e4bb43175fc9df6bc5523ff48b7d6b88e20d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 128, 'booking', 'booking_made', 2, '2026-01-05 15:14:00+00', 'booked', '2026-01-06 06:45:00+00', 'reminder', 'billing', 'cb_000008', NULL, NULL, 'bk_000002', NULL, NULL, NULL, NULL, NULL, '{"slot_at":"2026-01-06T07:00:00.000000Z","length":1800000000,"seat":"usual","wall_at":"2026-01-06T08:00:00","zone":"Europe/Berlin","fold":0,"window_until_at":null,"held_at":"2026-01-05T15:14:00.000000Z","booked_at":"2026-01-05T15:14:00.000000Z","repeats":"DTSTART:20260106T080000\nRRULE:FREQ=WEEKLY","series_id":"bk_000002"}', 'bk_000002', 2, 'bf3fced86d1299834842ac0bed5ad0141f2bda592d3a3c7a4cc62b3c6752ad5c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 129, 'booking', 'booking_held', 1, '2026-01-05 15:14:00+00', 'held', '2026-01-05 15:14:30+00', 'slot_hold_over', 'billing', NULL, NULL, NULL, 'bk_000003', NULL, NULL, NULL, NULL, NULL, '{"slot_at":"2026-01-06T07:30:00.000000Z","length":1800000000,"seat":"usual","wall_at":"2026-01-06T08:30:00","zone":"Europe/Berlin","fold":0,"window_until_at":null,"held_at":"2026-01-05T15:14:00.000000Z"}', 'bk_000003', 1, 'e0cf270e4eb39d255a09d3633ed58bf5a339a5f5a832f098669249f91e2284e4');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 131, 'queue', 'queue_switched', 1, '2026-01-05 15:14:00+00', NULL, NULL, NULL, 'billing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a meeting', '{"offering_paused":0,"dialing_paused":1,"changed_at":"2026-01-05T15:14:00.000000Z"}', 'billing', 1, '85da2fe8598e9a89b6ca9b0cfc3a353f6c629d0abc5166dbf10b569c5b74b214');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 132, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:59:00+00', 'waited_long', 'support', 'cb_000009', NULL, NULL, NULL, NULL, 'su_000011', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000009","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-05T15:14:00.000000Z","rank":-3133845960000000,"scheduled_at":null,"expires_at":"2026-01-06T15:14:00.000000Z","dedup_key":"support/su_000011","request_key":null,"offer_id":null,"quoted_position":2,"quoted_position_exact":1,"quoted_wait_s":534.5454545454545,"quoted_wait_low_s":94.97844013218787,"quoted_wait_high_s":1267.9056076425722,"quoted_by":"ql","preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000009', 1, 'f7064b3b111bec679905f13be0020e4ae3d36c63993de8bf1fc3a0175f8a5cb3');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 133, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:14:00+00', 'message_waits', 'support', 'cb_000009', NULL, NULL, NULL, NULL, 'su_000011', NULL, NULL, NULL, '{"message_id":"ms_000011","message_kind":"confirmation","cause":"cb_000009.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:14:00.000000Z"}', 'ms_000011', 1, '39a2067aaf95deb79f9772e0da2630efbedf327ed726dc040be8f80d6581623e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 134, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:50:07.905608+00', 'message_waits', 'support', 'cb_000009', NULL, NULL, NULL, NULL, 'su_000011', NULL, NULL, NULL, '{"message_id":"ms_000012","message_kind":"slipped","cause":"cb_000009.slipped","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:50:07.905608Z"}', 'ms_000012', 1, '55f9fca53f272d42323c52e97102bfd00230f9a06a766eb874b2efbb25f5746b');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 135, 'callback', 'callback_ended', 2, '2026-01-05 15:14:00+00', 'ended', NULL, NULL, NULL, 'cb_000009', NULL, NULL, NULL, NULL, NULL, NULL, 'cancelled', 'asked to', '{"attempts_count":0,"last_disposition":null,"hold_reason":null,"ended_at":"2026-01-05T15:14:00.000000Z","merged_into_id":null,"by":null,"notices":[],"follow_up_due_at":null,"no_shows_count":null}', 'cb_000009', 2, '4e8c1e5f99e9d9bdeb8267631b4f3a7adfb04b05ac1cd206f18d9824f1127986');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 136, 'message', 'message_ended', 2, '2026-01-05 15:14:00+00', 'ended', NULL, NULL, NULL, 'cb_000009', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000011","ended_as":"withdrawn","ended_at":"2026-01-05T15:14:00.000000Z","sent_at":null,"provider_key":null,"problem":"superseded","by":null}', 'ms_000011', 2, '218d06d422677d8a16b91ab1588c0d9fb961fe06aaee91279ad4cf3d39b64a64');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 137, 'message', 'message_ended', 2, '2026-01-05 15:14:00+00', 'ended', NULL, NULL, NULL, 'cb_000009', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000012","ended_as":"withdrawn","ended_at":"2026-01-05T15:14:00.000000Z","sent_at":null,"provider_key":null,"problem":"superseded","by":null}', 'ms_000012', 2, '0629b559bbdbabe43edc5b7d86d4c6c9bd7d92ee54c4148ccc877dd03872da01');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 138, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:14:00+00', 'message_waits', 'support', 'cb_000009', NULL, NULL, NULL, NULL, 'su_000011', NULL, NULL, NULL, '{"message_id":"ms_000013","message_kind":"cancelled","cause":"cb_000009.2.cancelled","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:14:00.000000Z"}', 'ms_000013', 1, '61fb419cf63be2e1fd06118de2e00eb09023ec9888ac6037c9ef7e83e638ed9e');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 139, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'scheduled', '2026-01-05 17:14:00+00', 'scheduled', 'support', 'cb_000010', NULL, NULL, NULL, NULL, 'su_000012', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000010","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-05T17:14:00.000000Z","rank":-3133838760000000,"scheduled_at":"2026-01-05T17:14:00.000000Z","expires_at":"2026-01-06T17:14:00.000000Z","dedup_key":"support/su_000012","request_key":null,"offer_id":null,"quoted_position":null,"quoted_position_exact":1,"quoted_wait_s":null,"quoted_wait_low_s":null,"quoted_wait_high_s":null,"quoted_by":null,"preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000010', 1, 'c4705aceb320a9488f70f31bc4b551bc8e8082c60b455986073c7c36e0c83895');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 140, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:14:00+00', 'message_waits', 'support', 'cb_000010', NULL, NULL, NULL, NULL, 'su_000012', NULL, NULL, NULL, '{"message_id":"ms_000014","message_kind":"confirmation","cause":"cb_000010.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-05T17:14:00.000000Z"}', 'ms_000014', 1, 'cdc4b3e89e81cd5a76c6b3ae1d50ea7737bf6ac8297d1ab32619a22ac7812d5d');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 141, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:59:00+00', 'waited_long', 'support', 'cb_000012', NULL, NULL, NULL, NULL, 'su_000013', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000012","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-05T15:14:00.000000Z","rank":-3133845960000000,"scheduled_at":null,"expires_at":"2026-01-06T15:14:00.000000Z","dedup_key":"support/su_000013","request_key":null,"offer_id":null,"quoted_position":2,"quoted_position_exact":1,"quoted_wait_s":534.5454545454545,"quoted_wait_low_s":94.97844013218787,"quoted_wait_high_s":1267.9056076425722,"quoted_by":"ql","preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000012', 1, 'd0b48b3b5555b81575d80e64ca656a623b73ea3a4a71e3ba92aadf040fd4994f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 142, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:14:00+00', 'message_waits', 'support', 'cb_000012', NULL, NULL, NULL, NULL, 'su_000013', NULL, NULL, NULL, '{"message_id":"ms_000015","message_kind":"confirmation","cause":"cb_000012.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:14:00.000000Z"}', 'ms_000015', 1, '7f715f6a87cecc23c4a02c092bf23310fb270d47c8e8de4d29cdf327175fb426');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 143, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:50:07.905608+00', 'message_waits', 'support', 'cb_000012', NULL, NULL, NULL, NULL, 'su_000013', NULL, NULL, NULL, '{"message_id":"ms_000016","message_kind":"slipped","cause":"cb_000012.slipped","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:50:07.905608Z"}', 'ms_000016', 1, '9fcab9605aedefc8683c7cebc4df23670cb9f52030abb0e72433989258efce44');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 144, 'callback', 'callback_requested', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:59:00+00', 'waited_long', 'support', 'cb_000013', NULL, NULL, NULL, NULL, 'su_000014', NULL, NULL, NULL, '{"channel":"agent","mode":"agent_first","priority":100,"lane":0,"place_id":"cb_000013","entered_at":"2026-01-05T15:14:00.000000Z","requested_at":"2026-01-05T15:14:00.000000Z","ranked_at":"2026-01-05T15:14:00.000000Z","rank":-3133845960000000,"scheduled_at":null,"expires_at":"2026-01-06T15:14:00.000000Z","dedup_key":"support/su_000014","request_key":null,"offer_id":null,"quoted_position":3,"quoted_position_exact":1,"quoted_wait_s":801.8181818181818,"quoted_wait_low_s":218.54662315109292,"quoted_wait_high_s":1682.693931663971,"quoted_by":"ql","preferred_agent_id":null,"preferred_until_at":null,"owner_id":null,"ticket_id":null,"caller_id":null,"media":null,"purpose":"service","consent_at":null,"consent_ref":null,"verification_id":null,"follows_id":null}', 'cb_000013', 1, '4939fa9824f799be074fb4c283246b52836832fce10ff3fdba146e674877e1c8');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 145, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:14:00+00', 'message_waits', 'support', 'cb_000013', NULL, NULL, NULL, NULL, 'su_000014', NULL, NULL, NULL, '{"message_id":"ms_000017","message_kind":"confirmation","cause":"cb_000013.1.confirmation","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:14:00.000000Z"}', 'ms_000017', 1, '72aa8744d9de156d6f8d10a7261de171220e0ab1c4c79ead6000464710774743');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 146, 'message', 'message_queued', 1, '2026-01-05 15:14:00+00', 'waiting', '2026-01-05 15:57:02.693932+00', 'message_waits', 'support', 'cb_000013', NULL, NULL, NULL, NULL, 'su_000014', NULL, NULL, NULL, '{"message_id":"ms_000018","message_kind":"slipped","cause":"cb_000013.slipped","is_answer":0,"created_at":"2026-01-05T15:14:00.000000Z","best_before_at":"2026-01-06T03:57:02.693932Z"}', 'ms_000018', 1, '515d6285d69824c8a40c74df85891fb4d0cdce61989b2e8c4e67cfe57c24843f');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 147, 'agent', 'agent_signed_in', 1, '2026-01-05 15:14:00+00', 'available', '2026-01-06 07:14:00+00', 'presence_over', NULL, NULL, NULL, NULL, NULL, 'noa', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:14:00.000000Z","queues":["support"],"skills":[],"leaving":0}', 'noa', 1, 'a0fa9a2b58915e7f17eea43f82c7263239030503a5c9e393319ca610bd8af048');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 148, 'call', 'call_taken', 2, '2026-01-05 15:14:00+00', 'taken', '2026-01-05 19:14:00+00', 'talk_overdue', NULL, NULL, 'chan-2', NULL, NULL, 'noa', NULL, NULL, NULL, NULL, '{"taken_at":"2026-01-05T15:14:00.000000Z","overtook_calls_count":0,"overtook_callbacks_count":0}', 'chan-2', 2, 'ce895d338d27b7425c8642362dbccbe148ced2b563ce084c8d48d4f54b822f0c');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 149, 'agent', 'agent_took_call', 2, '2026-01-05 15:14:00+00', 'busy', '2026-01-06 07:14:00+00', 'presence_over', NULL, NULL, 'chan-2', NULL, NULL, 'noa', NULL, NULL, NULL, NULL, '{"since_at":"2026-01-05T15:14:00.000000Z"}', 'noa', 2, 'a96db142b8b4192399b74e89065d41856bd4e1ff60b2d955249d61aa641cadee');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 150, 'message', 'message_sending', 2, '2026-01-05 15:14:00+00', 'sending', '2026-01-05 15:15:00+00', 'send_overdue', NULL, 'cb_000009', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000013","channel":"sms","address_key":"d5906d27821e8b9375be74b9ab196cda","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000013', 2, '2bcec9727911534566548230c118ad23166acb9b398f1b67b34a17af6d16e4f0');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 151, 'message', 'message_sending', 2, '2026-01-05 15:14:00+00', 'sending', '2026-01-05 15:15:00+00', 'send_overdue', NULL, 'cb_000010', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000014","channel":"sms","address_key":"a161211260abedbce7f98ac3682199a9","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000014', 2, 'c8d648cb6f8fd8deeabfd6d3103b293cdf73b1f24f0417be98a2ebd51d9b87cf');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 152, 'message', 'message_sending', 2, '2026-01-05 15:14:00+00', 'sending', '2026-01-05 15:15:00+00', 'send_overdue', NULL, 'cb_000012', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000015","channel":"sms","address_key":"02155a544e3ba39fe043650fe0ad8905","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":2}', 'ms_000015', 2, 'd35a1df7e8ad528f36877e7d673af1555a6ed1bb32b290793013dd678ce2b0d6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 153, 'message', 'message_sending', 2, '2026-01-05 15:14:00+00', 'sending', '2026-01-05 15:15:00+00', 'send_overdue', NULL, 'cb_000013', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000017","channel":"sms","address_key":"b96e6e6ea903ee850be3fc6ef7eaec45","choices":[],"sends_count":1,"tries_count":1,"provider_key":null,"segments_count":1}', 'ms_000017', 2, '0e8aca2c408947d1d97a433f77ce00e6130d52d6e3dae3687108948a68992e99');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 154, 'message', 'message_sent', 3, '2026-01-05 15:14:00+00', 'sent', '2026-01-08 15:14:00+00', 'receipt_overdue', NULL, 'cb_000009', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000013","provider_key":"a08dd64ec0ab544933a819b075cb12f0","sent_at":"2026-01-05T15:14:00.000000Z"}', 'ms_000013', 3, '291ce254fe00420508dd74bb7aaff04e1702ae017adf88ec24e9af030a3c4442');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 155, 'message', 'message_sent', 3, '2026-01-05 15:14:00+00', 'sent', '2026-01-08 15:14:00+00', 'receipt_overdue', NULL, 'cb_000010', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000014","provider_key":"5da58af2b22a7ab6b63662914a3ba551","sent_at":"2026-01-05T15:14:00.000000Z"}', 'ms_000014', 3, 'bf5c1338b89ecbd65e738e5a65e0d148d74bfe054ebeb73a45d5e640b246bffe');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 156, 'message', 'message_sent', 3, '2026-01-05 15:14:00+00', 'sent', '2026-01-08 15:14:00+00', 'receipt_overdue', NULL, 'cb_000012', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000015","provider_key":"6416df8c5e36a06997a07495f95844fc","sent_at":"2026-01-05T15:14:00.000000Z"}', 'ms_000015', 3, '9113a9ae75a8fd5d7f0d8383dbaaa8585848b07f6753477ca6e15c9cab5ec0e6');
INSERT INTO callbackq_golden.callbackq_history OVERRIDING SYSTEM VALUE VALUES ('default', 157, 'message', 'message_sent', 3, '2026-01-05 15:14:00+00', 'sent', '2026-01-08 15:14:00+00', 'receipt_overdue', NULL, 'cb_000013', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message_id":"ms_000017","provider_key":"59f8e2e946a06b42af8378e526c9b81c","sent_at":"2026-01-05T15:14:00.000000Z"}', 'ms_000017', 3, 'fed7fa3742d5f6eacc689c65d3390c37017ed7ad48042e105b1760042198a897');
INSERT INTO callbackq_golden.callbackq_lanes VALUES ('default', 1, '["french"]');
INSERT INTO callbackq_golden.callbackq_lanes VALUES ('default', 2, '["agent:mia"]');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000001', 'at_000001');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000002', 'at_000001');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000003', 'at_000002');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000004', 'at_000002');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000005', 'at_000003');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000006', 'at_000003');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000007', 'at_000004');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000008', 'at_000004');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000009', 'at_000005');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000010', 'at_000005');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000011', 'at_000006');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000012', 'at_000006');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000013', 'at_000007');
INSERT INTO callbackq_golden.callbackq_legs VALUES ('default', 'leg_000014', 'at_000007');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000001', 3, 'sent', 'confirmation', 'cb_000001.1.confirmation', 'support', 'cb_000001', NULL, 'su_000001', false, 'sms', 'e3492e43f766f32755c7f33e8b0e1375', '[]', 1, 1, '[]', '3d5831b2ee0570e2deabb780b79eddc8', '2026-01-05 15:00:00+00', '2026-01-06 03:00:00+00', '2026-01-05 15:00:00+00', NULL, NULL, NULL, '2026-01-08 15:00:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000002', 3, 'sent', 'confirmation', 'cb_000002.1.confirmation', 'support', 'cb_000002', NULL, 'su_000002', false, 'sms', '93e171c79ab4c87f9005b3a535690490', '[]', 1, 1, '[]', '7ce83341b1a791ba9d286e2b0b3c9cfd', '2026-01-05 15:00:00+00', '2026-01-06 03:00:00+00', '2026-01-05 15:00:00+00', NULL, NULL, NULL, '2026-01-08 15:00:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000003', 3, 'sent', 'confirmation', 'cb_000003.1.confirmation', 'support', 'cb_000003', NULL, 'su_000003', false, 'sms', '941f81fc11984d92e1766eab3f9fd1eb', '[]', 1, 1, '[]', '672fc889991c6ddcef461b537a5dadc0', '2026-01-05 15:00:00+00', '2026-01-06 03:00:00+00', '2026-01-05 15:00:00+00', NULL, NULL, NULL, '2026-01-08 15:00:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000004', 3, 'sent', 'confirmation', 'cb_000004.1.confirmation', 'support', 'cb_000004', NULL, 'su_000004', false, 'sms', 'c23cfcdb8f76403974c8d5feb6c610b4', '[]', 1, 1, '[]', '2b1316c77f6620672266789c2ad32052', '2026-01-05 15:00:00+00', '2026-01-06 03:00:00+00', '2026-01-05 15:00:00+00', NULL, NULL, NULL, '2026-01-08 15:00:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000005', 3, 'sent', 'unreached', 'cb_000002.6.unreached', 'support', 'cb_000002', NULL, 'su_000002', false, 'sms', '93e171c79ab4c87f9005b3a535690490', '[]', 1, 1, '[]', '6486d59a5e5a0eddce18fc339988e6d3', '2026-01-05 15:11:30+00', '2026-01-06 03:11:30+00', '2026-01-05 15:11:30+00', NULL, NULL, NULL, '2026-01-08 15:11:30+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000010', 2, 'sent', 'help', 'in/d97d0b5371cf5682527c55be3ea4863d.help', 'support', NULL, NULL, 'su_000006', true, 'sms', '17bc58b467a2549bb230186f957a8846', '[]', 1, 1, '[]', '0124eecf9105377f926323a975f2707b', '2026-01-05 15:13:00+00', '2026-01-06 03:13:00+00', '2026-01-05 15:13:00+00', NULL, NULL, NULL, '2026-01-08 15:13:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000006', 3, 'sent', 'confirmation', 'cb_000005.1.confirmation', 'support', 'cb_000005', NULL, 'su_000005', false, 'sms', 'ccc241b5e58a575b843539f988255de4', '[]', 1, 1, '[]', 'e0c6d15b946e8885a5b3ca12562df4e1', '2026-01-05 15:13:00+00', '2026-01-06 03:13:00+00', '2026-01-05 15:13:00+00', NULL, NULL, NULL, '2026-01-08 15:13:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000008', 3, 'sent', 'confirmation', 'cb_000006.1.confirmation', 'support', 'cb_000006', NULL, 'su_000006', false, 'sms', '17bc58b467a2549bb230186f957a8846', '[]', 1, 1, '[]', '909b5a11d5debf992c98501efd1cbf1b', '2026-01-05 15:13:00+00', '2026-01-06 03:13:00+00', '2026-01-05 15:13:00+00', NULL, NULL, NULL, '2026-01-08 15:13:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000007', 2, 'ended', 'slipped', 'cb_000005.slipped', 'support', 'cb_000005', NULL, 'su_000005', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:13:00+00', '2026-01-06 03:28:00+00', NULL, 'called', 'withdrawn', '2026-01-05 15:13:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000009', 2, 'ended', 'slipped', 'cb_000006.slipped', 'support', 'cb_000006', NULL, 'su_000006', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:13:00+00', '2026-01-06 03:41:20.677535+00', NULL, 'ended', 'withdrawn', '2026-01-05 15:13:45+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000011', 2, 'ended', 'confirmation', 'cb_000009.1.confirmation', 'support', 'cb_000009', NULL, 'su_000011', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:14:00+00', '2026-01-06 03:14:00+00', NULL, 'superseded', 'withdrawn', '2026-01-05 15:14:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000012', 2, 'ended', 'slipped', 'cb_000009.slipped', 'support', 'cb_000009', NULL, 'su_000011', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:14:00+00', '2026-01-06 03:50:07.905608+00', NULL, 'superseded', 'withdrawn', '2026-01-05 15:14:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000016', 1, 'waiting', 'slipped', 'cb_000012.slipped', 'support', 'cb_000012', NULL, 'su_000013', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:14:00+00', '2026-01-06 03:50:07.905608+00', NULL, NULL, NULL, NULL, '2026-01-05 15:50:07.905608+00', 'message_waits');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000018', 1, 'waiting', 'slipped', 'cb_000013.slipped', 'support', 'cb_000013', NULL, 'su_000014', false, NULL, NULL, '[]', 0, 0, '[]', NULL, '2026-01-05 15:14:00+00', '2026-01-06 03:57:02.693932+00', NULL, NULL, NULL, NULL, '2026-01-05 15:57:02.693932+00', 'message_waits');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000013', 3, 'sent', 'cancelled', 'cb_000009.2.cancelled', 'support', 'cb_000009', NULL, 'su_000011', false, 'sms', 'd5906d27821e8b9375be74b9ab196cda', '[]', 1, 1, '[]', 'a08dd64ec0ab544933a819b075cb12f0', '2026-01-05 15:14:00+00', '2026-01-06 03:14:00+00', '2026-01-05 15:14:00+00', NULL, NULL, NULL, '2026-01-08 15:14:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000014', 3, 'sent', 'confirmation', 'cb_000010.1.confirmation', 'support', 'cb_000010', NULL, 'su_000012', false, 'sms', 'a161211260abedbce7f98ac3682199a9', '[]', 1, 1, '[]', '5da58af2b22a7ab6b63662914a3ba551', '2026-01-05 15:14:00+00', '2026-01-05 17:14:00+00', '2026-01-05 15:14:00+00', NULL, NULL, NULL, '2026-01-08 15:14:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000015', 3, 'sent', 'confirmation', 'cb_000012.1.confirmation', 'support', 'cb_000012', NULL, 'su_000013', false, 'sms', '02155a544e3ba39fe043650fe0ad8905', '[]', 1, 1, '[]', '6416df8c5e36a06997a07495f95844fc', '2026-01-05 15:14:00+00', '2026-01-06 03:14:00+00', '2026-01-05 15:14:00+00', NULL, NULL, NULL, '2026-01-08 15:14:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_messages VALUES ('default', 'ms_000017', 3, 'sent', 'confirmation', 'cb_000013.1.confirmation', 'support', 'cb_000013', NULL, 'su_000014', false, 'sms', 'b96e6e6ea903ee850be3fc6ef7eaec45', '[]', 1, 1, '[]', '59f8e2e946a06b42af8378e526c9b81c', '2026-01-05 15:14:00+00', '2026-01-06 03:14:00+00', '2026-01-05 15:14:00+00', NULL, NULL, NULL, '2026-01-08 15:14:00+00', 'receipt_overdue');
INSERT INTO callbackq_golden.callbackq_meta VALUES ('schema_version', '8');
INSERT INTO callbackq_golden.callbackq_meta VALUES ('compatible_from', '6');
INSERT INTO callbackq_golden.callbackq_meta VALUES ('pepper', '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
INSERT INTO callbackq_golden.callbackq_nodes VALUES ('default', 'east-1', 1, 'up', 'in_01a2056c2e8d0001020304050607', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', '2026-01-05 16:00:00+00', 8, '0.1.0', '{"billing": "2870fe21c3c62ed0", "support": "2870fe21c3c62ed0"}', '2026-01-05 16:00:00+00', 'lease_over');
INSERT INTO callbackq_golden.callbackq_opt_outs VALUES ('default', '941f81fc11984d92e1766eab3f9fd1eb', 1, NULL, '2026-01-05 15:13:00+00', 'message', '2026-01-05 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_opt_outs VALUES ('default', 'ba1d2bb46a3d04a8a8b9ac8d940fc02c', 1, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', 'letter', '2026-01-05 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_queues VALUES ('default', 'billing', 1, false, true, 'a meeting', '2026-01-05 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_slot_days VALUES ('default', 'billing', '2026-01-05', 1, 1, 'Europe/Berlin d326e137dd7bbd6f');
INSERT INTO callbackq_golden.callbackq_slot_days VALUES ('default', 'billing', '2026-01-06', 2, 2, 'Europe/Berlin 99efb4e73b745aa8');
INSERT INTO callbackq_golden.callbackq_slots VALUES ('default', 'billing', '2026-01-05 15:30:00+00', 1, 1, 0);
INSERT INTO callbackq_golden.callbackq_slots VALUES ('default', 'billing', '2026-01-06 07:00:00+00', 1, 1, 0);
INSERT INTO callbackq_golden.callbackq_slots VALUES ('default', 'billing', '2026-01-06 07:30:00+00', 1, 1, 0);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000001', 1, 'tel:+12125550101', '+12125550101', NULL, 'Ann', 'de', '[]', '[]', NULL, NULL, '{"cb_000001": {"order": "A-7"}}', 'c-1', NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000002', 1, 'tel:+12125550102', '+12125550102', NULL, 'Bob', NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000003', 1, 'tel:+12125550103', '+12125550103', NULL, 'Cem', NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000004', 1, 'tel:+12125550104', '+12125550104', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000005', 1, 'tel:+12125550110', '+12125550110', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000006', 1, 'tel:+12125550106', '+12125550106', NULL, 'Eve', NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000007', 1, 'tel:+12125550107', '+12125550107', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:13:00+00', '2026-01-05 15:13:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000008', 1, 'tel:+12125550108', '+12125550108', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000009', 1, 'tel:+12125550109', '+12125550109', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000010', 2, 'tel:+12125550112', '+12125550112', NULL, NULL, 'es', '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, 'America/New_York', NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000011', 1, 'tel:+12125550113', '+12125550113', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000012', 1, 'tel:+12125550114', '+12125550114', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000013', 1, 'tel:+12125550116', '+12125550116', NULL, 'Zoë', NULL, '["+12125550117"]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_subjects VALUES ('default', 'su_000014', 1, 'tel:+12125550118', '+12125550118', NULL, NULL, NULL, '[]', '[]', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, '2026-01-05 15:14:00+00', '2026-01-05 15:14:00+00', NULL);
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/e3492e43f766f32755c7f33e8b0e1375', 1, '[1767625200000000]', '[1]', '2026-01-07 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/93e171c79ab4c87f9005b3a535690490', 1, '[1767625200000000]', '[1]', '2026-01-07 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/941f81fc11984d92e1766eab3f9fd1eb', 1, '[1767625200000000]', '[1]', '2026-01-07 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'codes/c23cfcdb8f76403974c8d5feb6c610b4', 1, '[1767625200000000]', '[1]', '2026-01-05 17:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/c23cfcdb8f76403974c8d5feb6c610b4', 1, '[1767625200000000]', '[1]', '2026-01-07 15:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'codes/1dfc3b2cc497ad57bd47a4de1054b3b1', 1, '[1767625200000000]', '[1]', '2026-01-05 17:00:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/ccc241b5e58a575b843539f988255de4', 1, '[1767625980000000]', '[1]', '2026-01-07 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/17bc58b467a2549bb230186f957a8846', 1, '[1767625980000000]', '[1]', '2026-01-07 15:13:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/d5906d27821e8b9375be74b9ab196cda', 1, '[1767626040000000]', '[1]', '2026-01-07 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/a161211260abedbce7f98ac3682199a9', 1, '[1767626040000000]', '[1]', '2026-01-07 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/02155a544e3ba39fe043650fe0ad8905', 1, '[1767626040000000]', '[1]', '2026-01-07 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'number/support/b96e6e6ea903ee850be3fc6ef7eaec45', 1, '[1767626040000000]', '[1]', '2026-01-07 15:14:00+00');
INSERT INTO callbackq_golden.callbackq_tallies VALUES ('default', 'queue/support', 10, '[1767625200000000, 1767625200000000, 1767625200000000, 1767625200000000, 1767625980000000, 1767625980000000, 1767626040000000, 1767626040000000, 1767626040000000, 1767626040000000]', '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]', '2026-01-05 17:14:00+00');
INSERT INTO callbackq_golden.callbackq_verifications VALUES ('default', 'vf_000001', 3, 'c23cfcdb8f76403974c8d5feb6c610b4', 'support', NULL, 0, '2026-01-05 15:00:00+00', '2026-01-05 15:10:00+00', '2026-01-05 15:00:00+00', '2026-01-05 15:00:00+00', 'cb_000004');
INSERT INTO callbackq_golden.callbackq_verifications VALUES ('default', 'vf_000002', 1, '1dfc3b2cc497ad57bd47a4de1054b3b1', 'support', '33c49f6c02ff7c01e2586845e30031c6', 0, '2026-01-05 15:00:00+00', '2026-01-05 15:10:00+00', NULL, NULL, NULL);
INSERT INTO callbackq_golden.callbackq_webhooks VALUES ('default', 'crm', '', 3, 'open', 100, NULL, 0, NULL, NULL, NULL, '2026-01-05 15:14:00+00', NULL, NULL);
INSERT INTO callbackq_golden.callbackq_webhooks VALUES ('default', 'crm', 'callback cb_000001', 1, 'behind', 0, 'cb_000001', 1, '2026-01-05 15:14:00+00', '2026-01-05 15:14:05.003585+00', 'answered 500', NULL, NULL, NULL);
SELECT pg_catalog.setval('callbackq_golden.callbackq_history_history_number_seq', 157, true);
ALTER TABLE ONLY callbackq_golden.callbackq_agent_queues
    ADD CONSTRAINT callbackq_agent_queues_pkey PRIMARY KEY (tenant_id, queue, agent_id);
ALTER TABLE ONLY callbackq_golden.callbackq_agents
    ADD CONSTRAINT callbackq_agents_pkey PRIMARY KEY (tenant_id, agent_id);
ALTER TABLE ONLY callbackq_golden.callbackq_attempts
    ADD CONSTRAINT callbackq_attempts_pkey PRIMARY KEY (tenant_id, attempt_id);
ALTER TABLE ONLY callbackq_golden.callbackq_bookings
    ADD CONSTRAINT callbackq_bookings_pkey PRIMARY KEY (tenant_id, booking_id);
ALTER TABLE ONLY callbackq_golden.callbackq_callbacks
    ADD CONSTRAINT callbackq_callbacks_pkey PRIMARY KEY (tenant_id, callback_id);
ALTER TABLE ONLY callbackq_golden.callbackq_calls
    ADD CONSTRAINT callbackq_calls_pkey PRIMARY KEY (tenant_id, call_id);
ALTER TABLE ONLY callbackq_golden.callbackq_conversations
    ADD CONSTRAINT callbackq_conversations_pkey PRIMARY KEY (tenant_id, conversation_key);
ALTER TABLE ONLY callbackq_golden.callbackq_history
    ADD CONSTRAINT callbackq_history_pkey PRIMARY KEY (tenant_id, history_number);
ALTER TABLE ONLY callbackq_golden.callbackq_lanes
    ADD CONSTRAINT callbackq_lanes_pkey PRIMARY KEY (tenant_id, lane);
ALTER TABLE ONLY callbackq_golden.callbackq_legs
    ADD CONSTRAINT callbackq_legs_pkey PRIMARY KEY (tenant_id, leg_id);
ALTER TABLE ONLY callbackq_golden.callbackq_messages
    ADD CONSTRAINT callbackq_messages_pkey PRIMARY KEY (tenant_id, message_id);
ALTER TABLE ONLY callbackq_golden.callbackq_meta
    ADD CONSTRAINT callbackq_meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY callbackq_golden.callbackq_nodes
    ADD CONSTRAINT callbackq_nodes_pkey PRIMARY KEY (tenant_id, node_id);
ALTER TABLE ONLY callbackq_golden.callbackq_opt_outs
    ADD CONSTRAINT callbackq_opt_outs_pkey PRIMARY KEY (tenant_id, number_key);
ALTER TABLE ONLY callbackq_golden.callbackq_queues
    ADD CONSTRAINT callbackq_queues_pkey PRIMARY KEY (tenant_id, queue);
ALTER TABLE ONLY callbackq_golden.callbackq_slot_days
    ADD CONSTRAINT callbackq_slot_days_pkey PRIMARY KEY (tenant_id, queue, day);
ALTER TABLE ONLY callbackq_golden.callbackq_slots
    ADD CONSTRAINT callbackq_slots_pkey PRIMARY KEY (tenant_id, queue, slot_at);
ALTER TABLE ONLY callbackq_golden.callbackq_subjects
    ADD CONSTRAINT callbackq_subjects_pkey PRIMARY KEY (tenant_id, subject_id);
ALTER TABLE ONLY callbackq_golden.callbackq_tallies
    ADD CONSTRAINT callbackq_tallies_pkey PRIMARY KEY (tenant_id, key);
ALTER TABLE ONLY callbackq_golden.callbackq_verifications
    ADD CONSTRAINT callbackq_verifications_pkey PRIMARY KEY (tenant_id, verification_id);
ALTER TABLE ONLY callbackq_golden.callbackq_webhooks
    ADD CONSTRAINT callbackq_webhooks_pkey PRIMARY KEY (tenant_id, endpoint, about);
CREATE INDEX callbackq_agents_available ON callbackq_golden.callbackq_agents USING btree (tenant_id, since_at, agent_id) WHERE (state = 'available'::text);
CREATE INDEX callbackq_agents_due ON callbackq_golden.callbackq_agents USING btree (tenant_id, due_at, agent_id) WHERE (due_at IS NOT NULL);
CREATE UNIQUE INDEX callbackq_attempts_callback_id ON callbackq_golden.callbackq_attempts USING btree (tenant_id, callback_id) WHERE ((state <> 'ended'::text) AND (callback_id IS NOT NULL));
CREATE INDEX callbackq_attempts_dialed ON callbackq_golden.callbackq_attempts USING btree (tenant_id, number_key, started_at, attempt_id) WHERE (customer_leg <> 'none'::text);
CREATE INDEX callbackq_attempts_due ON callbackq_golden.callbackq_attempts USING btree (tenant_id, due_at, attempt_id) WHERE (due_at IS NOT NULL);
CREATE INDEX callbackq_attempts_node ON callbackq_golden.callbackq_attempts USING btree (tenant_id, node_id, attempt_id) WHERE ((state <> 'ended'::text) AND (node_id IS NOT NULL));
CREATE UNIQUE INDEX callbackq_attempts_number_key ON callbackq_golden.callbackq_attempts USING btree (tenant_id, number_key) WHERE ((state <> 'ended'::text) AND (number_key IS NOT NULL));
CREATE INDEX callbackq_attempts_of ON callbackq_golden.callbackq_attempts USING btree (tenant_id, callback_id, started_at, attempt_id) WHERE (started_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_attempts_open ON callbackq_golden.callbackq_attempts USING btree (tenant_id, queue, attempt_id) WHERE ((state <> 'ended'::text) AND (version > 0));
CREATE INDEX callbackq_attempts_started ON callbackq_golden.callbackq_attempts USING btree (tenant_id, queue, started_at, attempt_id) WHERE (started_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_attempts_wanting ON callbackq_golden.callbackq_attempts USING btree (tenant_id, queue, attempt_id) WHERE ((agent_id IS NULL) AND (announces IS NULL) AND (state <> ALL (ARRAY['ending'::text, 'ended'::text])));
CREATE INDEX callbackq_bookings_agent ON callbackq_golden.callbackq_bookings USING btree (tenant_id, agent_id, slot_at, booking_id) WHERE ((agent_id IS NOT NULL) AND ((state <> 'ended'::text) OR (ended_as = 'used'::text)) AND (version > 0));
CREATE UNIQUE INDEX callbackq_bookings_agent_slot ON callbackq_golden.callbackq_bookings USING btree (tenant_id, agent_id, slot_at) WHERE ((state <> 'ended'::text) AND (agent_id IS NOT NULL));
CREATE INDEX callbackq_bookings_callback ON callbackq_golden.callbackq_bookings USING btree (tenant_id, callback_id, held_at, booking_id) WHERE ((callback_id IS NOT NULL) AND (held_at > '-infinity'::timestamp with time zone));
CREATE UNIQUE INDEX callbackq_bookings_callback_id ON callbackq_golden.callbackq_bookings USING btree (tenant_id, callback_id) WHERE ((state <> 'ended'::text) AND (callback_id IS NOT NULL));
CREATE INDEX callbackq_bookings_due ON callbackq_golden.callbackq_bookings USING btree (tenant_id, due_at, booking_id) WHERE (due_at IS NOT NULL);
CREATE INDEX callbackq_bookings_slot ON callbackq_golden.callbackq_bookings USING btree (tenant_id, queue, slot_at, booking_id) WHERE (((state <> 'ended'::text) OR (ended_as = 'used'::text)) AND (slot_at > '-infinity'::timestamp with time zone));
CREATE INDEX callbackq_callbacks_ahead ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, rank, place_id) WHERE ((state = 'waiting'::text) AND (rank >= '-9007199254740992'::bigint));
CREATE UNIQUE INDEX callbackq_callbacks_dedup_key ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, dedup_key) WHERE ((state <> 'ended'::text) AND (dedup_key IS NOT NULL));
CREATE INDEX callbackq_callbacks_due ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, due_at, callback_id) WHERE (due_at IS NOT NULL);
CREATE INDEX callbackq_callbacks_ended ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, ended_at, callback_id) WHERE (ended_at IS NOT NULL);
CREATE INDEX callbackq_callbacks_line ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, lane, rank, place_id) WHERE ((state = 'waiting'::text) AND (lane IS NOT NULL));
CREATE INDEX callbackq_callbacks_open ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue) WHERE ((state <> 'ended'::text) AND (version > 0));
CREATE UNIQUE INDEX callbackq_callbacks_request_key ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, request_key) WHERE (request_key IS NOT NULL);
CREATE INDEX callbackq_callbacks_requested ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, requested_at, callback_id) WHERE (requested_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_callbacks_sample ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, rank, place_id) WHERE ((state = 'waiting'::text) AND ((hashtext(place_id) & 63) = 0));
CREATE INDEX callbackq_callbacks_states ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, queue, state, entered_at, callback_id) WHERE ((state <> 'ended'::text) AND (entered_at > '-infinity'::timestamp with time zone));
CREATE INDEX callbackq_callbacks_subject ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, subject_id, requested_at, callback_id) WHERE (subject_id IS NOT NULL);
CREATE INDEX callbackq_callbacks_ticket ON callbackq_golden.callbackq_callbacks USING btree (tenant_id, ticket_id, requested_at, callback_id) WHERE (ticket_id IS NOT NULL);
CREATE INDEX callbackq_calls_ahead ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, rank, place_id) WHERE ((state = 'waiting'::text) AND (rank >= '-9007199254740992'::bigint));
CREATE INDEX callbackq_calls_due ON callbackq_golden.callbackq_calls USING btree (tenant_id, due_at, call_id) WHERE (due_at IS NOT NULL);
CREATE INDEX callbackq_calls_ended ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, ended_at, call_id) WHERE (ended_at IS NOT NULL);
CREATE INDEX callbackq_calls_entered ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, entered_at) WHERE ((state = 'waiting'::text) AND (entered_at > '-infinity'::timestamp with time zone));
CREATE INDEX callbackq_calls_joined ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, entered_at, call_id) WHERE (entered_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_calls_line ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, lane, rank, place_id) WHERE ((state = 'waiting'::text) AND (lane IS NOT NULL));
CREATE INDEX callbackq_calls_open ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, call_id) WHERE ((state <> 'ended'::text) AND (version > 0));
CREATE INDEX callbackq_calls_sample ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, rank, place_id) WHERE ((state = 'waiting'::text) AND ((hashtext(place_id) & 63) = 0));
CREATE INDEX callbackq_calls_taken ON callbackq_golden.callbackq_calls USING btree (tenant_id, queue, taken_at, call_id) WHERE (taken_at IS NOT NULL);
CREATE INDEX callbackq_conversations_over ON callbackq_golden.callbackq_conversations USING btree (tenant_id, over_at, conversation_key) WHERE (over_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_history_callback ON callbackq_golden.callbackq_history USING btree (tenant_id, callback_id, history_number) WHERE (entity = ANY (ARRAY['callback'::text, 'attempt'::text, 'booking'::text, 'message'::text]));
CREATE UNIQUE INDEX callbackq_history_chain ON callbackq_golden.callbackq_history USING btree (tenant_id, entity, record_id, event_number);
CREATE INDEX callbackq_messages_callback ON callbackq_golden.callbackq_messages USING btree (tenant_id, callback_id, created_at, message_id) WHERE ((callback_id IS NOT NULL) AND (created_at > '-infinity'::timestamp with time zone));
CREATE UNIQUE INDEX callbackq_messages_cause ON callbackq_golden.callbackq_messages USING btree (tenant_id, cause) WHERE (cause IS NOT NULL);
CREATE INDEX callbackq_messages_due ON callbackq_golden.callbackq_messages USING btree (tenant_id, due_at, message_id) WHERE (due_at IS NOT NULL);
CREATE INDEX callbackq_messages_provider ON callbackq_golden.callbackq_messages USING btree (tenant_id, channel, provider_key, message_id) WHERE (provider_key IS NOT NULL);
CREATE INDEX callbackq_messages_to ON callbackq_golden.callbackq_messages USING btree (tenant_id, address_key, sent_at, message_id) WHERE (sent_at IS NOT NULL);
CREATE INDEX callbackq_messages_uncertain ON callbackq_golden.callbackq_messages USING btree (tenant_id, due_at, message_id) WHERE (state = 'uncertain'::text);
CREATE INDEX callbackq_messages_waiting ON callbackq_golden.callbackq_messages USING btree (tenant_id, callback_id, message_id) WHERE (state = 'waiting'::text);
CREATE INDEX callbackq_nodes_due ON callbackq_golden.callbackq_nodes USING btree (tenant_id, due_at, node_id) WHERE (due_at IS NOT NULL);
CREATE UNIQUE INDEX callbackq_subjects_customer_id ON callbackq_golden.callbackq_subjects USING btree (tenant_id, customer_id) WHERE (customer_id IS NOT NULL);
CREATE UNIQUE INDEX callbackq_subjects_identity ON callbackq_golden.callbackq_subjects USING btree (tenant_id, identity) WHERE (identity IS NOT NULL);
CREATE INDEX callbackq_subjects_unseen ON callbackq_golden.callbackq_subjects USING btree (tenant_id, COALESCE(seen_at, created_at), subject_id) WHERE (erased_at IS NULL);
CREATE INDEX callbackq_tallies_over ON callbackq_golden.callbackq_tallies USING btree (tenant_id, over_at, key) WHERE (over_at > '-infinity'::timestamp with time zone);
CREATE INDEX callbackq_verifications_expires ON callbackq_golden.callbackq_verifications USING btree (tenant_id, expires_at, verification_id) WHERE (expires_at > '-infinity'::timestamp with time zone);
CREATE TRIGGER callbackq_agents_inserted AFTER INSERT ON callbackq_golden.callbackq_agents FOR EACH ROW WHEN ((new.state <> 'signed_out'::text)) EXECUTE FUNCTION callbackq_golden.callbackq_keep_agent_queues();
CREATE TRIGGER callbackq_agents_updated AFTER UPDATE ON callbackq_golden.callbackq_agents FOR EACH ROW WHEN (((new.queues <> old.queues) OR ((new.state = 'signed_out'::text) <> (old.state = 'signed_out'::text)))) EXECUTE FUNCTION callbackq_golden.callbackq_keep_agent_queues();
CREATE TRIGGER callbackq_attempts_inserted AFTER INSERT ON callbackq_golden.callbackq_attempts FOR EACH ROW EXECUTE FUNCTION callbackq_golden.callbackq_keep_legs();
CREATE TRIGGER callbackq_attempts_updated AFTER UPDATE ON callbackq_golden.callbackq_attempts FOR EACH ROW WHEN (((new.agent_leg_id <> old.agent_leg_id) OR (new.customer_leg_id <> old.customer_leg_id))) EXECUTE FUNCTION callbackq_golden.callbackq_keep_legs();
