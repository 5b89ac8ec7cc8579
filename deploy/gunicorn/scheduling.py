"""Gunicorn settings of the scheduling service, on SCHEDULING_PORT."""

import os

from contracts.chassis.settings import load_or_exit
from deploy.gunicorn.draining import GunicornMaster
from deploy.gunicorn.settings import scheduling_port
from deploy.gunicorn.web import *  # noqa: F403 (gunicorn reads its settings from the names in this file)
from deploy.gunicorn.web import host, prepare_master
from scheduling_service.config import WebConfig

bind = f"{host}:{load_or_exit('scheduling', scheduling_port, os.environ)}"
proc_name = "scheduling-web"
# Longer than the monolith keeps idle connections: closing one first would fail a request sent at the same time.
keepalive = 75


def on_starting(server: GunicornMaster) -> None:
    """Exit for an invalid environment: a worker that exited would be restarted endlessly."""
    load_or_exit("scheduling", WebConfig.from_environment, os.environ)
    prepare_master(server, "scheduling_service.web.app", "scheduling_service.engine.engine")
