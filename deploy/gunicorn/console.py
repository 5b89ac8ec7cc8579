"""Gunicorn settings of the operator console, on CONSOLE_PORT."""

import os

from contracts.chassis.settings import load_or_exit
from deploy.console.config import ConsoleConfig
from deploy.gunicorn.draining import GunicornMaster
from deploy.gunicorn.settings import console_port
from deploy.gunicorn.web import *  # noqa: F403 (gunicorn reads its settings from the names in this file)
from deploy.gunicorn.web import host, prepare_master

bind = f"{host}:{load_or_exit('console', console_port, os.environ)}"
proc_name = "console"
# One process makes each snapshot once for all browsers. A browser holds a thread for as long as a page is open.
workers = 1
threads = 64
keepalive = 5
# Open event streams would otherwise delay the end by the default.
graceful_timeout = 2


def on_starting(server: GunicornMaster) -> None:
    """Exit for an invalid environment: a worker that exited would be restarted endlessly."""
    load_or_exit("console", ConsoleConfig.from_environment, os.environ)
    prepare_master(server, "deploy.console.wiring")
