"""`GET /health` says that the process is up. It needs no database, so these tests have none."""

import pytest
from django.test import Client

from tests.support.event.http import assert_problem


def test_health_names_the_service(client: Client) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok", "service": "event-service"}


def test_health_answers_head_without_a_body(client: Client) -> None:
    response = client.head("/health")

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_health_accepts_only_reads(client: Client, method: str) -> None:
    response = client.generic(method, "/health")

    assert_problem(response, 405, code="method_not_allowed")
