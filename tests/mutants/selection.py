"""
A pytest plugin that leaves out tests that start a browser, a server or another program.

They take seconds or minutes each, which is too slow to run for every mutant.
"""

import pytest

SLOW_FIXTURES = {
    *("service", "any_service", "postgresql", "redis_url", "node", "browser"),
    *("page", "checkout"),
}
SLOW_FILES = (
    *("test_building", "test_changes", "test_client_auth", "test_contract"),
    *("test_deployment", "test_docs_", "test_framing", "test_fuzz", "test_install"),
    *("test_lint", "test_readme", "test_repository", "test_run"),
    *("test_simplejwt_clients", "test_suite"),
)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    slow = [item for item in items if _is_slow(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]


def _is_slow(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.path.name.startswith(SLOW_FILES) or bool(fixtures & SLOW_FIXTURES)
