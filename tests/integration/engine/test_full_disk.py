"""The disk of scheduling's tables is full: bookings are refused without a trace, and work again once there is room."""

import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from contracts.scheduling.errors import Unavailable
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench

SIZE = "2m"
TABLES = ("appointment", "claim", "outbox")


@contextmanager
def _small_disk(folder: Path, bench: Workbench) -> Iterator[Path]:
    """A file system of 2 MiB in which the server may create a tablespace."""
    [(data,)] = bench.sql("SHOW data_directory")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "extraction-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system requires root and a machine that allows it")
    try:
        owner = Path(data).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(own_bench: Workbench, own_shop: Shop) -> Iterator[None]:
    """The appointments of the shop's database are on a small disk."""
    # Outside of pytest's folders, which the server's user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="small_disk_"))
    name = folder.name.lower()
    with _small_disk(folder, own_bench) as space:
        own_bench.sql(f"CREATE TABLESPACE {name} LOCATION '{space}'")
        try:
            own_bench.sql(f"ALTER TABLE scheduling.appointment SET TABLESPACE {name}")
            own_bench.sql(f"CREATE TABLE public.filler (text text) TABLESPACE {name}")
            yield
        finally:
            own_bench.sql("DROP TABLE IF EXISTS public.filler")
            own_bench.sql("ALTER TABLE scheduling.appointment SET TABLESPACE pg_default")
            own_bench.sql(f"DROP TABLESPACE {name}")
    folder.rmdir()


def _fill(bench: Workbench) -> None:
    """Leave no page on the small disk."""
    insert = "INSERT INTO public.filler SELECT repeat('x', 7000) FROM generate_series(1, %s)"
    for size in itertools.chain([200], itertools.repeat(1)):
        try:
            bench.sql(insert, size)
        except psycopg.errors.DiskFull:
            if size == 1:
                return


def _book_until_refused(shop: Shop, starts: Iterator[datetime]) -> tuple[int, Unavailable]:
    """Return the number of bookings that succeeded, and the refusal that ended them."""
    for booked in itertools.count():
        try:
            shop.book(next(starts))
        except Unavailable as refusal:
            return booked, refusal
    raise AssertionError


@pytest.mark.row("F21")
@pytest.mark.long
def test_full_disk_refuses_writes_without_a_trace(own_bench: Workbench, own_shop: Shop, small_disk: None) -> None:
    _fill(own_bench)
    starts = (at(hour, day=day) for day in range(60) for hour in range(9, 17) if at(0, day=day).weekday() < 5)
    booked, refusal = _book_until_refused(own_shop, starts)  # the last page in use has room for some
    assert "does not accept writes" in str(refusal)
    assert [own_bench.count(table, own_shop.business_id) for table in TABLES] == [booked] * len(TABLES)
    own_bench.sql("DROP TABLE public.filler")
    assert own_shop.book(next(starts)).version == 1
    assert [own_bench.count(table, own_shop.business_id) for table in TABLES] == [booked + 1] * len(TABLES)
