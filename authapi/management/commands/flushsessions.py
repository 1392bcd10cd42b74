import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from authapi import sessions


class Command(BaseCommand):
    help = "Delete the sessions that have ended or expired, in batches. Run it daily."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--batch", type=int, default=2000, help="rows per transaction"
        )

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        if batch < 1:
            raise CommandError("--batch must be at least 1.")
        over = sessions.over(at=timezone.now())
        total = over.count() if sys.stderr.isatty() else None
        deleted = 0
        while batch_deleted := sessions.delete_some(over, most=batch):
            deleted += batch_deleted
            if total:
                self.stderr.write(f"\r{deleted} of {total}", ending="")
        self.stdout.write(f"Deleted {deleted} sessions.")
