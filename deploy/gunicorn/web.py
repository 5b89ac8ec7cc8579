"""What both webs have in common. Each file beside this one adds its port and imports these by name."""

import importlib
import os
import shutil
from pathlib import Path
from typing import Protocol

from prometheus_client import multiprocess

host = os.environ.get("WEB_HOST", "127.0.0.1")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# Threads, not greenlets: psycopg waits in C, where a greenlet would stop all others.
worker_class = "gthread"
# The heartbeat of a worker's main loop; it does not bound a request, the deadline in the application does.
timeout = 30
# Requests under way when SIGTERM comes have this long to finish.
graceful_timeout = 10
limit_request_line = 4_094
limit_request_fields = 50
limit_request_field_size = 8_190
# No proxy is trusted unless an operator names it here; nothing may claim to be another address or scheme.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "")
control_socket_disable = True
# The application logs each request as JSON.
accesslog = None
errorlog = "-"
# Heartbeats are file times; on a busy disk they would come late.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


class GunicornWorker(Protocol):
    """As far as it concerns us."""

    pid: int


def begin(*modules: str) -> None:
    """What the master does before it forks workers; each web's `on_starting` names the modules of its application.

    Importing does no work and opens nothing here, so workers share what is imported: they start sooner and weigh less.
    The price is that new code needs a restart; SIGHUP would fork the old.
    """
    _forget_old_figures()
    for module in modules:
        importlib.import_module(module)


def child_exit(server: object, worker: GunicornWorker) -> None:
    """A worker that is gone has no requests under way; what it counted stays counted."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _forget_old_figures() -> None:
    """The figures of all workers are added up from files; those of processes that are gone are no longer wanted."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True)
