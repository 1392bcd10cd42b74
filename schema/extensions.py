"""Facts that drf-spectacular cannot see for itself, in OpenAPI's own words."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "authapi.authentication.BearerAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token from `POST /api/token/`.",
        }


class ManualBearerScheme(OpenApiAuthenticationExtension):
    target_class = "authapi.manual.authentication.JWTAuthentication"
    name = "manualBearerAuth"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The teaching variant's token, from `POST /api/manual/login/`.",
        }


class ProfileUpdate(OpenApiSerializerExtension):
    """Its serializer refuses what it does not know."""

    target_class = "authapi.serializers.ProfileUpdateSerializer"

    def map_serializer(
        self, auto_schema: AutoSchema, direction: Direction
    ) -> dict[str, Any]:
        shape = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        return {**shape, "additionalProperties": False}
