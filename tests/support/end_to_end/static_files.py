"""Addresses of static files: they contain fingerprints, so pages are asked for them."""

import re

import httpx

_SCRIPT = re.compile(r'src="(/static/[^"]+/redoc\.standalone\.[^"]+\.js)"')


def redoc_bundle(client: httpx.Client) -> str:
    """The path of a large script (over 1 MB)."""
    page = client.get("/api/redoc/", headers={"Accept": "text/html"}).text
    found = _SCRIPT.search(page)
    assert found, page
    return found[1]
