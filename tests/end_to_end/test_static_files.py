"""Files of the pages: compressed, and kept by browsers as long as their content stays the same."""

import re

import httpx
import pytest

from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.static_files import redoc_bundle

ADDRESS = re.compile(r"""(?:src|href)="(/static/[^"]+\.(?:js|css))["?]""")
FINGERPRINT = re.compile(r"\.[0-9a-f]{12}\.(js|css)")
FOREVER = "max-age=315360000, public, immutable"


@pytest.fixture(params=["event", "booking"])
def client(request: pytest.FixtureRequest, sale: Sale) -> httpx.Client:
    return sale.events if request.param == "event" else sale.bookings


@pytest.fixture
def bundle(client: httpx.Client) -> str:
    return redoc_bundle(client)


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/", "/admin/login/"])
@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_scripts_and_styles_of_a_page_are_compressed_and_kept_for_good(
    client: httpx.Client, page: str, encoding: str
) -> None:
    addresses = set(ADDRESS.findall(client.get(page, headers={"Accept": "text/html"}).text))
    assert addresses

    for address in addresses:
        assert FINGERPRINT.search(address), address
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        packed = client.get(address, headers={"Accept-Encoding": encoding})
        again = client.get(address, headers={"If-None-Match": plain.headers["ETag"]})

        assert plain.status_code == packed.status_code == 200
        assert packed.content == plain.content, "httpx has unpacked it"
        assert "Content-Encoding" not in plain.headers
        if len(plain.content) > 1400:
            assert packed.headers["Content-Encoding"] == encoding
            assert int(packed.headers["Content-Length"]) < len(plain.content)
            assert {plain.headers["Vary"], packed.headers["Vary"]} == {"Accept-Encoding"}
        assert again.status_code == 304
        for response in (plain, packed, again):
            assert response.headers["Cache-Control"] == FOREVER


@pytest.mark.parametrize("refused", ["", "identity", "gzip;q=0", "br;q=0.0, gzip; q=0"])
def test_a_client_that_refuses_encodings_gets_the_plain_file(
    client: httpx.Client, bundle: str, refused: str
) -> None:
    response = client.get(bundle, headers={"Accept-Encoding": refused})

    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Length"] == str(len(response.content))


def test_head_has_the_length_of_get_and_a_range_is_one_of_the_plain_file(
    client: httpx.Client, bundle: str
) -> None:
    head = client.head(bundle, headers={"Accept-Encoding": "gzip"})
    with client.stream("GET", bundle, headers={"Accept-Encoding": "gzip"}) as get:
        packed = b"".join(get.iter_raw())
    plain = {"Accept-Encoding": "identity"}
    part = client.get(bundle, headers={**plain, "Range": "bytes=10-19"})

    assert head.headers["Content-Encoding"] == "gzip"
    assert head.headers["Content-Length"] == str(len(packed))
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert part.content == client.get(bundle).content[10:20]


def test_source_maps_and_addresses_without_a_fingerprint_are_not_served(
    client: httpx.Client, bundle: str
) -> None:
    plain = FINGERPRINT.sub(r".\1", bundle)

    assert plain != bundle
    for address in (plain, f"{plain}.map", f"{bundle}.map"):
        assert client.get(address).status_code == 404
