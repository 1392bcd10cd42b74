"""The tables: users, sessions (one per login), and limits. The rules are in other modules."""

import uuid
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser
from django.db import connections, models, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac


class User(AbstractUser):
    """
    Django's user. Sessions end for good when it is disabled or its password changes.

    They remember ``get_session_auth_hash()``, and so do the admin's cookies.
    """

    login_epoch = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Counts the changes of is_active; the database alone writes it.",
    )

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """
        Like Django's, which covers only the password. Both of Django's public methods call this
        one.
        """
        value = f"{self.login_epoch} {self.password}"
        digest = salted_hmac(
            "authapi.User.session", value, secret=secret, algorithm="sha256"
        )
        return digest.hexdigest()

    def check_password(self, raw_password: str | None) -> bool:
        """
        Like Django's, which rehashes a password when the settings require a different hash.

        Django writes the new hash even if the row has changed in the meantime. Here the new hash
        replaces only the one that was checked, so a changed password is not overwritten. The sessions
        continue, because the password is the same.
        """
        checked = self.password

        def upgrade(raw_password: str) -> None:
            self.password = make_password(raw_password)
            with transaction.atomic():
                row = User.objects.filter(pk=self.pk, password=checked)
                if row.update(password=self.password):
                    before, after = (
                        User(password=password, login_epoch=self.login_epoch)
                        for password in (checked, self.password)
                    )
                    known = (
                        before.get_session_auth_hash(),
                        *before.get_session_auth_fallback_hash(),
                    )
                    self.sessions.filter(auth_hash__in=known).update(
                        auth_hash=after.get_session_auth_hash()
                    )
                    return
            self.password = ""

        correct = check_password(raw_password, checked, upgrade)
        if correct and not self.password:
            # Another login rehashed it first, or the password was changed, or the user is deleted.
            try:
                self.refresh_from_db(fields=["password"])
            except User.DoesNotExist:
                return False
            return self.check_password(raw_password)
        return correct


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, at: datetime) -> "SessionQuerySet":
        """The sessions that have neither ended nor expired."""
        return self.filter(ended_at=None, expires_at__gt=at)

    def end(self, at: datetime) -> int:
        """End the sessions that have not ended yet, and return their number."""
        return self.filter(ended_at=None).update(ended_at=at)

    def with_user(self, pk: uuid.UUID) -> "Session":
        """
        Like ``select_related("user").get(pk=pk)``, but Django compiles the SQL only once.

        Every request that sends a token makes this query, and compiling it takes longer than all else
        that such a request does.
        """
        connection = connections[self.db]
        sql, converters = _session_and_user(self.db)
        with connection.cursor() as cursor:
            cursor.execute(sql, [Session._meta.pk.get_db_prep_value(pk, connection)])
            row = list(cursor.fetchone() or ())
        if not row:
            raise Session.DoesNotExist
        for position, (functions, column) in converters.items():
            for convert in functions:
                row[position] = convert(row[position], column, connection)
        width = len(Session._meta.concrete_fields)
        session = Session.from_db(self.db, (), row[:width])
        session.user = User.from_db(self.db, (), row[width:])
        return session


@cache
def _session_and_user(using: str) -> tuple[str, dict[int, Any]]:
    """Return the SQL for ``with_user``, and the converters of its columns by position."""
    query = Session.objects.filter(pk=uuid.uuid4()).select_related("user").query
    compiler = query.get_compiler(using)
    sql, _ = compiler.as_sql()
    return sql, compiler.get_converters(column for column, *_ in compiler.select)


class Session(models.Model):
    """One login: the family of refresh tokens that descend from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    auth_hash = models.CharField(
        max_length=128,
        help_text="The user's get_session_auth_hash(): when it changes, the session is over.",
    )
    current_jti = models.CharField(max_length=32)
    previous_jti = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    # The time and origin of the last refresh, or of the login if there was no refresh yet.
    rotated_at = models.DateTimeField(help_text="When the tokens were last refreshed.")
    user_agent = models.CharField(max_length=256, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    repeated = models.BooleanField(
        default=False,
        help_text="The predecessor of the current token was repeated from elsewhere.",
    )
    repeated_before = models.BooleanField(
        default=False, help_text="The same of the token before."
    )
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    # Whether the request that lists it sent its token; not stored.
    current = False

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-rotated_at", "id")
        indexes = (
            models.Index(
                fields=["user", "-rotated_at"],
                condition=Q(ended_at=None),
                name="session_live_of_user",
            ),
            models.Index(fields=["expires_at"], name="session_expires"),
            models.Index(
                fields=["ended_at"],
                condition=Q(ended_at__isnull=False),
                name="session_ended",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}, {self.user_agent or 'unknown device'}"


class Limit(models.Model):
    """How much of a limit has been used (``authapi.limits``), or from where an account is known."""

    digest = models.CharField(max_length=64, primary_key=True)
    full_at = models.FloatField(
        db_index=True,
        help_text="When the limit is full again, in seconds since the epoch.",
    )
