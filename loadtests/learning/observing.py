"""The view of the system that the learning path shows. The metrics pages are scraped only while it is in use."""

import time
from collections.abc import Sequence

from contracts.chassis.background_thread import BackgroundThread
from contracts.chassis.loops import Loop, Worker
from deploy.console.config import ConsoleConfig
from deploy.console.polling import Snapshot, Snapshots
from loadtests.evidence.usage_history import UsageHistory
from loadtests.learning.steps.model import ObservedSystem
from monolith.cutover.store.shadow_results import ShadowResultStore, ShadowSummary
from monolith.shared.database import ModuleDatabase

CUTOVER_ROLE = "cutover_app"
SCRAPE_SECONDS = 2.0
USED_SECONDS = 60.0
"""Scraping continues this long after the last request."""
SHADOW_MINUTES = 60


class SystemObserver:
    """Reads the snapshots of the console, the metrics pages and the results of shadow reads. Thread-safe."""

    def __init__(self, config: ConsoleConfig, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._usage = UsageHistory(
            [
                (f"{config.monolith_url}/metrics", config.metrics_token),
                (f"{config.service_url}/metrics", config.scheduling_metrics_token),
            ]
        )
        url, secret = config.monolith_database_url, config.monolith_role_secret
        self._shadow = ShadowResultStore(ModuleDatabase(url, role=CUTOVER_ROLE, secret=secret, pool_size=1))
        self._used_at = float("-inf")
        loop = Loop("usage of the learning path", self._scrape, SCRAPE_SECONDS, SCRAPE_SECONDS)
        self._scraping = BackgroundThread("learning path", Worker([loop]), closing_seconds=1.0)

    def observe(self, snapshot: Snapshot | None = None) -> ObservedSystem:
        """Return the system as it is now; in a page that is updated, as of its snapshot."""
        self._used_at = time.monotonic()
        self._scraping.start()
        return ObservedSystem(snapshot or self._snapshots.current(), self._usage.latest(), self._read_shadow)

    def _read_shadow(self) -> Sequence[ShadowSummary]:
        """Raises DatabaseUnavailable."""
        return self._shadow.since(SHADOW_MINUTES)

    def _scrape(self) -> None:
        if time.monotonic() - self._used_at < USED_SECONDS:
            self._usage.scrape()
