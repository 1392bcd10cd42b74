"""
The one way in: every password that somebody sends is checked here.

The token view, the manual variant and the admin's forms call it, so that all have the same limits.
"""

from datetime import datetime

from django.contrib.auth import authenticate
from django.http import HttpRequest

from authapi import events, passwords
from authapi.client import Client
from authapi.errors import BadCredentials, Unavailable
from authapi.limits import policy
from authapi.models import User


def check(
    username: str,
    password: str,
    *,
    client: Client,
    at: datetime,
    request: HttpRequest | None = None,
) -> User:
    """
    Return the user whose name and password these are.

    Args:
        client: where the request came from.
        at: now; timezone-aware.
        request: for authentication backends that want it.

    Raises:
        BadCredentials: unknown user, wrong password or inactive account, after the same work.
        Throttled: too many tries; the password has not been looked at.
        Unavailable: too many passwords are being hashed; the try does not count.
    """
    name = User.normalize_username(username)
    account = _account(name)
    attempt = policy.count_login(name, account, client.address, at=at.timestamp())
    try:
        with passwords.turn():
            user = authenticate(request, username=name, password=password)
    except Unavailable:
        attempt.give_back()
        raise
    if not isinstance(user, User):
        user_id = str(account.pk) if account else None
        events.login_failed.tell(user_id=user_id, address=client.address)
        raise BadCredentials
    policy.remember(user, client.address, at=at.timestamp())
    return user


def _account(name: str) -> User | None:
    """The account that *name* means, as Django's ``ModelBackend`` looks it up."""
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        return None
