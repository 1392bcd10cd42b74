from django.apps import AppConfig


class SchemaConfig(AppConfig):
    name = "schema"

    def ready(self) -> None:
        from schema import checks, extensions  # noqa: F401  # importing registers them
