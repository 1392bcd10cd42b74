"""The systems that ``make conformance`` tests."""

import sys
from pathlib import Path

from authapi.tokens import keys
from project.run import SERVER
from tests.conformance.system import Adapter

ROOT = Path(__file__).parent.parent.parent

# Both systems are Django's, so the same code makes and changes their users.
_PREPARE = """
import os
from django.contrib.auth import get_user_model
from django.core.management import call_command

call_command("migrate", verbosity=0)
for name in os.environ["USERS"].split():
    get_user_model().objects.create_user(name, None, os.environ["PASSWORD"])
"""
_CHANGE = """
from django.contrib.auth import get_user_model

users = {user.username: user for user in get_user_model().objects.all()}
users["password"].set_password("let-me-in-anew")
users["password"].save()
for active in (False, True):
    users["enabled-again"].is_active = active
    users["enabled-again"].save()
users["disabled"].is_active = False
users["disabled"].save()
users["deleted"].delete()
"""
_GRANIAN = (
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1"),
    *("--workers", "2", "--blocking-threads", "96", "--log-level", "error"),
)


SQLITE = "sqlite:///{folder}/db.sqlite3"


def authapi(name: str, database: str = SQLITE, root: Path = ROOT) -> Adapter:
    """
    The service of this repository, or of a copy in *root*, as deployed behind a proxy.

    Only its limits are raised, because all requests come through one address.
    """
    manage = (sys.executable, "manage.py", "shell", "--no-imports", "--command")
    return Adapter(
        name=name,
        folder=root,
        server=(
            *(sys.executable, "-m", "project.serve", *SERVER, "--workers", "2"),
            *("--blocking-threads", "96", "--port", "{port}"),
        ),
        prepare=(*manage, _PREPARE),
        change=(*manage, _CHANGE),
        environment={
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE_URL": database,
            "PUBLIC_URL": "{url}",
            "TRUSTED_PROXIES": "127.0.0.1",
            "SECRET_KEY": "conformance-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
            "JWT_KEYS": keys.generate(),
            "THROTTLE_RATES": ",".join(
                f"{scope}=1000000/min"
                for scope in (
                    *("login_pair", "login_stranger", "login_address"),
                    *("login_account", "login_network", "refresh"),
                )
            ),
        },
    )


def tutorial(name: str) -> Adapter:
    """djangorestframework-simplejwt as its documentation shows it, on the same server."""
    manage = (sys.executable, "-m", "django", "shell", "--no-imports", "--command")
    return Adapter(
        name=name,
        folder=ROOT,
        server=(
            *_GRANIAN,
            *("--factory", "django.core.wsgi:get_wsgi_application"),
            *("--port", "{port}"),
        ),
        prepare=(*manage, _PREPARE),
        change=(*manage, _CHANGE),
        environment={
            "DJANGO_SETTINGS_MODULE": "tests.conformance.tutorial.settings",
            "PYTHONPATH": ".",
            "DATABASE": "{folder}/db.sqlite3",
            "SECRET_KEY": "conformance-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
        },
        lacks={
            "repeat": "logged out",
            "access": "live until they expire",
        },
    )
