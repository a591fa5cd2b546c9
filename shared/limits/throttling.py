"""DRF throttles: 429 for callers that write or search too often."""

import threading
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shared.auth.caller import caller_of
from shared.db.release import release_connection
from shared.http.networks import client_network
from shared.limits.rate import Rate
from shared.limits.sql import forget_idle, spend

if TYPE_CHECKING:  # it reads the settings that name this class
    from rest_framework.views import APIView

FORGET_EVERY_SECONDS = 60.0


class _Throttle(BaseThrottle):
    """Counted in the service's own database, which all workers on all machines share. If it is
    away, the request could not be served either: 503."""

    _housekeeping = threading.Lock()
    _forgot_at = monotonic()

    def __init__(self) -> None:
        self._wait = timedelta()

    def wait(self) -> float:
        """Seconds."""
        return self._wait.total_seconds()

    def allow(self, *, caller: str, rate: Rate) -> bool:
        try:
            wait = spend(caller=caller, rate=rate)
            self._forget_now_and_then()
        finally:
            release_connection()
        if wait is None:
            return True
        self._wait = wait
        return False

    @staticmethod
    def _forget_now_and_then() -> None:
        with _Throttle._housekeeping:
            if monotonic() - _Throttle._forgot_at < FORGET_EVERY_SECONDS:
                return
            _Throttle._forgot_at = monotonic()
        forget_idle()


class WriteThrottle(_Throttle):
    """Every caller's writes."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate = settings.RATE_LIMIT_WRITES
        if rate is None or request.method in SAFE_METHODS:
            return True
        caller = caller_of(request)
        counted = (
            caller.identity if caller.is_authenticated else f"address {client_network(request)}"
        )
        return self.allow(caller=counted, rate=rate)


class SearchThrottle(_Throttle):
    """The searches of unauthenticated callers: reads with a query parameter that is among the
    `searches` of the view."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate = settings.RATE_LIMIT_SEARCHES
        if rate is None or request.method not in SAFE_METHODS:
            return True
        if request.GET.keys().isdisjoint(getattr(view, "searches", ())):
            return True
        if caller_of(request).is_authenticated:
            return True
        return self.allow(caller=f"search {client_network(request)}", rate=rate)
