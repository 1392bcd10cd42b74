import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from authapi import sessions


class Command(BaseCommand):
    help = "Delete the sessions that have ended or expired, in batches. Run it daily."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--batch", type=int, default=1000, help="rows per transaction"
        )

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        if batch < 1:
            raise CommandError("--batch takes a number from 1 on.")
        over = sessions.over(at=timezone.now())
        deleted = 0
        with tqdm(
            total=over.count(), unit=" sessions", disable=not sys.stderr.isatty()
        ) as bar:
            while batch_deleted := sessions.delete_some(over, most=batch):
                deleted += batch_deleted
                bar.update(batch_deleted)
        self.stdout.write(f"Deleted {deleted} sessions.")
