from django.contrib.staticfiles import apps


class StaticFilesConfig(apps.StaticFilesConfig):
    """Django's, without what no page of ours loads."""

    ignore_patterns = (
        *apps.StaticFilesConfig.ignore_patterns,
        *("rest_framework", "redoc", "oauth2-redirect*"),
    )
