"""Conversion of scheduling errors to error responses."""

import logging

from contracts.chassis.problem import Problem, problem
from contracts.scheduling import codec
from contracts.scheduling.errors import NotOwner, SchedulingError, Unauthenticated
from monolith.shared.middleware.errors import log_fields

_log = logging.getLogger("monolith.error")


def scheduling_problem(error: Exception) -> Problem | None:
    """Return the error response for a scheduling error; None for any other exception."""
    if not isinstance(error, SchedulingError):
        return None
    if isinstance(error, Unauthenticated | NotOwner):
        # An error between the two deployables; the client cannot resolve it.
        _log.error("scheduling refused the call", exc_info=error, extra=log_fields())
        message = "Scheduling is not available at the moment. Nothing was done."
        return problem(503, "unavailable", message, retry_after=5)
    return codec.problem_of(error)
