-- The incarnation of a server: its system identifier and its timeline. A restore from a base backup and the promotion of a standby
-- begin a new timeline, and another cluster has another identifier; a restart changes neither. The timeline is that of the WAL that
-- is being written, because the control file shows a new one only after the first checkpoint.
CREATE FUNCTION scheduling.incarnation() RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN (SELECT c.system_identifier FROM pg_control_system() AS c)::text || '/'
           || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer::text;

-- A lease of another incarnation is void: the database was restored, or a standby was promoted, and may have lost a fence or an
-- activation. `extraction recover` compares and confirms. 'void' matches no server.
ALTER TABLE scheduling.lease ADD COLUMN incarnation text NOT NULL DEFAULT scheduling.incarnation();
COMMENT ON COLUMN scheduling.lease.incarnation IS
    'The incarnation of the server in which the lease is valid: system identifier and timeline.';

-- As before, but a lease of another incarnation counts as inactive.
CREATE OR REPLACE FUNCTION scheduling.begin_write(
    this_business uuid, this_actor text, this_operation text, this_key text, budget_ms integer, alone boolean
) RETURNS TABLE (
    now_at timestamptz, lease_active boolean, lease_epoch bigint, request_hash bytea, reply bytea,
    business_name text, business_zone text, rules_version bigint
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('app.business_id', this_business::text, true),
            set_config('transaction_timeout', budget_ms::text, true);
    IF alone THEN
        PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(scheduling.fence_key(this_business));
    END IF;
    PERFORM set_config('lock_timeout', least(budget_ms, 1000)::text, true);
    PERFORM pg_advisory_xact_lock(hashtext(this_business::text || this_actor || this_operation), hashtext(this_key));
    RETURN QUERY
        SELECT clock_timestamp(), l.active AND l.incarnation = scheduling.incarnation(), l.epoch, i.request_hash, i.reply,
               b.name, b.zone, b.rules_version
          FROM (VALUES (this_business)) AS asked (business_id)
          LEFT JOIN scheduling.business b ON b.business_id = asked.business_id
          LEFT JOIN scheduling.lease l ON l.business_id = asked.business_id
          LEFT JOIN scheduling.idempotency i
                 ON i.business_id = asked.business_id AND i.actor = this_actor
                AND i.operation = this_operation AND i.key = this_key;
END $$;

-- As before, but a lease of another incarnation allows neither a write nor the deletion of a copy: which side holds the copy is
-- unknown until the recovery.
CREATE OR REPLACE FUNCTION scheduling.require_lease() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    this_business uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.business_id ELSE NEW.business_id END;
    discards      boolean := TG_OP = 'DELETE' AND current_user = 'scheduling_replicator';
    seen          text := pg_current_xact_id()::text || this_business;
    is_valid      boolean;
BEGIN
    IF NOT discards AND current_setting('app.lease_seen', true) = seen THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'scheduling is written under READ COMMITTED only: an older snapshot may hold a stale lease'
            USING ERRCODE = 'SL002';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(scheduling.fence_key(this_business));
    SELECT l.incarnation = scheduling.incarnation() INTO is_valid
      FROM scheduling.lease l WHERE l.business_id = this_business AND l.active;
    IF FOUND AND discards THEN
        RAISE EXCEPTION 'this database owns business %: what it holds is no copy', this_business
            USING ERRCODE = 'SL001', HINT = 'See `extraction status` for the owner.';
    END IF;
    IF NOT discards AND is_valid IS NOT TRUE THEN
        RAISE EXCEPTION 'this database does not own business %', this_business
            USING ERRCODE = 'SL001', HINT = 'See `extraction status` for the owner.';
    END IF;
    IF NOT discards THEN
        PERFORM set_config('app.lease_seen', seen, true);
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- As before, but a lease of another incarnation cannot be fenced.
CREATE OR REPLACE FUNCTION scheduling.fence_business(
    this_business uuid, this_epoch bigint, this_attempt bigint, wait_ms integer
) RETURNS TABLE (fenced_at timestamptz, lsn text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('lock_timeout', wait_ms::text, true);
    PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    UPDATE scheduling.lease l SET active = false, attempt = this_attempt
     WHERE l.business_id = this_business AND l.epoch = this_epoch AND l.active AND l.attempt < this_attempt
       AND l.incarnation = scheduling.incarnation();
    IF FOUND THEN
        INSERT INTO scheduling.fence_mark AS m (business_id, attempt, fenced_at)
        VALUES (this_business, this_attempt, clock_timestamp())
            ON CONFLICT (business_id) DO UPDATE SET attempt = excluded.attempt, fenced_at = excluded.fenced_at;
    END IF;
    RETURN QUERY
        SELECT m.fenced_at, pg_current_wal_insert_lsn()::text
          FROM scheduling.fence_mark m JOIN scheduling.lease l ON l.business_id = m.business_id
         WHERE m.business_id = this_business AND m.attempt = this_attempt AND l.attempt = this_attempt AND NOT l.active
           AND l.incarnation = scheduling.incarnation();
END $$;

-- As before, in the incarnation that the decision expects: a target that was restored since may lack rows. NULL expects none.
CREATE FUNCTION scheduling.activate_lease(this_business uuid, this_epoch bigint, this_attempt bigint, expected text)
RETURNS TABLE (is_active boolean, in_epoch bigint, in_attempt bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    INSERT INTO scheduling.lease AS l (business_id, active, epoch, attempt, incarnation)
    SELECT this_business, true, this_epoch, this_attempt, scheduling.incarnation()
     WHERE this_epoch >= 1 AND coalesce(expected = scheduling.incarnation(), true)
        ON CONFLICT (business_id)
        DO UPDATE SET active = true, epoch = excluded.epoch, attempt = excluded.attempt, incarnation = excluded.incarnation
     WHERE l.epoch < excluded.epoch;
    RETURN QUERY SELECT l.active, l.epoch, l.attempt FROM scheduling.lease l WHERE l.business_id = this_business;
END $$;

CREATE OR REPLACE FUNCTION scheduling.activate_lease(this_business uuid, this_epoch bigint, this_attempt bigint)
RETURNS TABLE (is_active boolean, in_epoch bigint, in_attempt bigint) LANGUAGE sql VOLATILE AS
    $$ SELECT * FROM scheduling.activate_lease($1, $2, $3, NULL) $$;

-- Fences every business, one transaction each: once it returns, no write is open and none begins. Which lease is active and in which
-- epoch remains stored, for the comparison.
CREATE PROCEDURE scheduling.void_leases() LANGUAGE plpgsql AS $$
DECLARE
    this_business uuid;
BEGIN
    FOR this_business IN SELECT l.business_id FROM scheduling.lease l WHERE l.incarnation <> 'void' ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
        UPDATE scheduling.lease l SET incarnation = 'void' WHERE l.business_id = this_business;
        COMMIT;
    END LOOP;
END $$;

-- Sets a lease as a recovery decided it, in the incarnation of this server.
CREATE FUNCTION scheduling.confirm_lease(this_business uuid, is_active boolean, this_epoch bigint, this_attempt bigint)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(scheduling.fence_key(this_business));
    INSERT INTO scheduling.lease AS l (business_id, active, epoch, attempt, incarnation)
    VALUES (this_business, is_active, this_epoch, this_attempt, scheduling.incarnation())
        ON CONFLICT (business_id)
        DO UPDATE SET active = excluded.active, epoch = excluded.epoch, attempt = excluded.attempt,
                      incarnation = excluded.incarnation;
END $$;

-- As `publish`, with the given columns of each table only, so that a column that the subscriber lacks is not sent to it. The columns
-- include each key. `columns` maps the names of tables to arrays.
CREATE FUNCTION scheduling.publish_columns(columns jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    wanted text;
BEGIN
    SELECT string_agg(format('scheduling.%I (%s)', listed.name, listed.names), ', ' ORDER BY listed.name)
      INTO STRICT wanted
      FROM (SELECT each.key AS name, (SELECT string_agg(quote_ident(c), ', ') FROM jsonb_array_elements_text(each.value) AS c) AS names
              FROM jsonb_each(columns) AS each
             WHERE each.key = ANY (scheduling.replicated_tables())) AS listed;
    EXECUTE 'ALTER PUBLICATION scheduling SET TABLE ' || wanted;
END $$;

REVOKE ALL ON FUNCTION scheduling.activate_lease(uuid, bigint, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION scheduling.confirm_lease(uuid, boolean, bigint, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION scheduling.publish_columns(jsonb) FROM PUBLIC;
REVOKE ALL ON PROCEDURE scheduling.void_leases() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduling.activate_lease(uuid, bigint, bigint, text) TO scheduling_mover;
GRANT EXECUTE ON FUNCTION scheduling.confirm_lease(uuid, boolean, bigint, bigint) TO scheduling_mover;
GRANT EXECUTE ON PROCEDURE scheduling.void_leases() TO scheduling_mover;
GRANT EXECUTE ON FUNCTION scheduling.publish_columns(jsonb) TO scheduling_replicator;
