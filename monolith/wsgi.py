"""The monolith's web process, `monolith.wsgi:app`: the only module of it that reads the environment."""

import os
import sys

from flask import Flask

from contracts.chassis.direct_connection import require_direct
from contracts.chassis.logs import log_to
from contracts.chassis.settings import Environment, load_or_exit
from contracts.chassis.tracing import start_tracing
from monolith.app import create_app
from monolith.config import MonolithConfig, direct_logins
from monolith.wiring import wire


def start(environment: Environment) -> Flask:
    """Read the settings and build the app. Raises ConfigError."""
    config = MonolithConfig.from_environment(environment)
    require_direct(direct_logins(config))
    start_tracing(config.tracing, "monolith-web")
    return create_app(wire(config))


log_to(sys.stdout)
app = load_or_exit("monolith", start, os.environ)
