"""SQL for throttles. A bucket stores the time at which its allowance is fully restored."""

from datetime import timedelta

from sqlalchemy import Connection, text

# throttle_pkey
_CHARGE = text("""
    INSERT INTO auth.throttle (kind, bucket, spent_until)
    VALUES (:kind, :bucket, now() + :cost)
    ON CONFLICT (kind, bucket) DO UPDATE
    SET spent_until = greatest(throttle.spent_until, now()) + :cost
    WHERE throttle.spent_until <= now() + :allowance
""")
_WAIT = text("""
    SELECT CAST(extract(epoch FROM spent_until - now() - :allowance) AS float8)
    FROM auth.throttle
    WHERE kind = :kind AND bucket = :bucket
""")
_REFUND = text("""
    UPDATE auth.throttle SET spent_until = spent_until - :refund WHERE kind = :kind AND bucket = :bucket
""")


def charge(connection: Connection, kind: str, bucket: int, *, cost: timedelta, allowance: timedelta) -> float | None:
    """Charge the bucket and return None, or return the seconds to wait until it can be charged."""
    values = {"kind": kind, "bucket": bucket, "allowance": allowance}
    if connection.execute(_CHARGE, values | {"cost": cost}).rowcount == 1:
        return None
    wait: float = connection.execute(_WAIT, values).scalar_one()
    return max(wait, 0.0)


def refund(connection: Connection, kind: str, bucket: int, amount: timedelta) -> None:
    connection.execute(_REFUND, {"kind": kind, "bucket": bucket, "refund": amount})
