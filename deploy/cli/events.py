"""List and replay events that a module could not apply."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import click
import redis

from contracts.chassis.credentials import without_credentials
from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.shared.database import Database, DatabaseUnavailable
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.dead_letters import DeadLetter, DeadLetters

CONSUMERS = ("billing", "notifications")
CONSUMER = click.argument("consumer", type=click.Choice(CONSUMERS))


@click.group()
def events() -> None:
    """See and replay the events that a module could not apply.

    An event that fails again and again is put aside as a dead letter, so that the others flow. Mend the cause, then
    replay it: nothing happens twice.
    """


@events.command()
@click.argument("consumer", type=click.Choice(CONSUMERS), required=False)
def dead(consumer: str | None) -> None:
    """List the dead letters of CONSUMER, or of all."""
    rows = [row for name in ([consumer] if consumer else CONSUMERS) for row in _rows(name)]
    if not rows:
        click.echo("there are no dead letters")
        return
    table = [("consumer", "letter", "appointment", "version", "died (UTC)", "why"), *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:  # Never cut, however narrow the terminal: the letters' names are to be copied.
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rows(consumer: str) -> list[tuple[str, ...]]:
    with _letters(consumer) as letters:
        return [(consumer, *_cells(letter)) for letter in letters.list_letters()]


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    died = "being replayed" if letter.replayed_at else f"{letter.died_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    why = "".join(sign if sign.isprintable() else " " for sign in letter.reason)
    return letter.entry_id, str(letter.appointment_id or "unknown"), str(letter.version or ""), died, why


@events.command()
@CONSUMER
@click.argument("letter", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead letter of the consumer.")
def replay(consumer: str, letter: tuple[str, ...], everything: bool) -> None:
    """Give CONSUMER each LETTER again, by the names that `extraction events dead` lists."""
    if bool(letter) == everything:
        raise click.UsageError("Name the letters to replay, or say --all.")
    with _letters(consumer) as letters, _group(consumer) as group:
        known = {each.entry_id for each in letters.list_letters()}
        unknown = sorted(set(letter) - known)
        if unknown:
            raise CommandError(
                f"{consumer} has no dead letter {unknown[0]}: `extraction events dead {consumer}` lists them; "
                "nothing was replayed"
            )
        count = letters.replay(group, known if everything else set(letter))
    click.echo(f"{count} events of {consumer} are in the stream again")


@events.command()
def republish() -> None:
    """Publish again all that the outboxes keep, for consumers that missed events.

    What they have applied already is ignored. Nothing is published while no relay runs; it follows when one does.
    """
    with _group(CONSUMERS[0]) as group:
        group.request_republication(None)
    click.echo("the relays publish again, from the oldest event that they keep")


@contextmanager
def _letters(consumer: str) -> Iterator[DeadLetters]:
    environment = deployment_environment("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    database = Database(url, role=f"{consumer}_app", secret=secret, pool_size=1)
    try:
        yield DeadLetters(database, consumer)
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error
    finally:
        database.close()


@contextmanager
def _group(consumer: str) -> Iterator[ConsumerGroup]:
    url = deployment_environment("monolith").get("REDIS_URL")
    if not url:
        raise CommandError("REDIS_URL is not set: set it to the server that the worker uses")
    group = ConsumerGroup(url, consumer)
    try:
        yield group
    except redis.RedisError as error:
        raise CommandError(
            f"Redis at {without_credentials(url)} does not answer ({error}): start it, or correct REDIS_URL"
        ) from error
    finally:
        group.close()
