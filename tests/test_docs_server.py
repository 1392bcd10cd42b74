"""The parts of the docs page that the server renders."""

import re

import pytest

from authapi import demo
from authapi.models import User
from tests.server import PASSWORD, ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def html(api):
    return lambda: api.get("/api/docs/").content.decode()


def test_is_isolated_and_names_the_public_address(api, settings):
    answer = api.get("/api/docs/")

    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "csrftoken" not in answer.cookies
    command = f"generate --url '{settings.PUBLIC_URL}/api/schema/?format=json'"
    assert command in answer.content.decode()


@pytest.mark.requirement("ASVS 6.2.6", "ASVS 6.2.7")
def test_the_password_is_hidden_and_may_come_from_a_password_manager(html):
    (field,) = re.findall(r'<input name="password"[^>]*>', html())

    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field


class TestBrand:
    """Title, logo, accent and links are one setting."""

    def test_comes_from_the_setting(self, html, settings):
        settings.DOCS_PAGE = {
            "TITLE": "Acme <Payments>",
            "LOGO": "admin/img/icon-yes.svg",
            "ACCENT": "#7c3aed",
            "LINKS": {"Status": "https://status.example.com/"},
        }

        page = html()

        assert "<h1>Acme &lt;Payments&gt;</h1>" in page
        assert "<title>Acme &lt;Payments&gt;: API documentation</title>" in page
        assert page.count("admin/img/icon-yes.") == 2
        assert 'data-accent="#7c3aed"' in page
        assert '<a href="https://status.example.com/">Status</a>' in page
        assert "authapi" not in page.replace("authapi.", "")

    def test_links_are_optional(self, html, settings):
        settings.DOCS_PAGE = {**settings.DOCS_PAGE, "LINKS": {}}

        assert 'class="links"' not in html()


class TestDemoUser:
    def test_is_offered_on_localhost_without_hashing(
        self, html, settings, django_assert_num_queries
    ):
        demo.make()
        settings.PASSWORD_HASHERS = []  # any use of one is an error

        with django_assert_num_queries(1):
            page = html()

        assert f'data-username="{demo.USERNAME}"' in page
        assert f'data-password="{demo.PASSWORD}"' in page

    @pytest.mark.parametrize(
        "url",
        [
            *("https://127.0.0.1", "https://api.example.com"),
            *("http://api.example.com", "http://127.0.0.1.example.com"),
        ],
    )
    def test_is_not_offered_in_public(
        self, html, settings, url, django_assert_num_queries
    ):
        demo.make()
        settings.PUBLIC_URL = url

        with django_assert_num_queries(0):
            page = html()

        assert demo.PASSWORD not in page

    @pytest.mark.parametrize("active", [None, False], ids=["missing", "inactive"])
    def test_is_offered_only_if_it_can_sign_in(self, html, active):
        if active is not None:
            User.objects.create_user(demo.USERNAME, password=PASSWORD, is_active=active)

        assert 'id="demo"' not in html()


class TestHelpers:
    @pytest.mark.parametrize("name", ["auth.py", "auth.ts"])
    def test_are_the_files_beside_the_generators(self, api, name):
        answer = api.get(f"/api/docs/{name}")

        source = ROOT / "schema" / "clients" / name
        assert b"".join(answer.streaming_content) == source.read_bytes()
        assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer["Cache-Control"] == "no-cache"

    @pytest.mark.parametrize("name", ["generators.py", "__init__.py", "python.yaml"])
    def test_other_files_are_not_served(self, api, name):
        assert api.get(f"/api/docs/{name}").status_code == 404

    def test_are_read_only(self, api):
        assert api.post("/api/docs/auth.py").status_code == 405


def test_the_scripts_stay_small():
    """At most 700 lines of code, without comments and empty lines."""
    comment = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
    lines = [
        line
        for file in (ROOT / "schema" / "static" / "schema").glob("*.js")
        for line in comment.sub("", file.read_text()).splitlines()
        if line.strip()
    ]

    assert len(lines) <= 700
