"""Detect callers that hold a database transaction open across a scheduling call, which may last until its deadline."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.in_process import InProcessScheduling
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.shared.database import transaction_is_open

ADAPTERS: tuple[type[SchedulingPort], ...] = (InProcessScheduling, HttpScheduling, SwitchedScheduling)


@contextmanager
def refuse_calls_inside_transactions() -> Iterator[None]:
    """Raise when a thread inside a transaction calls an adapter; also fail when the block ends, if it was caught."""
    offences: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for adapter in ADAPTERS:
            patch.setattr(adapter, "call", _watched(adapter, offences))
        yield
    assert not offences, f"called inside an open database transaction: {', '.join(offences)}"


def _watched(adapter: type[SchedulingPort], offences: list[str]) -> Any:
    call: Any = adapter.call

    @wraps(call)
    def watched(self: SchedulingPort, operation: Any, ctx: Any, request: Any) -> Any:
        if transaction_is_open():
            offences.append(f"{adapter.__name__}.{operation.name}")
            raise AssertionError(f"{offences[-1]} was called inside an open database transaction")
        return call(self, operation, ctx, request)

    return watched
