from typing import Any

from django.core.management.commands import migrate

from authapi import triggers


class Command(migrate.Command):
    """Django's, after which the triggers are there, however it ends: SQLite loses them with a table."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        finally:
            triggers.install(using=options["database"])
