"""
The service's settings in a separate environment, without the developer's ``.env``.

Only ``DATABASE_URL`` is taken from outside: the suite runs on that database.
"""

import os

from authapi.tokens import keys

os.environ |= {
    "SECRET_KEY": "tests-only-and-long-enough-for-every-check-that-there-is-0123456789",
    "JWT_KEYS": keys.generate(),
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "DEBUG": "0",
    "CACHE_URL": "locmemcache://",
}

from project.settings import *  # noqa: F403  # a settings module is its names
from project.settings import REST_FRAMEWORK

# Most tests are not about limits, and all requests come from one address.
OURS = {
    *("login_pair", "login_stranger", "login_address", "login_account"),
    *("login_network", "refresh", "verify", "schema", "write"),
}
THROTTLE_RATES = dict.fromkeys(OURS, "1000000/min")
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].update(THROTTLE_RATES)

# A fast hasher, because most tests are not about hashing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
