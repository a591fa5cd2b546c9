"""Settings of the event service."""

from shared.db.settings import read_database
from shared.env import Length, read_public_url, seal
from shared.settings import *  # noqa: F403
from shared.settings import (
    INSTALLED_APPS,
    MIDDLEWARE,
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
    RATE_LIMIT_SEARCHES,
    env,
)

SECRET_KEY = env.str("EVENT_SECRET_KEY", validate=Length(min=32))
_database = read_database(env, "EVENT", health_checks=True)
BOOKING_PUBLIC_URL = read_public_url(env, "BOOKING_PUBLIC_URL")
seal(env)

DATABASES = {"default": _database}

SERVICE = "event"
ROOT_URLCONF = "event_project.urls"
WSGI_APPLICATION = "event_project.wsgi.application"
MIDDLEWARE = ["shared.tracing.carry_trace", *MIDDLEWARE]
INSTALLED_APPS = [*INSTALLED_APPS, "shared.outbox", "event_project.events"]

# Both services may live on one host, where cookies are shared over all ports.
SESSION_COOKIE_NAME = "event_session"
CSRF_COOKIE_NAME = "event_csrf"

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "EXCEPTION_HANDLER": "event_project.events.api.errors.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["shared.auth.permissions.AdminsWrite"],
}
_ABOUT = (
    "Admins create, change and cancel events here. "
    "The booking service learns of each change within moments."
)
SPECTACULAR_SETTINGS = {
    "DEFAULT_THROTTLE_CLASSES": [
        *REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"],
        *(["shared.limits.throttling.SearchThrottle"] if RATE_LIMIT_SEARCHES else []),
    ],
    **SPECTACULAR_SETTINGS,
    "TITLE": "Event service",
    "DESCRIPTION": f"{_ABOUT}\n\n{SPECTACULAR_SETTINGS['DESCRIPTION']}",
}
