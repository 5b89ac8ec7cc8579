"""The failures. Each begins, and has ended when its function returns."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.errors import CommandError
from loadtests.exercises.demo_processes import DemoProcesses
from loadtests.generator.businesses import LoadBusiness
from monolith.cutover import failpoints
from monolith.cutover.readiness import readiness_probe
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName
from monolith.cutover.service import BatchStopped, ControlPlane, CutoverRequest, Selection
from monolith.cutover.service.wording import describe_move
from monolith.cutover.store.cutovers import Cutover

SERVICE: Final = "scheduling-web"
DATABASE: Final = "postgres-scheduling"
FROZEN_SECONDS: Final = 5.0
SLOW_SECONDS: Final = 8.0
RECOVERY_SECONDS: Final = 60.0
IN_THE_FENCE: Final = "after fence"
"""The failpoint at which the source's lease is fenced, and nothing is decided."""


@dataclass(frozen=True, slots=True)
class ExerciseTarget:
    """The target of a failure: the running demo, and the businesses that receive bookings."""

    plane: ControlPlane
    processes: DemoProcesses
    businesses: Mapping[AdapterName, LoadBusiness]
    service_url: str
    say: Callable[[str], None]


def kill_in_fence(target: ExerciseTarget) -> None:
    """Move a business, and kill the scheduling service while its writes are fenced."""
    business = target.businesses["in_process"]

    def on_step(step: str) -> None:
        if step == IN_THE_FENCE:
            target.processes.kill(SERVICE)
            target.say(f"{SERVICE} was killed while {business.slug} accepts no writes")

    def on_moved(slug: str, cutover: Cutover) -> None:
        target.say(f"{slug}: {describe_move(cutover)}")

    request = CutoverRequest(DATABASE_OF["http"], "exercise", "the service is killed inside the fence")
    failpoints.hook = on_step
    try:
        target.plane.cutovers.cut_over(request, Selection(business.slug), on_moved)
    except BatchStopped as stopped:
        target.say(f"the cutover was aborted, and nothing moved: {stopped.reason}")
    finally:
        failpoints.hook = None
    _await_service(target)


def slow_database(target: ExerciseTarget) -> None:
    """Let the scheduling service's database run about a fifth of the time."""
    target.say(f"{DATABASE} runs about a fifth of the time, for {SLOW_SECONDS:g} s")
    target.processes.slow_down(DATABASE, SLOW_SECONDS)


def partition(target: ExerciseTarget) -> None:
    """Stop the scheduling service without ending it: as in a partition, connections open and no reply arrives."""
    target.say(f"{SERVICE} accepts connections and does not reply, for {FROZEN_SECONDS:g} s")
    with target.processes.frozen(SERVICE):
        time.sleep(FROZEN_SECONDS)
    _await_service(target)


FAILURES: Final[Mapping[str, Callable[[ExerciseTarget], None]]] = {
    "kill-in-fence": kill_in_fence,
    "slow-database": slow_database,
    "partition": partition,
}


def _await_service(target: ExerciseTarget) -> None:
    """Wait until the service is ready again; the demo's supervisor restarts it. Raises CommandError."""
    probe, began = readiness_probe(target.service_url), time.monotonic()
    while (problem := probe("scheduling")) is not None:
        if time.monotonic() - began > RECOVERY_SECONDS:
            raise CommandError(f"the service did not recover within {RECOVERY_SECONDS:g} s: {problem}")
        time.sleep(0.1)
    target.say(f"the service is ready again after {time.monotonic() - began:.1f} s")
