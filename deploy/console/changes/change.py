"""Changes by operators: one class for each kind, used by the pages and the API.

A change is previewed, confirmed with a reason, and then run as an operator request (`requests.py`). Each class only
translates its fields into a call of the services that the command line uses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, NamedTuple

from msgspec import Meta, Struct

from monolith.cutover.service import ControlPlane
from monolith.cutover.service.check_report import CheckResult
from monolith.shared.flags.store import AuditEntry

Slug = Annotated[str, Meta(min_length=3, max_length=40, pattern=r"^[a-z0-9-]+$(?!\n)")]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]+$(?!\n)")]
Report = Callable[[str], None]
"""Receives one line of progress; an empty one is not stored. Raises Withdrawn when the request was withdrawn."""


class Who(NamedTuple):
    """The actor of a change and the reason, as the audit log records them."""

    actor: str
    reason: str


class Withdrawn(Exception):
    """The operator has withdrawn the request; completed steps are kept."""


class Fact(NamedTuple):
    """One line of a preview."""

    name: str
    value: str


class Preview(Struct, frozen=True, kw_only=True):
    """The effect of a change, described from the present state.

    `expected` identifies that state: a request that names another one is refused. `refused` says why the change is
    impossible at the moment; None if it is possible.
    """

    sentence: str
    command: str
    expected: str
    facts: tuple[Fact, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    refused: str | None = None


class OperatorChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of change. Its fields are those of its form, and of the body of its endpoint."""

    kind: ClassVar[str]
    title: ClassVar[str]
    button: ClassVar[str]
    is_dangerous: ClassVar[bool] = False
    withdrawal: ClassVar[str] = "Stops before the next step; completed steps are kept."
    """The effect of withdrawing a request that is not over."""
    options: ClassVar[Mapping[str, str]] = {}
    """Check boxes of the form: the label of each, by the name of its field."""
    page: ClassVar[str] = "ops.flag"
    """The Flask endpoint of the page to which the change belongs, unless it concerns one business."""

    @property
    def heading(self) -> str:
        """The title with what distinguishes this change from others of its kind."""
        return self.title

    @property
    def subject(self) -> str:
        """The changed object, as the pages name it."""
        raise NotImplementedError

    def audit_subject(self, plane: ControlPlane) -> str:
        """Return the subject as the audit log names it, so that entries about it are found together."""
        return self.subject

    def preview(self, plane: ControlPlane) -> Preview:
        """Describe the change from the present state. Raises UnknownBusiness."""
        raise NotImplementedError

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        """Do it, and return the result as one line. Raises the errors of the services."""
        raise NotImplementedError

    def latest_entries(self, plane: ControlPlane) -> Sequence[AuditEntry]:
        """Return the latest audit entries about the subject, newest first, to explain a stale request."""
        return plane.audit.changes(5, key=self.subject)


def audited_business(plane: ControlPlane, slug: str) -> str:
    """Return a business as the audit log names it. Raises UnknownBusiness."""
    return f"business:{plane.directory.find(slug).business_id}"
