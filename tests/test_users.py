"""Changes to a user end sessions, whichever path writes them to the database."""

import json

import pytest
from django.contrib.auth.hashers import make_password
from django.core import serializers
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from authapi import sessions
from authapi.client import UNKNOWN
from authapi.errors import BadCredentials
from authapi.models import Session, User
from tests.conftest import PASSWORD, assert_problem, meanwhile


def by_save(user, active):
    user.is_active = active
    user.save()


def by_save_of_one_field(user, active):
    user.is_active = active
    user.save(update_fields=["is_active"])


def by_update(user, active):
    User.objects.filter(pk=user.pk).update(is_active=active)


def by_the_base_manager(user, active):
    User._base_manager.filter(pk=user.pk).update(is_active=active)


def by_bulk_update(user, active):
    user.is_active = active
    User.objects.bulk_update([user], ["is_active"])


def by_bulk_create(user, active):
    user.is_active = active
    User.objects.bulk_create(
        [user],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["is_active"],
    )


def by_fixture(user, active, tmp_path):
    user.is_active = active
    file = tmp_path / "users.json"
    file.write_text(serializers.serialize("json", [user]))
    call_command("loaddata", str(file), verbosity=0)


def by_sql(user, active):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE authapi_user SET is_active = %s WHERE id = %s", [active, user.pk]
        )


PATHS = [
    *(by_save, by_save_of_one_field, by_update, by_the_base_manager),
    *(by_bulk_update, by_bulk_create, by_fixture, by_sql),
]


@pytest.fixture(params=PATHS, ids=lambda path: path.__name__)
def set_active(request, user, tmp_path):
    """Disable or enable the user through each path to the database."""

    def set_active(active):
        extra = [tmp_path] if request.param is by_fixture else []
        request.param(user, active, *extra)
        user.refresh_from_db()

    return set_active


@pytest.mark.requirement("ASVS 7.4.2")
class TestDisabled:
    def test_sessions_do_not_come_back_when_the_user_is_enabled(
        self, api, login, refresh, set_active
    ):
        pair = login()

        set_active(False)
        set_active(True)

        assert_problem(api.profile(pair), 401, "token_not_valid", "session_ended")
        token = pair.json()["refresh"]
        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")
        assert login().status_code == 200

    def test_admin_cookies_do_not_come_back(self, client, user, set_active):
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        user.refresh_from_db()
        client.force_login(user)
        assert client.get("/admin/").status_code == 200

        set_active(False)
        set_active(True)

        assert client.get("/admin/").status_code == 302

    def test_saving_a_stale_instance_restores_nothing(self, api, login, user):
        pair = login()
        stale = User.objects.get(pk=user.pk)
        by_update(user, False)

        stale.first_name = "Ada"
        stale.save()

        assert_problem(api.profile(pair), 401, "token_not_valid", "session_ended")

    def test_other_users_keep_their_sessions(self, api, login, user):
        other = User.objects.create_user("bob", None, PASSWORD)
        pair = login("bob")

        User.objects.filter(pk=user.pk).update(is_active=False)

        assert api.profile(pair).status_code == 200
        other.refresh_from_db()
        assert other.login_epoch == 0

    def test_changing_another_field_ends_no_session(self, api, login, user):
        pair = login()

        User.objects.filter(pk=user.pk).update(is_active=True, first_name="Ada")
        user.save()

        assert api.profile(pair).status_code == 200


class TestPassword:
    OLD_HASHER = "django.contrib.auth.hashers.PBKDF2PasswordHasher"

    @pytest.fixture
    def imported(self, user, settings):
        """A user with an imported hash, which is upgraded at the next login."""
        hashers = settings.PASSWORD_HASHERS
        settings.PASSWORD_HASHERS = [self.OLD_HASHER]
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
        settings.PASSWORD_HASHERS = [*hashers, self.OLD_HASHER]
        return User.objects.get(pk=user.pk)

    def test_a_login_in_flight_does_not_restore_the_old_password(self, login, imported):
        """The password changes after the login has read the row and before it checks the password."""
        changed = User.objects.get(pk=imported.pk)
        changed.set_password("another one entirely")
        changed.save()

        assert not imported.check_password(PASSWORD)

        assert login(password=PASSWORD).status_code == 401
        assert login(password="another one entirely").status_code == 200

    def test_two_simultaneous_first_logins_both_succeed(self, imported):
        other = User.objects.get(pk=imported.pk)

        assert imported.check_password(PASSWORD)
        assert other.check_password(PASSWORD)

        assert imported.password == other.password
        assert not imported.password.startswith("pbkdf2")

    def test_rehashing_keeps_the_sessions(self, api, login, user, imported, settings):
        pair = login()

        assert login().status_code == 200

        assert api.profile(pair).status_code == 200

    def test_rehashing_keeps_sessions_of_a_former_secret(
        self, api, login, imported, settings
    ):
        pair = login()
        User.objects.filter(pk=imported.pk).update(password=imported.password)
        Session.objects.update(auth_hash=imported.get_session_auth_hash())
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-" * 4

        assert login().status_code == 200

        assert api.profile(pair).status_code == 200

    def test_rehashing_during_a_refresh_keeps_the_session(
        self, login, refresh, imported, settings
    ):
        """The refresh has read a session of a former secret, and would store the hash that it saw."""
        token = login().json()["refresh"]
        User.objects.filter(pk=imported.pk).update(password=imported.password)
        Session.objects.update(auth_hash=imported.get_session_auth_hash())
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-" * 4

        with meanwhile(login):
            newest = refresh(token).json()["refresh"]

        assert refresh(newest).status_code == 200

    def test_a_user_deleted_during_the_login_is_not_logged_in(self, imported):
        User.objects.filter(pk=imported.pk).delete()

        assert not imported.check_password(PASSWORD)


class TestBetweenCheckAndSession:
    """What changes after the password was checked and before the session is created."""

    def refused(self, checked):
        with pytest.raises(BadCredentials):
            sessions.start(checked, client=UNKNOWN, at=timezone.now())
        return not Session.objects.exists()

    def test_a_new_password(self, user):
        changed = User.objects.get(pk=user.pk)
        changed.set_password("another one entirely")
        changed.save()

        assert self.refused(user)

    def test_disabling(self, user):
        by_update(user, False)

        assert self.refused(user)
        user.refresh_from_db()
        assert self.refused(user)

    def test_disabling_and_enabling(self, user):
        by_update(user, False)
        by_update(user, True)

        assert self.refused(user)

    def test_deletion(self, user):
        User.objects.get(pk=user.pk).delete()

        assert self.refused(user)


def test_the_oldest_of_a_hundred_sessions_makes_room(api, login, settings):
    first, second = login(), login()
    for _ in range(98):
        last = login()
    assert api.profile(first).status_code == 200

    login()

    assert_problem(api.profile(first), 401, "token_not_valid", "session_ended")
    assert api.profile(second).status_code == 200
    listed = api.get("/api/sessions/", last.json()["access"]).json()
    assert listed["count"] == 100


def test_a_hundred_sessions_take_no_room_of_another_user(api, login, db):
    User.objects.create_user("eve", password=PASSWORD)
    eves = login("eve")

    for _ in range(100):
        login()

    assert api.profile(eves).status_code == 200


def test_sessions_from_before_a_new_password_are_not_listed(api, login, user):
    login()
    user.set_password("another one entirely")
    user.save()
    mine = login(password="another one entirely").json()["access"]

    assert api.get("/api/sessions/", mine).json()["count"] == 1


def test_ending_the_other_sessions_takes_one_statement(
    api, login, django_assert_max_num_queries
):
    for _ in range(20):
        mine = login().json()["access"]

    with django_assert_max_num_queries(2):
        assert api("DELETE", "/api/sessions/", token=mine).status_code == 204

    assert json.loads(api.get("/api/sessions/", mine).content)["count"] == 1
