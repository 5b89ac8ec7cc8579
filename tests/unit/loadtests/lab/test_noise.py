"""The A/A test on recorded runs: the interval includes 1 at its confidence level.

For each of 60 blocks of `extraction lab run --arms "M1,M1'" --quick --seconds 8`, `noise.csv` has the ratio of p99 to
SLO of the worst module in both arms. They form twenty laboratories of three blocks each. One of the 120 runs was
invalid because of a late generator, and is included.
"""

import csv
from pathlib import Path

from loadtests.generator.estimates import ratio

BLOCKS = 3
RECORDED = Path(__file__).with_name("noise.csv")


def test_interval_includes_1_in_18_of_20_repetitions() -> None:
    with RECORDED.open(newline="") as file:
        pairs = [(float(row["m1"]), float(row["again"])) for row in csv.DictReader(file)]
    repetitions = [ratio(pairs[first : first + BLOCKS]) for first in range(0, len(pairs), BLOCKS)]
    assert len(repetitions) == 20
    assert sum(found.low <= 1 <= found.high for found in repetitions) >= 18
