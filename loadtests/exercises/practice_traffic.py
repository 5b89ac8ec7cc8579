"""Bookings to the demo's businesses for load, and the ledger of each."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from loadtests.generator.api_client import ApiClient
from loadtests.generator.businesses import LoadBusiness
from loadtests.harness.tenants import non_overlapping
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficPlan, TrafficRecord
from loadtests.harness.traffic.processes import Traffic, running_traffic
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.service import ControlPlane

RATE: Final = 10.0
"""Requests a second to each business; half of them book or cancel."""
SHARE_OF_WRITES: Final = 0.5
DAYS: Final = 7


class BusinessLedger(NamedTuple):
    """The ledger of one business, the database that owns it at the end, and latencies from the intended start."""

    slug: str
    owner: DatabaseName
    report: LedgerReport
    median_ms: float
    p95_ms: float

    def __str__(self) -> str:
        found = self.report
        return (
            f"{self.slug}, owned by {self.owner}: {found.requests} requests, {found.failed} failed at first; "
            f"median latency {self.median_ms:.0f} ms, 95 % within {self.p95_ms:,.0f} ms; "
            f"{found.writes} writes, {len(found.lost)} lost, {len(found.duplicated)} duplicated, "
            f"{len(found.unasked)} unexplained"
        )


class PracticeTraffic:
    """Traffic to the businesses while the block of `running` is active; then `ledgers` checks it."""

    def __init__(self, host: str, businesses: Sequence[LoadBusiness]) -> None:
        self.businesses = businesses
        self._plans = {each.slug: _plan(host, each) for each in businesses}
        self._records: Sequence[TrafficRecord] = ()

    @contextmanager
    def running(self) -> Iterator[Traffic]:
        with tempfile.TemporaryDirectory(prefix="extraction-exercise-") as folder:
            with running_traffic(list(self._plans.values()), Path(folder)) as traffic:
                yield traffic
            self._records = traffic.records

    def ledgers(self, plane: ControlPlane, databases: SchedulingDatabases) -> list[BusinessLedger]:
        """Compare every acknowledged booking with the rows of its owner. Raises psycopg.OperationalError."""
        ids = {slug: business_id for business_id, slug in plane.directory.slugs().items()}
        owners = {slug: plane.directory.owners()[ids[slug]].owner for slug in self._plans}
        return [self._ledger(slug, ids[slug], owners[slug], databases) for slug in self._plans]

    def _ledger(
        self, slug: str, business_id: UUID, owner: DatabaseName, databases: SchedulingDatabases
    ) -> BusinessLedger:
        name = self._plans[slug].name
        records = [each for each in self._records if each.name == name]
        latencies = sorted(each.ms for each in records) or [0.0]
        with databases.at(owner).connect() as db:
            report = check_ledger(records, db, business_id, [name])
        return BusinessLedger(slug, owner, report, median(latencies), latencies[int(0.95 * len(latencies))])


def _plan(host: str, business: LoadBusiness) -> TrafficPlan:
    """Bookings by the business's owner, for the owner as the customer, in the next week's free slots."""
    address = urlsplit(host)
    if address.hostname is None or address.port is None:
        raise CommandError(f"{host} has no port: an exercise addresses the demo of this folder")
    owner = ApiClient(host)
    login = {"email": business.staff.email, "password": business.staff.password}
    user_id = owner.call("POST", "/login", login)["user_id"]
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    reads = [_search(business, provider, start) for provider in business.providers]
    slots = [
        (slot["provider_id"], slot["starts_at"])
        for read in reads
        for slot in non_overlapping(owner.call("GET", f"/businesses/{business.slug}{read}")["slots"])
    ]
    return TrafficPlan(
        host=address.hostname,
        port=address.port,
        path=f"/api/v1/businesses/{business.slug}",
        headers={"Cookie": owner.cookie},
        offering_id=business.offering_id,
        customer_id=str(user_id),
        slots=slots,
        reads=reads,
        rate=RATE,
        share_of_writes=SHARE_OF_WRITES,
        name=f"exercise {business.slug} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
    )


def _search(business: LoadBusiness, provider_id: str, start: datetime) -> str:
    window = f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={start + timedelta(days=DAYS):%Y-%m-%dT%H:%M:%SZ}"
    return f"/slots?offering_id={business.offering_id}&provider_id={provider_id}&{window}"
