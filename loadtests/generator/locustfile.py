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

from loadtests.generator.businesses import Business, LoadError, read_description
from loadtests.generator.locust_user import OpenArrivals, Part
from loadtests.generator.scenarios import SCENARIOS
from loadtests.generator.workload import EVERY_MODULE, Doors, Play, chance_of, people_of, share_of, sign_in_everybody


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


class PeakHour(OpenArrivals):
    """The hour that the options ask for, or this process's share of it."""

    def part(self) -> Part:
        options = self.environment.parsed_options
        assert options is not None
        play = Play(
            scenario=options.scenario,
            rate=options.rate,
            seconds=options.seconds,
            seed=options.seed,
            hosts={EVERY_MODULE: [str(self.host)]},
            opened=sign_in_everybody(str(self.host), _businesses(Path(options.businesses), options.side)),
        )
        arrivals = play.arrivals()
        runner = self.environment.runner
        index, shares = (runner.worker_index, _shares(options)) if isinstance(runner, WorkerRunner) else (0, 1)
        return Part(
            options.side,
            share_of(arrivals, index % shares, shares),
            people_of(play, arrivals),
            Doors(play.hosts),
            chance_of(options.seed + index),
        )


def _shares(options: Any) -> int:
    return max(1, options.processes or 0, options.expect_workers or 0)


def _businesses(description: Path, side: str) -> list[Business]:
    businesses = [business for business in read_description(description).businesses if business.side == side]
    if not businesses:
        raise LoadError(f"{description} names no business owned by {side}: `make load` opens one")
    return businesses
