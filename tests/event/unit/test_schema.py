"""The OpenAPI schema matches the service."""

from event_project.events.api.errors import STATUSES
from tests.support.schemas import documented_refusals


def test_every_refusal_of_the_domain_is_documented_with_its_status() -> None:
    refusals = {(int(status), error.code) for error, status in STATUSES.items()}

    assert refusals
    assert refusals - documented_refusals("event") == set()
