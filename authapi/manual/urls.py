"""Paths and names of the teaching variant."""

from django.urls import path

from authapi.manual import views

urlpatterns = [
    path("login/", views.LoginAPIView.as_view(), name="manual_login"),
    path("profile/", views.ProfileAPIView.as_view(), name="manual_profile"),
]
