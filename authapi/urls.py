"""Paths and names of the token, profile and session endpoints."""

from django.urls import path

from authapi import views

urlpatterns = [
    path("token/", views.TokenView.as_view(), name="token"),
    path("token/refresh/", views.RefreshView.as_view(), name="token-refresh"),
    path("token/verify/", views.VerifyView.as_view(), name="token-verify"),
    path("token/blacklist/", views.RevokeView.as_view(), name="token-blacklist"),
    path("profile/", views.ProfileView.as_view(), name="profile"),
    path("sessions/", views.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:id>/", views.SessionView.as_view(), name="session"),
]
