"""The network that an address belongs to, which is what limits count by."""

import ipaddress
import re
from typing import Any

UNKNOWN = "0.0.0.0"  # noqa: S104 (it names a caller, nothing listens there)

# `9.9.9.9:1234`, `[2001:db8::1]` and `[2001:db8::1]:1234`, as some proxies write addresses.
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?", re.ASCII)
# In these, the last 32 bits are an IPv4 address (RFC 4291, RFC 6052).
_CARRIES_IPV4 = [ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96")]


def network_of(text: str) -> str | None:
    """An IPv4 address, or the first address of an IPv6 network of 2^64, since one caller has that
    many. None if it is not an address."""
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((match["v6"] or match["v4"]) if match else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # By its number, which leaves out the zone (`%eth0`): that is free text.
        number = int(address)
        if any(ipaddress.IPv6Address(number) in network for network in _CARRIES_IPV4):
            return str(ipaddress.IPv4Address(number & 0xFFFFFFFF))
        return str(ipaddress.IPv6Address(number >> 64 << 64))
    return str(address)


def client_network(request: Any) -> str:
    """The network of the client, found as TRUSTED_PROXIES says. `request` is Django's or REST
    framework's.

    If a trusted proxy writes something that is not an address, it counts as the proxy's own: text
    that anyone can make up must not create new callers.
    """
    # gunicorn imports this module before it has patched the standard library.
    from rest_framework.throttling import BaseThrottle

    written = BaseThrottle().get_ident(request) or ""
    direct = request.META.get("REMOTE_ADDR") or ""
    return network_of(written) or network_of(direct) or UNKNOWN
