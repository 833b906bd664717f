-- Settings of autovacuum for a database with very many rows. Run it once, as the owner, with search_path at callbackq's
-- schema; again after partitions were added. No row is touched, and nobody waits. RESET takes a setting back.
--
-- The server's own settings let a fifth of a table die before it is vacuumed: of a hundred million rows that is twenty
-- million, and all of them stand in the small indexes of what is alive, which every claim reads. Here it is a number of
-- rows, whatever the size of the table.

DO $$
DECLARE
    part regclass;
BEGIN
    -- Rows that live for a while, are changed often, and end: their indexes of the living are read by every step.
    ALTER TABLE callbackq_callbacks SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
    ALTER TABLE callbackq_calls SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
    ALTER TABLE callbackq_attempts SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
    ALTER TABLE callbackq_messages SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
    ALTER TABLE callbackq_bookings SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

    -- Few rows, changed all the time.
    ALTER TABLE callbackq_agents SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_nodes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_webhooks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_slots SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_slot_days SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_tallies SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_agent_queues SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE callbackq_verifications SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
    ALTER TABLE callbackq_conversations SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

    -- Persons: so that nothing that was erased stays for long.
    ALTER TABLE callbackq_subjects SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

    -- Only written: frozen in small portions, and not all at once some day.
    FOR part IN
        SELECT 'callbackq_history'::regclass WHERE NOT EXISTS (
            SELECT 1 FROM pg_class WHERE oid = 'callbackq_history'::regclass AND relkind = 'p')
        UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'callbackq_history'::regclass
        UNION ALL SELECT 'callbackq_legs'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s SET ('
            'autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000, '
            'autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000000, '
            'autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000)', part);
    END LOOP;
END
$$;
