-- Both functions run with the rights of their caller. Each statement of a function has a snapshot of its own under READ COMMITTED,
-- so a statement after the lock's sees what the last writer committed. Epochs start at 1: with epoch 0 both change nothing, which
-- prepares their statements in a session.

-- Deactivates the lease once no writing transaction is open, and writes the watermark in the same transaction. Waits for the lock for
-- at most `wait_ms` (error lock_not_available). Returns the fence, also if the attempt was fenced before; no row if it is void.
CREATE FUNCTION scheduling.fence_business(this_business uuid, this_epoch bigint, this_attempt bigint, wait_ms integer)
RETURNS TABLE (fenced_at timestamptz, lsn text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('lock_timeout', wait_ms::text, true);
    PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    UPDATE scheduling.lease l SET active = false, attempt = this_attempt
     WHERE l.business_id = this_business AND l.epoch = this_epoch AND l.active AND l.attempt < this_attempt;
    IF FOUND THEN
        INSERT INTO scheduling.fence_mark AS m (business_id, attempt, fenced_at)
        VALUES (this_business, this_attempt, clock_timestamp())
            ON CONFLICT (business_id) DO UPDATE SET attempt = excluded.attempt, fenced_at = excluded.fenced_at;
    END IF;
    RETURN QUERY
        SELECT m.fenced_at, pg_current_wal_insert_lsn()::text
          FROM scheduling.fence_mark m JOIN scheduling.lease l ON l.business_id = m.business_id
         WHERE m.business_id = this_business AND m.attempt = this_attempt AND l.attempt = this_attempt AND NOT l.active;
END $$;

-- Activates the lease of the decided epoch, once: an epoch that was activated and then fenced stays fenced. Returns the lease.
CREATE FUNCTION scheduling.activate_lease(this_business uuid, this_epoch bigint, this_attempt bigint)
RETURNS TABLE (is_active boolean, in_epoch bigint, in_attempt bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    INSERT INTO scheduling.lease AS l (business_id, active, epoch, attempt)
    SELECT this_business, true, this_epoch, this_attempt WHERE this_epoch >= 1
        ON CONFLICT (business_id)
        DO UPDATE SET active = true, epoch = excluded.epoch, attempt = excluded.attempt
     WHERE l.epoch < excluded.epoch;
    RETURN QUERY SELECT l.active, l.epoch, l.attempt FROM scheduling.lease l WHERE l.business_id = this_business;
END $$;

REVOKE ALL ON FUNCTION scheduling.fence_business(uuid, bigint, bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION scheduling.activate_lease(uuid, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduling.fence_business(uuid, bigint, bigint, integer) TO scheduling_mover;
GRANT EXECUTE ON FUNCTION scheduling.activate_lease(uuid, bigint, bigint) TO scheduling_mover;


-- The tables that replication copies: all but the lease, the outbox and the schema version.
CREATE FUNCTION scheduling.replicated_tables() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[
        'business', 'offering', 'provider', 'provider_offering', 'schedule', 'weekly_hours', 'date_override', 'holiday',
        'resource', 'block', 'claim', 'session', 'appointment', 'assignment', 'waitlist', 'history', 'idempotency',
        'fence_mark', 'canary'];

-- As before, for some of the tables only: each table that a new subscription finds published is copied by a process of its own,
-- which is slow for an empty one.
CREATE FUNCTION scheduling.publish(elsewhere uuid[], tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    only_own text := CASE WHEN cardinality(elsewhere) = 0 THEN ''
                     ELSE format(' WHERE (business_id <> ALL (%L::uuid[]))', elsewhere) END;
    wanted   text;
BEGIN
    SELECT string_agg(format('scheduling.%I', name) || CASE name WHEN 'canary' THEN '' ELSE only_own END, ', ')
      INTO STRICT wanted
      FROM unnest(scheduling.replicated_tables()) AS name
     WHERE name = ANY (tables);
    IF EXISTS (SELECT 1 FROM pg_publication WHERE pubname = 'scheduling') THEN
        EXECUTE 'ALTER PUBLICATION scheduling SET TABLE ' || wanted;
    ELSE
        EXECUTE 'CREATE PUBLICATION scheduling FOR TABLE ' || wanted;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION scheduling.publish(elsewhere uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
    $$ SELECT scheduling.publish(elsewhere, scheduling.replicated_tables()) $$;

REVOKE ALL ON FUNCTION scheduling.publish(uuid[], text[]), scheduling.replicated_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduling.publish(uuid[], text[]), scheduling.replicated_tables() TO scheduling_replicator;
