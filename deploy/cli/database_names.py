"""Names of databases in options and arguments."""

import click

from contracts.scheduling.values import DatabaseName, is_database_name


def validate_name(_: click.Context, parameter: click.Parameter, name: str | None) -> DatabaseName | None:
    """Callback for the name of a database."""
    return None if name is None else canonical_name(parameter, name)


def validate_names(_: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[DatabaseName, ...]:
    """Callback for the names of any number of databases."""
    return tuple(canonical_name(parameter, name) for name in names)


def validate_pair(
    _: click.Context, parameter: click.Parameter, names: tuple[str, str]
) -> tuple[DatabaseName, DatabaseName]:
    """Callback for the names of two databases."""
    one, other = (canonical_name(parameter, name) for name in names)
    if one == other:
        raise click.BadParameter("name two databases, for example scheduling and scheduling-2", param=parameter)
    return one, other


def validate_choice(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Callback for `owner`, or the name of a database."""
    return name if name == "owner" else validate_name(context, parameter, name)


def canonical_name(parameter: click.Parameter, name: str) -> DatabaseName:
    """Return the name as it is stored: `scheduling-1` is another name of `scheduling`. Raises click.BadParameter."""
    if name == "scheduling-1":
        return "scheduling"
    if not is_database_name(name):
        raise click.BadParameter("a database is named monolith, scheduling, scheduling-2 and so on", param=parameter)
    return name
