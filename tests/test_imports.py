"""Imports run downhill: from views to rules to rows, never back."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What each may import of ours; what is not named imports nothing of ours.
LEDGE = {"claims", "errors"}
MAY_IMPORT = {
    "models": set(),
    "keys": set(),
    "tokens": {"keys", *LEDGE},
    "hashing": {"errors"},
    "gcra": {"models", "errors"},
    "events": set(),
    "throttling": {"device", "events", "gcra", "models"},
    "sessions": {"events", "hashing", "models", "throttling", *LEDGE},
    "profiles": {"models"},
    "device": {"claims", "models"},
    "authentication": {"sessions", "tokens", "models", *LEDGE},
    "parsers": LEDGE,
    "pagination": set(),
    "serializers": {"claims", "models"},
    "error_format": {"errors"},
    "demo": {"models"},
    "checks": {"demo", "device", "keys", "throttling"},
    "claims": set(),
    "errors": set(),
}


def imported(path: Path) -> set[str]:
    """Modules of ours that the file imports when it runs, as dotted names."""
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return names


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_within_authapi(module):
    ours = {
        name.split(".")[1]
        for name in imported(ROOT / "authapi" / f"{module}.py")
        if name.startswith("authapi.")
    }

    assert ours <= MAY_IMPORT[module]


@pytest.mark.parametrize(
    ("package", "never"),
    [("authapi", {"schema", "project", "tests"}), ("schema", {"project", "tests"})],
)
def test_between_packages(package, never):
    for path in (ROOT / package).rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(path)} & never, path
