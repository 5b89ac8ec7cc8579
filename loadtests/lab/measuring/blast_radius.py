"""The blast radius: who is not served while nothing, or one part of an arm, fails or is deployed.

Each fault begins a few seconds into 20 s of moderate load on freshly started servers, and ends before the load does, so
that a cell is the share of the people who came to a module during these 20 s and were not answered properly in time.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from loadtests.lab.measuring.faults import FAULTS, inject_fault
from loadtests.lab.measuring.generator_process import read_run_files, running_generator, workload_of
from loadtests.lab.measuring.measurement import MeasuredArm, begin_together
from loadtests.lab.measuring.rig import ProductRig
from loadtests.lab.measuring.subject import Load
from loadtests.lab.planning.scenario import FaultName
from loadtests.lab.results.model import BlastCell
from loadtests.lab.results.summary import summarize_modules

LOAD_SECONDS: Final = 20.0


def measure_blast_radius(
    rig: ProductRig, arm: str, rate: float, faults: Sequence[FaultName] = tuple(FAULTS)
) -> list[BlastCell]:
    """Return the cells of one arm: every fault under 20 s of load at this rate, on servers started for it.

    Raises CommandError, also where a server does not start again.
    """
    load = Load(scenario=rig.scenario, rate=rate, seconds=LOAD_SECONDS, seed=1)
    cells: list[BlastCell] = []
    for fault in faults:
        with rig.running(arm) as running, tempfile.TemporaryDirectory() as folder:
            (measured,) = running.arms
            cells += _measure(measured, load, fault, Path(folder))
    return cells


def _measure(arm: MeasuredArm, load: Load, fault: FaultName, folder: Path) -> Iterator[BlastCell]:
    workload = workload_of(load, arm.running.hosts, arm.businesses)
    with running_generator(workload, folder, arm.servers.cores) as generator:
        begin_together([generator])
        generator.wait_for_start()
        inject_fault(fault, arm.running)
        generator.wait_for_end()
    rows, _ = read_run_files(folder)
    counted = [row.as_row(arm.name) for row in rows if row.due >= 0]
    for module, result in summarize_modules(counted, load.scenario.promises.limits_ms).items():
        share = result.missed / result.arrivals if result.arrivals else 0.0
        yield BlastCell(arm=arm.name, fault=fault, module=module, not_served=share, arrivals=result.arrivals)
