"""What gunicorn serves during a bench."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from shared.chunked import accept_chunked_bodies

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.yardstick_settings"

application = accept_chunked_bodies(
    get_wsgi_application(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE
)
