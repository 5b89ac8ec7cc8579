-- The schema for cutovers, in each of the two databases. The lease decides which database may write; everything except the lease and
-- the outbox is replicated in both directions.

ALTER TABLE scheduling.lease ADD COLUMN attempt bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN scheduling.lease.attempt IS
    'The latest move of the business that this database has heard of: a fence or release of an earlier one comes too late.';

-- The watermark, written by the transaction that fences the source. Once it has arrived in the target, so has everything that
-- was committed before it, because replication applies commits in order.
CREATE TABLE scheduling.fence_mark (
    business_id uuid PRIMARY KEY,
    attempt     bigint NOT NULL,
    fenced_at   timestamptz NOT NULL
);
COMMENT ON TABLE scheduling.fence_mark IS 'The latest fence of each business, replicated behind all that was written before it.';

-- A row that is replicated to the other database and returns changed proves that both directions work.
CREATE TABLE scheduling.canary (
    canary_id   uuid PRIMARY KEY,
    sent_at     timestamptz NOT NULL,
    answered_at timestamptz
);
COMMENT ON TABLE scheduling.canary IS 'Sent by one database, answered in the other: that the way there and the way back work.';

-- For the comparison of recent changes inside a fence.
CREATE INDEX history_by_time ON scheduling.history (business_id, at);
CREATE INDEX idempotency_by_time ON scheduling.idempotency (business_id, recorded_at);

-- The cutover role reads every business, and changes only leases, watermarks and canaries.
DO $$
DECLARE
    each_table text;
BEGIN
    FOREACH each_table IN ARRAY ARRAY['fence_mark', 'canary'] LOOP
        EXECUTE format('ALTER TABLE scheduling.%I ENABLE ROW LEVEL SECURITY', each_table);
        EXECUTE format('ALTER TABLE scheduling.%I FORCE ROW LEVEL SECURITY', each_table);
        EXECUTE format('CREATE POLICY oversight ON scheduling.%I FOR SELECT TO scheduling_operator USING (true)', each_table);
        EXECUTE format('GRANT SELECT ON scheduling.%I TO scheduling_operator', each_table);
    END LOOP;
    FOREACH each_table IN ARRAY ARRAY['lease', 'fence_mark', 'canary'] LOOP
        EXECUTE format('CREATE POLICY moving ON scheduling.%I TO scheduling_mover USING (true) WITH CHECK (true)', each_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON scheduling.%I TO scheduling_mover', each_table);
    END LOOP;
    FOREACH each_table IN ARRAY ARRAY[
        'business', 'offering', 'provider', 'provider_offering', 'schedule', 'weekly_hours', 'date_override', 'holiday',
        'resource', 'block', 'claim', 'session', 'appointment', 'assignment', 'waitlist', 'history', 'idempotency',
        'outbox'] LOOP
        EXECUTE format('CREATE POLICY comparison ON scheduling.%I FOR SELECT TO scheduling_mover USING (true)', each_table);
        EXECUTE format('GRANT SELECT ON scheduling.%I TO scheduling_mover', each_table);
    END LOOP;
    -- The replicator applies what the other database wrote, and sees every row: it has BYPASSRLS.
    FOREACH each_table IN ARRAY ARRAY[
        'business', 'offering', 'provider', 'provider_offering', 'schedule', 'weekly_hours', 'date_override', 'holiday',
        'resource', 'block', 'claim', 'session', 'appointment', 'assignment', 'waitlist', 'history', 'idempotency',
        'fence_mark', 'canary'] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON scheduling.%I TO scheduling_replicator', each_table);
    END LOOP;
END $$;
GRANT DELETE ON scheduling.canary TO scheduling_mover;
GRANT SELECT ON scheduling.lease TO scheduling_replicator;

-- As before, with one exception: the replicator may delete the copy of a business that this database does not own. Once a
-- transaction has read the lease, it is not read again for each row, because the lock held by then keeps it unchanged.
CREATE OR REPLACE FUNCTION scheduling.require_lease() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    this_business uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.business_id ELSE NEW.business_id END;
    discards      boolean := TG_OP = 'DELETE' AND current_user = 'scheduling_replicator';
    seen          text := pg_current_xact_id()::text || this_business;
BEGIN
    IF NOT discards AND current_setting('app.lease_seen', true) = seen THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'scheduling is written under READ COMMITTED only: an older snapshot may hold a stale lease'
            USING ERRCODE = 'SL002';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(scheduling.fence_key(this_business));
    PERFORM 1 FROM scheduling.lease l WHERE l.business_id = this_business AND l.active;
    IF FOUND AND discards THEN
        RAISE EXCEPTION 'this database owns business %: what it holds is no copy', this_business
            USING ERRCODE = 'SL001', HINT = 'See `extraction status` for the owner.';
    END IF;
    IF NOT FOUND AND NOT discards THEN
        RAISE EXCEPTION 'this database does not own business %', this_business
            USING ERRCODE = 'SL001', HINT = 'See `extraction status` for the owner.';
    END IF;
    IF NOT discards THEN
        PERFORM set_config('app.lease_seen', seen, true);
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- The condition is evaluated without calling the function, so a transaction that has read the lease pays almost nothing.
DO $$
DECLARE
    guarded regclass;
    inserts_only boolean;
BEGIN
    FOR guarded, inserts_only IN
        SELECT tgrelid::regclass, tgrelid = 'scheduling.outbox'::regclass FROM pg_trigger WHERE tgname = 'require_lease'
    LOOP
        EXECUTE format('DROP TRIGGER require_lease ON %s', guarded);
        EXECUTE format('CREATE TRIGGER require_lease BEFORE %s ON %s FOR EACH ROW
                        WHEN (current_setting(''app.lease_seen'', true)
                              IS DISTINCT FROM pg_current_xact_id()::text || NEW.business_id::text)
                        EXECUTE FUNCTION scheduling.require_lease()',
                       CASE WHEN inserts_only THEN 'INSERT' ELSE 'INSERT OR UPDATE' END, guarded);
        IF NOT inserts_only THEN
            EXECUTE format('CREATE TRIGGER require_lease_to_delete BEFORE DELETE ON %s FOR EACH ROW
                            EXECUTE FUNCTION scheduling.require_lease()', guarded);
        END IF;
    END LOOP;
END $$;

-- Only the owner of a table can publish and analyze it, so these functions grant the replicator exactly that. The rows that a
-- database owns are published; `elsewhere` lists the businesses whose rows here are copies and are not published.
CREATE FUNCTION scheduling.publish(elsewhere uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    only_own text := CASE WHEN cardinality(elsewhere) = 0 THEN ''
                     ELSE format(' WHERE (business_id <> ALL (%L::uuid[]))', elsewhere) END;
    wanted   text;
BEGIN
    SELECT string_agg(format('scheduling.%I', name) || only_own, ', ') || ', scheduling.canary'
      INTO wanted
      FROM unnest(ARRAY[
        'business', 'offering', 'provider', 'provider_offering', 'schedule', 'weekly_hours', 'date_override', 'holiday',
        'resource', 'block', 'claim', 'session', 'appointment', 'assignment', 'waitlist', 'history', 'idempotency',
        'fence_mark']) AS name;
    IF EXISTS (SELECT 1 FROM pg_publication WHERE pubname = 'scheduling') THEN
        EXECUTE 'ALTER PUBLICATION scheduling SET TABLE ' || wanted;
    ELSE
        EXECUTE 'CREATE PUBLICATION scheduling FOR TABLE ' || wanted;
    END IF;
END $$;

CREATE FUNCTION scheduling.unpublish() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DROP PUBLICATION IF EXISTS scheduling;
END $$;

-- Until it is analyzed, a copied table looks empty to the planner, which then joins it by nested loops over all rows.
CREATE FUNCTION scheduling.take_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c
                 WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relkind = 'r'
                   AND c.relowner = current_user::regrole
    LOOP
        EXECUTE format('ANALYZE scheduling.%I', name);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION scheduling.publish(uuid[]), scheduling.unpublish(), scheduling.take_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduling.publish(uuid[]), scheduling.unpublish(), scheduling.take_statistics()
    TO scheduling_replicator;
