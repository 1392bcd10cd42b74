"""The endpoints: each reads, checks, asks one rule, answers."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from authapi import keys, profiles, sessions, tokens
from authapi.claims import AccessClaims
from authapi.device import device
from authapi.models import Session
from authapi.pagination import SessionPagination
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
from authapi.throttling import AddressThrottle


class ApiView(GenericAPIView):
    """A view whose answers, the refusals too, no cache keeps (RFC 6749, section 5.1)."""

    http_method_names = ("get", "head", "post", "patch", "delete")

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def body(self, *, partial: bool = False) -> dict[str, Any]:
        """Return the request's body, checked; raises DRF's ``ValidationError``."""
        serializer = self.get_serializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @property
    def session(self) -> Session:
        """The session that the request's access token speaks for."""
        assert isinstance(self.request.auth, Session)  # noqa: S101  # by BearerAuthentication
        return self.request.auth


class PublicView(ApiView):
    authentication_classes = ()
    permission_classes = ()


class TokenView(PublicView):
    serializer_class = CredentialsSerializer

    @extend_schema(
        operation_id="createToken", tags=["token"], responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """
        Log in

        Exchange a user name and a password for a pair of tokens, and start a session. An unknown
        user, a wrong password and a disabled account get the same answer.
        """
        at = timezone.now()
        session = sessions.log_in(**self.body(), device=device(request), at=at)
        return Response(TokenPairSerializer(tokens.issue(session, at=at)).data)


class RefreshView(PublicView):
    serializer_class = RefreshSerializer
    throttle_classes = (AddressThrottle,)
    throttle_scope = "refresh"

    @extend_schema(
        operation_id="refreshToken", tags=["token"], responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """
        Refresh

        Exchange a refresh token for a new pair. The token sent is spent. Sent again within ten
        seconds it gets the same successor, for an answer may be lost; later, it ends the session.
        """
        at = timezone.now()
        presented = tokens.read_refresh(self.body()["refresh"])
        session = sessions.rotate(presented, at=at)
        return Response(TokenPairSerializer(tokens.issue(session, at=at)).data)


class VerifyView(PublicView):
    serializer_class = VerifySerializer
    throttle_classes = (AddressThrottle,)
    throttle_scope = "verify"

    @extend_schema(
        operation_id="verifyToken", tags=["token"], responses=TokenStatusSerializer
    )
    def post(self, request: Request) -> Response:
        """
        Verify

        Say whether a token would be accepted now, and whose it is. Nothing is spent.
        """
        at = timezone.now()
        claims = tokens.read(self.body()["token"])
        if isinstance(claims, AccessClaims):
            session = sessions.authenticated(claims, at=at)
        else:
            session = sessions.acceptable(claims, at=at)
        answer = {
            "token_type": claims.kind,
            "expires_in": max(0, int((claims.expires_at - at).total_seconds())),
            "username": session.user.username,
            "session": session.pk,
            "session_expires_at": session.expires_at,
        }
        return Response(TokenStatusSerializer(answer).data)


class RevokeView(PublicView):
    serializer_class = RevokeSerializer

    @extend_schema(operation_id="revokeToken", tags=["token"], responses={204: None})
    def post(self, request: Request) -> Response:
        """
        Log out

        End the session of a refresh token. Its access tokens stop working at once. Doing so twice
        does no harm.
        """
        presented = tokens.read_refresh(self.body()["refresh"])
        sessions.end(presented, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProfileView(ApiView):
    serializer_class = ProfileUpdateSerializer

    @extend_schema(
        operation_id="getProfile", tags=["profile"], responses=UserProfileSerializer
    )
    def get(self, request: Request) -> Response:
        """
        Read the profile

        Answer who is signed in.
        """
        return Response(UserProfileSerializer(self.session.user).data)

    @extend_schema(
        operation_id="updateProfile", tags=["profile"], responses=UserProfileSerializer
    )
    def patch(self, request: Request) -> Response:
        """
        Change the profile

        Change the fields that are sent; leave the others.
        """
        user = profiles.update(self.session.user, self.body(partial=True))
        return Response(UserProfileSerializer(user).data)


class SessionsView(ApiView):
    serializer_class = SessionSerializer
    pagination_class = SessionPagination

    @extend_schema(
        operation_id="listSessions",
        tags=["sessions"],
        responses=SessionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """
        List my sessions

        Answer where this account is signed in, the latest used first.
        """
        page = self.paginate_queryset(
            sessions.of_user(self.session.user, at=timezone.now())
        )
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="endOtherSessions", tags=["sessions"], responses={204: None}
    )
    def delete(self, request: Request) -> Response:
        """
        Sign out everywhere else

        End all sessions of this account but the one that asks.
        """
        sessions.end_others(self.session, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionView(ApiView):
    @extend_schema(
        operation_id="endSession",
        tags=["sessions"],
        parameters=[
            OpenApiParameter(
                "id", UUID, OpenApiParameter.PATH, description="From `listSessions`."
            )
        ],
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """
        End one of my sessions

        Its tokens stop working at once. It may be the one that asks.
        """
        sessions.end_one(self.session.user, id, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@csrf_exempt
@require_safe
@cache_control(public=True, max_age=300)
def jwks(request: HttpRequest) -> JsonResponse:
    """The public keys, for services that check tokens by themselves (RFC 7517)."""
    return JsonResponse(keys.jwks())
