"""Who is calling: a bearer token becomes the user of a live session."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from authapi import sessions, tokens
from authapi.errors import TokenRejected, Unauthorized
from authapi.models import Session, User


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>`` (RFC 6750, section 2.1)."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
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
        claims = tokens.read_access(token.strip(" "))
        session = sessions.authenticated(claims, at=timezone.now())
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return Unauthorized.auth_header
