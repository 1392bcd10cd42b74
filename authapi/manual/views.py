"""The two calls: log in for a token, read the profile with it."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from authapi import sessions
from authapi.device import device
from authapi.manual.authentication import JWTAuthentication
from authapi.manual.tokens import LIFETIME, generate_jwt_token
from authapi.serializers import (
    CredentialsSerializer,
    ManualTokenSerializer,
    UserProfileSerializer,
)
from authapi.views import ApiView, PublicView


class LoginAPIView(PublicView):
    serializer_class = CredentialsSerializer

    @extend_schema(
        operation_id="manualLogin", tags=["manual"], responses=ManualTokenSerializer
    )
    def post(self, request: Request) -> Response:
        """
        Log in for a token made by hand

        Exchange a user name and a password for one token, good for an hour. It opens a session
        like any other, which can be listed and ended.
        """
        session = sessions.log_in(
            **self.body(), device=device(request), at=timezone.now(), idle=LIFETIME
        )
        token = generate_jwt_token(session.user, session)
        return Response(ManualTokenSerializer({"token": token}).data)


class UserProfileView(ApiView):
    authentication_classes = (JWTAuthentication,)

    @extend_schema(
        operation_id="manualProfile", tags=["manual"], responses=UserProfileSerializer
    )
    def get(self, request: Request) -> Response:
        """
        Read the profile with a token made by hand

        Answer who is signed in, as `getProfile` does.
        """
        return Response(UserProfileSerializer(self.session.user).data)
