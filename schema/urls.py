"""The document and the page that shows it."""

from django.urls import path
from drf_spectacular.views import SpectacularSwaggerView

from schema import views

urlpatterns = [
    path("schema/", views.openapi, name="schema"),
    path(
        "docs/",
        SpectacularSwaggerView.as_view(template_name="schema/docs.html"),
        name="docs",
    ),
]
