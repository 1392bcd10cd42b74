"""
The values passed between the token codec, the rules and the views. They are frozen and have no
behaviour.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices


class TokenKind(TextChoices):
    """The ``token_type`` claim."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token whose signature, times and claim types have been checked."""

    session: uuid.UUID
    user_id: str
    jti: str
    kind: TokenKind
    expires_at: datetime


class AccessClaims(Claims):
    """The claims of an access token, which authenticates requests."""


class RefreshClaims(Claims):
    """The claims of a refresh token, which can be exchanged for one new pair."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens that a login or a refresh returns, signed and encoded."""

    access: str
    refresh: str
