"""Random faults under load, and the verdict: `python -m tests.soak --seconds 600 --seed 1`."""

import argparse
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from loadtests.harness.cutovers import owner_of
from monolith.cutover.databases import other_database
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store.cutovers import CutoverInProgress, SourceNotOwner
from tests.cutover.deployment import Deployment, TrafficPeriod, running_deployment
from tests.cutover.writers import opened, switched_port
from tests.soak.faults import FaultInjector, small_disk
from tests.soak.schedule import FAULTS, FaultName, plan_faults
from tests.soak.skewed_clock import SKEW, skewed_clock
from tests.soak.slot_clients import SlotHistories, contending

RATE = 30.0
_PAUSE_BETWEEN_CUTOVERS = 1.0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Cutovers:
    """Moves the businesses back and forth until stopped; a refused or aborted cutover is an answer too."""

    deployment: Deployment
    business_ids: list[UUID]
    outcomes: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=each, daemon=True) for each in (self._move, self._recover)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)

    def _move(self) -> None:
        number = 0
        while not self._stop.wait(_PAUSE_BETWEEN_CUTOVERS):
            business_id, number = self.business_ids[number % len(self.business_ids)], number + 1
            try:
                with self.deployment.controller() as controller:
                    source = owner_of(self.deployment.databases, business_id)
                    moved = controller.cut_over(
                        business_id, source, other_database(source), fence_seconds=2.0, actor="soak", reason="soak"
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


def soak(seconds: float, seed: int) -> list[str]:
    """Run and return what did not hold; empty if everything did."""
    skew = skewed_clock()
    say(f"clock of the monolith's web: {SKEW if skew else 'true (libfaketime is not installed)'}")
    with running_deployment(monolith_settings=skew) as deployment, switched_port(deployment.databases) as port:
        shop = opened(port)
        with small_disk(deployment) as disk:
            names = FAULTS if disk is not None else tuple(name for name in FAULTS if name != "full disk")
            if disk is None:
                say("no full disk: mounting a file system is not allowed here")
            injector = FaultInjector(deployment, seed, say)
            injector.disk = disk
            cutovers = Cutovers(deployment, [deployment.business_id, shop.business_id])
            with (
                contending(shop, seed) as histories,
                deployment.traffic(rate=RATE) as period,
                cutovers.running(),
            ):
                _inject_all(injector, seed, seconds, names)
            return _judge(deployment, period, histories, injector, cutovers)


def _inject_all(injector: FaultInjector, seed: int, seconds: float, names: tuple[FaultName, ...]) -> None:
    began = time.monotonic()
    for fault in plan_faults(seed, seconds, names):
        time.sleep(max(0.0, began + fault.at - time.monotonic()))
        injector.inject(fault)
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _judge(
    deployment: Deployment,
    period: TrafficPeriod,
    histories: SlotHistories,
    injector: FaultInjector,
    cutovers: Cutovers,
) -> list[str]:
    report = period.verdict
    assert report is not None, "the traffic has ended"
    say(f"{sum(injector.counts.values())} faults: {dict(sorted(injector.counts.items()))}")
    say(f"cutovers: {dict(cutovers.outcomes)}")
    say(f"{report.requests:,} requests, {report.writes:,} writes, {report.failed:,} answered with an error")
    say(f"{histories.operations:,} operations on contested slots, {histories.unknown} of unknown outcome")
    problems = [f"lost: {each}" for each in report.lost]
    problems += [f"duplicated: {each}" for each in report.duplicated]
    problems += [f"nobody asked for {each}" for each in report.unasked]
    problems += [f"not linearizable: {each}" for each in histories.contradictions()]
    problems += [f"unexpected error: {each}" for each in histories.broken]
    if report.writes < 10 or histories.operations < 10:
        problems.append("too little happened to show anything")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the faults (default: 600)")
    parser.add_argument("--seed", type=int, default=None, help="plays the faults of an earlier run")
    given = parser.parse_args()
    seed = secrets.randbelow(10**9) if given.seed is None else given.seed
    say(f"faults of seed {seed} for {given.seconds:g} s")
    say(f"to repeat them: make soak SEED={seed} SECONDS={given.seconds:g}")
    problems = soak(given.seconds, seed)
    for problem in problems:
        say(f"! {problem}")
    say("everything held" if not problems else f"{len(problems)} promises were broken")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
