"""The scheduling service's web, on SCHEDULING_PORT."""

# ruff: noqa: F401 (gunicorn reads its settings from the names in this file)

import os

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
    on_starting,
    threads,
    timeout,
    worker_class,
    worker_tmp_dir,
    workers,
)

bind = f"{host}:{os.environ.get('SCHEDULING_PORT', '8001')}"
proc_name = "scheduling-web"
# The monolith keeps its connections: a server that closes an idle one first fails the request that comes then.
keepalive = 75
