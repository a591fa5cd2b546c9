import os

from shared.auth.open_mode import say_if_open
from shared.wsgi.application import wsgi_application

# Always set: a stray variable must not turn this into the other service.
os.environ["DJANGO_SETTINGS_MODULE"] = "booking_project.settings"

application = wsgi_application()
say_if_open()
