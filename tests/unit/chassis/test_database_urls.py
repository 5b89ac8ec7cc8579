"""URLs of one server or of several, as settings accept them and as SQLAlchemy receives them."""

import pytest
from sqlalchemy import make_url

from contracts.chassis.database_urls import is_database_url, sqlalchemy_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/scheduling",
        "postgresql://admin:secret@10.0.0.1:5432/scheduling?sslmode=verify-full",
        "postgresql://10.0.0.1:5432,10.0.0.2:5433/scheduling?target_session_attrs=read-write",
        "postgresql://[::1]:5432/scheduling",
    ],
)
def test_accepted(url: str) -> None:
    assert is_database_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "mysql://localhost/scheduling",
        "postgresql://10.0.0.1:5432",
        "postgresql://10.0.0.1:5432,/scheduling",
        "postgresql://10.0.0.1:5432,10.0.0.2:port/scheduling",
        "postgresql://10.0.0.1:0/scheduling",
    ],
)
def test_refused(url: str) -> None:
    assert not is_database_url(url)


def test_sqlalchemy_receives_several_servers_as_parameters() -> None:
    url = make_url(sqlalchemy_url("postgresql://app:se%2Fcret@h1:5432,h2:5433/db?target_session_attrs=read-write"))
    assert (url.drivername, url.username, url.password, url.database) == ("postgresql+psycopg", "app", "se/cret", "db")
    assert url.query == {"host": ("h1:5432", "h2:5433"), "target_session_attrs": "read-write"}


def test_sqlalchemy_receives_one_server_unchanged() -> None:
    assert sqlalchemy_url("postgresql://app:x@h1:5432/db") == "postgresql+psycopg://app:x@h1:5432/db"
