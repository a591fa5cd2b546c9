"""Hooks for what schemathesis can't know from the schemas."""

import base64

import schemathesis
from hypothesis import strategies as st


def _cursor(direction: str, number: int) -> str:
    return base64.urlsafe_b64encode(f"{direction}:{number}".encode()).decode().rstrip("=")


schemathesis.openapi.format("iso-4217", st.sampled_from(["THB", "EUR", "JPY"]))
schemathesis.openapi.format("iana-time-zone", st.sampled_from(["Asia/Bangkok", "Europe/Berlin"]))
schemathesis.openapi.format(
    "cursor", st.builds(_cursor, st.sampled_from(["after", "before"]), st.integers(0, 2**63))
)
