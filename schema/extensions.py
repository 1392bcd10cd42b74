"""drf-spectacular extensions for facts that it cannot find by itself."""

from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction


class BearerScheme(OpenApiAuthenticationExtension):
    """
    The bearer scheme that both variants share.

    OpenAPI could not express a difference between two schemes. Viewers would show two inputs for the
    same header, and generated C clients do not compile with two.
    """

    target_class = "authapi.authentication.JWTAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        # Two classes share the name on purpose.
        set_override(type(self.target), "suppress_collision_warning", True)
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token from `createToken`; for `manualProfile`, one from `manualLogin`.",
        }


class ManualBearerScheme(BearerScheme):
    target_class = "authapi.manual.authentication.JWTAuthentication"


class ProfileUpdate(OpenApiSerializerExtension):
    """Its serializer rejects unknown fields."""

    target_class = "authapi.serializers.ProfileUpdateSerializer"

    def map_serializer(
        self, auto_schema: AutoSchema, direction: Direction
    ) -> dict[str, Any]:
        shape = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        return {**shape, "additionalProperties": False}
