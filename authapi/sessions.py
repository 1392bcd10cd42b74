"""
The rules of sessions: a login starts a session, a refresh rotates its token, a logout ends it.

A session is a family of refresh tokens (RFC 9700, section 4.14.2). Its row is all that is stored about
them. This is the main difference from djangorestframework-simplejwt, whose blacklist grows by one row
with each refresh, and whose access tokens remain valid after a logout.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import NotFound
from rest_framework_simplejwt import settings as simplejwt

from authapi import events
from authapi.client import Client
from authapi.errors import (
    BadCredentials,
    SessionEnded,
    SessionReplayed,
    TokenRejected,
)
from authapi.limits import policy
from authapi.models import Session, SessionQuerySet, User
from authapi.tokens.claims import AccessClaims, Claims, RefreshClaims

# How long a client at another place can repeat a spent token, once, to get the same successor.
REPEAT_WINDOW = timedelta(seconds=10)
# The maximum number of live sessions per account. The least recently refreshed one is ended.
MOST = 100


def start(
    user: User, *, client: Client, at: datetime, idle: timedelta | None = None
) -> Session:
    """
    Open a session for *user*, whose password has just been checked, and remember from where.

    The user's row is locked while the session is created. So if the password or ``is_active`` changed
    since the check, this is noticed; if it changes later, the change finds the session and ends it.

    Args:
        client: where the request came from.
        at: now; timezone-aware.
        idle: how long the session lasts without a refresh; ``REFRESH_TOKEN_LIFETIME`` if None.

    Raises:
        BadCredentials: the user has been deleted, disabled or given another password in the meantime.
    """
    with transaction.atomic():
        unchanged = User.objects.filter(
            pk=user.pk,
            is_active=True,
            password=user.password,
            login_epoch=user.login_epoch,
        )
        if not unchanged.update(last_login=at):
            raise BadCredentials
        crowded_out = _end_oldest(user, at)
        policy.remember(user, client.address, at=at.timestamp())
        session = Session.objects.create(
            user=user,
            auth_hash=user.get_session_auth_hash(),
            current_jti=uuid.uuid4().hex,
            created_at=at,
            rotated_at=at,
            expires_at=_expiry(created_at=at, at=at, idle=idle),
            user_agent=client.user_agent,
            address=client.address,
        )
    if crowded_out:
        events.sessions_ended.tell(user_id=str(user.pk), count=crowded_out)
    events.logged_in.tell(**_named(session), address=client.address)
    return session


def _end_oldest(user: User, at: datetime) -> int:
    """Make room for one more session of *user*."""
    live = Session.objects.filter(user=user).live(at)
    # Almost always there is room. A query that finds this takes less time than an UPDATE.
    oldest = list(live.values_list("pk", flat=True)[MOST - 1 :])
    return Session.objects.filter(pk__in=oldest).end(at) if oldest else 0


def authenticated(presented: AccessClaims, *, at: datetime) -> Session:
    """
    Return the session of an access token, with its user, in one query.

    Raises:
        SessionEnded: the session has ended or expired or does not exist, or its user is disabled or has
            another password.
        TokenRejected: the token and the session name different users.
    """
    return _live(presented, at=at)


def rotate(presented: RefreshClaims, *, client: Client, at: datetime) -> Session:
    """
    Spend *presented* and return its session, with the successor as ``current_jti``.

    A refresh token works once. Of concurrent requests with the same token, at most one rotates, on any
    database, because the check is one ``UPDATE`` whose ``WHERE`` names only columns of this table. A
    filter across a join would become a subquery, which the database does not evaluate again for the
    losing request.

    The direct predecessor can get the same successor again, because an answer may be lost, and two tabs
    may refresh at once (see ``_may_repeat``).

    Raises:
        SessionReplayed: the token was spent before. The session is now ended, for both the thief and
            the owner (RFC 9700, section 4.14.2).
        SessionEnded: as in ``authenticated``.
        TokenRejected: as in ``authenticated``.
    """
    session = _live(presented, at=at)
    if session.current_jti == presented.jti and _spend(session, client=client, at=at):
        events.refreshed.tell(**_named(session))
        return session
    session = _live(presented, at=at)
    places = {
        "address": client.address,
        "user_agent": client.user_agent,
        "last_address": session.address,
        "last_user_agent": session.user_agent,
    }
    if _may_repeat(session, presented, client=client, at=at):
        if client.is_at(session.user_agent, session.address):
            return session
        # Any further repeat of this token, or of the next one, is refused because of this.
        current = Session.objects.filter(pk=session.pk, previous_jti=presented.jti)
        first = current.filter(repeated=False, ended_at=None).update(repeated=True)
        if first:
            events.repeated.tell(**_named(session), **places)
            return session
    _end(session, events.token_reused, at=at, **places)
    raise SessionReplayed


def _spend(session: Session, *, client: Client, at: datetime) -> bool:
    """Give the session its next token, in one statement. Return whether this request was the first."""
    spent, successor = session.current_jti, uuid.uuid4().hex
    expires_at = _expiry(created_at=session.created_at, at=at)
    done = Session.objects.filter(
        pk=session.pk, ended_at=None, current_jti=spent
    ).update(
        current_jti=successor,
        previous_jti=spent,
        rotated_at=at,
        expires_at=expires_at,
        user_agent=client.user_agent,
        address=client.address,
        repeated=False,
        repeated_before=F("repeated"),
    )
    auth_hash = session.user.get_session_auth_hash()
    if done and session.auth_hash != auth_hash:
        # Under a former SECRET_KEY. Not if another login has hashed the password anew meanwhile.
        Session.objects.filter(pk=session.pk, auth_hash=session.auth_hash).update(
            auth_hash=auth_hash
        )
    session.current_jti, session.previous_jti = successor, spent
    session.rotated_at, session.expires_at = at, expires_at
    return bool(done)


def _may_repeat(
    session: Session, presented: RefreshClaims, *, client: Client, at: datetime
) -> bool:
    """
    Whether a spent token gets the same successor again.

    Only the direct predecessor of an unspent token does. The client that spent it can repeat it at any
    time: a phone that lost the answer may retry a day later. Any other client can repeat it once,
    within ``REPEAT_WINDOW``, and not in two consecutive generations, so a thief who follows the owner's
    tokens is detected at the second one.
    """
    if session.previous_jti != presented.jti:
        return False
    if client.is_at(session.user_agent, session.address):
        return True
    again = session.repeated or session.repeated_before
    return not again and at <= session.rotated_at + REPEAT_WINDOW


def acceptable(presented: RefreshClaims, *, client: Client, at: datetime) -> Session:
    """
    Return the session that ``rotate`` would rotate, without changing anything.

    Raises:
        SessionEnded: as in ``rotate``.
        TokenRejected: as in ``rotate``; also for a spent token, which does not end the session here.
    """
    session = _live(presented, at=at)
    if session.current_jti == presented.jti or _may_repeat(
        session, presented, client=client, at=at
    ):
        return session
    raise TokenRejected("This refresh token was used before.")


def end(presented: RefreshClaims, *, at: datetime) -> None:
    """End the session of a refresh token, spent or not. Do nothing if it has ended."""
    for session in Session.objects.filter(pk=presented.session):
        _end(session, events.logged_out, at=at)


def end_one(user: User, session: uuid.UUID, *, at: datetime) -> None:
    """
    End a session of *user*. Do nothing if it has ended.

    Raises:
        NotFound: the user has no such session.
    """
    mine = Session.objects.filter(pk=session, user=user).first()
    if not mine:
        raise NotFound
    _end(mine, events.logged_out, at=at)


def end_others(session: Session, *, at: datetime) -> None:
    """End all other sessions of the same user."""
    others = Session.objects.filter(user=session.user_id).exclude(pk=session.pk)
    if ended := others.live(at).end(at):
        events.sessions_ended.tell(user_id=str(session.user_id), count=ended)


def end_all(chosen: SessionQuerySet, *, at: datetime) -> int:
    """End the *chosen* sessions that have not ended, and return their number."""
    ended = Session.objects.filter(pk__in=chosen.values("pk")).end(at)
    if ended:
        events.sessions_ended.tell(user_id=None, count=ended)
    return ended


def of_user(user: User, *, at: datetime) -> SessionQuerySet:
    """Return the user's sessions whose tokens are accepted, the most recently refreshed first."""
    return Session.objects.filter(user=user, auth_hash__in=_accepted(user)).live(at)


def by_secret(*, at: datetime) -> list[tuple[int, datetime | None]]:
    """
    Return, for ``SECRET_KEY`` and each fallback, how many live sessions would end without it, and when
    the last of these expires.

    A session belongs to the secret of its login or its latest refresh.
    """
    secrets = 1 + len(settings.SECRET_KEY_FALLBACKS)
    counts, last = [0] * secrets, [at] * secrets
    rows = (
        Session.objects.live(at)
        .order_by()
        .values_list("auth_hash", "expires_at", "user__password", "user__login_epoch")
    )
    for auth_hash, expires_at, password, login_epoch in rows.iterator():
        accepted = _accepted(User(password=password, login_epoch=login_epoch))
        if auth_hash in accepted:
            secret = accepted.index(auth_hash)
            counts[secret] += 1
            last[secret] = max(last[secret], expires_at)
    return [
        (count, until if count else None)
        for count, until in zip(counts, last, strict=True)
    ]


def over(*, at: datetime) -> SessionQuerySet:
    """Return the sessions of all users that have ended or expired."""
    return Session.objects.filter(Q(ended_at__isnull=False) | Q(expires_at__lte=at))


def delete_some(chosen: SessionQuerySet, *, most: int) -> int:
    """Delete at most *most* of the *chosen* sessions, and return their number."""
    batch = chosen.order_by().values("pk")[:most]
    return Session.objects.filter(pk__in=batch).delete()[0]


def _live(presented: Claims, *, at: datetime) -> Session:
    try:
        session = Session.objects.with_user(presented.session)
    except Session.DoesNotExist as error:
        raise SessionEnded from error
    if session.ended_at or session.expires_at <= at:
        raise SessionEnded
    user = session.user
    known = any(
        constant_time_compare(session.auth_hash, auth_hash)
        for auth_hash in _accepted(user)
    )
    if not (user.is_active and known):
        _end(session, events.access_lost, at=at)
        raise SessionEnded
    if str(session.user_id) != presented.user_id:
        raise TokenRejected
    return session


def _accepted(user: User) -> list[str]:
    """Return the accepted values of ``auth_hash``: under ``SECRET_KEY`` and its fallbacks."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def _end(
    session: Session, event: events.Event, *, at: datetime, **facts: str | None
) -> None:
    """End a session and send *event*, unless it has ended already."""
    if Session.objects.filter(pk=session.pk).end(at):
        event.tell(**_named(session), **facts)


def _named(session: Session) -> dict[str, str]:
    return {"user_id": str(session.user_id), "session_id": str(session.pk)}


def _expiry(
    *, created_at: datetime, at: datetime, idle: timedelta | None = None
) -> datetime:
    return min(
        at + (idle or simplejwt.api_settings.REFRESH_TOKEN_LIFETIME),
        created_at + settings.SESSION_LIFETIME,
    )
