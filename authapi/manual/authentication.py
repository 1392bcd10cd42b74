"""Authentication: from the ``Authorization`` header to a user."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from authapi import sessions
from authapi.errors import SessionEnded, TokenExpired, TokenRejected, Unauthorized
from authapi.manual.tokens import read_jwt_token
from authapi.models import Session, User


class JWTAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``, step by step."""

    # For the document: the errors that this class can raise.
    refuses = (TokenRejected, TokenExpired, SessionEnded)

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        """
        Return the user and the session, or None if the header is missing or names another scheme.

        Raises:
            TokenRejected: the token is invalid; a subclass says why.
        """
        # Split only at spaces: `split()` without an argument also splits at tabs and a dozen other
        # characters.
        header = request.headers.get("Authorization", "")
        words = [word for word in header.split(" ") if word]
        # No header, or another scheme: leave it to other classes. The scheme is case-insensitive (RFC
        # 9110, section 11.1).
        if not words or words[0].lower() != "bearer":
            return None
        # Without this, the tutorial's `prefix, token = header.split()` answers 500.
        if len(words) != 2:
            raise TokenRejected("Exactly one token must follow `Bearer`.")
        claims = read_jwt_token(words[1])
        # A token only shows what was true when it was issued. One query checks that the session is
        # still live and its user still active.
        session = sessions.authenticated(claims, at=timezone.now())
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        """Return the `WWW-Authenticate` header of a 401. Without it, DRF would answer 403."""
        return Unauthorized.auth_header
