"""Deployment mistakes stop the start, and the message says how to fix them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.checks import run_checks
from django.db import connection

from authapi import demo
from authapi.models import User
from authapi.tokens import keys
from project.environment import Env
from tests.conftest import limit
from tests.test_keys import pem, public_pem

GOOD = keys.generate()


def found(databases: Sequence[str] = ()) -> set[str | None]:
    return {message.id for message in run_checks(databases=databases)}


def test_the_test_settings_pass():
    assert found() == set()


@pytest.mark.requirement("RFC 8725 3.2", "RFC 8725 3.4", "RFC 8725 3.5")
@pytest.mark.parametrize(
    "ring",
    [
        "",
        "nonsense",
        public_pem(GOOD),
        GOOD.replace("M", "!", 3),
        GOOD + pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 1024)),
        GOOD + public_pem(GOOD),
        GOOD + GOOD.replace("-----END", "-----"),
    ],
    ids=[
        *("none", "no-pem", "public-first", "spoilt", "P-384", "RSA-1024"),
        *("twice", "no-end"),
    ],
)
def test_e001_unusable_key_rings_are_reported(settings, ring):
    settings.JWT_KEYS = ring

    assert found() == {"authapi.E001"}


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "api.example.com", "ftp://x", "", "https://"]
)
def test_e002_unsafe_public_urls_are_reported(settings, url):
    settings.TRUSTED_PROXIES = []
    settings.PUBLIC_URL = url

    assert found() == {"authapi.E002"}


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://localhost:9000", "http://[::1]:8000"]
)
def test_e002_safe_public_urls_pass(settings, url):
    settings.TRUSTED_PROXIES = []
    settings.PUBLIC_URL = url

    assert found() == set()


@pytest.mark.requirement("RFC 8725 3.5")
@pytest.mark.parametrize(
    "secret",
    ["x", "a" * 60, "django-insecure-" + "abcdefghij" * 5],
    ids=["short", "one-letter", "example"],
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_e004_weak_secret_keys_are_reported(settings, name, secret):
    setattr(settings, name, secret if name == "SECRET_KEY" else [secret])

    assert found() == {"authapi.E004"}


def test_e004_reused_secrets_are_reported(settings, monkeypatch):
    settings.SECRET_KEY_FALLBACKS = [
        "another-one-and-long-enough-0123456789-abcdefghijklm"
    ]
    assert found() == set()

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    assert found() == {"authapi.E004"}

    settings.SECRET_KEY_FALLBACKS = []
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", settings.SECRET_KEY)
    assert found() == {"authapi.E004"}


@pytest.mark.requirement("ASVS 13.4.2")
def test_e005_debug_in_public_is_reported(settings):
    settings.TRUSTED_PROXIES = []
    settings.DEBUG = True
    assert found() == set()

    settings.PUBLIC_URL = "https://api.example.com"

    assert found() == {"authapi.E005"}


@pytest.mark.requirement("RFC 9700 4.13")
@pytest.mark.parametrize("proxy", ["nginx", "10.0.0.1/8", "", "0.0.0.0/0", "::/0"])
def test_e006_invalid_trusted_proxies_are_reported(settings, proxy):
    settings.TRUSTED_PROXIES = [proxy]

    assert found() == {"authapi.E006"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCESS_TOKEN_LIFETIME", timedelta(0)),
        ("ACCESS_TOKEN_LIFETIME", timedelta(days=15)),
        ("REFRESH_TOKEN_LIFETIME", timedelta(days=91)),
    ],
)
def test_e003_inconsistent_lifetimes_are_reported(settings, name, value):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, name: value}

    assert found() == {"authapi.E003"}


@pytest.mark.parametrize(
    ("scope", "rate"),
    [
        ("login_pair", "5"),
        ("login_pair", "0/min"),
        ("verify", "9/week"),
    ],
)
def test_e007_invalid_rates_are_reported(settings, scope, rate):
    limit(settings, **{scope: rate})

    assert found() == {"authapi.E007"}


def test_e007_unknown_scopes_are_reported(settings):
    settings.THROTTLE_RATES = {"logn_pair": "5/min"}

    assert found() == {"authapi.E007"}


@pytest.mark.parametrize(
    ("name", "path"),
    [("sub", "tests.test_checks.claim"), ("plan", "nowhere.claim"), ("plan", "tests")],
)
def test_e014_invalid_claims_are_reported(settings, name, path):
    settings.ACCESS_TOKEN_CLAIMS = {name: path}

    assert found() == {"authapi.E014"}


def claim(user):
    return "gold"


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("rediscache://cache:6379/0", set()),
        ("rediscache://one:6379,two:6379/0", {"authapi.E008"}),
        ("filecache:///var/cache/authapi", {"authapi.E008"}),
        ("dummycache://", {"authapi.E008"}),
    ],
)
def test_e008_caches_other_than_redis_are_reported(settings, url, ids):
    settings.CACHES = {"default": Env.cache_url_config(url)}

    assert found() == ids


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", ["*"]),
        ("ALLOWED_HOSTS", ["api.example.com", "*"]),
        ("CORS_ALLOWED_ORIGINS", ["null"]),
    ],
)
def test_e009_wildcards_are_reported(settings, name, value):
    setattr(settings, name, value)

    assert found() == {"authapi.E009"}


@pytest.mark.requirement("ASVS 13.3.2")
def test_e010_world_readable_secrets_are_reported(settings, tmp_path):
    secret = tmp_path / "key"
    settings.SECRET_FILES = [str(secret)]
    assert found() == set()

    secret.touch(mode=0o640)
    assert found() == set()

    secret.chmod(0o644)
    assert found() == {"authapi.E010"}


@pytest.mark.requirement("ASVS 6.3.2")
class TestDemoUser:
    """E011: the demo user, whose password is known, on a public service."""

    @pytest.fixture(autouse=True)
    def public(self, settings, db):
        settings.TRUSTED_PROXIES = []
        settings.PUBLIC_URL = "https://api.example.com"

    def test_a_missing_user_passes(self):
        assert found(["default"]) == set()

    def test_the_user_is_reported(self):
        demo.make()
        demo.make()

        assert found(["default"]) == {"authapi.E011"}

    def test_another_password_passes(self):
        demo.make()
        user = User.objects.get()
        user.set_password("something else")
        user.save()

        assert found(["default"]) == set()

    def test_localhost_passes(self, settings):
        settings.PUBLIC_URL = "http://127.0.0.1:8000"
        demo.make()

        assert found(["default"]) == set()

    def test_an_unavailable_database_passes(self):
        connection.set_rollback(True)
        connection.needs_rollback = True

        assert found(["default"]) == set()

        connection.needs_rollback = False


def test_e012_unset_trusted_proxies_are_reported(settings):
    settings.PUBLIC_URL = "https://api.example.com"
    assert found() == {"authapi.E012"}

    settings.TRUSTED_PROXIES = []
    assert found() == set()


@pytest.mark.parametrize(
    ("number", "ids"),
    [(11, {"authapi.E013"}), (12, set()), (1024, set()), (1025, {"authapi.E013"})],
)
def test_e013_invalid_thread_counts_are_reported(settings, number, ids):
    settings.SERVER_THREADS = number

    assert found() == ids


@pytest.mark.parametrize(("seconds", "ids"), [(0, {"authapi.E017"}), (30, set())])
def test_e017_an_invalid_wait_is_reported(settings, seconds, ids):
    settings.DATABASE_WAIT = seconds

    assert found() == ids


def test_e001_a_key_for_another_algorithm_is_reported(settings):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ALGORITHM": "RS256"}

    assert found() == {"authapi.E001"}


@pytest.fixture
def public(settings):
    """Valid production settings."""
    settings.TRUSTED_PROXIES = []
    settings.PUBLIC_URL = "https://api.example.com"
    assert found() == set()
    return settings


@pytest.mark.requirement("RFC 6750 5.3")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCESS_TOKEN_LIFETIME", timedelta(days=14)),
        ("ACCESS_TOKEN_LIFETIME", timedelta(seconds=3601)),
    ],
)
def test_e003_long_access_lifetimes_are_reported(settings, name, value):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, name: value}

    assert found() == {"authapi.E003"}


def test_e003_long_session_lifetimes_are_reported(settings):
    settings.SESSION_LIFETIME = timedelta(days=401)

    assert found() == {"authapi.E003"}


@pytest.mark.parametrize("host", ["*", ".com"])
def test_e009_top_level_wildcard_hosts_are_reported(settings, host):
    settings.ALLOWED_HOSTS = [host]

    assert found() == {"authapi.E009"}


def test_e009_plain_http_origins_are_reported(public):
    public.CORS_ALLOWED_ORIGINS = ["http://app.example.com"]

    assert found() == {"authapi.E009"}


@pytest.mark.requirement("RFC 8725 3.9", "RFC 9700 2.3")
def test_e015_an_empty_audience_is_reported(settings):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "AUDIENCE": ""}

    assert found() == {"authapi.E015"}


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("postgresql://u@db.example.com/x", {"authapi.E016"}),
        ("postgresql://u@db.example.com/x?sslmode=prefer", {"authapi.E016"}),
        ("postgresql://u@db.example.com/x?sslmode=verify-full", set()),
        ("postgresql://u@127.0.0.1/x", set()),
        ("postgresql:///x", set()),
    ],
)
def test_e016_a_database_without_tls_is_reported(public, monkeypatch, url, ids):
    for name, value in Env.db_url_config(url).items():
        monkeypatch.setitem(public.DATABASES["default"], name, value)

    assert found() == ids


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("rediscache://cache.example.com:6379/0", {"authapi.E016"}),
        ("rediscache://127.0.0.1:6379/0", set()),
        ("rediss://cache.example.com:6379/0", set()),
    ],
)
def test_e016_redis_without_tls_is_reported(public, url, ids):
    public.CACHES = {"default": Env.cache_url_config(url)}

    assert found() == ids
