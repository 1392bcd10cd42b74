"""
The document as a whole.

Each pass works on any document that drf-spectacular can generate, for any application.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from drf_spectacular.drainage import error
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import is_versioning_supported

Document = dict[str, Any]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Generator(SchemaGenerator):
    """drf-spectacular's generator. It omits views that cannot be described, and reports them."""

    def _get_paths_and_endpoints(self) -> list[tuple[str, str, str, Any]]:
        found = []
        for path, path_regex, method, callback in self._in_order():
            try:
                view = self.create_view(callback, method)
                if not isinstance(view.schema, AutoSchema):
                    raise TypeError("its `schema` is not drf-spectacular's AutoSchema")
                versioning: Any = view.versioning_class
                if (
                    versioning
                    and is_versioning_supported(versioning)
                    and not (self.api_version or versioning.default_version)
                ):
                    # drf-spectacular would leave it out and say nothing.
                    raise TypeError(f"{versioning.__name__} has no default_version")
                found.append(
                    (self.coerce_path(path, method, view), path_regex, method, view)
                )
            except Exception as fault:  # whatever a view's own code raises
                error(f"{method} {path} cannot be described: {fault!r}")
        return found

    def _in_order(self) -> list[tuple[str, str, str, Any]]:
        """The endpoints in the order of the URL patterns, and each path's methods in the usual one."""
        endpoints: Any = self.endpoints
        paths = list(dict.fromkeys(path for path, *_ in endpoints))
        return sorted(
            endpoints,
            key=lambda found: (paths.index(found[0]), _METHODS.index(found[2])),
        )

    def get_schema(self, request: Any = None, public: bool = False) -> Document:
        document: Document = super().get_schema(request, public)
        ask_for_a_token(document)
        describe_tags(document)
        place_examples(document)
        drop_what_generators_trip_over(document)
        speak_3_1(document)
        return document


def ask_for_a_token(document: Document) -> None:
    """Set the default security at the root, where viewers and importers look for it."""
    if "bearerAuth" in document.get("components", {}).get("securitySchemes", {}):
        document["security"] = [{"bearerAuth": []}]


def describe_tags(document: Document) -> None:
    """List every used tag: first those of the settings, then those of apps, then the folded ones."""
    used = {tag for operation in operations(document) for tag in operation["tags"]}
    # An unused tag would be shown as an empty group.
    listed = [tag for tag in document.get("tags", []) if tag["name"] in used]
    for name in sorted(used - {tag["name"] for tag in listed}):
        app = apps.app_configs.get(name)
        text = app.verbose_name if app else name.capitalize()
        listed.append({"name": name, "description": f"{text}."})
    document["tags"] = sorted(listed, key=lambda tag: bool(tag.get("x-folded")))


def place_examples(document: Document) -> None:
    """
    Move a single example of a body to ``example``, and multiple examples to the components.

    openapi-generator 7.26 warns about inline ``examples``.
    """
    for operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (c for body in bodies for c in body.get("content", {}).values()):
            examples = content.get("examples", {})
            inline = {name: e for name, e in examples.items() if "value" in e}
            if len(examples) == len(inline) == 1:
                content["example"] = content.pop("examples").popitem()[1]["value"]
                continue
            shared = document["components"].setdefault("examples", {})
            for name, example in inline.items():
                key = f"{operation['operationId']}_{name}"
                # What is sent and what is answered may have an example of the same name.
                while shared.setdefault(key, example) != example:
                    key += "_"
                examples[name] = {"$ref": f"#/components/examples/{key}"}


def drop_what_generators_trip_over(document: Document) -> None:
    """
    Remove ``readOnly`` and the example URLs of paginators, and add the type of nullable references.

    Requests and answers are separate components. With ``readOnly``, generators would omit the fields
    from constructors and types of answers.
    """
    components = document.get("components", {}).get("schemas", {})
    for schema in schemas(document):
        if schema.get("format") == "uri":
            schema.pop("example", None)
        choices = schema.get("allOf") or schema.get("oneOf")
        if schema.get("nullable") and "type" not in schema and choices:
            name = choices[0].get("$ref", "").rpartition("/")[2]
            schema["type"] = components.get(name, {}).get("type", "object")
        for name, field in schema.get("properties", {}).items():
            field.pop("readOnly", None)
            if field.keys() == {"allOf"} and len(field["allOf"]) == 1:
                schema["properties"][name] = field["allOf"][0]


def speak_3_1(document: Document) -> None:
    """Convert to OpenAPI 3.1, where null is a type and a licence has an SPDX identifier."""
    if not document["openapi"].startswith("3.1"):
        return
    if licence := document["info"].get("license"):
        document["info"]["license"] = {
            "name": licence["name"],
            "identifier": licence["name"],
        }
    for schema in schemas(document):
        # drf-spectacular converts its own fields, but not a paginator's schema.
        if schema.pop("nullable", False) and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]


def operations(document: Document) -> Iterator[Document]:
    """Yield every operation of the document."""
    for item in document.get("paths", {}).values():
        for operation in item.values():
            operation.setdefault("tags", [])
            yield operation


def schemas(part: Any) -> Iterator[Document]:
    """Yield every object of the document except those in examples, which are data."""
    if isinstance(part, dict):
        yield part
        for name, member in part.items():
            if name in {"properties", "patternProperties"}:
                # Its keys are names of fields, whatever they are.
                for field in member.values():
                    yield from schemas(field)
            elif name not in {"example", "examples", "default", "enum"}:
                yield from schemas(member)
    elif isinstance(part, list):
        for member in part:
            yield from schemas(member)
