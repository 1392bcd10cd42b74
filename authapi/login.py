"""
The login: every password that a client sends is checked here.

The token view, the manual variant and the admin's forms all call it, so they share the same limits.
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
    Return the user with this name and password.

    ``sessions.start`` remembers where the user has signed in; without a session, the caller does so.

    Args:
        client: where the request came from.
        at: now; timezone-aware.
        request: passed to authentication backends.

    Raises:
        BadCredentials: unknown user, wrong password or inactive account. All three cases take the same
            work.
        Throttled: too many attempts; the password was not checked.
        Unavailable: too many passwords are being hashed; the attempt does not count.
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
    return user


def _account(name: str) -> User | None:
    """Look up the account as Django's ``ModelBackend`` does."""
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        return None
