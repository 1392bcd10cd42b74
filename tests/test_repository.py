"""The repository contains no secrets, and every requirement is pinned by hash."""

import re
import subprocess

import pytest

from tests.server import ROOT

SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\\?n?[A-Za-z0-9+/]{20}",
    # Example tokens have an all-zero signature.
    "a token": r"\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.(?!A{43})[\w-]{16,}",
    "a cloud's key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}\b|\bxox[abp]-\w{10,}",
    "a password in a URL": r"://[^/\s:@{}]+:(?!password@|p@)[^/\s:@{}]{6,}@",
    "a secret's value": r"(SECRET_KEY|PASSWORD|API_KEY)\s*[=:]\s*[\"']?[\w+/-]{40,}",
}


def committed() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in done.stdout.split("\0") if name]


@pytest.mark.requirement("ASVS 13.3.1")
@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_contains(kind):
    found = [
        name
        for name in committed()
        if (ROOT / name).is_file()
        and re.search(SECRETS[kind], (ROOT / name).read_text(errors="replace"))
    ]

    assert not found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a private key", "-----BEGIN PRIVATE " + "KEY-----\nMIGHAgEAMBMGByqGSM49AgEG"),
        ("a token", "eyJ" + "hbGciOiJFUzI1NiJ9.eyJ" + "1c2VyX2lkIjoiMSJ9." + "x" * 40),
        ("a cloud's key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a password in a URL", "postgresql://ada:hunter" + "22@db/name"),
        ("a secret's value", "SECRET_KEY=" + "a1B2" * 12),
    ],
)
def test_the_pattern_finds(kind, text):
    assert re.search(SECRETS[kind], text)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_requirement_is_pinned_by_hash_without_a_url(lock):
    text = (ROOT / lock).read_text()
    pins = re.findall(
        r"^[\w.\[\], -]+==[^\\]+\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n?)+)",
        text,
        re.M,
    )

    assert len(pins) == len(re.findall(r"^\w", text, re.MULTILINE)) > 20
    assert "://" not in text


def test_every_npm_package_is_pinned_by_hash_without_a_url():
    text = (ROOT / "package-lock.json").read_text()

    assert '"resolved"' not in text
    assert text.count('"integrity"') > 20


def test_the_security_page_names_existing_tests():
    page = (ROOT / "SECURITY.md").read_text()

    for name in re.findall(r"`(test_\w+)`", page):
        assert (ROOT / "tests" / f"{name}.py").exists(), name


def test_every_text_file_follows_editorconfig():
    for name in committed():
        path = ROOT / name
        text = path.read_bytes() if path.is_file() and path.suffix != ".png" else b""

        assert not re.search(rb"[ \t\r]$", text, re.MULTILINE), name
        assert not text or re.search(rb"[^\n]\n\Z", text), name


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_named_make_target_exists(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    for name in re.findall(r"(?:`|    )make ([a-z-]+)", (ROOT / page).read_text()):
        assert name in targets, name


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_no_command_has_a_trailing_comment(page):
    """A pasted comment would become an argument in zsh."""
    commands = re.findall(r"^    .*", (ROOT / page).read_text(), re.MULTILINE)

    assert not [line for line in commands if re.search(r"\s#", line)]
