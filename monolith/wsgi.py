"""The monolith's web process, `monolith.wsgi:app`: the only module of it that reads the environment."""

import os
import sys

from contracts.chassis.logs import log_to
from contracts.chassis.settings import load_or_exit
from monolith.app import create_app
from monolith.config import MonolithConfig
from monolith.wiring import wire

log_to(sys.stdout)
app = create_app(wire(load_or_exit("monolith", MonolithConfig.from_environment, os.environ)))
