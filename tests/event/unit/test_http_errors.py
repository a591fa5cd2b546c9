"""Every error of the API is a problem document, wherever it is raised."""

import logging

import orjson
import pytest
from django.test import Client

from event_project.events.api import views
from tests.support.event.http import EVENTS, VALID, assert_problem, post


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/xml",
    ],
)
def test_a_body_that_does_not_claim_to_be_json_is_415(client: Client, content_type: str) -> None:
    response = post(client, b"name=a&max_seats=50", content_type=content_type)

    assert_problem(response, 415, code="unsupported_media_type")


def test_a_body_of_more_than_256_kib_is_413(client: Client) -> None:
    body = orjson.dumps({**VALID, "name": "x" * (256 * 1024)})

    assert_problem(post(client, body), 413, code="body_too_large")


def test_a_body_of_ten_megabytes_is_413(client: Client) -> None:
    assert_problem(post(client, b"[" + b"1," * 5_000_000 + b"1]"), 413, code="body_too_large")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", EVENTS, "GET, POST, HEAD, OPTIONS"),
        ("DELETE", EVENTS, "GET, POST, HEAD, OPTIONS"),
        ("DELETE", f"{EVENTS}/1", "GET, PATCH, HEAD, OPTIONS"),
        ("PUT", f"{EVENTS}/1", "GET, PATCH, HEAD, OPTIONS"),
        ("POST", f"{EVENTS}/1", "GET, PATCH, HEAD, OPTIONS"),
        ("GET", f"{EVENTS}/1/cancel", "POST, OPTIONS"),
        ("PATCH", f"{EVENTS}/1/cancel", "POST, OPTIONS"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(
    client: Client, method: str, path: str, allowed: str
) -> None:
    response = client.generic(method, path)

    assert_problem(response, 405, code="method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == set(allowed.split(", "))


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/api/v1", "/api/v1/nothing", f"{EVENTS}/", f"{EVENTS}/1/", "/api/v2/events"],
)
def test_an_unknown_path_is_404(client: Client, path: str) -> None:
    assert_problem(client.get(path), 404, code="not_found")


@pytest.mark.parametrize(
    "event_id",
    ["abc", "0", "-1", "1.0", "+1", "01", "%D9%A1", "1%00", "%00", "1%0A", "1_0", "1e3", "%20"],
)
def test_a_malformed_id_is_400(client: Client, event_id: str) -> None:
    path = f"{EVENTS}/{event_id}"

    for response in (client.get(path), client.patch(path), client.post(f"{path}/cancel")):
        assert_problem(response, 400, code="invalid_event_id", message="invalid event id")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "abc", "", "5.0", "1e2", "%D9%A1", "9" * 40])
def test_a_bad_limit_is_400(client: Client, limit: str) -> None:
    response = client.get(f"{EVENTS}?limit={limit}")

    message = "limit must be a whole number from 1 to 1000"
    assert_problem(response, 400, code="invalid_limit", message=message)


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="empty"),
        pytest.param("5", id="a bare id"),
        pytest.param("after:1", id="not encoded"),
        pytest.param("!!!!", id="not base64"),
        pytest.param("%C3%A9", id="not ASCII"),
        pytest.param("%00", id="NUL"),
        pytest.param("YWZ0ZXI6", id="no number"),
        pytest.param("YWZ0ZXI6LTE", id="a negative number"),
        pytest.param("c2lkZXdheXM6MQ", id="an unknown direction"),
        pytest.param("_____w", id="not text"),
    ],
)
def test_a_bad_cursor_is_400(client: Client, cursor: str) -> None:
    assert_problem(client.get(f"{EVENTS}?cursor={cursor}"), 400, code="invalid_cursor")


def test_a_foreign_host_is_400(client: Client) -> None:
    response = client.get(EVENTS, headers={"host": "evil.example"})

    assert_problem(response, 400, code="bad_request")


def test_an_unhandled_exception_is_500_and_names_no_internals(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(**_: object) -> None:
        raise RuntimeError("password is hunter2")

    monkeypatch.setattr(views, "event_list", explode)
    with caplog.at_level(logging.ERROR):
        response = client.get(EVENTS)

    assert_problem(response, 500, code="internal_error")
    assert b"hunter2" not in response.content
    assert b"RuntimeError" not in response.content
    assert "hunter2" in caplog.text, "whoever repairs it finds it in the log"


def test_a_client_that_accepts_only_xml_gets_an_error_in_json(client: Client) -> None:
    response = client.get(EVENTS, headers={"accept": "application/xml"})

    assert_problem(response, 406, code="not_acceptable")


def test_a_browser_sees_an_error_as_a_page(client: Client) -> None:
    response = client.get(f"{EVENTS}/abc", headers={"accept": "text/html"})

    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"invalid event id" in response.content
