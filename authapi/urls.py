"""
Paths and names of the token, profile and session endpoints.

The names are those of djangorestframework-simplejwt's documentation, for ``reverse()``.
"""

from django.urls import path

from authapi import views

urlpatterns = [
    path("token/", views.TokenObtainPairView.as_view(), name="token_obtain_pair"),
    path("token/refresh/", views.TokenRefreshView.as_view(), name="token_refresh"),
    path("token/verify/", views.TokenVerifyView.as_view(), name="token_verify"),
    path(
        "token/blacklist/", views.TokenBlacklistView.as_view(), name="token_blacklist"
    ),
    path("profile/", views.UserProfileView.as_view(), name="user_profile"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:id>/", views.SessionView.as_view(), name="session"),
]
