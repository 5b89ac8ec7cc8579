"""Processes of traffic beside the product, and what they wrote down."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.harness.traffic.open_loop import TrafficPlan, TrafficRecord

_PATIENCE = 60.0


@dataclass
class Traffic:
    """`records` are there when the traffic has ended, by time."""

    records: list[TrafficRecord] = field(default_factory=list)


@contextmanager
def running_traffic(plans: Sequence[TrafficPlan], folder: Path, *, warm_up: float = 1.0) -> Iterator[Traffic]:
    """One process for each plan while the block lasts. Raises CommandError when one of them fails."""
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
        codes = [_ended(process) for process in processes]
    if any(codes):
        raise CommandError(f"a process of traffic ended with {codes}")
    decode = msgspec.json.Decoder(TrafficRecord).decode
    for number in range(len(plans)):
        with (folder / f"records-{number}.jsonl").open("rb") as file:
            traffic.records += [decode(line) for line in file]
    traffic.records.sort(key=lambda record: record.at)


def _ended(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
