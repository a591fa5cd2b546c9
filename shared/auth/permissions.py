"""Who may call a view. The view decides what they see.

Staff with a session are admins for the calls that their Django permissions allow, and have no
rights elsewhere. A view's `staff_permissions` names the permission that each method needs, by
`GET`, `POST`, …; staff may not call a method that is not listed.
"""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from shared.auth.caller import ADMIN, caller_of

if TYPE_CHECKING:  # it reads the settings that name these classes
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    """Users with a token, admins, and staff who are permitted."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return caller_of(request).user_id != "" or _is_admin(request, view)


class AdminsWrite(BasePermission):
    """Everyone reads, admins write."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.method in SAFE_METHODS or _is_admin(request, view)


def _is_admin(request: Request, view: "APIView") -> bool:
    """Whether they are an admin for this call of the view."""
    roles = caller_of(request).roles
    if ADMIN in roles:
        return True
    method = "GET" if request.method in SAFE_METHODS else request.method
    return getattr(view, "staff_permissions", {}).get(method) in roles
