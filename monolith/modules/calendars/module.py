"""Composition of the calendars module."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.calendars.feed_contents import FeedContents
from monolith.modules.calendars.feeds import Feeds
from monolith.modules.calendars.routes import endpoints
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint

SCHEMA = "calendars"
MIGRATIONS = Path(__file__).with_name("migrations")
APP_ROLE = "calendars_app"


@dataclass(frozen=True, slots=True)
class Calendars:
    """The parts of the module; the pages use the services."""

    feeds: Feeds
    endpoints: Sequence[AnyEndpoint]


def build_calendars(database: ModuleDatabase, port: SchedulingPort, auth: AuthApi, public_url: str) -> Calendars:
    """Build the module. `database` connects as `calendars_app`."""
    feeds = Feeds(database, auth, FeedContents(port, auth, public_url), public_url)
    return Calendars(feeds=feeds, endpoints=endpoints(feeds, port))
