"""
Django's middleware for pages: sessions, users and messages, which are kept in cookies.

The API ignores cookies, so its requests skip this middleware.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest

from authapi.authentication import set_user

_API = ("/api/", "/.well-known/", "/health/")


class _PagesOnly:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(_API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # of the middleware


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Django's, for pages only."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """Django's, for pages only. In the API, a plain view sees ``AnonymousUser``."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(_API):
            set_user(request, AnonymousUser())
        return super().__call__(request)


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """Django's, for pages only."""
