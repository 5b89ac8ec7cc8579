"""Composition of the calendars module."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.chassis.loops import Loop
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.calendars.feed_contents import FeedContents
from monolith.modules.calendars.feeds import Feeds
from monolith.modules.calendars.import_worker import BlockWriter, ImportReader
from monolith.modules.calendars.imports import BusyImports
from monolith.modules.calendars.routes import endpoints
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.outbound import OutboundClient
from monolith.shared.rate_limits import Buckets
from monolith.shared.rate_limits.local_buckets import LocalBuckets

SCHEMA = "calendars"
MIGRATIONS = Path(__file__).with_name("migrations")
APP_ROLE = "calendars_app"
WORKER_ROLE = "calendars_worker"


@dataclass(frozen=True, slots=True)
class Calendars:
    """The parts of the module; the pages use the services."""

    feeds: Feeds
    imports: BusyImports
    endpoints: Sequence[AnyEndpoint]


def build_calendars(
    database: ModuleDatabase, port: SchedulingPort, auth: AuthApi, public_url: str, buckets: Buckets | None = None
) -> Calendars:
    """Build the module. `database` connects as `calendars_app`; attempts are counted in `buckets`, or here."""
    feeds = Feeds(database, auth, FeedContents(port, auth, public_url), public_url)
    imports = BusyImports(database, buckets or LocalBuckets())
    return Calendars(feeds=feeds, imports=imports, endpoints=endpoints(feeds, imports, port))


def import_loops(database: ModuleDatabase, port: SchedulingPort, client: OutboundClient) -> list[Loop]:
    """Build the worker's loops. `database` connects as `calendars_worker`.

    Two readers, so that one business whose calendars take long leaves another one.
    """
    writer = BlockWriter(database, port)
    writing = Loop("imported times", writer.step, idle_seconds=1.0, longest_idle_seconds=10.0)
    reader = ImportReader(database, port, client, on_planned=writing.wake.set)
    reading = [
        Loop(f"calendar imports {number}", reader.step, idle_seconds=1.0, longest_idle_seconds=2.0) for number in (1, 2)
    ]
    return [writing, *reading]
