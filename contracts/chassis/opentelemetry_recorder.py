"""Records traces with the OpenTelemetry SDK and exports them by OTLP over HTTP. Imported only when tracing is on."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from contracts.chassis.trace import Trace, parse_traceparent
from contracts.chassis.tracing import Attributes, Kind

_KINDS = {
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


class OpenTelemetryRecorder:
    """A `TraceRecorder`. Spans are exported in batches by a background thread; those that do not fit are dropped."""

    def __init__(self, traces_url: str, process: str) -> None:
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # A span is only started for a trace that is recorded.
            resource=Resource.create({"service.name": process}),
            id_generator=self._ids,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=traces_url, timeout=5)))
        self._tracer = self._provider.get_tracer("extraction")

    def request(self, name: str, trace: Trace, traceparent: str | None) -> AbstractContextManager[object]:
        """Start the span whose id is already in `trace`, so that logs and headers name it."""
        parent = _remote(traceparent)
        with self._ids.given(int(trace.trace_id, 16), int(trace.parent_id, 16)):
            span = self._tracer.start_span(name, parent, SpanKind.SERVER)
        return _current(span)

    def span(self, name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[object]:
        return _current(self._tracer.start_span(name, kind=_KINDS[kind], attributes=dict(attributes)))

    def finished_span(self, name: str, kind: Kind, traceparent: str, started_ns: int, attributes: Attributes) -> None:
        parent = _remote(traceparent)
        span = self._tracer.start_span(name, parent, _KINDS[kind], attributes=dict(attributes), start_time=started_ns)
        span.end()

    def annotate(self, attributes: Attributes) -> None:
        trace.get_current_span().set_attributes(dict(attributes))

    def current_span_id(self) -> str | None:
        span = trace.get_current_span().get_span_context()
        return f"{span.span_id:016x}" if span.is_valid else None

    def flush(self) -> None:
        self._provider.shutdown()


class _GivenIds(RandomIdGenerator):
    """Random ids, except inside the block of `given`."""

    def __init__(self) -> None:
        self._given = threading.local()

    @contextmanager
    def given(self, trace_id: int, span_id: int) -> Iterator[None]:
        self._given.ids = (trace_id, span_id)
        try:
            yield
        finally:
            self._given.ids = None

    def generate_trace_id(self) -> int:
        ids = getattr(self._given, "ids", None)
        return ids[0] if ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        ids = getattr(self._given, "ids", None)
        return ids[1] if ids else super().generate_span_id()


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Make the span the current one and end it after the block. Messages of exceptions may hold personal data."""
    token = context.attach(trace.set_span_in_context(span))
    try:
        yield
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        context.detach(token)
        span.end()


def _remote(traceparent: str | None) -> context.Context:
    """Return a context below the caller's span; an empty one if there is none."""
    parsed = parse_traceparent(traceparent)
    if parsed is None:
        return context.Context()
    trace_id, span_id, _ = parsed
    flags = TraceFlags(TraceFlags.SAMPLED)
    caller = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(caller), context.Context())
