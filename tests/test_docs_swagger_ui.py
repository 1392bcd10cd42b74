"""Swagger UI on the docs page: its usual dialog and buttons."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import (
    answer_of,
    authorize,
    execute,
    has_status,
    operation,
    sign_in,
    signed_in,
    status,
)
from tests.payload import payload
from tests.server import PASSWORD, USER
from tests.variants import VARIANTS

CREDENTIALS = json.dumps({"username": USER, "password": PASSWORD})


class TestAuthorize:
    def test_a_pasted_access_token_authorizes(self, page, service):
        """Execute createToken, paste the access token into Authorize, execute getProfile."""
        access = service.login()["access"]

        authorize(page, access)
        expect(status(page)).to_contain_text(f"access token of {USER}")

        body = has_status(execute(page, "getProfile"), 200)
        assert f'"username": "{USER}"' in body.inner_text()

    @pytest.mark.parametrize("form", ["  {}\n", "Bearer {}", " bearer  {} "])
    def test_accepts_a_token_in_any_copied_form(self, page, service, form):
        authorize(page, form.format(service.login()["access"]))

        has_status(execute(page, "getProfile"), 200)

    def test_a_wrong_token_shows_the_problem(self, page):
        authorize(page, "nonsense")

        body = has_status(execute(page, "getProfile"), 401)

        expect(body).to_contain_text('"code": "token_not_valid"')

    @pytest.mark.parametrize(
        ("token", "said"),
        [
            (lambda pair: "nonsense", "is not a token"),
            (lambda pair: pair["refresh"], "paste the access token"),
            (lambda pair: pair["access"], f"access token of {USER}, for 5 minutes"),
            (
                lambda pair: VARIANTS["main"].sign(
                    payload(pair["access"]), exp=1_000_000_000
                ),
                "The access token has expired",
            ),
        ],
        ids=["nonsense", "refresh", "access", "expired"],
    )
    def test_a_pasted_token_is_explained(self, page, service, token, said):
        authorize(page, token(service.login()))

        expect(status(page)).to_contain_text(said)

    def test_the_dialogs_logout_signs_out(self, page):
        sign_in(page)
        signed_in(page)

        page.get_by_role("button", name="Authorize").first.click()
        page.locator(".dialog-ux").get_by_role("button", name="Remove").click()

        expect(status(page)).to_contain_text("Signed out")


class TestExecute:
    def test_create_token_locks_every_padlock(self, page):
        has_status(execute(page, "createToken", CREDENTIALS), 200)

        signed_in(page)
        has_status(execute(page, "getProfile"), 200)

    def test_manual_login_authorizes_the_teaching_variant_alone(self, page):
        """Each variant's tokens work in its own place, and the page keeps them apart."""
        sign_in(page)
        signed_in(page)
        has_status(execute(page, "manualLogin", CREDENTIALS), 200)

        has_status(execute(page, "manualProfile"), 200)
        has_status(execute(page, "getProfile"), 200)

    def test_the_variants_may_share_a_padlock(self, tab, service):
        """The page distinguishes them by tag, so one security scheme is enough."""
        document = service.client.get("/api/schema/?format=json").json()
        for item in document["paths"].values():
            for found in item.values():
                if found.get("security"):
                    found["security"] = [{"bearerAuth": []}]
        page = tab(at="/health/live/")
        page.route("**/api/schema/?format=json", lambda r: r.fulfill(json=document))
        page.goto(f"{service.url}/api/docs/")
        sign_in(page)
        signed_in(page)
        has_status(execute(page, "manualProfile"), 401)

        has_status(execute(page, "manualLogin", CREDENTIALS), 200)

        has_status(execute(page, "manualProfile"), 200)
        has_status(execute(page, "getProfile"), 200)

    def test_manual_login_suffices_for_the_teaching_variant(self, page):
        has_status(execute(page, "manualLogin", CREDENTIALS), 200)

        has_status(execute(page, "manualProfile"), 200)

    def test_shows_only_informative_headers(self, page):
        found = operation(page, "getProfile")
        has_status(execute(page, "getProfile"), 401)

        headers = answer_of(found).locator(".headerline").all_inner_texts()

        names = {line.strip().partition(":")[0] for line in headers}
        assert {"content-type", "www-authenticate"} <= names
        assert len(names) < 7, names

    def test_shows_the_duration(self, page):
        answer = execute(page, "createToken", CREDENTIALS)

        expect(answer).to_contain_text("Request duration")


class TestSameRequest:
    """The commands that make the same request in a shell or a program."""

    def test_contains_no_token(self, page):
        sign_in(page)
        signed_in(page)
        found = operation(page, "getProfile")
        has_status(execute(page, "getProfile"), 200)

        request = found.locator(".snippets")
        for language, placeholder in (
            ("curl", "$ACCESS_TOKEN"),
            ("Python", "{access_token}"),
            ("JavaScript", "${accessToken}"),
        ):
            request.get_by_role("button", name=language).press("Enter")
            expect(request.locator("pre")).to_contain_text(placeholder)
            assert "eyJ" not in request.inner_text()

    def test_is_copied(self, page, profile):
        profile[0].grant_permissions(["clipboard-read", "clipboard-write"])
        found = operation(page, "getProfile")
        has_status(execute(page, "getProfile"), 401)

        found.locator(".snippets").get_by_role("button", name="Copy").click()

        expect(status(page)).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()").startswith("curl -X GET")
