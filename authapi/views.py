"""
The endpoints. Each declares its operation, checks the request, calls one rule and answers.

The token endpoints have the names, base classes and paths of djangorestframework-simplejwt's views. The
difference is the refresh token: each login starts a session, and only its newest refresh token works,
once.
"""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import Throttled
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework_simplejwt import views as simplejwt

from authapi import login, profiles, sessions
from authapi.errors import (
    BadCredentials,
    NoToken,
    SessionEnded,
    SessionReplayed,
    TokenExpired,
    TokenRejected,
)
from authapi.http.address import client_of
from authapi.http.operation import operation
from authapi.http.pagination import SessionPagination
from authapi.models import Session, User
from authapi.serializers import (
    CredentialsSerializer,
    ProfileUpdateSerializer,
    RefreshSerializer,
    RevokeSerializer,
    SessionSerializer,
    TokenPairSerializer,
    TokenStatusSerializer,
    UserProfileSerializer,
    VerifySerializer,
)
from authapi.throttles import LocalThrottle
from authapi.tokens import codec
from authapi.tokens.claims import AccessClaims

_SEND_ACCESS = {"description": "Send `access` as the bearer token."}
# The whole answer is the body of the next request, which ignores the rest: generators reject an object
# here.
_WITH_THE_PAIR = {
    "refreshToken": {
        "description": "Exchange `refresh` for a new pair before `access` expires.",
        "requestBody": "$response.body",
    },
    "verifyToken": {
        "description": "Send `access` as `token`: would it be accepted now?"
    },
    "revokeToken": {"description": "Log out.", "requestBody": "$response.body"},
    "getProfile": _SEND_ACCESS,
    "updateProfile": _SEND_ACCESS,
    "listSessions": _SEND_ACCESS,
    "endOtherSessions": _SEND_ACCESS,
}


class ApiView(GenericAPIView):
    """A view whose answers, including errors, are never cached (RFC 6749, section 5.1)."""

    http_method_names = ("get", "head", "post", "patch", "delete")

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def body(self, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated body of the request, or raise DRF's ``ValidationError``."""
        serializer = self.get_serializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @property
    def user(self) -> User:
        """The user who is signed in."""
        user: User = self.request.user  # type: ignore[assignment]  # by the permission
        return user

    @property
    def session(self) -> Session:
        """
        The session of the request's access token.

        Raises:
            NoToken: the request was authenticated in another way.
        """
        if not isinstance(self.request.auth, Session):
            raise NoToken(
                "This operation acts on the session of an access token. Send one as a bearer token."
            )
        return self.request.auth


class TokenView(ApiView):
    """A view that requires no authentication."""

    authentication_classes = ()
    permission_classes = ()


class TokenObtainPairView(TokenView, simplejwt.TokenObtainPairView):
    serializer_class = CredentialsSerializer

    @operation(
        "createToken",
        tag="token",
        answers=TokenPairSerializer,
        refuses=(BadCredentials, Throttled),
        links=_WITH_THE_PAIR,
    )
    def post(self, request: Request) -> Response:
        """
        Log in

        Exchange a user name and a password for a pair of tokens, and start a session. An unknown
        user, a wrong password and a disabled account get the same answer. Send the access token as
        `Authorization: Bearer <access>`; before it expires, exchange the refresh token with
        `refreshToken`.
        """
        at = timezone.now()
        client = client_of(request)
        user = login.check(**self.body(), client=client, at=at)
        session = sessions.start(user, client=client, at=at)
        return Response(TokenPairSerializer.of(codec.issue(session, at=at)))


class TokenRefreshView(TokenView, simplejwt.TokenRefreshView):
    serializer_class = RefreshSerializer
    throttle_classes = (LocalThrottle,)
    throttle_scope = "refresh"

    @operation(
        "refreshToken",
        tag="token",
        answers=TokenPairSerializer,
        refuses=(TokenRejected, SessionEnded, SessionReplayed),
        links=_WITH_THE_PAIR,
    )
    def post(self, request: Request) -> Response:
        """
        Refresh the tokens

        Exchange a refresh token for a new pair. The token that is sent is spent: store the one that
        comes back. An answer may be lost, so the client that spent a token gets the same pair again
        while its refresh token is unspent; any other repeat ends the session.
        """
        at = timezone.now()
        presented = codec.read_refresh(self.body()["refresh"])
        session = sessions.rotate(presented, client=client_of(request), at=at)
        return Response(TokenPairSerializer.of(codec.issue(session, at=at)))


class TokenVerifyView(TokenView, simplejwt.TokenVerifyView):
    serializer_class = VerifySerializer
    throttle_classes = (LocalThrottle,)
    throttle_scope = "verify"

    @operation(
        "verifyToken",
        tag="token",
        answers=TokenStatusSerializer,
        refuses=(TokenRejected, TokenExpired, SessionEnded),
        links={
            "endSession": {
                "description": "End the session that the token belongs to.",
                "parameters": {"id": "$response.body#/session"},
            }
        },
    )
    def post(self, request: Request) -> Response:
        """
        Verify a token

        Ask whether an access or refresh token would be accepted now, and whose it is. Nothing is
        spent. A token that would not be accepted gets a 401 that says why.
        """
        at = timezone.now()
        claims = codec.read(self.body()["token"])
        if isinstance(claims, AccessClaims):
            session = sessions.authenticated(claims, at=at)
        else:
            session = sessions.acceptable(claims, client=client_of(request), at=at)
        answer = {
            "token_type": claims.kind,
            "expires_in": max(0, int((claims.expires_at - at).total_seconds())),
            "username": session.user.username,
            "session": session.pk,
            "session_expires_at": session.expires_at,
        }
        return Response(TokenStatusSerializer.of(answer))


class TokenBlacklistView(TokenView, simplejwt.TokenBlacklistView):
    serializer_class = RevokeSerializer

    @operation(
        "revokeToken",
        tag="token",
        answers={204: "The session has ended, now or before."},
        refuses=(TokenRejected, SessionEnded),
    )
    def post(self, request: Request) -> Response:
        """
        Log out

        End the session of a refresh token. Its access tokens stop working at once. Logging out a
        second time answers 204 as well.
        """
        presented = codec.read_refresh(self.body()["refresh"])
        sessions.end(presented, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class MemberView(ApiView):
    """A view that requires a signed-in user. Its writes are rate-limited."""

    throttle_classes = (LocalThrottle,)
    throttle_scope = "write"

    def get_throttles(self) -> list[BaseThrottle]:
        reads = self.request.method in SAFE_METHODS
        return [] if reads else super().get_throttles()


class UserProfileView(MemberView):
    serializer_class = ProfileUpdateSerializer

    @operation("getProfile", tag="profile", answers=UserProfileSerializer)
    def get(self, request: Request) -> Response:
        """
        Read the profile

        Get the account that the access token belongs to.
        """
        return Response(UserProfileSerializer.of(self.user))

    @operation("updateProfile", tag="profile", answers=UserProfileSerializer)
    def patch(self, request: Request) -> Response:
        """
        Change the profile

        Change the fields of the account that are sent, and leave the others as they are.
        """
        user = profiles.update(self.user, self.body(partial=True))
        return Response(UserProfileSerializer.of(user))


class SessionsView(MemberView):
    serializer_class = SessionSerializer
    pagination_class = SessionPagination

    @operation(
        "listSessions",
        tag="sessions",
        answers=OpenApiResponse(
            SessionSerializer(many=True),
            description="A page of the account's sessions.",
        ),
        links={
            "endSession": {
                "description": "End one of the listed sessions, here the first.",
                "parameters": {"id": "$response.body#/results/0/id"},
            }
        },
    )
    def get(self, request: Request) -> Response:
        """
        List my sessions

        List where this account is signed in, the most recently used first. `endSession` ends one.
        """
        # An account has at most sessions.MOST of them, so counting them in memory saves a query.
        mine = list(sessions.of_user(self.user, at=timezone.now()))
        page = self.paginate_queryset(mine) or []
        for session in page:
            session.current = session == request.auth
        return self.get_paginated_response(list(map(SessionSerializer.of, page)))

    @operation(
        "endOtherSessions",
        tag="sessions",
        answers={204: "All other sessions of the account have ended."},
    )
    def delete(self, request: Request) -> Response:
        """
        Sign out everywhere else

        End all sessions of this account except the one whose access token is sent.
        """
        sessions.end_others(self.session, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionView(MemberView):
    @operation(
        "endSession",
        tag="sessions",
        parameters=[
            OpenApiParameter(
                "id", UUID, OpenApiParameter.PATH, description="From `listSessions`."
            )
        ],
        answers={204: "The session has ended."},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """
        End one of my sessions

        End a session of this account. Its tokens stop working at once. It may be the session whose
        access token is sent.
        """
        sessions.end_one(self.user, id, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
