-- Version 8: how far each endpoint of webhooks was told what happened.
--
-- migration: additive

-- One row for each endpoint, with nothing in `about`; and one for each record whose events it has not taken yet, and for
-- each event that was given up.
CREATE TABLE callbackq_webhooks (
    tenant_id            TEXT    NOT NULL,
    endpoint             TEXT    NOT NULL,   -- the name that the host gave it
    about                TEXT    NOT NULL,   -- empty: the endpoint itself; else whose events, or which one
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    position             INTEGER NOT NULL,   -- the history_number up to which all is settled; of an event, its own
    callback_id          TEXT,               -- the callback that it is about, if it is about one
    tries_count          INTEGER NOT NULL,   -- how often the next event was tried
    failing_since_at     TEXT,               -- when it failed first
    rests_until_at       TEXT,               -- nothing is sent before
    last_error           TEXT,               -- why the last try failed; no address and no answer stands in it
    delivered_at         TEXT,               -- when something was delivered last
    node_id              TEXT,               -- who delivers now
    lease_until_at       TEXT,               -- after this another one may
    PRIMARY KEY (tenant_id, endpoint, about),
    CONSTRAINT webhook_state CHECK (state IN ('open', 'disabled', 'behind', 'undelivered'))
);
