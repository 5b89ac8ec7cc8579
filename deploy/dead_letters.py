"""The dead letters of the consumers, opened for the deployment that a command or the console addresses."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager

import redis

from contracts.chassis.credentials import without_credentials
from contracts.chassis.settings import ConfigError, Environment
from contracts.scheduling.event_signatures import EventSecrets
from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.dead_letters import DeadLetter, DeadLetters
from monolith.shared.flags.store import FlagStore

CONSUMERS = ("billing", "notifications")
BATCH = 200
"""Letters that are read, marked and published together."""


def replay_letters(consumer: str, names: Collection[str]) -> int:
    """Publish the named letters to their consumer again, all of them if no name is given; return their number.

    An event that was already applied has no further effect. A letter without a valid signature is replayed, and so
    signed, only by its name. Raises CommandError, with nothing replayed, for an unknown name.
    """
    with open_letters(consumer) as letters, open_group(consumer) as group:
        chosen = _chosen(letters, consumer, names, "replayed") if names else letters.names(forged=False)
        return sum(letters.replay(group, batch) for batch in _batches(chosen))


def discard_letters(consumer: str, names: Collection[str], *, actor: str, reason: str) -> int:
    """Delete the named letters, all forged ones if no name is given, and return their number. Audited.

    Raises CommandError, with nothing discarded, for an unknown name, or if it cannot be audited.
    """
    with open_letters(consumer) as letters, _audit_log() as audit:
        chosen = _chosen(letters, consumer, names, "discarded") if names else letters.names(forged=True)
        for batch in _batches(chosen):
            details = {"letters": [_audited(each) for each in letters.find(batch)]}
            audit.record("events.discarded", f"events {consumer}", actor=actor, reason=reason, details=details)
            letters.discard(batch)
        return len(chosen)


def _chosen(letters: DeadLetters, consumer: str, names: Collection[str], done: str) -> list[str]:
    """Return the names, in the order of a replay. Raises CommandError unless each of them is that of a letter."""
    found = [each.entry_id for batch in _batches(sorted(set(names))) for each in letters.find(batch)]
    unknown = sorted(set(names) - set(found))
    if unknown:
        raise CommandError(
            f"{consumer} has no dead letter {unknown[0]}: `extraction events dead {consumer}` lists them; "
            f"nothing was {done}"
        )
    return found


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _audited(letter: DeadLetter) -> dict[str, str | int | None]:
    event_id, appointment_id = (
        None if each is None else str(each) for each in (letter.event_id, letter.appointment_id)
    )
    return {
        "letter": letter.entry_id, "event_id": event_id, "appointment_id": appointment_id, "version": letter.version,
        "reason": letter.reason,
    }  # fmt: skip


@contextmanager
def _audit_log() -> Iterator[FlagStore]:
    environment = deployment_environment("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    with closing(ModuleDatabase(url, role="platform_app", secret=secret, pool_size=1)) as database:
        yield FlagStore(database)


@contextmanager
def open_letters(consumer: str) -> Iterator[DeadLetters]:
    """Open the dead letters of one consumer. Raises CommandError while the database is unreachable."""
    environment = deployment_environment("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    database = ModuleDatabase(url, role=f"{consumer}_app", secret=secret, pool_size=1)
    try:
        yield DeadLetters(database, consumer)
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error
    finally:
        database.close()


@contextmanager
def open_group(consumer: str) -> Iterator[ConsumerGroup]:
    """Open the consumer's group of the stream. Raises CommandError while Redis is unreachable."""
    environment = deployment_environment("monolith")
    url = environment.get("REDIS_URL")
    if not url:
        raise CommandError("REDIS_URL is not set: set it to the server of the worker")
    group = ConsumerGroup(url, consumer, secrets=_event_secrets(environment))
    try:
        yield group
    except redis.RedisError as error:
        raise CommandError(
            f"Redis at {without_credentials(url)} does not answer ({error}): start it, or correct REDIS_URL"
        ) from error
    finally:
        group.close()


def _event_secrets(environment: Environment) -> EventSecrets | None:
    try:
        return EventSecrets.from_environment(environment)
    except ConfigError as error:
        raise CommandError(str(error)) from error
