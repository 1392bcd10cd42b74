"""The steps of "Build on it" in the README work in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import browser
from tests.server import ROOT, serve
from tests.test_repository import committed

BLOCKS = re.findall(
    r"```python\n# ([\w/]+\.py)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
)
OPERATIONS = {
    *("notes_list", "notes_create", "notes_retrieve"),
    *("notes_update", "notes_partial_update", "notes_destroy"),
}


class Copy:
    """A copy of the project in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in committed():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for tools in (".venv", "node_modules", "staticfiles"):
            (folder / tools).symlink_to(ROOT / tools)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
                "SECRET_KEY": "none",
                "PUBLIC_URL": "http://127.0.0.1:8000",
                "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run(sys.executable, "manage.py", *arguments)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert text.count(old) == 1
        (self.folder / name).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Copy:
    copy = Copy(tmp_path_factory.mktemp("built"))
    for name, code in BLOCKS:
        (copy.folder / name).parent.mkdir(exist_ok=True)
        (copy.folder / name).write_text(code)
    (copy.folder / "notes" / "__init__.py").touch()
    copy.replace(
        "project/settings.py", '    "authapi",\n', '    "authapi",\n    "notes",\n'
    )
    copy.replace(
        "project/urls.py",
        '    path("api/", include("schema.urls")),\n',
        '    path("api/", include("schema.urls")),\n'
        '    path("api/", include("notes.urls")),\n',
    )
    copy.manage("makemigrations", "notes", "--skip-checks")
    spectacular = ("spectacular", "--skip-checks", "--validate", "--fail-on-warn")
    copy.manage(*spectacular, "--file", "schema/openapi.yaml")
    return copy


@pytest.fixture(scope="module")
def document(built) -> Any:
    code = (
        "from schema.document import document\n"
        "print(document('3.0', 'json').bodies['identity'].decode())"
    )
    shown = built.manage("shell", "--no-imports", "--command", code)
    return json.loads(shown)


def test_its_operations_are_documented_like_the_services(document):
    operations = {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for operation in item.values()
    }

    assert operations.keys() >= OPERATIONS
    create = operations["notes_create"]
    assert (create["summary"], create["tags"]) == ("Create a note", ["notes"])
    assert create["security"] == [{"bearerAuth": []}]
    assert {*create["responses"]} == {"201", "400", "401", "413", "415", "503"}
    assert {"name": "notes", "description": "Notes."} in document["tags"]


def test_the_document_only_gains_its_lines(built):
    before = (ROOT / "schema" / "openapi.yaml").read_text().splitlines()
    after = iter((built.folder / "schema" / "openapi.yaml").read_text().splitlines())

    assert all(line in after for line in before)


def test_its_tests_and_those_of_every_operation_pass(built):
    said = built.run(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--no-cov",
            "-n0",
            "-p",
            "no:cacheprovider",
        ),
        *("notes", "tests/test_operations.py", "tests/test_schema.py"),
    )

    assert " passed" in said
    assert "failed" not in said


def test_linters_and_mypy_pass(built):
    built.run(sys.executable, "-m", "ruff", "check")
    built.run(sys.executable, "-m", "mypy", "notes", "project")


PYTHON = """
import os

from client.api.notes import notes_create
from client.auth import Auth
from client.client import AuthenticatedClient
from client.models import Note, NoteRequest

auth = Auth(os.environ["API_URL"], "demo", "let-me-in-please")
client = AuthenticatedClient(auth.base_url, "", httpx_args={"auth": auth})
note = notes_create.sync(client=client, body=NoteRequest(text="Buy milk"))
assert isinstance(note, Note)
print(note.text)
"""
TYPESCRIPT = """
import { env } from "node:process";
import createClient from "openapi-fetch";
import { Auth } from "./client/auth.js";
import type { Note, paths } from "./client/schema.js";

const baseUrl = env["API_URL"] ?? "";
const auth = new Auth({ baseUrl, username: "demo", password: "let-me-in-please" });
const api = createClient<paths>({ baseUrl, fetch: auth.fetch });
const { data } = await api.POST("/api/notes/", { body: { text: "Buy milk" } });
const note: Note | undefined = data;
console.log(note?.text);
"""
MYPY = str(Path(sys.executable).with_name("mypy"))
CLIENTS = {
    "python": (
        "program.py",
        PYTHON,
        [MYPY, "--strict", "--config-file=", "client", "program.py"],
        [sys.executable, "program.py"],
    ),
    "typescript": (
        "program.ts",
        TYPESCRIPT,
        ["../node_modules/.bin/tsc"],
        ["node", "built/program.js"],
    ),
}


@pytest.mark.parametrize("language", CLIENTS)
def test_a_generated_client_type_checks_and_creates_a_note(built, language, tmp_path):
    file, program, check, run = CLIENTS[language]
    folder = built.folder / f"of-{language}"
    folder.mkdir()
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(ROOT / "tests" / "clients" / "typescript" / name, folder)
    built.manage("generateclient", language, str(folder / "client"))
    (folder / file).write_text(program)

    with serve(tmp_path, root=built.folder) as service:
        environment = {**os.environ, "API_URL": service.url}
        for command in (check, run):
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr

    assert done.stdout == "Buy milk\n"


def test_the_docs_page_can_call_it(built, new_profile, picture, tmp_path):
    """Sign in on the page, open the operation and execute it."""
    with serve(tmp_path, root=built.folder) as service:
        page = new_profile().new_page()
        page.goto(f"{service.url}/api/docs/#/notes/notes_create")
        browser.sign_in(page)
        browser.signed_in(page)
        block = page.locator("#operations-notes-notes_create")
        block.locator("textarea").fill('{"text": "Buy milk"}')
        block.get_by_role("button", name="Execute").click()

        expect(block.locator(".live-responses-table")).to_contain_text("201")
        expect(block.locator(".live-responses-table")).to_contain_text("Buy milk")
        block.scroll_into_view_if_needed()
        picture(page, "docs-notes")
