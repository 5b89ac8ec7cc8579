"""Change notices while the listener's connection is lost or silent."""

from collections.abc import Iterator

import pytest

from monolith.shared.flags.change_listener import LONGEST_SILENCE_SECONDS, ChangeListener, ChangeNotice
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.polling import eventually


@pytest.fixture
def proxy(databases: Databases) -> Iterator[TcpProxy]:
    with TcpProxy.before(databases.monolith_url) as proxy:
        yield proxy


@pytest.fixture
def notices() -> list[ChangeNotice | None]:
    return []


@pytest.fixture
def listener(databases: Databases, proxy: TcpProxy, notices: list[ChangeNotice | None]) -> Iterator[ChangeListener]:
    url = proxy.url_through(databases.monolith_url)
    listener = ChangeListener(url, role="platform_app", secret=databases.role_secret)
    listener.subscribe(notices.append)
    listener.start()
    yield listener
    listener.close()


def test_lost_connection_ends_currency_until_everything_counts_as_changed(
    proxy: TcpProxy, listener: ChangeListener, notices: list[ChangeNotice | None]
) -> None:
    eventually(listener.is_current)
    assert notices == [None]
    with proxy.unreachable():
        eventually(lambda: not listener.is_current())
    eventually(listener.is_current)
    assert notices == [None, None]


def test_silent_connection_ends_currency_within_a_bound(proxy: TcpProxy, listener: ChangeListener) -> None:
    """A server that is frozen, or a network that drops packets, closes no connection."""
    eventually(listener.is_current)
    with proxy.half_open():
        eventually(lambda: not listener.is_current(), seconds=LONGEST_SILENCE_SECONDS + 3)
        assert not listener.stale, "the connection still looks alive"
    eventually(listener.is_current)
