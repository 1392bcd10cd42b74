"""The URLs of the whole project."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from authapi.well_known import jwks, metadata
from project import health
from project.not_found import not_found

handler500 = "authapi.http.problems.server_error"
urlpatterns = [
    path("", csrf_exempt(require_safe(RedirectView.as_view(pattern_name="docs")))),
    path("api/", include("authapi.urls")),
    path("api/manual/", include("authapi.manual.urls")),
    path("api/", include("schema.urls")),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path(".well-known/oauth-authorization-server", metadata),
    path(".well-known/openid-configuration", metadata),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    *([path("admin/", admin.site.urls)] if settings.ADMIN else []),
    path("<path:path>", not_found),
]
