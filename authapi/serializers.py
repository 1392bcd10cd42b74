"""The shapes of requests and answers. Serializers do not query, write or sign."""

import json
from collections.abc import Callable
from datetime import UTC
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from jwt.utils import base64url_encode
from rest_framework import serializers

from authapi.tokens.claims import TokenKind

S = TypeVar("S", bound=serializers.BaseSerializer)

TOKEN_LENGTH = 4096
_SESSION = "f22613b4-844a-4f29-af02-651073a636a9"


def example(**fields: Any) -> Callable[[type[S]], type[S]]:
    """Use *fields* as the example of a serializer in the document."""
    return extend_schema_serializer(examples=[OpenApiExample("example", value=fields)])


def _jwt(kind: str, algorithm: str = "ES256") -> str:
    """Return a decodable token for examples. Its signature is all zeros."""
    header = {"alg": algorithm, "typ": "JWT"}
    claims = {
        "token_type": kind,
        "iat": 1795512600,
        "exp": 1795512900,
        "user_id": "1",
        "sid": _SESSION,
    }
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return b".".join(map(base64url_encode, [*parts, bytes(32)])).decode()


_ACCESS, _REFRESH = _jwt("access"), _jwt("refresh")


class AnswerMixin:
    """A serializer of answers, whose fields are made once instead of for each answer."""

    @classmethod
    def of(cls, instance: Any) -> dict[str, Any]:
        """Return the members of the answer, like ``data`` of a new serializer."""
        made: Any = _made_once(cls)  # type: ignore[arg-type]  # mypy: a class is hashable
        answer: dict[str, Any] = made.to_representation(instance)
        return answer


@cache
def _made_once(serializer_class: Callable[[], Any]) -> Any:
    return serializer_class()


class TextField(serializers.CharField):
    """A JSON string, taken exactly as sent. DRF's own field also accepts numbers, and trims."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class NameField(TextField):
    """A user name. Spaces around it are removed; an empty name matches no user."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).strip()


class EmailField(TextField, serializers.EmailField):
    """An email address in a JSON string."""


class TimeField(serializers.DateTimeField):
    """A time, in UTC. DRF's own field looks up the current time zone each time."""

    timezone = UTC


@example(username="demo", password="let-me-in-please")
class CredentialsSerializer(serializers.Serializer):
    """A user name and its password."""

    username = NameField(max_length=150, help_text="Spaces around it do not count.")
    password = TextField(max_length=4096, help_text="Taken exactly as sent.")


@example(refresh=_REFRESH)
class RefreshSerializer(serializers.Serializer):
    """The refresh token to exchange."""

    refresh = TextField(max_length=TOKEN_LENGTH, help_text="The newest refresh token.")


@example(refresh=_REFRESH)
class RevokeSerializer(serializers.Serializer):
    """The refresh token whose session ends."""

    refresh = TextField(
        max_length=TOKEN_LENGTH, help_text="Any refresh token of the session."
    )


@example(token=_ACCESS)
class VerifySerializer(serializers.Serializer):
    """The token to ask about."""

    token = TextField(max_length=TOKEN_LENGTH, help_text="An access or refresh token.")


@example(access=_ACCESS, refresh=_REFRESH)
class TokenPairSerializer(AnswerMixin, serializers.Serializer):
    """A pair of tokens."""

    access = serializers.CharField(help_text="Sent as `Authorization: Bearer <token>`.")
    refresh = serializers.CharField(
        help_text="Works once; then use the one that came with its answer."
    )


@example(token=_jwt("manual", "HS256"))
class ManualTokenSerializer(AnswerMixin, serializers.Serializer):
    """A token made by hand."""

    token = serializers.CharField(
        help_text="Sent as `Authorization: Bearer <token>`; good for an hour."
    )


@example(
    token_type="access",
    expires_in=287,
    username="demo",
    session=_SESSION,
    session_expires_at="2026-12-08T09:30:00Z",
)
class TokenStatusSerializer(AnswerMixin, serializers.Serializer):
    """What a token is good for, now."""

    token_type = serializers.ChoiceField(TokenKind.choices)
    expires_in = serializers.IntegerField(help_text="Seconds that the token has left.")
    username = serializers.CharField(help_text="Whose it is.")
    session = serializers.UUIDField(help_text="The session that it belongs to.")
    session_expires_at = TimeField(
        help_text="When the session ends if it is not refreshed."
    )


@example(
    username="demo",
    email="demo@example.com",
    first_name="Demo",
    last_name="",
    date_joined="2026-11-24T09:00:00Z",
    last_login="2026-11-24T09:30:00Z",
)
class UserProfileSerializer(AnswerMixin, serializers.Serializer):
    """Who is signed in."""

    username = serializers.CharField(help_text="What this account signs in with.")
    email = serializers.CharField(help_text="Empty where none is known.")
    first_name = serializers.CharField(help_text="Empty where none is known.")
    last_name = serializers.CharField(help_text="Empty where none is known.")
    date_joined = TimeField(help_text="When the account was made.")
    last_login = TimeField(
        allow_null=True, help_text="When it last signed in; null if it never did."
    )


@example(email="ada@example.com", first_name="Ada")
class ProfileUpdateSerializer(serializers.Serializer):
    """The fields to change."""

    email = EmailField(max_length=254, help_text="An address for mail.")
    first_name = TextField(
        max_length=150, allow_blank=True, help_text="Empty removes it."
    )
    last_name = TextField(
        max_length=150, allow_blank=True, help_text="Empty removes it."
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError(
                {name: ["This field cannot be set here."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


@example(
    id=_SESSION,
    current=True,
    user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
    address="192.0.2.7",
    created_at="2026-11-24T09:30:00Z",
    rotated_at="2026-11-24T10:15:00Z",
    expires_at="2026-12-08T10:15:00Z",
)
class SessionSerializer(AnswerMixin, serializers.Serializer):
    """One sign-in of this account."""

    id = serializers.UUIDField(help_text="What `endSession` takes.")
    current = serializers.BooleanField(
        help_text="Whether this is the session that asks."
    )
    user_agent = serializers.CharField(help_text="The device, as it called itself.")
    address = serializers.IPAddressField(
        allow_null=True, help_text="Where it came from; null if that is unknown."
    )
    created_at = TimeField(help_text="When it signed in.")
    rotated_at = TimeField(help_text="When the tokens were last refreshed.")
    expires_at = TimeField(help_text="When it ends if it is not refreshed.")
