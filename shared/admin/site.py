from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

# Unfold's pages have their behaviour in attributes, which Alpine evaluates, and Alpine sets style
# attributes. Scripts and style elements inside a page stay forbidden.
_guarded = csp_update(
    {"script-src": [SELF, UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]},
)


class Desk(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    """The admin of either service: unfold under this project's policy."""

    def admin_view(
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        return _guarded(super().admin_view(view, cacheable))

    @method_decorator(_guarded)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Unfold's form has no field that says where to go next; its address has to."""
        address = request.get_full_path()
        if REDIRECT_FIELD_NAME not in request.GET:
            address = f"{request.path}?{REDIRECT_FIELD_NAME}={reverse('admin:index')}"
        return super().login(request, {"app_path": address, **(extra_context or {})})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # Unfold would write the colours into a style element. Here a style sheet has them.
        return {**super().each_context(request), "colors": None}
