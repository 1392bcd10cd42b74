"""The document, the page that shows it, and the files that the page offers."""

from django.urls import path
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from schema import page, views

urlpatterns = [
    path("schema/", views.openapi, name="schema"),
    path("docs/", gzip_page(require_safe(page.DocsView.as_view())), name="docs"),
    *(
        path(f"docs/{name}", page.helper, {"name": name}, name=name)
        for name in page.HELPERS
    ),
]
