"""Break the running demo on purpose, and see that nothing is lost."""

import importlib.util
import sys

import click

from deploy.errors import CommandError


@click.group()
def exercise() -> None:
    """Break the running demo on purpose, under load, and compare every acknowledged booking with the rows.

    Each exercise takes about half a minute and repairs what it broke. It addresses the demo in this folder only. Exit
    codes: 0; 1 if a booking was lost, duplicated or cannot be explained; 2 if the exercise could not be run.
    """


@exercise.command("kill-in-fence")
def kill_in_fence() -> None:
    """Kill the scheduling service while a business is moved and its writes are fenced. Needs replication."""
    _run("kill-in-fence")


@exercise.command("slow-database")
def slow_database() -> None:
    """Let the service's database run about a fifth of the time, for 8 s."""
    _run("slow-database")


@exercise.command()
def partition() -> None:
    """Let the service accept connections without replying, as in a network partition, for 5 s."""
    _run("partition")


def _run(name: str) -> None:
    if importlib.util.find_spec("psutil") is None:
        raise CommandError("psutil is not installed: run `make load` once, or install deploy/requirements/load.txt")
    from loadtests.exercises.exercise import run_exercise

    ledgers = run_exercise(name, _say)
    for ledger in ledgers:
        _say(str(ledger))
        for finding in (*ledger.report.lost, *ledger.report.duplicated, *ledger.report.unasked):
            _say(f"  {finding}")
    is_clean = all(ledger.report.clean for ledger in ledgers)
    _say("no acknowledged booking was lost" if is_clean else "the ledger contradicts the database")
    if not is_clean:
        sys.exit(1)


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
