"""Run a command of `extraction` that kills itself at a failpoint: `python -m tests.e2e.dying_command FAILPOINT ...`."""

import os
import signal
import sys

from deploy.cli.main import main
from monolith.cutover import failpoints


def _die_at(failpoint: str) -> None:
    def hook(reached: str) -> None:
        if reached == failpoint:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.hook = hook


if __name__ == "__main__":
    _die_at(sys.argv.pop(1))
    main()
