"""Classification of failed attempts: retryable, final, or with an unknown outcome."""

from dataclasses import dataclass, replace

from contracts.scheduling.codec import MalformedReply
from contracts.scheduling.errors import (
    DeadlineExceeded,
    KeyInProgress,
    NotOwner,
    OutcomeUnknown,
    SchedulingError,
    Unauthenticated,
    Unavailable,
)
from monolith.modules.scheduling.adapters.breaker import BreakerOpen
from monolith.modules.scheduling.adapters.deadline_transport import ExchangeFailed

UNKNOWN = "Scheduling may have done this. Repeat the request with the same key to find out."


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt."""

    error: SchedulingError
    """The error for the caller, unless an earlier attempt may have performed the write."""
    cause: BaseException | None = None
    final: bool = False
    """The service's decision covers all earlier attempts with this key, so the outcome is known."""
    unsettled: bool = False
    """The write may have been performed."""
    wait: float | None = None
    """Seconds after which a retry may succeed; None if it will not."""
    only_to_settle: bool = False
    """A retry helps only to settle an earlier attempt that may have performed the write."""

    def final_error(self, unsettled: bool) -> SchedulingError:
        """Return the caller's error after the last attempt; `unsettled` if an attempt may have performed the write."""
        return OutcomeUnknown(UNKNOWN) if unsettled and not self.final else self.error


def from_error_reply(error: SchedulingError, *, maybe_done: bool = False) -> Failure:
    """Classify an error of the contract that the service returned.

    `maybe_done`: the request was sent before on a connection that was lost, and may have been performed then.
    """
    failure = _of_error(error)
    return replace(failure, unsettled=True) if maybe_done else failure


def _of_error(error: SchedulingError) -> Failure:
    match error:
        case OutcomeUnknown():
            return Failure(error, unsettled=True, wait=0)
        case Unavailable(retry_after=retry_after):
            return Failure(error, wait=max(retry_after, 0))
        case KeyInProgress():
            return Failure(error, wait=0, only_to_settle=True)
        case DeadlineExceeded() | NotOwner():
            return Failure(error)
        case Unauthenticated():
            # An error between the two deployables: the client cannot resolve it and must not be signed out.
            reported = Unavailable("Scheduling rejected this server's token; nothing was done.", retry_after=5)
            return Failure(reported, cause=error)
        case _:
            return Failure(error, final=True)


def from_failed_exchange(failed: ExchangeFailed, *, writes: bool) -> Failure:
    """Classify a failed connection by whether the request may have reached the service."""
    wait = None if failed.timed_out else 0.0
    if writes and failed.sent:
        return Failure(OutcomeUnknown(UNKNOWN), cause=failed, unsettled=True, wait=wait)
    if failed.timed_out:
        return Failure(DeadlineExceeded("Scheduling did not respond in time; nothing was done."), cause=failed)
    if failed.too_large:
        return Failure(Unavailable("Scheduling's response is too large; request less."), cause=failed)
    return Failure(Unavailable("Scheduling cannot be reached; nothing was done."), cause=failed, wait=wait)


def from_malformed_reply(malformed: MalformedReply, *, writes: bool) -> Failure:
    """Classify a response that violates the contract."""
    if writes:
        return Failure(OutcomeUnknown(UNKNOWN), cause=malformed, unsettled=True, wait=0)
    reported = Unavailable("Scheduling sent an invalid response; nothing was done.")
    return Failure(reported, cause=malformed, wait=0)


def from_open_breaker(opened: BreakerOpen) -> Failure:
    reported = Unavailable("Scheduling is not responding; nothing was done.", retry_after=opened.retry_after)
    return Failure(reported, cause=opened)
