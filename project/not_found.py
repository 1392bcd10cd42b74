"""The view for unknown paths."""

from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import NotFound

from authapi.http.problems import refused


@csrf_exempt
def not_found(request: HttpRequest, path: str) -> HttpResponseBase:
    """
    Answer 404, with a hint if only the trailing slash is missing.

    GET and HEAD are redirected. Other methods are not, because a redirect would lose the body.
    """
    slashed = request.path + "/"
    if resolve(slashed).func is not_found:
        raise Http404
    if request.method in {"GET", "HEAD"}:
        return HttpResponseRedirect(request.get_full_path(force_append_slash=True))
    return refused(NotFound(f"Paths end in a slash: use {slashed}"))
