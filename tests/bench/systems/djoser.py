"""djoser with its JWT endpoints, and six fields of the current user."""

from django.core.wsgi import get_wsgi_application

from tests.bench.systems.django_peer import JWT, configure, make_users

__all__ = ["application", "make_users"]

configure(
    __name__,
    ("rest_framework", "rest_framework_simplejwt.token_blacklist", "djoser"),
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication"
        ],
    },
    SIMPLE_JWT=JWT,
    DJOSER={"SERIALIZERS": {"current_user": f"{__name__}.ProfileSerializer"}},
)

from django.contrib.auth.models import User
from django.urls import include, path
from rest_framework import serializers


class ProfileSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = (
            *("username", "email", "first_name", "last_name"),
            *("date_joined", "last_login"),
        )


urlpatterns = [
    path("auth/", include("djoser.urls")),
    path("auth/", include("djoser.urls.jwt")),
]
application = get_wsgi_application()
