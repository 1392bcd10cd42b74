"""Linters and generators accept the document, in both versions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.settings import patched_settings
from openapi_schema_validator import (
    OAS30Validator,
    OAS31Validator,
    oas30_format_checker,
    oas31_format_checker,
)

from schema.clients import generators
from schema.document import RENDERERS, VERSIONS, document
from schema.generator import Generator
from tests import applications

VALIDATORS = {
    "3.0": (OAS30Validator, oas30_format_checker),
    "3.1": (OAS31Validator, oas31_format_checker),
}
# The files named here list the disabled rules, with reasons.
LINTERS = {
    "spectral": ("lint", "--fail-severity=hint", "--ruleset=schema/.spectral.yaml"),
    "redocly": ("lint", "--config=schema/redocly.yaml"),
}


@pytest.fixture(params=VERSIONS)
def version(request) -> str:
    return request.param


@pytest.fixture
def openapi(version) -> Any:
    return json.loads(document(version, "json").bodies["identity"])


def parts(of: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document that is not an example."""
    if isinstance(of, dict):
        yield of
        for name, member in of.items():
            if name not in {"example", "examples"}:
                yield from parts(member)
    elif isinstance(of, list):
        for member in of:
            yield from parts(member)


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> list[Path]:
    """The document in each version and form, and one with all kinds of an application's views."""
    folder = tmp_path_factory.mktemp("documents")
    files = [folder / f"{v}.{form}" for v in VERSIONS for form in RENDERERS]
    for file in files:
        file.write_bytes(document(file.stem, file.suffix[1:]).bodies["identity"])
    for version, number in VERSIONS.items():
        with patched_settings({"OAS_VERSION": number}):
            made = Generator(patterns=applications.urlpatterns).get_schema(public=True)
        file = folder / f"applications-{version}.json"
        file.write_bytes(json.dumps(made, default=str).encode())
        files.append(file)
    return files


@pytest.mark.parametrize("linter", LINTERS)
def test_linters_pass(node, documents, linter):
    done = node(f"node_modules/.bin/{linter}", *LINTERS[linter], *documents)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("language", ["python", "typescript", "go", "rust"])
def test_generators_accept_an_applications_views(documents, tmp_path, language):
    """A warning is an error."""
    described = next(file for file in documents if file.stem == "applications-3.0")

    generators.find(language).write(described, tmp_path / "client")

    assert list((tmp_path / "client").iterdir())


def test_every_example_matches_its_schema(openapi, version):
    shared = openapi["components"]["examples"]
    shown = []
    for part in parts(openapi):
        if "schema" not in part:
            continue
        if "example" in part:
            shown.append((part["schema"], part["example"]))
        for example in part.get("examples", {}).values():
            value = shared[example["$ref"].rpartition("/")[2]]["value"]
            shown.append((part["schema"], value))

    validator, formats = VALIDATORS[version]
    for schema, example in shown:
        whole = {"allOf": [schema], "components": openapi["components"]}
        validator(whole, format_checker=formats).validate(example)
    assert len(shown) > 50


def test_every_part_is_described(openapi):
    for component in openapi["components"]["schemas"].values():
        assert component["description"]
        for name, field in component.get("properties", {}).items():
            inner = field.get("items", field)
            assert "$ref" in inner or field["description"], name
    for part in parts(openapi["paths"]):
        if "operationId" in part and "responses" in part:
            assert part["summary"]
            assert part["description"]
            for described in (*part.get("parameters", ()), *part["responses"].values()):
                assert described["description"]


def test_names_contact_and_licence(openapi, version):
    info = openapi["info"]

    assert info["contact"] == {
        "name": "authapi",
        "url": openapi["servers"][0]["url"],
    }
    assert info["license"]["name"] == "MIT"
    assert ("identifier" in info["license"]) == (version == "3.1")
    assert {tag["name"] for tag in openapi["tags"] if tag["description"]} == {
        tag for part in parts(openapi["paths"]) for tag in part.get("tags", ())
    }


def test_contains_nothing_that_breaks_generators(openapi):
    """Each of these broke the client of some generator."""
    for part in parts(openapi):
        assert not {"readOnly", "writeOnly"} & part.keys()
        assert {} not in part.get("security", ())
        if "enum" in part:
            assert None not in part["enum"]
            assert not part.get("nullable")
            assert part["type"] == "string"


def test_links_name_existing_operations_and_fields(openapi):
    """The operation, parameters and body fields that a link names exist."""
    operations = {
        part["operationId"]: part
        for part in parts(openapi["paths"])
        if "responses" in part
    }

    def schema(holder: Any) -> Any:
        name = holder["content"]["application/json"]["schema"]["$ref"]
        return openapi["components"]["schemas"][name.rpartition("/")[2]]

    linked = 0
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target = operations[link["operationId"]]
                if "requestBody" in link:
                    assert link["requestBody"] == "$response.body"
                    needed = schema(target["requestBody"])["required"]
                    assert {*needed} <= {*schema(answer)["required"]}
                named = link.get("parameters", {})
                assert named.keys() <= {p["name"] for p in target.get("parameters", ())}
                for expression in named.values():
                    field = expression.removeprefix("$response.body#/").split("/")[0]
                    assert field in schema(answer)["properties"]
                linked += 1
    assert linked
