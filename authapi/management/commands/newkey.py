from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from authapi.tokens import keys


class Command(BaseCommand):
    help = (
        "Print a new signing key (PEM), and its kid on standard error. Append it to JWT_KEYS on every"
        " instance; `manage.py keys` shows the next step."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        pem = keys.generate(settings.SIMPLE_JWT["ALGORITHM"])
        self.stdout.write(pem, ending="")
        self.stderr.write(f"kid: {keys.kid(pem)}")
