"""Fixtures and user actions for the docs page, in a real Chromium with the real server."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import (
    BrowserContext,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.payload import payload
from tests.programs import program
from tests.server import PASSWORD, USER
from tests.variants import VARIANTS

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
]
# A busy machine draws a page in seconds.
expect.set_options(timeout=20_000)

KEY = "authapi.session"
REFRESH = "/api/token/refresh/"
# Phones, a tablet, a laptop, a desktop.
WIDTHS = (320, 375, 768, 1280, 1920)


def find_chromium() -> str:
    """Return Debian's Chromium or any that is found."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return found or program("chromium")


@pytest.fixture(scope="module")
def new_profile(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., BrowserContext]]:
    """
    Start a real Chromium with an empty profile.

    The profile is on disk, like a user's. It caches compiled scripts, which halves the load time.
    """
    found = find_chromium()
    with sync_playwright() as playwright, ExitStack() as opened:

        def new_profile(**options: Any) -> BrowserContext:
            context = playwright.chromium.launch_persistent_context(
                tmp_path_factory.mktemp("profile"),
                executable_path=found,
                args=CHROMIUM_ARGUMENTS,
                **{"viewport": {"width": 1280, "height": 900}, **options},
            )
            opened.callback(context.close)
            return context

        yield new_profile


@pytest.fixture(scope="module")
def profile(new_profile, service):
    """
    A browser profile, and the errors of its tabs.

    Each must keep to its origin and its content security policy, load all that it asks for, throw
    nothing, and show no secret in a URL or on the console.
    """
    context = new_profile()
    faults: list[str] = []
    pending: dict[Request, str] = {}

    def check_request(request):
        if not request.url.startswith((service.url, "data:")):
            faults.append(f"left the origin: {request.url}")
        if "eyJ" in request.url or PASSWORD in request.url:
            faults.append(f"a secret in a URL: {request.url}")

    def check_response(answer):
        if answer.status >= 400 and "/static/" in answer.url:
            faults.append(f"{answer.status}: {answer.url}")

    def check_console(message):
        if re.search("Content Security Policy|eyJ|preload", message.text):
            faults.append(message.text)

    context.on("request", check_request)
    context.on("request", lambda one: pending.update({one: one.url}))
    context.on("response", lambda answer: pending.update({answer.request: "answered"}))
    context.on("requestfinished", lambda one: pending.pop(one, None))
    context.on("requestfailed", lambda one: pending.pop(one, None))
    context.on("response", check_response)
    context.on("console", check_console)
    context.on("weberror", lambda error: faults.append(f"thrown: {error.error}"))
    return context, faults, pending


@pytest.fixture
def tab(profile, service):
    """Open a tab on the docs page, with a session kept from before or none."""
    context, faults, pending = profile

    def tab(
        kept: str | None = None, now: datetime | None = None, at: str = "/api/docs/"
    ):
        page = context.new_page()
        if now:
            page.clock.install(time=now)
        if kept:
            page.add_init_script(f"sessionStorage['{KEY}'] ??= {json.dumps(kept)}")
        page.goto(f"{service.url}{at}")
        return page

    yield tab
    print("Pending requests:", pending)  # noqa: T201  # shown if the test failed
    for page in context.pages[1:]:  # Chromium ends with its first
        # Of the reader's choices only the theme outlives a tab.
        assert set(page.evaluate("Object.keys(localStorage)")) <= {"authapi.theme"}
        page.evaluate("localStorage.clear()")
        page.close()
    assert not faults


@pytest.fixture
def page(tab):
    return tab()


@pytest.fixture
def refreshes(profile):
    """The refresh requests of all tabs, as they happen."""
    context, *_ = profile
    seen: list[str] = []

    def note(request):
        if request.url.endswith(REFRESH):
            seen.append(request.url)

    context.on("request", note)
    yield seen
    context.remove_listener("request", note)


@pytest.fixture
def picture(request, tmp_path):
    """Take a picture of a page: kept where ``--screenshots`` says."""
    folder = request.config.getoption("--screenshots") or tmp_path

    def take(page: Page, name: str) -> None:
        # Hiding the caret would take a style of Playwright's, which the policy refuses.
        page.screenshot(path=folder / f"{name}.png", caret="initial")

    return take


def sign_in(page: Page, password: str = PASSWORD) -> None:
    if not page.locator("#sign-in").is_visible():
        page.locator(".open-form").click()
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


def signed_in(page: Page) -> None:
    expect(page.locator("#who")).to_have_text(USER)


def open_account(page: Page) -> Locator:
    page.locator("#user").click()
    return page.locator("#account")


def status(page: Page) -> Locator:
    return page.get_by_role("status")


def kept(page: Page) -> Any:
    """The session that the tab has stored."""
    return json.loads(page.evaluate(f"sessionStorage['{KEY}']"))


def expire(page: Page) -> str:
    """Replace the tab's access token with an expired one, and reload."""
    state = kept(page)
    claims = payload(state["access"])
    access = VARIANTS["main"].sign(
        claims, iat=claims["iat"] - 600, exp=claims["iat"] - 300
    )
    text = json.dumps(state | {"access": access})
    page.evaluate("([key, kept]) => sessionStorage[key] = kept", [KEY, text])
    page.reload()
    return text


def block(page: Page, operation_id: str) -> Locator:
    return page.locator(f"[id$='-{operation_id}']")


def operation(page: Page, operation_id: str) -> Locator:
    """Open an operation like a user, and return it."""
    found = block(page, operation_id)
    if not found.count():  # its tag is folded
        page.locator("#operations-list details:not([open]) summary").first.click()
        page.locator(f"#sidebar a[href$='/{operation_id}']").click()
    elif "is-open" not in (found.get_attribute("class") or ""):
        found.locator(".opblock-summary-control").click()
    expect(found.locator("button.execute")).to_be_visible()
    return found


def answer_of(found: Locator) -> Locator:
    """The answer to the executed operation."""
    return found.locator(".live-responses-table .response")


def execute(page: Page, operation_id: str, body: str | None = None) -> Locator:
    """Execute an operation and return the block with the answer."""
    found = operation(page, operation_id)
    if body is not None:
        found.locator("textarea.body-param__text").fill(body)
    found.locator("button.execute").click()
    return answer_of(found)


def has_status(answer: Locator, code: int) -> Locator:
    """Check the status of an answer; return its body."""
    expect(answer.locator(".response-col_status").first).to_contain_text(str(code))
    return answer.locator(".highlight-code pre").first


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux .auth-container").first
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.locator("button.btn-done").click()
