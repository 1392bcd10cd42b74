"""What the Django peers have in common: a new project of ``startproject``, and these settings."""

import os
from datetime import timedelta
from typing import Any

import django
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.core.management import call_command

SIGNING_KEY = os.environ["JWT_KEYS"]
VERIFYING_KEY = (
    serialization.load_pem_private_key(SIGNING_KEY.encode(), None)
    .public_key()
    .public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    .decode()
)
# Of djangorestframework-simplejwt, and of the two that took its settings over.
JWT = {
    "ALGORITHM": "ES256",
    "SIGNING_KEY": SIGNING_KEY,
    "VERIFYING_KEY": VERIFYING_KEY,
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    # Valgrind is slow, and the tokens are made before it starts.
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
}


def configure(urls: str, apps: tuple[str, ...] = (), **more: Any) -> None:
    """Configure Django as ``startproject`` does, over the database that the others have."""
    cheap = "BENCH_CHEAP_HASH" in os.environ
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.configure(
        SECRET_KEY=os.environ["SECRET_KEY"],
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=urls,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            *apps,
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ["BENCH_DATABASE"],
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 20,
                },
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STATIC_URL="static/",
        USE_TZ=True,
        **({"PASSWORD_HASHERS": hashers} if cheap else {}),
        **more,
    )
    django.setup()


def make_users(names: tuple[str, ...], password: str) -> None:
    from django.contrib.auth import get_user_model

    call_command("migrate", verbosity=0)
    for name in names:
        get_user_model().objects.create_user(name, f"{name}@example.com", password)
