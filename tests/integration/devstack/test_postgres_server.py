"""The embedded Postgres server: created once, fast to restart, undamaged by `kill -9`."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.devstack import identity, postgres
from deploy.devstack.identity import AS_NOBODY, IN_A_USER_NAMESPACE, Identity
from deploy.devstack.postgres import PostgresServer
from deploy.errors import CommandError, PortInUseError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path / "postgres") as server:
        yield server


def test_server_has_the_settings_that_the_product_and_the_cutover_need(server: PostgresServer) -> None:
    expected = {
        "listen_addresses": "127.0.0.1",
        "wal_level": "logical",
        "fsync": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "pg_stat_statements",
    }
    with psycopg.connect(server.admin_url()) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone() for name in expected}
    assert shown == {name: (value,) for name, value in expected.items()}


def test_every_connection_requires_a_password(server: PostgresServer) -> None:
    with psycopg.connect(server.admin_url()) as connection:
        ways = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert ways == [("scram-sha-256",)]
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")
    assert (server.folder / "password").stat().st_mode & 0o777 == 0o600


def test_restart_keeps_the_data(server: PostgresServer) -> None:
    write(server, 1)
    server.stop()
    begun = time.monotonic()
    server.start()
    assert time.monotonic() - begun < 5
    assert read(server) == [1]


@pytest.mark.row("F17")
def test_committed_data_survives_kill_9_and_an_immediate_restart(server: PostgresServer) -> None:
    for number in range(3):
        write(server, number)
        server.kill()
        server.start()
        assert read(server) == list(range(number + 1))


def test_restart_after_kill_9_with_an_open_connection(server: PostgresServer) -> None:
    """A backend outlives the server briefly and holds its shared memory."""
    with psycopg.connect(server.admin_url()):
        server.kill()
        server.start()
        assert read(server) == []


def test_port_in_use_is_refused_before_the_cluster_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        server = PostgresServer(tmp_path / "postgres", port)
        with pytest.raises(PortInUseError, match=f"port {port} for postgres is in use"):
            server.start()
    server.start()
    server.stop()


def test_failed_creation_leaves_no_incomplete_cluster(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", durable=False)
    server.folder.mkdir()
    (server.folder / "password").touch()
    with pytest.raises(CommandError, match="could not be created"):
        server.start()
    assert [path.name for path in server.folder.iterdir()] == ["password"]
    (server.folder / "password").unlink()
    with server:
        assert read(server) == []


def test_missing_password_file_is_named(server: PostgresServer) -> None:
    server.stop()
    (server.folder / "password").unlink()
    with pytest.raises(CommandError, match="password is missing"):
        server.start()
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
@pytest.mark.parametrize("first", [AS_NOBODY, IN_A_USER_NAMESPACE], ids=["setpriv", "unshare"])
def test_root_can_change_the_identity_that_runs_the_server(
    tmp_path: Path, first: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder created under one identity is taken over by another, as after a move between machines."""
    program = postgres.postgres_program("postgres")
    second = IN_A_USER_NAMESPACE if first is AS_NOBODY else AS_NOBODY
    if not all(identity._works(each, program) for each in (first, second)):
        pytest.skip("this machine allows one way only")
    server = PostgresServer(tmp_path / "postgres", durable=False)
    for number, each in enumerate((first, second)):
        monkeypatch.setattr(postgres, "postgres_identity", lambda _, each=each: each)
        with server:
            assert owner_of(server) == each.uid
            write(server, number)
            assert read(server) == list(range(number + 1))


def owner_of(server: PostgresServer) -> int:
    return os.stat(f"/proc/{server.pid}").st_uid


def write(server: PostgresServer, number: int) -> None:
    with psycopg.connect(server.admin_url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS written (number int)")
        connection.execute("INSERT INTO written VALUES (%s)", (number,))


def read(server: PostgresServer) -> list[int]:
    with psycopg.connect(server.admin_url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS written (number int)")
        return [row[0] for row in connection.execute("SELECT number FROM written ORDER BY number")]
