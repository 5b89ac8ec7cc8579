"""List, replay and discard events that a module could not apply."""

from collections.abc import Sequence
from datetime import UTC
from itertools import islice

import click

from deploy.cli.options import current_actor, validate_reason
from deploy.dead_letters import CONSUMERS, discard_letters, open_group, open_letters, replay_letters
from monolith.cutover.wording import count_of
from monolith.shared.events.dead_letters import DeadLetter

HEADING = ("consumer", "letter", "appointment", "version", "died (UTC)", "why")
PAGE = 1000
"""Rows that are read and aligned together."""

CONSUMER = click.argument("consumer", type=click.Choice(CONSUMERS))


@click.group()
def events() -> None:
    """List, replay and discard the events that a module could not apply.

    An event that fails repeatedly becomes a dead letter, so that it does not block the others. Fix the cause, then
    replay it: an event that was already applied has no further effect.
    """


@events.command()
@click.argument("consumer", type=click.Choice(CONSUMERS), required=False)
def dead(consumer: str | None) -> None:
    """List the dead letters of CONSUMER, or of all consumers."""
    listed = 0
    for name in (consumer,) if consumer else CONSUMERS:
        with open_letters(name) as letters:
            rows = ((name, *_cells(letter)) for letter in letters.iterate())
            while page := list(islice(rows, PAGE)):
                _print_table(page, with_heading=not listed)
                listed += len(page)
    if not listed:
        click.echo("there are no dead letters")


def _print_table(rows: Sequence[tuple[str, ...]], *, with_heading: bool) -> None:
    table = [HEADING, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table if with_heading else rows:  # Never truncated: the user copies the letters' names.
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    died = "being replayed" if letter.replayed_at else f"{letter.died_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    why = "".join(sign if sign.isprintable() else " " for sign in letter.reason)
    return letter.entry_id, str(letter.appointment_id or "unknown"), str(letter.version or ""), died, why


@events.command(short_help="Publish dead letters to their consumer again.")
@CONSUMER
@click.argument("letter", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Replay every dead letter of the consumer.")
def replay(consumer: str, letter: tuple[str, ...], everything: bool) -> None:
    """Publish each LETTER to CONSUMER, and to no other, again, named as `extraction events dead` lists it."""
    if bool(letter) == everything:
        raise click.UsageError("Name the letters to replay, or use --all.")
    count = replay_letters(consumer, letter)
    click.echo(f"{count_of(count, 'event', 'events')} of {consumer} in the stream again")


@events.command(short_help="Delete dead letters without applying them.")
@CONSUMER
@click.argument("letter", nargs=-1)
@click.option("--all-forged", is_flag=True, help="Discard every letter of an entry without a valid signature.")
@click.option("--reason", required=True, callback=validate_reason, help="Reason, for the audit log.")
def discard(consumer: str, letter: tuple[str, ...], all_forged: bool, reason: str) -> None:
    """Delete each LETTER of CONSUMER, named as `extraction events dead` lists it, without applying it.

    Use it for entries that no relay wrote, and for events that were applied before. Later events of an appointment wait
    for a discarded one, which comes back if it is published again from an outbox.
    """
    if bool(letter) == all_forged:
        raise click.UsageError("Name the letters to discard, or use --all-forged.")
    if not reason:
        raise click.UsageError("Give a reason.")
    count = discard_letters(consumer, letter, actor=current_actor(), reason=reason)
    click.echo(f"{count_of(count, 'letter', 'letters')} of {consumer} discarded")


@events.command(short_help="Publish every event in the outboxes again.")
def republish() -> None:
    """Publish every event in the outboxes again, for consumers that missed some.

    Consumers ignore events that they have already applied. Publication waits until a relay runs.
    """
    with open_group(CONSUMERS[0]) as group:
        group.request_republication(None)
    click.echo("the relays publish again, from the oldest event in their outboxes")
