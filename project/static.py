"""Which static files are collected, and how they are named."""

from django.contrib.staticfiles import apps
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesConfig(apps.StaticFilesConfig):
    """Django's config, without files that no page loads."""

    ignore_patterns = (
        *apps.StaticFilesConfig.ignore_patterns,
        *("rest_framework", "redoc", "oauth2-redirect*"),
    )


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """WhiteNoise's storage. JavaScript modules also import each other by their hashed names."""

    support_js_module_import_aggregation = True
