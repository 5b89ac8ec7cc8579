"""The error tree. Scheduling raises these errors only, with either adapter.

SchedulingError
├── InvalidRequest            400  invalid_request          change the request; `field` is the input at fault
├── Unauthenticated           401  unauthenticated          between the two deployables only
├── Forbidden                 403  forbidden                the actor may not do this
├── NotFound                  404
│   ├── BusinessNotFound           business_not_found
│   ├── OfferingNotFound           offering_not_found
│   ├── ProviderNotFound           provider_not_found
│   ├── AppointmentNotFound        appointment_not_found    also for those of another business or customer
│   ├── ResourceNotFound           resource_not_found
│   ├── BlockNotFound              block_not_found
│   ├── SeriesNotFound             series_not_found         also for those of another customer
│   └── WaitlistEntryNotFound      waitlist_entry_not_found  also for those of another customer
├── Conflict                  409
│   ├── SlotUnavailable            slot_unavailable         `reason`: past, too_soon, too_late, off_grid,
│   │                                                       closed, outside_hours, taken, full, no_resource,
│   │                                                       provider_limit, customer_limit, not_offered;
│   │                                                       `starts_at`: the occurrence, if a series is refused
│   ├── VersionConflict            version_conflict         it has changed; `current_version`
│   ├── InvalidTransition          invalid_transition       the status does not allow this change
│   ├── PolicyRefused              policy_refused           offering's policy; `reason`: cutoff, reschedules
│   ├── HoldExpired                hold_expired             the hold was not confirmed in time
│   └── KeyInProgress              key_in_progress          a request with the same key is running; retry
├── NotOwner                  421  not_owner                this database does not own the business
├── KeyReused                 422  idempotency_key_reused   the key was used for a different request
├── Unavailable               503  unavailable              nothing was done; `retry_after`, in seconds
├── DeadlineExceeded          504  deadline_exceeded        nothing was done before the deadline
└── OutcomeUnknown            504  outcome_unknown          it may have been done; repeat it with the same key

`code` is stable: clients branch on it. If an error is `retryable`, the same call with the same key may succeed later.
`outcome_known` is false only if the write may have been committed.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

Detail = str | int | float | None
OwnerName = Annotated[str, Meta(extra_json_schema={"enum": ["http", "in_process"], "deprecated": True})]
"""Any name when decoded. The document lists the two names that clients of version 2.0 know."""


class SchedulingError(Exception):
    """Base class of the contract's errors. `message` is for a person: what happened and what to do next."""

    code: ClassVar[str]
    status: ClassVar[int]
    retryable: ClassVar[bool] = False
    outcome_known: ClassVar[bool] = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def details(self) -> dict[str, Detail]:
        """Return the error's own members on the wire: the keyword arguments of its constructor."""
        return {}


class InvalidRequest(SchedulingError):
    code = "invalid_request"
    status = 400

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field

    def details(self) -> dict[str, Detail]:
        return {"field": self.field}


class Unauthenticated(SchedulingError):
    code = "unauthenticated"
    status = 401


class Forbidden(SchedulingError):
    code = "forbidden"
    status = 403


class NotFound(SchedulingError):
    code = "not_found"
    status = 404


class BusinessNotFound(NotFound):
    code = "business_not_found"


class OfferingNotFound(NotFound):
    code = "offering_not_found"


class ProviderNotFound(NotFound):
    code = "provider_not_found"


class AppointmentNotFound(NotFound):
    code = "appointment_not_found"


class ResourceNotFound(NotFound):
    code = "resource_not_found"


class BlockNotFound(NotFound):
    code = "block_not_found"


class SeriesNotFound(NotFound):
    code = "series_not_found"


class WaitlistEntryNotFound(NotFound):
    code = "waitlist_entry_not_found"


class Conflict(SchedulingError):
    code = "conflict"
    status = 409


class SlotUnavailable(Conflict):
    """The requested start cannot be booked. `starts_at` names the occurrence, if a series was refused."""

    code = "slot_unavailable"

    def __init__(self, message: str, reason: str, starts_at: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.starts_at = starts_at

    def details(self) -> dict[str, Detail]:
        details: dict[str, Detail] = {"reason": self.reason}
        return details if self.starts_at is None else details | {"starts_at": self.starts_at}


class PolicyRefused(Conflict):
    """The offering's policy no longer allows customers to make this change; staff may."""

    code = "policy_refused"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def details(self) -> dict[str, Detail]:
        return {"reason": self.reason}


class HoldExpired(Conflict):
    code = "hold_expired"


class VersionConflict(Conflict):
    code = "version_conflict"

    def __init__(self, message: str, current_version: int) -> None:
        super().__init__(message)
        self.current_version = current_version

    def details(self) -> dict[str, Detail]:
        return {"current_version": self.current_version}


class InvalidTransition(Conflict):
    code = "invalid_transition"


class KeyInProgress(Conflict):
    code = "key_in_progress"
    retryable = True


class NotOwner(SchedulingError):
    """This database does not own the business and changed nothing.

    The service never sends `owner`: old clients know two names only. New clients accept any name.
    """

    code = "not_owner"
    status = 421

    def __init__(self, message: str, owner: OwnerName | None = None, epoch: int | None = None) -> None:
        super().__init__(message)
        self.owner = owner
        self.epoch = epoch

    def details(self) -> dict[str, Detail]:
        return {"owner": self.owner, "epoch": self.epoch}


class KeyReused(SchedulingError):
    code = "idempotency_key_reused"
    status = 422


class Unavailable(SchedulingError):
    """The call was not performed. `retry_after` is in seconds."""

    code = "unavailable"
    status = 503
    retryable = True

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def details(self) -> dict[str, Detail]:
        return {"retry_after": self.retry_after}


class DeadlineExceeded(SchedulingError):
    code = "deadline_exceeded"
    status = 504
    retryable = True


class OutcomeUnknown(SchedulingError):
    code = "outcome_unknown"
    status = 504
    retryable = True
    outcome_known = False


CONCRETE: tuple[type[SchedulingError], ...] = (
    InvalidRequest,
    Unauthenticated,
    Forbidden,
    BusinessNotFound,
    OfferingNotFound,
    ProviderNotFound,
    AppointmentNotFound,
    ResourceNotFound,
    BlockNotFound,
    SeriesNotFound,
    WaitlistEntryNotFound,
    SlotUnavailable,
    VersionConflict,
    InvalidTransition,
    PolicyRefused,
    HoldExpired,
    KeyInProgress,
    NotOwner,
    KeyReused,
    Unavailable,
    DeadlineExceeded,
    OutcomeUnknown,
)
BY_CODE: dict[str, type[SchedulingError]] = {error.code: error for error in CONCRETE}
