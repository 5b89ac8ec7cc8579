"""The servers under the tests: two Postgres, one Valkey, started once per run and shared by all its workers.

The first test that needs them starts `python -m tests.servers FOLDER`, which lives as long as somebody
holds the lock on FOLDER/run. The process that started pytest holds it; however that ends, even by `kill
-9`, the servers go too. Servers named by MONOLITH_DATABASE_URL, SCHEDULING_DATABASE_URL or REDIS_URL are
used in place of ours.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from deploy.databases.histories import Target, monolith, scheduling
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.valkey import ValkeyServer

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 20.0
REDIS_DATABASES = 1000


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are. A template is a migrated database to copy; nobody may connect to it."""

    monolith_template_url: str
    scheduling_template_url: str
    redis_url: str
    redis_databases: int
    role_secret: str


def hold_run(folder: Path) -> IO[str]:
    """Let the servers of this run live until the file returned is closed."""
    run = (folder / "run").open("w")
    fcntl.flock(run, fcntl.LOCK_EX)
    return run


def obtain(folder: Path) -> Servers:
    """The servers of this run, started by whoever asks first."""
    with (folder / "starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not _described(folder).exists():
            _start(folder)
    return Servers(**json.loads(_described(folder).read_text()))


def end_run(run: IO[str], folder: Path) -> None:
    """Stop the servers, if any were started, and remove the folder."""
    run.close()
    deadline = time.monotonic() + STOP_SECONDS
    while _described(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Start the servers, describe them in FOLDER, and serve until the run is over."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _servers(folder) as servers:
        unfinished = folder / "servers.unfinished"
        unfinished.write_text(json.dumps(asdict(servers)))
        unfinished.rename(_described(folder))
        with (folder / "run").open("r+") as run:
            fcntl.flock(run, fcntl.LOCK_EX)
    shutil.rmtree(folder, ignore_errors=True)


def _described(folder: Path) -> Path:
    return folder / "servers.json"


def _start(folder: Path) -> None:
    log = folder / "servers.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers", str(folder)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not _described(folder).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the test servers did not start:\n{log.read_text()}")
        time.sleep(0.02)


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    role_secret = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        redis_url, redis_databases = _redis(folder, stack)
        ours = [
            PostgresServer(folder / name, name=name, durable=False) for name in ("monolith", "scheduling")
        ]
        urls = [os.environ.get(f"{server.name.upper()}_DATABASE_URL") for server in ours]
        needed = [server for server, url in zip(ours, urls, strict=True) if not url]
        for server in needed:
            server.launch()
            stack.callback(server.stop)
        for server in needed:
            server.wait_until_ready()
        server_urls = [url or server.admin_url() for server, url in zip(ours, urls, strict=True)]
        suffix = secrets.token_hex(4)
        templates = [
            monolith(_database(server_urls[0], f"template_monolith_{suffix}"), role_secret),
            scheduling(_database(server_urls[1], f"template_scheduling_{suffix}"), role_secret),
        ]
        for template in templates:
            stack.callback(_drop_template, template)
            _make_template(template)
        yield Servers(templates[0].url, templates[1].url, redis_url, redis_databases, role_secret)


def _redis(folder: Path, stack: contextlib.ExitStack) -> tuple[str, int]:
    given = os.environ.get("REDIS_URL")
    if given:
        return given, 16
    server = stack.enter_context(ValkeyServer(folder / "valkey", durable=False, databases=REDIS_DATABASES))
    return server.url(), REDIS_DATABASES


def _make_template(template: Target) -> None:
    set_up(template)
    _alter(template, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false")


def _drop_template(template: Target) -> None:
    _alter(template, "DROP DATABASE IF EXISTS {} WITH (FORCE)")


def _alter(template: Target, statement: str) -> None:
    name = urlsplit(template.url).path.removeprefix("/")
    with psycopg.connect(_database(template.url, "postgres"), autocommit=True) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))


def _database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


if __name__ == "__main__":
    main()
