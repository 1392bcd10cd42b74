"""``manage.py generateclient``: the files that it writes, and its error messages."""

import io
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from schema.clients.generators import PROVEN, NotGenerated
from tests.test_schema import SNAPSHOT


def generate(language: str, dest: Path) -> str:
    out = io.StringIO()
    call_command("generateclient", language, str(dest), stdout=out)
    return out.getvalue()


def refusal(language: str, dest: Path) -> str:
    with pytest.raises(CommandError) as refused:
        generate(language, dest)
    return str(refused.value)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "new" / "client"


def test_reports_progress_and_result(dest):
    first, second = generate("python", dest).splitlines()

    assert first == "Generating python with openapi-python-client …"
    count = sum(path.is_file() for path in dest.rglob("*"))
    assert second.startswith(f"Wrote {count} files to {dest} in ")
    assert (dest / "auth.py").is_file()
    assert (dest / "models" / "problem_code.py").is_file()


def test_accepts_an_empty_folder(dest):
    dest.mkdir(parents=True)

    generate("python", dest)

    assert (dest / "auth.py").is_file()


def test_never_overwrites_files(dest):
    dest.mkdir(parents=True)
    (dest / "mine.txt").write_text("mine")

    assert refusal("python", dest) == (
        f"{dest} is not empty. Choose another folder, because files are never overwritten."
    )
    assert [path.name for path in dest.iterdir()] == ["mine.txt"]


def test_reports_that_the_folder_is_a_file(tmp_path):
    file = tmp_path / "file"
    file.touch()

    assert refusal("python", file) == f"{file}: Not a directory."


def test_accepts_any_openapi_generator_client(dest):
    generate("kotlin", dest)

    assert list(dest.rglob("UserProfile.kt"))


def test_an_unknown_language_lists_the_known_ones(dest):
    said = refusal("klingon", dest)

    assert said.startswith(
        "There is no generator for 'klingon'. "
        "Proven: python, typescript, go, java, php, ruby. Also: ada, "
    )
    assert "rust" in said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("typescript", "node is missing. Install it: apt-get install nodejs npm"),
        ("python", "openapi-python-client is missing. Install it: make .venv/dev"),
        ("go", "openapi-generator-cli is missing. Install it: make .venv/dev"),
        ("rust", "openapi-generator-cli is missing. Install it: make .venv/dev"),
    ],
)
def test_a_missing_tool_is_reported_with_its_install_command(
    dest, monkeypatch, tmp_path, language, said
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert refusal(language, dest) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [("python", "video/mp4"), ("go", "Failed to get the schema name")],
)
def test_a_generator_warning_is_an_error(tmp_path, language, said):
    document = yaml.safe_load(SNAPSHOT.read_text())
    responses = document["paths"]["/api/profile/"]["get"]["responses"]
    responses["200"]["content"] = {"video/mp4": {"schema": {"type": "object"}}}
    sessions = document["paths"]["/api/sessions/"]["get"]["responses"]
    (shown,) = sessions["200"]["content"].values()
    shown["examples"] = {"inline": {"value": shown.pop("example")}}
    odd = tmp_path / "odd.yaml"
    odd.write_text(yaml.safe_dump(document))

    with pytest.raises(NotGenerated, match=said):
        PROVEN[language].write(odd, tmp_path / "client")


def test_a_generator_failure_is_an_error(tmp_path):
    none = tmp_path / "none.yaml"
    none.write_text("paths: {}")

    with pytest.raises(NotGenerated, match="Failed to parse OpenAPI document"):
        PROVEN["python"].write(none, tmp_path / "client")


def test_a_failure_leaves_no_files(dest):
    assert "WARN" in refusal("cpp-restsdk", dest)
    assert not dest.exists()


def test_a_generator_may_rename_reserved_words(dest):
    generate("rust", dest)

    assert (dest / "src" / "models" / "user_profile.rs").is_file()
