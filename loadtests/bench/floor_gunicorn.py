"""Gunicorn settings of the floors: those of the monolith, without its start-up hooks."""

# ruff: noqa: F401 (gunicorn reads its settings from the names in this file)

from deploy.gunicorn.monolith import bind, keepalive
from deploy.gunicorn.web import (
    accesslog,
    control_socket_disable,
    errorlog,
    forwarded_allow_ips,
    graceful_timeout,
    limit_request_field_size,
    limit_request_fields,
    limit_request_line,
    threads,
    timeout,
    worker_class,
    worker_tmp_dir,
    workers,
)
