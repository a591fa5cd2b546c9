"""With a collector, what a request causes is one trace; and no collector can harm a request."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any

import httpx
import pika
import pytest

from devstack.ports import free_port
from shared.messaging.topology import EVENTS_EXCHANGE
from tests.support.end_to_end.clients import BOOKINGS, EVENTS, Sale, event_input, open_client
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.system import OwnProcesses, own_system
from tests.support.otlp import Collector, Span, collector
from tests.support.waiting import PATIENCE_SECONDS, until

MAIL = "send mail"
PROCESS_EVENT = "process booking-service.events"
PROCESS_BOOKING = "process booking-service.notifications"


@pytest.fixture(scope="module")
def received() -> Iterator[Collector]:
    with collector() as it:
        yield it


@pytest.fixture(scope="module")
def traced(received: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProcesses]:
    with own_system(
        tmp_path_factory.mktemp("traced"),
        OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=tickets",
        OTEL_BSP_SCHEDULE_DELAY="100",
        LOG_FORMAT="json",
    ) as system:
        assert system.own
        yield system.own


@pytest.fixture
def sale(traced: OwnProcesses) -> Iterator[Sale]:
    sale = Sale(traced.url_of(traced.event), traced.url_of(traced.booking))
    yield sale
    sale.close()


class Caller:
    """A caller who records, too."""

    def __init__(self, *, flags: str = "01") -> None:
        self.trace_id = token_hex(16)
        self.span_id = token_hex(8)
        self.headers = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{flags}"}


def created(sale: Sale, caller: Caller, **changes: Any) -> int:
    answer = sale.events.post(EVENTS, json=event_input(**changes), headers=caller.headers)
    assert answer.status_code == 201, answer.text
    event_id: int = answer.json()["id"]
    sale.wait_for(event_id)
    return event_id


def lines_of(part: Part, trace_id: str) -> list[str]:
    lines = map(json.loads, part.text().splitlines())
    return [line["message"] for line in lines if line.get("trace_id") == trace_id]


def way_to(span: Span, spans: list[Span]) -> list[str]:
    """The names from the beginning of the trace to this span."""
    by_id = {each.id: each for each in spans}
    names = [span.name]
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        names.insert(0, span.name)
    return names


def test_an_events_creation_is_one_trace_through_both_services(
    sale: Sale, traced: OwnProcesses, received: Collector
) -> None:
    caller = Caller()
    event_id = created(sale, caller)

    found = received.wait_for(
        caller.trace_id, "POST /api/v1/events", "send events", PROCESS_EVENT, "upsert events"
    )
    assert len(received.of_trace(caller.trace_id)) == len(found)
    post, send = found["POST /api/v1/events"], found["send events"]
    process, upsert = found[PROCESS_EVENT], found["upsert events"]
    assert post.parent_id == caller.span_id
    assert send.parent_id == post.id
    assert process.parent_id == send.id
    assert upsert.parent_id == process.id
    assert [each.kind for each in (post, send, process, upsert)] == [
        "server",
        "producer",
        "consumer",
        "internal",
    ]
    assert (post.service, process.service) == ("event-api", "booking.consume_events")
    assert post.attributes == {
        "http.request.method": "POST",
        "url.path": EVENTS,
        "http.route": EVENTS,
        "http.response.status_code": 201,
        "reservation.request_id": process.attributes["reservation.request_id"],
    }
    assert send.attributes["messaging.rabbitmq.destination.routing_key"] == "event.created"
    assert send.attributes["messaging.message.id"] == process.attributes["messaging.message.id"]
    assert not any(each.has_failed for each in found.values())
    until(lambda: lines_of(traced.event, caller.trace_id), "the request's line with its trace")
    assert f"event {event_id} version 1 taken over" in lines_of(traced.consumer, caller.trace_id)
    assert received.headers[0]["x-tenant"] == "tickets"


def test_a_booking_is_one_trace_as_far_as_its_mail(
    sale: Sale, traced: OwnProcesses, received: Collector
) -> None:
    """And so is that of the other user, who moves up."""
    event_id = sale.create_event(max_seats=1)
    seated, waiting = sale.booked(event_id, "ann"), sale.booked(event_id, "ben")
    caller = Caller()
    answer = sale.bookings.delete(f"{BOOKINGS}/{seated['id']}", headers=caller.headers)
    assert answer.status_code == 200

    def mails() -> list[Span] | None:
        found = [each for each in received.of_trace(caller.trace_id) if each.name == MAIL]
        return found if len(found) == 2 else None

    delete = "DELETE /api/v1/bookings/<str:booking_id>"
    received.wait_for(caller.trace_id, delete, "admission", "send bookings", PROCESS_BOOKING)
    both = until(mails, "two mails in the trace")
    way = [delete, "admission", "send bookings", PROCESS_BOOKING, MAIL]
    for mail in both:
        until(lambda mail=mail: way_to(mail, received.of_trace(caller.trace_id)) == way, f"{way}")
    spans = received.of_trace(caller.trace_id)
    (transaction,) = (each for each in spans if each.name == "transaction")
    assert way_to(transaction, spans) == [delete, "admission", "transaction"]
    assert {f"booking {each['id']}: mail sent" for each in (seated, waiting)} <= {
        *lines_of(traced.notifier, caller.trace_id)
    }


def test_the_mails_of_a_cancelled_event_belong_to_its_cancellation(
    sale: Sale, traced: OwnProcesses, received: Collector
) -> None:
    event_id = sale.create_event()
    booking = sale.booked(event_id, "ann")
    caller = Caller()
    path = f"{EVENTS}/{event_id}/cancel"
    number = "cancels-the-event"
    answer = sale.events.post(path, headers={**caller.headers, "X-Request-ID": number})
    assert answer.status_code == 200

    found = received.wait_for(
        caller.trace_id,
        "POST /api/v1/events/<str:event_id>/cancel",
        "send events",
        PROCESS_EVENT,
        "batch",
        "send bookings",
        PROCESS_BOOKING,
        MAIL,
    )
    assert way_to(found[MAIL], [*found.values()]) == [
        "POST /api/v1/events/<str:event_id>/cancel",
        "send events",
        PROCESS_EVENT,
        "batch",
        "send bookings",
        PROCESS_BOOKING,
        MAIL,
    ]
    assert found[PROCESS_BOOKING].attributes["reservation.request_id"] == number
    assert f"booking {booking['id']}: mail sent" in lines_of(traced.notifier, caller.trace_id)


def test_requests_of_a_group_link_to_the_transaction_that_they_share(
    sale: Sale, received: Collector
) -> None:
    event_id = sale.create_event(max_seats=1_000)
    users = iter(range(1_000))

    def book(_: int) -> str:
        caller = Caller()
        answer = sale.bookings.post(
            f"{EVENTS}/{event_id}/bookings",
            json={"user_id": f"user-{next(users)}"},
            headers=caller.headers,
        )
        assert answer.status_code == 201, answer.text
        return caller.trace_id

    def rush() -> tuple[list[Span], Span] | None:
        """A group with all its requests; None if each came alone."""
        with ThreadPoolExecutor(20) as threads:
            traces = list(threads.map(book, range(20)))
        members = [received.wait_for(each, "admission")["admission"] for each in traces]
        transactions = [
            span
            for each in traces
            for span in received.of_trace(each)
            if span.name == "transaction"
        ]
        for group in transactions:
            if group.attributes["reservation.group.size"] > 2:
                return members, group
        return None

    members, group = until(rush, "a group of more than two")
    (first,) = (each for each in members if each.id == group.parent_id)
    others = [each for each in members if group.id in each.links]
    assert first.trace_id == group.trace_id
    assert len(others) == group.attributes["reservation.group.size"] - 1
    assert {each.id for each in others} == group.links
    assert len({each.trace_id for each in others}) == len(others)


def test_a_refusal_is_no_failure(sale: Sale, received: Collector) -> None:
    event_id = sale.create_event()
    sale.booked(event_id, "ann")
    caller = Caller()
    path = f"{EVENTS}/{event_id}/bookings"
    answer = sale.bookings.post(path, json={"user_id": "ann"}, headers=caller.headers)

    name = "POST /api/v1/events/<str:event_id>/bookings"
    found = received.wait_for(caller.trace_id, name, "admission")
    assert answer.status_code == 409
    assert found[name].attributes["http.response.status_code"] == 409
    assert found["admission"].attributes["reservation.refusal"] == "already_booked"
    assert not any(each.has_failed for each in found.values())


@pytest.mark.parametrize(
    "given", ["nonsense", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-" + "1" * 100]
)
def test_a_bad_traceparent_is_ignored(sale: Sale, received: Collector, given: str) -> None:
    answer = sale.events.post(EVENTS, json=event_input(), headers={"traceparent": given})

    assert answer.status_code == 201
    number = answer.headers["X-Request-ID"]

    post = received.wait_for_only("server", "reservation.request_id", number)
    assert post.parent_id == ""
    assert post.trace_id not in given


def test_a_trace_that_the_caller_does_not_record_is_not_recorded(
    sale: Sale, received: Collector
) -> None:
    silent, recorded = Caller(flags="00"), Caller()
    created(sale, silent)
    created(sale, recorded)

    received.wait_for(recorded.trace_id, "upsert events")
    assert received.of_trace(silent.trace_id) == []


@pytest.mark.parametrize("headers", [{}, {"traceparent": "nonsense"}, {"traceparent": 7}])
def test_a_message_without_a_valid_trace_is_handled(
    sale: Sale, traced: OwnProcesses, received: Collector, headers: dict[str, Any]
) -> None:
    """It begins a trace of its own."""
    answer = sale.events.get(f"{EVENTS}/{sale.create_event()}")
    event = {**answer.json(), "id": 1_000_000 + int(token_hex(2), 16)}
    message_id = token_hex(8)
    with pika.BlockingConnection(pika.URLParameters(traced.environ["RABBITMQ_URL"])) as broker:
        broker.channel().basic_publish(
            EVENTS_EXCHANGE,
            "event.created",
            json.dumps(event).encode(),
            pika.BasicProperties(message_id=message_id, headers=headers),
        )

    sale.wait_for(event["id"])

    process = received.wait_for_only("consumer", "messaging.message.id", message_id)
    assert process.parent_id == ""


def test_probes_are_not_recorded(sale: Sale, received: Collector) -> None:
    for path in ("/health", "/health/ready", "/metrics"):
        assert sale.bookings.get(path).status_code == 200
    caller = Caller()
    sale.bookings.get(f"{EVENTS}/1/status", headers=caller.headers)

    received.wait_for(caller.trace_id, "GET /api/v1/events/<str:event_id>/status")
    paths = {each.attributes["url.path"] for each in received.spans if each.kind == "server"}
    assert not any(path.startswith(("/health", "/metrics")) for path in paths)


def test_a_process_that_ends_sends_its_last_spans(
    traced: OwnProcesses, received: Collector
) -> None:
    caller = Caller()
    hour = str(60 * 60 * 1000)
    with traced.another_service("event", "ends", OTEL_BSP_SCHEDULE_DELAY=hour) as url:
        with open_client(url) as client:
            answer = client.get(EVENTS, headers=caller.headers)
        assert answer.status_code == 200
        assert received.of_trace(caller.trace_id) == []
        assert traced.extra[-1].stop() == 0

    assert [each.name for each in received.of_trace(caller.trace_id)] == ["GET /api/v1/events"]


def lost(client: httpx.Client, reason: str) -> float:
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f'traces_lost_spans_total{{reason="{reason}"}}'):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_a_frozen_collector_delays_no_request_and_no_end(traced: OwnProcesses) -> None:
    with (
        collector() as frozen,
        traced.another_service(
            "event",
            "frozen-collector",
            OTEL_EXPORTER_OTLP_ENDPOINT=frozen.url,
            OTEL_EXPORTER_OTLP_TIMEOUT="3600",
            OTEL_BSP_MAX_QUEUE_SIZE="8",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4",
        ) as url,
        open_client(url) as client,
    ):
        frozen.answers.clear()
        for _ in range(50):
            assert client.get(EVENTS).status_code == 200
        assert lost(client, "queue_full") >= 50 - 2 * 8
        part = traced.extra[-1]
        client.close()
        assert part.stop() == 0
        assert "the collector took too long" in part.text()
        assert frozen.spans == []


def test_without_the_collector_spans_are_counted_and_forgotten(traced: OwnProcesses) -> None:
    with (
        traced.another_service(
            "event",
            "no-collector",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
            OTEL_EXPORTER_OTLP_TIMEOUT="0.1",
        ) as url,
        open_client(url) as client,
    ):
        for _ in range(10):
            assert client.get(EVENTS).status_code == 200
        until(lambda: lost(client, "not_taken") == 10, "10 lost spans", seconds=PATIENCE_SECONDS)


def test_the_sampler_is_that_of_the_standard_variable(
    traced: OwnProcesses, received: Collector
) -> None:
    silent = Caller()
    with (
        traced.another_service("event", "sampler", OTEL_TRACES_SAMPLER="always_off") as url,
        open_client(url) as client,
    ):
        assert client.get(EVENTS, headers=silent.headers).status_code == 200
        assert traced.extra[-1].stop() == 0

    assert received.of_trace(silent.trace_id) == []
