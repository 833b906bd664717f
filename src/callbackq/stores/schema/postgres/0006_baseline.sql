-- The schema of callbackq in PostgreSQL, version 6: where every database begins. Never edit it: what changes goes into a
-- file with a higher number.
--
-- migration: breaking
--
-- For whoever reads it with a database tool:
--   * Instants are timestamptz, exact to the microsecond.
--   * Every key, index and uniqueness rule begins with tenant_id.
--   * A row is replaced as a whole, and its version goes up by one. Do not write here while the engine runs.
--   * Customers' names, numbers and free context stand in callbackq_subjects only.
--   * "Has not ended" means state <> 'ended', and for an agent state <> 'signed_out'. Such a row has a due_at: the
--     next moment at which time alone changes it. Ended rows have none, so they are in no index of the living.
--   * Text is compared by its code points (COLLATE "C"), whatever the language of the database: so ties in line and
--     between ids are broken in the same way in every store.
--   * Some indexes have a condition that is true of every row, such as "identity IS NOT NULL" or "version > 0". Only a
--     question that says the same, or compares that column, can be answered by them: so the store says which index it
--     means. While a table is new all indexes look alike to the planner, and it would keep what it chose then.
--   * The views whose names begin with callbackq_v_ are made to be read. They may change with any version.

CREATE TABLE callbackq_meta (
    name   text COLLATE "C" NOT NULL PRIMARY KEY,
    value  text NOT NULL
);
COMMENT ON TABLE callbackq_meta IS
    'What holds for all tables: schema_version, and the pepper of the keyed digests (or a fingerprint of it, where '
    'the host keeps it elsewhere).';

-- ------------------------------------------------------------------------------------------------ callbacks

CREATE TABLE callbackq_callbacks (
    tenant_id                text COLLATE "C" NOT NULL,
    callback_id              text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    subject_id               text COLLATE "C" NOT NULL,
    call_id                  text COLLATE "C",             -- the live call that it was made from
    channel                  text COLLATE "C" NOT NULL,
    mode                     text COLLATE "C" NOT NULL,
    priority                 bigint           NOT NULL,    -- 0 to 255, lower first
    lane                     bigint           NOT NULL,    -- the skills it needs: callbackq_lanes
    place_id                 text COLLATE "C" NOT NULL,
    entered_at               timestamptz      NOT NULL,    -- when the caller first entered the queue; never rewritten
    requested_at             timestamptz      NOT NULL,
    ranked_at                timestamptz      NOT NULL,
    rank                     bigint           NOT NULL,    -- the line is ordered by rank, then by place_id
    scheduled_at             timestamptz,
    booking_id               text COLLATE "C",             -- its seat in a slot, where the queue has slots
    expires_at               timestamptz      NOT NULL,
    preferred_agent_id       text COLLATE "C",
    preferred_until_at       timestamptz,                  -- until then it waits for that agent alone
    owner_id                 text COLLATE "C",             -- the agent who asked for it
    ticket_id                text COLLATE "C",
    caller_id                text COLLATE "C",             -- which number of the company is shown to the customer
    media                    text COLLATE "C",             -- for the telephony, as the host gave it
    called_in_id             text COLLATE "C",             -- the live call with which the customer came back meanwhile
    purpose                  text COLLATE "C" NOT NULL,    -- why the customer is called: requested, service, sales
    consent_at               timestamptz,                  -- when the customer agreed to it
    consent_ref              text COLLATE "C",             -- the host's own reference to how
    verification_id          text COLLATE "C",             -- the one-time code that proved the number
    follows_id               text COLLATE "C",             -- an earlier callback of the person that had just ended
    number_index             bigint           NOT NULL,    -- dialed next: 0 the main number, n the n-th alternative
    turn_at                  timestamptz,                  -- when its turn first came
    waited_long_at           timestamptz,                  -- when it was said to have waited too long
    dedup_key                text COLLATE "C",             -- no two that have not ended hold the same one
    request_key              text COLLATE "C",             -- no two were ever made under the same one
    attempt_id               text COLLATE "C",
    attempts_count           bigint           NOT NULL,
    last_disposition         text COLLATE "C",
    hold_reason              text COLLATE "C",
    offer_id                 text COLLATE "C",             -- the offer that was accepted
    quoted_position          bigint,                       -- what the customer was told
    quoted_position_exact    boolean          NOT NULL,    -- false: it was an estimate
    quoted_wait_s            double precision,
    quoted_wait_low_s        double precision,
    quoted_wait_high_s       double precision,
    quoted_by                text COLLATE "C",             -- the estimator
    overtook_calls_count     bigint           NOT NULL,    -- who stood before it, ready, when it was started
    overtook_callbacks_count bigint           NOT NULL,
    merged_into_id           text COLLATE "C",
    score                    double precision,             -- how it went, as the host reported afterwards
    resolved                 boolean,                      -- whether the matter is settled, as the host reported
    outcome                  text COLLATE "C",
    ended_at                 timestamptz,
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, callback_id),
    CONSTRAINT callback_state CHECK (state IN ('scheduled', 'waiting', 'attempting', 'resting', 'held', 'ended')),
    CONSTRAINT callback_due CHECK ((state = 'ended') = (due_at IS NULL))
);
COMMENT ON TABLE callbackq_callbacks IS 'One row for each promise to call a customer back.';

-- The head of each lane, without a sort.
CREATE INDEX callbackq_callbacks_line ON callbackq_callbacks (tenant_id, queue, lane, rank, place_id)
    WHERE state = 'waiting' AND lane IS NOT NULL;

-- How many stand ahead, over all lanes; and the line, page by page.
CREATE INDEX callbackq_callbacks_ahead ON callbackq_callbacks (tenant_id, queue, rank, place_id)
    WHERE state = 'waiting' AND rank >= -9007199254740992;

-- About one place in 64, picked by its id alone: counted and multiplied, they tell about how many stand ahead, far
-- back, where counting all of them would take too long.
CREATE INDEX callbackq_callbacks_sample ON callbackq_callbacks (tenant_id, queue, rank, place_id)
    WHERE state = 'waiting' AND hashtext(place_id) & 63 = 0;

CREATE INDEX callbackq_callbacks_due ON callbackq_callbacks (tenant_id, due_at, callback_id)
    WHERE due_at IS NOT NULL;

CREATE INDEX callbackq_callbacks_open ON callbackq_callbacks (tenant_id, queue)
    WHERE state <> 'ended' AND version > 0;

-- What else one person asked for, in any queue.
CREATE INDEX callbackq_callbacks_subject ON callbackq_callbacks (tenant_id, subject_id, requested_at, callback_id)
    WHERE subject_id IS NOT NULL;

CREATE INDEX callbackq_callbacks_ended ON callbackq_callbacks (tenant_id, queue, ended_at, callback_id)
    WHERE ended_at IS NOT NULL;

CREATE UNIQUE INDEX callbackq_callbacks_dedup_key ON callbackq_callbacks (tenant_id, dedup_key)
    WHERE state <> 'ended' AND dedup_key IS NOT NULL;

CREATE UNIQUE INDEX callbackq_callbacks_request_key ON callbackq_callbacks (tenant_id, request_key)
    WHERE request_key IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ live calls

CREATE TABLE callbackq_calls (
    tenant_id                text COLLATE "C" NOT NULL,
    call_id                  text COLLATE "C" NOT NULL,    -- the PBX's own name for it
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    subject_id               text COLLATE "C",
    priority                 bigint           NOT NULL,
    lane                     bigint           NOT NULL,
    place_id                 text COLLATE "C" NOT NULL,
    entered_at               timestamptz      NOT NULL,
    ranked_at                timestamptz      NOT NULL,
    rank                     bigint           NOT NULL,
    preferred_agent_id       text COLLATE "C",
    preferred_until_at       timestamptz,
    offers_count             bigint           NOT NULL,
    declines_count           bigint           NOT NULL,
    declined_at              timestamptz,
    quoted_at                timestamptz,                  -- what the last offer said, and when
    quoted_position          bigint,
    quoted_wait_s            double precision,
    quoted_wait_low_s        double precision,
    quoted_wait_high_s       double precision,
    quoted_by                text COLLATE "C",
    offer_id                 text COLLATE "C",             -- the offer that stands
    offer_until_at           timestamptz,
    overtook_calls_count     bigint           NOT NULL,
    overtook_callbacks_count bigint           NOT NULL,
    agent_id                 text COLLATE "C",
    taken_at                 timestamptz,
    callback_id              text COLLATE "C",             -- the callback that it was turned into
    returns_for_id           text COLLATE "C",             -- the callback that its caller waited for, or had missed
    outcome                  text COLLATE "C",
    ended_at                 timestamptz,
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT call_state CHECK (state IN ('waiting', 'taken', 'ended')),
    CONSTRAINT call_due CHECK ((state = 'ended') = (due_at IS NULL))
);
COMMENT ON TABLE callbackq_calls IS
    'One row for each caller on the line. Live calls and callbacks stand in one line.';

CREATE INDEX callbackq_calls_line ON callbackq_calls (tenant_id, queue, lane, rank, place_id)
    WHERE state = 'waiting' AND lane IS NOT NULL;

CREATE INDEX callbackq_calls_ahead ON callbackq_calls (tenant_id, queue, rank, place_id)
    WHERE state = 'waiting' AND rank >= -9007199254740992;

CREATE INDEX callbackq_calls_sample ON callbackq_calls (tenant_id, queue, rank, place_id)
    WHERE state = 'waiting' AND hashtext(place_id) & 63 = 0;

CREATE INDEX callbackq_calls_due ON callbackq_calls (tenant_id, due_at, call_id)
    WHERE due_at IS NOT NULL;

CREATE INDEX callbackq_calls_open ON callbackq_calls (tenant_id, queue, call_id)
    WHERE state <> 'ended' AND version > 0;

CREATE INDEX callbackq_calls_taken ON callbackq_calls (tenant_id, queue, taken_at, call_id)
    WHERE taken_at IS NOT NULL;

CREATE INDEX callbackq_calls_ended ON callbackq_calls (tenant_id, queue, ended_at, call_id)
    WHERE ended_at IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ agents

CREATE TABLE callbackq_agents (
    tenant_id                text COLLATE "C" NOT NULL,
    agent_id                 text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    queues                   jsonb            NOT NULL,    -- list of names
    skills                   jsonb            NOT NULL,    -- list of names
    since_at                 timestamptz      NOT NULL,    -- when the present state began
    attempt_id               text COLLATE "C",
    call_id                  text COLLATE "C",
    leaving                  boolean          NOT NULL,    -- is signed out when the present call is over
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, agent_id),
    CONSTRAINT agent_state
        CHECK (state IN ('available', 'reserved', 'busy', 'wrap_up', 'cooling_down', 'signed_out')),
    CONSTRAINT agent_due CHECK ((state = 'signed_out') = (due_at IS NULL)),
    CONSTRAINT agent_lists CHECK (jsonb_typeof(queues) = 'array' AND jsonb_typeof(skills) = 'array')
);
COMMENT ON TABLE callbackq_agents IS 'One row for each human who takes calls.';

-- Who takes the next call: the agent who has been available longest.
CREATE INDEX callbackq_agents_available ON callbackq_agents (tenant_id, since_at, agent_id)
    WHERE state = 'available';

CREATE INDEX callbackq_agents_due ON callbackq_agents (tenant_id, due_at, agent_id)
    WHERE due_at IS NOT NULL;

CREATE TABLE callbackq_agent_queues (
    tenant_id                text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    agent_id                 text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, queue, agent_id)
);
COMMENT ON TABLE callbackq_agent_queues IS
    'Which agents serve which queue now: one row for each queue of each agent who is not signed out. A trigger of '
    'callbackq_agents keeps it; nothing else writes to it.';

CREATE FUNCTION callbackq_keep_agent_queues() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

CREATE TRIGGER callbackq_agents_inserted AFTER INSERT ON callbackq_agents FOR EACH ROW
    WHEN (NEW.state <> 'signed_out')
    EXECUTE FUNCTION callbackq_keep_agent_queues();

CREATE TRIGGER callbackq_agents_updated AFTER UPDATE ON callbackq_agents FOR EACH ROW
    WHEN (NEW.queues <> OLD.queues OR (NEW.state = 'signed_out') <> (OLD.state = 'signed_out'))
    EXECUTE FUNCTION callbackq_keep_agent_queues();

-- ------------------------------------------------------------------------------------------------ attempts

CREATE TABLE callbackq_attempts (
    tenant_id                text COLLATE "C" NOT NULL,
    attempt_id               text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    callback_id              text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    subject_id               text COLLATE "C" NOT NULL,
    number_key               text COLLATE "C" NOT NULL,    -- keyed digest of the number
    mode                     text COLLATE "C" NOT NULL,
    announces                text COLLATE "C",             -- what the customer is told, where no agent takes part
    agent_id                 text COLLATE "C",             -- none while an agent is looked for
    node_id                  text COLLATE "C" NOT NULL,
    agent_leg_id             text COLLATE "C" NOT NULL,    -- of the first agent rung; the n-th has it with .n behind it
    agent_leg                text COLLATE "C" NOT NULL,    -- how far the leg of the latest agent has come
    agents_rung_count        bigint           NOT NULL,    -- how many agents were rung so far
    agent_until_at           timestamptz,                  -- by when the agent's leg must have gone on
    customer_leg_id          text COLLATE "C" NOT NULL,    -- a leg id is dialed at most once
    customer_leg             text COLLATE "C" NOT NULL,
    customer_until_at        timestamptz,                  -- by when the customer's leg must have gone on
    customer_rang            boolean          NOT NULL,
    customer_answered_at     timestamptz,
    number_index             bigint           NOT NULL,    -- dialed: 0 the main number, n the n-th alternative
    answered_by              text COLLATE "C",
    confirmation             text COLLATE "C",             -- what the customer said to "press 1 to connect"
    recording_id             text COLLATE "C",             -- the telephony's own name for a recording
    disposition              text COLLATE "C",
    started_at               timestamptz      NOT NULL,
    connected_at             timestamptz,
    ended_at                 timestamptz,
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, attempt_id),
    CONSTRAINT attempt_state
        CHECK (state IN ('intended', 'agent_on_line', 'confirming', 'customer_on_line', 'joining', 'connected',
                         'ending', 'ended')),
    CONSTRAINT attempt_due CHECK ((state = 'ended') = (due_at IS NULL))
);
COMMENT ON TABLE callbackq_attempts IS
    'One row for each try to connect one callback: an agent''s leg and a customer''s leg.';

CREATE INDEX callbackq_attempts_due ON callbackq_attempts (tenant_id, due_at, attempt_id)
    WHERE due_at IS NOT NULL;

CREATE INDEX callbackq_attempts_open ON callbackq_attempts (tenant_id, queue, attempt_id)
    WHERE state <> 'ended' AND version > 0;

-- Who needs an agent, now or soon.
CREATE INDEX callbackq_attempts_wanting ON callbackq_attempts (tenant_id, queue, attempt_id)
    WHERE agent_id IS NULL AND announces IS NULL AND state NOT IN ('ending', 'ended');

-- How often one number was dialed lately, from any queue.
CREATE INDEX callbackq_attempts_dialed ON callbackq_attempts (tenant_id, number_key, started_at, attempt_id)
    WHERE customer_leg <> 'none';

CREATE INDEX callbackq_attempts_started ON callbackq_attempts (tenant_id, queue, started_at, attempt_id)
    WHERE started_at > '-infinity';

-- Never two live attempts for one callback, nor for one number.
CREATE UNIQUE INDEX callbackq_attempts_callback_id ON callbackq_attempts (tenant_id, callback_id)
    WHERE state <> 'ended' AND callback_id IS NOT NULL;

CREATE UNIQUE INDEX callbackq_attempts_number_key ON callbackq_attempts (tenant_id, number_key)
    WHERE state <> 'ended' AND number_key IS NOT NULL;

-- No index can forbid one value in two columns. This key can, also between two transactions that run at once.
CREATE TABLE callbackq_legs (
    tenant_id                text COLLATE "C" NOT NULL,
    leg_id                   text COLLATE "C" NOT NULL,
    attempt_id               text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, leg_id)
);
COMMENT ON TABLE callbackq_legs IS
    'To which attempt a leg belongs, for ever: one row for each leg of each attempt. A trigger of callbackq_attempts '
    'keeps it; nothing else writes to it.';

CREATE FUNCTION callbackq_keep_legs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

CREATE TRIGGER callbackq_attempts_inserted AFTER INSERT ON callbackq_attempts FOR EACH ROW
    EXECUTE FUNCTION callbackq_keep_legs();

CREATE TRIGGER callbackq_attempts_updated AFTER UPDATE ON callbackq_attempts FOR EACH ROW
    WHEN (NEW.agent_leg_id <> OLD.agent_leg_id OR NEW.customer_leg_id <> OLD.customer_leg_id)
    EXECUTE FUNCTION callbackq_keep_legs();

-- ------------------------------------------------------------------------------------------------ bookings

CREATE TABLE callbackq_bookings (
    tenant_id                text COLLATE "C" NOT NULL,
    booking_id               text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    slot_at                  timestamptz      NOT NULL,    -- when the slot begins; follows from wall_at, zone, fold
    length                   bigint           NOT NULL,    -- of the slot, in microseconds
    seat                     text COLLATE "C" NOT NULL,    -- one for everybody, or one kept for better priorities
    wall_at                  text COLLATE "C" NOT NULL,    -- the promised time on the wall, as 2026-03-10T15:00:00
    zone                     text COLLATE "C" NOT NULL,    -- where that wall is
    fold                     bigint           NOT NULL,    -- 1: the second of two hours that read the same
    window_until_at          timestamptz,                  -- the end of the customer's window: until then not late
    callback_id              text COLLATE "C",             -- the callback it is for; none while it is only held
    call_id                  text COLLATE "C",             -- the live call for whose caller it was held
    agent_id                 text COLLATE "C",             -- the agent in whose own calendar it stands
    held_at                  timestamptz      NOT NULL,    -- when the seat was taken
    booked_at                timestamptz,
    moves_count              bigint           NOT NULL,    -- how often it was rescheduled
    repeats                  text COLLATE "C",             -- the rule of its series, as in RFC 5545
    series_id                text COLLATE "C",             -- the first booking of its series
    reminded_at              timestamptz,
    late_at                  timestamptz,                  -- when it was said to be late
    ended_as                 text COLLATE "C",             -- how it ended
    ended_at                 timestamptz,
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, booking_id),
    CONSTRAINT booking_state CHECK (state IN ('held', 'booked', 'ended')),
    CONSTRAINT booking_due CHECK ((state = 'ended') = (due_at IS NULL))
);
COMMENT ON TABLE callbackq_bookings IS
    'One row for each seat in a slot: held for somebody who decides, or booked for a callback.';

-- What stands in each slot, or was used.
CREATE INDEX callbackq_bookings_slot ON callbackq_bookings (tenant_id, queue, slot_at, booking_id)
    WHERE (state <> 'ended' OR ended_as = 'used') AND slot_at > '-infinity';

-- The same by the agent in whose calendar it stands.
CREATE INDEX callbackq_bookings_agent ON callbackq_bookings (tenant_id, agent_id, slot_at, booking_id)
    WHERE agent_id IS NOT NULL AND (state <> 'ended' OR ended_as = 'used') AND version > 0;

-- Which one was made last for a callback.
CREATE INDEX callbackq_bookings_callback ON callbackq_bookings (tenant_id, callback_id, held_at, booking_id)
    WHERE callback_id IS NOT NULL AND held_at > '-infinity';

CREATE INDEX callbackq_bookings_due ON callbackq_bookings (tenant_id, due_at, booking_id)
    WHERE due_at IS NOT NULL;

-- Never two seats for one callback, nor two for one agent at one time.
CREATE UNIQUE INDEX callbackq_bookings_callback_id ON callbackq_bookings (tenant_id, callback_id)
    WHERE state <> 'ended' AND callback_id IS NOT NULL;

CREATE UNIQUE INDEX callbackq_bookings_agent_slot ON callbackq_bookings (tenant_id, agent_id, slot_at)
    WHERE state <> 'ended' AND agent_id IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ slots

CREATE TABLE callbackq_slots (
    tenant_id                text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    slot_at                  timestamptz      NOT NULL,    -- when the slot begins
    version                  bigint           NOT NULL,
    usual_count              bigint           NOT NULL,    -- seats for everybody
    kept_count               bigint           NOT NULL,    -- seats kept for better priorities
    PRIMARY KEY (tenant_id, queue, slot_at),
    CONSTRAINT slot_counts CHECK (usual_count >= 0 AND kept_count >= 0)
);
COMMENT ON TABLE callbackq_slots IS
    'How many seats of each slot are taken: by bookings that have not given theirs back. There is no row before the '
    'first.';

CREATE TABLE callbackq_slot_days (
    tenant_id                text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,
    day                      text COLLATE "C" NOT NULL,    -- the date in the zone of the queue, as 2026-03-10
    version                  bigint           NOT NULL,
    full_count               bigint           NOT NULL,    -- slots that have no seat left for everybody
    rules                    text COLLATE "C" NOT NULL,    -- the settings they were counted under; else it is void
    PRIMARY KEY (tenant_id, queue, day),
    CONSTRAINT slot_day_count CHECK (full_count >= 0)
);
COMMENT ON TABLE callbackq_slot_days IS
    'How many slots of each day are full, so that full days are passed over.';

-- ------------------------------------------------------------------------------------------------ subjects

CREATE TABLE callbackq_subjects (
    tenant_id                text COLLATE "C" NOT NULL,
    subject_id               text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    identity                 text COLLATE "C" NOT NULL,
    number                   text COLLATE "C" NOT NULL,
    extension                text COLLATE "C",
    name                     text COLLATE "C",
    language                 text COLLATE "C",
    alternatives             jsonb            NOT NULL,    -- list of other numbers, in the order of trying
    wrong_numbers            jsonb            NOT NULL,    -- list of numbers at which somebody else answered
    record_number            text COLLATE "C",             -- the number that the host's own records have
    flagged_at               timestamptz,                  -- when flagged for missing callbacks at chosen times
    contexts                 jsonb            NOT NULL,    -- free fields by callback or call id
    customer_id              text COLLATE "C",             -- the host's own id of the customer
    tier                     text COLLATE "C",             -- what the host calls the customer's class of service
    preferred_number         text COLLATE "C",             -- what the customer prefers: this and the next three
    zone                     text COLLATE "C",
    channel                  text COLLATE "C",
    hours                    jsonb            NOT NULL,    -- when to be called, by day of the week
    email                    text COLLATE "C",             -- where messages go that are sent by e-mail
    pending_number           text COLLATE "C",             -- a new number, given by message and not proved yet
    created_at               timestamptz      NOT NULL,
    seen_at                  timestamptz,                  -- about when anything was last heard of the person
    erased_at                timestamptz,                  -- since when nothing of the person stands here any more
    PRIMARY KEY (tenant_id, subject_id),
    CONSTRAINT subject_lists CHECK (jsonb_typeof(alternatives) = 'array' AND jsonb_typeof(wrong_numbers) = 'array'),
    CONSTRAINT subject_contexts CHECK (jsonb_typeof(contexts) = 'object'),
    CONSTRAINT subject_hours CHECK (jsonb_typeof(hours) = 'object')
);
COMMENT ON TABLE callbackq_subjects IS 'The persons: the only table with personal data.';

CREATE UNIQUE INDEX callbackq_subjects_identity ON callbackq_subjects (tenant_id, identity)
    WHERE identity IS NOT NULL;

CREATE UNIQUE INDEX callbackq_subjects_customer_id ON callbackq_subjects (tenant_id, customer_id)
    WHERE customer_id IS NOT NULL;

-- Of whom nothing was heard for longest.
CREATE INDEX callbackq_subjects_unseen ON callbackq_subjects (tenant_id, coalesce(seen_at, created_at), subject_id)
    WHERE erased_at IS NULL;

-- ------------------------------------------------------------------------------------------------ guards

CREATE TABLE callbackq_tallies (
    tenant_id                text COLLATE "C" NOT NULL,
    key                      text COLLATE "C" NOT NULL,    -- what is counted; never a number: at most a digest of one
    version                  bigint           NOT NULL,
    moments                  jsonb            NOT NULL,    -- list of instants, in microseconds since 1970
    weights                  jsonb            NOT NULL,    -- list: how much was counted at each
    over_at                  timestamptz      NOT NULL,
    PRIMARY KEY (tenant_id, key),
    CONSTRAINT tally_lists CHECK (jsonb_typeof(moments) = 'array' AND jsonb_typeof(weights) = 'array')
);
COMMENT ON TABLE callbackq_tallies IS
    'What was counted lately, for limits over rolling windows. A row counts nothing after over_at, and is deleted '
    'then.';

CREATE INDEX callbackq_tallies_over ON callbackq_tallies (tenant_id, over_at, key)
    WHERE over_at > '-infinity';

CREATE TABLE callbackq_verifications (
    tenant_id                text COLLATE "C" NOT NULL,
    verification_id          text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    number_key               text COLLATE "C" NOT NULL,    -- keyed digest of the number
    queue                    text COLLATE "C" NOT NULL,
    code_hash                text COLLATE "C",             -- keyed digest of the code; none once it is over
    tries_count              bigint           NOT NULL,    -- how often a wrong one was tried
    sent_at                  timestamptz      NOT NULL,
    expires_at               timestamptz      NOT NULL,
    verified_at              timestamptz,
    used_at                  timestamptz,
    callback_id              text COLLATE "C",             -- the callback for which it was used
    PRIMARY KEY (tenant_id, verification_id),
    CONSTRAINT verification_tries CHECK (tries_count >= 0)
);
COMMENT ON TABLE callbackq_verifications IS
    'One row for each one-time code that was sent to prove a number. It is deleted some time after expires_at.';

CREATE INDEX callbackq_verifications_expires ON callbackq_verifications (tenant_id, expires_at, verification_id)
    WHERE expires_at > '-infinity';

CREATE TABLE callbackq_opt_outs (
    tenant_id                text COLLATE "C" NOT NULL,
    number_key               text COLLATE "C" NOT NULL,    -- keyed digest of the number
    version                  bigint           NOT NULL,
    calls_at                 timestamptz,                  -- since when no calls; none: they may be made
    messages_at              timestamptz,                  -- since when no messages; none: they may be sent
    by                       text COLLATE "C",             -- who said so, or how
    changed_at               timestamptz      NOT NULL,
    PRIMARY KEY (tenant_id, number_key)
);
COMMENT ON TABLE callbackq_opt_outs IS
    'Who wants no calls, or no messages, at a number. It outlives the erasure of the person.';

-- ------------------------------------------------------------------------------------------------ messages

CREATE TABLE callbackq_messages (
    tenant_id                text COLLATE "C" NOT NULL,
    message_id               text COLLATE "C" NOT NULL,
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    message_kind             text COLLATE "C" NOT NULL,    -- what it is about
    cause                    text COLLATE "C" NOT NULL,    -- what it tells of: no two tell of the same
    queue                    text COLLATE "C" NOT NULL,
    callback_id              text COLLATE "C",
    booking_id               text COLLATE "C",
    subject_id               text COLLATE "C",             -- to whom; none: a stranger, who is answered at once
    is_answer                boolean          NOT NULL,    -- whether it answers what the customer wrote
    channel                  text COLLATE "C",             -- how it was given out last
    address_key              text COLLATE "C",             -- keyed digest of where it was given out to last
    choices                  jsonb            NOT NULL,    -- list: what the numbered choices in it mean
    sends_count              bigint           NOT NULL,    -- how often it was given out
    tries_count              bigint           NOT NULL,    -- how often by the present channel
    channels_over            jsonb            NOT NULL,    -- list of the channels that were given up
    provider_key              text COLLATE "C",             -- keyed digest of the provider's own id of the latest send
    created_at               timestamptz      NOT NULL,
    best_before_at           timestamptz      NOT NULL,    -- after this it is not sent any more
    sent_at                  timestamptz,
    problem                  text COLLATE "C",             -- the provider's own code, or why it was withdrawn
    ended_as                 text COLLATE "C",
    ended_at                 timestamptz,
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT message_state CHECK (state IN ('waiting', 'sending', 'sent', 'uncertain', 'ended')),
    CONSTRAINT message_due CHECK ((state = 'ended') = (due_at IS NULL)),
    CONSTRAINT message_lists CHECK (jsonb_typeof(choices) = 'array' AND jsonb_typeof(channels_over) = 'array')
);
COMMENT ON TABLE callbackq_messages IS
    'The outbox: one row for each message to a customer, before it is sent and for good. It holds no text and no '
    'number.';

-- Never two messages for one cause.
CREATE UNIQUE INDEX callbackq_messages_cause ON callbackq_messages (tenant_id, cause)
    WHERE cause IS NOT NULL;

CREATE INDEX callbackq_messages_due ON callbackq_messages (tenant_id, due_at, message_id)
    WHERE due_at IS NOT NULL;

-- What may have to be withdrawn when a callback changes.
CREATE INDEX callbackq_messages_waiting ON callbackq_messages (tenant_id, callback_id, message_id)
    WHERE state = 'waiting';

-- What was told about a callback.
CREATE INDEX callbackq_messages_callback ON callbackq_messages (tenant_id, callback_id, created_at, message_id)
    WHERE callback_id IS NOT NULL AND created_at > '-infinity';

-- Which message a receipt is for.
CREATE INDEX callbackq_messages_provider ON callbackq_messages (tenant_id, channel, provider_key, message_id)
    WHERE provider_key IS NOT NULL;

-- What an answer may be an answer to.
CREATE INDEX callbackq_messages_to ON callbackq_messages (tenant_id, address_key, sent_at, message_id)
    WHERE sent_at IS NOT NULL;

-- Of which nobody knows whether they were sent.
CREATE INDEX callbackq_messages_uncertain ON callbackq_messages (tenant_id, due_at, message_id)
    WHERE state = 'uncertain';

CREATE TABLE callbackq_conversations (
    tenant_id                text COLLATE "C" NOT NULL,
    conversation_key         text COLLATE "C" NOT NULL,    -- keyed digest of the number or address, by channel
    version                  bigint           NOT NULL,
    question                 text COLLATE "C",             -- what was asked and not answered yet
    wish                     text COLLATE "C",             -- what is to be done with the answer
    callback_id              text COLLATE "C",             -- what the question is about
    choices                  jsonb            NOT NULL,    -- list: what the numbers in the question mean
    verification_id          text COLLATE "C",             -- the one-time code that was sent to a new number
    tries_count              bigint           NOT NULL,    -- how many answers were given since the sender paused
    until_at                 timestamptz,                  -- until when the question stands
    last_callback_id         text COLLATE "C",             -- what the last message was about
    heard_ids                jsonb            NOT NULL,    -- list of digests of the ids of what was heard last
    heard_at                 timestamptz,
    helped_at                timestamptz,                  -- when unknown text was last answered with help
    over_at                  timestamptz      NOT NULL,
    PRIMARY KEY (tenant_id, conversation_key),
    CONSTRAINT conversation_tries CHECK (tries_count >= 0),
    CONSTRAINT conversation_lists CHECK (jsonb_typeof(choices) = 'array' AND jsonb_typeof(heard_ids) = 'array')
);
COMMENT ON TABLE callbackq_conversations IS
    'What was said last to and by each address, by each channel: neither a text nor a number. A row is deleted some '
    'time after over_at.';

CREATE INDEX callbackq_conversations_over ON callbackq_conversations (tenant_id, over_at, conversation_key)
    WHERE over_at > '-infinity';

-- ------------------------------------------------------------------------------------------------ queues

CREATE TABLE callbackq_queues (
    tenant_id                text COLLATE "C" NOT NULL,
    queue                    text COLLATE "C" NOT NULL,    -- '*' for all of them
    version                  bigint           NOT NULL,
    offering_paused          boolean          NOT NULL,
    dialing_paused           boolean          NOT NULL,
    reason                   text COLLATE "C",
    changed_at               timestamptz      NOT NULL,
    PRIMARY KEY (tenant_id, queue)
);
COMMENT ON TABLE callbackq_queues IS
    'What is switched on and off for a queue at run time. A queue has no row until something is switched.';

-- ------------------------------------------------------------------------------------------------ lanes

-- Whoever adds a set takes the number after the highest that it sees. Of two who do so at once the key refuses one,
-- who then sees the other's: so no set stands here twice.
CREATE TABLE callbackq_lanes (
    tenant_id                text COLLATE "C" NOT NULL,
    lane                     bigint           NOT NULL,
    skills                   jsonb            NOT NULL,    -- list of names, sorted
    PRIMARY KEY (tenant_id, lane)
);
COMMENT ON TABLE callbackq_lanes IS
    'Sets of skills as small numbers, counted from 1 without a gap. Lane 0 needs no skill, and has no row. Rows are '
    'only ever added.';

-- ------------------------------------------------------------------------------------------------ history

CREATE TABLE callbackq_history (
    tenant_id                text COLLATE "C" NOT NULL,
    history_number           bigint           NOT NULL GENERATED ALWAYS AS IDENTITY,
    entity                   text COLLATE "C" NOT NULL,    -- callback, call, agent, attempt, queue, booking, ...
    kind                     text COLLATE "C" NOT NULL,    -- callback_requested, attempt_ended, ...
    version                  bigint           NOT NULL,    -- of the row, after the event
    at                       timestamptz      NOT NULL,
    state                    text COLLATE "C",             -- of the row, after the event; so is every column it has too
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    queue                    text COLLATE "C",
    callback_id              text COLLATE "C",
    call_id                  text COLLATE "C",
    attempt_id               text COLLATE "C",
    booking_id               text COLLATE "C",
    agent_id                 text COLLATE "C",
    subject_id               text COLLATE "C",
    disposition              text COLLATE "C",
    outcome                  text COLLATE "C",
    reason                   text COLLATE "C",
    detail                   json,                         -- the other fields of this kind of event, as written
    record_id                text COLLATE "C" NOT NULL,    -- of the row: with its entity, the name of a chain of events
    event_number             bigint           NOT NULL,    -- within the chain, counted from 1
    digest                   text COLLATE "C" NOT NULL,    -- SHA-256 over the digest before it and the event
    PRIMARY KEY (tenant_id, history_number)
);
COMMENT ON TABLE callbackq_history IS
    'What happened: written in the same transaction as the row that it tells of, and never changed. The events of one '
    'record stand in their order. Numbers may have gaps, and two transactions that run at once may mix theirs.';

-- What happened to one record, in order; and that nobody goes on twice from the same event.
CREATE UNIQUE INDEX callbackq_history_chain ON callbackq_history (tenant_id, entity, record_id, event_number);

-- What happened to a callback, its attempts, its booking and its messages.
CREATE INDEX callbackq_history_callback ON callbackq_history (tenant_id, callback_id, history_number)
    WHERE entity IN ('callback', 'attempt', 'booking', 'message');

-- ------------------------------------------------------------------------------------------------ views

CREATE VIEW callbackq_v_line AS
SELECT
    tenant_id,
    queue,
    row_number() OVER (PARTITION BY tenant_id, queue ORDER BY rank, place_id) AS position,
    entity,
    id,
    subject_id,
    priority,
    lane,
    entered_at,
    rank,
    place_id
FROM (
    SELECT tenant_id, queue, 'callback' AS entity, callback_id AS id, subject_id, priority, lane, entered_at,
           rank, place_id
      FROM callbackq_callbacks WHERE state = 'waiting'
    UNION ALL
    SELECT tenant_id, queue, 'call', call_id, subject_id, priority, lane, entered_at, rank, place_id
      FROM callbackq_calls WHERE state = 'waiting'
) AS places
ORDER BY tenant_id, queue, position;
COMMENT ON VIEW callbackq_v_line IS 'The waiting line of every queue, first to be served first.';

CREATE VIEW callbackq_v_due AS
SELECT tenant_id, due_at, due_reason, 'callback' AS entity, callback_id AS id, state
  FROM callbackq_callbacks WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'call', call_id, state FROM callbackq_calls WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'agent', agent_id, state FROM callbackq_agents WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'attempt', attempt_id, state FROM callbackq_attempts WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'booking', booking_id, state FROM callbackq_bookings WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'message', message_id, state FROM callbackq_messages WHERE due_at IS NOT NULL
ORDER BY 1, 2;
COMMENT ON VIEW callbackq_v_due IS 'What time alone will change, soonest first.';

CREATE VIEW callbackq_v_attempts AS
SELECT
    attempt.tenant_id,
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
FROM callbackq_attempts AS attempt
JOIN callbackq_callbacks AS callback USING (tenant_id, callback_id)
WHERE attempt.state <> 'ended'
ORDER BY attempt.tenant_id, attempt.queue, attempt.started_at;
COMMENT ON VIEW callbackq_v_attempts IS 'Who is being called back now, by which agent, and how far it has come.';

CREATE VIEW callbackq_v_queues AS
SELECT
    tenant_id,
    queue,
    count(*) FILTER (WHERE entity = 'callback') AS callbacks_waiting,
    count(*) FILTER (WHERE entity = 'call')     AS calls_waiting,
    min(entered_at)                             AS oldest_entered_at,
    (SELECT count(*) FROM callbackq_agent_queues AS served
      WHERE served.tenant_id = line.tenant_id AND served.queue = line.queue) AS agents_staffed
FROM callbackq_v_line AS line
GROUP BY tenant_id, queue;
COMMENT ON VIEW callbackq_v_queues IS
    'What each queue holds: how many wait, how long the first has waited since, how many agents are signed in.';
