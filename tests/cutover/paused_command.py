"""Run a command of `extraction` that stops itself once it has ended replication, until it gets SIGCONT:

python -m tests.cutover.paused_command ARGUMENTS
"""

import os
import signal

from deploy.cli.main import main
from monolith.cutover import replication
from monolith.cutover.databases import DatabasePair

_stop = replication.stop


def _stop_and_pause(pair: DatabasePair) -> list[str]:
    left = _stop(pair)
    os.kill(os.getpid(), signal.SIGSTOP)
    return left


if __name__ == "__main__":
    replication.stop = _stop_and_pause
    main()
