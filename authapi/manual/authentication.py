"""From the ``Authorization`` header to a user."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from authapi import sessions
from authapi.errors import SessionEnded, TokenExpired, TokenRejected, Unauthorized
from authapi.manual.tokens import read_jwt_token
from authapi.models import Session, User


class JWTAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``, word by word."""

    # For the document: what a caller of a view with this class may be told.
    refuses = (TokenRejected, TokenExpired, SessionEnded)

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        """
        Return the user and the session, or None where the header is for somebody else.

        Raises:
            TokenRejected: or a subclass, by what is wrong.
        """
        # At spaces alone: `split()` takes tabs and a dozen other characters for one.
        header = request.headers.get("Authorization", "")
        words = [word for word in header.split(" ") if word]
        # No header, or another scheme: not our business. The scheme may be in any case
        # (RFC 9110, section 11.1).
        if not words or words[0].lower() != "bearer":
            return None
        # Without this, the tutorial's `prefix, token = header.split()` answers 500.
        if len(words) != 2:
            raise TokenRejected("Exactly one token must follow `Bearer`.")
        claims = read_jwt_token(words[1])
        # A token is a promise of the past. Whether the session still lives and its user may still
        # come in, only the database knows: one query.
        session = sessions.authenticated(claims, at=timezone.now())
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for; without it DRF would answer 403."""
        return Unauthorized.auth_header
