"""The dead letters of the consumers, opened for the deployment that a command or the console addresses."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import redis

from contracts.chassis.credentials import without_credentials
from contracts.chassis.settings import ConfigError, Environment
from contracts.scheduling.event_signatures import EventSecrets
from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.dead_letters import DeadLetters

CONSUMERS = ("billing", "notifications")


def replay_letters(consumer: str, names: Collection[str]) -> int:
    """Publish the named letters to their consumer again, all of them if no name is given; return their number.

    An event that was already applied has no further effect. A letter without a valid signature is replayed, and so
    signed, only by its name. Raises CommandError, with nothing replayed, for an unknown name.
    """
    with open_letters(consumer) as letters, open_group(consumer) as group:
        found = letters.list_letters()
        unknown = sorted(set(names) - {each.entry_id for each in found})
        if unknown:
            raise CommandError(
                f"{consumer} has no dead letter {unknown[0]}: `extraction events dead {consumer}` lists them; "
                "nothing was replayed"
            )
        return letters.replay(group, set(names) or {each.entry_id for each in found if not each.is_forged})


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
