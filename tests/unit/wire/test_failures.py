"""The HTTP adapter classifies every error of the contract, before and after a lost reply."""

import pytest

from contracts.scheduling.errors import (
    CONCRETE,
    KeyInProgress,
    NotOwner,
    OutcomeUnknown,
    PolicyRefused,
    SchedulingError,
    SlotUnavailable,
    Unauthenticated,
    Unavailable,
    VersionConflict,
)
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.adapters import failures
from monolith.modules.scheduling.adapters.deadline_transport import HttpReply
from monolith.modules.scheduling.adapters.replies import read_reply
from scheduling_service.web import responses


def example(kind: type[SchedulingError]) -> SchedulingError:
    if kind is SlotUnavailable:
        return SlotUnavailable("taken", "taken")
    if kind is PolicyRefused:
        return PolicyRefused("too late", "cutoff")
    if kind is VersionConflict:
        return VersionConflict("changed", 3)
    if kind is NotOwner:
        return NotOwner("moved", "in_process", 4)
    if kind is Unavailable:
        return Unavailable("busy", 0.25)
    return kind("said so")


@pytest.fixture(params=CONCRETE, ids=lambda kind: kind.code)
def error(request: pytest.FixtureRequest) -> SchedulingError:
    return example(request.param)


def test_every_error_survives_the_wire(error: SchedulingError) -> None:
    response = responses.failure(error)
    assert response.content_type is not None
    answer = HttpReply(response.status_code, response.content_type, response.get_data())
    arrived = read_reply(operation_of(SchedulingPort.book), answer)
    assert type(arrived) is type(error)
    assert vars(arrived) == vars(error)


def test_after_a_lost_reply_only_final_errors_are_passed_on(error: SchedulingError) -> None:
    failure = failures.from_error_reply(error)
    undecided = error.retryable or isinstance(error, NotOwner | Unauthenticated)
    assert failure.final is not undecided
    told = failure.final_error(unsettled=True)
    assert isinstance(told, OutcomeUnknown) if undecided else told is error


def test_error_is_passed_on_without_a_lost_reply(error: SchedulingError) -> None:
    told = failures.from_error_reply(error).final_error(unsettled=False)
    if isinstance(error, OutcomeUnknown):
        assert isinstance(told, OutcomeUnknown)
    elif isinstance(error, Unauthenticated):
        assert isinstance(told, Unavailable)
    else:
        assert told is error


def test_key_in_progress_is_retried_only_after_a_lost_reply() -> None:
    assert failures.from_error_reply(KeyInProgress("wait")).only_to_settle
