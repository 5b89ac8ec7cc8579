"""The console as a JSON API: the same state, previews and changes as the pages.

A program signs in with an operator's own e-mail address and password and sends the token as a bearer. A change needs a
token of the last 15 minutes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from flask import request
from msgspec import Struct

from deploy.console import sources
from deploy.console.access import ConsoleAuthorizer
from deploy.console.changes import ChangeKinds
from deploy.console.changes.change import OperatorChange, Preview, Reason, Who
from deploy.console.extension import ConsoleContext
from deploy.console.requests import OperatorRequest, console_plane
from monolith.cutover.scheduling_flag import FlagValue
from monolith.cutover.service.standing import Standing
from monolith.modules.auth.models import Email, Password
from monolith.modules.auth.sessions import Sessions
from monolith.shared.endpoints import AnyEndpoint, ApiError
from monolith.shared.endpoints.call import Call
from monolith.shared.endpoints.endpoint import Access, Endpoint
from monolith.shared.endpoints.errors import forbidden

MODULE = "console"


class SignInForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email
    password: Password


class OperatorToken(Struct, frozen=True, kw_only=True):
    """`token` is sent as `Authorization: Bearer`. Changes need one of the last 15 minutes."""

    token: str
    email: str
    role: str


class SystemState(Struct, frozen=True, kw_only=True):
    """`problems` name the parts that could not be read; the rest is at most seconds old."""

    as_of: datetime
    default: FlagValue | None
    businesses: list[Standing]
    problems: dict[str, str]


class RequestView(Struct, frozen=True, kw_only=True):
    """A request of an operator. `state` is requested, running, done, failed or withdrawn."""

    request_id: str
    kind: str
    subject: str
    actor: str
    reason: str
    state: str
    requested_at: datetime
    ended_at: datetime | None
    lines: list[str]
    result: str


class RequestList(Struct, frozen=True, kw_only=True):
    requests: list[RequestView]


class AuditQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: int = 50


class AuditView(Struct, frozen=True, kw_only=True):
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    reason: str


class AuditList(Struct, frozen=True, kw_only=True):
    """The latest entries, newest first."""

    entries: list[AuditView]


class ConsoleApi:
    """The handlers."""

    def __init__(self, context: ConsoleContext, sessions: Sessions, changes: ChangeKinds) -> None:
        self._authorizer: ConsoleAuthorizer = context.authorizer
        self._snapshots, self._requests = context.snapshots, context.requests
        self._sessions, self._changes = sessions, changes

    def endpoints(self) -> list[AnyEndpoint]:
        """Return the table: two endpoints for each kind of change, and those that only read."""
        own: list[AnyEndpoint] = [
            _endpoint("sign_in", "POST", "/sign-in", Access.PUBLIC, self.sign_in, OperatorToken, SignInForm),
            _endpoint("read_state", "GET", "/state", Access.VIEWER, self.read_state, SystemState),
            _endpoint("list_requests", "GET", "/requests", Access.VIEWER, self.list_requests, RequestList),
            _endpoint("read_request", "GET", "/requests/{request_id}", Access.VIEWER, self.read_request, RequestView),
            _endpoint(
                "withdraw_request",
                "POST",
                "/requests/{request_id}/withdraw",
                Access.OPERATOR,
                self.withdraw_request,
                RequestView,
            ),
            _endpoint("list_audit", "GET", "/audit", Access.VIEWER, self.list_audit, AuditList, query=AuditQuery),
        ]
        return own + [endpoint for kind in self._changes.values() for endpoint in self._of(kind)]

    def sign_in(self, call: Call[SignInForm]) -> OperatorToken:
        session = self._sessions.log_in(call.body.email, call.body.password, self._authorizer.origin(request))
        found = self._sessions.by_session(session.secret)
        if found is None or not (found.is_operator or found.is_viewer):
            self._authorizer.record_denial(f"{session.user.email} has no role")
            if found is not None and found.session_id is not None:
                self._sessions.log_out(found.session_id)
            raise forbidden("This account has no role in the console.")
        return OperatorToken(
            token=session.secret, email=session.user.email, role="operator" if found.is_operator else "viewer"
        )

    def read_state(self, call: Call[None]) -> SystemState:
        snapshot = self._snapshots.current()
        state = snapshot.reading(sources.EXTRACTION).value
        return SystemState(
            as_of=snapshot.taken_at,
            default=None if state is None else state.default,
            businesses=sources.standings(snapshot),
            problems={name: each.problem for name, each in snapshot.readings.items() if each.problem},
        )

    def list_requests(self, call: Call[None]) -> RequestList:
        return RequestList(requests=[_view(each) for each in self._requests.latest(100)])

    def read_request(self, call: Call[None]) -> RequestView:
        return _view(self._requests.get(call.path["request_id"]))

    def withdraw_request(self, call: Call[None]) -> RequestView:
        actor = self._authorizer.require(Access.OPERATOR).actor
        return _view(self._requests.withdraw(call.path["request_id"], Who(actor, "withdrawn by the API")))

    def list_audit(self, call: Call[None]) -> AuditList:
        limit = call.query.limit
        if not 1 <= limit <= 1000:
            raise ApiError(400, "invalid_request", "`limit` is a number from 1 to 1000.", field="limit")
        with console_plane() as plane:
            return AuditList(entries=[AuditView(**each._asdict()) for each in plane.audit.changes(limit)])

    def _of(self, kind: type[OperatorChange]) -> Sequence[AnyEndpoint]:
        """Return the preview and the change of one kind."""
        body = msgspec.defstruct(
            f"{kind.__name__}Request",
            [("change", kind), ("reason", Reason), ("expected", str)],
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
        )
        name = kind.kind.replace("-", "_")
        summary = (kind.__doc__ or kind.title).partition("\n")[0]

        def preview(call: Call[OperatorChange]) -> Preview:
            with console_plane() as plane:
                return call.body.preview(plane)

        def make(call: Call[Any]) -> RequestView:
            actor = self._authorizer.require(Access.OPERATOR).actor
            made = self._requests.submit(call.body.change, Who(actor, call.body.reason), call.body.expected)
            return _view(made)

        return (
            _endpoint(f"preview_{name}", "POST", f"/previews/{kind.kind}", Access.VIEWER, preview, Preview, kind),
            _endpoint(
                name, "POST", f"/changes/{kind.kind}", Access.OPERATOR, make, RequestView, body, status=202,
                summary=summary,
            ),
        )  # fmt: skip


def _endpoint(
    name: str, method: Any, path: str, access: Access, handler: Any, reply: type[Any], body: Any = None, **more: Any
) -> AnyEndpoint:
    return Endpoint(
        module=MODULE, name=name, method=method, path=path, access=access, handler=handler, reply=reply, body=body,
        **more,
    )  # fmt: skip


def _view(found: OperatorRequest) -> RequestView:
    return RequestView(
        request_id=found.request_id,
        kind=found.change.kind,
        subject=found.change.subject,
        actor=found.who.actor,
        reason=found.who.reason,
        state=found.state,
        requested_at=found.requested_at,
        ended_at=found.ended_at,
        lines=list(found.lines),
        result=found.result,
    )
