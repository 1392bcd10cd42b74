"""djangorestframework-simplejwt with its blacklist and drf-spectacular, as tutorials set them up."""

from django.core.wsgi import get_wsgi_application

from tests.bench.systems.django_peer import JWT, configure, make_users

__all__ = ["application", "make_users"]

configure(
    __name__,
    ("rest_framework", "rest_framework_simplejwt.token_blacklist", "drf_spectacular"),
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication"
        ],
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    },
    SIMPLE_JWT=JWT,
)

from django.contrib.auth.models import User
from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework import generics, permissions, serializers
from rest_framework_simplejwt import views


class ProfileSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = (
            *("username", "email", "first_name", "last_name"),
            *("date_joined", "last_login"),
        )


class ProfileView(generics.RetrieveAPIView):
    permission_classes = (permissions.IsAuthenticated,)
    serializer_class = ProfileSerializer

    def get_object(self):
        return self.request.user


urlpatterns = [
    path("api/token/", views.TokenObtainPairView.as_view()),
    path("api/token/refresh/", views.TokenRefreshView.as_view()),
    path("api/token/verify/", views.TokenVerifyView.as_view()),
    path("api/profile/", ProfileView.as_view()),
    path("api/schema/", SpectacularAPIView.as_view()),
]
application = get_wsgi_application()
