"""Do the planned faults to a running deployment."""

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil
import psycopg

from tests.cutover.deployment import Deployment
from tests.faults.proxy import Cut, Delay, TcpProxy
from tests.soak.schedule import FaultName, PlannedFault

_DISK = "8m"
_TABLESPACE = "soak_disk"


class FaultInjector:
    """Injects one fault at a time. `say` receives a line about each."""

    def __init__(self, deployment: Deployment, seed: int, say: Callable[[str], None]) -> None:
        self._deployment = deployment
        self._chance = random.Random(seed)
        self._say = say
        self.counts: dict[str, int] = {}
        self.disk: SmallDisk | None = None

    def inject(self, fault: PlannedFault) -> None:
        """Inject the fault and return when it is over. A killed process may still be restarting."""
        action = self._actions()[fault.name]
        self._say(f"{fault.at:7.1f} s  {fault.name}, {fault.seconds:g} s")
        action(fault.seconds)
        self.counts[fault.name] = self.counts.get(fault.name, 0) + 1

    def _actions(self) -> Mapping[FaultName, Callable[[float], None]]:
        deployment = self._deployment
        return {
            "kill monolith worker": lambda _: deployment.kill("monolith web"),
            "kill scheduling worker": lambda _: deployment.kill("scheduling web"),
            "kill monolith Postgres": lambda _: deployment.kill("monolith Postgres"),
            "kill scheduling Postgres": lambda _: deployment.kill("scheduling Postgres"),
            "pause monolith worker": lambda seconds: pause(workers(deployment, "monolith"), seconds),
            "pause scheduling worker": lambda seconds: pause(workers(deployment, "scheduling"), seconds),
            "pause monolith Postgres": lambda seconds: pause(server(deployment, "monolith"), seconds),
            "pause scheduling Postgres": lambda seconds: pause(server(deployment, "scheduling"), seconds),
            "partition service": partial(partition, deployment.service),
            "partition replication to scheduling": partial(partition, deployment.replication["monolith"]),
            "partition replication to monolith": partial(partition, deployment.replication["scheduling"]),
            "lose replies of the service": self._lose_replies,
            "delay replies of the service": self._delay_replies,
            "full disk": self._fill_disk,
        }

    def _lose_replies(self, seconds: float) -> None:
        """TCP repeats lost packets, so an application sees the loss as delays, and as connections that end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._deployment.service.inject(*(Cut(self._chance.choice([0, 40]), reset=True) for _ in range(2)))
            time.sleep(self._chance.uniform(0.02, 0.1))
        self._deployment.service.clear()

    def _delay_replies(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._deployment.service.inject(Delay(self._chance.uniform(0.05, 0.8)))
            time.sleep(self._chance.uniform(0.02, 0.1))
        self._deployment.service.clear()

    def _fill_disk(self, seconds: float) -> None:
        if self.disk is not None:
            self.disk.fill(seconds)


def workers(deployment: Deployment, name: str) -> list[int]:
    master = psutil.Process(deployment.webs[name].pid)  # type: ignore[no-untyped-call]
    return [child.pid for child in master.children()]  # type: ignore[no-untyped-call]


def server(deployment: Deployment, name: str) -> list[int]:
    """Return the processes of a database server; none while it is being restarted."""
    pid = deployment.servers.postgres[name].pid
    if pid is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(pid)  # type: ignore[no-untyped-call]
        return [pid, *(child.pid for child in postmaster.children(recursive=True))]  # type: ignore[no-untyped-call]
    return []


def pause(pids: list[int], seconds: float) -> None:
    """Stop the processes and continue them."""
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def partition(proxy: TcpProxy, seconds: float) -> None:
    with proxy.unreachable():
        time.sleep(seconds)


class SmallDisk:
    """The appointments of the service's database on a file system of 8 MiB that can be filled."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url

    def fill(self, seconds: float) -> None:
        """Leave no room for a new page, for a while. Without effect while the server is being restarted."""
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._url, autocommit=True) as db:
            try:
                for rows in (400, 50, 5, 1):
                    with contextlib.suppress(psycopg.errors.DiskFull):
                        while True:
                            db.execute(
                                "INSERT INTO public.filler SELECT repeat('x', 7000) FROM generate_series(1, %s)",
                                (rows,),
                            )
                time.sleep(seconds)
            finally:
                db.execute("TRUNCATE public.filler")


@contextlib.contextmanager
def small_disk(deployment: Deployment) -> Iterator[SmallDisk | None]:
    """Move the appointments to a small disk within the block; None where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="soak_disk_"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "extraction-soak", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        yield None
        return
    url = deployment.servers.target("scheduling").url
    try:
        with psycopg.connect(url, autocommit=True) as db:
            [(data,)] = db.execute("SHOW data_directory").fetchall()
            owner = Path(data).stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
            db.execute(f"CREATE TABLESPACE {_TABLESPACE} LOCATION '{folder}'".encode())
            db.execute(f"CREATE UNLOGGED TABLE public.filler (text text) TABLESPACE {_TABLESPACE}".encode())
            db.execute(f"ALTER TABLE scheduling.appointment SET TABLESPACE {_TABLESPACE}".encode())
        yield SmallDisk(url)
    finally:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as db:
            db.execute("DROP TABLE IF EXISTS public.filler")
            db.execute("ALTER TABLE scheduling.appointment SET TABLESPACE pg_default")
            db.execute(f"DROP TABLESPACE IF EXISTS {_TABLESPACE}".encode())
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
