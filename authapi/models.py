"""The rows: users, and one ``Session`` per login. The rules are in ``authapi.sessions``."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, at: datetime) -> "SessionQuerySet":
        """Those neither ended nor expired."""
        return self.filter(ended_at=None, expires_at__gt=at)

    def end(self, at: datetime) -> int:
        """End those that have not ended yet; return how many that were."""
        return self.filter(ended_at=None).update(ended_at=at)


class UserQuerySet(models.QuerySet["User"]):
    def update(self, **values: Any) -> int:
        """As Django's; a user set inactive loses the sessions, as with ``save()``."""
        changed = super().update(**values)
        if "is_active" in values:
            Session.objects.filter(user__is_active=False).end(timezone.now())
        return changed


class Users(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # made at run time
    """Django's manager of users, on the queryset above."""

    use_in_migrations = False


class User(AbstractUser):
    """
    Django's user, whose sessions end for good when it is set inactive.

    Authentication refuses an inactive user anyway; ending the sessions keeps the old ones from
    coming back when the user is set active again.
    """

    objects: ClassVar[Users] = Users()

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        if not self.is_active:
            self.sessions.end(timezone.now())

    def check_password(self, raw_password: str | None) -> bool:
        """
        As Django's; sessions outlive the upgrade of a password's hash.

        Django hashes an old-fashioned password anew when it is checked. The password is the same,
        so the sessions that remember the old hash go on.
        """
        before = self.get_session_auth_hash()
        correct = super().check_password(raw_password)
        if correct and (after := self.get_session_auth_hash()) != before:
            self.sessions.filter(auth_hash=before).update(auth_hash=after)
        return correct


class Session(models.Model):
    """One login: the family of refresh tokens that descend from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    auth_hash = models.CharField(
        max_length=128,
        help_text="The user's get_session_auth_hash(): a new password ends the session.",
    )
    current_jti = models.CharField(max_length=32)
    previous_jti = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    rotated_at = models.DateTimeField(help_text="When the current token was made.")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    user_agent = models.CharField(max_length=256, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

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


class Throttle(models.Model):
    """How much of a limit has been used up (``authapi.limits.gcra``), or what exempts from one."""

    digest = models.CharField(max_length=64, primary_key=True)
    new_at = models.FloatField(
        db_index=True,
        help_text="When nothing of the limit is used any more, in seconds since the epoch.",
    )
