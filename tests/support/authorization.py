"""Who may do what, as a table: every operation of a service's OpenAPI schema, for every caller."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission, User
from drf_spectacular.generators import SchemaGenerator

# The fixture `ask_for_tokens`. It may be called with `JwtSettings`.
AskForTokens = Callable[..., None]

METHODS = {"get", "put", "post", "delete", "patch"}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which status each caller gets, and the query and the body that are sent."""

    statuses: Mapping[str, int]
    query: str = ""
    body: Mapping[str, Any] | None = None

    @property
    def is_public(self) -> bool:
        return self.statuses["nobody"] != 401


def operations() -> dict[str, Mapping[str, Any]]:
    """Those of the schema, as `GET /api/v1/events`."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def undecided(decided: Collection[str]) -> set[str]:
    """Operations without a decision."""
    return operations().keys() - set(decided)


def shown_as_public() -> set[str]:
    """Operations that the schema shows as callable without a token."""
    return {
        name
        for name, operation in operations().items()
        if not operation.get("security") or {} in operation["security"]
    }


def staff(*permissions: str) -> User:
    """A staff user with these Django permissions, such as `events.add_event`."""
    user = User.objects.create_user("staff", is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user
