import shutil
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from schema.clients import generators
from schema.document import document


class Command(BaseCommand):
    help = (
        "Write a typed client of every operation, an application's included, into a new folder. For "
        "Python and TypeScript it has auth.py or auth.ts beside it, which signs in and stays signed in."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "language",
            help=f"{', '.join(generators.PROVEN)}, or any client that openapi-generator has",
        )
        parser.add_argument("dest", type=Path, help="a new or empty folder")

    def handle(self, *args: Any, language: str, dest: Path, **options: Any) -> None:
        started = time.monotonic()
        try:
            if dest.exists() and any(dest.iterdir()):
                raise CommandError(
                    f"{dest} is not empty. Choose another folder, because files are never overwritten."
                )
            generator = generators.find(language)
            self.stdout.write(f"Generating {language} with {generator.name} …")
            with tempfile.TemporaryDirectory() as scratch:
                written = Path(scratch) / "client"
                described = Path(scratch) / "openapi.yaml"
                described.write_bytes(document("3.0", "yaml").bodies["identity"])
                generator.write(described, written)
                shutil.copytree(written, dest, dirs_exist_ok=True)
        except generators.NotGenerated as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{dest}: {error.strerror or error}.") from error
        count = sum(path.is_file() for path in dest.rglob("*"))
        self.stdout.write(
            f"Wrote {count} files to {dest} in {time.monotonic() - started:.0f} s."
        )
