"""Checks answers against the OpenAPI document: status, headers, media type, body and error code."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from openapi_schema_validator import OAS31Validator, oas31_format_checker

from authapi.http.problems import MEDIA_TYPE, NOT_UNDERSTOOD


class Promise(NamedTuple):
    """One answer that the document promises; *case* is ``code`` or ``code reason`` of a problem."""

    operation: str
    status: str
    case: str

    def __str__(self) -> str:
        return f"{self.operation} answers {self.status} {self.case}".strip()


class Contract:
    """The answers that a document in OpenAPI 3.1, whose schemas are JSON Schema, promises."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self.openapi = openapi
        self.met: set[Promise] = set()
        self._components = json.loads(json.dumps(openapi["components"]))
        for component in self._components["schemas"].values():
            if "properties" in component:
                # Answers must not contain undocumented members.
                component["additionalProperties"] = False
        self._validators: dict[str, OAS31Validator] = {}
        # Paths without parameters come first, or `/{id}/` would match them.
        self._paths = sorted(openapi["paths"], key=lambda path: path.count("{"))

    def check(self, method: str, path: str, answer: Any) -> None:
        """
        Assert that the document describes this answer (Django's or httpx's), and record it as met.

        Undocumented paths and methods are not checked, nor are requests that reached no operation. A
        500 is never promised, so tests that provoke one must check it themselves.
        """
        operation = self._operation(method, path)
        if operation is None or answer.status_code == 500 or _before(answer):
            return
        name, status = operation["operationId"], str(answer.status_code)
        assert status in operation["responses"], f"{name} does not document {status}"
        documented = operation["responses"][status]
        for header in documented.get("headers", {}):
            assert header in answer.headers, f"{name}: {status} lacks {header}"
        case = ""
        if "content" not in documented:
            assert not answer.content, f"{name}: {status} has a body"
        else:
            media_type = answer.headers["Content-Type"].partition(";")[0]
            contents = documented["content"]
            content = contents.get(media_type, contents.get("*/*"))
            assert content, f"{name}: {status} does not document {media_type}"
            if method == "HEAD":
                return
            if "json" in media_type:
                self._validate(content["schema"], answer)
                if media_type == MEDIA_TYPE:
                    case = _case(answer.json())
                    cases = self._cases(documented)
                    assert case in cases, (
                        f"{name} does not document {status} {case!r}, only {cases}. If a rule of "
                        "yours refuses so, add its exception to `refuses` of the operation."
                    )
        self.met.add(Promise(name, status, case))

    def promised(self) -> set[Promise]:
        """Every answer that every operation may give."""
        return {
            Promise(operation["operationId"], status, case)
            for _, _, operation in self.operations()
            for status, answer in operation["responses"].items()
            for case in self._cases(answer)
        }

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield method, path and operation for each operation."""
        for path, item in self.openapi["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def _cases(self, answer: dict[str, Any]) -> list[str]:
        examples = answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        shared = self.openapi["components"].get("examples", {})
        return [
            _case(shared[example["$ref"].rpartition("/")[2]]["value"])
            for example in examples.values()
        ] or [""]

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        method = "get" if method == "HEAD" else method.lower()
        for template in self._paths:
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                item: dict[str, Any] = self.openapi["paths"][template]
                return item.get(method)
        return None

    def _validate(self, schema: dict[str, Any], answer: Any) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {"allOf": [schema], "components": self._components}
            self._validators[key] = OAS31Validator(
                whole, format_checker=oas31_format_checker
            )
        self._validators[key].validate(answer.json())


def _case(problem: dict[str, Any]) -> str:
    return " ".join(filter(None, (problem["code"], problem.get("reason"))))


def _before(answer: Any) -> bool:
    """
    Whether the request was rejected before it was routed to an operation.

    The server rejects headers that are too large. Django rejects unknown hosts and too many parameters.
    """
    return answer.status_code == 431 or (
        answer.status_code == 400
        and answer.headers.get("Content-Type") == MEDIA_TYPE
        and bool(answer.json()["detail"] == NOT_UNDERSTOOD)
    )
