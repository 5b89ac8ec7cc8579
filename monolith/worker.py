"""The worker process: `python -m monolith.worker`. Ends within five seconds of SIGTERM or SIGINT.

Follows scheduling's events, relays the in-process copy's outbox, sends mail and finishes what requests began; what runs
is put together in `wiring.build_worker`.
"""

import logging
import os
import sys

from contracts.chassis.logs import log_to
from contracts.chassis.loops import run, stop_on_signals
from contracts.chassis.settings import load_or_exit
from monolith import wiring
from monolith.config import WorkerConfig

log = logging.getLogger("monolith.worker")


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    worker = wiring.build_worker(load_or_exit("monolith", WorkerConfig.from_environment, os.environ))
    log.info("worker started")
    ended = run(worker, stop)
    log.info("worker stopped")
    if not ended:
        # A hanging loop must not keep the process alive: the next process repeats its step.
        logging.shutdown()
        os._exit(1)


if __name__ == "__main__":
    main()
