"""Transactions, and their behaviour when the server fails."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError

from monolith.shared.database import CommitUnknown, DatabaseUnavailable, ModuleDatabase, new_id, transaction_is_open
from tests.databases import Databases

TABLE = "CREATE TABLE public.notes (note text UNIQUE); GRANT ALL ON public.notes TO auth_app"
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'auth_app' AND datname = current_database()"
)


@pytest.fixture
def admin(databases: Databases) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        connection.execute(TABLE)
        yield connection


@pytest.fixture
def database(databases: Databases) -> Iterator[ModuleDatabase]:
    database = ModuleDatabase(
        databases.monolith_url, role="auth_app", secret=databases.role_secret, pool_size=2, pool_timeout=0.2
    )
    yield database
    database.close()


def notes(admin: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in admin.execute("SELECT note FROM public.notes ORDER BY note")]


def write(database: ModuleDatabase, note: str) -> None:
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO public.notes VALUES (:note)"), {"note": note})


def test_transaction_commits_at_the_end_and_rolls_back_on_an_exception(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    write(database, "kept")

    def attempt() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO public.notes VALUES ('lost')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt()
    assert notes(admin) == ["kept"]


def test_open_transaction_is_detected_per_thread(database: ModuleDatabase) -> None:
    assert not transaction_is_open()
    with database.transaction():
        assert transaction_is_open()
        with database.transaction():
            pass
        assert transaction_is_open()
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError
    assert not transaction_is_open()


def test_business_is_set_for_one_transaction_only(database: ModuleDatabase) -> None:
    business_id = new_id()
    setting = text("SELECT NULLIF(current_setting('app.business_id', true), '')")
    for _ in range(8):  # past psycopg's threshold for preparing statements
        with database.transaction(business_id) as connection:
            assert UUID(connection.execute(setting).scalar_one()) == business_id
        with database.transaction() as connection:
            assert connection.execute(setting).scalar_one() is None


def test_dead_pooled_connection_is_replaced(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    with database.transaction(), database.transaction():
        pass
    assert len(admin.execute(KILL).fetchall()) == 2
    write(database, "first")
    write(database, "second")
    assert notes(admin) == ["first", "second"]


def test_connection_lost_in_a_transaction_is_unavailable(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    def attempt() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO public.notes VALUES ('lost')"))
            admin.execute(KILL)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        attempt()
    write(database, "next")
    assert notes(admin) == ["next"]


def test_connection_lost_at_commit_is_commit_unknown(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    def attempt() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO public.notes VALUES ('perhaps')"))
            admin.execute(KILL)

    with pytest.raises(CommitUnknown):
        attempt()
    write(database, "next")
    assert not transaction_is_open()


def test_value_is_read_without_a_transaction_and_despite_a_dead_connection(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    write(database, "kept")
    newest = "SELECT note FROM public.notes WHERE note = %(note)s"
    assert database.read_value(newest, {"note": "kept"}) == "kept"
    assert database.read_value(newest, {"note": "none"}) is None
    assert len(admin.execute(KILL).fetchall()) == 1
    assert database.read_value(newest, {"note": "kept"}) == "kept"
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.read_value("SELECT 1 / 0", {})
    with pytest.raises(DatabaseUnavailable):
        database.read_value("SELECT note FROM public.missing", {})
    assert database.read_value("SELECT set_config('statement_timeout', '200', false)", {}) == "200ms"
    with pytest.raises(DatabaseUnavailable, match="busy"):
        database.read_value("SELECT pg_sleep(5)::text", {})
    assert database.read_value("SELECT set_config('statement_timeout', '0', false)", {}) == "0"
    assert database.read_value(newest, {"note": "kept"}) == "kept"


def test_value_of_an_unreachable_server_is_unavailable(databases: Databases) -> None:
    database = ModuleDatabase("postgresql://127.0.0.1:1/none", role="auth_app", secret=databases.role_secret)
    with pytest.raises(DatabaseUnavailable, match="cannot reach"):
        database.read_value("SELECT 1", {})


def test_query_runs_outside_a_transaction_and_survives_a_dead_connection(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    write(database, "kept")

    def newest(connection: Connection) -> object:
        assert not transaction_is_open()
        return connection.execute(text("SELECT max(note) FROM public.notes")).scalar_one()

    assert database.query(newest) == "kept"
    admin.execute(KILL)
    assert database.query(newest) == "kept"
    assert notes(admin) == ["kept"]


def test_invalid_query_raises_the_statement_error(database: ModuleDatabase) -> None:
    with pytest.raises(DataError):
        database.query(lambda connection: connection.execute(text("SELECT 1 / 0")))
    database.ping()


def test_query_without_a_server_is_unavailable(databases: Databases) -> None:
    gone = ModuleDatabase("postgresql://127.0.0.1:1/monolith", role="auth_app", secret=databases.role_secret)
    with pytest.raises(DatabaseUnavailable):
        gone.query(lambda connection: connection.execute(text("SELECT 1")))


def test_exhausted_pool_is_unavailable_in_bounded_time(database: ModuleDatabase) -> None:
    with database.transaction(), database.transaction():
        with pytest.raises(DatabaseUnavailable) as refused:
            database.ping()
        assert refused.value.retry_after > 0
    database.ping()


def test_unreachable_server_is_unavailable(databases: Databases) -> None:
    gone = ModuleDatabase("postgresql://127.0.0.1:1/monolith", role="auth_app", secret=databases.role_secret)
    with pytest.raises(DatabaseUnavailable):
        gone.ping()


def test_wrong_secret_is_unavailable(databases: Databases) -> None:
    stranger = ModuleDatabase(databases.monolith_url, role="auth_app", secret="another")
    with pytest.raises(DatabaseUnavailable):
        stranger.ping()


def test_constraint_violation_propagates(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    write(database, "once")
    with pytest.raises(IntegrityError):
        write(database, "once")
    with database.transaction() as connection:
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("INSERT INTO public.notes VALUES ('once')"))
        connection.execute(text("INSERT INTO public.notes VALUES ('twice')"))
    assert notes(admin) == ["once", "twice"]


def test_swallowed_error_is_not_reported_as_success(database: ModuleDatabase) -> None:
    def attempt() -> None:
        with database.transaction() as connection, contextlib.suppress(DataError):
            connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(RuntimeError, match="swallowed"):
        attempt()
    database.ping()


def test_dead_connection_does_not_hide_the_original_error(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    def attempt() -> None:
        with database.transaction() as connection:
            connection.execute(text("SELECT 1"))
            admin.execute(KILL)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt()
    with database.transaction(), database.transaction():
        pass


def test_read_only_server_is_unavailable(
    admin: psycopg.Connection[tuple[object, ...]], database: ModuleDatabase
) -> None:
    def attempt() -> None:
        with database.transaction() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text("INSERT INTO public.notes VALUES ('lost')"))

    with pytest.raises(DatabaseUnavailable, match="does not accept changes"):
        attempt()


def test_ids_sort_by_creation_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}
