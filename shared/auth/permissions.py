"""Who may call a view. The view decides what they see.

`shared.auth.caller.find_caller` says what staff with a session need.
"""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from shared.auth.caller import find_caller

if TYPE_CHECKING:  # it reads the settings that name these classes
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    """Users with a token, and staff who are permitted."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return find_caller(request) is not None


class AdminsWrite(BasePermission):
    """Everyone reads, admins write."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.method in SAFE_METHODS:
            return True
        caller = find_caller(request)
        return caller is not None and caller.is_admin
