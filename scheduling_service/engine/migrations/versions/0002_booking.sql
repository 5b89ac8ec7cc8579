-- The functions by which a booking writes.

-- Claim these providers and resources for a holder, all or none. False if one of them is already claimed at that time. The constraint
-- decides, without raising an error; ids are inserted in ascending order, to avoid deadlocks.
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

-- Take seats of a session; false if too few are left or the session does not exist. Its claims expire with its longest hold, and
-- become permanent once a seat is booked.
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

-- Make the claims of a confirmed hold, or of its session, permanent. Locks the session's row first, as taking and returning seats
-- does.
CREATE FUNCTION scheduling.keep_time(this_business uuid, holder uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM 1 FROM scheduling.session WHERE business_id = this_business AND session_id = holder FOR NO KEY UPDATE;
    UPDATE scheduling.claim SET expires_at = NULL
     WHERE business_id = this_business AND holder_id = holder AND expires_at IS NOT NULL;
END $$;

-- Return seats of a session. After the last one the session and its claims are deleted; if only holds remain, the claims expire.
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
