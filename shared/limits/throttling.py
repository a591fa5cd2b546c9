"""DRF's way to a limit: 429 for a caller who writes too often."""

import ipaddress
import threading
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shared.auth.caller import name_of
from shared.auth.settings import OPEN
from shared.connections import give_back_connection
from shared.limits.statements import forget_idle, spend

if TYPE_CHECKING:  # it reads the settings that name this class
    from rest_framework.views import APIView

FORGET_EVERY_SECONDS = 60.0


class WriteThrottle(BaseThrottle):
    """Counted in the service's own database, where all workers on all machines meet. If it is
    away, so is what would be written: 503."""

    _housekeeping = threading.Lock()
    _forgot_at = monotonic()

    def __init__(self) -> None:
        self._wait = timedelta()

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate = settings.RATE_LIMIT_WRITES
        if rate is None or request.method in SAFE_METHODS:
            return True
        try:
            wait = spend(caller=self._caller(request), rate=rate)
            self._forget_now_and_then()
        finally:
            give_back_connection()
        if wait is None:
            return True
        self._wait = wait
        return False

    def wait(self) -> float:
        """Seconds."""
        return self._wait.total_seconds()

    def _caller(self, request: Request) -> str:
        if settings.AUTH_MODE == OPEN:
            return f"address {_network(self.get_ident(request))}"
        return name_of(request)

    @classmethod
    def _forget_now_and_then(cls) -> None:
        with cls._housekeeping:
            if monotonic() - cls._forgot_at < FORGET_EVERY_SECONDS:
                return
            cls._forgot_at = monotonic()
        forget_idle()


def _network(address: str) -> str:
    """Whose address it is: of IPv6 everyone has 2^64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:200]  # what a trusted proxy writes there, if it isn't an address alone
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
