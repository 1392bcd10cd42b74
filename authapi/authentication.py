"""
Authentication: a bearer token identifies the user of a live session.

``JWTAuthentication`` is for API views, and is their default. ``bearer_required`` does the same for a
plain Django view.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework_simplejwt import authentication

from authapi import sessions
from authapi.errors import (
    NoToken,
    SessionEnded,
    TokenExpired,
    TokenRejected,
    Unauthorized,
)
from authapi.http.problems import refused
from authapi.models import Session, User
from authapi.tokens import codec


class JWTAuthentication(authentication.JWTAuthentication):
    """
    ``Authorization: Bearer <access token>`` (RFC 6750, section 2.1).

    simplejwt's own class fetches the user. This one fetches the user and the session in one query, so a
    logout or a new password ends access tokens at once. ``request.auth`` is the session.
    """

    refuses = (TokenRejected, TokenExpired, SessionEnded)

    def authenticate(  # type: ignore[override]  # simplejwt's second value is the token
        self, request: Request | HttpRequest
    ) -> tuple[User, Session] | None:
        """
        Return the user and the session, or None if the header is missing or names another scheme.

        Raises:
            TokenRejected: the token is invalid; a subclass says why.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        # A scheme is case-insensitive (RFC 9110, section 11.1).
        if scheme.lower() != "bearer":
            return None
        if not token.strip():
            raise TokenRejected("No token follows `Bearer`.")
        try:
            claims = codec.read_access(token.strip(" "))
            session = sessions.authenticated(claims, at=timezone.now())
        except TokenRejected as error:
            # Many simplejwt clients refresh only if they find this member. A rejected refresh token
            # must not have it, or they would refresh forever.
            error.messages = [
                {
                    "token_class": codec.AccessToken.__name__,
                    "token_type": codec.AccessToken.token_type,
                    "message": str(error.detail),
                }
            ]
            raise
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return Unauthorized.auth_header


def set_user(request: HttpRequest, user: User | AnonymousUser) -> None:
    """Set the user that a plain Django view sees, sync or async."""

    async def auser() -> User | AnonymousUser:
        return user

    request.user, request.auser = user, auser


def bearer_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """
    Require an access token for a plain Django view, sync or async.

    ``request.user`` is the user of the token and ``request.auth`` its session. Cookies are ignored, so
    the view needs no CSRF token. Without a valid token, the answer is the same 401 as for any other
    operation.
    """

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        try:
            found = JWTAuthentication().authenticate(request)
            if not found:
                raise NoToken
        except APIException as error:
            return refused(error)
        user, request.auth = found  # type: ignore[attr-defined]  # as DRF does
        set_user(request, user)
        return None

    if iscoroutinefunction(view):

        @wraps(view)
        async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refused_with = await sync_to_async(refusal)(request)
            return refused_with or await view(request, *args, **kwargs)

    else:

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return refusal(request) or view(request, *args, **kwargs)

    return csrf_exempt(checked)
