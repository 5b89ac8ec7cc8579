"""Audit of refused requests, such as for data of another business.

Callers decide how many requests are refused, so the number of audit entries is bounded: per caller and per process.
Requests beyond the bound are counted, and the next entry of the caller contains their number.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote

from flask import request

from contracts.chassis.problem import Problem
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.flags.store import FlagStore
from monolith.shared.middleware.request_context import current_request_context

_log = logging.getLogger("monolith.denied")

CALLERS = 1_000
"""Callers that are remembered; the least recently refused one is forgotten."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One refused request. `unrecorded` counts the caller's earlier ones without an entry."""

    actor: str
    subject: str
    status: int
    code: str
    unrecorded: int


@dataclass(slots=True)
class _Allowance:
    """Up to `size` entries at once, restored evenly over an hour. Times are seconds of a monotonic clock."""

    size: int
    left: float
    updated: float
    unrecorded: int = 0

    def take(self, now: float) -> bool:
        self.left = min(self.size, self.left + (now - self.updated) * self.size / 3600)
        self.updated = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class DenialBounds:
    """Bounds the audit entries about refused requests, per hour: of each caller, and of the process. Thread-safe."""

    def __init__(self, per_caller: int = 10, per_process: int = 200) -> None:
        self._per_caller = per_caller
        self._process = _Allowance(per_process, per_process, time.monotonic())
        self._callers: OrderedDict[str, _Allowance] = OrderedDict()
        self._lock = Lock()

    def admit(self, caller: str) -> int | None:
        """Return how many of the caller's requests were not recorded before; None if this one is not either."""
        now = time.monotonic()
        with self._lock:
            allowance = self._callers.pop(caller, None) or _Allowance(self._per_caller, self._per_caller, now)
            self._callers[caller] = allowance
            if len(self._callers) > CALLERS:
                self._callers.popitem(last=False)
            if not allowance.take(now) or not self._process.take(now):
                allowance.unrecorded += 1
                return None
            unrecorded, allowance.unrecorded = allowance.unrecorded, 0
            return unrecorded


class DenialLog:
    """Records refused requests of callers who are signed in or have a token. Thread-safe.

    `append` stores an entry and may raise DatabaseUnavailable, which costs the entry, not the reply.
    """

    def __init__(self, append: Callable[[Denial], None]) -> None:
        self._append = append
        self._bounds = DenialBounds()

    def record(self, problem: Problem) -> None:
        """Record the refusal of the current request, if it is one: 403, or 404 for something within a business."""
        context = current_request_context()
        if context.caller is None or not _is_denial(problem):
            return
        unrecorded = self._bounds.admit(context.caller)
        if unrecorded is None:
            return
        subject = f"access:{context.module}.{context.endpoint} {request.method} {audited_path(request.path)}"
        denial = Denial(context.caller, subject, problem.status, problem.code, unrecorded)
        try:
            self._append(denial)
        except (DatabaseUnavailable, CommitUnknown):
            _log.warning("a refused request could not be audited: %s", denial)


def audited_denials(store: FlagStore) -> DenialLog:
    """Return a log whose entries go to the audit log."""

    def append(denial: Denial) -> None:
        details = {"status": denial.status, "unrecorded": denial.unrecorded}
        store.record("access.denied", denial.subject, actor=denial.actor, reason=denial.code, details=details)

    return DenialLog(append)


def audited_path(path: str) -> str:
    """Return a requested path as the audit log stores it: encoded, because callers choose its characters."""
    return quote(path, safe="/-._~!$&'()*+,;=:@")[:200]


def _is_denial(problem: Problem) -> bool:
    if problem.status == 403:
        return problem.code == "forbidden"
    ids = {name for name in request.view_args or {} if name != "slug"}
    return problem.status == 404 and bool(ids)
