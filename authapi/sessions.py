"""The rules of sessions: a login starts one, a refresh rotates its token, a logout ends it."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError
from django.db.models import Q
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import NotFound
from rest_framework_simplejwt import settings as simplejwt

from authapi import events, passwords
from authapi.errors import (
    BadCredentials,
    SessionEnded,
    SessionReplayed,
    TokenRejected,
)
from authapi.limits import policy
from authapi.models import Session, SessionQuerySet, User
from authapi.tokens.claims import AccessClaims, Claims, Device, RefreshClaims


def log_in(
    username: str,
    password: str,
    *,
    device: Device,
    at: datetime,
    idle: timedelta | None = None,
) -> Session:
    """
    Check a user's credentials and start a session.

    Args:
        device: where the request came from.
        at: now; timezone-aware.
        idle: how long the session lives unless it is refreshed; None for
            ``REFRESH_TOKEN_LIFETIME``.

    Raises:
        BadCredentials: unknown user, wrong password or inactive account, after the same work.
        Throttled: too many tries; the password has not been looked at.
        Unavailable: too many passwords are being hashed.
    """
    username = User.normalize_username(username)
    policy.count_login(username, device.address, at=at.timestamp())
    with passwords.turn():
        user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        events.login_failed.tell(user_id=id_of(username), address=device.address)
        raise BadCredentials
    User.objects.filter(pk=user.pk).update(last_login=at)
    try:
        session = _start(user, device=device, at=at, idle=idle)
    except IntegrityError as error:  # deleted meanwhile
        raise BadCredentials from error
    # Who was disabled meanwhile had no such session yet to lose.
    if not User.objects.filter(pk=user.pk, is_active=True).exists():
        Session.objects.filter(pk=session.pk).end(at)
        raise BadCredentials
    policy.remember(username, device.address, at=at.timestamp())
    events.logged_in.tell(**_named(session), address=device.address)
    return session


def _start(
    user: User, *, device: Device, at: datetime, idle: timedelta | None
) -> Session:
    return Session.objects.create(
        user=user,
        auth_hash=user.get_session_auth_hash(),
        current_jti=uuid.uuid4().hex,
        created_at=at,
        rotated_at=at,
        expires_at=_expiry(created_at=at, at=at, idle=idle),
        user_agent=device.user_agent,
        address=device.address,
    )


def authenticated(presented: AccessClaims, *, at: datetime) -> Session:
    """
    Return the session that an access token speaks for, with its user: one query.

    Raises:
        SessionEnded: it has ended or expired, never was, or its user may not come in any more.
        TokenRejected: the token names another user than the session's.
    """
    return _live(presented, at=at)


def rotate(presented: RefreshClaims, *, at: datetime) -> Session:
    """
    Spend *presented* and return its session, with the successor as ``current_jti``.

    A refresh token works once. Of requests that bring the same one at most one rotates, on any
    database, because the claim is one ``UPDATE`` whose ``WHERE`` names this table's columns only: a
    filter across a join would become a subquery, which the loser's database does not look at again.
    The direct predecessor, presented again within ``REFRESH_GRACE``, gets the same successor: its
    answer was lost, or two tabs asked at once.

    Raises:
        SessionReplayed: the token was spent before. The session is over from here on, for thief
            and owner alike (RFC 9700, section 4.14.2).
        SessionEnded: as ``authenticated``.
        TokenRejected: as ``authenticated``.
    """
    session = _live(presented, at=at)
    session.previous_jti, session.current_jti = presented.jti, uuid.uuid4().hex
    session.rotated_at = at
    session.expires_at = _expiry(created_at=session.created_at, at=at)
    session.auth_hash = session.user.get_session_auth_hash()
    if Session.objects.filter(
        pk=session.pk, ended_at=None, current_jti=presented.jti
    ).update(
        current_jti=session.current_jti,
        previous_jti=session.previous_jti,
        rotated_at=session.rotated_at,
        expires_at=session.expires_at,
        auth_hash=session.auth_hash,
    ):
        events.refreshed.tell(**_named(session))
        return session
    session = _live(presented, at=at)
    if _in_grace(session, presented, at=at):
        return session
    _end(session, events.token_reused, at=at)
    raise SessionReplayed


def acceptable(presented: RefreshClaims, *, at: datetime) -> Session:
    """
    Return the session that ``rotate`` would rotate, and change nothing.

    Raises:
        SessionEnded: as ``rotate``.
        TokenRejected: as ``rotate``; also a spent token, which ends no session here.
    """
    session = _live(presented, at=at)
    if session.current_jti == presented.jti or _in_grace(session, presented, at=at):
        return session
    raise TokenRejected("This refresh token was used before.")


def end(presented: RefreshClaims, *, at: datetime) -> None:
    """End the session of a refresh token, spent or not; nothing happens if it has ended."""
    for session in Session.objects.filter(pk=presented.session):
        _end(session, events.logged_out, at=at)


def end_one(user: User, session: uuid.UUID, *, at: datetime) -> None:
    """
    End a session of *user*; nothing happens if it has ended.

    Raises:
        NotFound: the user has no such session.
    """
    mine = Session.objects.filter(pk=session, user=user).first()
    if not mine:
        raise NotFound
    _end(mine, events.logged_out, at=at)


def end_others(session: Session, *, at: datetime) -> None:
    """End all sessions of the user but this one."""
    end_all(of_user(session.user, at=at).exclude(pk=session.pk), at=at)


def end_all(chosen: SessionQuerySet, *, at: datetime) -> int:
    """End those of *chosen* that have not ended; return how many that were."""
    return sum(_end(session, events.logged_out, at=at) for session in chosen)


def id_of(username: str) -> str | None:
    """Return the id of the account with this name, for an event; None if there is none."""
    found = User.objects.filter(username=username).values_list("pk").first()
    return str(found[0]) if found else None


def of_user(user: User, *, at: datetime) -> SessionQuerySet:
    """The user's live sessions, the latest used first."""
    return Session.objects.filter(user=user).live(at)


def over(*, at: datetime) -> SessionQuerySet:
    """The sessions that have ended or expired, of all users."""
    return Session.objects.filter(Q(ended_at__isnull=False) | Q(expires_at__lte=at))


def delete_some(chosen: SessionQuerySet, *, most: int) -> int:
    """Delete at most so many of *chosen*; return how many that were."""
    batch = list(chosen.order_by().values_list("pk", flat=True)[:most])
    return Session.objects.filter(pk__in=batch).delete()[0]


def _live(presented: Claims, *, at: datetime) -> Session:
    try:
        session = (
            Session.objects.live(at).select_related("user").get(pk=presented.session)
        )
    except Session.DoesNotExist as error:
        raise SessionEnded from error
    if not _may_come_in(session):
        raise SessionEnded
    if str(session.user_id) != presented.user_id:
        raise TokenRejected
    return session


def _may_come_in(session: Session) -> bool:
    """Whether the user is active and has the password that the session began with."""
    user = session.user
    accepted = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return user.is_active and any(
        constant_time_compare(session.auth_hash, auth_hash) for auth_hash in accepted
    )


def _in_grace(session: Session, presented: RefreshClaims, *, at: datetime) -> bool:
    return (
        session.previous_jti == presented.jti
        and at <= session.rotated_at + settings.REFRESH_GRACE
    )


def _end(session: Session, event: events.Event, *, at: datetime) -> bool:
    """End a session and tell why, unless it has ended; return whether it had not."""
    ended = bool(Session.objects.filter(pk=session.pk).end(at))
    if ended:
        event.tell(**_named(session))
    return ended


def _named(session: Session) -> dict[str, str]:
    return {"user_id": str(session.user_id), "session_id": str(session.pk)}


def _expiry(
    *, created_at: datetime, at: datetime, idle: timedelta | None = None
) -> datetime:
    return min(
        at + (idle or simplejwt.api_settings.REFRESH_TOKEN_LIFETIME),
        created_at + settings.SESSION_LIFETIME,
    )
