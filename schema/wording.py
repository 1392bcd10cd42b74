"""Words for an operation: its author's, or such as follow from its names."""

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from drf_spectacular.plumbing import get_doc, get_view_model
from rest_framework.generics import GenericAPIView
from rest_framework.serializers import BaseSerializer

if TYPE_CHECKING:
    from schema.operations import OperationSchema

_ACTIONS = {
    "list": "List {things}",
    "create": "Create {a_thing}",
    "retrieve": "Read {a_thing}",
    "update": "Replace {a_thing}",
    "partial_update": "Change {a_thing}",
    "destroy": "Delete {a_thing}",
}
# What ``api_view`` calls the method that it makes of a function.
_API_VIEW = "handler"
_METHODS = {
    "GET": "Read",
    "POST": "Send",
    "PUT": "Replace",
    "PATCH": "Change",
    "DELETE": "Delete",
}


def tag(view: Any) -> str | None:
    """The app that the view belongs to."""
    app = apps.get_containing_app_config(type(view).__module__)
    return app.label if app else None


def summary(operation: "OperationSchema") -> str:
    """The first line of the handler's docstring; without one, what its action or its name says."""
    first, _, _ = _docstring(operation.handler).partition("\n\n")
    return _sentence(first).rstrip(".") or _usual_summary(operation)


def description(operation: "OperationSchema") -> str:
    """The rest of the handler's docstring; without one, the view's; without that, the summary."""
    _, _, rest = _docstring(operation.handler).partition("\n\n")
    if not rest and not _docstring(operation.handler):
        rest = get_doc(type(operation.view))
    return rest.strip() or f"{operation.get_summary()}."


def answer(operation: "OperationSchema", serializer: Any) -> str:
    """What the serializer's docstring says; without one, the summary."""
    if operation._is_list_view(serializer):
        kind = "page" if getattr(operation.view, "pagination_class", None) else "list"
        model = get_view_model(operation.view, emit_warnings=False)
        of = f" of {model._meta.verbose_name_plural}" if model else ""
        return f"A {kind}{of}."
    serializer = getattr(serializer, "response", serializer)
    serializer = getattr(serializer, "child", serializer)
    cls = serializer if inspect.isclass(serializer) else type(serializer)
    text = get_doc(cls) if issubclass(cls, BaseSerializer) else ""
    return _sentence(text.partition("\n\n")[0]) or f"{operation.get_summary()}: done."


def component(serializer: type) -> str:
    """What to say of a schema whose serializer says nothing."""
    return f"{_words(serializer.__name__.removesuffix('Serializer'))}."


def function_of(handler: Callable[..., Any]) -> Any:
    """The author's function, where ``api_view`` or a decorator has wrapped it."""
    function = inspect.unwrap(getattr(handler, "__func__", handler))
    # ``api_view`` keeps the function in a closure.
    wrapped = inspect.getclosurevars(function).nonlocals.get("func")
    return wrapped if function.__name__ == _API_VIEW and wrapped else function


def _docstring(handler: Callable[..., Any]) -> str:
    return inspect.getdoc(function_of(handler)) or ""


def _usual_summary(operation: "OperationSchema") -> str:
    view, method = operation.view, operation.method
    action = getattr(view, "action", None)
    if not action and isinstance(view, GenericAPIView):
        listed = method == "GET" and operation._is_list_view()
        action = "list" if listed else operation.method_mapping[method.lower()]
    model = get_view_model(view, emit_warnings=False)
    if model and action in _ACTIONS:
        names = model._meta
        return _ACTIONS[action].format(
            things=names.verbose_name_plural, a_thing=_a(str(names.verbose_name))
        )
    if action and action not in _ACTIONS:
        return _words(action)
    name = _words(re.sub(r"(API)?View(Set)?$", "", type(view).__name__))
    if operation.handler.__name__ == _API_VIEW:
        return name
    return f"{_METHODS[method]} {name[:1].lower()}{name[1:]}"


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _words(name: str) -> str:
    """``OrderExport`` and ``order_export`` are "Order export"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).split()
    text = " ".join(word if word.isupper() else word.lower() for word in words)
    return text[:1].upper() + text[1:]


def _a(thing: str) -> str:
    return f"{'an' if thing[:1].lower() in 'aeiou' else 'a'} {thing}"
