"""Holds answers against the OpenAPI document: status, headers, media type, body."""

import json
import re
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from authapi.error_format import NOT_UNDERSTOOD
from schema.document import document


def _before(answer: Any) -> bool:
    """
    Whether the request was refused before an operation was looked for.

    By the server, its headers being too large, or by Django, which does not know the host or will not
    read so many parameters.
    """
    return answer.status_code == 431 or (
        answer.status_code == 400 and answer.json()["detail"] == NOT_UNDERSTOOD
    )


class Contract:
    """What a document promises of the answers to its operations."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self.openapi = openapi
        self.met: set[tuple[str, str]] = set()
        self._components = json.loads(json.dumps(openapi["components"]))
        for component in self._components["schemas"].values():
            if "properties" in component:
                # No member may stand in an answer that is not documented.
                component["additionalProperties"] = False
        self._validators: dict[str, OAS30Validator] = {}

    def check(self, method: str, path: str, answer: Any) -> None:
        """
        Assert that the document tells of this answer, Django's or httpx's, and note it as met.

        Paths and methods that are not in it have no contract but the problem's shape, nor have
        requests that reached no operation. A 500 is promised never: tests that provoke one check it
        by themselves.
        """
        operation = self._operation(method, path)
        if operation is None or answer.status_code == 500 or _before(answer):
            return
        name, status = operation["operationId"], str(answer.status_code)
        assert status in operation["responses"], f"{name} does not document {status}"
        documented = operation["responses"][status]
        for header in documented.get("headers", {}):
            assert header in answer.headers, f"{name}: {status} lacks {header}"
        if "content" not in documented:
            assert not answer.content, f"{name}: {status} has a body"
        else:
            media_type = answer.headers["Content-Type"]
            assert media_type in documented["content"], f"{name}: {media_type}"
            if method != "HEAD":
                self._validate(documented["content"][media_type]["schema"], answer)
        self.met.add((name, status))

    def promised(self) -> set[tuple[str, str]]:
        """Every operation with every status that it may answer."""
        return {
            (operation["operationId"], status)
            for item in self.openapi["paths"].values()
            for operation in item.values()
            for status in operation["responses"]
        }

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        method = "get" if method == "HEAD" else method.lower()
        for template, item in self.openapi["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", "[0-9a-f-]{36}", template), path):
                return item.get(method)
        return None

    def _validate(self, schema: dict[str, Any], answer: Any) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {"allOf": [schema], "components": self._components}
            self._validators[key] = OAS30Validator(
                whole, format_checker=oas30_format_checker
            )
        self._validators[key].validate(answer.json())


@cache
def served() -> Contract:
    """The contract that the service publishes."""
    return Contract(json.loads(document("3.0", "json").bodies["identity"]))


def check(method: str, path: str, answer: Any) -> None:
    served().check(method, path, answer)
