"""One demo for all tests that only read and book: `python -m tests.e2e.shared_demo FOLDER`.

Started on first use, by any worker; it ends with the run, like the servers of `tests.servers`. The flag is
`in_process`, and there is one shop for each adapter.
"""

import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.shop import Shop, open_both
from tests.run_scope import hold_until_the_run_ends, leave, obtain_from_holder

MODULE = "tests.e2e.shared_demo"
_DAYS_AHEAD = 5
"""Pairs of days. Tests that name a day themselves take nearer ones, or some beyond a year."""
_NEAR_DAYS = 9
"""Pairs of days that only those take who ask for a near one."""


@dataclass(frozen=True)
class Product:
    """`folder` belongs to the run: all its workers share it."""

    installation: Installation
    shops: dict[AdapterName, Shop]
    folder: Path

    def own_day(self, *, near: bool = False) -> date:
        """Return a day on which only the caller books: no two calls in a run return the same one, in any worker.

        Every other day is used, because a day in one time zone overlaps the neighbouring day in another. The first
        `_NEAR_DAYS` calls for a near day get one within a month.
        """
        first = datetime.now(UTC).toordinal() // 2 + _DAYS_AHEAD
        for number in count(first if near else first + _NEAR_DAYS):
            with suppress(FileExistsError):
                (self.folder / f"day-{number}").mkdir()
                return date.fromordinal(2 * number)
        raise AssertionError


def obtain_product(folder: Path) -> Product:
    """Return the shared demo; start it on first use."""
    told = obtain_from_holder(MODULE, folder)
    installation = Installation(Path(told["data"]), told["ports"])
    return Product(installation, {adapter: Shop(**shop) for adapter, shop in told["shops"].items()}, folder)


def main() -> None:
    """Start the demo, describe it in FOLDER, and keep it running until the run ends."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="extraction-demo-") as data:
        installation = new_installation(Path(data) / "data")
        with Demo(installation):
            shops = {adapter: asdict(shop) for adapter, shop in open_both(installation).items()}
            described = {"data": str(installation.data), "ports": installation.ports, "shops": shops}
            hold_until_the_run_ends(MODULE, folder, described)
    leave(MODULE, folder)


if __name__ == "__main__":
    main()
