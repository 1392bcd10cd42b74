"""Holds an answer against the OpenAPI document: its status, its media type, its body."""

import json
import re
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from schema.document import document


@cache
def openapi() -> dict[str, Any]:
    return json.loads(document("3.0", "json").bodies["identity"])


def check(method: str, path: str, answer: Any) -> None:
    """
    Assert that the document tells of this answer.

    Paths and methods that are not in it have no contract but the problem's shape, and a 500 is
    promised never: tests that provoke one check it by themselves.
    """
    operation = _operation(method, path)
    if operation is None or answer.status_code >= 500:
        return
    assert str(answer.status_code) in operation["responses"], (
        f"{operation['operationId']} does not document {answer.status_code}"
    )
    documented = operation["responses"][str(answer.status_code)]
    for header in documented.get("headers", {}):
        assert answer.has_header(header)
    if "content" not in documented:
        assert not answer.content
        return
    assert answer["Content-Type"] in documented["content"]
    if method != "HEAD":
        schema = documented["content"][answer["Content-Type"]]["schema"]
        _validator(json.dumps(schema)).validate(answer.json())


def _operation(method: str, path: str) -> dict[str, Any] | None:
    method = "get" if method == "HEAD" else method.lower()
    for template, item in openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[0-9a-f-]{36}", template), path):
            return item.get(method)
    return None


@cache
def _validator(schema: str) -> OAS30Validator:
    """The validator of an answer, in which no member may stand that is not documented."""
    components = json.loads(json.dumps(openapi()["components"]))
    for component in components["schemas"].values():
        if "properties" in component:
            component["additionalProperties"] = False
    whole = {"allOf": [json.loads(schema)], "components": components}
    return OAS30Validator(whole, format_checker=oas30_format_checker)
