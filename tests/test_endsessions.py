"""``manage.py endsessions`` ends what a restored database believes to be live."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from authapi import events
from authapi.models import User
from tests.conftest import PASSWORD, assert_problem


def end(begun_before: str) -> str:
    out = io.StringIO()
    call_command("endsessions", begun_before=begun_before, stdout=out)
    return out.getvalue()


@pytest.mark.requirement("ASVS 7.4.5")
def test_ends_the_sessions_that_began_before(api, login, refresh, logout):
    moment = timezone.now()
    with time_machine.travel(moment - timedelta(seconds=1)):
        old = login()
        logout(login().json()["refresh"])
        # A session's refresh does not make it younger.
        newest = refresh(login().json()["refresh"]).json()["refresh"]
    with time_machine.travel(moment + timedelta(seconds=1)):
        new = login()

        assert end(moment.isoformat()) == "Sessions ended: 2, cookie sessions: 0.\n"

        assert_problem(api.profile(old), 401, "token_not_valid", "session_ended")
        assert_problem(refresh(newest), 401, "token_not_valid", "session_ended")
        assert api.profile(new).status_code == 200


def test_signs_out_of_the_admin(client, db):
    client.force_login(User.objects.create_superuser("root", None, PASSWORD))

    assert end("2026-01-31T12:00:00Z") == "Sessions ended: 0, cookie sessions: 1.\n"

    assert client.get("/admin/").status_code == 302


def test_is_one_event(login):
    login()
    login()
    seen = []

    def see(user_id, count, **kwargs):
        seen.append((user_id, count))

    events.sessions_ended.connect(see)
    try:
        end((timezone.now() + timedelta(seconds=1)).isoformat())
    finally:
        events.sessions_ended.disconnect(see)

    assert seen == [(None, 2)]


@pytest.mark.parametrize(
    ("moment", "said"),
    [("yesterday", "no time"), ("2026-01-31T12:00:00", "Append Z for UTC")],
)
def test_needs_a_time_with_its_zone(db, moment, said):
    with pytest.raises(CommandError, match=said):
        call_command("endsessions", "--begun-before", moment)


def test_does_nothing_without_a_time(db):
    with pytest.raises(CommandError, match="--begun-before"):
        call_command("endsessions")
