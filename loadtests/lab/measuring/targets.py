"""Systems that already run, as arms: the laboratory only sends them load, and reads nothing but the responses."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Final

from deploy.errors import CommandError
from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import open_business
from loadtests.generator.workload import ANY_MODULE, SignedInBusiness, sign_in_all
from loadtests.harness.cores import Cores
from loadtests.lab.measuring.generator_process import read_run_files, running_generator, workload_of
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.planning.arms import ARMS

BUSINESSES: Final = 3
CUSTOMERS, VISITORS = 8, 3
_TARGET = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,15})=(https?://\S+)")


def parse_targets(given: Sequence[str]) -> dict[str, str]:
    """Parse targets given as `NAME=URL`, by name. Raises CommandError."""
    found: dict[str, str] = {}
    for each in given:
        match = _TARGET.fullmatch(each)
        if match is None:
            raise CommandError(f"--target {each} is not NAME=URL: NAME has up to 16 letters, digits and hyphens")
        if match[1] in found or match[1] in ARMS:
            raise CommandError(f"--target {match[1]} is the name of another arm: choose another name")
        found[match[1]] = match[2].rstrip("/")
    return found


@dataclass(frozen=True)
class TargetRig:
    """Sends load to running systems through their public API, one after the other.

    Opens businesses of its own in each of them, once; they remain. Roles, statements and freshness are not measured.
    """

    targets: Mapping[str, str]
    cores: Cores
    _businesses: dict[str, list[SignedInBusiness]] = field(default_factory=dict)

    def arms(self) -> Sequence[str]:
        return list(self.targets)

    def reason_not_paired(self, one: str, other: str) -> str | None:
        return "systems that already run may share servers"

    @contextlib.contextmanager
    def running(self, *arms: str) -> "Iterator[TargetRig]":
        for arm in arms:
            if arm not in self._businesses:
                self._businesses[arm] = _open_businesses(arm, self.targets[arm])
        yield self

    def play(self, loads: Mapping[str, Load], folders: Mapping[str, Path]) -> dict[str, Reading]:
        return {arm: self._play(arm, load, folders[arm]) for arm, load in loads.items()}

    def _play(self, arm: str, load: Load, folder: Path) -> Reading:
        workload = workload_of(load, {ANY_MODULE: [self.targets[arm]]}, self._businesses[arm])
        with running_generator(workload, folder, self.cores) as process:
            process.wait_until_ready()
            process.begin()
            process.wait_for_start()
            process.wait_for_end()
        rows, report = read_run_files(folder)
        return Reading(rows=rows, generator=report)


def _open_businesses(arm: str, url: str) -> list[SignedInBusiness]:
    # The name differs in every laboratory, so that none is affected by the bookings of an earlier one.
    name = f"lab-{token_hex(4)}"
    try:
        opened = [
            open_business(url, f"{name}-{number}", "target", customers=CUSTOMERS, visitors=VISITORS)
            for number in range(BUSINESSES)
        ]
        return sign_in_all(url, opened)
    except LoadError as error:
        raise CommandError(f"no businesses could be opened in {arm} ({url}): {error}") from error
