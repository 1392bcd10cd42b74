"""What passes between the token codec, the rules and the views: frozen values, no behaviour."""

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
    """What a token says, once its signature, its times and the type of every claim are checked."""

    session: uuid.UUID
    user_id: str
    jti: str
    kind: TokenKind
    expires_at: datetime


class AccessClaims(Claims):
    """Those of an access token: it shows who is calling."""


class RefreshClaims(Claims):
    """Those of a refresh token: it is good for one new pair."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh gives its client, signed and encoded."""

    access: str
    refresh: str
