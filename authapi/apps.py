from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuthapiConfig(AppConfig):
    name = "authapi"

    def ready(self) -> None:
        from authapi import checks, triggers  # noqa: F401  # importing registers the checks

        post_migrate.connect(triggers.install, sender=self)
