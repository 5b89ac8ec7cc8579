"""The options of `extraction flag set` that ask for an automatic return."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from monolith.cutover.rollback.thresholds import RollbackThresholds

F = TypeVar("F", bound=Callable[..., Any])


class Guarding(NamedTuple):
    """What a business is to be watched for after its move, and for how long."""

    bound: RollbackThresholds
    watch_seconds: float


_OPTIONS = (
    click.option(
        "--guard", is_flag=True, help="Move a business back by itself when it is served badly after its move."
    ),
    click.option(
        "--guard-errors",
        type=click.FloatRange(0, 99),
        default=5.0,
        show_default=True,
        help="With --guard: the percentage of calls that may fail.",
    ),
    click.option(
        "--guard-p95-ms",
        type=click.FloatRange(1),
        default=500.0,
        show_default=True,
        help="With --guard: nineteen calls in twenty may take so long.",
    ),
    click.option(
        "--guard-for",
        type=click.FloatRange(3, 600),
        default=10.0,
        show_default=True,
        help="With --guard: for how many seconds it must have been beyond that.",
    ),
    click.option(
        "--guard-minutes",
        type=click.FloatRange(0.1, 1440),
        default=15.0,
        show_default=True,
        help="With --guard: how long after its move a business is watched.",
    ),
)


def guard_options(command: F) -> F:
    """The command gets them as keyword arguments that begin with `guard`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def guarding_from(
    guard: bool, guard_errors: float, guard_p95_ms: float, guard_for: float, guard_minutes: float
) -> Guarding | None:
    """None without --guard. Raises UsageError when one of the other options is given without it."""
    if not guard:
        _refuse_bounds_without_guard(click.get_current_context())
        return None
    return Guarding(RollbackThresholds(guard_errors / 100, guard_p95_ms, guard_for), guard_minutes * 60)


def _refuse_bounds_without_guard(context: click.Context) -> None:
    """A business must not move unguarded when the operator set a bound."""
    for name in context.params:
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if name.startswith("guard_") and given:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --guard.")
