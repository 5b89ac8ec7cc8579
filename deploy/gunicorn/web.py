"""Settings that both web processes share. The file of each imports all of them and adds its port."""

import gc
import importlib
import logging
import os
import resource
import shutil
import socket
from pathlib import Path
from typing import Protocol

from prometheus_client import multiprocess

from contracts.chassis.readiness import Readiness
from contracts.chassis.served_application import served_application
from contracts.chassis.settings import load_or_exit
from deploy.gunicorn.draining import GunicornMaster, drain_before_stopping
from deploy.gunicorn.health import open_listener, serve_health
from deploy.gunicorn.settings import ServerSettings

log = logging.getLogger("gunicorn.error")

_settings = load_or_exit("gunicorn", ServerSettings.from_environment, os.environ)
host = _settings.host
workers = _settings.workers
threads = _settings.threads
# Threads, not greenlets: psycopg waits in C code, where one greenlet would block all others.
worker_class = "deploy.gunicorn.worker.AdmissionWorker"
# Heartbeat of a worker's main loop. It does not limit a request; the application's deadline does.
timeout = 30
# Time that running requests have to finish after the server stopped accepting.
graceful_timeout = 10
limit_request_line = 4_094
limit_request_fields = 50
limit_request_field_size = 8_190
# The proxies that the application trusts too. None unless an operator names it: no client can forge address or scheme.
forwarded_allow_ips = ",".join(map(str, _settings.trusted_proxies))
control_socket_disable = True
# A thread would wait for the client of a file without limit; other responses are sent by `ClientSocket`.
sendfile = False
# The application logs each request as JSON.
accesslog = None
errorlog = "-"
# Heartbeats are file times, which a busy disk would delay.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

_health_listener: socket.socket | None = None
"""Opened by the master, so that its worker processes share it."""

OPEN_FILES = 4096
"""Connections, at most 1,000 in each worker process, and what they need: more than the 1,024 of many systems."""
GC_THRESHOLD = 10_000
"""New containers per collection of the youngest generation; Python's default is 700."""


class GunicornWorker(Protocol):
    """The used part of gunicorn's worker."""

    pid: int
    alive: bool
    wsgi: object


def prepare_master(master: GunicornMaster, *modules: str) -> None:
    """Prepare the master before it forks workers: empty the metrics folder and import the application's modules.

    With WEB_DRAIN_SECONDS, SIGTERM drains before it stops.

    Imports have no side effects in this code base, so workers can share the imported modules: they start faster and
    use less memory. SIGHUP therefore forks the old code; new code needs a restart, or a new master by SIGUSR2. The
    latter keeps the metrics folder, because the workers of the old master still count in it.
    """
    global _health_listener
    _allow_open_files()
    if not master.master_pid:
        _clear_metrics_folder()
    if _settings.health_port is not None:
        _health_listener = open_listener(_settings.host, _settings.health_port)
    if _settings.drain_seconds:
        drain_before_stopping(master, _settings.drain_seconds)
    for module in modules:
        importlib.import_module(module)
    # A collection in a worker would write to the imported objects, and so unshare their pages.
    _freeze_heap()


def post_worker_init(worker: GunicornWorker | None) -> None:
    """Start to answer health checks. Exempt the loaded application from garbage collection, and collect less often.

    A full collection visits every container: with all modules and routes, it stopped a request for 60 ms. The objects
    of a long reply, none of them garbage before it is sent, would start several full collections.
    """
    _freeze_heap()
    gc.set_threshold(GC_THRESHOLD, 10, 10)
    if worker is not None and _health_listener is not None:
        served = served_application(worker.wsgi)
        serve_health(_health_listener, served.readiness if served else Readiness([]), worker)


def on_reload(server: object) -> None:
    """Log what SIGHUP does, which is less than in other deployments of gunicorn."""
    log.warning("SIGHUP restarts the workers with the loaded code and settings; to load new ones, restart the server")


def child_exit(server: object, worker: GunicornWorker) -> None:
    """Reset the gauges of a worker that ended; its counters are kept."""
    if _settings.metrics_folder:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _allow_open_files() -> None:
    """Raise the soft limit of open files as far as the hard one permits: a worker that has no more of them ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _freeze_heap() -> None:
    gc.collect()
    gc.freeze()


def _clear_metrics_folder() -> None:
    """Metrics are summed over files of all processes; remove those of earlier runs."""
    folder = _settings.metrics_folder
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
