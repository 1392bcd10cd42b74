"""
All settings. Those that differ between deployments come from the environment, or from ``.env`` next to
``manage.py``. ``NAME_FILE`` names a file that contains the value of ``NAME``.
"""

import os
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from project import postgresql
from project.environment import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY")
SECRET_FILES = [
    str(BASE_DIR / ".env"),
    *(
        os.environ[f"{name}_FILE"]
        for name in (
            *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "JWT_KEYS"),
            *("DATABASE_URL", "CACHE_URL"),
        )
        if f"{name}_FILE" in os.environ
    ),
]
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# The switch between localhost and production. It is the issuer of the tokens, the server in the
# schema and the allowed host. https enables the TLS settings.
PUBLIC_URL = env("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=(
        ["127.0.0.1", "localhost", "[::1]"]
        if _public.hostname in {"127.0.0.1", "localhost", "::1"}
        else [_public.hostname]
    ),
)

# Tokens. JWT_KEYS is a PEM bundle, with real newlines or \n. The first key signs; the others are
# still accepted (a public key is enough for those).
JWT_KEYS = env.str("JWT_KEYS", multiline=True, default="")
# djangorestframework-simplejwt's settings. Its other settings have no effect: sessions always rotate
# tokens and end them (authapi.sessions).
SIMPLE_JWT = {
    "ALGORITHM": "ES256",  # of the signing key: ES256, RS256 or EdDSA
    "ISSUER": PUBLIC_URL,
    "AUDIENCE": env("JWT_AUDIENCE", default=PUBLIC_URL),
    # How much the clocks of instances and of other services may differ.
    "LEEWAY": timedelta(seconds=30),
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=env.int("JWT_ACCESS_LIFETIME", default=300)
    ),
    # How long a session lasts without a refresh.
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=env.int("JWT_REFRESH_LIFETIME", default=14 * 86400)
    ),
    "USER_ID_CLAIM": "user_id",
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
}
# The client that access tokens are issued to (RFC 9068, section 2.2). There is only one.
JWT_CLIENT_ID = env("JWT_CLIENT_ID", default="authapi")
# Extra claims in access tokens: from name to a function that takes the user, for example
# {"plan": "shop.claims.plan"}.
ACCESS_TOKEN_CLAIMS: dict[str, str] = {}
SESSION_LIFETIME = timedelta(
    seconds=env.int("JWT_SESSION_LIFETIME", default=90 * 86400)
)

# Overrides for the rates below, for example login_pair=5/min,verify=600/min.
THROTTLE_RATES = env.dict("THROTTLE_RATES", default={})

# How many requests one worker handles at a time: the server's threads. They are divided between
# requests that hash a password, those that wait to do so, and other Python work (TURNS). The rest
# reads the bodies of slow clients.
SERVER_THREADS = env.int("SERVER_THREADS", default=96)
PASSWORD_HASHES_AT_ONCE = max(1, SERVER_THREADS // 96)
PASSWORD_LINE = SERVER_THREADS * 2 // 3
PASSWORD_WAIT = 5.0  # seconds
TURNS = SERVER_THREADS // 12
# How many connections to PostgreSQL one worker holds: one for each request that is worked on. Requests
# that wait to hash a password hold none.
DATABASE_POOL = PASSWORD_HASHES_AT_ONCE + TURNS
# How many seconds a request waits for a connection, and then for a statement. Both together leave time
# to answer within 3 s that the database is unavailable.
DATABASE_WAIT = env.float("DATABASE_WAIT", default=1.25)
# Only the server does so: commands, for example migrate, wait as long as they must.
_serves = not {"project.wsgi", "granian"}.isdisjoint(sys.modules)

MAX_BODY_BYTES = 64 * 1024
# Addresses or networks whose X-Forwarded-For is trusted; None if the variable is not set.
TRUSTED_PROXIES = (
    env.list("TRUSTED_PROXIES") if "TRUSTED_PROXIES" in os.environ else None
)

# Where Prometheus finds the metrics (project.metrics); 0 for none. On a port of their own, they are not
# public with the API.
METRICS_PORT = env.int("METRICS_PORT", default=0)
METRICS_HOST = env("METRICS_HOST", default="127.0.0.1")

INSTALLED_APPS = [
    "authapi",
    "schema",
    "project.admin_config.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "corsheaders",
    "whitenoise.runserver_nostatic",
    "project.static.StaticFilesConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    *(["project.metrics.middleware"] if METRICS_PORT else []),
    "authapi.http.address.forwarded_middleware",
    "project.logs.request_id_middleware",
    "authapi.http.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "project.plain_http.https_middleware",
    "project.whole_requests.refusal_middleware",
    "project.csp.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.pages.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "project.pages.AuthenticationMiddleware",
    "project.pages.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
# A redirect would turn a POST into a GET; project.not_found answers with a hint instead.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# ATOMIC_REQUESTS stays off: a transaction would be open while a password is hashed, which on SQLite
# blocks every writer.
DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Allow readers during a write, and let writers wait instead of failing with "database is locked".
    _database["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 2 * DATABASE_WAIT if _serves else 20,
    }
    _database["CONN_MAX_AGE"] = 60
elif _serves:
    _database["OPTIONS"] = {
        **postgresql.options(
            size=DATABASE_POOL,
            wait=DATABASE_WAIT,
            # Django's switch for a pooler in transaction mode, for example PgBouncer, which rejects
            # settings of a session.
            session=not _database.get("DISABLE_SERVER_SIDE_CURSORS"),
        ),
        **_database.get("OPTIONS", {}),
    }
    _database["CONN_MAX_AGE"] = 0  # as a pool requires
_database["CONN_HEALTH_CHECKS"] = True
CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].endswith("RedisCache"):
    # Seconds. Without them, a request would wait for as long as Redis hangs.
    CACHES["default"]["OPTIONS"] = {
        "socket_connect_timeout": 0.5,
        "socket_timeout": 0.5,
        **CACHES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "authapi.User"
PASSWORD_HASHERS = [
    "authapi.passwords.Argon2idHasher",
    # For imported users: their passwords are rehashed at the next login.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "project.static.Storage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# TLS is terminated at a proxy, which sets X-Forwarded-Proto.
if _public.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # A redirect would come too late, after secrets were sent in plain text: project.plain_http rejects
    # these.
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^api/"]
    SECURE_HSTS_SECONDS = 365 * 86400
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# Pages of these origins may call the API, with a token. The API ignores cookies.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api|\.well-known)/"
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "WWW-Authenticate", "X-Request-ID"]
# The admin at /admin/. Its sessions last one working day.
ADMIN = env.bool("ADMIN", default=True)
SESSION_COOKIE_AGE = 8 * 3600
X_FRAME_OPTIONS = "DENY"
# For every answer except the admin, which has forms. The docs page needs all of this.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [NONE],
    },
}
# HSTS for subdomains and preloading: these would also bind other hosts of the domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "project.logs.json_lines"}},
    "filters": {
        "second": {"()": "project.logs.OncePerSecond"},
        # A 503 is an answer. Its cause is logged as authapi.outage.
        "not_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # uses the root's handler
        # Rejected requests are normal answers. Log only server errors.
        "django.request": {"level": "ERROR", "filters": ["not_503"]},
        "django.security": {"level": "CRITICAL"},
        # While the database is down, every request and every attempt to connect would log that.
        "authapi.outage": {"filters": ["second"]},
        "psycopg.pool": {"level": "WARNING", "filters": ["second"]},
    },
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authapi.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["authapi.http.json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # authapi.limits.policy describes these scopes. An application can add its own.
    "DEFAULT_THROTTLE_RATES": {
        "login_pair": "5/min",
        "login_stranger": "20/hour",
        "login_address": "20/min",
        "login_account": "100/hour",
        "login_network": "200/min",
        "refresh": "300/min",
        "verify": "600/min",
        "schema": "120/min",
        "write": "60/min",
    },
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "authapi.http.json.LenientNegotiation",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "schema.operations.OperationSchema",
    "EXCEPTION_HANDLER": "authapi.http.problems.exception_handler",
}

for _scope in REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].keys() & THROTTLE_RATES.keys():
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"][_scope] = THROTTLE_RATES[_scope]

# The parts of the docs page that an application replaces with its own.
DOCS_PAGE = {
    "TITLE": "authapi",
    "LOGO": "schema/logo.svg",  # a static file: the mark in the bar, and the browser tab's icon
    "ACCENT": "#0b6e4f",  # any color; its lightness is adapted to the light and the dark theme
    "LINKS": {
        "Public keys": "/.well-known/jwks.json",
        **({"Admin": "/admin/"} if ADMIN else {}),
    },
}

SPECTACULAR_SETTINGS = {
    "TITLE": DOCS_PAGE["TITLE"],
    "DESCRIPTION": f"""## Quick start

1. Log in: `curl -s {PUBLIC_URL}/api/token/ -H 'Content-Type: application/json' -d '{{"username": "demo", "password": "let-me-in-please"}}'`
2. Send the access token with each call: `Authorization: Bearer <access>`.
3. Before it expires, exchange the refresh token with `refreshToken`. Each refresh token works once.
4. Every error is a `Problem` (RFC 9457). Branch on its `code` and `reason`.
""",
    "VERSION": tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"][
        "version"
    ],
    # The only known contact is the address of the service itself.
    "CONTACT": {"name": "authapi", "url": PUBLIC_URL},
    "LICENSE": {"name": "MIT", "url": "https://opensource.org/license/mit"},
    "SERVERS": [{"url": PUBLIC_URL}],
    "TAGS": [
        {"name": "token", "description": "Log in, stay logged in, log out."},
        {"name": "profile", "description": "The account that is signed in."},
        {"name": "sessions", "description": "The devices where it is signed in."},
        {
            "name": "manual",
            "description": (
                "The teaching variant: the same two calls on PyJWT by hand, in `authapi/manual/`."
                " Applications use the calls above."
            ),
            # The docs page shows this group collapsed.
            "x-folded": True,
        },
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    # Both are needed: with only one of them, generated Python clients are broken.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"TokenType": "authapi.tokens.claims.TokenKind"},
    "DEFAULT_GENERATOR_CLASS": "schema.generator.Generator",
    # The default is the common prefix of all paths, which would change with an application's paths.
    "SCHEMA_PATH_PREFIX": "/api/",
    # Keep the order of urls.py, which is the order of use.
    "SORT_OPERATIONS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "tryItOutEnabled": True,
        "displayRequestDuration": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
    },
}
