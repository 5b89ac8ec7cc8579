"""How long processed rows are kept, from environment variables in days."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from contracts.chassis.settings import Environment, days


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The age from which rows are pruned. Two rules hold for all accepted values.

    An inbox outlives the outbox, from which events are republished, by a week or more. An idempotency key outlives the
    retries of its clients, which end within a day.
    """

    outbox: timedelta = timedelta(days=7)
    """Since the publication of the event."""
    inbox: timedelta = timedelta(days=30)
    """Since the application of the event."""
    idempotency_keys: timedelta = timedelta(days=7)
    """Since the execution of the request."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        return cls(
            outbox=days(environment, "OUTBOX_RETENTION_DAYS", 7, at_least=1, at_most=14),
            inbox=days(environment, "INBOX_RETENTION_DAYS", 30, at_least=21, at_most=3650),
            idempotency_keys=days(environment, "IDEMPOTENCY_KEY_RETENTION_DAYS", 7, at_least=2, at_most=365),
        )
