"""Django's admin site, which checks passwords like every other login (``authapi.login``)."""

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone
from rest_framework.exceptions import APIException

from authapi import events, login
from authapi.errors import BadCredentials
from authapi.http.address import client_of
from authapi.limits import policy
from authapi.models import User


class LoginForm(AdminAuthenticationForm):
    """Django's login form, which checks the password like every other login."""

    def clean(self) -> dict[str, Any]:
        sent = self.cleaned_data
        # Django also calls this with a field missing.
        if sent.keys() >= {"username", "password"}:
            try:
                user = _check(self.request, sent["username"], sent["password"])
            except BadCredentials as refusal:
                raise self.get_invalid_login_error() from refusal
            except APIException as refusal:
                raise ValidationError(str(refusal.detail)) from refusal
            self.confirm_login_allowed(user)
            place = self.request.META["REMOTE_ADDR"] if self.request else None
            events.logged_in.tell(user_id=str(user.pk), session_id=None, address=place)
            self.user_cache = user
        return sent


class Site(admin.AdminSite):
    """Django's admin site. Every page that checks a password has the limits of a login."""

    login_form = LoginForm

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if request.method == "POST":
            name, old = request.user.get_username(), request.POST.get("old_password")
            # Django's form reports a wrong password by itself.
            try:
                with suppress(BadCredentials):
                    _check(request, name, old or "")
            except APIException as refusal:
                messages.error(request, str(refusal.detail))
                return redirect("admin:password_change")
        return super().password_change(request, extra_context)


def _check(request: Any, username: str, password: str) -> User:
    client, at = client_of(request), timezone.now()
    user = login.check(username, password, client=client, at=at, request=request)
    policy.remember(user, client.address, at=at.timestamp())
    return user
