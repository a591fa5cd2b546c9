"""Browser settings that follow from the address at which browsers reach a service."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def needs_secure_cookies(public_url: str, *, debug: bool) -> bool:
    """True unless browsers are known to come over plain http. `public_url` may be empty."""
    return not debug and urlsplit(public_url).scheme != "http"


def trusted_origins(others: Sequence[str], *, public_url: str) -> list[str]:
    """`others`, and the service's own origin if it is https: behind a proxy that terminates TLS,
    the service itself sees http."""
    address = urlsplit(public_url)
    own = [f"https://{address.netloc}"] if address.scheme == "https" else []
    return [*others, *own]
