"""The history of businesses that were just opened: appointments of past months, and a future that is partly booked.

An empty database answers from a handful of pages, so that it could never be the bottleneck.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

Administrator = psycopg.Connection[tuple[object, ...]]

PAST_DAYS, FUTURE_DAYS = 180, 35
PAST_SHARE, FUTURE_SHARE = 0.8, 0.35
"""Booked shares of all slots. The load books more, so most of the future stays free."""
_OPENS_HOUR, _SLOTS_A_DAY, _SLOT_MINUTES = 7, 28, 30
"""Within the opening hours of the load's businesses."""
_CUSTOMERS: Final = 500

# A hash of provider and time decides, so that all arms get the same appointments. The rows are those that the product
# would have written, without the events: their follow-up work was done long ago.
_INSERT: Final = """
    WITH slot AS (
        SELECT p.business_id, p.provider_id, o.offering_id, o.name AS offering_name, p.name AS provider_name, p.zone,
               gen_random_uuid() AS appointment_id,
               hashtext(p.name || day || n) AS dice,
               (day + make_interval(hours => %(opens)s, mins => n * %(minutes)s)) AT TIME ZONE p.zone AS starts_at
          FROM scheduling.provider p
          JOIN scheduling.offering o USING (business_id)
         CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp, '1 day') AS day
         CROSS JOIN generate_series(0, %(slots)s - 1) AS n
         WHERE o.duration_minutes = %(minutes)s
    ), chosen AS (
        SELECT *, starts_at + make_interval(mins => %(minutes)s) AS ends_at,
               least(starts_at, now()) - interval '3 days' AS booked_at,
               md5('customer' || abs(dice %% %(customers)s))::uuid AS customer_id
          FROM slot
         WHERE (dice & 1023) < 1024 * CASE WHEN starts_at < %(today)s THEN %(past)s ELSE %(future)s END
    ), booked AS (
        INSERT INTO scheduling.appointment (business_id, appointment_id, offering_id, provider_id, customer_id,
                                            starts_at, ends_at, zone, status, version, note, booked_at)
        SELECT business_id, appointment_id, offering_id, provider_id, customer_id,
               starts_at, ends_at, zone, 'booked', 1, '', booked_at
          FROM chosen
    ), claimed AS (
        INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
        SELECT business_id, provider_id, appointment_id, offering_id, starts_at, ends_at FROM chosen
    )
    INSERT INTO scheduling.history (business_id, appointment_id, version, at, actor, operation, after)
    SELECT business_id, appointment_id, 1, booked_at, 'customer:' || customer_id, 'book', convert_to(
               json_build_object('appointment_id', appointment_id, 'offering_id', offering_id,
                                 'offering_name', offering_name, 'provider_id', provider_id,
                                 'provider_name', provider_name, 'customer_id', customer_id, 'starts_at', starts_at,
                                 'ends_at', ends_at, 'zone', zone, 'status', 'booked', 'version', 1, 'note', '',
                                 'booked_at', booked_at)::text, 'UTF8')
      FROM chosen
"""


def add_history(db: Administrator) -> int:
    """Add the history of all businesses in the database, once; return the number of appointments."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    with db.transaction():
        # Constraints are checked, triggers are not needed: each appointment gets its claim in the same statement.
        db.execute("SET LOCAL session_replication_role = replica")
        added = db.execute(
            _INSERT,
            {
                "opens": _OPENS_HOUR,
                "minutes": _SLOT_MINUTES,
                "slots": _SLOTS_A_DAY,
                "first": today - timedelta(days=PAST_DAYS),
                "last": today + timedelta(days=FUTURE_DAYS),
                "today": today,
                "past": PAST_SHARE,
                "future": FUTURE_SHARE,
                "customers": _CUSTOMERS,
            },
        ).rowcount
    db.execute("VACUUM (ANALYZE) scheduling.appointment, scheduling.claim, scheduling.history")
    return added
