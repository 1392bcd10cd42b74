"""
The service's settings in an environment of its own: nothing of the developer's ``.env`` counts.

``DATABASE_URL`` alone is taken from outside: the suite runs on the database that it names.
"""

import os

from authapi import keys

os.environ |= {
    "SECRET_KEY": "tests-only-and-long-enough-for-every-check-that-there-is-0123456789",
    "JWT_KEYS": keys.generate(),
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "DEBUG": "0",
    "CACHE_URL": "locmemcache://",
}

from project.settings import *  # noqa: F403  # a settings module is its names
from project.settings import THROTTLE_RATES

# What is tested is mostly not the limits, and all of it comes from one address.
THROTTLE_RATES = dict.fromkeys(THROTTLE_RATES, "1000000/min")

# Fast: what is tested is mostly not the hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
