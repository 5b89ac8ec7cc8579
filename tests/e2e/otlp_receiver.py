"""An OTLP/HTTP collector in the test's process that stores the spans it receives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReceivedSpan:
    """A span. Ids are in hexadecimal digits; `parent` is empty for the first span of a trace."""

    process: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, str]


@dataclass
class OtlpReceiver:
    """`spans` are in the order of their arrival."""

    url: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def of_trace(self, trace: str) -> list[ReceivedSpan]:
        with self.lock:
            return [span for span in self.spans if span.trace == trace]

    def add(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            described = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {each.key: each.value.string_value for each in span.attributes}
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    with self.lock:
                        self.spans.append(ReceivedSpan(described["service.name"], span.name, *ids, attributes))


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """Receive spans within the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.add(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = OtlpReceiver(f"http://127.0.0.1:{server.server_port}/v1/traces")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
