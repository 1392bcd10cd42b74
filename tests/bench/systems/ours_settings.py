"""The service's settings, with limits that are counted but never reached."""

import os

from project.settings import *  # noqa: F403  # a settings module is its names
from project.settings import DATABASES, REST_FRAMEWORK

# Valgrind is slow, so the default of 60 seconds would reconnect during a count.
DATABASES["default"]["CONN_MAX_AGE"] = None
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000000/min"
)
if "BENCH_CHEAP_HASH" in os.environ:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
