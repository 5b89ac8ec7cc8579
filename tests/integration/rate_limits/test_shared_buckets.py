"""Token buckets in Redis: shared by processes, charged atomically, and replaced by local ones during an outage."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from deploy.devstack.valkey import ValkeyServer
from monolith.shared.rate_limits import Limit
from monolith.shared.rate_limits.shared_buckets import LONGEST_SECONDS, SharedBuckets
from tests.databases import Databases
from tests.faults.proxy import TcpProxy

LIMIT = Limit("test", burst=20, seconds=100)
WIDE = Limit("wide test", burst=1000, seconds=100)


def subject() -> str:
    return uuid4().hex


def test_processes_share_the_buckets_and_concurrent_attempts_are_counted(databases: Databases) -> None:
    processes, someone = [SharedBuckets(databases.redis_url) for _ in range(2)], subject()
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda n: processes[n % 2].charge((LIMIT, someone)), range(100)))
    assert waits.count(0.0) == LIMIT.burst
    assert all(99 < wait <= 100 for wait in waits if wait)
    assert processes[0].charge((LIMIT, subject())) == 0.0


def test_refused_attempt_charges_none_of_its_limits(databases: Databases) -> None:
    buckets, someone, shared = SharedBuckets(databases.redis_url), subject(), subject()
    for _ in range(LIMIT.burst + 10):
        buckets.charge((WIDE, shared), (LIMIT, someone))
    assert [buckets.charge((WIDE, shared)) for _ in range(WIDE.burst - LIMIT.burst)] == [0.0] * 980
    assert buckets.charge((WIDE, shared)) > 0


def test_several_attempts_at_once_may_exceed_the_allowance_and_have_to_be_restored(databases: Databases) -> None:
    buckets, someone = SharedBuckets(databases.redis_url), subject()
    assert buckets.charge((LIMIT, someone), count=LIMIT.burst - 1) == 0.0
    assert buckets.charge((LIMIT, someone), count=10) == 0.0
    assert 899 < buckets.charge((LIMIT, someone)) <= 1000


def test_allowance_is_restored_and_then_nothing_is_stored(databases: Databases) -> None:
    buckets, someone = SharedBuckets(databases.redis_url), subject()
    quick = Limit("quick test", burst=2, seconds=0.05)
    waits = [buckets.charge((quick, someone)) for _ in range(3)]
    assert waits[:2] == [0.0, 0.0]
    time.sleep(waits[2] + 0.001)
    assert buckets.charge((quick, someone)) == 0.0
    time.sleep(0.15)
    with redis.Redis.from_url(databases.redis_url) as server:
        assert not list(server.scan_iter(f"*{someone}"))


def test_unreachable_redis_is_replaced_by_buckets_of_the_process() -> None:
    buckets, someone = SharedBuckets("redis://127.0.0.1:9/0"), subject()
    assert [buckets.charge((LIMIT, someone)) for _ in range(20)] == [0.0] * LIMIT.burst
    assert 99 < buckets.charge((LIMIT, someone)) <= 100


@pytest.mark.row("F36")
def test_redis_out_of_memory_is_replaced_by_buckets_of_the_process(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "valkey", durable=False) as valkey:
        buckets, someone = SharedBuckets(valkey.url()), subject()
        assert buckets.charge((LIMIT, someone)) == 0.0
        with redis.Redis.from_url(valkey.url()) as server:
            server.config_set("maxmemory", "1")
        assert [buckets.charge((LIMIT, someone)) for _ in range(20)] == [0.0] * LIMIT.burst
        assert 99 < buckets.charge((LIMIT, someone)) <= 100


@pytest.mark.row("F37")
def test_silent_redis_delays_one_attempt_only(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    url = urlsplit(databases.redis_url)
    assert url.hostname is not None
    assert url.port is not None
    with TcpProxy(url.hostname, url.port) as proxy:
        buckets = SharedBuckets(url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl())
        assert buckets.charge((LIMIT, subject())) == 0.0
        with proxy.half_open():
            began = time.monotonic()
            assert [buckets.charge((WIDE, subject())) for _ in range(500)] == [0.0] * 500
            assert time.monotonic() - began < 10 * LONGEST_SECONDS, "not 500 times as long"
        monkeypatch.setattr("monolith.shared.rate_limits.shared_buckets.PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(buckets, "_asks_again_at", 0.0)
        someone = subject()
        buckets.charge((LIMIT, someone))
        shared = SharedBuckets(databases.redis_url)
        assert [shared.charge((LIMIT, someone)) for _ in range(19)] == [0.0] * 19
        assert shared.charge((LIMIT, someone)) > 0, "attempts are counted in Redis again"
