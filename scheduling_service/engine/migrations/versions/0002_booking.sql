-- What a booking writes.

-- Take these providers and resources for a holder, all or none. False when somebody else has one of them at that time: the constraint
-- decides, without raising and without deadlocks, in ascending order of ids for all who take several.
CREATE FUNCTION scheduling.take_time(
    this_business uuid, holder uuid, offering uuid, resources uuid[], from_at timestamptz, until_at timestamptz,
    expires timestamptz, overbook boolean
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    taken integer;
BEGIN
    INSERT INTO scheduling.claim
           (business_id, resource_id, holder_id, offering_id, starts_at, ends_at, expires_at, overbooked)
    SELECT this_business, wanted, holder, offering, from_at, until_at, expires, overbook
      FROM unnest(resources) AS wanted ORDER BY wanted
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken < cardinality(resources) THEN
        DELETE FROM scheduling.claim WHERE business_id = this_business AND holder_id = holder;
        RETURN false;
    END IF;
    RETURN true;
END $$;

-- Take seats of a session; false when there are not so many, or no such session. Its claims last as long as its longest hold, and for
-- good once a seat is more than held.
CREATE FUNCTION scheduling.take_seats(this_business uuid, this_session uuid, wanted integer, expires timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE scheduling.session SET seats_taken = seats_taken + wanted
     WHERE business_id = this_business AND session_id = this_session AND seats_taken + wanted <= capacity;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE scheduling.claim SET expires_at = expires
     WHERE business_id = this_business AND holder_id = this_session
       AND expires_at < coalesce(expires, 'infinity');
    RETURN true;
END $$;

-- Of a hold that was confirmed: its claims, or those of its session, no longer expire. The session's row first, as whoever takes or
-- gives back its seats does.
CREATE FUNCTION scheduling.keep_time(this_business uuid, holder uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM 1 FROM scheduling.session WHERE business_id = this_business AND session_id = holder FOR NO KEY UPDATE;
    UPDATE scheduling.claim SET expires_at = NULL
     WHERE business_id = this_business AND holder_id = holder AND expires_at IS NOT NULL;
END $$;

-- Give seats back to a session; with the last one it goes, and its claims with it. What is left of it may be holds only, and expire.
CREATE FUNCTION scheduling.return_seats(this_business uuid, this_session uuid, returned integer, leaving uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    remaining  bigint;
    only_until timestamptz;
BEGIN
    UPDATE scheduling.session SET seats_taken = seats_taken - returned
     WHERE business_id = this_business AND session_id = this_session;
    SELECT count(*), CASE WHEN bool_and(a.status = 'held') THEN max(a.hold_expires_at) END
      INTO remaining, only_until
      FROM scheduling.appointment a                      -- index: appointment_by_session
     WHERE a.business_id = this_business AND a.session_id = this_session
       AND a.appointment_id <> leaving AND a.status IN ('held', 'pending', 'booked');
    IF remaining = 0 THEN
        DELETE FROM scheduling.session WHERE business_id = this_business AND session_id = this_session;
        DELETE FROM scheduling.claim WHERE business_id = this_business AND holder_id = this_session;
    ELSIF only_until IS NOT NULL THEN
        UPDATE scheduling.claim SET expires_at = only_until
         WHERE business_id = this_business AND holder_id = this_session AND expires_at IS DISTINCT FROM only_until;
    END IF;
END $$;
