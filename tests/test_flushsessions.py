"""``manage.py flushsessions`` deletes only sessions that have ended or expired."""

import io
import sys
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from authapi.models import Session


def flush(**options) -> str:
    out = io.StringIO()
    call_command("flushsessions", stdout=out, **options)
    return out.getvalue()


@pytest.mark.requirement("ASVS 14.2.7")
def test_deletes_only_ended_and_expired_sessions(api, login, logout):
    with time_machine.travel(timezone.now() - timedelta(days=20)):
        login()
    logout(login().json()["refresh"])
    live = login()

    assert flush() == "Deleted 2 sessions.\n"

    assert Session.objects.count() == 1
    assert api.profile(live).status_code == 200


def test_works_in_batches(login, logout, django_assert_num_queries):
    for _ in range(5):
        logout(login().json()["refresh"])

    with django_assert_num_queries(3 + 1):  # 2 + 2 + 1; none left
        assert flush(batch=2) == "Deleted 5 sessions.\n"


def test_rejects_an_empty_batch(db):
    with pytest.raises(CommandError, match="at least 1"):
        flush(batch=0)


def test_shows_progress_on_a_terminal(login, logout, monkeypatch):
    logout(login().json()["refresh"])
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]  # stands for a terminal
    monkeypatch.setattr(sys, "stderr", terminal)

    flush()

    assert "1 of 1" in terminal.getvalue()
