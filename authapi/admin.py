"""Users and their sessions at ``/admin/``. Administrators can end sessions there."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils import timezone

from authapi import sessions
from authapi.models import Session, SessionQuerySet, User

admin.site.register(User, UserAdmin)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """Sessions can be viewed, searched and ended, but not added or edited."""

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
        self.message_user(request, f"Sessions ended: {ended}.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Session | None = None
    ) -> bool:
        return False
