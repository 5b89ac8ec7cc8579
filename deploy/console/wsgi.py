"""The console's web process, `deploy.console.wsgi:app`. `deploy/control_plane.py` reads the same environment."""

import os
import sys

from contracts.chassis.logs import log_to
from contracts.chassis.settings import load_or_exit
from deploy.console.config import ConsoleConfig
from deploy.console.wiring import build_console

log_to(sys.stdout)
app = build_console(load_or_exit("console", ConsoleConfig.from_environment, os.environ))
