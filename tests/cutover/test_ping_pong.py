"""Repeated cutovers under HTTP load from several processes: nothing is lost, no request fails."""

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


def test_some_cutovers_each_way_under_http_load(place: Town) -> None:
    to_and_fro(place, 5)


@pytest.mark.long
def test_two_hundred_cutovers_each_way_under_http_load(place: Town) -> None:
    to_and_fro(place, 200)
