"""Settings of the event service."""

from event_project.events.navigation import programme
from shared.admin.desks import desk
from shared.conf.base import *  # noqa: F403
from shared.conf.base import (
    COLLECTED_FILES,
    DEBUG,
    INSTALLED_APPS,
    MIDDLEWARE,
    RATE_LIMIT_SEARCHES,
    RECORDS_TRACES,
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
    TRUSTED_ORIGINS,
    env,
)
from shared.conf.env import Length, read_public_url, read_service_url, seal
from shared.conf.origins import needs_secure_cookies, trusted_origins
from shared.db.settings import read_database

SECRET_KEY = env.str(
    "EVENT_SECRET_KEY",
    validate=Length(min=32),
    help="Django's secret key. `make run` and `make docker-up` generate one.",
)
_database = read_database(env, "EVENT", health_checks=True)
BOOKING_PUBLIC_URL = read_public_url(env, "BOOKING_PUBLIC_URL")
BOOKING_URL = read_service_url(
    env,
    "BOOKING_URL",
    help="Where the event service reaches the booking service. Its admin asks there how full "
    "events are. The host must be in that service's `ALLOWED_HOSTS`. `make run` and `compose.yaml` "
    "set it.",
)
_public_url = read_public_url(env, "EVENT_PUBLIC_URL")
seal(env)

DATABASES = {"default": _database}

SERVICE = "event"
STATIC_ROOT = COLLECTED_FILES / SERVICE
ROOT_URLCONF = "event_project.urls"
WSGI_APPLICATION = "event_project.wsgi.application"
if not RECORDS_TRACES:
    MIDDLEWARE = ["shared.middleware.traces.carry_trace", *MIDDLEWARE]
INSTALLED_APPS = [*INSTALLED_APPS, "shared.outbox", "event_project.events"]

UNFOLD = desk(
    "event",
    programme(),
    other_url=BOOKING_PUBLIC_URL,
    guests_url=BOOKING_PUBLIC_URL,
    overview="event_project.events.admin.overview.overview",
)

# Both services may run on one host, where cookies are shared across all ports.
SESSION_COOKIE_NAME = "event_session"
CSRF_COOKIE_NAME = "event_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = needs_secure_cookies(
    _public_url, debug=DEBUG
)
CSRF_TRUSTED_ORIGINS = trusted_origins(TRUSTED_ORIGINS, public_url=_public_url)

_VIEWER = ["events.view_event"]
STAFF_GROUPS = {
    "viewer": _VIEWER,
    "agent": _VIEWER,
    "manager": [*_VIEWER, "events.add_event", "events.change_event"],
}

# A description has up to 10,000 characters, which JSON may write with 12 bytes each.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "EXCEPTION_HANDLER": "event_project.events.api.errors.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["shared.auth.permissions.AdminsWrite"],
    "DEFAULT_THROTTLE_CLASSES": [
        *REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"],
        *(["shared.limits.throttling.SearchThrottle"] if RATE_LIMIT_SEARCHES else []),
    ],
}
_ABOUT = (
    "Admins create, change and cancel events here. "
    "The booking service learns of each change within moments."
)
SPECTACULAR_SETTINGS = {
    **SPECTACULAR_SETTINGS,
    "TITLE": "Event service",
    "DESCRIPTION": f"{_ABOUT}\n\n{SPECTACULAR_SETTINGS['DESCRIPTION']}",
}
