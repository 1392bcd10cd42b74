from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from authapi import triggers

# By vendor. A number that nobody else locks; SQLite has no such locks, and only one instance.
_LOCK = {"sqlite": "SELECT 1", "postgresql": "SELECT pg_advisory_lock(7310314)"}
_UNLOCK = {"sqlite": "SELECT 1", "postgresql": "SELECT pg_advisory_unlock(7310314)"}


class Command(migrate.Command):
    """
    Django's, one at a time on PostgreSQL, so any number of instances can start with it.

    Afterwards the triggers are there, however it ends: SQLite loses them with a table.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute(_LOCK[connection.vendor])
        try:
            super().handle(*args, **options)
        finally:
            triggers.install(using=options["database"])
            with connection.cursor() as cursor:
                cursor.execute(_UNLOCK[connection.vendor])
