from django.apps import AppConfig


class AuthapiConfig(AppConfig):
    name = "authapi"

    def ready(self) -> None:
        from authapi import checks  # noqa: F401  # importing registers the checks
