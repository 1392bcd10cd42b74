"""What a user may change of the account."""

from collections.abc import Mapping
from typing import Any

from authapi.models import User


def update(user: User, changes: Mapping[str, Any]) -> User:
    """
    Write *changes* (field to value) and return *user* with them.

    Only the columns named are written: a password or a lock set meanwhile stays.
    """
    if changes:
        User.objects.filter(pk=user.pk).update(**changes)
    for name, value in changes.items():
        setattr(user, name, value)
    return user
