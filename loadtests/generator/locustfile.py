"""The hours of this laboratory as an ordinary Locust file, for a product that runs:

    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --side http --headless
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --scenario stampede  # web interface
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --processes 2 --headless

With several processes each sends its share of one and the same schedule.
"""

# Locust and gevent annotate little of what they offer.
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
    """Shown by `locust -f loadtests/generator/locustfile.py --help` and on the start page of Locust's web UI."""
    parser.add_argument("--businesses", default=".data/load.json", help="The file that `make load` wrote.")
    parser.add_argument("--side", default="in_process", choices=("in_process", "http"), help="Whose businesses.")
    parser.add_argument("--scenario", default="peak_hour", choices=tuple(SCENARIOS), help="The hour to play.")
    parser.add_argument("--seconds", type=float, default=60.0, help="Length of the hour.")
    parser.add_argument("--rate", type=float, default=60.0, help="Scheduling requests a second at the peak.")
    parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same arrivals.")


@events.init.add_listener
def one_user_to_a_process(environment: Any, **_: Any) -> None:
    """The master hands out users: as many as there are processes to send a share each."""
    options = environment.parsed_options
    if isinstance(environment.runner, MasterRunner):
        PeakHour.fixed_count = _shares(options)
        options.num_users = max(options.num_users or 0, PeakHour.fixed_count)


class PeakHour(OpenModelUser):
    """The hour that the options ask for, or this process's share of it."""

    def part(self) -> ProcessLoad:
        options = self.environment.parsed_options
        assert options is not None
        play = Workload(
            scenario=options.scenario,
            rate=options.rate,
            seconds=options.seconds,
            seed=options.seed,
            hosts={ANY_MODULE: [str(self.host)]},
            opened=sign_in_all(str(self.host), _businesses(Path(options.businesses), options.side)),
        )
        arrivals = play.arrivals()
        runner = self.environment.runner
        index, shares = (runner.worker_index, _shares(options)) if isinstance(runner, WorkerRunner) else (0, 1)
        return ProcessLoad(
            options.side,
            shard_of(arrivals, index % shares, shares),
            business_states(play, arrivals),
            HostRotation(play.hosts),
            seeded_random(options.seed + index),
        )


def _shares(options: Any) -> int:
    return max(1, options.processes or 0, options.expect_workers or 0)


def _businesses(description: Path, side: str) -> list[LoadBusiness]:
    businesses = [business for business in read_business_file(description).businesses if business.side == side]
    if not businesses:
        raise LoadError(f"{description} names no business owned by {side}: `make load` opens one")
    return businesses
