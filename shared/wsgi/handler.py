"""Django's WSGI handler, without work at each request that only other set-ups need."""

from collections.abc import Callable, Iterable
from typing import Any

from django import db
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.http import HttpRequest
from django.urls import set_script_prefix
from django.utils.log import log_response


class Handler(WSGIHandler):
    """Does not store, for each request, what is always the same here: the prefix of all paths and
    the URLconf. Django keeps them in asgiref's locals, which are slow under gevent."""

    _middleware_chain: Callable[[HttpRequest], Any]

    def __init__(self) -> None:
        super().__init__()
        # `release_before_sending` has already returned the database connection to the pool, and
        # the caches hold no connection.
        if not settings.DEBUG:
            request_started.disconnect(db.reset_queries)
        request_started.disconnect(db.close_old_connections)
        request_finished.disconnect(db.close_old_connections)
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)

    def __call__(  # type: ignore[override]  # the stubs take a file for a response
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["SCRIPT_NAME"]:
            set_script_prefix(environ["SCRIPT_NAME"])
        request_started.send(sender=self.__class__, environ=environ)
        response = self.get_response(self.request_class(environ))
        response._handler_class = self.__class__
        cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
        start_response(
            f"{response.status_code} {response.reason_phrase}", [*response.items(), *cookies]
        )
        file = getattr(response, "file_to_stream", None)
        if file is None:
            return response  # type: ignore[no-any-return]
        # gunicorn closes the file and not the response.
        file.close = response.close
        return environ["wsgi.file_wrapper"](file, response.block_size)  # type: ignore[no-any-return]

    def get_response(self, request: HttpRequest) -> Any:
        response = self._middleware_chain(request)
        response._resource_closers.append(request.close)
        if response.status_code >= 400:
            log_response(
                "%s: %s", response.reason_phrase, request.path, response=response, request=request
            )
        return response
