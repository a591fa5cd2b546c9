import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from shared.auth.open_mode import say_if_open
from shared.wsgi.chunked import accept_chunked_bodies
from shared.wsgi.content_types import refuse_unreadable_types

# Set, not defaulted: a stray variable must not turn this into the other service.
os.environ["DJANGO_SETTINGS_MODULE"] = "event_project.settings"

application = refuse_unreadable_types(
    accept_chunked_bodies(get_wsgi_application(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
)
say_if_open()
