"""`set_up`: idempotent, safe to run concurrently, with clear errors."""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from contracts.chassis.schema_versions import compatibility_comment
from deploy.databases import migrate
from deploy.databases.schemas import Target, monolith_target
from deploy.databases.set_up import set_up
from deploy.devstack.ports import free_port
from deploy.errors import CommandError
from tests.servers import ROOT, Servers

# Everything that a second run could change: owners, privileges and versions.
STATE = """
    SELECT 'schema', nspname, nspowner::regrole::text, nspacl::text
        FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'database', datname, datdba::regrole::text, datacl::text
        FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'role', rolname, rolcanlogin::text, rolinherit::text
        FROM pg_roles WHERE rolname ~ '_(owner|app|relay|operator|sender)$'
    UNION ALL SELECT 'relation', oid::regclass::text, relowner::regrole::text, relacl::text
        FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    UNION ALL SELECT 'extension', extname, extversion, extnamespace::regnamespace::text
        FROM pg_extension
    ORDER BY 1, 2
"""


@pytest.fixture
def target(servers: Servers) -> Iterator[Target]:
    """A database that does not exist yet."""
    name = f"test_{secrets.token_hex(6)}"
    url = urlsplit(servers.monolith_template_url)
    yield monolith_target(url._replace(path=f"/{name}").geturl(), servers.role_secret)
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def test_second_run_changes_nothing(target: Target) -> None:
    set_up(target)
    before = state(target)
    set_up(target)
    assert state(target) == before


def test_each_schema_declares_the_oldest_code_that_it_serves(target: Target) -> None:
    set_up(target)
    declared = "SELECT obj_description(CAST(%s AS regclass), 'pg_class')"
    for schema in target.schemas:
        oldest = migrate.oldest_code(schema)
        with psycopg.connect(target.url) as connection:
            connection.execute(f"COMMENT ON TABLE {schema.name}.alembic_version IS NULL".encode())
        set_up(target)
        with psycopg.connect(target.url) as connection:
            comment = connection.execute(declared, (f"{schema.name}.alembic_version",)).fetchone()
        assert comment == (compatibility_comment(oldest),)
    # Each of these is newer than its oldest code, so a rolling upgrade keeps the old processes ready.
    oldest_codes = {schema.name: migrate.oldest_code(schema) for schema in target.schemas}
    assert oldest_codes.items() >= {"auth": "0002", "billing": "0003", "notifications": "0004"}.items()


def test_concurrent_runs_both_succeed(target: Target) -> None:
    errors: list[BaseException] = []
    threads = [threading.Thread(target=noting, args=(errors, target)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    set_up(target)


def test_program_without_the_command_line_sets_up_and_checks(target: Target) -> None:
    """As in an image: the password is in PGPASSWORD, not in the URL."""
    url = urlsplit(target.url)
    environment = os.environ | {
        "MONOLITH_DATABASE_URL": url._replace(netloc=f"{url.username}@{url.hostname}:{url.port}").geturl(),
        "PGPASSWORD": url.password or "",
        "DATABASE_ROLE_SECRET": target.role_secret,
    }
    for action, code, line in [
        ("check", 2, "cannot connect to the monolith database"),
        ("setup", 0, "the monolith database is ready: platform, cutover, auth"),
        ("check", 0, "the monolith database is ready: platform, cutover, auth"),
        ("drop", 2, "usage: python -m deploy.databases setup|check monolith|scheduling"),
    ]:
        command = [sys.executable, "-m", "deploy.databases", action, "monolith"]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (ended.returncode, line in ended.stdout + ended.stderr) == (code, True), ended.stderr


def test_unreachable_server_is_one_line_without_the_password() -> None:
    port = free_port()
    with pytest.raises(CommandError) as error:
        set_up(monolith_target(f"postgresql://postgres:hunter2@127.0.0.1:{port}/monolith", "secret"))
    message = str(error.value)
    assert f"127.0.0.1:{port}/monolith" in message
    assert "MONOLITH_DATABASE_URL" in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_url_without_a_database_is_refused(servers: Servers) -> None:
    url = urlsplit(servers.monolith_template_url)._replace(path="").geturl()
    with pytest.raises(CommandError, match="MONOLITH_DATABASE_URL names no database"):
        set_up(monolith_target(url, "secret"))


def test_version_of_another_release_is_refused_unchanged(target: Target) -> None:
    set_up(target)
    with psycopg.connect(target.url) as connection:
        connection.execute("UPDATE scheduling.alembic_version SET version_num = 'newer'")
    with pytest.raises(CommandError, match="schema scheduling has a version that this code does not contain"):
        set_up(target)


def test_migration_gives_up_when_a_lock_is_held(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 100)
    set_up(target)
    with psycopg.connect(target.url) as connection:
        connection.execute("LOCK TABLE scheduling.alembic_version")
        with pytest.raises(CommandError, match="schema scheduling is in use"):
            set_up(target)


def state(target: Target) -> list[tuple[object, ...]]:
    with psycopg.connect(target.url) as connection:
        return connection.execute(STATE).fetchall()


def noting(errors: list[BaseException], target: Target) -> None:
    try:
        set_up(target)
    except BaseException as error:
        errors.append(error)
