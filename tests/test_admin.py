"""``/admin/``: users and sessions."""

import os
import subprocess
import sys

import pytest

from authapi.models import Session, User
from tests.conftest import PASSWORD, assert_problem, limit
from tests.server import ROOT


@pytest.fixture
def admin(client, db):
    User.objects.create_superuser("root", password=PASSWORD)
    client.login(username="root", password=PASSWORD)
    return client


def test_a_superuser_can_log_in(client, db):
    User.objects.create_superuser("root", password=PASSWORD)

    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD}
    )

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"


@pytest.mark.requirement("ASVS 7.4.5")
def test_a_session_can_be_ended(api, login, admin):
    pair, other = login(), login()
    chosen = Session.objects.latest("created_at")

    page = admin.post(
        "/admin/authapi/session/",
        {"action": "end", "_selected_action": [chosen.pk]},
        follow=True,
    )

    assert "Sessions ended: 1." in page.content.decode()
    assert_problem(api.profile(other), 401, "token_not_valid", "session_ended")
    assert api.profile(pair).status_code == 200


def test_a_session_shows_no_secret_and_is_read_only(login, admin):
    login()
    session = Session.objects.get()

    listed = admin.get("/admin/authapi/session/").content.decode()
    page = admin.get(f"/admin/authapi/session/{session.pk}/change/").content.decode()

    assert "ada" in listed
    assert session.auth_hash not in page
    assert session.current_jti not in page
    assert 'name="_save"' not in page
    assert admin.get("/admin/authapi/session/add/").status_code == 403


@pytest.mark.requirement("ASVS 7.4.3")
def test_changing_a_password_ends_the_sessions(api, login, admin, user):
    pair = login()

    admin.post(
        f"/admin/authapi/user/{user.pk}/password/",
        {"password1": "another entirely 1", "password2": "another entirely 1"},
    )

    assert_problem(api.profile(pair), 401, "token_not_valid", "session_ended")


def test_an_ended_session_is_not_ended_again(login, logout, admin):
    logout(login().json()["refresh"])

    page = admin.post(
        "/admin/authapi/session/",
        {"action": "end", "_selected_action": [Session.objects.get().pk]},
        follow=True,
    )

    assert "Sessions ended: 0." in page.content.decode()


@pytest.mark.requirement("ASVS 6.2.2")
class TestPasswordChange:
    @pytest.fixture
    def change(self, admin, db):
        def change(old, new="another entirely 1"):
            form = {"old_password": old, "new_password1": new, "new_password2": new}
            return admin.post("/admin/password_change/", form, follow=True)

        return change

    def test_accepts_the_old_password(self, change):
        assert "Your password was changed" in change(PASSWORD).content.decode()

    @pytest.mark.requirement("ASVS 6.2.3")
    def test_reports_a_wrong_old_password(self, change):
        assert "was entered incorrectly" in change("wrong").content.decode()

    @pytest.mark.requirement("ASVS 6.2.5", "ASVS 6.2.9")
    @pytest.mark.parametrize(
        "new",
        [
            "zqxjkvbp",
            "ZQXJKVBP",
            "!?!?!?.,",
            "äöüß éèêñ",
            " \u4e00 \u4e8c \u4e09 \u56db ",
            "x" * 128,
        ],
        ids=ascii,
    )
    def test_accepts_any_characters(self, change, new):
        change(PASSWORD, new)

        assert User.objects.get(username="root").check_password(new)

    @pytest.mark.requirement("ASVS 6.2.1", "ASVS 6.2.4")
    @pytest.mark.parametrize(
        ("new", "said"),
        [
            ("zqxjkvb", "at least 8 characters"),
            ("password1", "too common"),
            ("29485610", "entirely numeric"),
        ],
    )
    def test_rejects_a_weak_password(self, change, new, said):
        answer = change(PASSWORD, new)

        assert said in answer.content.decode()
        assert User.objects.get(username="root").check_password(PASSWORD)

    def test_is_limited_like_a_login(self, change, settings):
        limit(settings, login_pair="2/min")
        change("wrong")
        change("wrong")

        answer = change(PASSWORD)

        assert "Expected available in" in answer.content.decode()
        assert User.objects.get(username="root").check_password(PASSWORD)


@pytest.mark.parametrize(("admin_is", "status"), [("on", "302"), ("off", "404")])
def test_a_setting_disables_the_admin(admin_is, status):
    code = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client().get('/admin/', headers={'Host': '127.0.0.1'}).status_code)\n"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "ADMIN": admin_is}

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == status, done.stderr
