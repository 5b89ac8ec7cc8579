"""The scheduling service's web, on SCHEDULING_PORT."""

# ruff: noqa: F401 (gunicorn reads its settings from the names in this file)

import os

from contracts.chassis.settings import load_or_exit
from deploy.gunicorn.web import (
    accesslog,
    begin,
    child_exit,
    control_socket_disable,
    errorlog,
    forwarded_allow_ips,
    graceful_timeout,
    host,
    limit_request_field_size,
    limit_request_fields,
    limit_request_line,
    threads,
    timeout,
    worker_class,
    worker_tmp_dir,
    workers,
)
from scheduling_service.config import WebConfig

bind = f"{host}:{os.environ.get('SCHEDULING_PORT', '8001')}"
proc_name = "scheduling-web"
# The monolith keeps its connections: a server that closes an idle one first fails the request that comes then.
keepalive = 75


def on_starting(server: object) -> None:
    """Refuse a wrong environment here, once: a worker that ends for it would be started again, without end."""
    load_or_exit("scheduling", WebConfig.from_environment, os.environ)
    begin("scheduling_service.web.app", "scheduling_service.engine.engine")
