"""Settings of the event service."""

from shared.env import Length, seal
from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, REST_FRAMEWORK, env

SECRET_KEY = env.str("EVENT_SECRET_KEY", validate=Length(min=32))
_database = env.dj_db_url("EVENT_DATABASE_URL", conn_max_age=60, conn_health_checks=True)
seal(env)

DATABASES = {"default": _database}

ROOT_URLCONF = "event_project.urls"
WSGI_APPLICATION = "event_project.wsgi.application"
INSTALLED_APPS = [*INSTALLED_APPS, "shared.outbox", "event_project.events"]

# Both services may live on one host, where cookies are shared over all ports.
SESSION_COOKIE_NAME = "event_session"
CSRF_COOKIE_NAME = "event_csrf"

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "EXCEPTION_HANDLER": "event_project.events.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {"TITLE": "Event service", "VERSION": "1", "OAS_VERSION": "3.1.0"}
