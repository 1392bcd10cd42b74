"""Ways round the limits of the service, under limits as they are in production."""

import pytest

from tests.conftest import assert_problem
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
    def test_spellings_of_one_name_share_one(self, limited, name, spellings):
        answers = [attempt(limited, spelling) for spelling in (*spellings, name)]

        assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
        assert_problem(answers[-1], 429, "throttled")
        assert answers[-1].headers["Retry-After"]

    def test_the_right_password_comes_too_late(self, limited):
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
    def test_an_invented_address_passes_none(self, limited, header):
        for number in range(4):
            address = f"192.0.2.{number}"
            value = f"for={address}" if header == "Forwarded" else address
            answer = attempt(limited, f"from {header}", {header: value})

        assert_problem(answer, 429, "throttled")

    @pytest.mark.parametrize(
        "path", ["/api/token/?x={}", "/api/%74oken/?{}", "/api/manual/login/?_={}"]
    )
    def test_nor_does_another_spelling_of_the_path(self, limited, path):
        for number in range(4):
            answer = attempt(limited, f"by {path}", path=path.format(number))

        assert_problem(answer, 429, "throttled")

    def test_nor_do_other_keys_for_the_refresh(self, limited):
        for number in range(5):
            answer = limited.post(
                f"/api/token/refresh/?{number}",
                {"refresh": f"x{number}"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )

        assert_problem(answer, 429, "throttled")


def attempt(limited, username, headers=None, path="/api/token/"):
    body = {"username": username, "password": "let-me-in"}
    return limited.post(path, body, headers=headers)
