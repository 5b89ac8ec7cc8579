"""The resident process of cutovers: `python -m monolith.cutover.resident`, one or several of them.

The keeper and the watchman, each in a thread of its own: a return that takes its time must not keep a fence shut. Ends
at SIGTERM or SIGINT.
"""

import logging
import os
import sys
from typing import NamedTuple

from contracts.chassis.logs import log_to
from contracts.chassis.loops import Loop, Worker, run, stop_on_signals
from contracts.chassis.settings import Environment, load_or_exit, secret, url
from monolith.cutover.answering import answers_at
from monolith.cutover.guards import Guards
from monolith.cutover.keeper import Keeper
from monolith.cutover.returning import Watchman
from monolith.cutover.sides import Place, Sides

log = logging.getLogger("monolith.cutover.resident")

KEEPER_SECONDS = 0.25
WATCHMAN_SECONDS = 0.5
RETURN_SHARE = 0.5
"""Whoever is served badly should not wait as long as whoever moves at leisure."""


class _Settings(NamedTuple):
    sides: Sides
    service_url: str


def settings_from(environment: Environment) -> _Settings:
    """Raises ConfigError."""
    example = "postgresql://host:port/database"
    sides = Sides(
        in_process=Place(
            "in_process",
            url(environment, "MONOLITH_DATABASE_URL", example),
            secret(environment, "MONOLITH_DATABASE_ROLE_SECRET"),
        ),
        http=Place(
            "http",
            url(environment, "SCHEDULING_DATABASE_URL", example),
            secret(environment, "SCHEDULING_DATABASE_ROLE_SECRET"),
        ),
    )
    return _Settings(sides, url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"))


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    settings = load_or_exit("cutover-keeper", settings_from, os.environ)
    keeper = Keeper(settings.sides)
    watchman = Watchman(settings.sides, Guards(settings.sides, answers_at(settings.service_url), share=RETURN_SHARE))
    loops = [
        Loop("keeper", keeper.step, KEEPER_SECONDS),
        Loop("watchman", watchman.step, WATCHMAN_SECONDS),
    ]
    if not run(Worker(loops, closing=[keeper.close, watchman.close]), stop):
        os._exit(1)


if __name__ == "__main__":
    main()
