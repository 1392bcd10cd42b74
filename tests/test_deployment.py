"""The settings of a deployment, in a separate process."""

import os
import subprocess
import sys

import pytest

from authapi.tokens import keys
from tests.server import ROOT

PRODUCTION = {
    "PATH": os.environ["PATH"],
    "DJANGO_SETTINGS_MODULE": "project.settings",
    "SECRET_KEY": "production-and-long-enough-for-the-check-0123456789-abcdefghij",
    "JWT_KEYS": keys.generate().replace("\n", "\\n"),
    "PUBLIC_URL": "https://auth.example.com",
    "TRUSTED_PROXIES": "10.0.0.0/8",
}


def manage(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=PRODUCTION | environment,
        capture_output=True,
        text=True,
    )


def test_the_deployment_check_is_silent():
    done = manage("check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr


def test_no_migration_is_missing():
    assert manage("makemigrations", "--check").returncode == 0


def test_newkey_works_without_a_key():
    done = manage("newkey", JWT_KEYS="")

    assert done.stdout.startswith("-----BEGIN PRIVATE KEY-----")
    assert "kid: " in done.stderr


@pytest.mark.requirement("ASVS 13.3.1")
def test_secrets_can_be_read_from_files(tmp_path):
    for name in ("SECRET_KEY", "JWT_KEYS"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(PRODUCTION[name].replace("\\n", "\n"))

    done = manage(
        "check",
        SECRET_KEY_FILE=str(tmp_path / "SECRET_KEY"),
        JWT_KEYS_FILE=str(tmp_path / "JWT_KEYS"),
        SECRET_KEY="",
        JWT_KEYS="",
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PUBLIC_URL": "http://auth.example.com"}, "authapi.E002"),
        ({"JWT_KEYS": ""}, "authapi.E001"),
    ],
    ids=["http", "no-key"],
)
def test_a_failed_check_stops_the_server(environment, said):
    done = subprocess.run(
        [sys.executable, "-c", "import project.wsgi"],
        cwd=ROOT,
        env=PRODUCTION | environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.requirement("RFC 6750 5.3", "RFC 9700 2.6")
@pytest.mark.parametrize(
    ("path", "headers", "answered"),
    [
        ("/api/profile/", {}, "403 None"),
        ("/api/docs/", {}, "403 None"),
        ("/admin/", {}, "301 None"),
        ("/health/live/", {}, "200 None"),
        ("/health/live/", {"X-Forwarded-Proto": "https"}, "200 None"),
        (
            "/health/live/",
            {"X-Forwarded-Proto": "https", "peer": "10.0.0.7"},
            "200 max-age=31536000",
        ),
        (
            "/api/profile/",
            {"X-Forwarded-Proto": "https", "peer": "10.0.0.7"},
            "401 max-age=31536000",
        ),
    ],
    ids=str,
)
def test_plain_http_is_rejected_behind_a_trusted_proxy(path, headers, answered):
    """It is not redirected, because a token sent in plain text is already exposed."""
    peer = headers.pop("peer", "127.0.0.1")
    code = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        f"answer = Client().get({path!r}, REMOTE_ADDR={peer!r},"
        f" headers={ {'Host': 'auth.example.com', **headers}!r})\n"
        "print(answer.status_code, answer.get('Strict-Transport-Security'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=PRODUCTION | {"TRUSTED_PROXIES": "10.0.0.0/8"},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == answered, done.stderr


def test_an_empty_value_means_no_proxy():
    assert manage("check", TRUSTED_PROXIES="").returncode == 0
