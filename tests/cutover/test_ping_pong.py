"""Repeated cutovers under HTTP load from several processes: nothing is lost, no request fails."""

import warnings
from collections.abc import Iterator

import pytest

from tests.cutover.deployment import Deployment, cut_over_repeatedly, running_deployment
from tests.cutover.overload import OverloadedMachine, judge_answers, pauses_of

FENCE_SECONDS = 2.0
"""The product's default, which is less than the deadline of a write: a write that waits for a fence is served."""


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with running_deployment() as deployment:
        yield deployment


def cut_over_under_load(deployment: Deployment, each_way: int) -> None:
    with deployment.traffic() as period:
        cutovers = cut_over_repeatedly(deployment, 2 * each_way, fence_seconds=FENCE_SECONDS)
    assert period.clean
    assert [cutover.state for cutover in cutovers].count("active") == 2 * each_way
    assert deployment.owner == "monolith"
    judgement = judge_answers(period.records, pauses_of(cutovers))
    assert judgement.acceptable, str(judgement)
    if judgement.finding != "kept":
        warnings.warn(OverloadedMachine(str(judgement)), stacklevel=1)


def test_some_cutovers_each_way_under_http_load(deployment: Deployment) -> None:
    cut_over_under_load(deployment, 5)


@pytest.mark.long
def test_two_hundred_cutovers_each_way_under_http_load(deployment: Deployment) -> None:
    cut_over_under_load(deployment, 200)
