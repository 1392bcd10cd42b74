from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from rest_framework_simplejwt import settings as simplejwt

from authapi import sessions
from authapi.tokens import keys
from authapi.well_known import CACHED


class Command(BaseCommand):
    help = (
        "Show which keys sign and which are accepted, and the next step of a rotation. It reads the"
        " configuration of this process: other instances may have another one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now().replace(microsecond=0)
        ring = keys.ring().values()
        self._list("JWT_KEYS: access tokens", (f"{k.kid}  {k.algorithm}" for k in ring))
        if len(ring) == 1:
            self._say("Next: append a key of `manage.py newkey` on every instance.")
        else:
            lifetime = simplejwt.api_settings.ACCESS_TOKEN_LIFETIME
            gone = at + lifetime + simplejwt.api_settings.LEEWAY
            self._say(
                "Next, if the last key is new: put it first,"
                f" {CACHED} s after every instance has it."
            )
            self._say(
                "Next, if the last key signed before: remove it. If no instance signs with it any"
                f" more, its last access token ends at {gone.isoformat()}."
            )
        counted = sessions.by_secret(at=at)
        self._list(
            "SECRET_KEY and SECRET_KEY_FALLBACKS: refresh tokens, sessions, cookies",
            (
                f"{kid}  live sessions: {count}"
                + (f", until {last.isoformat()}" if last else "")
                for kid, (count, last) in zip(keys.refresh_ring(), counted, strict=True)
            ),
        )
        if len(counted) == 1:
            self._say("Next: add a new secret to SECRET_KEY_FALLBACKS everywhere.")
        elif counted[-1][0]:
            self._say(
                "Next: wait. Removing the last secret would end its live sessions."
                " A session leaves it with its next refresh."
            )
        else:
            self._say(
                "Next: if the last secret is new, exchange it with SECRET_KEY once every"
                " instance has it. If it was SECRET_KEY before, remove it."
            )

    def _list(self, title: str, lines: Iterable[str]) -> None:
        self.stdout.write(title)
        roles = chain(["signs"], repeat("accepted"))
        for role, line in zip(roles, lines, strict=False):
            self.stdout.write(f"  {role:10}{line}")

    def _say(self, text: str) -> None:
        self.stdout.write(f"  {text}")
