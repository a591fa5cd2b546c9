"""What gunicorn serves: Django, guarded against requests that it would misread."""

from django import db
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application

from shared.wsgi.chunked import WSGIApplication, accept_chunked_bodies
from shared.wsgi.content_types import refuse_unreadable_types


def wsgi_application() -> WSGIApplication:
    """Of the service that `DJANGO_SETTINGS_MODULE` names."""
    application = get_wsgi_application()
    _disconnect_receivers()
    guarded = refuse_unreadable_types(
        accept_chunked_bodies(application, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    )
    if not settings.RECORDS_TRACES:
        return guarded
    from shared.observability import recording
    from shared.wsgi.traced import record_requests

    recording.begin(service_name=f"{settings.SERVICE}-api")
    return record_requests(guarded)


def _disconnect_receivers() -> None:
    """Those of Django, which take time at each request and have nothing to do here:
    `release_before_sending` has already returned the connection to the pool, the caches hold no
    connection, and there is one URLconf."""
    if not settings.DEBUG:
        request_started.disconnect(db.reset_queries)
    request_started.disconnect(db.close_old_connections)
    request_finished.disconnect(db.close_old_connections)
    request_finished.disconnect(close_caches)
    request_finished.disconnect(reset_urlconf)
