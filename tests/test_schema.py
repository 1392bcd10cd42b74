"""``/api/schema/``: the OpenAPI document."""

import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path

import brotli
import httpx
import jwt
import pytest
import yaml
from django.core.management import call_command
from openapi_spec_validator import validate

from tests.conftest import assert_problem
from tests.server import serve

pytestmark = pytest.mark.django_db

OUR_TAGS = {"token", "profile", "sessions", "manual"}
SNAPSHOT = Path(__file__).parent.parent / "schema" / "openapi.yaml"


class TestDocument:
    def test_matches_the_committed_document(self):
        out = io.StringIO()
        call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)

        committed, made = SNAPSHOT.read_text().strip(), out.getvalue().strip()
        drift = "\n".join(
            unified_diff(
                *(committed.splitlines(), made.splitlines()),
                *("schema/openapi.yaml", "the code's"),
                lineterm="",
            )
        )
        assert not drift, f"The document has changed; run: make schema\n{drift}"

    @pytest.mark.parametrize("version", ["3.0", "3.1"])
    def test_is_valid(self, api, version):
        document = api.get(f"/api/schema/?format=json&version={version}").json()

        assert document["openapi"].startswith(version)
        validate(document)

    def test_every_operation_declares_its_security(self, openapi):
        scheme = openapi["components"]["securitySchemes"]["bearerAuth"]

        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
        assert openapi["security"] == [{"bearerAuth": []}]
        stated = {o["operationId"]: o["security"] for o in operations(openapi)}
        for name in ("getProfile", "updateProfile", "listSessions", "manualProfile"):
            assert stated[name] == [{"bearerAuth": []}]
        for name in ("createToken", "refreshToken", "verifyToken", "manualLogin"):
            assert stated[name] == []

    def test_every_answer_has_an_example(self, openapi):
        for operation in operations(openapi):
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    assert {"example", "examples"} & content.keys() or operation[
                        "tags"
                    ][0] not in OUR_TAGS, (operation["operationId"], status)

    def test_every_example_token_decodes(self, openapi):
        for operation in operations(openapi):
            for holder in (
                operation.get("requestBody", {}),
                *operation["responses"].values(),
            ):
                for content in holder.get("content", {}).values():
                    shown = content.get("example", {})
                    for name in {"access", "refresh", "token"} & shown.keys():
                        jwt.decode(shown[name], options={"verify_signature": False})

    def test_is_ascii(self, openapi):
        assert json.dumps(openapi, ensure_ascii=False).isascii()

    def test_contains_the_contracts_operations(self, openapi):
        assert {operation["operationId"] for operation in operations(openapi)} >= {
            *("createToken", "refreshToken", "verifyToken", "revokeToken"),
            *("getProfile", "updateProfile"),
            *("listSessions", "endSession", "endOtherSessions"),
            *("manualLogin", "manualProfile"),
        }


class TestNegotiation:
    @pytest.mark.parametrize(
        ("query", "accept", "media_type"),
        [
            ("", "*/*", "application/vnd.oai.openapi"),
            ("", "text/html", "application/vnd.oai.openapi"),
            ("", "a/b; x*=nope''%41", "application/vnd.oai.openapi"),
            ("", "application/json", "application/json"),
            ("", "application/yaml", "application/yaml"),
            ("?format=json", "*/*", "application/vnd.oai.openapi+json"),
            ("?format=yaml", "application/json", "application/vnd.oai.openapi"),
        ],
    )
    def test_format_or_accept_selects_the_form(self, api, query, accept, media_type):
        answer = api.client.get(f"/api/schema/{query}", headers={"Accept": accept})

        assert answer["Content-Type"] == media_type
        parse = json.loads if "json" in media_type else yaml.safe_load
        assert parse(answer.content)["openapi"] == "3.0.3"
        assert "Accept" in answer["Vary"]

    @pytest.mark.parametrize("query", ["format=xml", "version=2.0", "version="])
    def test_an_unknown_form_lists_the_offered_ones(self, api, query):
        answer = api.get(f"/api/schema/?{query}")

        assert_problem(answer, 400, "invalid")
        assert "yaml or json" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("accepted", "coding", "decode"),
        [
            ("gzip, deflate, br", "br", brotli.decompress),
            ("gzip", "gzip", gzip.decompress),
            ("br;q=0, gzip;q=0.5", "gzip", gzip.decompress),
            ("identity, br;q=0.000", None, bytes),
        ],
    )
    def test_is_compressed(self, api, accepted, coding, decode):
        plain = api.get("/api/schema/")

        answer = api.client.get("/api/schema/", headers={"Accept-Encoding": accepted})

        assert answer.headers.get("Content-Encoding") == coding
        assert decode(answer.content) == plain.content
        assert "Accept-Encoding" in answer["Vary"]


class TestCaching:
    def test_an_unchanged_document_gets_a_304(self, api):
        first = api.get("/api/schema/")

        again = api.client.get("/api/schema/", headers={"If-None-Match": first["ETag"]})

        assert again.status_code == 304
        assert not again.content
        assert again["ETag"] == first["ETag"]
        assert not first["ETag"].startswith("W/")

    def test_each_representation_has_its_own_etag(self, api):
        tags = {
            api.client.get(f"/api/schema/{query}", headers={"Accept-Encoding": coding})[
                "ETag"
            ]
            for query in ("?format=json", "?format=yaml", "?version=3.1")
            for coding in ("br", "gzip", "identity")
        }

        assert len(tags) == 9

    def test_fifty_simultaneous_first_requests_get_one_document(self, tmp_path):
        with serve(tmp_path) as service, ThreadPoolExecutor(50) as pool:
            bodies = set(
                pool.map(
                    lambda _: httpx.get(f"{service.url}/api/schema/").content, range(50)
                )
            )

        assert len(bodies) == 1


def placed(document):
    return [
        (path, o) for path, item in document["paths"].items() for o in item.values()
    ]


def operations(document):
    return [operation for _, operation in placed(document)]
