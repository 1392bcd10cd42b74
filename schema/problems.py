"""The documentation of errors: one schema, ``Problem``, and an example for each error."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.exceptions import APIException

from authapi.http.problems import MEDIA_TYPE, problem_of
from schema.refusals import USUAL

Schema = dict[str, Any]


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


_PROBLEM: Schema = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Branch on `code` and `reason`; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": _text("Always `about:blank`."),
        "title": _text("The status in words."),
        "status": {"type": "integer", "description": "The HTTP status code."},
        "detail": _text("What happened and what to do."),
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "errors": {
            "type": "object",
            "description": (
                "Each field's messages, by its path (`tags.0.name`);"
                " `non_field_errors` are of the whole body."
            ),
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "messages": {
            "type": "array",
            "description": (
                "Only for a bearer token that is not accepted: which one, as clients of"
                " djangorestframework-simplejwt expect it. Others branch on `code` and `reason`."
            ),
            "items": {
                "type": "object",
                "required": ["token_class", "token_type", "message"],
                "properties": {
                    "token_class": _text("Always `AccessToken`."),
                    "token_type": _text("Always `access`."),
                    "message": _text("As `detail`."),
                },
            },
        },
    },
}
_DESCRIPTIONS = {
    400: "The request is not valid.",
    401: "Not signed in, or the token is not accepted.",
    403: "Signed in, and not allowed.",
    404: "Not found.",
    409: "The request conflicts with the present state.",
    413: "The body is too large.",
    415: "The operation does not take this media type.",
    429: "Too many requests.",
    503: "The service is busy or unavailable.",
}


def document_problems(
    operation: Schema, refusals: Iterable[APIException], registry: ComponentRegistry
) -> None:
    """Add a response for the status of each refusal, with an example."""
    responses = operation["responses"]
    for refusal in refusals:
        body = problem_of(refusal)
        response = responses.setdefault(str(body["status"]), {})
        response.setdefault(
            "description", _DESCRIPTIONS.get(body["status"], f"{body['title']}.")
        )
        content = response.setdefault("content", {}).setdefault(
            MEDIA_TYPE, {"schema": _problem_schema(body, registry), "examples": {}}
        )
        if header := _header(refusal):
            response.setdefault("headers", {}).update(header)
        key = "_".join(filter(None, (body["code"], body.get("reason"))))
        content["examples"].setdefault(
            key, _example(refusal, body, operation["operationId"], registry)
        )
    operation["responses"] = dict(sorted(responses.items()))


def _header(refusal: APIException) -> Schema:
    if hasattr(refusal, "wait"):
        name, kind, said = "Retry-After", "integer", "How many seconds to wait."
    elif refusal.status_code == 401:
        name, kind = "WWW-Authenticate", "string"
        said = "The challenge (RFC 6750, section 3)."
    else:
        return {}
    return {name: {"description": said, "schema": {"type": kind}}}


def _problem_schema(body: Schema, registry: ComponentRegistry) -> Schema:
    """Return a reference to ``Problem``, and add this code and reason to its enums."""
    problem = _shared(registry, "Problem", deepcopy(_PROBLEM))
    _enum(registry, "ProblemCode", "What a client branches on.", body["code"])
    if "reason" in body:
        said = "Which case of the code it is."
        reason = _enum(registry, "ProblemReason", said, body["reason"])
        problem.schema["properties"]["reason"] = reason.ref
    return dict(problem.ref)


def _enum(
    registry: ComponentRegistry, name: str, description: str, value: str
) -> ResolvedComponent:
    found = _shared(registry, name, {**_text(description), "enum": []})
    found.schema["enum"] = sorted({*found.schema["enum"], value})
    return found


def _shared(
    registry: ComponentRegistry, name: str, schema: Schema
) -> ResolvedComponent:
    component = ResolvedComponent(
        name, ResolvedComponent.SCHEMA, schema, object=document_problems
    )
    registry.register_on_missing(component)
    return registry[component]


def _example(
    refusal: APIException, body: Schema, operation_id: str, registry: ComponentRegistry
) -> Schema:
    """
    Return a reference to the example of *refusal*.

    An example with the default text of its class is shared. Any other belongs to the operation, so a
    new operation does not change the examples of others.
    """
    name = type(refusal).__name__
    if not _is_usual(refusal, body):
        name = f"{operation_id}_{name}"
    taken = registry._components.get((name, "examples"))
    if taken and taken.object is not type(refusal):
        # Another app's, which has the same name.
        name = f"{type(refusal).__module__.replace('.', '_')}_{name}"
    component = ResolvedComponent(
        name=name, type="examples", schema={"value": body}, object=type(refusal)
    )
    registry.register_on_missing(component)
    return dict(component.ref)


def _is_usual(refusal: APIException, body: Schema) -> bool:
    return refusal in USUAL or problem_of(type(refusal)()) == body
