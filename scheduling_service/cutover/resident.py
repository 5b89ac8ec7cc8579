"""The resident process of cutovers: `python -m scheduling_service.cutover.resident`, one or several of them.

The keeper and the watchman, each in a thread of its own: a return that takes its time must not keep a fence shut. Ends
at SIGTERM or SIGINT.
"""

import logging
import os
import signal
import sys
import threading
from typing import NamedTuple

from scheduling_service.cutover.answering import answers_at
from scheduling_service.cutover.guards import Guards
from scheduling_service.cutover.keeper import Keeper
from scheduling_service.cutover.returning import Watchman
from scheduling_service.cutover.sides import Place, Sides
from scheduling_service.environment import Environment, load_or_exit, secret, url
from scheduling_service.logs import log_to
from scheduling_service.timing import repeat_whatever_comes

log = logging.getLogger("scheduling_service.cutover.resident")

KEEPER_SECONDS = 0.25
WATCHMAN_SECONDS = 0.5
RETURN_SHARE = 0.5
"""Whoever is served badly should not wait as long as whoever moves at leisure."""
_PATIENCE = 4.0


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
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    settings = load_or_exit("cutover-keeper", settings_from, os.environ)
    keeper = Keeper(settings.sides)
    watchman = Watchman(settings.sides, Guards(settings.sides, answers_at(settings.service_url), share=RETURN_SHARE))
    watching = threading.Thread(
        target=repeat_whatever_comes, args=("watchman", watchman.step, WATCHMAN_SECONDS, stop, log), daemon=True
    )
    watching.start()
    try:
        repeat_whatever_comes("keeper", keeper.step, KEEPER_SECONDS, stop, log)
    finally:
        stop.set()
        watching.join(_PATIENCE)
        keeper.close()
        watchman.close()


if __name__ == "__main__":
    main()
