"""The account on the docs page: signing in and out, and the sessions."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import (
    REFRESH,
    answer_of,
    execute,
    expire,
    has_status,
    kept,
    open_account,
    operation,
    sign_in,
    signed_in,
    status,
)
from tests.server import PASSWORD, USER

FIREFOX = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"


class TestSignIn:
    def test_reaches_the_profile_in_five_steps(self, page):
        """User name, password, Enter; open, Execute."""
        sign_in(page)
        signed_in(page)
        found = page.locator("[id$='-getProfile']")
        found.locator(".opblock-summary-control").click()
        found.locator("button.execute").click()

        body = has_status(answer_of(found), 200)
        expect(body).to_contain_text(f'"username": "{USER}"')

    def test_reaches_it_in_three_steps_with_the_demo_user(self, page):
        page.get_by_role("button", name="Use demo").click()
        found = page.locator("[id$='-getProfile']")
        found.locator(".opblock-summary-control").click()
        signed_in(page)
        found.locator("button.execute").click()

        has_status(answer_of(found), 200)

    def test_the_form_says_what_it_does(self, page):
        expect(page.get_by_role("form", name="Sign in")).to_contain_text(
            "Sign in to try the calls."
        )

    @pytest.mark.requirement("ASVS 6.2.7")
    def test_a_password_can_be_pasted(self, page):
        name, password = page.get_by_label("User name"), page.get_by_label("Password")
        name.fill(PASSWORD)
        name.press("Control+a")
        name.press("Control+x")
        name.fill(USER)

        password.press("Control+v")
        password.press("Enter")

        signed_in(page)

    def test_a_wrong_password_is_explained(self, page):
        sign_in(page, "wrong")

        expect(status(page)).to_contain_text("No active account has this user name")
        expect(page.get_by_label("Password")).to_be_focused()

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"status": 429, "headers": {"Retry-After": "17"}}, "again in 17 seconds"),
            ({"status": 503}, "does not respond as it should"),
            (None, "does not respond as it should"),
        ],
        ids=["throttled", "unavailable", "down"],
    )
    def test_server_errors_are_explained(self, page, answer, said):
        page.route(
            "**/api/token/",
            lambda route: route.fulfill(**answer) if answer else route.abort(),
        )

        sign_in(page)

        expect(status(page)).to_contain_text(said)

    def test_works_with_the_keyboard_alone(self, page):
        """From the field to the answer of the profile, and out again."""
        page.get_by_label("User name").focus()
        page.keyboard.type(USER)
        page.keyboard.press("Tab")
        page.keyboard.type("let-me-in-please")
        page.keyboard.press("Enter")
        signed_in(page)
        expect(page.locator("#user")).to_be_focused()

        page.keyboard.press("/")
        page.keyboard.type("read profile")
        page.keyboard.press("Enter")
        found = page.locator("[id$='-getProfile']")
        expect(found.locator("button.execute")).to_be_visible()
        # Swagger UI draws the operation more than once while it opens; a key pressed then is lost.
        page.wait_for_load_state("networkidle")
        expect(found.locator(".opblock-body")).to_be_visible()
        found.locator("button.execute").press("Enter")
        has_status(answer_of(found), 200)

        page.locator("#user").press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_focused()
        page.keyboard.press("Enter")

        expect(status(page)).to_have_text("Signed out.")
        expect(page.get_by_label("User name")).to_be_focused()


@pytest.mark.requirement("ASVS 7.4.4", "ASVS 14.3.1")
class TestSignOut:
    def test_revokes_on_the_server(self, page, service):
        sign_in(page)
        signed_in(page)
        access = kept(page)["access"]

        account = open_account(page)
        account.get_by_role("button", name="Sign out", exact=True).click()

        expect(status(page)).to_have_text("Signed out.")
        assert page.evaluate("sessionStorage.length") == 0
        assert service.post("/api/token/verify/", {"token": access}).status_code == 401
        has_status(execute(page, "getProfile"), 401)

    def test_reports_failure_when_the_server_is_down(self, page):
        sign_in(page)
        signed_in(page)
        page.route("**/api/token/blacklist/", lambda route: route.abort())

        account = open_account(page)
        account.get_by_role("button", name="Sign out", exact=True).click()

        expect(status(page)).to_contain_text("Still signed in.")
        signed_in(page)


class TestSessions:
    def test_are_listed_with_device_address_and_last_use(self, page, service):
        service.login(user_agent=FIREFOX)
        sign_in(page)
        signed_in(page)

        account = open_account(page)

        expect(account).to_contain_text("Signed in for 14 days")
        rows = account.get_by_role("listitem")
        expect(rows.filter(has_text="This one")).to_have_count(1)
        other = rows.filter(has_text="Firefox on Android").first
        expect(other).to_contain_text("127.0.0.1 · now")

    @pytest.mark.requirement("ASVS 10.4.9")
    def test_one_can_be_ended(self, page, service):
        other = service.login(user_agent=FIREFOX)
        sign_in(page)
        signed_in(page)

        rows = open_account(page).get_by_role("listitem")
        named = rows.filter(has_text="Firefox on Android")
        expect(named.first).to_be_visible()
        before = named.count()
        named.first.get_by_role("button", name="End Firefox on Android").click()

        expect(status(page)).to_have_text("Firefox on Android: ended.")
        expect(named).to_have_count(before - 1)
        verdict = service.post("/api/token/verify/", {"token": other["access"]})
        assert verdict.status_code == 401
        signed_in(page)

    @pytest.mark.requirement("ASVS 10.4.9")
    def test_all_others_can_be_ended(self, page, service):
        other = service.login()
        sign_in(page)
        signed_in(page)

        account = open_account(page)
        account.get_by_role("button", name="Sign out everywhere else").click()

        expect(status(page)).to_contain_text("All other sessions")
        verdict = service.post("/api/token/verify/", {"token": other["access"]})
        assert verdict.status_code == 401
        expect(account.get_by_role("listitem")).to_have_count(1)
        has_status(execute(page, "getProfile"), 200)

    def test_input_is_kept_when_the_session_ends_elsewhere(self, page, service):
        """The page offers to sign in again, and then the same call can be made."""
        sign_in(page)
        signed_in(page)
        found = operation(page, "updateProfile")
        typed = json.dumps({"first_name": "Grace"})
        found.locator("textarea.body-param__text").fill(typed)
        service.post("/api/token/blacklist/", {"refresh": kept(page)["refresh"]})

        found.locator("button.execute").click()
        expect(status(page)).to_contain_text("Signed out: the session has ended")
        page.get_by_role("button", name="Sign in again").click()
        expect(page.get_by_label("User name")).to_have_value(USER)
        page.keyboard.type("let-me-in-please")
        page.keyboard.press("Enter")
        signed_in(page)
        expect(found.locator("textarea.body-param__text")).to_have_value(typed)
        found.locator("button.execute").click()

        expect(has_status(answer_of(found), 200)).to_contain_text("Grace")

    @pytest.mark.parametrize(
        ("problem", "said"),
        [
            (
                {"code": "token_not_valid", "reason": "session_ended"},
                "session has ended",
            ),
            ({"code": "token_not_valid", "reason": "reused"}, "an old token was used"),
        ],
        ids=["ended", "reused"],
    )
    def test_the_page_says_why_a_session_ended(self, page, problem, said):
        sign_in(page)
        signed_in(page)
        expire(page)
        page.route(
            f"**{REFRESH}",
            lambda route: route.fulfill(
                status=401, json=problem, content_type="application/problem+json"
            ),
        )

        execute(page, "getProfile")

        expect(status(page)).to_contain_text(said)
        expect(page.get_by_role("button", name="Sign in again")).to_be_visible()
