"""To and fro under people who use the business over HTTP, by several processes: nothing lost, none failed."""

from collections.abc import Iterator

import pytest

from tests.cutover.town import Town, moved, town


@pytest.fixture(scope="module")
def place() -> Iterator[Town]:
    with town() as place:
        yield place


def to_and_fro(place: Town, each_way: int) -> None:
    with place.open() as day:
        moves = moved(place, 2 * each_way)
    verdict = day.clean
    assert verdict.failed == 0, [record for record in day.records if record.status not in (200, 201, 409)]
    assert len(moves) == 2 * each_way
    assert place.owner == "monolith"


def test_a_few_moves_each_way(place: Town) -> None:
    to_and_fro(place, 5)


@pytest.mark.long
def test_two_hundred_moves_each_way(place: Town) -> None:
    to_and_fro(place, 200)
