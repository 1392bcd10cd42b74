"""
The declaration of an API operation, next to its handler.

    class NoteViewSet(ModelViewSet):
        @action(detail=True, methods=["post"])
        @operation("archiveNote", answers=NoteSerializer, refuses=(NoteLocked,))
        def archive(self, request, pk): ...

The declaration is optional: ``schema.operations`` derives the rest from the view's classes, and has
sensible defaults. On a class, or on a function under ``@api_view``, ``operation`` applies to every
method.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException

F = TypeVar("F", bound=Callable[..., Any])

# As drf-spectacular's ``responses``. A text describes an answer without a body.
Answers = Any


def operation(
    operation_id: str | None = None,
    *,
    tag: str | None = None,
    answers: Answers = None,
    refuses: Collection[type[APIException]] = (),
    links: Mapping[str, Mapping[str, Any]] | None = None,
    max_body_bytes: int | None = None,
    **schema: Any,
) -> Callable[[F], F]:
    """
    Declare what the document says about an operation beyond what its view's classes imply.

    Args:
        operation_id: its name in generated clients.
        tag: its group in the document; by default the name of its app.
        answers: a serializer, or the answer for each status: ``{204: "The note is deleted."}``.
        refuses: the exceptions that it raises beyond those of its view's classes. Each must be callable
            without arguments, because the document shows an example.
        links: the operations that its answer leads to, as a mapping of operationId to the members of an
            OpenAPI Link Object.
        max_body_bytes: the maximum size of a body; by default ``MAX_BODY_BYTES``.
        schema: whatever else drf-spectacular's ``extend_schema`` takes.
    """
    if tag is not None:
        schema["tags"] = [tag]
    if answers is not None:
        schema["responses"] = _responses(answers)

    def declared(target: F) -> F:
        extend_schema(operation_id, **schema)(target)
        # ``api_view`` has turned the function into a class.
        holder: Any = getattr(target, "cls", target)
        holder.refuses = (*getattr(holder, "refuses", ()), *refuses)
        if links is not None:
            holder.operation_links = links
        if max_body_bytes is not None:
            holder.max_body_bytes = max_body_bytes
        return target

    return declared


def declared_by(view: type | object, handler: Any, name: str, default: Any) -> Any:
    """Return what *handler* declares, else what its view does, else *default*."""
    return getattr(handler, name, getattr(view, name, default))


def body_limit(callback: Callable[..., Any], method: str) -> int:
    """Return the maximum body size in bytes for *callback*, the view of a URL."""
    view = getattr(callback, "cls", getattr(callback, "view_class", callback))
    actions = getattr(callback, "actions", None) or {}
    name = actions.get(method.lower(), method.lower())
    return limit_of(view, getattr(view, name, None))


def limit_of(view: type | object, handler: Any) -> int:
    """Like ``body_limit``, for a view's *handler*."""
    return int(declared_by(view, handler, "max_body_bytes", settings.MAX_BODY_BYTES))


def _responses(answers: Answers) -> Answers:
    if not isinstance(answers, Mapping):
        return answers
    return {
        status: OpenApiResponse(description=answer)
        if isinstance(answer, str)
        else answer
        for status, answer in answers.items()
    }
