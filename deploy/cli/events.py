"""List and replay events that a module could not apply."""

from datetime import UTC

import click

from deploy.dead_letters import CONSUMERS, open_group, open_letters, replay_letters
from monolith.cutover.wording import count_of
from monolith.shared.events.dead_letters import DeadLetter

CONSUMER = click.argument("consumer", type=click.Choice(CONSUMERS))


@click.group()
def events() -> None:
    """List and replay the events that a module could not apply.

    An event that fails repeatedly becomes a dead letter, so that it does not block the others. Fix the cause, then
    replay it: an event that was already applied has no further effect.
    """


@events.command()
@click.argument("consumer", type=click.Choice(CONSUMERS), required=False)
def dead(consumer: str | None) -> None:
    """List the dead letters of CONSUMER, or of all consumers."""
    rows = [row for name in ([consumer] if consumer else CONSUMERS) for row in _rows(name)]
    if not rows:
        click.echo("there are no dead letters")
        return
    table = [("consumer", "letter", "appointment", "version", "died (UTC)", "why"), *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:  # Never truncated on a narrow terminal: the user copies the letters' names.
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rows(consumer: str) -> list[tuple[str, ...]]:
    with open_letters(consumer) as letters:
        return [(consumer, *_cells(letter)) for letter in letters.list_letters()]


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    died = "being replayed" if letter.replayed_at else f"{letter.died_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    why = "".join(sign if sign.isprintable() else " " for sign in letter.reason)
    return letter.entry_id, str(letter.appointment_id or "unknown"), str(letter.version or ""), died, why


@events.command(short_help="Publish dead letters to their consumer again.")
@CONSUMER
@click.argument("letter", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Replay every dead letter of the consumer.")
def replay(consumer: str, letter: tuple[str, ...], everything: bool) -> None:
    """Publish each LETTER to CONSUMER again, named as `extraction events dead` lists it."""
    if bool(letter) == everything:
        raise click.UsageError("Name the letters to replay, or use --all.")
    count = replay_letters(consumer, letter)
    click.echo(f"{count_of(count, 'event', 'events')} of {consumer} in the stream again")


@events.command(short_help="Publish every event in the outboxes again.")
def republish() -> None:
    """Publish every event in the outboxes again, for consumers that missed some.

    Consumers ignore events that they have already applied. Publication waits until a relay runs.
    """
    with open_group(CONSUMERS[0]) as group:
        group.request_republication(None)
    click.echo("the relays publish again, from the oldest event in their outboxes")
