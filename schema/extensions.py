"""Facts that drf-spectacular cannot see for itself, in OpenAPI's own words."""

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
    The one bearer scheme of both variants.

    A second one would differ in nothing that OpenAPI can say: viewers would show two boxes for the
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
    """Its serializer refuses what it does not know."""

    target_class = "authapi.serializers.ProfileUpdateSerializer"

    def map_serializer(
        self, auto_schema: AutoSchema, direction: Direction
    ) -> dict[str, Any]:
        shape = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        return {**shape, "additionalProperties": False}
