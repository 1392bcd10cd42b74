"""The URLs of the whole project."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from authapi.well_known import jwks, metadata
from project import health
from project.not_found import not_found, start

urlpatterns = [
    path("", start),
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
