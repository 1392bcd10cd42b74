"""Rejection of plain HTTP requests to the API."""

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
    Reject requests to ``/api/`` over plain HTTP if ``PUBLIC_URL`` is https.

    A redirect would hide from the author of a client that it sends tokens and passwords in plain text.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        https = settings.PUBLIC_URL.startswith("https://")
        if https and request.path.startswith("/api/") and not request.is_secure():
            return refused(PermissionDenied(f"Use {settings.PUBLIC_URL}."))
        return get_response(request)

    return middleware
