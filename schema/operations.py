"""
The documentation of one operation, derived from its view.

``OperationSchema`` extends drf-spectacular's ``AutoSchema``. It also documents the errors of a view's
classes (``schema.refusals``), supplies texts for views without docstrings (``schema.wording``), and
describes a view without a serializer as one that accepts or returns anything.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase, JsonResponse
from drf_spectacular.drainage import error
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from authapi.http.operation import declared_by
from schema import wording
from schema.problems import document_problems
from schema.refusals import refusals

Schema = dict[str, Any]

_STATED = ("serializer_class", "get_serializer", "get_serializer_class")
_MEDIA_TYPE = re.compile(r"(application|audio|font|image|text|video)/[\w.+-]+")
_DJANGOS = {"HttpResponse", "StreamingHttpResponse", "FileResponse"}


class OperationSchema(AutoSchema):
    """drf-spectacular's ``AutoSchema``, which also documents the errors of a view."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        """
        Return the operation, or None if the view's own code fails, so that the others are still
        served.
        """
        try:
            operation = super().get_operation(*args, **kwargs)
            if operation is not None:
                self._complete(operation)
        except Exception as fault:  # whatever a view's own code raises
            error(f"{self.method} {self.path} cannot be described: {fault!r}")
            return None
        return operation

    def _complete(self, operation: Schema) -> None:
        # The root requires a token, so an operation without one must override it.
        operation.setdefault("security", [])
        if links := declared_by(self.view, self.handler, "operation_links", None):
            first = min(operation["responses"])
            operation["responses"][first]["links"] = {
                name: {"operationId": name, **link} for name, link in links.items()
            }
        refused = refusals(self, body="requestBody" in operation)
        document_problems(operation, refused, self.registry)

    @property
    def handler(self) -> Callable[..., Any]:
        """The view's method that handles the request."""
        name = getattr(self.view, "action", None) or self.method.lower()
        handler: Callable[..., Any] = getattr(self.view, name)
        return handler

    def get_tags(self) -> list[str]:
        tag = wording.tag(self.view)
        return [tag] if tag else super().get_tags()

    def get_summary(self) -> str:
        return wording.summary(self)

    def get_description(self) -> str:  # type: ignore[override]  # as in drf-spectacular
        return wording.description(self)

    def _get_serializer(self) -> Any:
        plain = not isinstance(self.view, GenericAPIView)
        if plain and not any(getattr(self.view, name, None) for name in _STATED):
            return OpenApiTypes.ANY
        return super()._get_serializer()

    def get_request_serializer(self) -> Any:
        serializer: Any = super().get_request_serializer()
        if serializer is not OpenApiTypes.ANY:
            return serializer
        return {media_type: _anything(media_type) for media_type in self.map_parsers()}

    def get_response_serializers(self) -> Any:
        if _makes_djangos_response(self.handler):
            media_type = _media_type_of(self.handler)
            text = media_type.startswith("text/")
            return {
                (200, media_type): OpenApiTypes.STR if text else OpenApiTypes.BINARY
            }
        return super().get_response_serializers()

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Like drf-spectacular's method, which does not look inside an ``OpenApiResponse``."""
        if serializer is None:
            serializer = self.get_response_serializers()
        if isinstance(serializer, dict) and serializer:
            serializer = serializer[min(serializer, key=str)]
        serializer = getattr(serializer, "response", serializer)
        return bool(super()._is_list_view(serializer))

    def _get_response_for_code(
        self, serializer: Any, status_code: str, *args: Any, **kwargs: Any
    ) -> Schema:
        response: Schema = super()._get_response_for_code(
            serializer, status_code, *args, **kwargs
        )
        if not getattr(serializer, "description", None):
            response["description"] = wording.answer(self, serializer, status_code)
        return response

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> Schema:
        responses: Schema = super()._get_response_bodies(*args, **kwargs)
        for status, response in responses.items():
            # What drf-spectacular says of a DELETE.
            if str(response.get("description")) == "No response body":
                response["description"] = wording.answer(self, None, status)
        return responses

    def _get_format_parameters(self) -> list[Schema]:
        parameters: list[Schema] = super()._get_format_parameters()
        for parameter in parameters:
            parameter["description"] = "The form of the answer."
        return parameters

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        parameters: list[Schema] = super()._resolve_path_parameters(variables)
        for parameter in parameters:
            parameter.setdefault(
                "description", wording.parameter(self, parameter["name"])
            )
        return parameters

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        shape: Schema = super()._map_basic_serializer(serializer, direction)
        shape.setdefault("description", wording.component(type(serializer)))
        if direction == "response" and isinstance(
            serializer, serializers.ModelSerializer
        ):
            # A row has a value for every field, so every answer has one too. What lies behind a
            # relation to nothing is left out.
            shape["required"] = sorted(
                name
                for name in shape.get("properties", {})
                if not _may_be_left_out(serializer.fields[name])
            )
        return shape


def _may_be_left_out(field: serializers.Field) -> bool:
    """As ``Field.get_attribute`` decides where the source is not found."""
    return (
        "." in (field.source or "")
        and field.default is serializers.empty
        and not field.allow_null
        and not field.required
    )


def _anything(media_type: str) -> Any:
    """Return the schema of a body that has no serializer."""
    if "json" in media_type:
        return OpenApiTypes.ANY
    if "form" in media_type:
        return {"type": "object"}
    return OpenApiTypes.BINARY


def _makes_djangos_response(handler: Callable[..., Any]) -> bool:
    """
    Whether *handler* returns one of Django's own responses, which can have any media type.

    This is decided by its annotation or, without one, by the names that its code uses.
    """
    function = wording.function_of(handler)
    returned = inspect.get_annotations(function).get("return")
    if inspect.isclass(returned):
        return issubclass(returned, HttpResponseBase) and not issubclass(
            returned, Response | JsonResponse
        )
    return bool(_DJANGOS & {*function.__code__.co_names})


def _media_type_of(handler: Callable[..., Any]) -> str:
    """Return the only media type named in the handler's code, or ``*/*``."""
    code = wording.function_of(handler).__code__
    texts = [text for text in code.co_consts if isinstance(text, str)]
    named = {text for text in texts if _MEDIA_TYPE.fullmatch(text)}
    return named.pop() if len(named) == 1 else "*/*"
