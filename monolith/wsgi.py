"""The monolith's web process, `monolith.wsgi:app`: the one place of it that reads the environment."""

import os
import sys

from monolith.app import create_app
from monolith.config import MonolithConfig
from monolith.wiring import wire
from scheduling_service.environment import load_or_exit
from scheduling_service.logs import log_to

log_to(sys.stdout)
app = create_app(wire(load_or_exit("monolith", MonolithConfig.from_environment, os.environ)))
