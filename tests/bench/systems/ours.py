"""This service, with its production settings."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.systems.ours_settings"

from project.wsgi import application
from tests.bench.systems.django_peer import make_users

__all__ = ["application", "make_users"]
