"""
A pytest plugin that leaves out tests that start a browser, a server or another program.

They take seconds or minutes each, which is too slow to run for every mutant. The tests that are
marked as proofs are left out for the same reason.
"""

import pytest

SLOW_FIXTURES = ("browser", "checkout", "node", "page", "postgresql", "redis_url")
SLOW_FILES = (
    *("test_client_auth", "test_deployment", "test_docs_"),
    *("test_install", "test_readme", "test_repository", "test_run"),
    *("test_simplejwt_clients", "test_suite"),
)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    config.hook.pytest_deselected(items=[item for item in items if _is_slow(item)])
    items[:] = [item for item in items if not _is_slow(item)]


def _is_slow(item: pytest.Item) -> bool:
    return item.path.name.startswith(SLOW_FILES) or any(
        name in SLOW_FIXTURES or name.endswith("service")
        for name in getattr(item, "fixturenames", ())
    )
