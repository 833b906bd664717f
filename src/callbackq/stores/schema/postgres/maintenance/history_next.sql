-- Adds a partition to callbackq_history when the one before the last is in use, so that the last one, which has no
-- end, stays empty. Run it every day, as the owner, with search_path at callbackq's schema and the same
-- callbackq.partition_rows as before. Where nothing is to be done it does nothing; else everybody waits for a moment.
-- If it was forgotten, events stand in the last partition: they are left there, and it ends behind them, after one
-- reading of it.

BEGIN;

DO $$
DECLARE
    room     bigint := coalesce(nullif(current_setting('callbackq.partition_rows', true), ''), '50000000')::bigint;
    final    regclass;
    begins   bigint;
    before   bigint;
    ends     bigint;
    "number" bigint;
    next_name text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'callbackq_history'::regclass) <> 'p' THEN
        RAISE EXCEPTION 'callbackq_history has no partitions: run history_partitions.sql first';
    END IF;
    SELECT oid::regclass, substring(bound FROM 'FROM \(''?(\d+)''?\)')::bigint INTO final, begins
      FROM (SELECT pg_class.oid, pg_get_expr(relpartbound, pg_class.oid) AS bound
              FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'callbackq_history'::regclass) AS parts
     WHERE bound LIKE '%TO (MAXVALUE)';
    SELECT max(substring(bound FROM 'FROM \(''?(\d+)''?\)')::bigint) INTO before
      FROM (SELECT pg_get_expr(relpartbound, pg_class.oid) AS bound
              FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'callbackq_history'::regclass) AS parts
     WHERE bound NOT LIKE '%TO (MAXVALUE)';
    IF coalesce(pg_sequence_last_value('callbackq_history_numbers'), 0) < coalesce(before, 0) THEN
        RETURN;
    END IF;

    LOCK TABLE callbackq_history IN ACCESS EXCLUSIVE MODE;
    ends := greatest(begins + room, coalesce(pg_sequence_last_value('callbackq_history_numbers'), 0) + 1);
    "number" := substring(final::text FROM '(\d+)$')::bigint + 1;
    next_name := 'callbackq_history' || "number";
    EXECUTE format('ALTER TABLE callbackq_history DETACH PARTITION %s', final);
    EXECUTE format('ALTER TABLE callbackq_history ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
                   final, begins, ends);
    EXECUTE format('CREATE TABLE %I PARTITION OF callbackq_history FOR VALUES FROM (%s) TO (MAXVALUE)',
                   next_name, ends);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (tenant_id, entity, record_id, event_number)',
                   next_name || '_chain', next_name);
END
$$;

COMMIT;
