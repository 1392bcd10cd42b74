"""The texts for an operation: its docstrings, or texts derived from its names."""

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from drf_spectacular.plumbing import get_doc, get_view_model
from rest_framework.generics import GenericAPIView
from rest_framework.serializers import BaseSerializer

from authapi.http.problems import PHRASES

if TYPE_CHECKING:
    from schema.operations import OperationSchema

_ACTIONS = {
    "list": "List",
    "create": "Create",
    "retrieve": "Read",
    "update": "Replace",
    "partial_update": "Change",
    "destroy": "Delete",
}
_ANSWERS = {
    "200": "The {thing}.",
    "201": "The new {thing}.",
    "204": "The {thing} is deleted.",
}
# The name of the method that ``api_view`` makes from a function.
_API_VIEW = "handler"


def tag(view: Any) -> str | None:
    """Return the label of the app that the view belongs to."""
    app = apps.get_containing_app_config(type(view).__module__)
    return app.label if app else None


def summary(operation: "OperationSchema") -> str:
    """
    Return the first line of the handler's docstring, or a summary derived from its action or
    name.
    """
    first, _, _ = _docstring(operation.handler).partition("\n\n")
    return _sentence(first).rstrip(".") or _usual_summary(operation)


def description(operation: "OperationSchema") -> str:
    """Return the rest of the handler's docstring, else the view's docstring, else the summary."""
    _, _, rest = _docstring(operation.handler).partition("\n\n")
    if not rest and not _docstring(operation.handler):
        rest = get_doc(type(operation.view))
    return rest.strip() or f"{operation.get_summary()}."


def answer(operation: "OperationSchema", serializer: Any, status: str) -> str:
    """Return the serializer's docstring, or a description derived from the model or status."""
    model = _names(operation.view)
    if serializer is not None and operation._is_list_view(serializer):
        kind = "page" if getattr(operation.view, "pagination_class", None) else "list"
        return f"A {kind} of {model.verbose_name_plural}." if model else f"A {kind}."
    serializer = getattr(serializer, "response", serializer)
    serializer = getattr(serializer, "child", serializer)
    cls = serializer if inspect.isclass(serializer) else type(serializer)
    text = get_doc(cls) if issubclass(cls, BaseSerializer) else ""
    if text:
        return _sentence(text.partition("\n\n")[0])
    if model and status in _ANSWERS:
        return _ANSWERS[status].format(thing=model.verbose_name)
    phrase = PHRASES.get(int(status)) if status.isdecimal() else None
    return f"{phrase or 'The answer'}."


def parameter(operation: "OperationSchema", name: str) -> str:
    """Return the description of a path parameter."""
    model = _names(operation.view)
    return f"The `{name}` of the {model.verbose_name}." if model else f"The `{name}`."


def component(serializer: type) -> str:
    """Return the description of a schema whose serializer has no docstring."""
    return f"{_words(serializer.__name__.removesuffix('Serializer'))}."


def function_of(handler: Callable[..., Any]) -> Any:
    """Return the original function if ``api_view`` or a decorator has wrapped it."""
    function = inspect.unwrap(getattr(handler, "__func__", handler))
    # ``api_view`` keeps the function in a closure.
    wrapped = inspect.getclosurevars(function).nonlocals.get("func")
    return wrapped if function.__name__ == _API_VIEW and wrapped else function


def _docstring(handler: Callable[..., Any]) -> str:
    return inspect.getdoc(function_of(handler)) or ""


def _usual_summary(operation: "OperationSchema") -> str:
    view, method = operation.view, operation.method
    name = _words(re.sub(r"(API)?View(Set)?$", "", type(view).__name__))
    if operation.handler.__name__ == _API_VIEW:
        return name
    action = getattr(view, "action", None)
    usual = operation.method_mapping[method.lower()]
    if not isinstance(view, GenericAPIView) and not action:
        alone = len({*operation.view.allowed_methods} - {"OPTIONS", "HEAD"}) == 1
        verb = "Send" if method == "POST" else _ACTIONS[usual]
        return name if alone else f"{verb} {_lowered(name)}"
    if not action:
        listed = method == "GET" and operation._is_list_view()
        action = "list" if listed else usual
    model, many = _names(view), action == "list" or not getattr(view, "detail", True)
    if model:
        name = str(model.verbose_name_plural if many else _a(str(model.verbose_name)))
    # Creating adds a single object, even on a list view.
    if model and action == "create":
        name = _a(str(model.verbose_name))
    return f"{_ACTIONS.get(action, _words(action))} {_lowered(name)}"


def _names(view: Any) -> Any:
    """Return the ``_meta`` of the view's model, or None."""
    model = get_view_model(view, emit_warnings=False)
    return model and model._meta


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _words(name: str) -> str:
    """``OrderExport`` and ``order_export`` are "Order export"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).split()
    text = " ".join(word if word.isupper() else word.lower() for word in words)
    return text[:1].upper() + text[1:]


def _a(thing: str) -> str:
    return f"{'an' if thing[:1].lower() in 'aeiou' else 'a'} {thing}"
