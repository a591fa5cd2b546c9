"""Who is calling. `request.user` of every view is a `Caller`."""

from dataclasses import dataclass

from rest_framework.request import Request

# Roles. Staff also have the names of their Django permissions: `events.add_event`.
ADMIN = "admin"
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Caller:
    """`identity` is never the same for two callers: limits and idempotency keys belong to it.

    `name` is what pages show. `user_id` is the one that they book under; empty if they have none.
    """

    identity: str
    name: str
    roles: frozenset[str] = frozenset()
    user_id: str = ""
    is_authenticated: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def confined_to(self) -> str | None:
        """The only `user_id` whose bookings they may see and change; None means everyone's.

        Staff need a permission as well, which `SignedIn` checks before the view runs.
        """
        return None if ADMIN in self.roles or STAFF in self.roles else self.user_id

    def may_act_for(self, user_id: str) -> bool:
        return self.confined_to in (None, user_id)

    def acting_for(self, user_id: str) -> str:
        """Their name if they act for somebody else; empty if not, or if nobody knows."""
        return self.name if self.is_authenticated and self.user_id != user_id else ""


ANYBODY = Caller(
    identity="anybody", name="anybody", roles=frozenset([ADMIN]), is_authenticated=False
)
_NOBODY = Caller(identity="nobody", name="nobody", is_authenticated=False)


def nobody() -> Caller:
    """The caller of a request without a token or a session: UNAUTHENTICATED_USER."""
    return _NOBODY


def caller_of(request: Request) -> Caller:
    caller: Caller = request.user  # type: ignore[assignment]  # the stubs know Django's users only
    return caller
