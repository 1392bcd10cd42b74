from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session as CookieSession
from django.core.management.base import BaseCommand
from django.utils import timezone

from authapi import sessions
from authapi.models import Session


class Command(BaseCommand):
    help = (
        "End the sessions that began before a moment, and all cookie sessions (the admin's). Run it"
        " after restoring a database, which has forgotten which sessions have ended since."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--begun-before",
            type=_moment,
            required=True,
            metavar="TIME",
            help="with its time zone: 2026-01-31T12:00:00Z",
        )

    def handle(self, *args: Any, begun_before: datetime, **options: Any) -> None:
        at = timezone.now()
        chosen = Session.objects.live(at).filter(created_at__lt=begun_before)
        ended = sessions.end_all(chosen, at=at)
        # They do not record when they began.
        cookies, _ = CookieSession.objects.all().delete()
        self.stdout.write(f"Sessions ended: {ended}, cookie sessions: {cookies}.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time.") from error
    if not moment.tzinfo:
        raise ArgumentTypeError(f"{text!r} has no time zone. Append Z for UTC.")
    return moment
