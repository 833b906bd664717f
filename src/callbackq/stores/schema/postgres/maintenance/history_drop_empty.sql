-- Drops the partitions of callbackq_history in which nothing stands any more, because all of it was pruned: their room
-- is free at once, also that of their indexes. The two newest stay. Run it after pruning, as the owner, with
-- search_path at callbackq's schema. Everybody waits for a moment.

BEGIN;

DO $$
DECLARE
    part     record;
    is_empty boolean;
BEGIN
    FOR part IN
        SELECT inhrelid::regclass AS name
          FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'callbackq_history'::regclass
         ORDER BY substring(relname FROM '(\d+)$')::bigint DESC OFFSET 2
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %s)', part.name) INTO is_empty;
        IF is_empty THEN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part.name);
            EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %s)', part.name) INTO is_empty;
            IF is_empty THEN
                EXECUTE format('DROP TABLE %s', part.name);
            END IF;
        END IF;
    END LOOP;
END
$$;

COMMIT;
