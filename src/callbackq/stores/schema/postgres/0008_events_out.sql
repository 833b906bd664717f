-- Version 8: how far each endpoint of webhooks was told what happened.
--
-- migration: additive

CREATE TABLE callbackq_webhooks (
    tenant_id                text COLLATE "C" NOT NULL,
    endpoint                 text COLLATE "C" NOT NULL,    -- the name that the host gave it
    about                    text COLLATE "C" NOT NULL,    -- empty: the endpoint itself; else whose events, or which one
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    position                 bigint           NOT NULL,    -- the history_number up to which all is settled
    callback_id              text COLLATE "C",             -- the callback that it is about, if it is about one
    tries_count              bigint           NOT NULL,    -- how often the next event was tried
    failing_since_at         timestamptz,                  -- when it failed first
    rests_until_at           timestamptz,                  -- nothing is sent before
    last_error               text COLLATE "C",             -- why the last try failed; no address and no answer in it
    delivered_at             timestamptz,                  -- when something was delivered last
    node_id                  text COLLATE "C",             -- who delivers now
    lease_until_at           timestamptz,                  -- after this another one may
    PRIMARY KEY (tenant_id, endpoint, about),
    CONSTRAINT webhook_state CHECK (state IN ('open', 'disabled', 'behind', 'undelivered'))
);
COMMENT ON TABLE callbackq_webhooks IS
    'One row for each endpoint of webhooks, with nothing in about; and one for each record whose events it has not taken '
    'yet, and for each event that was given up.';
COMMENT ON COLUMN callbackq_webhooks.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_webhooks.endpoint IS 'the name that the host gave it';
COMMENT ON COLUMN callbackq_webhooks.about IS 'empty for the endpoint itself; else whose events these are, or which one';
COMMENT ON COLUMN callbackq_webhooks.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_webhooks.state IS 'open or disabled: the endpoint itself; behind or undelivered: the others';
COMMENT ON COLUMN callbackq_webhooks.position IS
    'the history_number up to which all is settled; of an event that was given up, its own';
COMMENT ON COLUMN callbackq_webhooks.callback_id IS 'the callback that it is about, if it is about one';
COMMENT ON COLUMN callbackq_webhooks.tries_count IS 'how often the next event was tried';
COMMENT ON COLUMN callbackq_webhooks.failing_since_at IS 'when that failed first';
COMMENT ON COLUMN callbackq_webhooks.rests_until_at IS 'nothing is sent before';
COMMENT ON COLUMN callbackq_webhooks.last_error IS 'why the last try failed; no address and no answer stands in it';
COMMENT ON COLUMN callbackq_webhooks.delivered_at IS 'when something was delivered last';
COMMENT ON COLUMN callbackq_webhooks.node_id IS 'who delivers now';
COMMENT ON COLUMN callbackq_webhooks.lease_until_at IS 'after this another one may';
