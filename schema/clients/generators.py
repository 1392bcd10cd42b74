"""Which tool writes the client of which language, and with what settings."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
DOCUMENT = FOLDER.parent / "openapi.yaml"

# Where the tools are: with this Python, with npm's, or on the machine.
_PLACES = (str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"))
_WARNING = re.compile(r"\b(WARN|WARNING|ERROR)\b|Warning|⚠")


class GenerationFailed(Exception):
    """No client was written; says why, in the tool's own words or in ours."""


@dataclass(frozen=True)
class Generator:
    """A tool: *command* with ``{document}`` and ``{out}`` filled in; *needs*: program to remedy."""

    command: tuple[str, ...]
    needs: dict[str, str]
    helper: str | None = None
    takes_examples: bool = True

    @property
    def name(self) -> str:
        return self.command[0]

    def write(self, document: Path, folder: Path) -> None:
        """
        Write the client of *document* into *folder*, which is not there yet.

        Raises:
            GenerationFailed: a program is missing, or the tool warned or failed.
        """
        with tempfile.TemporaryDirectory() as scratch:
            if not self.takes_examples:
                document = _without_examples(document, Path(scratch))
            names = {"document": document, "out": folder}
            said = self._run([part.format(**names) for part in self.command])
        if complaints := [line for line in said.splitlines() if _WARNING.search(line)]:
            raise GenerationFailed("\n".join([f"{self.name} warns:", *complaints]))
        if self.helper:
            shutil.copy(FOLDER / self.helper, folder)

    def _run(self, command: list[str]) -> str:
        path = os.pathsep.join([*_PLACES, os.environ.get("PATH", "")])
        for program, remedy in self.needs.items():
            if not shutil.which(program, path=path):
                raise GenerationFailed(f"{program} is missing. Install it: {remedy}")
