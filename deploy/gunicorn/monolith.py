"""The monolith's web, on MONOLITH_PORT."""

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
from monolith.config import MonolithConfig

bind = f"{host}:{os.environ.get('MONOLITH_PORT', '8000')}"
proc_name = "monolith-web"
# Long enough for the requests of one page.
keepalive = 5


def on_starting(server: object) -> None:
    """Refuse a wrong environment here, once: a worker that ends for it would be started again, without end."""
    config = load_or_exit("monolith", MonolithConfig.from_environment, os.environ)
    begin("monolith.app", "monolith.wiring", *config.preloaded)
