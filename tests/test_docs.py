"""``/api/docs/`` in a real browser, served by the real server."""

import re

import pytest
from playwright.sync_api import expect

from tests.server import PASSWORD, USER


@pytest.fixture
def picture(request, tmp_path):
    """Take a picture of a page: kept where ``--screenshots`` says."""
    folder = request.config.getoption("--screenshots") or tmp_path

    def take(page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take


@pytest.fixture
def page(chromium, service):
    """A page that must keep to its origin, load all it asks for, and throw nothing."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"thrown: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((service.url, "data:"))
            else faults.append(f"left the origin: {request.url}")
        ),
    )
    page.on(
        "response",
        lambda answer: (
            faults.append(f"{answer.status}: {answer.url}")
            if answer.status >= 400 and "/static/" in answer.url
            else None
        ),
    )
    page.goto(f"{service.url}/api/docs/")
    yield page
    context.close()
    assert not faults


def operation(page, operation_id):
    """Open an operation, as its user would, and return it."""
    block = page.locator(f"[id$='-{operation_id}']")
    if "is-open" not in (block.get_attribute("class") or ""):
        block.locator(".opblock-summary-control").click()
    return block


def execute(page, operation_id, body=None):
    """Try an operation out; return the block of what the server answered."""
    block = operation(page, operation_id)
    if block.locator(".try-out__btn:not(.cancel)").count():
        block.locator(".try-out__btn").click()
    if body is not None:
        block.locator("textarea.body-param__text").fill(body)
    block.locator("button.execute").click()
    return block.locator(".live-responses-table .response")


def authorize(page, token):
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()


def test_the_conventional_way_in(page, picture):
    """Execute createToken, paste the access token into Authorize, execute getProfile."""
    credentials = f'{{"username": "{USER}", "password": "{PASSWORD}"}}'
    pair = execute(page, "createToken", credentials)
    expect(pair.locator(".response-col_status").first).to_contain_text("200")
    access = re.search(r'"access": "([^"]+)"', pair.locator("code").first.inner_text())
    assert access

    authorize(page, access[1])
    profile = execute(page, "getProfile")

    expect(profile.locator(".response-col_status").first).to_contain_text("200")
    expect(profile.locator("code").first).to_contain_text(f'"username": "{USER}"')
    picture(page, "docs")


def test_a_wrong_token_shows_the_problem(page):
    authorize(page, "nonsense")

    profile = execute(page, "getProfile")

    expect(profile.locator(".response-col_status").first).to_contain_text("401")
    expect(profile.locator("code").first).to_contain_text('"code": "token_not_valid"')
