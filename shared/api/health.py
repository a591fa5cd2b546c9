"""`GET /health`: the process is up. It asks neither database nor broker: it survives both."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from shared.api.problems import method_not_allowed


def health_view(service: str) -> Callable[[HttpRequest], HttpResponse]:
    def health(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return method_not_allowed(request, allowed=("GET", "HEAD"))
        return JsonResponse({"status": "ok", "service": service})

    return health
