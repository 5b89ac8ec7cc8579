"""The state of event delivery: outboxes, the stream, its consumers and their dead letters."""

from typing import Any, NamedTuple

import psycopg
import redis

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import connect_directly
from contracts.chassis.redis_client import connect
from contracts.scheduling.events import STREAM
from contracts.scheduling.values import DatabaseName
from deploy.console.config import ConsoleConfig
from deploy.control_plane import scheduling_databases
from deploy.dead_letters import CONSUMERS
from monolith.cutover.databases import SchedulingDatabases
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.events.dead_letters import DeadLetters
from scheduling_service.relay.outbox import ROLE, Backlog, read_backlog


class ConsumerState(NamedTuple):
    """`waiting` entries were not delivered yet, `pending` ones were delivered but not acknowledged; None: unknown."""

    name: str
    waiting: int | None
    pending: int
    dead: int


class EventState(NamedTuple):
    """`outboxes` is None for a database that cannot be read; `problems` say why something is missing."""

    outboxes: dict[DatabaseName, Backlog | None]
    entries: int | None
    consumers: tuple[ConsumerState, ...]
    problems: tuple[str, ...]


class EventReader:
    """Reads the state with connections that stay open. Not thread-safe."""

    def __init__(self, config: ConsoleConfig) -> None:
        self._urls: dict[DatabaseName, str] = {
            "monolith": role_url(config.monolith_direct_url, ROLE, config.monolith_role_secret),
            "scheduling": role_url(config.scheduling_direct_url, ROLE, config.scheduling_role_secret),
        }
        self._databases: SchedulingDatabases | None = None
        self._open: dict[DatabaseName, psycopg.Connection] = {}
        self._letters = {
            name: DeadLetters(
                ModuleDatabase(
                    config.monolith_database_url, role=f"{name}_app", secret=config.monolith_role_secret, pool_size=1
                ),
                name,
            )
            for name in CONSUMERS
        }
        self._redis = connect(config.redis_url) if config.redis_url else None

    def read(self) -> EventState:
        """Return what can be read; each unreachable part is a problem, not an error."""
        problems: list[str] = []
        outboxes = {name: self._backlog(name, url, problems) for name, url in self._outbox_urls().items()}
        entries, groups = self._stream(problems)
        consumers = tuple(self._consumer(name, groups.get(name), problems) for name in CONSUMERS)
        return EventState(outboxes, entries, consumers, tuple(problems))

    def _outbox_urls(self) -> dict[DatabaseName, str]:
        """Return the URLs of the databases of the settings, and of those that are registered."""
        self._databases = self._databases or scheduling_databases()
        try:
            further = [name for name in self._databases.names if name not in self._urls]
        except psycopg.OperationalError:
            return self._urls
        return {**self._urls, **{name: self._databases.at(name).url_as(ROLE) for name in further}}

    def _backlog(self, name: DatabaseName, url: str, problems: list[str]) -> Backlog | None:
        try:
            if name not in self._open:
                self._open[name] = connect_directly(
                    url, autocommit=True, connect_timeout=2, options="-c statement_timeout=3000"
                )
            return read_backlog(self._open[name])
        except psycopg.Error as error:
            broken = self._open.pop(name, None)
            if broken is not None:
                broken.close()
            problems.append(f"the outbox of the {name} database cannot be read ({_line(error)})")
            return None

    def _stream(self, problems: list[str]) -> tuple[int | None, dict[str, dict[str, Any]]]:
        if self._redis is None:
            problems.append("REDIS_URL is not set, so the stream cannot be read")
            return None, {}
        try:
            groups = self._redis.xinfo_groups(STREAM)
            return int(self._redis.xlen(STREAM)), {each["name"].decode(): each for each in groups}
        except redis.ResponseError:
            return 0, {}  # No event was published yet.
        except redis.RedisError as error:
            problems.append(f"Redis cannot be reached ({_line(error)})")
            return None, {}

    def _consumer(self, name: str, group: dict[str, Any] | None, problems: list[str]) -> ConsumerState:
        waiting = None if group is None else group.get("lag")
        pending = 0 if group is None else int(group["pending"])
        try:
            dead = self._letters[name].count()
        except DatabaseUnavailable as error:
            problems.append(f"the dead letters of {name} cannot be read ({_line(error)})")
            dead = 0
        return ConsumerState(name, None if waiting is None else int(waiting), pending, dead)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
