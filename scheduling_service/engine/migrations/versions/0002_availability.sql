-- The statement that reads occupied time, for a search and for a booking before it decides, for any days and providers.

-- Claims as consecutive int8s: [now, rules_version, overdue], then [resource, start, end] for each claim, where resource is the
-- 1-based index in the given array; instants are seconds since 1970. `overdue` counts the overdue holds, which are left out.
-- NULL if there is no such business.
-- Bytes, because each column and each array costs the client time; date_part, because extract uses slow numerics.
-- With a budget it sets the tenant and the time limit of its own transaction; without one, the open transaction has them.
CREATE FUNCTION scheduling.read_claims(
    this_business uuid, resources uuid[], from_second bigint, until_second bigint, budget_ms integer
) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_at  timestamptz := to_timestamp(from_second);
    until_at timestamptz := to_timestamp(until_second);
    now_at   timestamptz := clock_timestamp();
    version  bigint;
    claims   bytea;
    overdue  bigint;
BEGIN
    IF budget_ms IS NOT NULL THEN
        PERFORM set_config('app.business_id', this_business::text, true),
                set_config('transaction_timeout', budget_ms::text, true);
    END IF;
    SELECT b.rules_version INTO version FROM scheduling.business b WHERE b.business_id = this_business;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(int8send(array_position(resources, c.resource_id))
                      || int8send(date_part('epoch', c.starts_at)::bigint)
                      || int8send(date_part('epoch', c.ends_at)::bigint), '')
               FILTER (WHERE c.expires_at IS NULL OR c.expires_at > now_at),
           count(*) FILTER (WHERE c.expires_at <= now_at)
      INTO claims, overdue
      FROM scheduling.claim c                          -- index: claim_by_time
     WHERE c.business_id = this_business
       AND c.resource_id = ANY (resources)
       AND c.starts_at >= from_at - interval '48 hours'   -- the longest claim
       AND c.starts_at < until_at
       AND c.ends_at > from_at;
    RETURN int8send(ceil(date_part('epoch', now_at))::bigint) || int8send(version) || int8send(overdue)
           || coalesce(claims, '');
END $$;

-- The sessions of one offering: [provider's index, start, end, id, seats left] each. Seats of overdue holds count as left.
CREATE FUNCTION scheduling.read_sessions(
    this_business uuid, this_offering uuid, providers uuid[], from_second bigint, until_second bigint
) RETURNS json LANGUAGE sql STABLE
RETURN (
    SELECT json_agg(json_build_array(
               array_position(providers, s.provider_id),
               date_part('epoch', s.starts_at)::bigint,
               date_part('epoch', s.ends_at)::bigint,
               s.session_id,
               s.capacity - s.seats_taken + (
                   SELECT coalesce(sum(a.seats), 0)
                     FROM scheduling.appointment a        -- index: appointment_by_session
                    WHERE a.business_id = s.business_id AND a.session_id = s.session_id AND NOT a.overbooked
                      AND a.status = 'held' AND a.hold_expires_at <= clock_timestamp())))
      FROM scheduling.session s                           -- index: session_by_time
     WHERE s.business_id = this_business AND s.offering_id = this_offering AND s.provider_id = ANY (providers)
       AND s.starts_at >= to_timestamp(from_second) AND s.starts_at < to_timestamp(until_second)
       AND EXISTS (
           SELECT 1 FROM scheduling.claim c               -- index: primary key
            WHERE c.business_id = s.business_id AND c.resource_id = s.provider_id AND c.holder_id = s.session_id
              AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()))
);

-- How many appointments of one offering start on each local day: [provider's index, or 0 for the customer, day since 1970,
-- number]. Providers count sessions, customers appointments; cancelled, declined and expired ones do not count. An appointment
-- by several providers counts for each of them; with `together`, also if its first provider is none of these.
CREATE FUNCTION scheduling.read_counts(
    this_business uuid, this_offering uuid, providers uuid[], customer uuid, zone text,
    from_second bigint, until_second bigint, without uuid, together boolean
) RETURNS json LANGUAGE sql STABLE
RETURN (
    WITH counted AS (
        SELECT array_position(providers, each.provider_id) AS place, a.starts_at,
               coalesce(a.session_id, a.appointment_id) AS one
          FROM scheduling.appointment a                   -- index: appointment_by_provider
         CROSS JOIN unnest(a.provider_id || a.provider_ids) AS each(provider_id)
         WHERE a.business_id = this_business AND a.offering_id = this_offering AND a.provider_id = ANY (providers)
           AND each.provider_id = ANY (providers)
           AND a.starts_at >= to_timestamp(from_second) AND a.starts_at < to_timestamp(until_second)
           AND a.status NOT IN ('cancelled', 'declined', 'expired')
           AND NOT (a.status = 'held' AND a.hold_expires_at <= clock_timestamp())
           AND (without IS NULL OR a.appointment_id <> without)
        UNION ALL
        SELECT array_position(providers, each.provider_id), a.starts_at, a.appointment_id
          FROM scheduling.appointment a                   -- index: appointment_by_start
         CROSS JOIN unnest(a.provider_ids) AS each(provider_id)
         WHERE together AND a.business_id = this_business AND a.offering_id = this_offering
           AND a.provider_id <> ALL (providers) AND each.provider_id = ANY (providers)
           AND a.starts_at >= to_timestamp(from_second) AND a.starts_at < to_timestamp(until_second)
           AND a.status NOT IN ('cancelled', 'declined', 'expired')
           AND NOT (a.status = 'held' AND a.hold_expires_at <= clock_timestamp())
           AND (without IS NULL OR a.appointment_id <> without)
        UNION ALL
        SELECT 0, a.starts_at, a.appointment_id
          FROM scheduling.appointment a                   -- index: appointment_by_customer
         WHERE a.business_id = this_business AND a.offering_id = this_offering AND a.customer_id = customer
           AND a.starts_at >= to_timestamp(from_second) AND a.starts_at < to_timestamp(until_second)
           AND a.status NOT IN ('cancelled', 'declined', 'expired')
           AND NOT (a.status = 'held' AND a.hold_expires_at <= clock_timestamp())
           AND (without IS NULL OR a.appointment_id <> without)
    ), daily AS (
        SELECT place, (starts_at AT TIME ZONE zone)::date - date '1970-01-01' AS day, count(DISTINCT one) AS number
          FROM counted GROUP BY 1, 2
    )
    SELECT json_agg(json_build_array(place, day, number)) FROM daily
);
