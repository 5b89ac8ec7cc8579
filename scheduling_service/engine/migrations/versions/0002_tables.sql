-- The tables of rules, claims, assignment, waitlist and history. Every key starts with business_id, as in 0001.
-- 0004_comments.sql replaces most of the COMMENT texts below.

-- ---- rules

ALTER TABLE scheduling.offering ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN scheduling.offering.settings IS
    'The offering''s further rules, as the contract''s OfferingRules writes them; what is absent has its default.';

ALTER TABLE scheduling.provider ADD COLUMN weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);

CREATE TABLE scheduling.schedule (
    business_id     uuid NOT NULL,
    provider_id     uuid NOT NULL,
    effective_from  date NOT NULL,
    effective_until date,
    PRIMARY KEY (business_id, provider_id, effective_from),
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    CHECK (effective_until >= effective_from)
);
COMMENT ON TABLE scheduling.schedule IS 'A dated week of a provider; its ranges, if it has any, stand in weekly_hours.';

ALTER TABLE scheduling.weekly_hours
    ADD COLUMN effective_from date NOT NULL DEFAULT '-infinity',
    DROP CONSTRAINT weekly_hours_pkey,
    ADD PRIMARY KEY (business_id, provider_id, effective_from, weekday, opens_minute),
    DROP CONSTRAINT weekly_hours_check,
    ADD CONSTRAINT weekly_hours_check CHECK (closes_minute > opens_minute AND closes_minute <= opens_minute + 1440);
COMMENT ON COLUMN scheduling.weekly_hours.effective_from IS 'Of the schedule; -infinity is the week that always holds.';

CREATE TABLE scheduling.date_override (
    business_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    date        date NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('replace', 'close', 'extra')),
    opens       smallint[] NOT NULL,
    closes      smallint[] NOT NULL,
    PRIMARY KEY (business_id, provider_id, date),
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    CHECK (cardinality(opens) = cardinality(closes))
);
COMMENT ON TABLE scheduling.date_override IS 'How one date differs from the week; minutes after its midnight, side by side.';

CREATE TABLE scheduling.holiday (
    business_id uuid NOT NULL REFERENCES scheduling.business,
    date        date NOT NULL,
    name        text NOT NULL,
    PRIMARY KEY (business_id, date)
);

CREATE TABLE scheduling.resource (
    business_id uuid NOT NULL REFERENCES scheduling.business,
    resource_id uuid NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    PRIMARY KEY (business_id, resource_id)
);

CREATE TABLE scheduling.block (
    business_id uuid NOT NULL REFERENCES scheduling.business,
    block_id    uuid NOT NULL,
    provider_id uuid,
    resource_id uuid,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (business_id, block_id),
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    FOREIGN KEY (business_id, resource_id) REFERENCES scheduling.resource,
    CHECK (ends_at > starts_at),
    CHECK (provider_id IS NULL OR resource_id IS NULL)
);
COMMENT ON TABLE scheduling.block IS 'Time off: of a provider, of a resource, or of the whole business when both are null.';
CREATE INDEX block_by_end ON scheduling.block (business_id, ends_at);

-- ---- claims and sessions

CREATE TABLE scheduling.claim (
    business_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    holder_id   uuid NOT NULL,
    offering_id uuid NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    expires_at  timestamptz,
    overbooked  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (business_id, resource_id, holder_id),
    CHECK (ends_at > starts_at AND ends_at - starts_at <= interval '48 hours'),
    -- No double booking, guaranteed by the database, independently of the code above it. `take_time` in 0002_booking.sql
    -- inserts the rows; the triggers below require a claim for each active appointment.
    CONSTRAINT claim_no_overlap EXCLUDE USING gist (
        business_id WITH =,
        resource_id WITH =,
        tstzrange(starts_at, ends_at, '[)') WITH &&
    ) WHERE (NOT overbooked)
);
COMMENT ON TABLE scheduling.claim IS
    'One row for each provider and resource that somebody has taken, with the buffers around the appointment.';
COMMENT ON COLUMN scheduling.claim.resource_id IS 'A provider''s id or a resource''s.';
COMMENT ON COLUMN scheduling.claim.holder_id IS 'The appointment, or the session that several appointments share.';
COMMENT ON COLUMN scheduling.claim.expires_at IS
    'Of a hold: from then on the claim counts for nobody, and whoever needs the time removes it.';
-- Plain columns, not the range: under row-level security only leakproof operators use an index, and && is not leakproof.
CREATE INDEX claim_by_time ON scheduling.claim (business_id, resource_id, starts_at)
    INCLUDE (ends_at, expires_at);
CREATE INDEX claim_by_holder ON scheduling.claim (business_id, holder_id);

CREATE TABLE scheduling.session (
    business_id uuid NOT NULL,
    session_id  uuid NOT NULL,
    offering_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    capacity    smallint NOT NULL CHECK (capacity >= 1),
    seats_taken smallint NOT NULL,
    PRIMARY KEY (business_id, session_id),
    FOREIGN KEY (business_id, offering_id) REFERENCES scheduling.offering,
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    CONSTRAINT session_within_capacity CHECK (seats_taken BETWEEN 0 AND capacity)
);
COMMENT ON TABLE scheduling.session IS
    'A time of an offering with several seats; it holds the claims, and goes when its last seat is given back.';
CREATE INDEX session_by_time ON scheduling.session (business_id, provider_id, starts_at);

ALTER TABLE scheduling.appointment
    DROP CONSTRAINT appointment_no_overlap,
    DROP CONSTRAINT appointment_status_check,
    DROP CONSTRAINT appointment_check1,
    ADD COLUMN session_id uuid,
    ADD COLUMN provider_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN resource_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN seats smallint NOT NULL DEFAULT 1 CHECK (seats >= 1),
    ADD COLUMN hold_expires_at timestamptz,
    ADD COLUMN series_id uuid,
    ADD COLUMN visit_id uuid,
    ADD COLUMN overbooked boolean NOT NULL DEFAULT false,
    ADD COLUMN reschedules smallint NOT NULL DEFAULT 0,
    ADD COLUMN fee_percent smallint NOT NULL DEFAULT 0 CHECK (fee_percent BETWEEN 0 AND 100),
    ADD CONSTRAINT appointment_status_check CHECK (status IN
        ('held', 'pending', 'booked', 'cancelled', 'declined', 'expired', 'completed', 'no_show')),
    ADD CONSTRAINT appointment_ended_check CHECK
        ((status IN ('cancelled', 'declined', 'expired')) = (cancelled_at IS NOT NULL)),
    ADD CONSTRAINT appointment_hold_check CHECK (status <> 'held' OR hold_expires_at IS NOT NULL);
COMMENT ON COLUMN scheduling.appointment.session_id IS 'Whose seats it has; null when the offering has one seat.';

DROP INDEX scheduling.appointment_by_provider;
CREATE INDEX appointment_by_provider ON scheduling.appointment (business_id, provider_id, starts_at, appointment_id)
    WHERE status NOT IN ('cancelled', 'declined', 'expired');
CREATE INDEX appointment_by_series ON scheduling.appointment (business_id, series_id) WHERE series_id IS NOT NULL;
CREATE INDEX appointment_by_visit ON scheduling.appointment (business_id, visit_id) WHERE visit_id IS NOT NULL;
CREATE INDEX appointment_by_session ON scheduling.appointment (business_id, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX appointment_overdue ON scheduling.appointment (hold_expires_at) WHERE status = 'held';

-- Claims for the appointments that were booked before.
ALTER TABLE scheduling.appointment NO FORCE ROW LEVEL SECURITY;
INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
SELECT business_id, provider_id, appointment_id, offering_id, starts_at, ends_at
  FROM scheduling.appointment WHERE status = 'booked';
ALTER TABLE scheduling.appointment FORCE ROW LEVEL SECURITY;

-- An active appointment that is not overbooked has a claim on its provider's time, however the row was written. Checked at COMMIT,
-- when an operation is complete. Replicated rows do not fire the trigger.
CREATE FUNCTION scheduling.require_claim() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1
       FROM scheduling.appointment a
      WHERE a.business_id = NEW.business_id AND a.appointment_id = NEW.appointment_id
        AND a.status IN ('held', 'pending', 'booked') AND NOT a.overbooked
        AND NOT EXISTS (
            SELECT 1 FROM scheduling.claim c
             WHERE c.business_id = a.business_id AND c.resource_id = a.provider_id
               AND c.holder_id = coalesce(a.session_id, a.appointment_id)
               AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at AND NOT c.overbooked);
    IF FOUND THEN
        RAISE EXCEPTION 'appointment % has no claim on its provider''s time', NEW.appointment_id
            USING ERRCODE = 'SL003', HINT = 'Book through scheduling; it claims the time.';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER require_claim AFTER INSERT OR UPDATE ON scheduling.appointment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION scheduling.require_claim();

-- The reverse: no claim is deleted or shortened while an active appointment depends on it.
CREATE FUNCTION scheduling.require_no_holder() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1
       FROM scheduling.appointment a
      WHERE a.business_id = OLD.business_id AND a.provider_id = OLD.resource_id
        AND (a.appointment_id = OLD.holder_id OR a.session_id = OLD.holder_id)
        AND a.status IN ('held', 'pending', 'booked') AND NOT a.overbooked
        AND NOT EXISTS (
            SELECT 1 FROM scheduling.claim c
             WHERE c.business_id = a.business_id AND c.resource_id = a.provider_id
               AND c.holder_id = OLD.holder_id
               AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at AND NOT c.overbooked);
    IF FOUND THEN
        RAISE EXCEPTION 'an active appointment counts on the claim of %', OLD.holder_id USING ERRCODE = 'SL003';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER require_no_holder AFTER UPDATE OR DELETE ON scheduling.claim
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION scheduling.require_no_holder();

-- ---- assignment, waitlist, history

CREATE TABLE scheduling.assignment (
    business_id   uuid NOT NULL,
    offering_id   uuid NOT NULL,
    provider_id   uuid NOT NULL,
    last_assigned bigint NOT NULL DEFAULT 0,
    pass          bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (business_id, offering_id, provider_id),
    FOREIGN KEY (business_id, offering_id) REFERENCES scheduling.offering,
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider
);
COMMENT ON TABLE scheduling.assignment IS 'Who was given bookings that named no provider.';
COMMENT ON COLUMN scheduling.assignment.last_assigned IS 'Counts the offering''s assignments; 0: never.';
COMMENT ON COLUMN scheduling.assignment.pass IS 'Stride scheduling: the least goes next, and moves on by 1000000 / weight.';

CREATE TABLE scheduling.waitlist (
    business_id    uuid NOT NULL,
    entry_id       uuid NOT NULL,
    offering_id    uuid NOT NULL,
    customer_id    uuid NOT NULL,
    provider_id    uuid,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    seats          smallint NOT NULL CHECK (seats >= 1),
    offer_minutes  smallint NOT NULL CHECK (offer_minutes >= 1),
    status         text NOT NULL CHECK (status IN ('waiting', 'offered', 'booked', 'lapsed', 'left')),
    joined_at      timestamptz NOT NULL,
    appointment_id uuid,
    PRIMARY KEY (business_id, entry_id),
    FOREIGN KEY (business_id, offering_id) REFERENCES scheduling.offering,
    FOREIGN KEY (business_id, provider_id) REFERENCES scheduling.provider,
    FOREIGN KEY (business_id, appointment_id) REFERENCES scheduling.appointment,
    CHECK (ends_at > starts_at),
    CHECK (status <> 'offered' OR appointment_id IS NOT NULL)
);
CREATE INDEX waitlist_waiting ON scheduling.waitlist (business_id, joined_at, entry_id) WHERE status = 'waiting';
CREATE INDEX waitlist_by_join ON scheduling.waitlist (business_id, joined_at, entry_id);
CREATE INDEX waitlist_by_offer ON scheduling.waitlist (business_id, appointment_id) WHERE appointment_id IS NOT NULL;

CREATE TABLE scheduling.history (
    business_id    uuid NOT NULL,
    appointment_id uuid NOT NULL,
    version        integer NOT NULL CHECK (version >= 1),
    at             timestamptz NOT NULL,
    actor          text NOT NULL,
    operation      text NOT NULL,
    overridden     text[] NOT NULL DEFAULT '{}',
    after          bytea NOT NULL,
    PRIMARY KEY (business_id, appointment_id, version)
);
COMMENT ON TABLE scheduling.history IS
    'Every version of every appointment and who made it. Append only: the running role may neither change nor delete.';
COMMENT ON COLUMN scheduling.history.after IS 'The appointment as it stood then, as the contract writes it.';

-- ---- lease triggers and row-level security, as in 0001

DO $$
DECLARE
    each_table text;
BEGIN
    FOREACH each_table IN ARRAY ARRAY['schedule', 'date_override', 'holiday', 'resource', 'block', 'claim', 'session',
                                      'assignment', 'waitlist', 'history'] LOOP
        EXECUTE format('CREATE TRIGGER require_lease BEFORE INSERT OR UPDATE OR DELETE ON scheduling.%I
                        FOR EACH ROW EXECUTE FUNCTION scheduling.require_lease()', each_table);
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

GRANT UPDATE ON scheduling.schedule, scheduling.date_override, scheduling.resource, scheduling.claim, scheduling.session,
                scheduling.assignment, scheduling.waitlist TO scheduling_app;
GRANT DELETE ON scheduling.schedule, scheduling.date_override, scheduling.holiday, scheduling.block, scheduling.claim,
                scheduling.session TO scheduling_app;
