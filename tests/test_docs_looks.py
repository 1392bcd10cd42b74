"""Each state of the docs page, light and dark, wide and narrow: accessibility and pictures."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import (
    WIDTHS,
    answer_of,
    block,
    execute,
    has_status,
    open_account,
    operation,
    sign_in,
    signed_in,
    status,
)

FIREFOX = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
# Violations that only Swagger UI can fix, with the issue that reports each.
UPSTREAM = {
    # The tables of answers are regions without a name.
    "landmark-unique": "https://github.com/swagger-api/swagger-ui/issues/9574",
    # The picker, which is there if there are several servers, has no label.
    'select-name: <select id="servers"': "https://github.com/swagger-api/swagger-ui/issues/6512",
}


def faults(page: Page) -> list[str]:
    found = [
        f"{fault['id']}: {node['html'][:100]}"
        # Without preload, because axe would inline style sheets, which the policy forbids.
        for fault in Axe().run(page, options={"preload": False}).response["violations"]
        for node in fault["nodes"]
    ]
    return [fault for fault in found if not fault.startswith(tuple(UPSTREAM))]


def signed_out(page: Page) -> None:
    expect(page.get_by_label("User name")).to_be_visible()


def refused(page: Page) -> None:
    sign_in(page, "wrong")
    expect(status(page)).to_contain_text("No active account")


def executed(page: Page) -> None:
    page.get_by_role("button", name="Use demo").click()
    signed_in(page)
    operation(page, "createToken")
    operation(page, "endSession")
    operation(page, "updateProfile").get_by_role("tab", name="Schema").first.click()
    has_status(execute(page, "listSessions"), 200)
    page.get_by_role("button", name="Schemas").click()


def downloads(page: Page) -> None:
    page.get_by_role("button", name="Downloads").click()
    expect(page.locator("#downloads")).to_be_visible()


def clients(page: Page) -> None:
    page.get_by_role("button", name="Generate a client").click()
    expect(page.locator("#clients")).to_be_visible()


def account(page: Page) -> None:
    page.get_by_role("button", name="Use demo").click()
    signed_in(page)
    expect(open_account(page)).to_contain_text("This one")


def dialog(page: Page) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    expect(page.locator(".dialog-ux")).to_be_visible()


def drawer(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    page.get_by_role("button", name="List of operations").click()
    expect(page.get_by_label("Filter")).to_be_visible()


def narrow_form(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    page.locator(".open-form").click()
    expect(page.get_by_label("User name")).to_be_visible()


STATES = (
    *(signed_out, refused, executed, downloads, clients),
    *(account, dialog, drawer, narrow_form),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_has_no_accessibility_violations(page, picture, scheme, state):
    """axe finds nothing in the whole page, Swagger UI included."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(block(page, "getProfile")).to_be_visible()

    state(page)

    picture(page, f"{state.__name__}-{scheme}")
    assert not faults(page)


def test_reduced_motion_is_respected(page):
    page.emulate_media(reduced_motion="reduce")
    downloads(page)
    refused(page)

    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize(
    ("name", "scheme", "size"),
    [
        ("docs", "light", (1280, 900)),
        ("docs-dark", "dark", (1280, 900)),
        ("docs-narrow", "light", (375, 812)),
    ],
)
def test_takes_the_screenshots_of_the_readme(page, picture, name, scheme, size):
    """The initial page, an answer in the dark theme, and a phone."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(page)
    signed_in(page)
    if name != "docs":
        found = operation(page, "getProfile")
        found.locator("button.execute").click()
        has_status(answer_of(found), 200)
        found.evaluate("found => found.scrollIntoView()")

    picture(page, name)


def test_takes_the_screenshot_of_the_account(page, picture, service):
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 1280, "height": 640})
    sign_in(page)
    signed_in(page)
    account = open_account(page)
    account.get_by_role("button", name="Sign out everywhere else").click()
    expect(account.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Dismiss").click()
    page.keyboard.press("Escape")
    service.login(user_agent=FIREFOX)
    service.login(user_agent="curl/8.14.1")

    open_account(page)

    expect(account.get_by_role("listitem")).to_have_count(3)
    picture(page, "docs-account")


class TestApplication:
    """An application's operations are shown like the service's."""

    @pytest.fixture
    def document(self, service) -> Any:
        document = service.client.get("/api/schema/?format=json").json()
        document["info"]["description"] = "Notes of *everybody*."
        document["tags"].insert(0, {"name": "notes", "description": "What to keep."})
        number = {"type": "integer", "minimum": 1}
        answer = {"description": "Done.", "content": {"image/png": {"schema": {}}}}
        document["paths"]["/api/notebooks/{notebook_id}/notes/{id}/attachment/"] = {
            "get": {
                "operationId": "notes_attachment",
                "tags": ["notes"],
                "summary": "Download what is attached to a note of a notebook, whole",
                "deprecated": True,
                "parameters": [
                    {"in": "path", "name": name, "required": True, "schema": number}
                    for name in ("notebook_id", "id")
                ],
                "responses": {"200": answer},
            },
            "put": {
                "operationId": "notes_attach",
                "tags": ["notes", "files"],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["file"],
                                "properties": {
                                    "file": {"type": "string", "format": "binary"},
                                    "about": {"type": "string"},
                                    "kind": {"enum": ["image", "text"]},
                                },
                            }
                        }
                    }
                },
                "responses": {"200": answer},
            },
        }
        return document

    @pytest.fixture
    def open_with(self, tab):
        def open_with(document: Any) -> Page:
            page = tab(at="/health/live/")
            page.route(
                "**/api/schema/?format=json",
                lambda route: route.fulfill(
                    body=json.dumps(document), content_type="application/json"
                ),
            )
            page.goto(page.url.replace("/health/live/", "/api/docs/"))
            expect(block(page, "createToken")).to_be_visible()
            return page

        return open_with

    def test_is_listed_in_document_order(self, open_with, document):
        page = open_with(document)

        tags = page.locator("#operations-list summary").all_text_contents()
        assert tags == ["notes", "token", "profile", "sessions", "manual", "files"]
        links = page.locator("a[href$='/notes_attach']")
        expect(links.locator(":scope > span:first-child")).to_have_text(
            ["/api/notebooks/{notebook_id}/notes/{id}/attachment/"] * 2
        )
        page.locator("a[href='#/files/notes_attach']").click()
        opened = page.locator("#operations-files-notes_attach")
        expect(opened.locator("button.execute")).to_be_in_viewport()

    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_has_no_accessibility_violations(
        self, open_with, document, picture, width, scheme
    ):
        page = open_with(document)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        operation(page, "notes_attachment")
        page.locator("#operations-notes-notes_attach .opblock-summary-control").click()
        expect(page.locator("input[type=file]")).to_be_visible()

        picture(page, f"application-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not faults(page)

    def test_supports_several_servers(self, open_with, document):
        picker = ".schemes-server-container select"
        expect(open_with(document).locator(picker)).to_have_count(0)
        document["servers"].append({"url": "https://staging.example.com"})

        page = open_with(document)

        expect(page.locator(picker)).to_be_visible()
        assert not faults(page)
