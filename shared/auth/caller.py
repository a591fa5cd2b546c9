"""Who is calling, as the views see it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from shared.auth.settings import OPEN


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the `user_id` that they book under; None if they have none."""

    subject: str | None
    is_admin: bool

    # What DRF and its pages ask of a user.
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.subject or "staff"

    @property
    def confined_to(self) -> str | None:
        """The only `user_id` whose bookings they may see and change; None means everyone's."""
        return None if self.is_admin else self.subject

    def may_act_for(self, user_id: str) -> bool:
        return self.is_admin or user_id == self.subject


ANYBODY = Caller(subject=None, is_admin=True)
# A session of the Django admin. Its user names have nothing to do with the tokens' subjects.
STAFF = Caller(subject=None, is_admin=True)


def find_caller(request: Request) -> Caller | None:
    """Who calls this method of this view; None unless someone who may call it has signed in.

    Staff with a session are admins for the calls that their Django permissions allow, and have no
    rights elsewhere. A view's `staff_permissions` names the permission that each method needs, by
    `GET`, `POST`, …; staff may not call a method that is not listed.
    """
    if settings.AUTH_MODE == OPEN:
        return ANYBODY
    user: Any = request.user
    if isinstance(user, Caller):
        return user
    return STAFF if user.is_staff and _is_permitted(user, request) else None


def _is_permitted(user: Any, request: Request) -> bool:
    permissions = getattr(request.parser_context["view"], "staff_permissions", {})
    method = "GET" if request.method in SAFE_METHODS else request.method
    return method in permissions and user.has_perm(permissions[method])


def caller_of(request: Request) -> Caller:
    """Raises `NotAuthenticated`."""
    caller = find_caller(request)
    if caller is None:
        raise NotAuthenticated
    return caller


def name_of(request: Request) -> str:
    """A name for an authenticated caller, never the same for two of them."""
    user: Any = request.user
    return f"user {user.subject}" if isinstance(user, Caller) else f"staff {user.pk}"
