"""Repeated cutovers under HTTP load from several processes: nothing is lost, no request fails."""

from collections.abc import Iterator

import pytest

from tests.cutover.deployment import Deployment, cut_over_repeatedly, running_deployment


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with running_deployment() as deployment:
        yield deployment


def cut_over_under_load(deployment: Deployment, each_way: int) -> None:
    with deployment.traffic() as period:
        moves = cut_over_repeatedly(deployment, 2 * each_way)
    verdict = period.clean
    assert verdict.failed == 0, [record for record in period.records if record.status not in (200, 201, 409)]
    assert len(moves) == 2 * each_way
    assert deployment.owner == "monolith"


def test_some_cutovers_each_way_under_http_load(deployment: Deployment) -> None:
    cut_over_under_load(deployment, 5)


@pytest.mark.long
def test_two_hundred_cutovers_each_way_under_http_load(deployment: Deployment) -> None:
    cut_over_under_load(deployment, 200)
