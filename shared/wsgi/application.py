"""What gunicorn serves: Django, guarded against requests that it would misread."""

import django
from django.conf import settings

from shared.wsgi.chunked import WSGIApplication, accept_chunked_bodies
from shared.wsgi.content_types import refuse_unreadable_types
from shared.wsgi.handler import Handler


def wsgi_application() -> WSGIApplication:
    """Of the service that `DJANGO_SETTINGS_MODULE` names."""
    django.setup(set_prefix=False)
    return refuse_unreadable_types(
        accept_chunked_bodies(Handler(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    )
