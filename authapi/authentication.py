"""
Who is calling: a bearer token becomes the user of a live session.

``JWTAuthentication`` is for API views, and their default. ``bearer_required`` does the same for a
plain Django view.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
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

    simplejwt's own class asks the database for the user. This one asks for the user and the session
    together, in one query: a logout or a new password ends access tokens at once. ``request.auth``
    is the session.
    """

    refuses = (TokenRejected, TokenExpired, SessionEnded)

    def authenticate(  # type: ignore[override]  # simplejwt's second value is the token
        self, request: Request | HttpRequest
    ) -> tuple[User, Session] | None:
        """
        Return the user and the session, or None where the header names another scheme or none.

        Raises:
            TokenRejected: or a subclass, by what is wrong with the token.
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
            # Many of simplejwt's clients refresh only if they find this. No refusal of a refresh token
            # carries it, or they would refresh for ever.
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


def bearer_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """
    Let a plain Django view, sync or async, be called with an access token only.

    ``request.user`` is the user of the token and ``request.auth`` its session. Cookies count for
    nothing, so the view needs no CSRF token. Without a good token the answer is the 401 of any
    other operation.
    """

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        try:
            found = JWTAuthentication().authenticate(request)
            if not found:
                raise NoToken
        except APIException as error:
            return refused(error)
        request.user, request.auth = found  # type: ignore[attr-defined]
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
