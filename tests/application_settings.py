"""The suite's settings, with the views of ``tests.applications`` beside the service's own."""

from tests.settings import *  # noqa: F403  # a settings module is its names

ROOT_URLCONF = "tests.applications"
