-- Turns callbackq_history into a table of partitions, by ranges of history_number. Run it once, as the owner, with
-- search_path at callbackq's schema. It may be run again: then nothing happens.
--
--   psql -v ON_ERROR_STOP=1 -c "SET search_path = public" -c "SET callbackq.partition_rows = 50000000" -f ...
--
-- The rows that are there are not moved: their table becomes the first partition, which also takes the next
-- callbackq.partition_rows events. Behind it stand a partition for as many again, and a last one without an end, so that
-- no event is ever refused: history_next.sql keeps that one empty.
--
-- The old table is read once, while everybody goes on. If the script is interrupted after that, run it again before so
-- many events were written: until then a rule of the table says that they end there.
--
-- What changes: the rule that no two events stand at one place of a chain holds within each partition. Between
-- partitions the version of the row holds, as it does everywhere: two transactions that go on with one record from the
-- same event are parted by it.

DO $$
DECLARE
    room   bigint := coalesce(nullif(current_setting('callbackq.partition_rows', true), ''), '50000000')::bigint;
    "last" bigint;
BEGIN
    IF room < 1 THEN
        RAISE EXCEPTION 'callbackq.partition_rows is %, and must be 1 or more', room;
    END IF;
    IF (SELECT relkind FROM pg_class WHERE oid = 'callbackq_history'::regclass) = 'p' OR EXISTS (
        SELECT 1 FROM pg_constraint WHERE conrelid = 'callbackq_history'::regclass AND conname = 'history_ends'
    ) THEN
        RETURN;
    END IF;
    SELECT coalesce(max(history_number), 0) INTO "last" FROM callbackq_history;
    "last" := greatest("last", coalesce(pg_sequence_last_value(
        pg_get_serial_sequence('callbackq_history', 'history_number')::regclass), 0));
    EXECUTE format('ALTER TABLE callbackq_history ADD CONSTRAINT history_ends CHECK (history_number < %s) NOT VALID',
                   "last" + 1 + room);
END
$$;

DO $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM pg_constraint
         WHERE conrelid = 'callbackq_history'::regclass AND conname = 'history_ends' AND NOT convalidated
    ) THEN
        ALTER TABLE callbackq_history VALIDATE CONSTRAINT history_ends;
    END IF;
END
$$;

BEGIN;

LOCK TABLE callbackq_history IN ACCESS EXCLUSIVE MODE;

DO $$
DECLARE
    room   bigint := coalesce(nullif(current_setting('callbackq.partition_rows', true), ''), '50000000')::bigint;
    bound  bigint;
    "last" bigint;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'callbackq_history'::regclass) = 'p' THEN
        RETURN;
    END IF;
    SELECT substring(pg_get_constraintdef(oid) FROM '< \(?''?(\d+)')::bigint INTO STRICT bound FROM pg_constraint
     WHERE conrelid = 'callbackq_history'::regclass AND conname = 'history_ends';
    "last" := coalesce(pg_sequence_last_value(
        pg_get_serial_sequence('callbackq_history', 'history_number')::regclass), 0);

    ALTER TABLE callbackq_history ALTER COLUMN history_number DROP IDENTITY;
    ALTER TABLE callbackq_history RENAME TO callbackq_history0;
    ALTER TABLE callbackq_history0 RENAME CONSTRAINT callbackq_history_pkey TO callbackq_history0_pkey;
    ALTER INDEX callbackq_history_chain RENAME TO callbackq_history0_chain;
    ALTER INDEX callbackq_history_callback RENAME TO callbackq_history0_callback;

    CREATE TABLE callbackq_history (LIKE callbackq_history0 INCLUDING DEFAULTS INCLUDING COMMENTS)
        PARTITION BY RANGE (history_number);
    ALTER TABLE callbackq_history ADD PRIMARY KEY (tenant_id, history_number);
    CREATE INDEX callbackq_history_callback ON callbackq_history (tenant_id, callback_id, history_number)
        WHERE entity IN ('callback', 'attempt', 'booking', 'message');
    CREATE SEQUENCE callbackq_history_numbers AS bigint OWNED BY callbackq_history.history_number;
    PERFORM setval('callbackq_history_numbers', "last" + 1, false);
    ALTER TABLE callbackq_history ALTER COLUMN history_number SET DEFAULT nextval('callbackq_history_numbers');
    EXECUTE format('COMMENT ON TABLE callbackq_history IS %L', obj_description('callbackq_history0'::regclass));

    EXECUTE format('ALTER TABLE callbackq_history ATTACH PARTITION callbackq_history0'
                   ' FOR VALUES FROM (MINVALUE) TO (%s)', bound);
    ALTER TABLE callbackq_history0 DROP CONSTRAINT history_ends;
    EXECUTE format('CREATE TABLE callbackq_history1 PARTITION OF callbackq_history FOR VALUES FROM (%s) TO (%s)',
                   bound, bound + room);
    EXECUTE format('CREATE TABLE callbackq_history2 PARTITION OF callbackq_history FOR VALUES FROM (%s) TO (MAXVALUE)',
                   bound + room);
    CREATE UNIQUE INDEX callbackq_history1_chain ON callbackq_history1 (tenant_id, entity, record_id, event_number);
    CREATE UNIQUE INDEX callbackq_history2_chain ON callbackq_history2 (tenant_id, entity, record_id, event_number);

    -- Whoever may do something with the old table may do it with the new one. Its partitions need no rights.
    EXECUTE coalesce((
        SELECT string_agg(format('GRANT %s ON callbackq_history TO %s', privilege_type,
                                 CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END), '; ')
          FROM pg_class, aclexplode(relacl)
         WHERE oid = 'callbackq_history0'::regclass AND grantee <> relowner), 'SELECT');
    EXECUTE coalesce((
        SELECT string_agg(format('GRANT USAGE ON SEQUENCE callbackq_history_numbers TO %s',
                                 CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END), '; ')
          FROM pg_class, aclexplode(relacl)
         WHERE oid = 'callbackq_history0'::regclass AND grantee <> relowner AND privilege_type = 'INSERT'), 'SELECT');
END
$$;

COMMIT;
