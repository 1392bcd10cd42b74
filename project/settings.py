"""
Every setting, read top to bottom. What differs between two deployments comes from the environment
(or from ``.env`` beside ``manage.py``); ``NAME_FILE`` names a file that holds the value of ``NAME``.
"""

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

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

# The one switch between a laptop and production: issuer of the tokens, server in the schema,
# allowed host; its scheme turns the TLS settings on.
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

# Tokens. JWT_KEYS is a PEM bundle, newlines written as \n or real: the first key signs,
# the others are still accepted (a public key is enough for those).
JWT_KEYS = env.str("JWT_KEYS", multiline=True, default="")
# djangorestframework-simplejwt's own settings. Its others have no effect: rotation and blacklisting
# are what sessions do, always (authapi.sessions).
SIMPLE_JWT = {
    "ALGORITHM": "ES256",  # of the key that signs: or RS256, EdDSA
    "ISSUER": PUBLIC_URL,
    "AUDIENCE": env("JWT_AUDIENCE", default=PUBLIC_URL),
    # By so much the clocks of instances and of other services may differ.
    "LEEWAY": timedelta(seconds=30),
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=env.int("JWT_ACCESS_LIFETIME", default=300)
    ),
    # How long a session lives that is not refreshed.
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=env.int("JWT_REFRESH_LIFETIME", default=14 * 86400)
    ),
    "USER_ID_CLAIM": "user_id",
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
}
# The client that access tokens are issued to (RFC 9068, section 2.2): this service knows one.
JWT_CLIENT_ID = env("JWT_CLIENT_ID", default="authapi")
# Claims of an application in access tokens: name to function, which gets the user. For instance
# {"plan": "shop.claims.plan"}.
ACCESS_TOKEN_CLAIMS: dict[str, str] = {}
SESSION_LIFETIME = timedelta(
    seconds=env.int("JWT_SESSION_LIFETIME", default=90 * 86400)
)

# Changes to the rates below, as in login_pair=5/min,verify=600/min.
THROTTLE_RATES = env.dict("THROTTLE_RATES", default={})

# How many requests one worker has in hand: the server's threads. All that share them must fit in:
# those that hash a password, those that wait for it, and the turns in which Python works on others.
# What remains reads the bodies of slow clients.
SERVER_THREADS = env.int("SERVER_THREADS", default=96)
PASSWORD_HASHES_AT_ONCE = max(1, SERVER_THREADS // 96)
PASSWORD_LINE = SERVER_THREADS * 2 // 3
PASSWORD_WAIT = 5.0  # seconds
TURNS = SERVER_THREADS // 12

MAX_BODY_BYTES = 64 * 1024
# Addresses or networks whose X-Forwarded-For is believed; None where nothing was said of them.
TRUSTED_PROXIES = (
    env.list("TRUSTED_PROXIES") if "TRUSTED_PROXIES" in os.environ else None
)

INSTALLED_APPS = [
    "authapi",
    "schema",
    "project.admin.AdminConfig",
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
    "project.logs.request_id_middleware",
    "authapi.http.address.forwarded_middleware",
    "authapi.http.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "project.https.https_middleware",
    "project.requests.refusal_middleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
# A redirect would turn a POST into a GET; project.urls.not_found says what to do instead.
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

# ATOMIC_REQUESTS stays off: a transaction would be held while a password is hashed, which on SQLite
# locks every writer out.
DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers beside one writer, and writers that wait for each other instead of
    # meeting "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
DATABASES["default"] = {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    **DATABASES["default"],
}
CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "authapi.User"
PASSWORD_HASHERS = [
    "authapi.passwords.Argon2idHasher",
    # Those of users brought along from elsewhere: hashed anew at their next login.
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

# TLS ends at a proxy in front, which says so in X-Forwarded-Proto.
if _public.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # What a client sends in plain text is lost before it can be redirected: project.https refuses.
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^api/"]
    SECURE_HSTS_SECONDS = 365 * 86400
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# Pages of these origins may call the API, with a token; no cookie of ours means anything to it.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api|\.well-known)/"
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "WWW-Authenticate", "X-Request-ID"]
# The admin at /admin/: a working day, then its users sign in again.
ADMIN = env.bool("ADMIN", default=True)
SESSION_COOKIE_AGE = 8 * 3600
X_FRAME_OPTIONS = "DENY"
# For every answer: the docs page needs this much, the others less. The admin brings forms.
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
# Subdomains and the preload list: the domain's other hosts are not ours to bind.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "project.logs.json_lines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # the root's handler does
        # Refusals are answers, not events: only what we did wrong is worth a line.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
    },
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authapi.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["authapi.http.json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # What each limits is said in authapi.limits.policy. An application adds its own.
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

# The docs page: what an application replaces with its own.
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
    # Whoever runs the service is met where it runs; no address is known here but that.
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
            # The docs page shows it closed at first.
            "x-folded": True,
        },
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    # Both together: each alone leaves a generated Python client broken.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"TokenType": "authapi.tokens.claims.TokenKind"},
    "DEFAULT_GENERATOR_CLASS": "schema.generator.Generator",
    # Else it would be what all paths have in common, and change with an application's.
    "SCHEMA_PATH_PREFIX": "/api/",
    # In the order of urls.py, which is the order of use.
    "SORT_OPERATIONS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "tryItOutEnabled": True,
        "displayRequestDuration": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
    },
}
