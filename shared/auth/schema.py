"""How the OpenAPI schema describes authentication."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Sessions are for people, not clients."""

    target_class = "shared.auth.authentication.TokenOrSession"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Ignored if the service runs with `AUTH_MODE=open`.",
        }


class OpenScheme(BearerScheme):  # type: ignore[no-untyped-call]
    """The same in both modes: clients are generated once."""

    target_class = "shared.auth.authentication.Open"
