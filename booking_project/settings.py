"""Settings of the booking service."""

from shared.env import Length, OneOf, Range, seal
from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, REST_FRAMEWORK, env

SECRET_KEY = env.str("BOOKING_SECRET_KEY", validate=Length(min=32))
_database = env.dj_db_url("BOOKING_DATABASE_URL")
_pool_size = env.int("BOOKING_DB_POOL_SIZE", 8, validate=Range(min=2, max=100))
_lock_timeout_ms = env.int("BOOKING_LOCK_TIMEOUT_MS", 2000, validate=Range(min=100, max=60000))
_statement_timeout_ms = env.int("BOOKING_STATEMENT_TIMEOUT_MS", 0, validate=Range(min=0))
ADMISSION_MAX_GROUP = env.int("ADMISSION_MAX_GROUP", 64, validate=Range(min=1, max=1000))
ADMISSION_GROUPING = env.str("ADMISSION_GROUPING", "all", validate=OneOf(["all", "event"]))
seal(env)

# Nobody waits for ever: a row that somebody holds costs that event's users a 503 after the lock
# timeout, and nobody else anything. Only the server limits statements: migrations may take longer.
_options = _database.get("OPTIONS", {})
DATABASES = {
    "default": {
        **_database,
        "OPTIONS": {
            **_options,
            "pool": {"min_size": 1, "max_size": _pool_size, "timeout": 5},
            "options": (
                f"{_options.get('options', '')} -c lock_timeout={_lock_timeout_ms}"
                f" -c statement_timeout={_statement_timeout_ms}"
                " -c idle_in_transaction_session_timeout=15000"
            ),
        },
    }
}

ROOT_URLCONF = "booking_project.urls"
WSGI_APPLICATION = "booking_project.wsgi.application"
INSTALLED_APPS = [*INSTALLED_APPS, "booking_project.bookings"]

# Both services may live on one host, where cookies are shared over all ports.
SESSION_COOKIE_NAME = "booking_session"
CSRF_COOKIE_NAME = "booking_csrf"

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "EXCEPTION_HANDLER": "booking_project.bookings.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {"TITLE": "Booking service", "VERSION": "1", "OAS_VERSION": "3.1.0"}
