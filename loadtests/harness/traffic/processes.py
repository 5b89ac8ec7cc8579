"""Traffic in processes of its own, next to the product, and the records that they wrote."""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from deploy.devstack.ports import HOST
from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.harness.tenants import SeededTenant
from loadtests.harness.traffic.open_loop import SETTLE_SECONDS, TrafficPlan, TrafficRecord, split_slots

SHARE_OF_WRITES = 0.3
PROCESSES = 2
_STOP_SECONDS = 30.0


@dataclass
class Traffic:
    """`records`, ordered by intended start, are available when the traffic has ended."""

    records: list[TrafficRecord] = field(default_factory=list)


def traffic_plans(
    port: int,
    tenant: SeededTenant,
    rate: float,
    slots: Sequence[tuple[str, str]],
    processes: int = PROCESSES,
    *,
    settle_seconds: float = SETTLE_SECONDS,
) -> list[TrafficPlan]:
    """Split traffic of `rate` requests a second to one tenant over several processes, each with its own slots."""
    tag = secrets.token_hex(4)
    return [
        TrafficPlan(
            host=HOST,
            port=port,
            path=tenant.path,
            headers=tenant.owner.headers,
            offering_id=str(tenant.business.services[0].offering_id),
            customer_id=str(tenant.business.owner_id),
            slots=own_slots,
            reads=tenant.reads,
            rate=rate / processes,
            share_of_writes=SHARE_OF_WRITES,
            name=f"traffic {tag} {number}",
            seed=number,
            settle_seconds=settle_seconds,
        )
        for number, own_slots in enumerate(split_slots(slots, processes))
    ]


@contextmanager
def running_traffic(plans: Sequence[TrafficPlan], folder: Path, *, warm_up: float = 1.0) -> Iterator[Traffic]:
    """Run one process for each plan within the block; the block begins after `warm_up` seconds of traffic.

    Raises CommandError when a process fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    traffic, processes = Traffic(), []
    for number, plan in enumerate(plans):
        (folder / f"plan-{number}.json").write_bytes(msgspec.json.encode(plan))
        command = [sys.executable, "-m", "loadtests.harness.traffic"]
        files = [str(folder / f"plan-{number}.json"), str(folder / f"records-{number}.jsonl")]
        processes.append(subprocess.Popen([*command, *files], cwd=ROOT))
    try:
        time.sleep(warm_up)
        yield traffic
    finally:
        for process in processes:
            process.terminate()
        codes = [
            _exit_code(process, _STOP_SECONDS + plan.settle_seconds)
            for process, plan in zip(processes, plans, strict=True)
        ]
    if any(codes):
        raise CommandError(f"traffic processes failed; their exit codes: {codes}")
    decode = msgspec.json.Decoder(TrafficRecord).decode
    for number in range(len(plans)):
        with (folder / f"records-{number}.jsonl").open("rb") as file:
            traffic.records += [decode(line) for line in file]
    traffic.records.sort(key=lambda record: record.at)


def _exit_code(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
