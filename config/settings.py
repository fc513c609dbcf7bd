"""Every setting, read from the environment once."""

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from environs import Env
from whitenoise.compress import Compressor

from config.secrets import secrets_in

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)
_data_dir = env.str("TRACKWARD_DATA_DIR", "./var")
_database_url = env.str("DATABASE_URL", "")
_broker_url = env.str("CELERY_BROKER_URL", "memory://")
_redis_url = env.str("REDIS_URL", "")
_secret_key = env.str("TRACKWARD_SECRET_KEY", "")
_encryption_key = env.str("TRACKWARD_ENCRYPTION_KEY", "")
_debug = env.bool("TRACKWARD_DEBUG", False)
_allowed_hosts = env.list("TRACKWARD_ALLOWED_HOSTS", ["*"])
_trusted_origins: list[str] = env.list("TRACKWARD_TRUSTED_ORIGINS", [])
_https = env.bool("TRACKWARD_HTTPS", False)
_pool_size = env.int("TRACKWARD_DATABASE_POOL_SIZE", 16)
_database = env.dj_db_url("DATABASE_URL") if _database_url else {}
env.seal()

if _database_url and not _database_url.startswith(("postgres", "sqlite")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite://.")
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
if _redis_url and not _redis_url.startswith(_REDIS_SCHEMES):
    raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")

DATA_DIR = Path(_data_dir).absolute()

if _secret_key and _encryption_key:
    SECRET_KEY, ENCRYPTION_KEY = _secret_key, _encryption_key
else:
    # Several hosts share one pair through the environment; one host keeps its own.
    _kept = secrets_in(DATA_DIR)
    SECRET_KEY = _secret_key or _kept.secret_key
    ENCRYPTION_KEY = _encryption_key or _kept.encryption_key

DEBUG = _debug
ALLOWED_HOSTS = _allowed_hosts
CSRF_TRUSTED_ORIGINS = _trusted_origins

INSTALLED_APPS = [
    "config",
    "analytics",
    "rewards",
    "events",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "drf_spectacular_sidecar",
    "csp",
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "events.views.IngestMiddleware",  # first: it spares posted events all others
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # a redirect loses the body of a POST

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # IMMEDIATE: a transaction that starts as a reader can't become a writer later.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # FULL: with NORMAL a power cut loses commits that were already answered.
            # Recursive: without it a row that INSERT OR REPLACE deletes fires no trigger, and
            # the append-only tables would not defend it.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA recursive_triggers=ON;",
        },
        "CONN_MAX_AGE": None,  # opening the file anew for each request costs more than the request
    }


def _postgresql(database: dict[str, Any]) -> dict[str, Any]:
    options = dict(database.get("OPTIONS", {}))
    options["pool"] = {"min_size": 1, "max_size": _pool_size, "timeout": 10}
    # Prepared after two uses: the ingest statements are few and always the same.
    options["prepare_threshold"] = 2
    return database | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


DATABASES = {
    "default": _postgresql(_database) if _database_url else _sqlite(DATA_DIR / "trackward.sqlite3")
}
if _database_url.startswith("sqlite"):
    DATABASES["default"] = _sqlite(Path(str(_database["NAME"])))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # each file is compressed once, not under two names
# Source maps are for who opens a browser's tools; compressing them takes seconds.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]

# Bodies are limited per endpoint (see events.limits); this is the outermost one.
DATA_UPLOAD_MAX_MEMORY_SIZE = 6_000_000
# The page of an event type sends up to seven values for each of its 1,000 fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 8_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "style-src": [SELF, UNSAFE_INLINE],  # Plotly sizes its drawing by style attributes
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

UNFOLD = {
    "SITE_TITLE": "Trackward",
    "SITE_HEADER": "Trackward",
    "SITE_URL": None,
    "SITE_ICON": lambda _request: static("events/icon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("events/icon.svg"),
        }
    ],
    "STYLES": [lambda _request: static("events/admin.css")],
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {  # of the icon
        "primary": {
            "50": "#effafc",
            "100": "#d6f1f6",
            "200": "#b2e3ec",
            "300": "#7dccdc",
            "400": "#57c3da",
            "500": "#3aa9c1",
            "600": "#0f5c6e",
            "700": "#0d5060",
            "800": "#0a4452",
            "900": "#083945",
            "950": "#06262d",
        }
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}

EMBEDDED = _broker_url.startswith("memory:")
CELERY_BROKER_URL = "memory://localhost/" if EMBEDDED else _broker_url
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05} if EMBEDDED else {}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Where the web processes count for rate limits together; empty: each counts alone. A broker may be
# several addresses, of which Celery takes the first that answers.
_first_broker_url = _broker_url.split(";")[0]
REDIS_URL = _redis_url or (
    _first_broker_url if _first_broker_url.startswith(("redis://", "rediss://")) else ""
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "trackward"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_TIMEZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # 503 says that we are busy or a part is down, and /health is asked every few seconds then.
    "filters": {
        "fault": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 500) != 503,
        }
    },
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # A refused request is the client's affair and is kept in quarantine; 5xx stay errors.
        "django.request": {"level": "ERROR", "filters": ["fault"]},
        # While the database is away it would warn each second; /health and the clients say so.
        "psycopg.pool": {"level": "ERROR"},
    },
}
