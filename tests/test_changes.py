"""
The document stays compatible with generated clients, or the major version rises.

``schema/released.yaml`` is the document of the last release; ``make release`` updates it.
"""

import json
from copy import deepcopy

import pytest
import yaml

from tests.server import ROOT


@pytest.fixture(scope="module")
def released():
    return yaml.safe_load((ROOT / "schema" / "released.yaml").read_text())


@pytest.fixture
def compare(node, tmp_path):
    """Compare two documents. Return whether the change is allowed, and what it breaks."""

    def compare(before, after):
        files = tmp_path / "before.json", tmp_path / "after.json"
        for file, document in zip(files, (before, after), strict=True):
            file.write_text(json.dumps(document))
        done = node("schema/breaking.mjs", *files)
        assert not done.stderr, done.stderr
        return done.returncode == 0, done.stdout

    return compare


def test_the_document_is_compatible_with_the_released_one(compare, released):
    today = yaml.safe_load((ROOT / "schema" / "openapi.yaml").read_text())

    allowed, broken = compare(released, today)

    assert allowed, (
        f"Clients of {released['info']['version']} break. Fix the change, or raise the major version"
        f" in pyproject.toml and run: make schema\n{broken}"
    )


def operation(document, name):
    return next(
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if operation["operationId"] == name
    )


def fields(document, name):
    return document["components"]["schemas"][name]["properties"]


def require(document, component, field, **shape):
    fields(document, component)[field] = {"type": "string", **shape}
    document["components"]["schemas"][component]["required"].append(field)


def drop(document, component, field):
    del fields(document, component)[field]
    document["components"]["schemas"][component]["required"].remove(field)


def query(**more):
    return {"name": "q", "in": "query", "schema": {"type": "string"}, **more}


BREAKING = {
    "an operation removed": lambda d: d["paths"]["/api/profile/"].pop("patch"),
    "a path moved": lambda d: d["paths"].update(
        {"/api/login/": d["paths"].pop("/api/token/")}
    ),
    "an operation renamed": lambda d: operation(d, "createToken").update(
        operationId="login"
    ),
    "an operation moved to another tag": lambda d: operation(d, "createToken").update(
        tags=["profile"]
    ),
    "a type renamed": lambda d: d.update(
        json.loads(json.dumps(d).replace("UserProfile", "Person"))
    ),
    "a status removed": lambda d: operation(d, "createToken")["responses"].pop("401"),
    "a field removed from an answer": lambda d: drop(d, "UserProfile", "email"),
    "a field no longer in every answer": lambda d: d["components"]["schemas"][
        "UserProfile"
    ]["required"].remove("email"),
    "a field of an answer null at times": lambda d: fields(d, "UserProfile")[
        "email"
    ].update(nullable=True),
    "another type in an answer": lambda d: fields(d, "TokenStatus")[
        "expires_in"
    ].update(type="string"),
    "a value more in an answer": lambda d: d["components"]["schemas"]["TokenType"][
        "enum"
    ].append("manual"),
    "a value less in an answer": lambda d: d["components"]["schemas"]["ProblemCode"][
        "enum"
    ].pop(),
    "a header removed from an answer": lambda d: operation(d, "getProfile")[
        "responses"
    ]["401"].pop("headers"),
    "another type in a request": lambda d: fields(d, "VerifyRequest")["token"].update(
        type="integer"
    ),
    "a narrower text in a request": lambda d: fields(d, "VerifyRequest")[
        "token"
    ].update(maxLength=10),
    "certain values alone in a request": lambda d: fields(d, "VerifyRequest")[
        "token"
    ].update(enum=["x"]),
    "a new required field": lambda d: require(d, "CredentialsRequest", "otp"),
    "a field now required": lambda d: d["components"]["schemas"][
        "PatchedProfileUpdateRequest"
    ].update(required=["email"]),
    "a field removed from a request": lambda d: fields(
        d, "PatchedProfileUpdateRequest"
    ).pop("email"),
    "no other fields in a request": lambda d: d["components"]["schemas"][
        "CredentialsRequest"
    ].update(additionalProperties=False),
    "a body now required": lambda d: operation(d, "updateProfile")[
        "requestBody"
    ].update(required=True),
    "a new required parameter": lambda d: operation(d, "listSessions")[
        "parameters"
    ].append(query(required=True)),
    "a first parameter, required": lambda d: operation(d, "getProfile").update(
        parameters=[query(required=True)]
    ),
    "a parameter removed": lambda d: operation(d, "listSessions").pop("parameters"),
    "a token now asked for": lambda d: operation(d, "createToken").update(
        security=[{"bearerAuth": []}]
    ),
}
HARMLESS = {
    "nothing": lambda d: None,
    "a new optional field": lambda d: fields(d, "CredentialsRequest").update(
        otp={"type": "string"}
    ),
    "a new field in an answer": lambda d: require(d, "UserProfile", "phone"),
    "a new operation": lambda d: d["paths"].update(
        {"/x/": {"get": {**operation(d, "getProfile"), "operationId": "getX"}}}
    ),
    "a new status": lambda d: operation(d, "createToken")["responses"].update(
        {"409": operation(d, "createToken")["responses"]["400"]}
    ),
    "a new optional parameter": lambda d: operation(d, "listSessions")[
        "parameters"
    ].append(query()),
    "a longer text in a request": lambda d: fields(d, "VerifyRequest")["token"].update(
        maxLength=10_000
    ),
    "a field no longer required": lambda d: d["components"]["schemas"][
        "CredentialsRequest"
    ]["required"].remove("password"),
    "other words": lambda d: fields(d, "UserProfile")["email"].update(description="x"),
    "a new link": lambda d: operation(d, "getProfile")["responses"]["200"].update(
        links={"again": {"operationId": "getProfile"}}
    ),
    "another server": lambda d: d["servers"][0].update(url="https://example.com"),
}


def changed(document, change):
    copy = deepcopy(document)
    change(copy)
    return copy


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_breaking_changes_are_rejected(compare, released, change):
    allowed, broken = compare(released, changed(released, change))

    assert not allowed
    assert broken


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_compatible_changes_are_allowed(compare, released, change):
    assert compare(released, changed(released, change)) == (True, "")


def test_fewer_enum_values_in_a_request_are_rejected(compare, released):
    """The API has no such field yet, so the earlier document is invented as well."""
    many, one = (
        changed(
            released,
            lambda d, values=values: operation(d, "listSessions")["parameters"].append(
                query(schema={"type": "string", "enum": values})
            ),
        )
        for values in (["a", "b"], ["a"])
    )

    assert not compare(many, one)[0]
    assert compare(one, many) == (True, "")


@pytest.mark.parametrize(
    ("version", "allowed"), [("1.9.0", False), ("2.0.0", True), ("10.0.0", True)]
)
def test_a_new_major_version_may_break(compare, released, version, allowed):
    broken = changed(released, BREAKING["a status removed"])
    broken["info"]["version"] = version

    assert compare(released, broken)[0] == allowed
