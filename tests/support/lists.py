"""A page of a list, as the API sends it."""

import re
from typing import Any


def ids(page: Any) -> list[int]:
    assert page.status_code == 200
    return [row["id"] for row in page.json()]


def links(page: Any) -> dict[str, str]:
    """The `Link` header by relation, as RFC 8288 writes it."""
    header = page.headers.get("Link", "")
    found = re.findall(r'<([^>]+)>; rel="([a-z]+)"', header)
    assert header == ", ".join(f'<{url}>; rel="{rel}"' for url, rel in found)
    return {rel: url for url, rel in found}
