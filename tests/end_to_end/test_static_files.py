"""Files of the pages: compressed, and cached by browsers."""

import re

import httpx
import pytest

from tests.support.end_to_end.clients import Sale

ADDRESS = re.compile(r"""(?:src|href)="(/static/[^"]+\.(?:js|css))["?]""")
BUNDLE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"


@pytest.fixture(params=["event", "booking"])
def client(request: pytest.FixtureRequest, sale: Sale) -> httpx.Client:
    return sale.events if request.param == "event" else sale.bookings


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/", "/admin/login/"])
def test_scripts_and_styles_of_a_page_are_compressed_and_kept(
    client: httpx.Client, page: str
) -> None:
    addresses = set(ADDRESS.findall(client.get(page, headers={"Accept": "text/html"}).text))
    assert addresses

    for address in addresses:
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        packed = client.get(address, headers={"Accept-Encoding": "br, gzip;q=0.9"})
        again = client.get(address, headers={"If-None-Match": plain.headers["ETag"]})

        assert plain.status_code == packed.status_code == 200
        assert packed.content == plain.content, "httpx has unpacked it"
        assert "Content-Encoding" not in plain.headers
        if len(plain.content) > 1400:
            assert packed.headers["Content-Encoding"] == "gzip"
            assert int(packed.headers["Content-Length"]) < len(plain.content)
            assert {plain.headers["Vary"], packed.headers["Vary"]} == {"Accept-Encoding"}
        assert again.status_code == 304
        for response in (plain, packed, again):
            assert response.headers["Cache-Control"] == "max-age=3600, public"


@pytest.mark.parametrize("refused", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0, br"])
def test_a_client_without_gzip_gets_the_plain_file(client: httpx.Client, refused: str) -> None:
    response = client.get(BUNDLE, headers={"Accept-Encoding": refused})

    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Length"] == str(len(response.content))


def test_head_has_the_length_of_get_and_a_range_is_one_of_the_plain_file(
    client: httpx.Client,
) -> None:
    head = client.head(BUNDLE, headers={"Accept-Encoding": "gzip"})
    with client.stream("GET", BUNDLE, headers={"Accept-Encoding": "gzip"}) as get:
        packed = b"".join(get.iter_raw())
    part = client.get(BUNDLE, headers={"Accept-Encoding": "gzip", "Range": "bytes=10-19"})

    assert head.headers["Content-Encoding"] == "gzip"
    assert head.headers["Content-Length"] == str(len(packed))
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert part.content == client.get(BUNDLE).content[10:20]


def test_source_maps_are_not_served(client: httpx.Client) -> None:
    assert client.get(f"{BUNDLE}.map").status_code == 404
