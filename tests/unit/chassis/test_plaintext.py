"""A setting that sends data over the network without TLS is refused, unless its host is listed."""

import pytest

from contracts.chassis.plaintext import is_this_machine
from contracts.chassis.settings import ConfigError, database_url, redis_url, url

PLAIN = [
    ("DATABASE", "postgresql://db.example.com:5432/app"),
    ("DATABASE", "postgresql://db.example.com:5432/app?sslmode=prefer"),
    ("DATABASE", "postgresql://127.0.0.1:5432,db.example.com:5432/app"),
    ("REDIS", "redis://db.example.com:6379/0"),
    ("REDIS", "redis+sentinel://127.0.0.1:26379,db.example.com:26379/events/0"),
    ("SERVICE", "http://db.example.com:8001"),
]
ENCRYPTED = [
    ("DATABASE", "postgresql://db.example.com:5432/app?sslmode=verify-full"),
    ("DATABASE", "postgresql://one:1,two:2/app?target_session_attrs=read-write&sslmode=require"),
    ("REDIS", "rediss://db.example.com:6379/0"),
    ("REDIS", "rediss+sentinel://db.example.com:26379/events/0"),
    ("SERVICE", "https://db.example.com:8001"),
]
LOCAL = [
    ("DATABASE", "postgresql://localhost:5432/app"),
    ("DATABASE", "postgresql://[::1]:5432,127.0.0.2:5432/app"),
    ("REDIS", "redis://127.0.0.1:6379/0"),
    ("SERVICE", "http://localhost:8001"),
]


def read(name: str, value: str, plaintext_hosts: str = "") -> str:
    environment = {name: value, "PLAINTEXT_HOSTS": plaintext_hosts}
    if name == "DATABASE":
        return database_url(environment, name)
    return redis_url(environment, name) if name == "REDIS" else url(environment, name, "http://host:port")


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_plaintext_to_another_machine_is_refused_with_the_remedy(name: str, value: str) -> None:
    for listed in ("", "other.example.com"):
        with pytest.raises(ConfigError, match=rf"^{name} reaches db.example.com without TLS: use .* PLAINTEXT_HOSTS"):
            read(name, value, listed)


@pytest.mark.parametrize(("name", "value"), PLAIN)
@pytest.mark.parametrize("listed", ["*", "db.example.com", "other, DB.example.com"])
def test_plaintext_to_a_listed_host_is_accepted(name: str, value: str, listed: str) -> None:
    assert read(name, value, listed) == value


@pytest.mark.parametrize(("name", "value"), [*ENCRYPTED, *LOCAL])
def test_tls_and_this_machine_need_no_list(name: str, value: str) -> None:
    assert read(name, value) == value


def test_a_name_that_only_begins_like_this_machine_is_another_one() -> None:
    assert not any(map(is_this_machine, ("localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "0.0.0.0", "")))
