"""The parts around Swagger UI: bar, sidebar, theme, downloads, clients."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from tests.browser import WIDTHS, block, operation, sign_in, signed_in, status
from tests.programs import program
from tests.server import ROOT, http

# Both refuse a word with a "?" that no file fits; zsh does so by itself.
SHELLS = {"bash": ["bash", "-O", "failglob", "-eu"], "zsh": ["zsh", "-eu"]}


class TestSecurity:
    @pytest.mark.requirement("ASVS 14.2.3")
    def test_has_a_strict_content_security_policy(self, service):
        policy = http.get(f"{service.url}/api/docs/").headers["Content-Security-Policy"]

        assert {tuple(part.split()) for part in policy.split(";")} == {
            ("default-src", "'none'"),
            ("script-src", "'self'"),
            ("style-src", "'self'"),
            ("img-src", "'self'", "data:"),
            ("connect-src", "'self'"),
            ("base-uri", "'none'"),
            ("form-action", "'none'"),
            ("frame-ancestors", "'none'"),
        }

    def test_a_query_cannot_load_another_document(self, page, service):
        page.goto(f"{service.url}/api/docs/?url=/nowhere&configUrl=/nowhere")

        expect(block(page, "getProfile")).to_be_visible()


class TestBar:
    def test_stays_in_view(self, page):
        operation(page, "createToken")
        page.mouse.wheel(0, 5000)

        expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
        expect(page.get_by_role("button", name="Downloads")).to_be_in_viewport()
        expect(page.get_by_label("User name")).to_be_in_viewport()

    def test_has_title_and_version_once(self, page):
        body = page.locator("body").inner_text()

        assert len(re.findall(r"^authapi$", body, re.MULTILINE)) == 1
        assert body.count("2.0.0") == 1

    @pytest.mark.parametrize("version", ["3.0", "3.1"])
    @pytest.mark.parametrize("form", ["json", "yaml"])
    def test_the_document_is_one_click_away(self, page, version, form):
        page.get_by_role("button", name="Downloads").click()

        with page.expect_download() as download:
            page.get_by_role("link", name=f"OpenAPI {version}, {form.upper()}").click()

        assert download.value.suggested_filename == f"authapi-{version}.{form}"

    @pytest.mark.requirement("ASVS 14.3.3")
    def test_only_the_theme_is_stored(self, tab):
        page = tab()
        page.emulate_media(color_scheme="light")
        button = page.get_by_role("button", name="Theme:")
        dark = re.compile("dark-mode")

        expect(button).to_have_accessible_name("Theme: system")
        expect(page.locator("html")).not_to_have_class(dark)
        button.click()
        button.click()
        expect(button).to_have_accessible_name("Theme: dark")
        page.reload()
        expect(page.locator("html")).to_have_class(dark)
        assert page.evaluate("({...localStorage})") == {"authapi.theme": "dark"}

        button.click()
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_class(dark)
        assert page.evaluate("localStorage.length") == 0


class TestClients:
    @pytest.mark.parametrize("shell", SHELLS)
    @pytest.mark.parametrize("name", ["python", "typescript", "others"])
    def test_the_commands_are_quoted_for_the_shell(
        self, page, service, tmp_path, name, shell
    ):
        program(shell)
        for stubbed in (
            *("pip", "npm", "npx", "openapi-python-client"),
            "openapi-generator-cli",
        ):
            stub = tmp_path / stubbed
            stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
            stub.chmod(0o755)
        commands = page.locator(f"#client-{name}").text_content()

        done = subprocess.run(
            SHELLS[shell],
            input=commands,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stderr
        url = f"{service.url}/api/schema/?format=json"
        assert url in done.stdout.splitlines()
        assert http.get(url).json()["openapi"] == "3.0.3"

    def test_are_copied(self, page, profile):
        profile[0].grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Generate a client").click()

        page.get_by_role("button", name="Copy the commands for Python").click()

        expect(status(page)).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("pip install openapi-python-client\n")

    def test_are_selected_when_there_is_no_clipboard(self, tab):
        page = tab()
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: null})")
        page.get_by_role("button", name="Generate a client").click()

        page.get_by_role("button", name="Copy the commands for Python").click()

        expect(status(page)).to_contain_text("Selected.")
        assert "openapi-python-client" in page.evaluate("String(getSelection())")

    @pytest.mark.parametrize("name", ["auth.py", "auth.ts"])
    def test_offer_their_helper_file(self, page, name):
        page.get_by_role("button", name="Generate a client").click()

        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()

        source = ROOT / "schema" / "clients" / name
        assert download.value.suggested_filename == name
        assert download.value.path().read_bytes() == source.read_bytes()


def test_the_quick_start_works(page, service):
    shown = page.locator(".info code").first
    command = shown.text_content()
    assert command.startswith(f"curl -s {service.url}/api/token/ ")

    done = subprocess.run(SHELLS["bash"], input=command, capture_output=True, text=True)

    assert json.loads(done.stdout).keys() == {"access", "refresh"}
    assert page.locator(".info li").count() == 4


class TestLayout:
    def test_the_first_operation_is_in_view(self, page):
        page.set_viewport_size({"width": 1280, "height": 800})

        expect(block(page, "createToken")).to_be_in_viewport(ratio=1)

    @pytest.mark.parametrize("width", WIDTHS)
    def test_fits_the_screen(self, page, width):
        page.set_viewport_size({"width": width, "height": 800})
        operation(page, "createToken").locator("button.execute").click()
        expect(page.locator(".live-responses-table")).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_messages_are_in_view_at_any_scroll_position(self, page):
        sign_in(page, "wrong")
        expect(status(page)).not_to_be_empty()

        page.mouse.wheel(0, 5000)

        expect(status(page)).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Dismiss").click()
        expect(status(page)).to_be_empty()

    def test_the_layout_does_not_shift(self, tab):
        page = tab(at="/health/live/")
        page.add_init_script("""
            window.shifts = [];
            new PerformanceObserver((list) => shifts.push(...list.getEntries()))
                .observe({type: "layout-shift", buffered: true});
        """)
        page.goto(page.url.replace("/health/live/", "/api/docs/"))
        expect(block(page, "getProfile")).to_be_visible()
        sign_in(page)
        signed_in(page)
        page.reload()
        signed_in(page)
        expect(block(page, "getProfile")).to_be_visible()

        assert page.evaluate("shifts.map(shift => shift.value)") == []

    def test_without_javascript_links_the_document(self, new_profile, service):
        page = new_profile(java_script_enabled=False).new_page()
        page.goto(f"{service.url}/api/docs/")

        notice = page.locator("noscript p")
        expect(notice).to_be_visible()
        expect(notice).to_contain_text("This page needs JavaScript.")
        expect(page.get_by_label("User name")).to_be_hidden()
        link = notice.locator("a").get_attribute("href")
        assert http.get(f"{service.url}{link}").text.startswith("openapi: 3.0.3")


def test_first_visit_is_small_and_the_second_is_cached(
    new_profile, service, record_property
):
    context = new_profile()

    def visit():
        page = context.new_page()
        page.goto(f"{service.url}/api/docs/")
        expect(block(page, "getProfile")).to_be_visible()
        entries = page.evaluate(
            "performance.getEntries().filter(e => e.transferSize !== undefined)"
            ".map(e => [new URL(e.name).pathname, e.transferSize])"
        )
        return {path: size for path, size in entries if size}

    first = sum(visit().values())
    record_property("said", f"the docs page: {first:,} bytes on the first visit")
    assert first < 400_000
    again = visit()

    assert again.keys() == {"/api/docs/", "/api/schema/"}
    assert again["/api/schema/"] < 1000
