-- Version 7: the nodes.
--
-- migration: additive

-- One row per process that runs a dispatcher and beats, so that others see when it is gone. A row is kept, as gone,
-- until it is forgotten.
CREATE TABLE callbackq_nodes (
    tenant_id            TEXT    NOT NULL,
    node_id              TEXT    NOT NULL,   -- the name that the host gave it; it stands in its attempts
    version              INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    instance_id          TEXT    NOT NULL,   -- of this start of the process: a restart has another one
    started_at           TEXT    NOT NULL,
    seen_at              TEXT    NOT NULL,   -- when it beat last
    lease_until_at       TEXT    NOT NULL,   -- after this others may take its attempts over
    schema_version       INTEGER NOT NULL,   -- the newest schema that its release knows
    release              TEXT    NOT NULL,   -- of callbackq
    fingerprints         TEXT    NOT NULL,   -- JSON object: by queue, a digest of what orders its line
    due_at               TEXT,
    due_reason           TEXT,
    PRIMARY KEY (tenant_id, node_id),
    CONSTRAINT node_state CHECK (state IN ('up', 'draining', 'gone')),
    CONSTRAINT node_due CHECK ((state = 'gone') = (due_at IS NULL))
);

CREATE INDEX callbackq_nodes_due ON callbackq_nodes (tenant_id, due_at, node_id)
    WHERE due_at IS NOT NULL;

-- What a node has begun and not ended: another one takes it over.
CREATE INDEX callbackq_attempts_node ON callbackq_attempts (tenant_id, node_id, attempt_id)
    WHERE state <> 'ended';
