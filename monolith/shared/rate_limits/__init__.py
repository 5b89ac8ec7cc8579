"""Rate limits: token buckets that the processes share in Redis, or hold in memory while Redis is unreachable."""

from monolith.shared.rate_limits.limits import Attempt, Buckets, Limit, charge, too_many

__all__ = ["Attempt", "Buckets", "Limit", "charge", "too_many"]
