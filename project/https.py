"""Plain HTTP at an API that is served over HTTPS."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied

from authapi.http.problems import refused


def https_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """
    Refuse what comes to ``/api/`` over plain HTTP, where ``PUBLIC_URL`` is https.

    A redirect would hide from its author that the client sends tokens and passwords in plain text.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        https = settings.PUBLIC_URL.startswith("https://")
        if https and request.path.startswith("/api/") and not request.is_secure():
            return refused(PermissionDenied(f"Use {settings.PUBLIC_URL}."))
        return get_response(request)

    return middleware
