import os

from django.core.wsgi import get_wsgi_application

# Set, not defaulted: a stray variable must not make this the other service.
os.environ["DJANGO_SETTINGS_MODULE"] = "booking_project.settings"

application = get_wsgi_application()
