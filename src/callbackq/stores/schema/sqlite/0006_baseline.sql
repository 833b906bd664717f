-- The schema of callbackq in SQLite, version 6: where every database begins. Never edit it: what changes goes into a
-- file with a higher number.
--
-- migration: breaking
--
-- For whoever reads it with a database tool:
--   * Instants are UTC text of one width, 2026-01-05T08:00:00.000000Z. They sort as they read, and date functions
--     take them as they are.
--   * Every key, index and uniqueness rule begins with tenant_id.
--   * A row is replaced as a whole, and its version goes up by one. Do not write here while the engine runs.
--   * Customers' names, numbers and free context stand in callbackq_subjects only.
--   * "Has not ended" means state <> 'ended', and for an agent state <> 'signed_out'. Such a row has a due_at: the
--     next moment at which time alone changes it. Ended rows have none, so they are in no index of the living.
--   * The views whose names begin with callbackq_v_ are made to be read. They may change with any version.

-- What holds for the whole file: schema_version, and the pepper of the keyed digests (or a fingerprint of it, where
-- the host keeps it elsewhere).
CREATE TABLE callbackq_meta (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) WITHOUT ROWID;

-- ------------------------------------------------------------------------------------------------ callbacks

-- One row per promise to call a customer back.
CREATE TABLE callbackq_callbacks (
    tenant_id            TEXT    NOT NULL,
    callback_id          TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    subject_id           TEXT    NOT NULL,
    call_id              TEXT,               -- the live call that it was made from
    channel              TEXT    NOT NULL,
    mode                 TEXT    NOT NULL,
    priority             INTEGER NOT NULL,   -- 0 to 255, lower first
    lane                 INTEGER NOT NULL,   -- the skills it needs: callbackq_lanes
    place_id             TEXT    NOT NULL,
    entered_at           TEXT    NOT NULL,   -- when the caller first entered the queue; never rewritten
    requested_at         TEXT    NOT NULL,
    ranked_at            TEXT    NOT NULL,
    rank                 INTEGER NOT NULL,   -- the line is ordered by rank, then by place_id
    scheduled_at         TEXT,
    booking_id           TEXT,               -- its seat in a slot, where the queue has slots
    expires_at           TEXT    NOT NULL,
    preferred_agent_id   TEXT,               -- who shall call back, if possible
    preferred_until_at   TEXT,               -- until then it waits for that agent alone
    owner_id             TEXT,               -- the agent who asked for it
    ticket_id            TEXT,               -- the help desk's own id
    caller_id            TEXT,               -- which number of the company is shown to the customer
    media                TEXT,               -- for the telephony, as the host gave it
    called_in_id         TEXT,               -- the live call with which the customer came back while waiting
    purpose              TEXT    NOT NULL,   -- why the customer is called: requested, service, sales
    consent_at           TEXT,               -- when the customer agreed to it
    consent_ref          TEXT,               -- the host's own reference to how
    verification_id      TEXT,               -- the one-time code that proved the number: callbackq_verifications
    follows_id           TEXT,               -- an earlier callback of the person that had just ended
    number_index         INTEGER NOT NULL,   -- which number is dialed next: 0 the main one, n the n-th alternative
    turn_at              TEXT,               -- when its turn first came
    waited_long_at       TEXT,               -- when it was said to have waited too long
    dedup_key            TEXT,               -- no two that have not ended hold the same one
    request_key          TEXT,               -- no two were ever made under the same one
    attempt_id           TEXT,
    attempts_count       INTEGER NOT NULL,
    last_disposition     TEXT,
    hold_reason          TEXT,
    offer_id             TEXT,               -- the offer that was accepted
    quoted_position      INTEGER,            -- what the customer was told
    quoted_position_exact INTEGER NOT NULL,  -- 0: it was an estimate
    quoted_wait_s        REAL,
    quoted_wait_low_s    REAL,
    quoted_wait_high_s   REAL,
    quoted_by            TEXT,               -- the estimator
    overtook_calls_count INTEGER NOT NULL,   -- live calls of its class that stood before it when it was started
    overtook_callbacks_count INTEGER NOT NULL,
    merged_into_id       TEXT,               -- the callback that took its place
    score                REAL,               -- how it went, as the host reported afterwards
    resolved             INTEGER,            -- 1: the host reported that the matter is settled; 0: that it is not
    outcome              TEXT,
    ended_at             TEXT,
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, callback_id),
    CONSTRAINT callback_state CHECK (state IN ('scheduled', 'waiting', 'attempting', 'resting', 'held', 'ended')),
    CONSTRAINT callback_due CHECK ((state = 'ended') = (due_at IS NULL)),
    CONSTRAINT callback_resolved CHECK (resolved IN (0, 1))
);

-- The head of each lane, without a sort.
CREATE INDEX callbackq_callbacks_line ON callbackq_callbacks (tenant_id, queue, lane, rank, place_id)
    WHERE state = 'waiting';

-- How many stand ahead, over all lanes. The state is in it so that counting needs no look at the rows.
CREATE INDEX callbackq_callbacks_ahead ON callbackq_callbacks (tenant_id, queue, rank, place_id, state)
    WHERE state = 'waiting';

-- One place in 31, by a digest of its rank and id: where very many stand ahead, these are counted for all. The
-- digest mixes well whether ids end in random letters or in running numbers, and ranks are close, even or equal.
CREATE INDEX callbackq_callbacks_sample ON callbackq_callbacks (tenant_id, queue, rank, place_id, state)
    WHERE state = 'waiting'
      AND (24329 * (rank % 1000003)
           + 39233 * unicode(substr(place_id, -1)) + 12497 * unicode(substr(place_id, -2))
           + 4111 * unicode(substr(place_id, -3)) + 6379 * unicode(substr(place_id, -4))) % 1000003 % 31 = 0;

-- How many promises are open.
CREATE INDEX callbackq_callbacks_open ON callbackq_callbacks (tenant_id, queue)
    WHERE state <> 'ended';

-- What else one person asked for, in any queue.
CREATE INDEX callbackq_callbacks_subject ON callbackq_callbacks (tenant_id, subject_id, requested_at, callback_id);

-- How it went lately.
CREATE INDEX callbackq_callbacks_ended ON callbackq_callbacks (tenant_id, queue, ended_at, callback_id)
    WHERE ended_at IS NOT NULL;

CREATE INDEX callbackq_callbacks_due ON callbackq_callbacks (tenant_id, due_at, callback_id)
    WHERE due_at IS NOT NULL;

CREATE UNIQUE INDEX callbackq_callbacks_dedup_key ON callbackq_callbacks (tenant_id, dedup_key)
    WHERE state <> 'ended' AND dedup_key IS NOT NULL;

CREATE UNIQUE INDEX callbackq_callbacks_request_key ON callbackq_callbacks (tenant_id, request_key)
    WHERE request_key IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ live calls

-- One row per caller on the line. Live calls and callbacks stand in one line.
CREATE TABLE callbackq_calls (
    tenant_id            TEXT    NOT NULL,
    call_id              TEXT    NOT NULL,   -- the PBX's own name for it
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    subject_id           TEXT,
    priority             INTEGER NOT NULL,
    lane                 INTEGER NOT NULL,
    place_id             TEXT    NOT NULL,
    entered_at           TEXT    NOT NULL,
    ranked_at            TEXT    NOT NULL,
    rank                 INTEGER NOT NULL,
    preferred_agent_id   TEXT,               -- who shall take it, if possible
    preferred_until_at   TEXT,               -- until then it waits for that agent alone
    offers_count         INTEGER NOT NULL,
    declines_count       INTEGER NOT NULL,
    declined_at          TEXT,               -- when a callback was last declined
    quoted_at            TEXT,               -- when a callback was last offered, and what was said then
    quoted_position      INTEGER,
    quoted_wait_s        REAL,
    quoted_wait_low_s    REAL,
    quoted_wait_high_s   REAL,
    quoted_by            TEXT,               -- the estimator
    offer_id             TEXT,               -- the offer that stands
    offer_until_at       TEXT,
    overtook_calls_count INTEGER NOT NULL,   -- live calls of its class that stood before it when it was taken
    overtook_callbacks_count INTEGER NOT NULL,
    agent_id             TEXT,
    taken_at             TEXT,
    callback_id          TEXT,               -- the callback that it was turned into
    returns_for_id       TEXT,               -- the callback that its caller waited for, or had missed, when calling in
    outcome              TEXT,
    ended_at             TEXT,
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT call_state CHECK (state IN ('waiting', 'taken', 'ended')),
    CONSTRAINT call_due CHECK ((state = 'ended') = (due_at IS NULL))
);

CREATE INDEX callbackq_calls_line ON callbackq_calls (tenant_id, queue, lane, rank, place_id)
    WHERE state = 'waiting';

CREATE INDEX callbackq_calls_ahead ON callbackq_calls (tenant_id, queue, rank, place_id, state)
    WHERE state = 'waiting';

CREATE INDEX callbackq_calls_sample ON callbackq_calls (tenant_id, queue, rank, place_id, state)
    WHERE state = 'waiting'
      AND (24329 * (rank % 1000003)
           + 39233 * unicode(substr(place_id, -1)) + 12497 * unicode(substr(place_id, -2))
           + 4111 * unicode(substr(place_id, -3)) + 6379 * unicode(substr(place_id, -4))) % 1000003 % 31 = 0;

-- Who is on the line, waiting or being served.
CREATE INDEX callbackq_calls_open ON callbackq_calls (tenant_id, queue, call_id)
    WHERE state <> 'ended';

CREATE INDEX callbackq_calls_taken ON callbackq_calls (tenant_id, queue, taken_at, call_id)
    WHERE taken_at IS NOT NULL;

CREATE INDEX callbackq_calls_ended ON callbackq_calls (tenant_id, queue, ended_at, call_id)
    WHERE ended_at IS NOT NULL;

CREATE INDEX callbackq_calls_due ON callbackq_calls (tenant_id, due_at, call_id)
    WHERE due_at IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ agents

-- One row per human who takes calls.
CREATE TABLE callbackq_agents (
    tenant_id            TEXT    NOT NULL,
    agent_id             TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    queues               TEXT    NOT NULL,   -- JSON list of names
    skills               TEXT    NOT NULL,   -- JSON list of names
    since_at             TEXT    NOT NULL,   -- when the present state began
    attempt_id           TEXT,
    call_id              TEXT,
    leaving              INTEGER NOT NULL,   -- 1: is signed out when the present call is over
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, agent_id),
    CONSTRAINT agent_state
        CHECK (state IN ('available', 'reserved', 'busy', 'wrap_up', 'cooling_down', 'signed_out')),
    CONSTRAINT agent_due CHECK ((state = 'signed_out') = (due_at IS NULL)),
    CONSTRAINT agent_leaving CHECK (leaving IN (0, 1))
);

-- Who takes the next call: the agent who has been available longest.
CREATE INDEX callbackq_agents_available ON callbackq_agents (tenant_id, since_at, agent_id)
    WHERE state = 'available';

CREATE INDEX callbackq_agents_due ON callbackq_agents (tenant_id, due_at, agent_id)
    WHERE due_at IS NOT NULL;

-- Which agents serve which queue now: one row for each queue of each agent who is not signed out. The triggers
-- below keep it; nothing else writes to it.
CREATE TABLE callbackq_agent_queues (
    tenant_id            TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    agent_id             TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, queue, agent_id)
) WITHOUT ROWID;

CREATE TRIGGER callbackq_agents_inserted AFTER INSERT ON callbackq_agents
    WHEN NEW.state <> 'signed_out'
BEGIN
    INSERT OR IGNORE INTO callbackq_agent_queues (tenant_id, queue, agent_id)
        SELECT NEW.tenant_id, value, NEW.agent_id FROM json_each(NEW.queues);
END;

CREATE TRIGGER callbackq_agents_updated AFTER UPDATE ON callbackq_agents
    WHEN NEW.queues <> OLD.queues OR (NEW.state = 'signed_out') <> (OLD.state = 'signed_out')
BEGIN
    DELETE FROM callbackq_agent_queues
        WHERE tenant_id = OLD.tenant_id AND agent_id = OLD.agent_id
          AND queue IN (SELECT value FROM json_each(OLD.queues));
    INSERT OR IGNORE INTO callbackq_agent_queues (tenant_id, queue, agent_id)
        SELECT NEW.tenant_id, value, NEW.agent_id FROM json_each(NEW.queues) WHERE NEW.state <> 'signed_out';
END;

-- ------------------------------------------------------------------------------------------------ attempts

-- One row per try to connect one callback: an agent's leg and a customer's leg.
CREATE TABLE callbackq_attempts (
    tenant_id            TEXT    NOT NULL,
    attempt_id           TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    callback_id          TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    subject_id           TEXT    NOT NULL,
    number_key           TEXT    NOT NULL,   -- keyed digest of the number
    mode                 TEXT    NOT NULL,
    announces            TEXT,               -- what the customer is to be told, where no agent takes part
    agent_id             TEXT,               -- none while an agent is looked for
    node_id              TEXT    NOT NULL,
    agent_leg_id         TEXT    NOT NULL,   -- of the first agent who is rung; the n-th has the same with .n behind it
    agent_leg            TEXT    NOT NULL,   -- how far the leg of the latest agent has come
    agents_rung_count    INTEGER NOT NULL,   -- how many agents were rung so far
    agent_until_at       TEXT,               -- by when the agent's leg must have gone on
    customer_leg_id      TEXT    NOT NULL,   -- a leg id is dialed at most once
    customer_leg         TEXT    NOT NULL,
    customer_until_at    TEXT,               -- by when the customer's leg must have gone on
    customer_rang        INTEGER NOT NULL,
    customer_answered_at TEXT,
    number_index         INTEGER NOT NULL,   -- which number was dialed: 0 the main one, n the n-th alternative
    answered_by          TEXT,
    confirmation         TEXT,               -- what the customer said to "press 1 to connect"
    recording_id         TEXT,               -- the telephony's own name for a recording
    disposition          TEXT,
    started_at           TEXT    NOT NULL,
    connected_at         TEXT,
    ended_at             TEXT,
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, attempt_id),
    CONSTRAINT attempt_state
        CHECK (state IN ('intended', 'agent_on_line', 'confirming', 'customer_on_line', 'joining', 'connected',
                         'ending', 'ended')),
    CONSTRAINT attempt_due CHECK ((state = 'ended') = (due_at IS NULL)),
    CONSTRAINT attempt_customer_rang CHECK (customer_rang IN (0, 1))
);

-- Which lines are in use.
CREATE INDEX callbackq_attempts_open ON callbackq_attempts (tenant_id, queue, attempt_id)
    WHERE state <> 'ended';

-- Who needs an agent, now or soon.
CREATE INDEX callbackq_attempts_wanting ON callbackq_attempts (tenant_id, queue, attempt_id)
    WHERE agent_id IS NULL AND announces IS NULL AND state NOT IN ('ending', 'ended');

-- How often one number was dialed lately, from any queue.
CREATE INDEX callbackq_attempts_dialed ON callbackq_attempts (tenant_id, number_key, started_at, attempt_id)
    WHERE customer_leg <> 'none';

CREATE INDEX callbackq_attempts_started ON callbackq_attempts (tenant_id, queue, started_at, attempt_id);

CREATE INDEX callbackq_attempts_due ON callbackq_attempts (tenant_id, due_at, attempt_id)
    WHERE due_at IS NOT NULL;

-- Never two live attempts for one callback, nor for one number.
CREATE UNIQUE INDEX callbackq_attempts_callback_id ON callbackq_attempts (tenant_id, callback_id)
    WHERE state <> 'ended';

CREATE UNIQUE INDEX callbackq_attempts_number_key ON callbackq_attempts (tenant_id, number_key)
    WHERE state <> 'ended';

-- A leg belongs to one attempt for ever. The two indexes forbid it within a column, the triggers across both.
CREATE UNIQUE INDEX callbackq_attempts_agent_leg_id ON callbackq_attempts (tenant_id, agent_leg_id);

CREATE UNIQUE INDEX callbackq_attempts_customer_leg_id ON callbackq_attempts (tenant_id, customer_leg_id);

CREATE TRIGGER callbackq_attempts_legs_inserted BEFORE INSERT ON callbackq_attempts
BEGIN
    SELECT RAISE(ABORT, 'leg_id') FROM callbackq_attempts
        WHERE tenant_id = NEW.tenant_id AND customer_leg_id = NEW.agent_leg_id AND attempt_id <> NEW.attempt_id;
    SELECT RAISE(ABORT, 'leg_id') FROM callbackq_attempts
        WHERE tenant_id = NEW.tenant_id AND agent_leg_id = NEW.customer_leg_id AND attempt_id <> NEW.attempt_id;
END;

CREATE TRIGGER callbackq_attempts_legs_updated BEFORE UPDATE ON callbackq_attempts
    WHEN NEW.agent_leg_id <> OLD.agent_leg_id OR NEW.customer_leg_id <> OLD.customer_leg_id
BEGIN
    SELECT RAISE(ABORT, 'leg_id') FROM callbackq_attempts
        WHERE tenant_id = NEW.tenant_id AND customer_leg_id = NEW.agent_leg_id AND attempt_id <> NEW.attempt_id;
    SELECT RAISE(ABORT, 'leg_id') FROM callbackq_attempts
        WHERE tenant_id = NEW.tenant_id AND agent_leg_id = NEW.customer_leg_id AND attempt_id <> NEW.attempt_id;
END;

-- ------------------------------------------------------------------------------------------------ bookings

-- One row per seat in a slot: held for somebody who decides, or booked for a callback.
CREATE TABLE callbackq_bookings (
    tenant_id            TEXT    NOT NULL,
    booking_id           TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    slot_at              TEXT    NOT NULL,   -- when the slot begins; follows from wall_at, zone and fold
    length               INTEGER NOT NULL,   -- of the slot, in microseconds
    seat                 TEXT    NOT NULL,   -- one for everybody, or one kept for better priorities
    wall_at              TEXT    NOT NULL,   -- the promised time on the wall, as 2026-03-10T15:00:00
    zone                 TEXT    NOT NULL,   -- where that wall is
    fold                 INTEGER NOT NULL,   -- 1: the second of two hours that read the same
    window_until_at      TEXT,               -- the end of the customer's time window: until then it is not late
    callback_id          TEXT,               -- the callback that it is for; none while it is only held
    call_id              TEXT,               -- the live call for whose caller it was held
    agent_id             TEXT,               -- the agent in whose own calendar it stands
    held_at              TEXT    NOT NULL,   -- when the seat was taken
    booked_at            TEXT,
    moves_count          INTEGER NOT NULL,   -- how often it was rescheduled
    repeats              TEXT,               -- the rule of its series, as in RFC 5545
    series_id            TEXT,               -- the first booking of its series
    reminded_at          TEXT,
    late_at              TEXT,               -- when it was said to be late
    ended_as             TEXT,               -- how it ended
    ended_at             TEXT,
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, booking_id),
    CONSTRAINT booking_state CHECK (state IN ('held', 'booked', 'ended')),
    CONSTRAINT booking_due CHECK ((state = 'ended') = (due_at IS NULL))
);

-- What stands in each slot, or was used.
CREATE INDEX callbackq_bookings_slot ON callbackq_bookings (tenant_id, queue, slot_at, booking_id)
    WHERE state <> 'ended' OR ended_as = 'used';

-- The same by the agent in whose calendar it stands.
CREATE INDEX callbackq_bookings_agent ON callbackq_bookings (tenant_id, agent_id, slot_at, booking_id)
    WHERE agent_id IS NOT NULL AND (state <> 'ended' OR ended_as = 'used');

-- Which one was made last for a callback.
CREATE INDEX callbackq_bookings_callback ON callbackq_bookings (tenant_id, callback_id, held_at, booking_id)
    WHERE callback_id IS NOT NULL;

CREATE INDEX callbackq_bookings_due ON callbackq_bookings (tenant_id, due_at, booking_id)
    WHERE due_at IS NOT NULL;

-- Never two seats for one callback, nor two for one agent at one time.
CREATE UNIQUE INDEX callbackq_bookings_callback_id ON callbackq_bookings (tenant_id, callback_id)
    WHERE state <> 'ended' AND callback_id IS NOT NULL;

CREATE UNIQUE INDEX callbackq_bookings_agent_slot ON callbackq_bookings (tenant_id, agent_id, slot_at)
    WHERE state <> 'ended' AND agent_id IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ slots

-- How many seats of each slot are taken: by bookings that have not given theirs back. There is no row before the first.
CREATE TABLE callbackq_slots (
    tenant_id            TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    slot_at              TEXT    NOT NULL,   -- when the slot begins
    version              INTEGER NOT NULL,
    usual_count          INTEGER NOT NULL,   -- seats for everybody
    kept_count           INTEGER NOT NULL,   -- seats kept for better priorities
    PRIMARY KEY (tenant_id, queue, slot_at),
    CONSTRAINT slot_counts CHECK (usual_count >= 0 AND kept_count >= 0)
) WITHOUT ROWID;

-- How many slots of each day are full, so that full days are passed over.
CREATE TABLE callbackq_slot_days (
    tenant_id            TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    day                  TEXT    NOT NULL,   -- the date in the zone of the queue, as 2026-03-10
    version              INTEGER NOT NULL,
    full_count           INTEGER NOT NULL,   -- slots that have no seat left for everybody
    rules                TEXT    NOT NULL,   -- the settings they were counted under; under others it says nothing
    PRIMARY KEY (tenant_id, queue, day),
    CONSTRAINT slot_day_count CHECK (full_count >= 0)
) WITHOUT ROWID;

-- ------------------------------------------------------------------------------------------------ subjects

-- The persons: the only table with personal data.
CREATE TABLE callbackq_subjects (
    tenant_id            TEXT    NOT NULL,
    subject_id           TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    identity             TEXT    NOT NULL,
    number               TEXT    NOT NULL,
    extension            TEXT,
    name                 TEXT,
    language             TEXT,
    alternatives         TEXT    NOT NULL,   -- JSON list of other numbers of the person, in the order of trying
    wrong_numbers        TEXT    NOT NULL,   -- JSON list of numbers at which somebody else answered
    record_number        TEXT,               -- the number that the host's own records have
    flagged_at           TEXT,               -- when the person was flagged for missing callbacks at chosen times
    contexts             TEXT    NOT NULL,   -- JSON: free fields by callback or call id
    customer_id          TEXT,               -- the host's own id of the customer
    tier                 TEXT,               -- what the host calls the customer's class of service
    preferred_number     TEXT,               -- what the customer prefers, on every channel: this and the next three
    zone                 TEXT,
    channel              TEXT,
    hours                TEXT    NOT NULL,   -- JSON: when the customer wants to be called, by day of the week
    email                TEXT,               -- where messages go that are sent by e-mail
    pending_number       TEXT,               -- a new number that the customer gave by message and has not proved yet
    created_at           TEXT    NOT NULL,
    seen_at              TEXT,               -- about when anything was last heard of the person
    erased_at            TEXT,               -- since when nothing of the person stands here any more
    PRIMARY KEY (tenant_id, subject_id)
);

CREATE UNIQUE INDEX callbackq_subjects_identity ON callbackq_subjects (tenant_id, identity);

CREATE UNIQUE INDEX callbackq_subjects_customer_id ON callbackq_subjects (tenant_id, customer_id)
    WHERE customer_id IS NOT NULL;

-- Of whom nothing was heard for longest.
CREATE INDEX callbackq_subjects_unseen ON callbackq_subjects (tenant_id, coalesce(seen_at, created_at), subject_id)
    WHERE erased_at IS NULL;

-- ------------------------------------------------------------------------------------------------ guards

-- What was counted lately, for limits over rolling windows. A row counts nothing after over_at, and is deleted then.
CREATE TABLE callbackq_tallies (
    tenant_id            TEXT    NOT NULL,
    key                  TEXT    NOT NULL,   -- what is counted; never a number: at most a keyed digest of one
    version              INTEGER NOT NULL,
    moments              TEXT    NOT NULL,   -- JSON list of instants, in microseconds since 1970
    weights              TEXT    NOT NULL,   -- JSON list: how much was counted at each
    over_at              TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, key)
) WITHOUT ROWID;

CREATE INDEX callbackq_tallies_over ON callbackq_tallies (tenant_id, over_at, key);

-- One row for each one-time code that was sent to prove a number. It is deleted some time after expires_at.
CREATE TABLE callbackq_verifications (
    tenant_id            TEXT    NOT NULL,
    verification_id      TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    number_key           TEXT    NOT NULL,   -- keyed digest of the number
    queue                TEXT    NOT NULL,
    code_hash            TEXT,               -- keyed digest of the code; none once it was used or tried too often
    tries_count          INTEGER NOT NULL,   -- how often a wrong one was tried
    sent_at              TEXT    NOT NULL,
    expires_at           TEXT    NOT NULL,
    verified_at          TEXT,
    used_at              TEXT,
    callback_id          TEXT,               -- the callback for which it was used
    PRIMARY KEY (tenant_id, verification_id),
    CONSTRAINT verification_tries CHECK (tries_count >= 0)
);

CREATE INDEX callbackq_verifications_expires ON callbackq_verifications (tenant_id, expires_at, verification_id);

-- Who wants no calls, or no messages, at a number. It outlives the erasure of the person.
CREATE TABLE callbackq_opt_outs (
    tenant_id            TEXT    NOT NULL,
    number_key           TEXT    NOT NULL,   -- keyed digest of the number
    version              INTEGER NOT NULL,
    calls_at             TEXT,               -- since when no calls; none: they may be made
    messages_at          TEXT,               -- since when no messages; none: they may be sent
    by                   TEXT,               -- who said so, or how
    changed_at           TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, number_key)
) WITHOUT ROWID;

-- ------------------------------------------------------------------------------------------------ messages

-- The outbox: one row for each message to a customer, before it is sent and for good. It holds no text and no number.
CREATE TABLE callbackq_messages (
    tenant_id            TEXT    NOT NULL,
    message_id           TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    message_kind         TEXT    NOT NULL,   -- what it is about
    cause                TEXT    NOT NULL,   -- what it tells of: no two tell of the same
    queue                TEXT    NOT NULL,
    callback_id          TEXT,
    booking_id           TEXT,
    subject_id           TEXT,               -- to whom; none: a stranger, who is answered at once
    is_answer            INTEGER NOT NULL,   -- 1: it answers what the customer wrote
    channel              TEXT,               -- how it was given out last
    address_key          TEXT,               -- keyed digest of the number or address that it was given out to last
    choices              TEXT    NOT NULL,   -- JSON list: what the numbered choices in it mean
    sends_count          INTEGER NOT NULL,   -- how often it was given out
    tries_count          INTEGER NOT NULL,   -- how often by the present channel
    channels_over        TEXT    NOT NULL,   -- JSON list of the channels that were given up
    provider_key          TEXT,               -- keyed digest of the provider's own id of the latest send
    created_at           TEXT    NOT NULL,
    best_before_at       TEXT    NOT NULL,   -- after this it is not sent any more
    sent_at              TEXT,
    problem              TEXT,               -- the provider's own code, or why it was withdrawn
    ended_as             TEXT,
    ended_at             TEXT,
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT message_state CHECK (state IN ('waiting', 'sending', 'sent', 'uncertain', 'ended')),
    CONSTRAINT message_due CHECK ((state = 'ended') = (due_at IS NULL)),
    CONSTRAINT message_is_answer CHECK (is_answer IN (0, 1))
);

-- Never two messages for one cause.
CREATE UNIQUE INDEX callbackq_messages_cause ON callbackq_messages (tenant_id, cause);

CREATE INDEX callbackq_messages_due ON callbackq_messages (tenant_id, due_at, message_id)
    WHERE due_at IS NOT NULL;

-- What may have to be withdrawn when a callback changes.
CREATE INDEX callbackq_messages_waiting ON callbackq_messages (tenant_id, callback_id, message_id)
    WHERE state = 'waiting';

-- What was told about a callback.
CREATE INDEX callbackq_messages_callback ON callbackq_messages (tenant_id, callback_id, created_at, message_id)
    WHERE callback_id IS NOT NULL;

-- Which message a receipt is for.
CREATE INDEX callbackq_messages_provider ON callbackq_messages (tenant_id, channel, provider_key, message_id)
    WHERE provider_key IS NOT NULL;

-- What an answer may be an answer to.
CREATE INDEX callbackq_messages_to ON callbackq_messages (tenant_id, address_key, sent_at, message_id)
    WHERE sent_at IS NOT NULL;

-- Of which nobody knows whether they were sent.
CREATE INDEX callbackq_messages_uncertain ON callbackq_messages (tenant_id, due_at, message_id)
    WHERE state = 'uncertain';

-- What was said last to and by each address, by each channel: neither a text nor a number. A row is deleted some time
-- after over_at.
CREATE TABLE callbackq_conversations (
    tenant_id            TEXT    NOT NULL,
    conversation_key     TEXT    NOT NULL,   -- keyed digest of the number or address, by channel
    version              INTEGER NOT NULL,
    question             TEXT,               -- what was asked and not answered yet
    wish                 TEXT,               -- what is to be done with the answer
    callback_id          TEXT,               -- what the question is about
    choices              TEXT    NOT NULL,   -- JSON list: what the numbers in the question mean
    verification_id      TEXT,               -- the one-time code that was sent to a new number
    tries_count          INTEGER NOT NULL,   -- how many answers were given since the sender last paused
    until_at             TEXT,               -- until when the question stands
    last_callback_id     TEXT,               -- what the last message was about
    heard_ids            TEXT    NOT NULL,   -- JSON list of digests of the ids of what was heard last
    heard_at             TEXT,
    helped_at            TEXT,               -- when text that was not understood was last answered with help
    over_at              TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, conversation_key),
    CONSTRAINT conversation_tries CHECK (tries_count >= 0)
) WITHOUT ROWID;

CREATE INDEX callbackq_conversations_over ON callbackq_conversations (tenant_id, over_at, conversation_key);

-- ------------------------------------------------------------------------------------------------ queues

-- What is switched for each queue, and under the name * for all of them. A queue is paused if either row says so;
-- there is none until something is switched.
CREATE TABLE callbackq_queues (
    tenant_id            TEXT    NOT NULL,
    queue                TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    offering_paused      INTEGER NOT NULL,   -- 1: no callback is offered
    dialing_paused       INTEGER NOT NULL,   -- 1: nobody is called back
    reason               TEXT,
    changed_at           TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, queue),
    CONSTRAINT queue_offering_paused CHECK (offering_paused IN (0, 1)),
    CONSTRAINT queue_dialing_paused CHECK (dialing_paused IN (0, 1))
);

-- ------------------------------------------------------------------------------------------------ lanes

-- Sets of skills as small numbers, counted from 1. Lane 0 needs no skill, and has no row. Rows are only ever added.
CREATE TABLE callbackq_lanes (
    tenant_id            TEXT    NOT NULL,
    lane                 INTEGER NOT NULL,
    skills               TEXT    NOT NULL,   -- JSON list of names, sorted
    PRIMARY KEY (tenant_id, lane),
    UNIQUE (tenant_id, skills)
);

-- ------------------------------------------------------------------------------------------------ history

-- What happened, in order: written in the same transaction as the row that it tells of, and never changed.
CREATE TABLE callbackq_history (
    tenant_id            TEXT    NOT NULL,
    history_number       INTEGER NOT NULL,   -- counted from 1, in the order of writing
    entity               TEXT    NOT NULL,   -- callback, call, agent, attempt, queue, booking, opt_out, message
    kind                 TEXT    NOT NULL,   -- callback_requested, attempt_ended, ...
    version              INTEGER NOT NULL,   -- of the row, after the event
    at                   TEXT    NOT NULL,
    state                TEXT,               -- of the row, after the event; so is every column that it has too
    due_at               TEXT,
    due_reason           TEXT,
    queue                TEXT,
    callback_id          TEXT,
    call_id              TEXT,
    attempt_id           TEXT,
    booking_id           TEXT,
    agent_id             TEXT,
    subject_id           TEXT,
    disposition          TEXT,
    outcome              TEXT,
    reason               TEXT,
    detail               TEXT,               -- JSON object: the other fields of this kind of event
    record_id            TEXT    NOT NULL,   -- of the row: with its entity, the name of a chain of events
    event_number         INTEGER NOT NULL,   -- within the chain, counted from 1
    digest               TEXT    NOT NULL,   -- SHA-256 over the digest before it in the chain and over the event
    PRIMARY KEY (tenant_id, history_number)
);

-- What happened to one record, in order; and that nobody goes on twice from the same event.
CREATE UNIQUE INDEX callbackq_history_chain ON callbackq_history (tenant_id, entity, record_id, event_number);

-- What happened to a callback, its attempts, its booking and its messages.
CREATE INDEX callbackq_history_callback ON callbackq_history (tenant_id, callback_id, history_number)
    WHERE entity IN ('callback', 'attempt', 'booking', 'message');

-- ------------------------------------------------------------------------------------------------ views

-- The waiting line of every queue, first to be served first.
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
)
ORDER BY tenant_id, queue, position;

-- What time alone will change, soonest first.
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

-- Who is being called back now, by which agent, and how far it has come.
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

-- What each queue holds: how many wait, how long the first has waited since, how many agents are signed in.
CREATE VIEW callbackq_v_queues AS
SELECT
    tenant_id,
    queue,
    sum(entity = 'callback') AS callbacks_waiting,
    sum(entity = 'call')     AS calls_waiting,
    min(entered_at)          AS oldest_entered_at,
    (SELECT count(*) FROM callbackq_agent_queues AS served
      WHERE served.tenant_id = line.tenant_id AND served.queue = line.queue) AS agents_staffed
FROM callbackq_v_line AS line
GROUP BY tenant_id, queue;
