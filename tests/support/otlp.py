"""A collector of traces: it takes OTLP over HTTP, and remembers the spans."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

from tests.support.waiting import until

KINDS = {
    SentSpan.SPAN_KIND_INTERNAL: "internal",
    SentSpan.SPAN_KIND_SERVER: "server",
    SentSpan.SPAN_KIND_CLIENT: "client",
    SentSpan.SPAN_KIND_PRODUCER: "producer",
    SentSpan.SPAN_KIND_CONSUMER: "consumer",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """Ids are hexadecimal. `links` are ids of spans."""

    service: str
    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    links: frozenset[str]
    attributes: Mapping[str, Any]
    has_failed: bool


@dataclass
class Collector:
    """`answers` is cleared to freeze it, `status` changed to refuse."""

    url: str
    answers: threading.Event = field(default_factory=threading.Event)
    status: int = 200
    headers: list[Mapping[str, str]] = field(default_factory=list)
    _spans: list[Span] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return list(self._spans)

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_process in request.resource_spans:
            resource = _values(of_process.resource.attributes)
            for of_scope in of_process.scope_spans:
                self._spans += [_span(each, resource["service.name"]) for each in of_scope.spans]

    def of_trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def wait_for(self, trace_id: str, *names: str) -> dict[str, Span]:
        """The spans of a trace, by name, once it has these and maybe others."""

        def found() -> dict[str, Span] | None:
            by_name = {span.name: span for span in self.of_trace(trace_id)}
            return by_name if by_name.keys() >= {*names} else None

        return until(found, f"{names} of {trace_id}")

    def wait_for_only(self, kind: str, attribute: str, value: str) -> Span:
        """The span of this kind with this attribute, of whatever trace."""

        def found() -> list[Span]:
            of_kind = (span for span in self.spans if span.kind == kind)
            return [span for span in of_kind if span.attributes.get(attribute) == value]

        (span,) = until(found, f"the {kind} span with {attribute} {value}")
        return span


@contextmanager
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if not mine.answers.wait(60):
                return
            mine.headers.append(dict(self.headers))
            if mine.status == 200:
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                mine.take(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(mine.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mine = Collector(f"http://127.0.0.1:{server.server_port}")
        mine.answers.set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield mine
        finally:
            mine.answers.set()
            server.shutdown()
            thread.join()


def _span(sent: Any, service: str) -> Span:
    return Span(
        service=service,
        name=sent.name,
        kind=KINDS[sent.kind],
        trace_id=sent.trace_id.hex(),
        id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        links=frozenset(link.span_id.hex() for link in sent.links),
        attributes=_values(sent.attributes),
        has_failed=sent.status.code == 2,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
