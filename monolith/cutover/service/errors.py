"""Errors of the control plane. Each message is one line that states what happened.

They name no command and no page: the interface that reports one adds the remedy in its own terms.
"""

from contracts.scheduling.values import DatabaseName
from monolith.cutover.wording import count_of


class OperationError(Exception):
    """An operation was refused, or stopped half way."""


class UnknownBusiness(OperationError):
    """No business has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no business {slug!r}")
        self.slug = slug


class NoCutoverUnderWay(OperationError):
    """The business is not being moved."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"{slug} is not being moved")
        self.slug = slug


class CutoverNotAbortable(OperationError):
    """The cutover is decided: it can only be completed, and then reversed by another one."""

    def __init__(self, slug: str, state: str, source: DatabaseName) -> None:
        super().__init__(f"the cutover of {slug} is {state} and can only be completed")
        self.slug, self.state, self.source = slug, state, source


class RehearsalFailed(OperationError):
    """A check that a cutover of the business would fail."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(f"{slug} would not be moved: {reason}")
        self.slug, self.reason = slug, reason


class BatchStopped(OperationError):
    """A business could not be moved. The `moved` before it stay moved; the `untried` after it stay where they are."""

    def __init__(self, slug: str, reason: str, *, moved: int, untried: int) -> None:
        before = f"{moved} moved, then " if moved else ""
        rest = f" ({untried} others were not tried)" if untried else ""
        super().__init__(f"{before}{slug} was not moved{rest}: {reason}")
        self.slug, self.reason, self.moved, self.untried = slug, reason, moved, untried


class ExtractionFinalized(OperationError):
    """The way back is closed: the monolith's database no longer holds scheduling's rows."""

    def __init__(self) -> None:
        super().__init__("the extraction was finalized")


class NothingReplicated(OperationError):
    """The operation compares two copies of a business, and there is only one."""

    def __init__(self) -> None:
        super().__init__("nothing is replicated, so there is no copy to compare with")


class UnknownDatabase(OperationError):
    """No database has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no database {name!r}")
        self.name = name


class DatabaseRefused(OperationError):
    """A database cannot be registered, or cannot be drained."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class DatabasesPaired(OperationError):
    """A database is replicated with one other at a time."""

    def __init__(self, name: DatabaseName, partner: DatabaseName) -> None:
        super().__init__(f"the {name} database is replicated with {partner}")
        self.name, self.partner = name, partner


class BusinessesElsewhere(OperationError):
    """Further databases of the service own businesses."""

    def __init__(self, number: int) -> None:
        super().__init__(f"further databases of the service own {count_of(number)}")


class RecoveryInProgress(OperationError):
    """Another process is recovering the extraction."""

    def __init__(self) -> None:
        super().__init__("another recovery is in progress")


class OperationInProgress(OperationError):
    """Another operator starts, stops or ends replication. `holder` describes the operation."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"another operator is changing the replication ({holder})")
        self.holder = holder


class ReplicationStopIncomplete(OperationError):
    """Parts of the replication remain in a database that could not be reached."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class CutoverDatabaseUnavailable(OperationError):
    """One of the two databases failed during an operation. A cutover that was under way is still recorded."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a database of the extraction cannot be used ({reason})")
