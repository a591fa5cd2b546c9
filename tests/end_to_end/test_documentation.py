"""The schema and its pages, as a browser gets them."""

import re
from collections.abc import Callable
from urllib.parse import urljoin

import httpx
import pytest
import yaml

from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.processes import ROOT

# Tags that make a browser fetch something.
ADDRESS = re.compile(
    r"""<(?:script|link|img|iframe|redoc)\b[^>]*?\b(?:src|href|spec-url)="([^"]+)"""
)
ANY_HOST = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", re.IGNORECASE)

Service = Callable[[Sale], httpx.Client]
SERVICES = [
    pytest.param("event", lambda sale: sale.events, id="event"),
    pytest.param("booking", lambda sale: sale.bookings, id="booking"),
]


@pytest.mark.parametrize(("name", "service"), SERVICES)
@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("", "*/*", "application/json"),
        ("", "text/html,*/*;q=0.8", "application/json"),
        ("", "application/json", "application/json"),
        ("", "application/yaml", "application/yaml"),
        ("", "application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("?format=json", "*/*", "application/json"),
        ("?format=yaml", "*/*", "application/yaml"),
    ],
)
def test_the_served_schema_is_the_committed_one_in_each_format(
    sale: Sale, name: str, service: Service, query: str, accept: str, content_type: str
) -> None:
    committed = yaml.safe_load((ROOT / "docs" / "openapi" / f"{name}-service.yaml").read_text())

    response = service(sale).get(f"/api/schema/{query}", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == content_type
    assert yaml.safe_load(response.text) == committed


@pytest.mark.parametrize(("name", "service"), SERVICES)
@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/"])
def test_a_page_loads_all_it_needs_from_the_service_itself(
    sale: Sale, name: str, service: Service, page: str
) -> None:
    client = service(sale)
    response = client.get(page, headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert f"{name.capitalize()} service" in response.text
    assert not ANY_HOST.search(response.text)

    addresses = [urljoin(page, address) for address in ADDRESS.findall(response.text)]

    assert any(address.endswith(".js") for address in addresses)
    for address in addresses:
        loaded = client.get(address.replace("&amp;", "&"))
        assert loaded.status_code == 200, address
        assert loaded.content


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_the_script_of_swagger_ui_names_the_schema_and_no_other_host(
    sale: Sale, name: str, service: Service
) -> None:
    script = service(sale).get("/api/docs/?script=")

    assert script.headers["Content-Type"].startswith("application/javascript")
    assert '"/api/schema/"' in script.text.replace("\\u002D", "-")
    assert not ANY_HOST.search(script.text)


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/"])
def test_a_page_forbids_its_scripts_to_load_from_elsewhere(sale: Sale, page: str) -> None:
    policy = sale.events.get(page).headers["Content-Security-Policy"].split("; ")

    assert "default-src 'self'" in policy
    assert not any(rule.startswith("script-src") for rule in policy)


def test_everybody_may_read_them_with_any_token(sale: Sale) -> None:
    headers = {"Authorization": "Bearer nonsense"}

    for path in ("/api/schema/", "/api/docs/", "/api/redoc/"):
        assert sale.bookings.get(path, headers=headers).status_code == 200
