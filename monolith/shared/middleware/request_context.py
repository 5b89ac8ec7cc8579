"""The context of a request: trace, deadline and timing, from before routing until after the response."""

import re
import time
from typing import Any

from flask import request

from contracts.chassis.arrival import seconds_in_queue
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace, new_trace
from contracts.chassis.tracing import at_edge
from monolith.shared.localization import Language

_KEY = "extraction.request_context"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """The context of one request.

    `module` and `endpoint` are empty until the request is routed, `status` is 0 until it has a response. `caller` is
    the authenticated caller, like `user:ID` or `token:ID`; `confirmed` is true if its e-mail address is confirmed.
    `framed_by` are the origins, separated by spaces, whose pages may show the response in a frame; `pictures_from` is
    the origin from which it loads pictures. `policy` replaces the content security policy, for a response that is not
    made from a template of this code. `account_language` and `business_language` are those that the caller and the
    business have chosen, as far as they are known; `language` is that of the page, once it is decided.
    """

    __slots__ = (
        "account_language",
        "business_language",
        "caller",
        "confirmed",
        "cpu_started",
        "deadline",
        "endpoint",
        "framed_by",
        "language",
        "module",
        "pictures_from",
        "policy",
        "started",
        "status",
        "trace",
    )

    def __init__(self, environ: dict[str, Any], seconds: float) -> None:
        self.started = time.perf_counter()
        self.cpu_started = time.thread_time()
        self.trace: Trace = at_edge(new_trace(environ.get("HTTP_TRACEPARENT"), _request_id(environ)))
        self.deadline = Deadline.after(seconds - seconds_in_queue())
        self.module = ""
        self.endpoint = ""
        self.status = 0
        self.caller: str | None = None
        self.framed_by = ""
        self.pictures_from = ""
        self.policy = ""
        self.confirmed = False
        self.account_language = ""
        self.business_language = ""
        self.language: Language | None = None
        environ[_KEY] = self


def current_request_context() -> RequestContext:
    """Return the context of the current request."""
    context = request.environ[_KEY]
    assert isinstance(context, RequestContext)
    return context


def _request_id(environ: dict[str, Any]) -> str | None:
    given = environ.get("HTTP_X_REQUEST_ID")
    return given if given and _REQUEST_ID.fullmatch(given) else None
