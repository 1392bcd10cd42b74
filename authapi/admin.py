"""Users and their sessions at ``/admin/``, where a session can be ended."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import APIException

from authapi import events, passwords, sessions
from authapi.http.address import address
from authapi.limits import policy
from authapi.models import Session, SessionQuerySet, User


class LoginForm(AdminAuthenticationForm):
    """Django's, under the limits of every other login: it is a door, too."""

    def clean(self) -> dict[str, Any]:
        # Django comes here with a field missing, too, and then asks for no password.
        if not self.cleaned_data.keys() >= {"username", "password"}:
            return super().clean()
        assert self.request is not None  # noqa: S101  # the admin's view gives it
        name, place = self.cleaned_data["username"], address(self.request)
        at = timezone.now().timestamp()
        try:
            policy.count_login(name, place, at=at)
            with passwords.turn():
                cleaned = super().clean()
        except ValidationError:
            events.login_failed.tell(user_id=sessions.id_of(name), address=place)
            raise
        except APIException as refusal:
            raise ValidationError(str(refusal.detail)) from refusal
        policy.remember(name, place, at=at)
        events.logged_in.tell(
            user_id=sessions.id_of(name), session_id=None, address=place
        )
        return cleaned


admin.site.login_form = LoginForm
admin.site.register(User, UserAdmin)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """Read, search, end; nothing is typed in here."""

    list_display = ("user", "user_agent", "address", "rotated_at", "expires_at", "live")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "rotated_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user_agent", "address")
    exclude = ("auth_hash", "current_jti", "previous_jti")
    actions = ("end",)

    @admin.display(boolean=True)
    def live(self, session: Session) -> bool:
        return session.ended_at is None and session.expires_at > timezone.now()

    @admin.action(description="End selected sessions", permissions=["delete"])
    def end(self, request: HttpRequest, chosen: SessionQuerySet) -> None:
        ended = sessions.end_all(chosen, at=timezone.now())
        self.message_user(request, f"Ended {ended} sessions.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Session | None = None
    ) -> bool:
        return False
