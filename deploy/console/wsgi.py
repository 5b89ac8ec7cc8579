"""The console's web process, `deploy.console.wsgi:app`. `deploy/control_plane.py` reads the same environment."""

import os
import sys

from flask import Flask

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import require_direct
from contracts.chassis.logs import log_to
from contracts.chassis.settings import Environment, load_or_exit
from deploy.console.config import ConsoleConfig
from deploy.console.wiring import PLATFORM_ROLE, build_console
from monolith.cutover.databases import SCHEDULING_MOVER


def start(environment: Environment) -> Flask:
    """Read the settings and build the app. Raises ConfigError."""
    config = ConsoleConfig.from_environment(environment)
    require_direct(
        {
            "MONOLITH_DATABASE_DIRECT_URL": role_url(
                config.monolith_direct_url, PLATFORM_ROLE, config.monolith_role_secret
            ),
            "SCHEDULING_DATABASE_DIRECT_URL": role_url(
                config.scheduling_direct_url, SCHEDULING_MOVER, config.scheduling_role_secret
            ),
        }
    )
    return build_console(config)


log_to(sys.stdout)
app = load_or_exit("console", start, os.environ)
