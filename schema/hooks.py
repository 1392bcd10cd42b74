"""Passes over the finished document: result in, result out. Their order is in the settings."""

from collections.abc import Iterator
from typing import Any

from rest_framework import exceptions

from authapi import errors
from authapi.error_format import MEDIA_TYPE, problem_of
from authapi.errors import Code

Document = dict[str, Any]

_PROBLEM: Document = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Branch on `code`; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status code."},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "errors": {
            "type": "object",
            "description": "With `invalid`: each field's messages.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_CODE: Document = {
    "type": "string",
    "description": "What a client branches on.",
    "enum": [code.value for code in Code],
}
_CHALLENGE: Document = {
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750, section 3).",
        "schema": {"type": "string"},
    }
}

_RETRY_AFTER: Document = {
    "Retry-After": {
        "description": "How many seconds to wait.",
        "schema": {"type": "integer"},
    }
}

_BAD = "This is not a valid value."

_BEARER_REFUSALS = (
    exceptions.NotAuthenticated(),
    errors.TokenRejected(),
    errors.TokenExpired(),
    errors.SessionEnded(),
)
_PUBLIC_REFUSALS = {
    "createToken": (errors.BadCredentials(),),
    "manualLogin": (errors.BadCredentials(),),
    "refreshToken": (
        errors.TokenRejected(),
        errors.SessionEnded(),
        errors.SessionReplayed(),
    ),
    "verifyToken": (
        errors.TokenRejected(),
        errors.TokenExpired(),
        errors.SessionEnded(),
    ),
    "revokeToken": (errors.TokenRejected(), errors.SessionEnded()),
}

_LIMITED = {"createToken", "manualLogin", "refreshToken", "verifyToken"}


def summarise(result: Document, **kwargs: Any) -> Document:
    """Make the first line of a view's docstring the operation's summary."""
    for operation in _operations(result):
        summary, _, rest = operation["description"].partition("\n\n")
        operation["summary"], operation["description"] = summary, rest
    return result


def open_public_operations(result: Document, **kwargs: Any) -> Document:
    """State ``security: []`` where no token is asked for."""
    for operation in _operations(result):
        operation.setdefault("security", [])
    return result


def drop_read_only(result: Document, **kwargs: Any) -> Document:
    """
    Drop ``readOnly``: requests and answers are components of their own.

    Left in, it makes generators drop the fields from constructors and types of answers.
    """
    for component in result["components"]["schemas"].values():
        fields = component.get("properties", {})
        for name, field in fields.items():
            field.pop("readOnly", None)
            if field.keys() == {"allOf"} and len(field["allOf"]) == 1:
                fields[name] = field["allOf"][0]
    return result


def describe_answers(result: Document, **kwargs: Any) -> Document:
    """Say of an answer what its serializer's docstring says."""
    for operation in _operations(result):
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                answer["description"] = result["components"]["schemas"][name][
                    "description"
                ]
    return result


def forbid_nul(result: Document, **kwargs: Any) -> Document:
    """Say of every text that is sent what DRF refuses in it, since PostgreSQL cannot store it."""
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            for field in component["properties"].values():
                field["pattern"] = r"^[^\u0000]*$"
    return result


def place_examples(result: Document, **kwargs: Any) -> Document:
    """
    Put each example where generators look: a body's into its schema, a problem's into ``components``.

    Where it is used openapi-generator 7.26 warns of it.
    """
    shared = result["components"].setdefault("examples", {})
    for operation in _operations(result):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media_type, content in _contents(bodies):
            examples = content.pop("examples")
            if media_type != MEDIA_TYPE:
                name = content["schema"]["$ref"].rpartition("/")[2]
                (example,) = examples.values()
                result["components"]["schemas"][name]["example"] = example["value"]
                continue
            content["examples"] = {}
            for code, example in examples.items():
                # The same code may say different things, of fields for instance.
                alike = (name for name, other in shared.items() if other == example)
                name = next(alike, f"{code}_{sum(n.startswith(code) for n in shared)}")
                shared[name] = example
                content["examples"][code] = {"$ref": f"#/components/examples/{name}"}
    return result


def speak_3_1(result: Document, **kwargs: Any) -> Document:
    """
    In 3.1 null is a type of its own, a schema may have many examples, and a licence is named by its
    SPDX identifier.
    """
    if result["openapi"].startswith("3.1"):
        name = result["info"]["license"]["name"]
        result["info"]["license"] = {"name": name, "identifier": name}
        for component in result["components"]["schemas"].values():
            if "example" in component:
                component["examples"] = [component.pop("example")]
            for field in component.get("properties", {}).values():
                # drf-spectacular writes its own fields so, but not what a paginator states.
                if field.pop("nullable", False):
                    field["type"] = [field["type"], "null"]
    return result


def document_errors(result: Document, **kwargs: Any) -> Document:
    """Add the problems that an operation can answer, by what it takes."""
    result["components"]["schemas"] |= {"Problem": _PROBLEM, "ProblemCode": _CODE}
    for operation in _operations(result):
        responses = operation["responses"]
        for answer in responses.values():
            answer["description"] = answer["description"] or "Done."
        refusals = _PUBLIC_REFUSALS.get(operation["operationId"], _BEARER_REFUSALS)
        responses["401"] = {
            **_answer("Not let in.", *refusals),
            "headers": _CHALLENGE,
        }
        if operation["operationId"] in _LIMITED:
            responses |= {
                "429": _answer("Too many requests.", exceptions.Throttled(12)),
                "503": _answer("Busy, or down.", errors.Unavailable()),
            }
            for status in ("429", "503"):
                responses[status]["headers"] = _RETRY_AFTER
        if "requestBody" in operation:
            responses |= {
                "400": _answer(
                    "The body is not as described.",
                    exceptions.ValidationError({_a_field(result, operation): [_BAD]}),
                    exceptions.ParseError("The body is not JSON."),
                ),
                "413": _answer("The body is too large.", errors.BodyTooLarge()),
                "415": _answer(
                    "The body is of another type than JSON.",
                    exceptions.UnsupportedMediaType("text/plain"),
                ),
            }
        if operation.get("parameters"):
            responses["404"] = _answer("There is none.", exceptions.NotFound())
        operation["responses"] = dict(sorted(responses.items()))
    return result


def _operations(result: Document) -> Iterator[Document]:
    return (
        operation for path in result["paths"].values() for operation in path.values()
    )


def _contents(bodies: list[Document]) -> Iterator[tuple[str, Document]]:
    return (item for body in bodies for item in body.get("content", {}).items())


def _answer(description: str, *refusals: exceptions.APIException) -> Document:
    """A response whose examples are what the service says of *refusals*."""
    problems = [problem_of(refusal) for refusal in refusals]
    examples = {problem["code"]: {"value": problem} for problem in problems}
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {MEDIA_TYPE: {"schema": schema, "examples": examples}}
    return {"description": description, "content": content}


def _a_field(result: Document, operation: Document) -> str:
    reference = operation["requestBody"]["content"]["application/json"]["schema"][
        "$ref"
    ]
    component = result["components"]["schemas"][reference.rpartition("/")[2]]
    return str(next(iter(component["properties"])))
