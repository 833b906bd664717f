-- Version 7: the nodes.
--
-- migration: additive

CREATE TABLE callbackq_nodes (
    tenant_id                text COLLATE "C" NOT NULL,
    node_id                  text COLLATE "C" NOT NULL,    -- the name that the host gave it; it stands in its attempts
    version                  bigint           NOT NULL,
    state                    text COLLATE "C" NOT NULL,
    instance_id              text COLLATE "C" NOT NULL,    -- of this start of the process: a restart has another one
    started_at               timestamptz      NOT NULL,
    seen_at                  timestamptz      NOT NULL,    -- when it beat last
    lease_until_at           timestamptz      NOT NULL,    -- after this others may take its attempts over
    schema_version           bigint           NOT NULL,    -- the newest schema that its release knows
    release                  text COLLATE "C" NOT NULL,    -- of callbackq
    fingerprints             jsonb            NOT NULL,    -- by queue, a digest of what orders its line
    due_at                   timestamptz,
    due_reason               text COLLATE "C",
    PRIMARY KEY (tenant_id, node_id),
    CONSTRAINT node_state CHECK (state IN ('up', 'draining', 'gone')),
    CONSTRAINT node_due CHECK ((state = 'gone') = (due_at IS NULL))
);
COMMENT ON TABLE callbackq_nodes IS
    'One row for each process that runs a dispatcher and beats, so that others see when it is gone. A row is kept, as '
    'gone, until it is forgotten.';

CREATE INDEX callbackq_nodes_due ON callbackq_nodes (tenant_id, due_at, node_id)
    WHERE due_at IS NOT NULL;
