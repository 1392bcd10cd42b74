"""Attempts to bypass the limits, with the limits of production."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import assert_problem
from tests.payload import payload
from tests.server import PASSWORD, USER, serve
from tests.variants import VARIANTS


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def limited(request, tmp_path_factory):
    """The service, which after these tests has let nobody guess further."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    limits = "login_pair=3/hour,login_address=1000/min,refresh=4/hour"
    folder = tmp_path_factory.mktemp("limited")
    with serve(folder, url, THROTTLE_RATES=limits) as service:
        yield service


@pytest.mark.requirement("ASVS 6.3.1")
class TestLimits:
    @pytest.mark.parametrize(
        ("name", "spellings"),
        [
            (USER, [" demo", "demo\n", "\uff44\uff45\uff4d\uff4f", "dem\u24de\u2003"]),
            ("nobody", ["nobody ", "\tnobody", "nob\u24dedy", "\uff4eobody"]),
        ],
    )
    def test_spellings_of_one_name_share_a_limit(self, limited, name, spellings):
        answers = [attempt(limited, spelling) for spelling in (*spellings, name)]

        assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
        assert_problem(answers[-1], 429, "throttled")
        assert answers[-1].headers["Retry-After"]

    def test_the_right_password_is_refused_over_the_limit(self, limited):
        for variant in VARIANTS.values():
            answer = limited.post(
                variant.login, {"username": USER, "password": PASSWORD}
            )
            assert_problem(answer, 429, "throttled")

    @pytest.mark.parametrize(
        "header",
        [
            *("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"),
            *("True-Client-IP", "CF-Connecting-IP", "REMOTE_ADDR", "Remote-Addr"),
        ],
    )
    def test_forged_addresses_do_not_bypass_limits(self, limited, header):
        for number in range(4):
            address = f"192.0.2.{number}"
            value = f"for={address}" if header == "Forwarded" else address
            answer = attempt(limited, f"from {header}", {header: value})

        assert_problem(answer, 429, "throttled")

    @pytest.mark.parametrize(
        "path", ["/api/token/?x={}", "/api/%74oken/?{}", "/api/manual/login/?_={}"]
    )
    def test_other_spellings_of_the_path_do_not_bypass_limits(self, limited, path):
        for number in range(4):
            answer = attempt(limited, f"by {path}", path=path.format(number))

        assert_problem(answer, 429, "throttled")

    def test_different_tokens_do_not_bypass_the_refresh_limit(self, limited):
        for number in range(5):
            answer = limited.post(
                f"/api/token/refresh/?{number}",
                {"refresh": f"x{number}"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )

        assert_problem(answer, 429, "throttled")


class TestTheAdminsPasswordChange:
    def test_is_limited_like_a_login(self, limited):
        """The form asks for the old password, and the session may be stolen."""
        limited.python(
            "from authapi.models import User\n"
            f"User.objects.create_superuser('boss', None, {PASSWORD!r})"
        )
        with httpx.Client(base_url=limited.url, follow_redirects=True) as browser:
            page = browser.get("/admin/login/")
            form = {"username": "boss", "password": PASSWORD}
            browser.post("/admin/login/", data=form | token_of(page))
            for number in range(5):
                page = browser.get("/admin/password_change/")
                form = {
                    "old_password": f"guess{number}",
                    "new_password1": "another entirely 1",
                    "new_password2": "another entirely 1",
                }
                page = browser.post(
                    "/admin/password_change/", data=form | token_of(page)
                )

        assert "Expected available in" in page.text


class TestManyAtOnce:
    def test_twenty_simultaneous_logins_all_succeed(self, any_service):
        names = [uuid.uuid4().hex for _ in range(20)]
        any_service.python(
            "from authapi.models import User\n"
            f"for name in {names}: User.objects.create_user(name, None, {PASSWORD!r})"
        )

        with ThreadPoolExecutor(20) as pool:
            pairs = list(pool.map(any_service.login, names))

        assert len({payload(pair["access"])["sid"] for pair in pairs}) == 20


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def proxied(request, tmp_path_factory):
    """The service behind a proxy that it trusts, which is the test."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    limits = "login_pair=1000/min,login_address=1000/min,login_network=8/hour,"
    limits += "login_stranger=1000/min,login_account=6/hour"
    with serve(
        tmp_path_factory.mktemp("proxied"),
        url,
        TRUSTED_PROXIES="127.0.0.1",
        THROTTLE_RATES=limits,
    ) as service:
        yield service


class TestManyAddresses:
    def test_an_ipv6_network_has_a_limit_of_its_own(self, proxied):
        answers = [
            attempt(proxied, f"user{i}", {"X-Forwarded-For": f"2001:db8:0:{i:x}::1"})
            for i in range(10)
        ]

        assert [answer.status_code for answer in answers] == [401] * 8 + [429] * 2

    @pytest.mark.requirement("ASVS 6.3.1")
    def test_strangers_do_not_lock_the_owner_out(self, proxied):
        home = {"X-Forwarded-For": "203.0.113.9"}
        body = {"username": USER, "password": PASSWORD}
        assert proxied.post("/api/token/", body, headers=home).status_code == 200
        for number in range(10):
            attempt(proxied, USER, {"X-Forwarded-For": f"198.51.100.{number}"})

        stranger = {"X-Forwarded-For": "198.51.100.99"}
        elsewhere = proxied.post("/api/token/", body, headers=stranger)

        assert_problem(elsewhere, 429, "throttled")
        assert proxied.post("/api/token/", body, headers=home).status_code == 200

    def test_a_new_password_makes_a_known_address_a_stranger(self, proxied):
        name = uuid.uuid4().hex
        create = "from authapi.models import User\n"
        proxied.python(
            create + f"User.objects.create_user({name!r}, None, {PASSWORD!r})"
        )
        known = {"X-Forwarded-For": "203.0.113.66"}
        body = {"username": name, "password": PASSWORD}
        assert proxied.post("/api/token/", body, headers=known).status_code == 200
        proxied.python(
            create + f"user = User.objects.get(username={name!r})\n"
            "user.set_password('another one entirely'); user.save()"
        )
        for number in range(10):
            attempt(proxied, name, {"X-Forwarded-For": f"198.51.100.{number}"})

        assert_problem(attempt(proxied, name, known), 429, "throttled")


def token_of(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found
    return {"csrfmiddlewaretoken": found[1]}


def attempt(limited, username, headers=None, path="/api/token/"):
    body = {"username": username, "password": "let-me-in"}
    return limited.post(path, body, headers=headers)
