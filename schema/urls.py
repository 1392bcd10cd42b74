"""The document and the page that shows it."""

from django.urls import path
from django.views.decorators.http import require_safe

from schema import views

urlpatterns = [
    path("schema/", views.openapi, name="schema"),
    path("docs/", require_safe(views.DocsView.as_view()), name="docs"),
]
