"""The monolith's web process, `monolith.wsgi:app`: the one place of it that reads the environment."""

import os
import sys

from monolith.app import create_app
from monolith.config import MonolithConfig, load_or_exit
from monolith.shared.telemetry.logs import log_to
from monolith.wiring import wire

log_to(sys.stdout)
app = create_app(wire(load_or_exit(MonolithConfig.from_environment, os.environ)))
