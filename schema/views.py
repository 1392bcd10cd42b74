"""The endpoint that serves the document. The docs page is in ``page.py``."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from authapi.http.problems import answer, problem
from authapi.throttles import count_request
from schema.document import RENDERERS, VERSIONS, document

# The supported media types of the Accept header. The first is the default.
_FORMS = {
    "application/vnd.oai.openapi": "yaml",
    "application/yaml": "yaml",
    "application/vnd.oai.openapi+json": "json",
    "application/json": "json",
}


@csrf_exempt
@require_safe
def openapi(request: HttpRequest) -> HttpResponseBase:
    """
    The OpenAPI document: ``?format=json|yaml`` (or ``Accept``), ``?version=3.0|3.1``.

    The bytes are built once. ``If-None-Match`` with the ETag gets a 304.
    """
    media_type = _preferred(request)
    count_request("schema", request)
    form = request.GET.get("format", _FORMS[media_type])
    version = request.GET.get("version", "3.0")
    if form not in RENDERERS or version not in VERSIONS:
        offered = f"format={' or '.join(RENDERERS)} and version={' or '.join(VERSIONS)}"
        return answer(problem(400, "invalid", f"Ask for {offered}."))
    if _FORMS[media_type] != form:
        media_type = RENDERERS[form].media_type
    found = document(version, form)
    coding = _coding(request)
    response = HttpResponse(
        found.bodies[coding],
        content_type=media_type,
        headers={
            "ETag": f'"{found.digest}-{coding}"',
            "Cache-Control": "no-cache",
            "Content-Disposition": f'inline; filename="authapi-{version}.{form}"',
        },
    )
    patch_vary_headers(response, ["Accept", "Accept-Encoding"])
    if coding != "identity":
        response["Content-Encoding"] = coding
    return (
        get_conditional_response(request, etag=response["ETag"], response=response)
        or response
    )


def _preferred(request: HttpRequest) -> str:
    try:
        preferred = request.get_preferred_type(list(_FORMS))
    except ValueError:  # an invalid Accept header
        preferred = None
    return preferred or next(iter(_FORMS))


def _coding(request: HttpRequest) -> str:
    """Return the smallest content coding that ``Accept-Encoding`` accepts."""
    taken = set()
    for offer in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, quality = offer.replace(" ", "").partition(";")
        if quality.rstrip("0.") != "q=":
            taken.add(name)
    return next((coding for coding in ("br", "gzip") if coding in taken), "identity")
