"""The options of `extraction flag set` for automatic rollback."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from deploy.cli.options import NumberRange
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.service import RollbackRequest

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--guard", is_flag=True, help="Move a business back automatically if its calls fail or are slow afterwards."
    ),
    click.option(
        "--guard-errors",
        type=NumberRange(0, 99),
        default=5.0,
        show_default=True,
        help="With --guard: maximum percentage of failed calls.",
    ),
    click.option(
        "--guard-p95-ms",
        type=NumberRange(1),
        default=500.0,
        show_default=True,
        help="With --guard: maximum 95th-percentile latency, in milliseconds.",
    ),
    click.option(
        "--guard-for",
        type=NumberRange(3, 600),
        default=10.0,
        show_default=True,
        help="With --guard: how many seconds a maximum must be exceeded before the business moves back.",
    ),
    click.option(
        "--guard-minutes",
        type=NumberRange(0.1, 1440),
        default=15.0,
        show_default=True,
        help="With --guard: how many minutes a business is observed after its move.",
    ),
)


def guard_options(command: F) -> F:
    """Add the options; the command receives them as keyword arguments that begin with `guard`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def rollback_request(
    guard: bool, guard_errors: float, guard_p95_ms: float, guard_for: float, guard_minutes: float
) -> RollbackRequest | None:
    """Return the requested rollback policy; None without --guard.

    Raises UsageError when one of the other options is given without it.
    """
    if not guard:
        _refuse_thresholds_without_guard(click.get_current_context())
        return None
    return RollbackRequest(RollbackThresholds(guard_errors / 100, guard_p95_ms, guard_for), guard_minutes * 60)


def _refuse_thresholds_without_guard(context: click.Context) -> None:
    """A business must not move unobserved when the operator set a threshold."""
    for name in context.params:
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if name.startswith("guard_") and given:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --guard.")
