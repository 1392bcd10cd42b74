"""This service, with its production settings."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.systems.ours_settings"

from project.wsgi import application  # isort: skip  # sets Django up
from authapi.limits import stores
from tests.bench.systems.django_peer import make_users

# Valgrind is slow, so what is done once a second would count for every few logins.
stores.SWEEP_PAUSE = 3600

__all__ = ["application", "make_users"]
