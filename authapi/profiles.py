"""Changes that users can make to their own account."""

from collections.abc import Mapping
from typing import Any

from authapi.models import User


def update(user: User, changes: Mapping[str, Any]) -> User:
    """
    Save *changes* (field to value) and return the updated *user*.

    Only these columns are written, so a concurrent change of the password or of ``is_active`` is kept.
    """
    if changes:
        User.objects.filter(pk=user.pk).update(**changes)
    for name, value in changes.items():
        setattr(user, name, value)
    return user
