"""Further pages of the console, from packages that it does not import.

A package registers a function under the entry-point group `extraction.console` in `pyproject.toml`. The function takes
a `ConsoleContext` and returns an `Extension`. One whose module was deleted or not installed is absent from the console.
"""

import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from flask import Blueprint
from markupsafe import Markup

from deploy.console.access import ConsoleAuthorizer, Operator
from deploy.console.changes.change import OperatorChange
from deploy.console.config import ConsoleConfig
from deploy.console.live import LivePages
from deploy.console.polling import Snapshots
from deploy.console.requests import OperatorRequests

GROUP = "extraction.console"
log = logging.getLogger("console.extension")


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """An entry of the navigation. `endpoint` is the Flask endpoint of a page without parameters."""

    label: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """The parts of the console that an extension uses.

    `require_viewer` returns the signed-in operator or viewer, or redirects to the sign-in page; `require_operator`
    also refuses, and audits, a viewer and a password older than 15 minutes. `render` renders a template with the
    values of the layout; the template extends `ops/layout.html` and fills its blocks `title` and `main`. `live`
    declares live parts of pages. `requests` runs changes of operators.
    """

    config: ConsoleConfig
    authorizer: ConsoleAuthorizer
    snapshots: Snapshots
    live: LivePages
    requests: OperatorRequests
    require_viewer: Callable[[], Operator]
    require_operator: Callable[[], Operator]
    render: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Extension:
    """Pages to add, and kinds of change with their form and their endpoints.

    `overview` returns a fragment for the overview page, and `traffic` the requests per second of each application, both
    made from values that are at hand.
    """

    blueprint: Blueprint
    links: Sequence[NavigationLink] = ()
    overview: Callable[[], Markup] | None = None
    traffic: Callable[[], Mapping[str, float]] | None = None
    changes: Sequence[type[OperatorChange]] = ()


def load_extensions(context: ConsoleContext) -> list[Extension]:
    """Build the installed extensions, sorted by name."""
    found = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    return [each.load()(context) for each in found if _is_installed(each)]


def _is_installed(entry: EntryPoint) -> bool:
    try:
        return importlib.util.find_spec(entry.module) is not None
    except ModuleNotFoundError:
        log.info("the console has no pages %s: %s is not installed", entry.name, entry.module)
        return False
