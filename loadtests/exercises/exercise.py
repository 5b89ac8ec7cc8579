"""An exercise: traffic, failure, recovery, ledger."""

import os
import time
from collections.abc import Callable
from typing import cast

import psycopg

from deploy.cli.options import current_actor
from deploy.control_plane import control_plane, scheduling_databases
from deploy.deployment import deployment_environment
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from loadtests.exercises.demo_processes import DemoProcesses
from loadtests.exercises.failures import FAILURES, SERVICE, ExerciseTarget
from loadtests.exercises.practice_traffic import BusinessLedger, PracticeTraffic
from loadtests.generator.api_client import LoadError
from loadtests.harness.demo_businesses import open_demo_businesses
from monolith.cutover.scheduling_flag import AdapterName

BEFORE_SECONDS = 3.0
AFTER_SECONDS = 4.0
LEDGER_SECONDS = 30.0
"""A database that just recovered may refuse connections for a moment."""


def run_exercise(name: str, say: Callable[[str], None]) -> list[BusinessLedger]:
    """Run the failure `name` in the demo of this folder, and return the ledger of each business that was booked.

    Raises CommandError.
    """
    environment = deployment_environment("monolith")
    data, host = read_settings(os.environ).data, environment["PUBLIC_URL"].rstrip("/")
    processes = DemoProcesses(data)
    processes.pid(SERVICE)
    with control_plane() as plane:
        if name == "kill-in-fence":
            plane.cutovers.require_replication()
        try:
            businesses = open_demo_businesses(plane, host, data, current_actor(), say)
            one_each = {cast(AdapterName, each.side): each for each in reversed(businesses)}
            traffic = PracticeTraffic(host, list(one_each.values()))
        except LoadError as error:
            raise CommandError(str(error)) from error
        target = ExerciseTarget(plane, processes, one_each, environment["SCHEDULING_SERVICE_URL"], say)
        _break_under_load(name, target, traffic, say)
    with control_plane() as plane:
        return _with_retries(lambda: traffic.ledgers(plane, scheduling_databases()))


def _break_under_load(name: str, target: ExerciseTarget, traffic: PracticeTraffic, say: Callable[[str], None]) -> None:
    say(f"booking at {', '.join(each.slug for each in traffic.businesses)}")
    with traffic.running():
        time.sleep(BEFORE_SECONDS)
        FAILURES[name](target)
        time.sleep(AFTER_SECONDS)
    say("comparing every acknowledged booking with the rows")


def _with_retries(read: Callable[[], list[BusinessLedger]]) -> list[BusinessLedger]:
    until = time.monotonic() + LEDGER_SECONDS
    while True:
        try:
            return read()
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise CommandError(f"the rows cannot be read: {' '.join(str(error).split())}") from error
            time.sleep(0.5)
