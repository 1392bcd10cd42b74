"""simplejwt's views at their usual paths, and one view that needs a token."""

from typing import Any

from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework_simplejwt import views


@api_view(["GET"])
def profile(request: Any) -> Response:
    return Response({"username": request.user.get_username()})


urlpatterns = [
    path("api/token/", views.TokenObtainPairView.as_view()),
    path("api/token/refresh/", views.TokenRefreshView.as_view()),
    path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    path("api/profile/", profile),
]
