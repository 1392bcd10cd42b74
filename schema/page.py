"""The docs page, and the helper files for generated clients that it offers."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from authapi import demo
from authapi.models import User

HELPERS = {"auth.py": "text/x-python", "auth.ts": "text/plain"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_CLIENTS = Path(__file__).resolve().parent / "clients"


class DocsView(SpectacularSwaggerView):
    """Swagger UI with a bar, a sidebar and an account panel."""

    template_name = "schema/docs.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request)
        response.data |= {
            "page": settings.DOCS_PAGE,
            "version": spectacular_settings.VERSION,
            "public_url": settings.PUBLIC_URL,
            "demo": _demo_user(),
        }
        # drf-spectacular relaxes this header for its OAuth2 dialog, which is not used here.
        del response.headers["Cross-Origin-Opener-Policy"]
        return response


@csrf_exempt
@require_safe
@cache_control(no_cache=True)
def helper(request: HttpRequest, name: str) -> FileResponse:
    """Serve ``auth.py`` or ``auth.ts``, the files that ``generateclient`` adds to a client."""
    return FileResponse(
        (_CLIENTS / name).open("rb"),
        as_attachment=True,
        filename=name,
        content_type=HELPERS[name],
    )


def _demo_user() -> dict[str, str] | None:
    """Return the credentials of the demo user, on localhost only and if the user exists."""
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme != "http" or public.hostname not in _LOOPBACK:
        return None
    if not User.objects.filter(username=demo.USERNAME, is_active=True).exists():
        return None
    return {"username": demo.USERNAME, "password": demo.PASSWORD}
