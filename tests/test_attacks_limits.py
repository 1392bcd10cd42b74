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


def token_of(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found
    return {"csrfmiddlewaretoken": found[1]}


def attempt(limited, username, headers=None, path="/api/token/"):
    body = {"username": username, "password": "let-me-in"}
    return limited.post(path, body, headers=headers)
