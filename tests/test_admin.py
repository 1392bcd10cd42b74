"""``/admin/``: users, and sessions that can be ended there."""

import pytest

from authapi.models import Session, User
from tests.conftest import PASSWORD, assert_problem


@pytest.fixture
def admin(client):
    User.objects.create_superuser("root", password=PASSWORD)
    client.login(username="root", password=PASSWORD)
    return client


def test_a_superuser_comes_in_through_the_form(client, db):
    User.objects.create_superuser("root", password=PASSWORD)

    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD}
    )

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"


def test_a_session_is_ended_there(api, login, admin):
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


def test_a_session_shows_no_secret_and_takes_no_change(login, admin):
    login()
    session = Session.objects.get()

    listed = admin.get("/admin/authapi/session/").content.decode()
    page = admin.get(f"/admin/authapi/session/{session.pk}/change/").content.decode()

    assert "ada" in listed
    assert session.auth_hash not in page
    assert session.current_jti not in page
    assert 'name="_save"' not in page
    assert admin.get("/admin/authapi/session/add/").status_code == 403


def test_a_password_changed_there_ends_the_sessions(api, login, admin, user):
    pair = login()

    admin.post(
        f"/admin/authapi/user/{user.pk}/password/",
        {"password1": "another entirely 1", "password2": "another entirely 1"},
    )

    assert_problem(api.profile(pair), 401, "token_not_valid", "session_ended")
