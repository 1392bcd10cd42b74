"""The client generators: which tool generates the client for each language, and how it is run."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
_COMPLAINT = re.compile(r"\b(WARN|ERROR)\b|[Ww]arning|⚠")
# The Rust generator derives a type name from each media type, and reports the renaming.
# Java's leaves the example of a body out of its comments, and says so.
_CHATTER = re.compile(r"\bINFO\b|^#|^\s*$|[Rr]enamed to|Ignoring complex example")


class NotGenerated(Exception):
    """No client was generated; the message says why."""


@dataclass(frozen=True)
class Generator:
    """
    A tool and how to call it.

    Args:
        command: its command line, with the placeholders ``{document}`` and ``{folder}``.
        needs: the required programs, each with the command that installs it.
        helper: the helper file to copy into the client.
    """

    command: tuple[str, ...]
    needs: dict[str, str]
    helper: str | None = None

    @property
    def name(self) -> str:
        return self.command[0]

    def write(self, document: Path, folder: Path) -> None:
        """
        Generate the client for *document* in *folder*, which the tool creates.

        Raises:
            NotGenerated: the tool is missing, failed, or printed a warning.
        """
        names = {"document": document, "folder": folder}
        done = self.run(*(part.format(**names) for part in self.command))
        said = (done.stdout + done.stderr).splitlines()
        lines = dict.fromkeys(line for line in said if not _CHATTER.search(line))
        if done.returncode or any(map(_COMPLAINT.search, lines)):
            raise NotGenerated("\n".join([f"{self.name}:", *lines]))
        if self.helper:
            shutil.copy(_HERE / self.helper, folder)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """
        Run one of its programs.

        Raises:
            NotGenerated: a required program is missing.
        """
        # Tools come with this Python, from npm, or with the machine.
        places = Path(sys.executable).parent, _ROOT / "node_modules" / ".bin"
        path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
        for program, remedy in self.needs.items():
            if not shutil.which(program, path=path):
                raise NotGenerated(f"{program} is missing. Install it: {remedy}")
        return subprocess.run(  # noqa: S603  # a command of the table below
            [str(shutil.which(command[0], path=path)), *command[1:]],
            env=os.environ | {"PATH": path, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )


def _openapi_generator(language: str, *settings: str) -> Generator:
    return Generator(
        command=(
            *("openapi-generator-cli", "generate", "--generator-name", language),
            *("--input-spec", "{document}", "--output", "{folder}"),
            *("--global-property", "apiTests=false,modelTests=false"),
            *("--openapi-generator-ignore-list", "git_push.sh,.travis.yml"),
            # The service may add fields and codes, and today's clients must accept them.
            "--additional-properties=disallowAdditionalPropertiesIfNotPresent=false",
            "--additional-properties=enumUnknownDefaultCase=true",
            "--additional-properties=hideGenerationTimestamp=true",
            *(f"--additional-properties={setting}" for setting in settings),
        ),
        needs={"openapi-generator-cli": "make .venv/dev"},
    )


PROVEN = {
    "python": Generator(
        command=(
            *("openapi-python-client", "generate", "--path", "{document}"),
            *("--output-path", "{folder}", "--meta", "none", "--fail-on-warning"),
            *("--config", str(_HERE / "python.yaml")),
        ),
        # It formats its output with ruff.
        needs={"openapi-python-client": "make .venv/dev", "ruff": "make .venv/dev"},
        helper="auth.py",
    ),
    "typescript": Generator(
        command=(
            *("openapi-typescript", "{document}", "--output", "{folder}/schema.ts"),
            *("--root-types", "--root-types-no-schema-prefix"),
        ),
        needs={"node": "apt-get install nodejs npm", "openapi-typescript": "npm ci"},
        helper="auth.ts",
    ),
    "go": _openapi_generator(
        "go", "packageName=authapi", "withGoMod=false", "enumClassPrefix=true"
    ),
    "java": _openapi_generator(
        "java",
        "library=native",
        "useJakartaEe=true",
        "openApiNullable=false",
        "groupId=authapi",
        "artifactId=authapi-client",
        "invokerPackage=authapi.client",
        "apiPackage=authapi.client.api",
        "modelPackage=authapi.client.model",
    ),
    "php": _openapi_generator("php", "invokerPackage=Authapi"),
    "ruby": _openapi_generator("ruby", "gemName=authapi", "moduleName=Authapi"),
}


def find(language: str) -> Generator:
    """
    Return the generator for *language*: a proven one, or any that openapi-generator has.

    Raises:
        NotGenerated: there is no such generator, or openapi-generator is missing.
    """
    if language in PROVEN:
        return PROVEN[language]
    generator = _openapi_generator(language)
    listed = generator.run(generator.name, "list").stdout.partition("SERVER")[0]
    others = re.findall(r"^ +- (\S+)", listed, re.MULTILINE)
    if language not in others:
        raise NotGenerated(
            f"There is no generator for {language!r}. Proven: {', '.join(PROVEN)}. "
            f"Also: {', '.join(name for name in others if name not in PROVEN)}."
        )
    return generator
