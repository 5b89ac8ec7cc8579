-- Every key starts with business_id, so that the tables can be distributed by it later, and so that a unique violation
-- reveals nothing about another business.

CREATE TABLE scheduling.business (
    business_id   uuid PRIMARY KEY,
    name          text NOT NULL,
    zone          text NOT NULL,
    rules_version bigint NOT NULL DEFAULT 1,
    opened_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN scheduling.business.rules_version IS
    'One more at every change of the catalog: processes cache compiled rules under it.';

CREATE TABLE scheduling.lease (
    business_id uuid PRIMARY KEY,
    active      boolean NOT NULL,
    epoch       bigint NOT NULL CHECK (epoch >= 1)
);
COMMENT ON TABLE scheduling.lease IS
    'Whether this database may write the business. Never replicated; follows the decision of a cutover.';

CREATE TABLE scheduling.offering (
    business_id           uuid NOT NULL REFERENCES scheduling.business,
    offering_id           uuid NOT NULL,
    name                  text NOT NULL,
    duration_minutes      integer NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
    step_minutes          integer NOT NULL CHECK (step_minutes BETWEEN 1 AND 1440),
    cancel_cutoff_minutes integer NOT NULL CHECK (cancel_cutoff_minutes >= 0),
    active                boolean NOT NULL DEFAULT true,
    PRIMARY KEY (business_id, offering_id)
);

CREATE TABLE scheduling.provider (
    business_id uuid NOT NULL REFERENCES scheduling.business,
    provider_id uuid NOT NULL,
    name        text NOT NULL,
    zone        text NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    PRIMARY KEY (business_id, provider_id)
);

CREATE TABLE scheduling.provider_offering (
    business_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    offering_id uuid NOT NULL,
    PRIMARY KEY (business_id, provider_id, offering_id),
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    FOREIGN KEY (business_id, offering_id) REFERENCES scheduling.offering
);

CREATE TABLE scheduling.weekly_hours (
    business_id   uuid NOT NULL,
    provider_id   uuid NOT NULL,
    weekday       smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    opens_minute  smallint NOT NULL CHECK (opens_minute BETWEEN 0 AND 1439),
    closes_minute smallint NOT NULL CHECK (closes_minute > opens_minute AND closes_minute <= 1440),
    PRIMARY KEY (business_id, provider_id, weekday, opens_minute),
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider
);

CREATE TABLE scheduling.appointment (
    business_id       uuid NOT NULL,
    appointment_id    uuid NOT NULL,
    offering_id       uuid NOT NULL,
    provider_id       uuid NOT NULL,
    customer_id       uuid NOT NULL,
    starts_at         timestamptz NOT NULL,
    ends_at           timestamptz NOT NULL,
    zone              text NOT NULL,
    status            text NOT NULL CHECK (status IN ('booked', 'cancelled')),
    version           integer NOT NULL CHECK (version >= 1),
    note              text NOT NULL,
    booked_at         timestamptz NOT NULL,
    cancelled_at      timestamptz,
    cancel_reason     text,
    cancelled_in_time boolean,
    PRIMARY KEY (business_id, appointment_id),
    FOREIGN KEY (business_id, offering_id) REFERENCES scheduling.offering,
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    CHECK (ends_at > starts_at AND ends_at - starts_at <= interval '24 hours'),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    -- Dropped by 0002_tables.sql: there `claim_no_overlap` prevents double booking.
    CONSTRAINT appointment_no_overlap EXCLUDE USING gist (
        business_id WITH =,
        provider_id WITH =,
        tstzrange(starts_at, ends_at, '[)') WITH &&
    ) WHERE (status = 'booked')
);
-- Plain columns, not the range: under row-level security only leakproof operators use an index, and && is not leakproof.
CREATE INDEX appointment_by_provider ON scheduling.appointment (business_id, provider_id, starts_at)
    INCLUDE (ends_at) WHERE status = 'booked';
CREATE INDEX appointment_by_customer ON scheduling.appointment (business_id, customer_id, starts_at, appointment_id);
CREATE INDEX appointment_by_start ON scheduling.appointment (business_id, starts_at, appointment_id);

CREATE TABLE scheduling.idempotency (
    business_id  uuid NOT NULL,
    actor        text NOT NULL,
    operation    text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    reply        bytea NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (business_id, actor, operation, key)
);

CREATE TABLE scheduling.outbox (
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_id    uuid NOT NULL,
    event_id       uuid NOT NULL UNIQUE,
    appointment_id uuid NOT NULL,
    version        integer NOT NULL,
    payload        bytea NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    published_at   timestamptz
);
CREATE INDEX outbox_unpublished ON scheduling.outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON scheduling.outbox (published_at) WHERE published_at IS NOT NULL;


-- The fence: writers hold this lock shared until they commit; while it is held exclusively, no write is open.

CREATE FUNCTION scheduling.fence_key(business uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(business::text, 0);

-- The first statement of every read transaction except those of search. Returns whether the business exists.
CREATE FUNCTION scheduling.begin_read(this_business uuid, budget_ms integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('app.business_id', this_business::text, true),
            set_config('transaction_timeout', budget_ms::text, true);
    RETURN EXISTS (SELECT 1 FROM scheduling.business b WHERE b.business_id = this_business);
END $$;

-- The first statement of every write transaction. Sets the tenant and the remaining time and acquires the locks; then it
-- reads the lease and the key, in a later statement and so with a later snapshot (READ COMMITTED). Reading after locking
-- is essential: a writer that waited for a fence sees the lease as the fence left it.
CREATE FUNCTION scheduling.begin_write(
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
        SELECT clock_timestamp(), l.active, l.epoch, i.request_hash, i.reply, b.name, b.zone, b.rules_version
          FROM (VALUES (this_business)) AS asked (business_id)
          LEFT JOIN scheduling.business b ON b.business_id = asked.business_id
          LEFT JOIN scheduling.lease l ON l.business_id = asked.business_id
          LEFT JOIN scheduling.idempotency i
                 ON i.business_id = asked.business_id AND i.actor = this_actor
                AND i.operation = this_operation AND i.key = this_key;
END $$;

-- The occupied times, in one round trip: one statement of the client sets the tenant and reads the rows.
-- Rows of three numbers; instants are seconds since 1970. The first row is [0, now, rules_version], the others are
-- [provider, start, end], where provider is the index in the given array. NULL if there is no such business.
-- One array, because each column of a result costs the client time; date_part, because extract uses slow numerics.
CREATE FUNCTION scheduling.read_availability(
    this_business uuid, providers uuid[], from_second bigint, until_second bigint, budget_ms integer
) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_at  timestamptz := to_timestamp(from_second);
    until_at timestamptz := to_timestamp(until_second);
    version  bigint;
    ranges   bigint[];
BEGIN
    PERFORM set_config('app.business_id', this_business::text, true),
            set_config('transaction_timeout', budget_ms::text, true);
    SELECT b.rules_version INTO version FROM scheduling.business b WHERE b.business_id = this_business;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(ARRAY[array_position(providers, a.provider_id),
                           date_part('epoch', a.starts_at)::bigint,
                           date_part('epoch', a.ends_at)::bigint])
      INTO ranges
      FROM scheduling.appointment a                    -- index: appointment_by_provider
     WHERE a.business_id = this_business
       AND a.provider_id = ANY (providers)
       AND a.status = 'booked'
       AND a.starts_at >= from_at - interval '24 hours'   -- the longest appointment
       AND a.starts_at < until_at
       AND a.ends_at > from_at;
    RETURN ARRAY[[0, ceil(date_part('epoch', clock_timestamp()))::bigint, version]] || ranges;
END $$;

-- The second check of the lease: direct SQL, a forgotten cron job or an old program cannot write a business that this
-- database does not own. Replicated rows do not fire the trigger.
CREATE FUNCTION scheduling.require_lease() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    this_business uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.business_id ELSE NEW.business_id END;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'scheduling is written under READ COMMITTED only: an older snapshot may hold a stale lease'
            USING ERRCODE = 'SL002';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(scheduling.fence_key(this_business));
    PERFORM 1 FROM scheduling.lease l WHERE l.business_id = this_business AND l.active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this database does not own business %', this_business
            USING ERRCODE = 'SL001', HINT = 'See `extraction status` for the owner.';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

DO $$
DECLARE
    each_table text;
BEGIN
    FOREACH each_table IN ARRAY ARRAY['business', 'offering', 'provider', 'provider_offering', 'weekly_hours',
                                      'appointment', 'idempotency', 'outbox'] LOOP
        EXECUTE format('CREATE TRIGGER require_lease BEFORE INSERT OR UPDATE OR DELETE ON scheduling.%I
                        FOR EACH ROW EXECUTE FUNCTION scheduling.require_lease()', each_table);
    END LOOP;
    FOREACH each_table IN ARRAY ARRAY['business', 'lease', 'offering', 'provider', 'provider_offering', 'weekly_hours',
                                      'appointment', 'idempotency', 'outbox'] LOOP
        EXECUTE format('ALTER TABLE scheduling.%I ENABLE ROW LEVEL SECURITY', each_table);
        EXECUTE format('ALTER TABLE scheduling.%I FORCE ROW LEVEL SECURITY', each_table);
        EXECUTE format('CREATE POLICY tenant ON scheduling.%I TO scheduling_app
                        USING (business_id = NULLIF(current_setting(''app.business_id'', true), '''')::uuid)', each_table);
        EXECUTE format('CREATE POLICY oversight ON scheduling.%I FOR SELECT TO scheduling_operator
                        USING (true)', each_table);
        EXECUTE format('GRANT SELECT ON scheduling.%I TO scheduling_app, scheduling_operator', each_table);
        EXECUTE format('GRANT INSERT ON scheduling.%I TO scheduling_app', each_table);
    END LOOP;
END $$;

-- The relay updates and prunes the outbox of every business; publishing is not a write of the business.
DROP TRIGGER require_lease ON scheduling.outbox;
CREATE TRIGGER require_lease BEFORE INSERT ON scheduling.outbox
    FOR EACH ROW EXECUTE FUNCTION scheduling.require_lease();
CREATE POLICY relay ON scheduling.outbox TO scheduling_relay USING (true);
GRANT SELECT, UPDATE (published_at), DELETE ON scheduling.outbox TO scheduling_relay;

-- What the running role may change, by table: it may never delete appointments nor change the lease.
GRANT UPDATE ON scheduling.business, scheduling.offering, scheduling.provider, scheduling.appointment TO scheduling_app;
GRANT DELETE ON scheduling.provider_offering, scheduling.weekly_hours, scheduling.idempotency TO scheduling_app;
