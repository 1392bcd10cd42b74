from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from authapi import triggers

# Any number that no other user of the database's advisory locks has.
_LOCK = 0x61757468617069


class Command(migrate.Command):
    """
    Django's, one at a time on PostgreSQL, so any number of instances can start with it.

    Afterwards the triggers are there, however it ends: SQLite loses them with a table.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(options["database"]):
            try:
                super().handle(*args, **options)
            finally:
                triggers.install(using=options["database"])


@contextmanager
def _alone(database: str) -> Iterator[None]:
    """Wait until no other process migrates this database. The lock ends with the connection."""
    connection = connections[database]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
