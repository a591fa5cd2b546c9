"""`GET /health`: the process is up. It asks neither database nor broker: it survives both."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


def health_view(service: str) -> Callable[[HttpRequest], JsonResponse]:
    @require_safe
    def health(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"status": "ok", "service": service})

    return health
