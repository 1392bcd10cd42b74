"""Deployment mistakes stop the start and say how to mend them."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.checks import run_checks

from authapi import keys
from project.environment import Env
from tests.test_keys import pem, public_pem

GOOD = keys.generate()


def found() -> set[str | None]:
    return {message.id for message in run_checks()}


def test_the_tests_own_settings_are_good():
    assert found() == set()


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
def test_e001_a_key_ring_that_cannot_sign(settings, ring):
    settings.JWT_KEYS = ring

    assert found() == {"authapi.E001"}


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "api.example.com", "ftp://x", "", "https://"]
)
def test_e002_a_public_url_that_is_not_safe(settings, url):
    settings.PUBLIC_URL = url

    assert found() == {"authapi.E002"}


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://localhost:9000", "http://[::1]:8000"]
)
def test_e002_a_public_url_that_is(settings, url):
    settings.PUBLIC_URL = url

    assert found() == set()


@pytest.mark.parametrize(
    "secret",
    ["x", "a" * 60, "django-insecure-" + "abcdefghij" * 5],
    ids=["short", "one-letter", "example"],
)
def test_e004_a_secret_that_is_none(settings, secret):
    settings.SECRET_KEY = secret

    assert found() == {"authapi.E004"}


def test_e005_debug_in_public(settings):
    settings.DEBUG = True
    assert found() == set()

    settings.PUBLIC_URL = "https://api.example.com"

    assert found() == {"authapi.E005"}


@pytest.mark.parametrize("proxy", ["nginx", "10.0.0.1/8", ""])
def test_e006_a_proxy_that_is_no_address(settings, proxy):
    settings.TRUSTED_PROXIES = [proxy]

    assert found() == {"authapi.E006"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_ACCESS_LIFETIME", timedelta(0)),
        ("JWT_ACCESS_LIFETIME", timedelta(days=15)),
        ("SESSION_LIFETIME", timedelta(days=1)),
    ],
)
def test_e003_lifetimes_that_make_no_sense(settings, name, value):
    setattr(settings, name, value)

    assert found() == {"authapi.E003"}


@pytest.mark.parametrize(
    ("scope", "rate"),
    [
        ("login_pair", "5"),
        ("login_pair", "0/min"),
        ("verify", "9/week"),
        ("x", "5/min"),
    ],
)
def test_e007_a_rate_that_is_none(settings, scope, rate):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, scope: rate}

    assert found() == {"authapi.E007"}


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("rediscache://cache:6379/0", set()),
        ("rediscache://one:6379,two:6379/0", {"authapi.E008"}),
        ("filecache:///var/cache/authapi", {"authapi.E008"}),
        ("dummycache://", {"authapi.E008"}),
    ],
)
def test_e008_a_cache_in_which_processes_do_not_count_together(settings, url, ids):
    settings.CACHES = {"default": Env.cache_url_config(url)}

    assert found() == ids
