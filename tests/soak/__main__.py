"""Random faults under load, and the verdict: `python -m tests.soak --seconds 600 --seed 1`."""

import argparse
import random
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg

from loadtests.harness.cutovers import owner_of
from loadtests.harness.traffic.ledger import LedgerReport
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store.cutovers import CutoverInProgress, SourceNotOwner
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Shop
from tests.cutover.deployment import Deployment, running_deployment
from tests.cutover.writers import opened, switched_port
from tests.faults.skewed_clock import SUPPORTED, AdjustableClock, build_library
from tests.soak.faults import FaultInjector, FaultTools
from tests.soak.packet_loss import PacketLoss, enter_own_network
from tests.soak.report import SoakReport
from tests.soak.schedule import plan_faults
from tests.soak.slot_clients import SlotHistories, contending
from tests.soak.small_disk import small_disk

RATE = 30.0
_PAUSE_BETWEEN_CUTOVERS = 1.0
_SETTLED = "every cutover is settled, one database owns each business, and both are equal"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Cutovers:
    """Moves the businesses back and forth until stopped; a refused or aborted cutover is a result too.

    `broken` describes the exceptions that ended a thread.
    """

    deployment: Deployment
    business_ids: list[UUID]
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        work = (self._move, self._recover)
        threads = [threading.Thread(target=self._reporting, args=(each,), daemon=True) for each in work]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)

    def _reporting(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.broken.append(f"{work.__name__.strip('_')}: {type(error).__name__}: {error}")

    def _move(self) -> None:
        number = 0
        while not self._stop.wait(_PAUSE_BETWEEN_CUTOVERS):
            business_id, number = self.business_ids[number % len(self.business_ids)], number + 1
            try:
                with self.deployment.controller() as controller:
                    source = owner_of(self.deployment.databases, business_id)
                    target = self.deployment.databases.extraction.partner_of(source)
                    moved = controller.cut_over(
                        business_id, source, target, fence_seconds=2.0, actor="soak", reason="soak"
                    )
                self.outcomes[moved.state] += 1
            except (CutoverInProgress, SourceNotOwner):
                self.outcomes["refused"] += 1
            except psycopg.Error:
                self.outcomes["left to the recovery worker"] += 1

    def _recover(self) -> None:
        worker = RecoveryWorker(self.deployment.databases)
        while not self._stop.wait(0.25):
            worker.step()
        worker.close()


def soak(seconds: float, seed: int, loss: PacketLoss | None) -> SoakReport:
    """Inject the faults of a seed, and report what happened and which promises were broken."""
    report = SoakReport(seed, seconds)
    with tempfile.TemporaryDirectory(prefix="soak-clocks-") as folder:
        clocks = _clocks(Path(folder))
        settings = {name: clock.environment for name, clock in clocks.items()}
        with (
            running_deployment(web_settings=settings) as deployment,
            closing(_through_the_proxy(deployment)) as service,
            switched_port(deployment.databases, service) as port,
        ):
            shop = opened(port)
            with small_disk(deployment) as disk:
                tools = FaultTools(loss, clocks, disk)
                injector = FaultInjector(deployment, tools, random.Random(seed), say)
                report.counts = injector.counts
                _run(deployment, shop, injector, report)
    return report


def _through_the_proxy(deployment: Deployment) -> HttpScheduling:
    """Return an adapter that meets the faults between the monolith and the service."""
    return HttpScheduling(deployment.service.url, signer_from(deployment.servers.keys.signing_key))


def _clocks(folder: Path) -> Mapping[str, AdjustableClock]:
    """Return a clock for the web processes of each deployment; none where the library cannot be compiled."""
    if not SUPPORTED:
        return {}
    folder.chmod(0o755)  # Readable by the user that the processes run as.
    library = build_library(folder)
    return {name: AdjustableClock(library, folder / name) for name in ("monolith", "scheduling")}


def _run(deployment: Deployment, shop: Shop, injector: FaultInjector, report: SoakReport) -> None:
    cutovers = Cutovers(deployment, [deployment.business_id, shop.business_id])
    report.cutovers = cutovers.outcomes
    try:
        with (
            contending(shop, report.seed) as histories,
            deployment.traffic(rate=RATE) as period,
            cutovers.running(),
        ):
            _inject_all(injector, report.seed, report.seconds)
        deployment.wait_until_settled(shop.business_id)
    except AssertionError as error:
        report.judge(_SETTLED, [str(error)])
        return
    report.judge(_SETTLED, [])
    assert period.verdict is not None, "the traffic has ended"
    histories.look(shop)
    _judge(report, period.verdict, histories)
    report.judge("the controller and the recovery worker raise no unexpected error", cutovers.broken)


def _inject_all(injector: FaultInjector, seed: int, seconds: float) -> None:
    began = time.monotonic()
    for fault in plan_faults(seed, seconds, injector.names):
        time.sleep(max(0.0, began + fault.at - time.monotonic()))
        injector.inject(fault)
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _judge(report: SoakReport, ledger: LedgerReport, histories: SlotHistories) -> None:
    report.work = {
        "HTTP requests": ledger.requests,
        "of them writes": ledger.writes,
        "answered with an error": ledger.failed,
        "operations on contested slots": histories.operations,
        "of them of unknown outcome": histories.unknown,
        "contested slots": len(histories.slots),
    }
    report.judge("every acknowledged result is stored", ledger.lost)
    report.judge("no booking is stored twice, none overlaps another", ledger.duplicated)
    report.judge("nothing is stored that no client requested", ledger.unasked)
    report.judge("the history of each contested slot is linearizable", histories.contradictions())
    report.judge("clients receive no error outside the contract", histories.broken)
    too_little = ledger.writes < 10 or histories.operations < 10 or not report.cutovers["active"]
    report.judge("enough happened to show something", ["hardly any writes, or no cutover"] if too_little else [])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the faults (default: 600)")
    parser.add_argument("--seed", type=int, default=None, help="plays the faults of an earlier run")
    parser.add_argument("--page", type=Path, default=None, help="write the result to this page")
    given = parser.parse_args()
    seed = secrets.randbelow(10**9) if given.seed is None else given.seed
    say(f"faults of seed {seed} for {given.seconds:g} s")
    say(f"to repeat them: make soak SEED={seed} SECONDS={given.seconds:g}")
    report = soak(given.seconds, seed, enter_own_network())
    for line in report.lines():
        say(line)
    if given.page is not None:
        given.page.write_text(report.page(), encoding="utf-8")
    sys.exit(not report.held)


if __name__ == "__main__":
    main()
