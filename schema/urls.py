"""The document and the page that shows it."""

from django.urls import path

from schema import views

urlpatterns = [
    path("schema/", views.openapi, name="schema"),
    path("docs/", views.DocsView.as_view(), name="docs"),
]
