"""The product behind PgBouncer with the shipped file, changed only in addresses. `tests/transaction_pooler.py` does
the same where no supported release is installed, and never gives a client the same session twice in a row."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import require_direct
from contracts.chassis.settings import ConfigError
from deploy.devstack.child import Child
from deploy.devstack.identity import postgres_identity
from deploy.devstack.ports import free_port
from tests.databases import Databases
from tests.pooled_product import use_engine_and_modules
from tests.servers import ROOT

pytestmark = pytest.mark.tools

SHIPPED = ROOT / "deploy/ha/pgbouncer.ini"
SUPPORTED = (1, 22)


def supported_program() -> Path:
    """Return the path of PgBouncer. Without a supported release the test is skipped, in CI too: Debian has none."""
    found = shutil.which("pgbouncer", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if found is None:
        pytest.skip("pgbouncer is not installed: 1.22 or newer, from its project's packages or source")
    printed = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"PgBouncer (\d+)\.(\d+)", printed)
    assert version is not None, printed
    if (int(version[1]), int(version[2])) < SUPPORTED:
        pytest.skip(f"{version[0]} is too old: 1.22 or newer is needed")
    return Path(found)


class PgBouncer(Child):
    """One pooler in front of a database. `port` is its own."""

    def __init__(self, path: Path, folder: Path, admin_url: str) -> None:
        super().__init__("pgbouncer", folder / "pgbouncer.log")
        self.port = free_port()
        self._program = path
        self._folder = folder
        self._admin_url = admin_url

    def _prepare(self) -> None:
        server = urlsplit(self._admin_url)
        text = SHIPPED.read_text()
        for pattern, value in (
            (r"^monolith = .*$", f"monolith = host={server.hostname} port={server.port} dbname={server.path[1:]}"),
            (r"^listen_port = .*$", f"listen_port = {self.port}"),
            (r"^auth_file = .*$", f"auth_file = {self._folder / 'userlist.txt'}"),
        ):
            text, changed = re.subn(pattern, value, text, flags=re.MULTILINE)
            assert changed == 1, pattern
        (self._folder / "pgbouncer.ini").write_text(text)
        (query,) = re.findall(r"(SELECT rolname, rolpassword .*)\.$", text, re.MULTILINE)
        with psycopg.connect(self._admin_url) as db:
            users = db.execute(query.encode()).fetchall()
        assert len(users) > 1
        (self._folder / "userlist.txt").write_text("".join(f'"{name}" "{verifier}"\n' for name, verifier in users))
        # As Postgres, it refuses to run as root.
        postgres_identity(self._program).take_ownership(self._folder)

    def _prefix(self) -> Sequence[str]:
        return postgres_identity(self._program).prefix

    def _command(self) -> Sequence[str]:
        return [str(self._program), str(self._folder / "pgbouncer.ini")]

    def _is_ready(self) -> bool:
        return b"process up" in self.log.read_bytes()


@pytest.fixture
def pooled_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "pgbouncer"
    folder.mkdir()
    with PgBouncer(supported_program(), folder, databases.monolith_admin_url) as pooler:
        yield urlsplit(databases.monolith_url)._replace(netloc=f"127.0.0.1:{pooler.port}", path="/monolith").geturl()


def test_engine_and_modules_work_behind_pgbouncer(databases: Databases, pooled_url: str) -> None:
    use_engine_and_modules(databases, pooled_url)


def test_a_prepared_statement_follows_its_client_to_another_session(databases: Databases, pooled_url: str) -> None:
    url = role_url(pooled_url, "auth_app", databases.role_secret)
    query = "SELECT pg_backend_pid(), current_setting('statement_timeout')"
    with psycopg.connect(url, autocommit=True) as client, psycopg.connect(url) as other:
        first = client.execute(query, prepare=True).fetchone()
        # The other client keeps that session, since its transaction stays open.
        occupied = other.execute("SELECT pg_backend_pid()").fetchone()
        second = client.execute(query, prepare=True).fetchone()
    assert first is not None
    assert second is not None
    assert occupied == (first[0],)
    assert first[0] != second[0]
    assert first[1] == second[1] == "10s", "the limits of the role hold in each session"


def test_pgbouncer_as_a_direct_url_is_refused(databases: Databases, pooled_url: str) -> None:
    url = role_url(pooled_url, "auth_app", databases.role_secret)
    with pytest.raises(ConfigError, match="MONOLITH_DATABASE_DIRECT_URL leads to a connection pooler"):
        require_direct({"MONOLITH_DATABASE_DIRECT_URL": url})
