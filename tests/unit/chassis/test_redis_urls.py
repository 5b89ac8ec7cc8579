"""URLs of Redis: one server or Sentinels, with and without TLS."""

import pytest

from contracts.chassis.redis_client import connect
from contracts.chassis.redis_urls import RedisUrl


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("redis://10.0.0.1:6379/0", RedisUrl((("10.0.0.1", 6379),), uses_tls=False)),
        ("rediss://:secret@redis.example.com/3", RedisUrl((("redis.example.com", 6379),), uses_tls=True)),
        (
            "redis+sentinel://s1:26379,s2,[::1]:5/events/0",
            RedisUrl((("s1", 26379), ("s2", 26379), ("::1", 5)), uses_tls=False, service="events"),
        ),
        (
            "rediss+sentinel://user:p%40ss@s1:1/events/2?ssl_ca_certs=/etc/ca.pem",
            RedisUrl((("s1", 1),), uses_tls=True, service="events"),
        ),
    ],
)
def test_accepted(url: str, parsed: RedisUrl) -> None:
    assert RedisUrl.parse(url) == parsed
    connect(url).close()


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:6379/0",
        "redis://10.0.0.1:6379",
        "redis://10.0.0.1:6379/zero",
        "redis://10.0.0.1:6379,10.0.0.2:6379/0",
        "redis://10.0.0.1:0/0",
        "redis+sentinel://s1:26379/0",
        "redis+sentinel://s1:26379/events",
        "redis+sentinel://s1:26379,/events/0",
        "redis+sentinel:///events/0",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        RedisUrl.parse(url)


def test_credentials_and_database_are_those_of_the_servers() -> None:
    client = connect("rediss+sentinel://app:p%40ss@s1:1,s2:2/events/2?ssl_ca_certs=/etc/ca.pem&sentinel_password=key")
    of_servers = client.connection_pool.connection_kwargs
    assert (of_servers["username"], of_servers["password"], of_servers["db"]) == ("app", "p@ss", 2)
    assert of_servers["ssl_ca_certs"] == "/etc/ca.pem"
    for sentinel in client.connection_pool.sentinel_manager.sentinels:
        of_sentinel = sentinel.connection_pool.connection_kwargs
        assert of_sentinel["password"] == "key"
        assert of_sentinel["ssl_ca_certs"] == "/etc/ca.pem"
