"""`extraction events`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
import redis
from rich.console import Console
from rich.table import Table

from deploy.errors import SurroundingsError
from deploy.surroundings import cannot_reach, environment_of
from monolith.shared.database import Database, DatabaseUnavailable
from monolith.shared.events.dead_letters import DeadLetters
from monolith.shared.events.group import EventGroup
from scheduling_service.credentials import without_credentials

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
    table = Table("consumer", "letter", "appointment", "version", "died (UTC)", "why", box=None, pad_edge=False)
    for name in [consumer] if consumer else CONSUMERS:
        with _letters(name) as letters:
            for letter in letters.listed():
                appointment, version = letter.appointment_id or "unknown", letter.version or ""
                died = "being replayed" if letter.replayed_at else f"{letter.died_at:%Y-%m-%d %H:%M:%S}"
                table.add_row(name, letter.entry_id, str(appointment), str(version), died, letter.reason)
    if table.row_count:
        Console(highlight=False, markup=False).print(table, soft_wrap=True)
    else:
        click.echo("there are no dead letters")


@events.command()
@CONSUMER
@click.argument("letter", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead letter of the consumer.")
def replay(consumer: str, letter: tuple[str, ...], everything: bool) -> None:
    """Give CONSUMER each LETTER again, by the names that `extraction events dead` lists."""
    if bool(letter) == everything:
        raise click.UsageError("Name the letters to replay, or say --all.")
    with _letters(consumer) as letters, _group(consumer) as group:
        known = {each.entry_id for each in letters.listed()}
        unknown = sorted(set(letter) - known)
        if unknown:
            raise SurroundingsError(
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
        group.ask_again(None)
    click.echo("the relays publish again, from the oldest event that they keep")


@contextmanager
def _letters(consumer: str) -> Iterator[DeadLetters]:
    environment = environment_of("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    database = Database(url, role=f"{consumer}_app", secret=secret, pool_size=1)
    try:
        yield DeadLetters(database, consumer)
    except DatabaseUnavailable as error:
        raise cannot_reach("monolith", error) from error
    finally:
        database.close()


@contextmanager
def _group(consumer: str) -> Iterator[EventGroup]:
    url = environment_of("monolith").get("REDIS_URL")
    if not url:
        raise SurroundingsError("REDIS_URL is not set: set it to the server that the worker uses")
    group = EventGroup(url, consumer)
    try:
        yield group
    except redis.RedisError as error:
        raise SurroundingsError(
            f"Redis at {without_credentials(url)} does not answer ({error}): start it, or correct REDIS_URL"
        ) from error
    finally:
        group.close()
