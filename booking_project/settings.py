"""Settings of the booking service."""

from datetime import timedelta

from booking_project.guests.login.settings import read_oidc_settings
from booking_project.notifications.settings import read_address_pattern, read_mail
from booking_project.organisers.navigation import sales
from shared.admin.desks import desk
from shared.conf.base import *  # noqa: F403
from shared.conf.base import (
    COLLECTED_FILES,
    DEBUG,
    INSTALLED_APPS,
    JWT,
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
    TRUSTED_ORIGINS,
    env,
)
from shared.conf.env import Length, OneOf, Range, read_public_url, seal
from shared.conf.origins import needs_secure_cookies, trusted_origins
from shared.db.settings import CITUS_SETTINGS, read_database
from shared.db.waits import read_lock_timeout_ms

SECRET_KEY = env.str(
    "BOOKING_SECRET_KEY",
    validate=Length(min=32),
    help="Django's secret key. `make run` and `make docker-up` generate one.",
)
LOCK_TIMEOUT_MS = read_lock_timeout_ms(env, "BOOKING")
BOOKING_DISTRIBUTION = env.str(
    "BOOKING_DISTRIBUTION",
    "none",
    validate=OneOf(["none", "citus"]),
    help="`citus`: the database was distributed over the nodes of a Citus cluster by "
    "`manage_booking.py distribute`. Needs `ADMISSION_GROUPING=event`.",
)
DISTRIBUTED = BOOKING_DISTRIBUTION == "citus"
# Reads follow an index and stop after their page. A bitmap scan would collect all rows first, yet
# it looks cheap until the statistics know how many there are.
_OF_READS = {"enable_bitmapscan": "off"}
_database = read_database(
    env,
    "BOOKING",
    lock_timeout_ms=LOCK_TIMEOUT_MS,
    server_settings={**_OF_READS, **(CITUS_SETTINGS if DISTRIBUTED else {})},
)
# The nodes of a cluster don't get them from the connection to the coordinator. `distribute` makes
# them settings of their databases.
SETTINGS_OF_NODES = {**_OF_READS, "lock_timeout": str(LOCK_TIMEOUT_MS)}
EVENT_PUBLIC_URL = read_public_url(env, "EVENT_PUBLIC_URL")
BOOKING_PUBLIC_URL = read_public_url(env, "BOOKING_PUBLIC_URL")
ADMISSION_MAX_GROUP = env.int(
    "ADMISSION_MAX_GROUP",
    64,
    validate=Range(min=1, max=1000),
    help="How many bookings and cancellations one transaction may contain.",
)
ADMISSION_GROUPING = env.str(
    "ADMISSION_GROUPING",
    "all",
    validate=OneOf(["all", "event"]),
    help="With `all`, a transaction may lock rows of several events; with `event`, only of one, as "
    "a database that is distributed by event requires.",
)
if DISTRIBUTED and ADMISSION_GROUPING == "all":
    env.refuse(
        "BOOKING_DISTRIBUTION",
        "`citus` needs ADMISSION_GROUPING=event: no transaction may lock events on several nodes.",
    )
SALES_RETENTION = env.timedelta(
    "SALES_RETENTION",
    timedelta(days=90),
    validate=Range(min=timedelta(minutes=1)),
    help="How long a sale can be replayed on its live page. `relay_outbox` deletes older seconds.",
)
_mail = read_mail(env)
NOTIFICATION_ADDRESS = read_address_pattern(env)
OIDC = read_oidc_settings(env, jwt=JWT, public_url=BOOKING_PUBLIC_URL)
seal(env)

# If a transaction holds an event's row for too long, that event's users get a 503 after the lock
# timeout. Nobody else is affected.
DATABASES = {"default": _database}

SERVICE = "booking"
STATIC_ROOT = COLLECTED_FILES / SERVICE
ROOT_URLCONF = "booking_project.urls"
WSGI_APPLICATION = "booking_project.wsgi.application"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_htmx",
    "shared.outbox",
    "booking_project.bookings",
    "booking_project.contacts",
    "booking_project.distribution",
    "booking_project.guests",
    "booking_project.notifications",
    "booking_project.organisers",
    "booking_project.sales",
]
READINESS = ["booking_project.distribution.readiness.mismatch"]
HOUSEKEEPING = ["booking_project.sales.services.sale_seconds_prune"]

UNFOLD = desk(
    "booking",
    sales(),
    other_url=EVENT_PUBLIC_URL,
    guests_url=BOOKING_PUBLIC_URL,
    overview="booking_project.organisers.overview.overview",
)

# EMAIL_BACKEND, EMAIL_HOST and the other parts of the URL.
globals().update(_mail)

# Both services may run on one host, where cookies are shared across all ports.
SESSION_COOKIE_NAME = "booking_session"
CSRF_COOKIE_NAME = "booking_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = needs_secure_cookies(
    BOOKING_PUBLIC_URL, debug=DEBUG
)
CSRF_FAILURE_VIEW = "booking_project.guests.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = trusted_origins(TRUSTED_ORIGINS, public_url=BOOKING_PUBLIC_URL)

_VIEWER = ["bookings.view_event", "bookings.view_booking", "notifications.view_notification"]
_AGENT = [
    *_VIEWER,
    "bookings.add_booking",
    "bookings.delete_booking",
    "organisers.add_note",
]
STAFF_GROUPS = {"viewer": _VIEWER, "agent": _AGENT, "manager": _AGENT}

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "EXCEPTION_HANDLER": "booking_project.bookings.api.errors.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["shared.auth.permissions.SignedIn"],
}
_ABOUT = (
    "Users book seats here, wait in line and are promoted. "
    "Events come from the event service, with the same ids."
)
SPECTACULAR_SETTINGS = {
    **SPECTACULAR_SETTINGS,
    "TITLE": "Booking service",
    "DESCRIPTION": f"{_ABOUT}\n\n{SPECTACULAR_SETTINGS['DESCRIPTION']}",
    "ENUM_NAME_OVERRIDES": {
        **SPECTACULAR_SETTINGS["ENUM_NAME_OVERRIDES"],
        "BookingStatus": "booking_project.bookings.models.BookingStatus",
    },
}
