"""A line and a measurement for each request."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from gunicorn.glogging import Logger

from shared.observability.requests import KEY, NOTHING, TRACE_ID, Seen

REQUESTS = "requests"

_logger = logging.getLogger(REQUESTS)


class AccessLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, which it asks to log each request that it has answered."""

    # Set in gunicorn's `post_fork`; 0: no lines but those of failures.
    lines_a_second = 0
    # Set in `post_worker_init`: prometheus_client must not be imported before the standard library
    # has been patched.
    observe_request: Callable[..., None]
    access_log_enabled = True

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def access(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> None:
        # gunicorn's own refusals have no `status_code` and no path.
        status = int(resp.status[:3])
        seen = environ.get(KEY, NOTHING)
        self.observe_request(
            route=seen.route or "unmatched",
            method=environ.get("REQUEST_METHOD", ""),
            status=status,
            seconds=request_time.total_seconds(),
        )
        if status >= 500 or self._has_room():
            self._log(status, environ, seen, request_time)

    def _has_room(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            if self._left_out:
                _logger.info("%d more requests in a second", self._left_out)
            self._second, self._lines, self._left_out = second, 0, 0
        if self._lines >= self.lines_a_second:
            self._left_out += 1
            return False
        self._lines += 1
        return True

    @staticmethod
    def _log(status: int, environ: Mapping[str, Any], seen: Seen, taken: timedelta) -> None:
        milliseconds = round(taken.total_seconds() * 1000, 1)
        method, path = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
        fields = {
            "request_id": seen.request_id,
            "trace_id": environ.get(TRACE_ID, ""),
            "method": method,
            "route": seen.route,
            "path": path,
            "status": status,
            "ms": milliseconds,
            "code": seen.code,
            "caller": _hashed(seen.caller) if seen.caller else "",
        }
        level = logging.WARNING if status >= 500 else logging.INFO
        words = [method, path, status, seen.code, f"{milliseconds} ms"]
        _logger.log(level, " ".join(str(word) for word in words if word), extra=fields)


@lru_cache(maxsize=4096)
def _hashed(identity: str) -> str:
    """So that one caller's lines can be found, but the log names nobody."""
    from django.conf import settings

    key = settings.SECRET_KEY.encode()[:64]
    return hashlib.blake2s(identity.encode(), key=key[:32], digest_size=6).hexdigest()
