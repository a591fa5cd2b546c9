"""What gunicorn serves in a bench: the booking service, an empty view, a bare application."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from shared.wsgi.chunked import accept_chunked_bodies
from shared.wsgi.content_types import refuse_unreadable_types

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.yardstick_settings"

BARE_PATH = "/bare"
_BODY = b'{"empty":true}'

_service = refuse_unreadable_types(
    accept_chunked_bodies(get_wsgi_application(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] != BARE_PATH:
        return _service(environ, start_response)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]
    start_response("200 OK", headers)
    return [_BODY]
