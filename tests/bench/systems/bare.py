"""The unit: a Django view that answers with six constants, behind the seven default middleware."""

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.bench.systems.django_peer import configure, make_users

__all__ = ["application", "make_users"]

configure(__name__)


def profile(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "username": "reader",
            "email": "reader@example.com",
            "first_name": "",
            "last_name": "",
            "date_joined": "2026-01-01T00:00:00Z",
            "last_login": None,
        }
    )


urlpatterns = [path("profile/", profile)]
application = get_wsgi_application()
