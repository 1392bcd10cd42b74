"""``/api/profile/``, and who may read it."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from authapi.models import User
from tests.conftest import assert_problem


@pytest.fixture
def access(login) -> str:
    return str(login().json()["access"])


@pytest.fixture
def change(api, access):
    return lambda body: api("PATCH", "/api/profile/", body, access)


class TestRead:
    @pytest.mark.requirement("ASVS 14.3.2")
    def test_returns_the_signed_in_user(self, api, access, user):
        answer = api.get("/api/profile/", access)

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert body["username"] == "ada"
        assert body["email"] == "ada@example.com"
        assert body.keys() >= {
            *("username", "email", "first_name", "last_name"),
            *("date_joined", "last_login"),
        }

    def test_makes_one_query(self, api, access, django_assert_num_queries):
        with django_assert_num_queries(1):
            api.get("/api/profile/", access)

    @pytest.mark.requirement("RFC 6750 2.1")
    def test_the_scheme_is_case_insensitive(self, api, access):
        answer = api.client.get(
            "/api/profile/", headers={"Authorization": f"bEaReR {access}"}
        )

        assert answer.status_code == 200

    def test_allows_head(self, api, access):
        assert api("HEAD", "/api/profile/", token=access).status_code == 200


class TestChange:
    def test_changes_only_the_sent_fields(self, api, access, change):
        answer = change({"first_name": "Ada"})

        assert answer.status_code == 200
        assert answer.json()["first_name"] == "Ada"
        assert answer.json() == api.get("/api/profile/", access).json()
        assert answer.json()["email"] == "ada@example.com"

    def test_other_users_keep_their_profile(self, change, db):
        eve = User.objects.create_user("eve", first_name="Eve")

        change({"first_name": "Ada"})

        eve.refresh_from_db()
        assert eve.first_name == "Eve"

    def test_columns_that_were_not_sent_are_not_written(self, change, access):
        with CaptureQueriesContext(connection) as queries:
            change({"first_name": "Ada"})

        (written,) = (q["sql"] for q in queries if q["sql"].startswith("UPDATE"))
        assert '"first_name"' in written
        assert '"password"' not in written
        assert '"is_active"' not in written

    def test_an_empty_change_changes_nothing(self, api, access, change):
        assert change({}).json() == api.get("/api/profile/", access).json()

    @pytest.mark.requirement("RFC 9457 3.1.4", "RFC 9457 3.2")
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"email": "not an address"}, "email"),
            ({"email": ""}, "email"),
            ({"first_name": "x" * 151}, "first_name"),
            ({"last_name": None}, "last_name"),
            ({"username": "eve"}, "username"),
            ({"is_superuser": True}, "is_superuser"),
            ([], "non_field_errors"),
            (7, "non_field_errors"),
        ],
        ids=repr,
    )
    def test_invalid_fields_are_rejected_by_name(self, change, user, body, field):
        answer = change(body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"].keys() == {field}
        user.refresh_from_db()
        assert user.username == "ada"
        assert not user.is_superuser


class TestWhoMayNot:
    @pytest.mark.requirement("RFC 6750 3")
    def test_a_missing_token_is_rejected(self, api, db):
        answer = api.get("/api/profile/")

        assert_problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.requirement("RFC 6750 2.2", "RFC 6750 2.3", "ASVS 14.2.1")
    @pytest.mark.parametrize(
        ("query", "body", "content_type"),
        [
            ("?access_token={}", "", "application/json"),
            ("", '{{"access_token": "{}"}}', "application/json"),
            ("", "access_token={}", "application/x-www-form-urlencoded"),
        ],
        ids=["query", "json", "form"],
    )
    def test_a_token_outside_of_the_header_is_ignored(
        self, api, access, query, body, content_type
    ):
        path = "/api/profile/" + query.format(access)

        answer = api.client.generic("PATCH", path, body.format(access), content_type)

        assert_problem(answer, 401, "not_authenticated")

    @pytest.mark.requirement("RFC 6750 3", "RFC 6750 3.1")
    def test_an_expired_token_is_rejected(self, api, access):
        with time_machine.travel(timezone.now() + timedelta(seconds=331)):
            answer = api.get("/api/profile/", access)

        assert_problem(answer, 401, "token_not_valid", "expired")
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]

    def test_clocks_may_differ_by_half_a_minute(self, api, access):
        with time_machine.travel(timezone.now() + timedelta(seconds=328)):
            assert api.get("/api/profile/", access).status_code == 200

    @pytest.mark.requirement("RFC 7519 4.1.4", "RFC 7519 4.1.6", "ASVS 9.2.1")
    @pytest.mark.parametrize("seen", [False, True], ids=["new", "seen"])
    @pytest.mark.parametrize(
        ("age", "status"), [(-31, 401), (-30, 200), (329, 200), (330, 401)]
    )
    def test_a_token_is_accepted_for_its_five_minutes_and_thirty_seconds_around(
        self, api, login, age, status, seen
    ):
        """The service remembers a token that it has seen, but not that it was valid."""
        with time_machine.travel("2026-11-24T09:00:00Z", tick=False) as clock:
            access = login().json()["access"]
            if seen:
                api.get("/api/profile/", access)
            clock.shift(age)

            answer = api.get("/api/profile/", access)

        assert answer.status_code == status
        assert answer.json().get("reason") == ("expired" if age == 330 else None)

    @pytest.mark.requirement("ASVS 7.4.3")
    def test_a_user_with_a_new_password_is_rejected(self, api, access, user):
        user.set_password("another one entirely")
        user.save()

        assert_problem(
            api.get("/api/profile/", access), 401, "token_not_valid", "session_ended"
        )

    def test_a_deleted_user_is_rejected(self, api, access, user):
        user.delete()

        assert_problem(
            api.get("/api/profile/", access), 401, "token_not_valid", "session_ended"
        )

    @pytest.mark.parametrize("by", ["save", "update", "bulk_update"])
    def test_a_disabled_user_is_rejected_and_old_sessions_stay_ended(
        self, api, access, user, by
    ):
        def set_active(active: bool) -> None:
            user.is_active = active
            if by == "save":
                user.save()
            elif by == "update":
                User.objects.filter(pk=user.pk).update(is_active=active)
            else:
                User.objects.bulk_update([user], ["is_active"])

        set_active(False)
        assert_problem(
            api.get("/api/profile/", access), 401, "token_not_valid", "session_ended"
        )

        set_active(True)
        assert_problem(
            api.get("/api/profile/", access), 401, "token_not_valid", "session_ended"
        )

    def test_a_new_secret_key_keeps_sessions_while_the_old_one_is_a_fallback(
        self, api, login, refresh, settings
    ):
        pair = login()
        old, settings.SECRET_KEY = settings.SECRET_KEY, "n" * 64
        settings.SECRET_KEY_FALLBACKS = [old]
        assert api.profile(pair).status_code == 200
        pair = refresh(pair.json()["refresh"])

        settings.SECRET_KEY_FALLBACKS = []

        assert api.profile(pair).status_code == 200
