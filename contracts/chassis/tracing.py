"""Distributed traces for OpenTelemetry. Off by default; then every function here returns at once.

`start_tracing` turns it on for a process. A trace begins at the edge (`at_edge` decides whether it is recorded), and
every process that a recorded trace reaches adds its spans.
"""

import random
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Literal, Protocol, Self

from msgspec.structs import replace

from contracts.chassis.settings import ConfigError, Environment, number, url
from contracts.chassis.trace import Trace

Kind = Literal["client", "internal", "producer", "consumer"]
Attributes = Mapping[str, str | int]

_NOTHING: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """`traces_url` is the OTLP/HTTP address of a collector, such as http://127.0.0.1:4318/v1/traces."""

    traces_url: str
    percent: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self | None:
        """Read the settings; None without TRACES_URL. Raises ConfigError."""
        if not environment.get("TRACES_URL", "").strip():
            return None
        return cls(
            traces_url=url(environment, "TRACES_URL", "http://host:4318/v1/traces"),
            percent=number(environment, "TRACES_PERCENT", 1, at_least=0, at_most=100),
        )


class TraceRecorder(Protocol):
    """Records spans. The current span is that of the current thread."""

    def request(self, name: str, trace: Trace, traceparent: str | None) -> AbstractContextManager[object]: ...

    def span(self, name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[object]: ...

    def finished_span(
        self, name: str, kind: Kind, traceparent: str, started_ns: int, attributes: Attributes
    ) -> None: ...

    def annotate(self, attributes: Attributes) -> None: ...

    def current_span_id(self) -> str | None:
        """Return the id of the current span in hexadecimal digits; None if the current trace is not recorded."""

    def flush(self) -> None: ...


_recorder: TraceRecorder | None = None
_percent = 0


def start_tracing(settings: TracingSettings | None, process: str) -> None:
    """Record the traces of this process, whose name is `process`. Call it once, after a fork.

    Does nothing without settings. Raises ConfigError if the packages of the extra `tracing` are not installed.
    """
    global _recorder, _percent
    if settings is None:
        return
    try:
        from contracts.chassis.opentelemetry_recorder import OpenTelemetryRecorder
    except ImportError as error:
        raise ConfigError("TRACES_URL is set, but tracing is not installed: install extraction[tracing]") from error
    _recorder, _percent = OpenTelemetryRecorder(settings.traces_url, process), settings.percent


def is_on() -> bool:
    """Return whether this process records traces."""
    return _recorder is not None


def is_recording() -> bool:
    """Return whether the current request is recorded."""
    return _recorder is not None and _recorder.current_span_id() is not None


def at_edge(trace: Trace) -> Trace:
    """Return the trace with the decision whether it is recorded, whatever an untrusted caller asked for.

    The decision is random, and not a function of the trace's id, which the caller may have chosen.
    """
    sampled = _recorder is not None and random.random() * 100 < _percent  # noqa: S311
    return trace if trace.sampled == sampled else replace(trace, sampled=sampled)


def request(name: str, trace: Trace, traceparent: str | None) -> AbstractContextManager[object]:
    """Record the handling of a request, as the span that `trace` names, below the caller's `traceparent`."""
    if _recorder is None or not trace.sampled:
        return _NOTHING
    return _recorder.request(name, trace, traceparent)


def span(name: str, kind: Kind = "internal", **attributes: str | int) -> AbstractContextManager[object]:
    """Record a step of the current request. An exception is recorded by its class, without its message."""
    return _recorder.span(name, kind, attributes) if _recorder is not None and is_recording() else _NOTHING


def query(sql: str) -> AbstractContextManager[object]:
    """Record a statement of the current request. `sql` has placeholders: parameters are never recorded."""
    if not is_recording():
        return _NOTHING
    text = " ".join(sql.split())
    return span(text.partition(" ")[0].upper()[:20] or "SQL", "client", **{"db.query.text": text[:2000], **_POSTGRES})


_POSTGRES: Final = {"db.system.name": "postgresql"}


def annotate(**attributes: str | int) -> None:
    """Add attributes to the current span."""
    if _recorder is not None:
        _recorder.annotate(attributes)


def continued(trace: Trace) -> Trace:
    """Return the trace for a call made now, whose parent is the current span."""
    span_id = _recorder.current_span_id() if _recorder is not None else None
    return trace if span_id is None else replace(trace, parent_id=span_id)


def now_ns() -> int:
    """Return the time for `finished_span`."""
    return time.time_ns()


def finished_span(name: str, kind: Kind, traceparent: str | None, started_ns: int, **attributes: str | int) -> None:
    """Record a step that began at `started_ns` and ends now, of the request that `traceparent` names.

    For steps of many requests at once, such as a batch of events. Without `traceparent`, it is not recorded.
    """
    if _recorder is not None and traceparent:
        _recorder.finished_span(name, kind, traceparent, started_ns, attributes)
