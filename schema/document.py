"""The OpenAPI document as bytes, built once per process on the first request."""

import gzip
import hashlib
import threading
from dataclasses import dataclass
from functools import cache

import brotli
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings

from schema.generator import Generator

VERSIONS = {"3.0": "3.0.3", "3.1": "3.1.1"}
RENDERERS = {"yaml": OpenApiYamlRenderer, "json": OpenApiJsonRenderer}

# drf-spectacular patches its settings globally during a build.
_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Document:
    """One rendering of the document, by content coding (RFC 9110, section 8.4.1)."""

    bodies: dict[str, bytes]
    digest: str


def document(version: str, form: str) -> Document:
    """
    Return the document in one of ``VERSIONS``, rendered by one of ``RENDERERS``.

    Raises:
        KeyError: there is no such version or form.
    """
    with _building:
        return _build(version, form)


@cache
def _build(version: str, form: str) -> Document:
    renderer = RENDERERS[form]()
    with patched_settings({"OAS_VERSION": VERSIONS[version]}):
        result = Generator().get_schema(public=True)
        body = bytes(renderer.render(result, renderer_context={}))  # type: ignore[arg-type]  # never str
    return Document(
        bodies={
            "br": brotli.compress(body),
            "gzip": gzip.compress(body, mtime=0),
            "identity": body,
        },
        digest=hashlib.sha256(body).hexdigest()[:32],
    )
