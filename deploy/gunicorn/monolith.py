"""Gunicorn settings of the monolith, on MONOLITH_PORT."""

import os

from contracts.chassis.settings import load_or_exit
from deploy.gunicorn.draining import GunicornMaster
from deploy.gunicorn.settings import monolith_port
from deploy.gunicorn.web import *  # noqa: F403 (gunicorn reads its settings from the names in this file)
from deploy.gunicorn.web import host, prepare_master
from monolith.config import MonolithConfig

bind = f"{host}:{load_or_exit('monolith', monolith_port, os.environ)}"
proc_name = "monolith-web"
# Covers the requests of one page.
keepalive = 5


def on_starting(server: GunicornMaster) -> None:
    """Exit for an invalid environment: a worker that exited would be restarted endlessly."""
    config = load_or_exit("monolith", MonolithConfig.from_environment, os.environ)
    prepare_master(server, "monolith.app", "monolith.wiring", *config.preloaded)
