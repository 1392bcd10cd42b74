"""
Random sequences of login, refresh, replay, logout, disabling and key rotation, compared with a model.

The model is the contract in a few lines: a session is live or not, and has one valid refresh token, a
predecessor, and the time when that was replaced.
"""

from dataclasses import dataclass

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    multiple,
    rule,
    run_state_machine_as_test,
)

from authapi.limits import stores
from authapi.models import Limit, User
from authapi.tokens import keys
from tests.conftest import PASSWORD, Api, untraced
from tests.payload import payload


@dataclass(eq=False)
class Family:
    """The state of one session in the model."""

    tokens: list[str]
    access: str
    rotated_at: float
    ended: bool = False


class Sessions(RuleBasedStateMachine):
    families = Bundle("families")

    def __init__(self) -> None:
        super().__init__()
        self.api = Api()
        # These were counted in the future of the last example.
        Limit.objects.all().delete()
        stores.forget()
        name = f"user{User.objects.count()}"
        self.user = User.objects.create_user(name, None, PASSWORD)
        self.active = True
        self.all: list[Family] = []
        self.now = 0.0
        self.ring = keys.generate()
        self.settings = override_settings(JWT_KEYS=self.ring)
        self.settings.enable()
        self.clock = time_machine.travel(timezone.now(), tick=False)
        self.traveller = self.clock.start()

    def teardown(self) -> None:
        self.clock.stop()
        self.settings.disable()

    @rule(target=families)
    def login(self):
        answer = self.api.post(
            "/api/token/", {"username": self.user.username, "password": PASSWORD}
        )
        if not self.active:
            assert answer.json()["code"] == "no_active_account"
            return multiple()
        family = Family([answer.json()["refresh"]], answer.json()["access"], self.now)
        self.all.append(family)
        return family

    @rule(seconds=st.sampled_from([0.5, 4, 9, 11, 3600]))
    def wait(self, seconds):
        self.now += seconds
        self.traveller.shift(seconds)

    @rule(family=families, age=st.integers(0, 3))
    def present(self, family, age):
        """Present the newest refresh token (age 0) or an older one."""
        age = min(age, len(family.tokens) - 1)
        answer = self.api.post(
            "/api/token/refresh/", {"refresh": family.tokens[-1 - age]}
        )
        if family.ended:
            assert answer.json()["reason"] == "session_ended"
        elif age == 0:
            assert answer.status_code == 200
            family.tokens.append(answer.json()["refresh"])
            family.access = answer.json()["access"]
            family.rotated_at = self.now
        elif age == 1 and self.now - family.rotated_at <= 10:
            assert answer.status_code == 200
            successor = answer.json()["refresh"]
            assert payload(successor) == payload(family.tokens[-1])
        else:
            assert answer.json()["reason"] == "reused"
            family.ended = True

    @rule(family=families, age=st.integers(0, 3))
    def logout(self, family, age):
        token = family.tokens[-1 - min(age, len(family.tokens) - 1)]
        answer = self.api.post("/api/token/blacklist/", {"refresh": token})
        assert answer.status_code == 204
        family.ended = True

    @rule(active=st.booleans())
    def set_active(self, active):
        self.user.refresh_from_db()
        self.user.is_active = self.active = active
        self.user.save()
        if not active:
            for family in self.all:
                family.ended = True

    @rule()
    def rotate_the_key(self):
        self.settings.disable()
        self.ring = keys.generate() + self.ring
        self.settings = override_settings(JWT_KEYS=self.ring)
        self.settings.enable()

    @rule(family=families)
    def verify(self, family):
        answer = self.api.post("/api/token/verify/", {"token": family.tokens[-1]})
        assert answer.status_code == (401 if family.ended else 200)


@pytest.mark.requirement("RFC 9700 4.14.2")
@pytest.mark.django_db
def test_every_order_of_events_follows_the_contract():
    with untraced():
        run_state_machine_as_test(
            Sessions,
            settings=settings(
                max_examples=60,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
