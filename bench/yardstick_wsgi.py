"""What gunicorn serves in a bench: the booking service, an empty view, a bare application."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from shared.wsgi.application import wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.yardstick_settings"

BARE_PATH = "/bare"
_BODY = b'{"empty":true}'

_service = wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] != BARE_PATH:
        return _service(environ, start_response)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]
    start_response("200 OK", headers)
    return [_BODY]
