"""What it means that one try brought no reply: may the write have happened, is that final, is another try worth it?"""

from dataclasses import dataclass

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

UNKNOWN = "Scheduling may have done this; repeat it with the same key to find out."


@dataclass(frozen=True, slots=True)
class Failure:
    """One try that brought no reply."""

    error: SchedulingError
    """What to tell the caller, unless an earlier try may have done the write."""
    cause: BaseException | None = None
    final: bool = False
    """The service decided, knowing of every earlier try under this key: nothing is left to find out."""
    unsettled: bool = False
    """The write may have happened."""
    wait: float | None = None
    """Seconds after which another try may help; None: it will not."""
    only_to_settle: bool = False
    """Another try helps only if an earlier one may have done the write."""

    def final_error(self, unsettled: bool) -> SchedulingError:
        """What to tell the caller when this was the last try; `unsettled`: some try may have done the write."""
        return OutcomeUnknown(UNKNOWN) if unsettled and not self.final else self.error


def from_error_reply(error: SchedulingError) -> Failure:
    """The service answered with an error of the contract."""
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
            # Between the two deployables; the person who asked can do nothing about it, and is not logged out.
            told = Unavailable("Scheduling refused this server's token; nothing was done.", retry_after=5)
            return Failure(told, cause=error)
        case _:
            return Failure(error, final=True)


def from_failed_exchange(failed: ExchangeFailed, *, writes: bool) -> Failure:
    """The connection failed, before or after the request may have reached the service."""
    wait = None if failed.timed_out else 0.0
    if writes and failed.sent:
        return Failure(OutcomeUnknown(UNKNOWN), cause=failed, unsettled=True, wait=wait)
    if failed.timed_out:
        return Failure(DeadlineExceeded("Scheduling did not answer in time; nothing was done."), cause=failed)
    return Failure(Unavailable("Scheduling cannot be reached; nothing was done."), cause=failed, wait=wait)


def from_malformed_reply(malformed: MalformedReply, *, writes: bool) -> Failure:
    """Something answered, but not as the contract says."""
    if writes:
        return Failure(OutcomeUnknown(UNKNOWN), cause=malformed, unsettled=True, wait=0)
    told = Unavailable("Scheduling gave an answer that makes no sense; nothing was done.")
    return Failure(told, cause=malformed, wait=0)


def from_open_breaker(opened: BreakerOpen) -> Failure:
    told = Unavailable("Scheduling has not been answering; nothing was done.", retry_after=opened.retry_after)
    return Failure(told, cause=opened)
