"""Requests of operators: checked, audited, run in the background, and visible from the request to its outcome."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from deploy.console.changes.change import OperatorChange, Preview, Who, Withdrawn
from deploy.control_plane import control_plane
from deploy.errors import CommandError
from monolith.cutover.service import ControlPlane, CutoverDatabaseUnavailable, UnknownBusiness
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.endpoints import ApiError
from monolith.shared.flags.store import AuditEntry, FlagStore

log = logging.getLogger("console.requests")

RequestState = Literal["requested", "running", "done", "failed", "withdrawn"]
_REFUSED = 409, "refused"
_STATUSES: Mapping[type[Exception], tuple[int, str]] = {
    UnknownBusiness: (404, "business_not_found"),
    DatabaseUnavailable: (503, "unavailable"),
    CutoverDatabaseUnavailable: (503, "unavailable"),
}
MAX_KEPT = 100
MAX_LINES = 500
THREADS = 4


class StaleRequest(ApiError):
    """The state has changed since the operator saw it. `preview` is the present one; `entries` changed it."""

    def __init__(self, preview: Preview, entries: Sequence[AuditEntry]) -> None:
        latest = next(iter(entries), None)
        by = f" The latest change: {latest.actor}, {latest.action}." if latest else ""
        super().__init__(409, "stale", f"The state has changed since you saw it: now {preview.expected}.{by}")
        self.preview, self.entries = preview, entries


@dataclass
class OperatorRequest:
    """One request. `lines` are the last lines of its progress; `result` is the outcome, or why it failed."""

    request_id: str
    change: OperatorChange
    who: Who
    requested_at: datetime
    subject: str
    """As in the audit log."""
    state: RequestState = "requested"
    began_at: datetime | None = None
    ended_at: datetime | None = None
    lines: list[str] = field(default_factory=list)
    result: str = ""
    withdrawn: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "withdrawn")

    def report(self, line: str) -> None:
        """Add a line of progress unless it is empty. Raises Withdrawn when the operator has withdrawn the request."""
        if line:
            self.lines.append(line)
            del self.lines[:-MAX_LINES]
        if self.withdrawn.is_set():
            raise Withdrawn


class OperatorRequests:
    """Runs requests in threads of its own, and stores the latest in memory. Thread-safe.

    A request that runs when the process ends is not continued: a cutover is settled by the cutover daemon, and a batch
    is resumed by repeating it.
    """

    def __init__(self, audit: FlagStore) -> None:
        self._audit = audit
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, OperatorRequest] = OrderedDict()
        self._threads = ThreadPoolExecutor(THREADS, "operator request")

    def submit(self, change: OperatorChange, who: Who, expected: str) -> OperatorRequest:
        """Check, audit and start the request.

        Raises StaleRequest when `expected` is not the present state, ApiError 409 for an impossible change, and 503
        when it cannot be audited.
        """
        with console_plane() as plane:
            preview = change.preview(plane)
            if preview.expected != expected:
                raise StaleRequest(preview, change.latest_entries(plane))
            subject = change.audit_subject(plane)
        if preview.refused is not None:
            raise ApiError(409, "refused", preview.refused)
        fields = {"kind": change.kind, **msgspec.to_builtins(change)}
        self._audit.record("console.requested", subject, actor=who.actor, reason=who.reason, details=fields)
        request = OperatorRequest(uuid4().hex[:12], change, who, datetime.now(UTC), subject)
        with self._lock:
            self._kept[request.request_id] = request
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._threads.submit(self._run, request)
        return request

    def withdraw(self, request_id: str, who: Who) -> OperatorRequest:
        """Stop a request before its next step; completed steps are kept. Raises ApiError 404 or 409."""
        request = self.get(request_id)
        if request.is_over:
            raise ApiError(409, "over", f"The request is {request.state} already.")
        self._audit.record("console.withdrawn", request.subject, actor=who.actor, reason=who.reason)
        request.withdrawn.set()
        return request

    def get(self, request_id: str) -> OperatorRequest:
        """Return a request. Raises ApiError 404, also for one of an earlier process."""
        with self._lock:
            found = self._kept.get(request_id)
        if found is None:
            raise ApiError(404, "not_found", "There is no such request; the audit log has those of earlier processes.")
        return found

    def latest(self, limit: int = 20) -> list[OperatorRequest]:
        """Return the latest requests, newest first."""
        with self._lock:
            return list(reversed(self._kept.values()))[:limit]

    def _run(self, request: OperatorRequest) -> None:
        if request.withdrawn.is_set():
            self._end(request, "withdrawn", "withdrawn before it began")
            return
        request.state, request.began_at = "running", datetime.now(UTC)
        try:
            with control_plane() as plane:
                result = request.change.run(plane, request.who, request.report)
        except Withdrawn:
            self._end(request, "withdrawn", "withdrawn; completed steps are kept")
        except (CommandError, ApiError, DatabaseUnavailable, CommitUnknown) as error:
            self._fail(request, str(error))
        except Exception as error:
            log.exception("an operator request failed")
            self._fail(request, f"a bug ({type(error).__name__}): the log of the console has the details")
        else:
            self._end(request, "done", result)

    def _fail(self, request: OperatorRequest, reason: str) -> None:
        try:
            self._audit.record("console.failed", request.subject, actor=request.who.actor, reason=reason[:500])
        except (DatabaseUnavailable, CommitUnknown):
            log.warning("the failure of a request could not be audited: %s", reason)
        self._end(request, "failed", reason)

    def _end(self, request: OperatorRequest, state: RequestState, result: str) -> None:
        request.result, request.ended_at = result, datetime.now(UTC)
        request.state = state
        request.ended.set()


@contextmanager
def console_plane() -> Iterator[ControlPlane]:
    """Open the control plane for one request of a browser. Raises ApiError 404, 409 or 503, with the remedy."""
    try:
        with control_plane() as plane:
            yield plane
    except CommandError as error:
        status, code = next((each for kind, each in _STATUSES.items() if isinstance(error.__cause__, kind)), _REFUSED)
        raise ApiError(status, code, str(error)) from error
