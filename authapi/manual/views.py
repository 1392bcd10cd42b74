"""The two operations of the manual variant: log in for a token, and read the profile with it."""

from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from authapi import login
from authapi.errors import BadCredentials
from authapi.http.address import client_of
from authapi.http.operation import operation
from authapi.manual.authentication import JWTAuthentication
from authapi.manual.tokens import generate_jwt_token
from authapi.serializers import (
    CredentialsSerializer,
    ManualTokenSerializer,
    UserProfileSerializer,
)
from authapi.views import ApiView, TokenView


class LoginAPIView(TokenView):
    serializer_class = CredentialsSerializer

    @operation(
        "manualLogin",
        tag="manual",
        answers=ManualTokenSerializer,
        refuses=(BadCredentials, Throttled),
        links={
            "manualProfile": {"description": "Send `token` as the bearer token."},
        },
    )
    def post(self, request: Request) -> Response:
        """
        Log in for a token made by hand

        Exchange a user name and a password for one token of the teaching variant, good for an hour.
        It opens a session like any other, which can be listed and ended.
        """
        client = client_of(request)
        user = login.check(**self.body(), client=client, at=timezone.now())
        token = generate_jwt_token(user, client)
        return Response(ManualTokenSerializer.of({"token": token}))


class ProfileAPIView(ApiView):
    authentication_classes = (JWTAuthentication,)

    @operation("manualProfile", tag="manual", answers=UserProfileSerializer)
    def get(self, request: Request) -> Response:
        """
        Read the profile with a token made by hand

        Get the account that a token from `manualLogin` belongs to, as `getProfile` does. An access
        token from `createToken` is not accepted here.
        """
        return Response(UserProfileSerializer.of(self.user))
