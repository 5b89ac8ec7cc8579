-- The leases of module billing, in each of the two databases: the tables and functions that `scheduling_service/engine/lease.py`
-- calls, as schema `scheduling` has them.

CREATE FUNCTION billing.incarnation() RETURNS text LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN (SELECT c.system_identifier FROM pg_control_system() AS c)::text || '/'
           || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer::text;

CREATE TABLE billing.lease (
    business_id uuid PRIMARY KEY, active boolean NOT NULL, epoch bigint NOT NULL, attempt bigint NOT NULL DEFAULT 0,
    incarnation text NOT NULL DEFAULT billing.incarnation()
);
CREATE TABLE billing.fence_mark (business_id uuid PRIMARY KEY, attempt bigint NOT NULL, fenced_at timestamptz NOT NULL);
GRANT SELECT ON billing.lease TO billing_app;

CREATE FUNCTION billing.fence_key(business uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtextextended(business::text, 2) $$;

CREATE FUNCTION billing.fence_business(this_business uuid, this_epoch bigint, this_attempt bigint, wait_ms integer)
RETURNS TABLE (fenced_at timestamptz, lsn text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', wait_ms::text, true);
    PERFORM pg_advisory_xact_lock(billing.fence_key(this_business));
    UPDATE billing.lease l SET active = false, attempt = this_attempt
     WHERE l.business_id = this_business AND l.epoch = this_epoch AND l.active AND l.attempt < this_attempt
       AND l.incarnation = billing.incarnation();
    IF FOUND THEN
        INSERT INTO billing.fence_mark AS m VALUES (this_business, this_attempt, clock_timestamp())
            ON CONFLICT (business_id) DO UPDATE SET attempt = excluded.attempt, fenced_at = excluded.fenced_at;
    END IF;
    RETURN QUERY
        SELECT m.fenced_at, pg_current_wal_insert_lsn()::text
          FROM billing.fence_mark m JOIN billing.lease l ON l.business_id = m.business_id
         WHERE m.business_id = this_business AND m.attempt = this_attempt AND l.attempt = this_attempt AND NOT l.active
           AND l.incarnation = billing.incarnation();
END $$;

CREATE FUNCTION billing.activate_lease(this_business uuid, this_epoch bigint, this_attempt bigint, expected text)
RETURNS TABLE (is_active boolean, in_epoch bigint, in_attempt bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(billing.fence_key(this_business));
    INSERT INTO billing.lease AS l SELECT this_business, true, this_epoch, this_attempt, billing.incarnation()
     WHERE this_epoch >= 1 AND coalesce(expected = billing.incarnation(), true)
        ON CONFLICT (business_id)
        DO UPDATE SET active = true, epoch = excluded.epoch, attempt = excluded.attempt, incarnation = excluded.incarnation
     WHERE l.epoch < excluded.epoch;
    RETURN QUERY SELECT l.active, l.epoch, l.attempt FROM billing.lease l WHERE l.business_id = this_business;
END $$;

-- Each write takes the lock in shared mode and reads the lease in a later statement. Billing's own code is unchanged. The tables are
-- append-only, apart from the number series, so a write of billing is an INSERT or an UPDATE.
CREATE FUNCTION billing.require_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'billing is written under READ COMMITTED only: an older snapshot may hold a stale lease'
            USING ERRCODE = 'BL002';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(billing.fence_key(NEW.business_id));
    PERFORM 1 FROM billing.lease l
     WHERE l.business_id = NEW.business_id AND l.active AND l.incarnation = billing.incarnation();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this database does not own the invoices of business %', NEW.business_id USING ERRCODE = 'BL001';
    END IF;
    RETURN NEW;
END $$;

DO $$
DECLARE
    each_table text;
BEGIN
    -- The name sorts before those of the other triggers, which would otherwise run first.
    FOREACH each_table IN ARRAY ARRAY['price', 'number_series', 'invoice', 'invoice_line', 'credit_note', 'payment'] LOOP
        EXECUTE format('CREATE TRIGGER a_require_lease BEFORE INSERT OR UPDATE ON billing.%I
                        FOR EACH ROW EXECUTE FUNCTION billing.require_lease()', each_table);
    END LOOP;
END $$;

CREATE PUBLICATION billing FOR TABLE billing.price, billing.number_series, billing.invoice, billing.invoice_line,
    billing.credit_note, billing.payment, billing.fence_mark;
