"""Django settings that both services share; each service's settings module starts from here."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from shared.auth.settings import authentication_class, read_auth_mode, read_jwt_settings
from shared.conf.env import (
    URL,
    Environment,
    Range,
    Regexp,
    read_origins,
    read_trusted_proxies,
)
from shared.conf.logs import read_log_format, read_log_level
from shared.conf.traces import read_traces
from shared.limits.rate import FORMAT, parse_rate
from shared.observability.logs import log_config
from shared.workers.heartbeat import default_folder

_AMQP_URL = URL(schemes={"amqp", "amqps"}, require_tld=False)

# Each service reads on from it and seals it, so that all bad variables are named at once.
env = Environment()
DEBUG = env.bool(
    "DEBUG", False, help="Django's debug mode. It shows tracebacks with settings to anyone."
)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], help="Host names that requests may use."
)
_log_level = read_log_level(env)
_log_format = read_log_format(env)
RECORDS_TRACES = read_traces(env)
RABBITMQ_URL = env.str(
    "RABBITMQ_URL",
    validate=_AMQP_URL,
    help="RabbitMQ 3.10 or newer. The path is the virtual host; `%2F` is `/`. `make run` starts "
    "its own server if this is not set.",
)
OUTBOX_RETENTION = env.timedelta(
    "OUTBOX_RETENTION",
    timedelta(days=1),
    validate=Range(min=timedelta()),
    help="How long the outbox keeps published messages.",
)
IDEMPOTENCY_RETENTION = env.timedelta(
    "IDEMPOTENCY_RETENTION",
    timedelta(days=1),
    validate=Range(min=timedelta(minutes=1)),
    help="How long a request can be repeated with its `Idempotency-Key`. `relay_outbox` deletes "
    "older keys.",
)
_auth_mode = read_auth_mode(env, debug=DEBUG)
JWT = read_jwt_settings(env, mode=_auth_mode)
_RATE = Regexp(FORMAT, error="It must be none or like 100/min; sec, min, hour or day.")
RATE_LIMIT_WRITES = parse_rate(
    env.str(
        "RATE_LIMIT_WRITES",
        "none",
        validate=_RATE,
        help="How often a caller may write: a number per `sec`, `min`, `hour` or `day`, such as "
        "`100/min`; or `none`. Further writes get 429.",
    )
)
RATE_LIMIT_SEARCHES = parse_rate(
    env.str(
        "RATE_LIMIT_SEARCHES",
        "60/min",
        validate=_RATE,
        help="How often an address may search events by name without a token, in the format of "
        "`RATE_LIMIT_WRITES`. Further searches get 429.",
    )
)
WORKER_NICE = env.int(
    "WORKER_NICE",
    5,
    validate=Range(min=0, max=19),
    help="How far relays, consumer and notifier give way to the APIs on the same machine: their "
    "`nice` value; 0: not at all. Has no effect between containers, which have `cpu_shares`.",
)
WORKER_STATE_DIR = Path(
    env.str(
        "WORKER_STATE_DIR",
        "",
        help="The folder of the workers' heartbeats, which `check_worker` reads. It must be "
        "private to the user that runs the workers. By default `event-reservation-UID` in the "
        "folder for temporary files; `make run` uses its data folder.",
    )
    or default_folder()
)
_trusted_proxies = read_trusted_proxies(env)
_scheme_header = env.str(
    "TRUSTED_SCHEME_HEADER",
    "",
    validate=Regexp(r"([A-Za-z][A-Za-z0-9-]*)?\Z", error="It must be the name of a header."),
    help="The header in which the proxy that terminates TLS says `https`, such as "
    "`X-Forwarded-Proto`. The proxy must overwrite what clients send in it. Needs "
    "`TRUSTED_PROXIES`.",
)
if _scheme_header and not _trusted_proxies:
    env.refuse(
        "TRUSTED_SCHEME_HEADER", "It needs TRUSTED_PROXIES: without a proxy, clients set it."
    )
TRUSTED_ORIGINS = read_origins(env, "TRUSTED_ORIGINS")
# Sent over https only. Two years at most.
SECURE_HSTS_SECONDS = env.int(
    "HSTS_SECONDS",
    0,
    validate=Range(min=0, max=63_072_000),
    help="How long browsers use only https after a visit (`Strict-Transport-Security`), in "
    "seconds. With 0 the header is not sent.",
)

INSTALLED_APPS = [
    # Before unfold and REST framework, some of whose templates they replace.
    "shared.times",
    "shared.api",
    "shared.admin.apps.LookConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "shared.admin.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "shared.assets.apps.AssetsConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "shared.auth.apps.FailedLogInsConfig",
    "csp",
    "shared.auth",
    "shared.limits",
    "shared.idempotency",
    "shared.workers",
]

MIDDLEWARE = [
    "shared.middleware.requests.identify_requests",
    "shared.db.release.release_before_sending",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shared.middleware.browsers.ForBrowsers",
    # API clients pass all that follow.
    "shared.assets.middleware.StaticFiles",
    "shared.middleware.languages.Languages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "shared.middleware.browsers.BrowserRefusals",
    "shared.times.middleware.AdminTimes",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# For who opens the log-in page itself. Otherwise the way leads back to where one wanted to go.
LOGIN_REDIRECT_URL = "admin:index"
# Only one: a stored hash of another kind would be computed on the gevent loop.
PASSWORD_HASHERS = ["shared.auth.hashing.BoundedPBKDF2PasswordHasher"]

AXES_HANDLER = "shared.auth.login_limits.LoginLimits"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address", "username"]
AXES_FAILURE_LIMIT = 1
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_CLIENT_IP_CALLABLE = "shared.http.networks.client_network"
AXES_LOCKOUT_CALLABLE = "shared.auth.refusals.too_many_failures"
AXES_RESET_ON_SUCCESS = True
# Further attempts during a lockout don't extend it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# It would keep a row for each login forever. The log has them.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# `shared.auth` has its own.
AXES_ENABLE_ADMIN = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Whether this service's tables are distributed over several nodes. See `docs/distribution.md`.
DISTRIBUTED = False

# What else must be right before a process is ready: functions that return what is wrong with the
# database, or an empty text.
READINESS: list[str] = []

# What else `relay_outbox` calls once a minute: functions that delete a batch of old rows, and
# return how many.
HOUSEKEEPING: list[str] = []

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("th", "ไทย")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["shared.times.formats"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "shared.assets.storage.CollectedFiles"},
}
# Each service has its own folder here, filled by collectstatic.
COLLECTED_FILES = Path(__file__).resolve().parents[2] / "staticfiles"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = (
    (f"HTTP_{_scheme_header.upper().replace('-', '_')}", "https") if _scheme_header else None
)
# Django's debug pages have scripts in them.
CONTENT_SECURITY_POLICY = (
    None
    if DEBUG
    else {
        "DIRECTIVES": {
            "default-src": [SELF],
            "img-src": [SELF, "data:"],
            "object-src": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
        }
    }
)
SILENCED_SYSTEM_CHECKS = [
    # It looks for a middleware by name. Ours is a subclass.
    "axes.W002",
    # One service can't decide whether other hosts of the domain speak https.
    "security.W005",
    "security.W021",
    # The proxy that terminates TLS redirects. Here, probes of /health come over http.
    "security.W008",
]
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "shared.api.problems.csrf_failure"

# Bodies have a few hundred bytes. A larger one is refused with 413 before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": [
        "shared.api.renderers.JSONRenderer",
        "shared.api.pages.PageRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["shared.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "shared.api.negotiation.JSONFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [authentication_class(_auth_mode)],
    "UNAUTHENTICATED_USER": "shared.auth.caller.nobody",
    "DEFAULT_THROTTLE_CLASSES": (
        ["shared.limits.throttling.WriteThrottle"] if RATE_LIMIT_WRITES else []
    ),
    "NUM_PROXIES": _trusted_proxies,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "DESCRIPTION": (
        "All errors are problem documents (RFC 9457). Their `code` is for programs and does not "
        "change; each operation lists its own. Any path may return 400 `bad_request`, 404 "
        "`not_found`, 405 `method_not_allowed` and 500 `internal_error`.\n\n"
        "Unknown fields of a request's body are ignored. Times are RFC 3339: they must have an "
        "offset in requests, and are in UTC in responses. Prices are numbers without a currency."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/"}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    # Otherwise there are two of each, one for each direction.
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {"BrokerState": ["ok", "behind"]},
    # From the package; the default is another host.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": True,
        "validatorUrl": None,
    },
}

LOGGING = log_config(level=_log_level, format=_log_format)
