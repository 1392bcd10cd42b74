"""``/api/docs/`` in a real browser, served by the real server."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.payload import payload
from tests.server import PASSWORD, USER, http
from tests.variants import VARIANTS


@pytest.fixture
def picture(request, tmp_path):
    """Take a picture of a page: kept where ``--screenshots`` says."""
    folder = request.config.getoption("--screenshots") or tmp_path

    def take(page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take


@pytest.fixture(scope="module")
def profile(new_profile, service):
    """
    A browser profile and what is wrong with its tabs.

    Each must keep to its origin and its content security policy, load all that it asks for, throw
    nothing, and show no secret in a URL or on the console.
    """
    context = new_profile()
    faults: list[str] = []

    def check_request(request):
        if not request.url.startswith((service.url, "data:")):
            faults.append(f"left the origin: {request.url}")
        if "eyJ" in request.url or PASSWORD in request.url:
            faults.append(f"a secret in a URL: {request.url}")

    def check_response(answer):
        if answer.status >= 400 and "/static/" in answer.url:
            faults.append(f"{answer.status}: {answer.url}")

    def check_console(message):
        if "Content Security Policy" in message.text or "eyJ" in message.text:
            faults.append(message.text)

    context.on("request", check_request)
    context.on("response", check_response)
    context.on("console", check_console)
    context.on("weberror", lambda error: faults.append(f"thrown: {error.error}"))
    return context, faults


@pytest.fixture
def tab(profile, service):
    """Open a tab on the docs page, with a session kept from before or none."""
    context, faults = profile

    def tab(kept: str | None = None, now: datetime | None = None):
        page = context.new_page()
        if now:
            page.clock.install(time=now)
        if kept:
            page.add_init_script(f"sessionStorage['{KEY}'] ??= {json.dumps(kept)}")
        page.goto(f"{service.url}/api/docs/")
        return page

    yield tab
    for page in context.pages[1:]:  # Chromium ends with its first
        assert page.evaluate("localStorage.length") == 0
        page.close()
    assert not faults


@pytest.fixture
def page(tab):
    return tab()


@pytest.fixture
def refreshes(profile):
    """The refresh requests of all tabs, as they happen."""
    context, _ = profile
    seen: list[str] = []

    def note(request):
        if request.url.endswith(REFRESH):
            seen.append(request.url)

    context.on("request", note)
    yield seen
    context.remove_listener("request", note)


KEY = "authapi.session"
REFRESH = "/api/token/refresh/"
LIVE = ".live-responses-table .response"


def sign_in(page, password=PASSWORD):
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


def signed_in(page):
    expect(page.locator("#signed-in")).to_contain_text(f"Signed in as {USER}")


def status(page):
    return page.get_by_role("status")


def succeeds(answer):
    expect(answer.locator(".response-col_status").first).to_contain_text("200")
    return answer.locator("code").first


def expire(page):
    """Put an expired access token in the place of the tab's own; reload, so that it is used."""
    kept = json.loads(page.evaluate(f"sessionStorage['{KEY}']"))
    claims = payload(kept["access"])
    access = VARIANTS["main"].sign(
        claims, iat=claims["iat"] - 600, exp=claims["iat"] - 300
    )
    kept |= {"access": access}
    page.evaluate(
        "([key, kept]) => sessionStorage[key] = kept", [KEY, json.dumps(kept)]
    )
    page.reload()
    return json.dumps(kept)


def operation(page, operation_id):
    """Open an operation, as its user would, and return it."""
    block = page.locator(f"[id$='-{operation_id}']")
    if "is-open" not in (block.get_attribute("class") or ""):
        block.locator(".opblock-summary-control").click()
    return block


def execute(page, operation_id, body=None):
    """Try an operation out; return the block of what the server answered."""
    block = operation(page, operation_id)
    expect(block.locator(".try-out__btn")).to_be_visible()
    if block.locator(".try-out__btn:not(.cancel)").count():
        block.locator(".try-out__btn").click()
    if body is not None:
        block.locator("textarea.body-param__text").fill(body)
    block.locator("button.execute").click()
    return block.locator(LIVE)


def authorize(page, token):
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux .auth-container").first  # bearerAuth's
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.locator("button.btn-done").click()


class TestSwaggerUI:
    """The dialog and the buttons that people and their scripts know."""

    def test_the_conventional_way_in(self, page, service):
        """Execute createToken, paste the access token into Authorize, execute getProfile."""
        access = service.login()["access"]

        authorize(page, access)
        expect(status(page)).to_contain_text(f"Using the pasted token of {USER}")

        assert (
            f'"username": "{USER}"'
            in succeeds(execute(page, "getProfile")).inner_text()
        )

    def test_a_wrong_token_shows_the_problem(self, page):
        authorize(page, "nonsense")

        profile = execute(page, "getProfile")

        expect(profile.locator(".response-col_status").first).to_contain_text("401")
        expect(profile.locator("code").first).to_contain_text(
            '"code": "token_not_valid"'
        )

    @pytest.mark.parametrize(
        ("token", "said"),
        [
            (lambda pair: "nonsense", "is no token"),
            (lambda pair: pair["refresh"], "paste the access token"),
            (
                lambda pair: VARIANTS["main"].sign(
                    payload(pair["access"]), exp=1_000_000_000
                ),
                "The access token has expired",
            ),
        ],
        ids=["nonsense", "refresh", "expired"],
    )
    def test_a_pasted_token_is_explained(self, page, service, token, said):
        authorize(page, token(service.login()))

        expect(status(page)).to_contain_text(said)

    def test_executing_create_token_authorizes_every_padlock(self, page):
        credentials = json.dumps({"username": USER, "password": PASSWORD})

        succeeds(execute(page, "createToken", credentials))

        signed_in(page)
        succeeds(execute(page, "getProfile"))

    def test_executing_manual_login_authorizes_the_teaching_variant(self, page):
        credentials = json.dumps({"username": USER, "password": PASSWORD})

        succeeds(execute(page, "manualLogin", credentials))

        succeeds(execute(page, "manualProfile"))

    def test_the_dialogs_logout_signs_out(self, page):
        sign_in(page)
        signed_in(page)

        page.get_by_role("button", name="Authorize").first.click()
        page.locator(".dialog-ux").get_by_role("button", name="Remove").click()

        expect(status(page)).to_contain_text("Signed out")

    def test_what_is_copied_holds_no_token(self, page):
        sign_in(page)
        signed_in(page)

        block = operation(page, "getProfile")
        succeeds(execute(page, "getProfile"))

        snippet = block.locator(".request-snippets")
        for language, placeholder in (
            ("curl", "$ACCESS_TOKEN"),
            ("Python", "{access_token}"),
            ("JavaScript", "${accessToken}"),
        ):
            snippet.get_by_role("button", name=language, exact=True).or_(
                snippet.get_by_text(language, exact=True)
            ).first.click()
            expect(snippet).to_contain_text(placeholder)
            assert "eyJ" not in snippet.inner_text()


class TestSignIn:
    def test_takes_six_steps(self, page, picture):
        """User name, password, Enter; expand, Try it out, Execute."""
        sign_in(page)
        signed_in(page)
        block = page.locator("[id$='-getProfile']")
        block.locator(".opblock-summary-control").click()
        block.locator(".try-out__btn").click()
        block.locator("button.execute").click()

        answer = succeeds(block.locator(".live-responses-table .response"))
        expect(answer).to_contain_text(f'"username": "{USER}"')
        expect(page.locator("#signed-in")).to_contain_text("for 14 days")
        page.set_viewport_size({"width": 1280, "height": 1700})
        page.evaluate("scrollTo(0, 0)")
        picture(page, "docs")
        page.set_viewport_size({"width": 1280, "height": 900})

    def test_a_wrong_password_is_told_in_words(self, page):
        sign_in(page, "wrong")

        expect(status(page)).to_contain_text("No active account has this user name")
        expect(page.get_by_label("Password")).to_be_focused()

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"status": 429, "headers": {"Retry-After": "17"}}, "again in 17 seconds"),
            ({"status": 503}, "does not answer as it should"),
            (None, "does not answer as it should"),
        ],
        ids=["throttled", "unavailable", "down"],
    )
    def test_a_server_that_cannot_is_told_in_words(self, page, answer, said):
        page.route(
            "**/api/token/",
            lambda route: route.fulfill(**answer) if answer else route.abort(),
        )

        sign_in(page)

        expect(status(page)).to_contain_text(said)

    def test_works_by_keyboard_alone(self, page):
        for text in (USER, PASSWORD):
            page.keyboard.press("Tab")
            page.keyboard.type(text)
        page.keyboard.press("Enter")
        signed_in(page)
        expect(page.locator("#who")).to_be_focused()

        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(status(page)).to_have_text("Signed out.")
        expect(page.get_by_label("User name")).to_be_focused()


class TestSignOut:
    def test_revokes_on_the_server(self, page, service):
        sign_in(page)
        signed_in(page)
        access = json.loads(page.evaluate(f"sessionStorage['{KEY}']"))["access"]

        page.get_by_role("button", name="Sign out", exact=True).click()

        expect(status(page)).to_have_text("Signed out.")
        assert page.evaluate("sessionStorage.length") == 0
        verdict = service.post("/api/token/verify/", {"token": access})
        assert verdict.json()["reason"] == "session_ended"
        profile = execute(page, "getProfile")
        expect(profile.locator(".response-col_status").first).to_contain_text("401")

    def test_everywhere_else_leaves_this_tab(self, page, service):
        elsewhere = service.login()
        sign_in(page)
        signed_in(page)

        page.locator("#sign-out-others").click()

        expect(status(page)).to_contain_text("All other sessions")
        verdict = service.post("/api/token/verify/", {"token": elsewhere["access"]})
        assert verdict.json()["reason"] == "session_ended"
        succeeds(execute(page, "getProfile"))

    def test_a_session_ended_elsewhere_is_told(self, page, service):
        sign_in(page)
        signed_in(page)
        refresh = json.loads(page.evaluate(f"sessionStorage['{KEY}']"))["refresh"]
        service.post("/api/token/blacklist/", {"refresh": refresh})

        execute(page, "getProfile")

        expect(status(page)).to_contain_text("Signed out: the session has ended")
        expect(page.get_by_label("User name")).to_be_visible()


class TestStayingSignedIn:
    def test_over_a_reload(self, page):
        sign_in(page)
        signed_in(page)

        page.reload()

        signed_in(page)
        succeeds(execute(page, "getProfile"))

    def test_not_beyond_the_tab(self, page, tab):
        sign_in(page)
        signed_in(page)

        expect(tab().get_by_label("User name")).to_be_visible()

    def test_renews_before_the_end(self, tab, refreshes):
        page = tab(now=datetime.now(UTC))
        sign_in(page)
        signed_in(page)

        page.clock.fast_forward(285_000)
        succeeds(execute(page, "listSessions"))
        assert refreshes == []
        with page.expect_response(f"**{REFRESH}") as answer:
            page.clock.fast_forward(6_000)

        assert answer.value.status == 200
        succeeds(execute(page, "getProfile"))
        assert len(refreshes) == 1

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_with_a_clock_that_is_wrong(self, tab, refreshes, hours):
        page = tab(now=datetime.now(UTC) + timedelta(hours=hours))
        sign_in(page)
        signed_in(page)

        page.clock.fast_forward(60_000)
        succeeds(execute(page, "getProfile"))

        assert refreshes == []

    def test_a_call_after_expiry_renews_once_and_succeeds(self, page, refreshes):
        sign_in(page)
        signed_in(page)
        expire(page)

        succeeds(execute(page, "getProfile"))

        assert len(refreshes) == 1

    def test_two_calls_at_once_renew_once(self, page, refreshes):
        sign_in(page)
        signed_in(page)
        expire(page)
        for operation_id in ("getProfile", "listSessions"):
            operation(page, operation_id).locator(".try-out__btn").click()

        page.evaluate(
            "document.querySelectorAll('button.execute').forEach(b => b.click())"
        )

        for operation_id in ("getProfile", "listSessions"):
            succeeds(operation(page, operation_id).locator(LIVE))
        assert len(refreshes) == 1

    def test_two_tabs_renew_once(self, page, tab, refreshes):
        sign_in(page)
        signed_in(page)
        kept = expire(page)
        twin = tab(kept)
        signed_in(twin)
        for one in (page, twin):
            operation(one, "getProfile").locator(".try-out__btn").click()

        for one in (page, twin):
            one.evaluate(
                "setTimeout(() => document.querySelector('button.execute').click(), 50)"
            )

        for one in (page, twin):
            succeeds(operation(one, "getProfile").locator(LIVE))
        assert len(refreshes) == 1

    def test_a_server_that_fails_for_a_while_costs_nothing(self, page):
        sign_in(page)
        signed_in(page)
        expire(page)
        page.route(f"**{REFRESH}", lambda route: route.fulfill(status=503))
        execute(page, "getProfile")
        expect(status(page)).to_contain_text("trying again")

        page.unroute(f"**{REFRESH}")

        succeeds(execute(page, "getProfile"))
        signed_in(page)
        expect(status(page)).to_be_empty()


class TestPage:
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

    def test_cannot_be_pointed_elsewhere(self, page, service):
        page.goto(f"{service.url}/api/docs/?url=/nowhere&configUrl=/nowhere")

        expect(page.locator("[id$='-getProfile']")).to_be_visible()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_is_usable_by_everybody(self, page, picture, scheme):
        page.emulate_media(color_scheme=scheme)
        for state in ("signed-out", "signed-in"):
            found = Axe().run(page, context="#account").response["violations"]
            grave = [v for v in found if v["impact"] in {"serious", "critical"}]
            assert not grave
            picture(page, f"docs-{scheme}-{state}")
            if state == "signed-out":
                sign_in(page)
                signed_in(page)

    def test_fits_a_narrow_screen(self, page, picture):
        page.set_viewport_size({"width": 320, "height": 640})
        picture(page, "docs-narrow")

        assert page.evaluate("document.documentElement.scrollWidth") <= 320

    def test_offers_the_document_and_the_commands(self, page):
        page.get_by_text("Download the document").click()

        for link in ("JSON", "YAML"):
            for nth in (0, 1):
                with page.expect_download() as download:
                    page.get_by_role("link", name=link, exact=True).nth(nth).click()
                assert download.value.suggested_filename.startswith("authapi-3.")
        expect(page.locator("pre").first).to_contain_text("openapi-python-client")

    def test_is_light_and_does_not_load_twice(self, new_profile, service):
        context = new_profile()

        def visit():
            page = context.new_page()
            page.goto(f"{service.url}/api/docs/")
            return transferred(page)

        def transferred(page):
            expect(page.locator("[id$='-getProfile']")).to_be_visible()
            entries = page.evaluate(
                "performance.getEntries().filter(e => e.transferSize !== undefined)"
                ".map(e => [new URL(e.name).pathname, e.transferSize])"
            )
            return {path: size for path, size in entries if size}

        assert sum(visit().values()) < 400_000
        again = visit()

        assert again.keys() == {"/api/docs/", "/api/schema/"}
        assert again["/api/schema/"] < 1000
