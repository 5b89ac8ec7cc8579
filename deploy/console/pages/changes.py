"""Changes: a confirmation page from the server, then the request until it is over."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from deploy.console.changes import ChangeKinds
from deploy.console.changes.change import OperatorChange, Reason, Who
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from deploy.console.requests import OperatorRequest, OperatorRequests, StaleRequest, console_plane
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, not_found

Page = str | Response | tuple[str, int]
_FIRST_WAIT_SECONDS = 1.5
"""Most changes are over by then, and their page shows the result at once."""
_OF_THE_FORM = ("reason", "expected")


class ChangePages:
    def __init__(self, layout: Layout, live: LivePages, requests: OperatorRequests, changes: ChangeKinds) -> None:
        self._layout, self._live, self._requests, self._changes = layout, live, requests, changes
        live.add("request", self._request_values)
        live.add("requests", self._latest_values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/changes/<kind>", "change", self.confirm)
        pages.add_url_rule("/changes/<kind>", "make_change", self.submit, methods=["POST"])
        pages.add_url_rule("/requests", "requests", self.requests)
        pages.add_url_rule("/requests/<request_id>", "request", self.request)
        pages.add_url_rule("/requests/<request_id>/withdraw", "withdraw", self.withdraw, methods=["POST"])

    def confirm(self, kind: str) -> Page:
        self._layout.require_viewer()
        change = self._change(kind, request.args.to_dict())
        return self._form(change)

    def submit(self, kind: str) -> Page:
        operator = self._layout.require_operator()
        fields = request.form.to_dict()
        change = self._change(kind, {name: each for name, each in fields.items() if name not in _OF_THE_FORM})
        try:
            reason = convert(" ".join(fields.get("reason", "").split()), Reason)
        except ApiError:
            return self._form(change, problem="Give a reason of one line, at most 200 characters.", status=400)
        try:
            made = self._requests.submit(change, Who(operator.actor, reason), fields.get("expected", ""))
        except StaleRequest as stale:
            return self._form(change, stale=stale, reason=reason, status=409)
        made.ended.wait(_FIRST_WAIT_SECONDS)
        return redirect(url_for("ops.request", request_id=made.request_id), 303)

    def requests(self) -> str:
        self._layout.require_viewer()
        return self._layout.render("ops/requests.html", live=self._live.fragment("requests"))

    def request(self, request_id: str) -> str:
        self._layout.require_viewer()
        found = self._requests.get(request_id)
        return self._layout.render(
            "ops/request.html", found=found, live=self._live.fragment("request", request_id), back=back_of(found.change)
        )

    def withdraw(self, request_id: str) -> Response:
        operator = self._layout.require_operator()
        self._requests.withdraw(request_id, Who(operator.actor, "withdrawn on the page of the request"))
        return redirect(url_for("ops.request", request_id=request_id), 303)

    def _form(
        self,
        change: OperatorChange,
        *,
        problem: str | None = None,
        stale: StaleRequest | None = None,
        reason: str = "",
        status: int = 200,
    ) -> Page:
        with console_plane() as plane:
            preview = stale.preview if stale else change.preview(plane)
        page = self._layout.render(
            "ops/change.html",
            change=change,
            fields=form_fields(change),
            preview=preview,
            stale=stale,
            problem=problem,
            reason=reason,
            back=back_of(change),
            again=f"{url_for('ops.change', kind=change.kind)}?{urlencode(form_fields(change))}",
        )
        return page, status

    def _change(self, kind: str, fields: Mapping[str, str]) -> OperatorChange:
        """Return the change that the fields describe; empty ones count as absent. Raises ApiError 400 or 404."""
        if kind not in self._changes:
            raise not_found("change")
        given = {name: text for name, text in fields.items() if text != ""}
        try:
            return msgspec.convert(given, self._changes[kind], strict=False)
        except msgspec.ValidationError as error:
            raise invalid_request(f"{error}.") from error

    def _request_values(self, _: Snapshot, request_id: str) -> Mapping[str, Any]:
        return {"found": self._requests.get(request_id)}

    def _latest_values(self, _: Snapshot, __: str) -> Mapping[str, Any]:
        found: list[OperatorRequest] = self._requests.latest(50)
        return {"requests": found}


def back_of(change: OperatorChange) -> str:
    """Return the page to which a change belongs."""
    slug = getattr(change, "slug", None)
    if slug:
        return url_for("ops.business", slug=slug)
    return url_for(change.page)


def form_fields(change: OperatorChange) -> dict[str, str]:
    """Return the fields of a change as a form carries them."""
    found = msgspec.to_builtins(change)
    return {
        name: str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
        for name, value in found.items()
        if value is not None
    }
