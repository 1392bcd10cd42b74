"""
An application's own views are documented, protected and limited like the service's, without
annotations.
"""

import json
from typing import Any

import httpx
import pytest
from django.core.checks import run_checks
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from authapi.models import Session, User
from authapi.testing.client import ApiClient
from schema.document import VERSIONS
from schema.generator import Generator
from tests.applications import BROKEN, KINDS, MEGABYTE, Checked
from tests.conftest import assert_problem, limit
from tests.payload import payload
from tests.server import PASSWORD, USER, serve

SIGNED_IN = {"200", "401", "503"}
WITH_BODY = {"400", "401", "413", "415", "503"}
# The expected answers of each operation, derived only from its view's classes.
ANSWERS = {
    "shop_things_list": SIGNED_IN,
    "shop_things_create": WITH_BODY | {"201"},
    "shop_things_retrieve": SIGNED_IN | {"404"},
    "shop_things_update": WITH_BODY | {"200", "404"},
    "shop_things_destroy": {"204", "401", "404", "503"},
    "shop_things_archive_create": WITH_BODY | {"200", "404"},
    "shop_plain_create": WITH_BODY | {"200"},
    "shop_ping_retrieve": SIGNED_IN,
    "shop_upload_create": WITH_BODY | {"201"},
    "shop_raw_update": WITH_BODY | {"200", "404"},
    "shop_owned_retrieve": SIGNED_IN | {"403", "404"},
    "shop_orders_create": WITH_BODY | {"201", "409"},
    "shop_export_retrieve": SIGNED_IN,
    "shop_throttled_retrieve": SIGNED_IN | {"429"},
    "shop_shared_retrieve": SIGNED_IN | {"429"},
    "shop_any_retrieve": SIGNED_IN | {"429"},
    "shop_staff_retrieve": SIGNED_IN | {"403"},
    "shop_rendered_retrieve": SIGNED_IN,
    "shop_exemplary_create": WITH_BODY | {"200", "409"},
    "shop_declared_create": WITH_BODY | {"200", "409"},
    "shop_closed_retrieve": SIGNED_IN | {"409", "429"},
    "shop_readable_retrieve": SIGNED_IN,
    "shop_readable_create": WITH_BODY | {"200"},
    "shop_faulty_retrieve": {"200", "503"},
}
# Its paginator and its filters can reject a request.
PAGED = SIGNED_IN | {"400", "404"}


def described(patterns: list[Any], version: str = "3.0") -> Any:
    urls = [path("api/shop/", include(patterns)), path("", include("project.urls"))]
    with patched_settings({"OAS_VERSION": VERSIONS[version]}):
        return Generator(patterns=urls).get_schema(public=True)


def operations(document: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for operation in item.values()
    }


def without(document: Any, *names: str) -> str:
    return json.dumps(
        {name: part for name, part in document.items() if name not in names}
    )


class TestDocument:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_of_view_is_documented_unannotated(self, kind, version):
        document = described(KINDS[kind], version)

        assert not GENERATOR_STATS, GENERATOR_STATS._warn_cache
        validate_schema(document)
        for name, operation in operations(document).items():
            assert operation["summary"], name
            assert operation["description"], name
            if name.startswith("shop_"):
                assert operation["tags"] == ["shop"]
                expected = PAGED if kind == "paged" else ANSWERS.get(name)
                assert expected is None or {*operation["responses"]} == expected, name

    def test_an_answer_without_a_text_has_the_phrase_of_its_status(self):
        document = described([path("checked/", Checked.as_view())])

        answers = document["paths"]["/api/shop/checked/"]["get"]["responses"]
        assert answers["422"]["description"] == "Unprocessable Content."

    def test_every_expected_answer_belongs_to_an_operation(self):
        names = {
            name
            for patterns in KINDS.values()
            for name in operations(described(patterns))
        }

        assert ANSWERS.keys() <= names

    @pytest.mark.parametrize("kind", KINDS)
    def test_leaves_other_operations_unchanged(self, kind):
        alone, together = described([]), described(KINDS[kind])

        for part in ("paths", "components"):
            before, after = alone[part], together[part]
            for name, member in before.items():
                if name in {"examples", "securitySchemes"}:
                    assert {**after[name], **member} == after[name]
                elif name == "schemas":
                    kept = {k: v for k, v in member.items() if k != "ProblemCode"}
                    assert {**after[name], **kept} == after[name]
                else:
                    assert after[name] == member

    def test_describes_the_bodies_of_each_kind_of_view(self):
        document = {
            name: operation
            for patterns in KINDS.values()
            for name, operation in operations(described(patterns)).items()
        }

        def content(holder: Any) -> list[str]:
            return [*holder["content"]]

        assert content(document["shop_upload_create"]["requestBody"]) == [
            "multipart/form-data"
        ]
        assert content(document["shop_raw_update"]["requestBody"]) == ["*/*"]
        assert content(document["shop_export_retrieve"]["responses"]["200"]) == [
            "text/csv"
        ]
        assert document["shop_any_retrieve"]["security"] == [{"bearerAuth": []}, {}]
        assert document["shop_things_create"]["summary"] == "Create a group"
        assert document["shop_things_archive_create"]["summary"] == "Archive a group"
        assert document["shop_things_recent_retrieve"]["summary"] == "Recent groups"
        assert document["shop_ping_retrieve"]["summary"] == "Ping"
        assert (
            document["shop_motd_retrieve"]["summary"] == "Read the message of the day"
        )
        assert document["shop_export_retrieve"]["summary"] == "Export"

    def test_declares_no_security_if_no_operation_needs_a_token(self):
        urls = [path("api/shop/", include(KINDS["faulty"]))]

        with patched_settings({"OAS_VERSION": "3.1.1", "LICENSE": {}}):
            document = Generator(patterns=urls).get_schema(public=True)

        assert "security" not in document
        validate_schema(document)

    def test_several_examples_are_components(self):
        document = described(KINDS["declared"])
        operation = operations(document)["shop_exemplary_create"]

        for holder, sizes in (
            (operation["requestBody"], [1, 9]),
            (operation["responses"]["200"], [2, 8]),
        ):
            (content,) = holder["content"].values()
            names = [e["$ref"].rpartition("/")[2] for e in content["examples"].values()]
            shown = [document["components"]["examples"][name] for name in names]
            assert [example["value"]["size"] for example in shown] == sizes

    def test_exceptions_of_one_name_have_their_own_examples(self):
        document = described(KINDS["declared"])

        conflict = operations(document)["shop_declared_create"]["responses"]["409"]
        (content,) = conflict["content"].values()
        assert {*content["examples"]} == {"out_of_stock", "out_of_paper"}
        names = [e["$ref"].rpartition("/")[2] for e in content["examples"].values()]
        codes = [document["components"]["examples"][n]["value"]["code"] for n in names]
        assert codes == ["out_of_stock", "out_of_paper"]

    def test_lists_the_error_codes_of_an_application(self):
        codes = described([*KINDS["permission"], *KINDS["nested"]])["components"][
            "schemas"
        ]["ProblemCode"]["enum"]

        assert {"not_owner", "out_of_stock"} <= {*codes}

    def test_one_undescribable_view_does_not_hide_the_others(self):
        with GENERATOR_STATS.silence():
            names = operations(described(BROKEN)).keys()

        assert "getProfile" in names
        assert not any("foreign" in name for name in names)

    def test_an_undescribable_view_is_named_in_a_warning(self, settings):
        settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": BROKEN})

        found = [check for check in run_checks() if check.id == "schema.W001"]

        assert any("[Broken]" in warning.msg for warning in found)
        for name in ("/foreign/", "/undescribed/", "/versioned/"):
            said = f"{name} cannot be described"
            assert any(said in warning.msg for warning in found)
        assert all("Annotate" in str(warning.hint) for warning in found)


@pytest.fixture
def shop(settings, sign_in):
    """Return a function that calls the application's views, signed in."""
    ada = sign_in("ada")
    settings.ROOT_URLCONF = "tests.applications"
    client = APIClient(HTTP_AUTHORIZATION=ada.headers["Authorization"])

    def shop(method: str, path: str, body: Any = None, **options: Any) -> Any:
        kind = "json" if body is not None else None
        return getattr(client, method)(f"/api{path}", body, format=kind, **options)

    return shop


class TestErrors:
    def test_nested_fields_have_dotted_paths(self, shop):
        body = {
            "lines": [
                {"size": "small", "note": None, "wrapping": None, "card": ""},
                {},
            ],
            "gift_to": {"size": "huge", "note": "", "wrapping": "paper", "card": ""},
            "colours": ["red", "green"],
        }

        answer = shop("post", "/nested/orders/", body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"].keys() == {
            *("lines.1.size", "lines.1.note", "lines.1.wrapping", "lines.1.card"),
            *("gift_to.size", "gift_to.note", "colours.1"),
        }
        assert answer.json()["errors"]["colours.1"] == [
            '"green" is not a valid choice.'
        ]

    def test_a_bare_message_becomes_a_non_field_error(self, shop):
        line = {"size": "small", "note": "x", "wrapping": None, "card": ""}

        answer = shop("post", "/nested/orders/", {"lines": [line], "colours": []})

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"] == {"non_field_errors": ["The shop is closed."]}

    def test_an_exception_of_the_application_is_a_problem(self, shop):
        answer = shop("post", "/nested/orders/", {"lines": [], "colours": []})

        assert_problem(answer, 409, "out_of_stock")

    def test_a_permission_gives_its_code(self, shop, sign_in, settings):
        settings.ROOT_URLCONF = "project.urls"
        sign_in("bob")
        settings.ROOT_URLCONF = "tests.applications"
        of_bob = Session.objects.get(user__username="bob")

        answer = shop("get", f"/permission/owned/{of_bob.pk}/")

        assert_problem(answer, 403, "not_owner")

    def test_a_single_field_message_becomes_a_list(self, shop):
        answer = shop("get", "/readable/readable/")

        assert answer.json()["errors"] == {"colour": ["There is none."]}

    def test_a_list_of_errors_has_numbers_in_its_paths(self, shop):
        answer = shop("post", "/readable/readable/")

        assert answer.json()["errors"] == {"1.name": ["It is taken."]}

    def test_a_view_for_anybody_still_refuses_a_bad_token(self, shop, client):
        anybody = client.get("/api/AllowAny/any/")
        refused = client.get(
            "/api/AllowAny/any/", headers={"Authorization": "Bearer nonsense"}
        )

        assert anybody.status_code == 200
        assert_problem(refused, 401, "token_not_valid")

    def test_djangos_permission_denied_is_a_problem(self, shop):
        answer = shop("post", "/declared/declared/", {})

        assert_problem(answer, 403, "permission_denied")

    @pytest.mark.parametrize("path", ["exemplary", "closed"])
    def test_a_refusal_declared_on_a_class_is_a_problem(self, shop, path):
        method = {"exemplary": "post", "closed": "get"}[path]

        assert_problem(shop(method, f"/declared/{path}/"), 409, "out_of_stock")

    def test_a_views_exception_is_raised_in_the_calling_test(self, shop, settings):
        """A real client would get a 500."""
        with ApiClient() as client, pytest.raises(RuntimeError, match="a fault"):
            client.get("/api/faulty/faulty/")

    def test_a_missing_object_is_a_problem(self, shop):
        assert_problem(shop("get", "/ModelViewSet/things/7/"), 404, "not_found")

    def test_a_refusal_of_a_plain_view_is_a_problem(self, shop):
        assert_problem(shop("get", "/raw/sold-out/"), 409, "refused")


class TestNegotiation:
    @pytest.mark.parametrize(
        ("query", "accept", "media_type"),
        [
            ("", "text/csv", "text/csv"),
            ("?format=csv", "*/*", "text/csv"),
            ("", "*/*", "application/json"),
            ("", "image/png", "application/json"),
            ("?format=png", "*/*", "application/json"),
        ],
    )
    def test_an_unknown_accept_gets_the_first_renderer(
        self, shop, query, accept, media_type
    ):
        answer = shop("get", f"/rendered/rendered/{query}", headers={"Accept": accept})

        assert answer.status_code == 200
        assert answer["Content-Type"].partition(";")[0] == media_type


class TestThrottles:
    def test_drfs_throttles_use_the_configured_rates(self, shop, monkeypatch):
        from rest_framework.throttling import SimpleRateThrottle

        monkeypatch.setitem(SimpleRateThrottle.THROTTLE_RATES, "verify", "2/min")

        statuses = [shop("get", "/throttled/throttled/").status_code for _ in range(3)]

        assert statuses == [200, 200, 429]

    def test_the_shared_throttle_counts_by_user(self, shop, settings):
        limit(settings, refresh="1/min")

        first, second = (shop("get", "/throttled/shared/") for _ in range(2))

        assert first.status_code == 200
        assert_problem(second, 429, "throttled")
        assert 0 < int(second["Retry-After"]) <= 60


class TestBearerRequired:
    @pytest.mark.parametrize("view", ["whoami/", "whoami/async/"])
    def test_accepts_a_token(self, shop, view):
        assert shop("get", f"/plain/{view}").json() == {"name": "ada"}
        assert shop("post", f"/plain/{view}").status_code == 200

    @pytest.mark.parametrize("view", ["whoami/", "whoami/async/"])
    @pytest.mark.parametrize(
        ("header", "code"),
        [("", "not_authenticated"), ("Bearer nonsense", "token_not_valid")],
    )
    def test_rejects_requests_without_a_valid_token(
        self, client, db, settings, view, header, code
    ):
        settings.ROOT_URLCONF = "tests.applications"

        answer = client.get(f"/api/plain/{view}", headers={"Authorization": header})

        assert_problem(answer, 401, code)

    def test_ignores_cookies(self, client, user, settings):
        settings.ROOT_URLCONF = "tests.applications"
        client.force_login(user)

        assert_problem(client.get("/api/plain/whoami/"), 401, "not_authenticated")

    def test_the_token_and_not_the_cookie_names_the_user(self, client, login, settings):
        settings.ROOT_URLCONF = "tests.applications"
        client.force_login(User.objects.create_user("bob"))
        header = f"Bearer {login().json()['access']}"

        answer = client.get("/whoami/async/", headers={"Authorization": header})

        assert answer.json() == {"name": "ada"}


class TestPages:
    @pytest.fixture
    def page(self, client, user, settings):
        settings.ROOT_URLCONF = "tests.applications"
        client.force_login(user)
        return client.get("/gallery/")

    def test_know_the_user_of_the_cookie(self, page):
        assert page.content == b"ada"

    @pytest.mark.parametrize("view", ["gallery/", "gallery/async/"])
    def test_know_nobody_by_a_cookie_in_the_api(self, page, client, view):
        answer = client.get(f"/api/{view}")

        assert answer.status_code == 200
        assert answer.content == b"AnonymousUser"

    def test_can_extend_the_content_security_policy(self, page):
        policy = page["Content-Security-Policy"].split("; ")

        assert "img-src 'self' data: https://images.example.com" in policy
        assert "script-src 'self'" in policy


class TestAnotherWayOfAuthentication:
    """The request has a user but no session of this service, as in an application's tests."""

    @pytest.fixture
    def forced(self, user):
        client = APIClient()
        client.force_authenticate(user)
        return client

    @pytest.mark.parametrize("path", ["/api/profile/", "/api/sessions/"])
    def test_suffices_for_views_that_need_only_the_user(self, forced, path):
        assert forced.get(path).status_code == 200

    def test_is_rejected_by_views_that_need_a_session(self, forced):
        answer = forced.delete("/api/sessions/")

        assert_problem(answer, 401, "not_authenticated")
        assert "access token" in answer.json()["detail"]


def plan_of(user: Any) -> str:
    return f"gold for {user.username}"


def test_an_access_token_contains_the_applications_claims(settings, login, refresh):
    settings.ACCESS_TOKEN_CLAIMS = {"plan": f"{__name__}.plan_of"}

    first = login().json()
    second = refresh(first["refresh"]).json()

    for pair in (first, second):
        assert payload(pair["access"])["plan"] == "gold for ada"
        assert "plan" not in payload(pair["refresh"])


@pytest.fixture(scope="module")
def shop_service(tmp_path_factory):
    """
    The real server with the application's views. One worker, because each would generate its own
    keys.
    """
    with serve(
        tmp_path_factory.mktemp("shop"),
        DJANGO_SETTINGS_MODULE="tests.application_settings",
        GRANIAN_WORKERS="1",
    ) as service:
        yield service


class TestUploads:
    @pytest.fixture
    def upload(self, shop_service):
        access = shop_service.login(USER)["access"]

        def upload(size: int, path: str = "/api/upload/upload/", **options: Any) -> Any:
            return httpx.post(
                shop_service.url + path,
                headers={"Authorization": f"Bearer {access}"},
                **(options or {"files": {"file": ("x.bin", b"x" * size)}}),
            )

        return upload

    def test_an_operation_can_allow_large_bodies(self, upload):
        answer = upload(MEGABYTE)

        assert answer.status_code == 201
        assert answer.json() == {"size": MEGABYTE}

    def test_bodies_over_the_operations_limit_are_rejected(self, upload):
        answer = upload(5 * MEGABYTE)

        assert_problem(answer, 413, "body_too_large")
        assert answer.json()["detail"] == "The body is larger than 5 MB."

    def test_other_operations_keep_the_default_limit(self, upload):
        answer = upload(0, "/api/nested/orders/", json={"lines": "x" * 65536})

        assert_problem(answer, 413, "body_too_large")
        assert answer.json()["detail"] == "The body is larger than 64 kB."

    def test_chunked_bodies_have_the_same_limit(self, upload):
        chunks = (b"x" * MEGABYTE for _ in range(6))

        answer = upload(0, content=chunks)

        assert_problem(answer, 413, "body_too_large")

    def test_logins_keep_the_default_limit(self, shop_service):
        body = {"username": USER, "password": PASSWORD, "more": "x" * 65536}

        assert_problem(
            httpx.post(f"{shop_service.url}/api/token/", json=body),
            413,
            "body_too_large",
        )
