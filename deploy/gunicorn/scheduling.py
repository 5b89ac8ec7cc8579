"""Gunicorn settings of the scheduling service, on SCHEDULING_PORT."""

# ruff: noqa: F401 (gunicorn reads its settings from the names in this file)

import os

from contracts.chassis.settings import load_or_exit
from deploy.gunicorn.web import (
    accesslog,
    child_exit,
    control_socket_disable,
    errorlog,
    forwarded_allow_ips,
    graceful_timeout,
    host,
    limit_request_field_size,
    limit_request_fields,
    limit_request_line,
    prepare_master,
    threads,
    timeout,
    worker_class,
    worker_tmp_dir,
    workers,
)
from scheduling_service.config import WebConfig

bind = f"{host}:{os.environ.get('SCHEDULING_PORT', '8001')}"
proc_name = "scheduling-web"
# Longer than the monolith keeps idle connections: closing one first would fail a request sent at the same time.
keepalive = 75


def on_starting(server: object) -> None:
    """Exit for an invalid environment: a worker that exited would be restarted endlessly."""
    load_or_exit("scheduling", WebConfig.from_environment, os.environ)
    prepare_master("scheduling_service.web.app", "scheduling_service.engine.engine")
