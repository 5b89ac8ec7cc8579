"""The scenarios as an ordinary Locust file, for a product that is already running:

    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --side http --headless
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --scenario stampede  # web interface
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --processes 2 --headless

Several processes share one schedule.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

from pathlib import Path
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.runners import MasterRunner, WorkerRunner

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import LoadBusiness, read_business_file
from loadtests.generator.locust_user import OpenModelUser, ProcessLoad
from loadtests.generator.scenarios import SCENARIOS
from loadtests.generator.workload import (
    ANY_MODULE,
    HostRotation,
    Workload,
    business_states,
    seeded_random,
    shard_of,
    sign_in_all,
)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Add options to `locust --help` and to the start page of Locust's web interface."""
    parser.add_argument("--businesses", default=".data/load.json", help="The file written by `make load`.")
    parser.add_argument(
        "--side", default="in_process", choices=("in_process", "http"), help="Adapter of the businesses under load."
    )
    parser.add_argument("--scenario", default="peak_hour", choices=tuple(SCENARIOS), help="Shape of the load.")
    parser.add_argument("--seconds", type=float, default=60.0, help="Length of the run.")
    parser.add_argument("--rate", type=float, default=60.0, help="Scheduling requests a second at the peak.")
    parser.add_argument("--seed", type=int, default=1, help="Equal seeds give equal arrivals.")


@events.init.add_listener
def use_one_user_per_process(environment: Any, **_: Any) -> None:
    """Let the master spawn as many users as there are processes."""
    options = environment.parsed_options
    if isinstance(environment.runner, MasterRunner):
        PeakHour.fixed_count = _process_count(options)
        options.num_users = max(options.num_users or 0, PeakHour.fixed_count)


class PeakHour(OpenModelUser):
    """Sends the scenario of the options, or this process's shard of it."""

    def build_load(self) -> ProcessLoad:
        options = self.environment.parsed_options
        assert options is not None
        workload = Workload(
            scenario=options.scenario,
            rate=options.rate,
            seconds=options.seconds,
            seed=options.seed,
            hosts={ANY_MODULE: [str(self.host)]},
            businesses=sign_in_all(str(self.host), _read_businesses(Path(options.businesses), options.side)),
        )
        arrivals = workload.arrivals()
        runner = self.environment.runner
        index, shards = (runner.worker_index, _process_count(options)) if isinstance(runner, WorkerRunner) else (0, 1)
        return ProcessLoad(
            options.side,
            shard_of(arrivals, index % shards, shards),
            business_states(workload, arrivals),
            HostRotation(workload.hosts),
            seeded_random(options.seed + index),
        )


def _process_count(options: Any) -> int:
    return max(1, options.processes or 0, options.expect_workers or 0)


def _read_businesses(path: Path, side: str) -> list[LoadBusiness]:
    businesses = [business for business in read_business_file(path).businesses if business.side == side]
    if not businesses:
        raise LoadError(f"{path} has no business with the adapter {side}: `make load` opens one")
    return businesses
