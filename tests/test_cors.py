"""
Pages of other origins: only configured origins may call the API, with a token and without
cookies.
"""

import pytest

APP = "https://app.example.com"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(api, origin, path="/api/profile/"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return api.client.options(path, headers=headers)


def test_a_named_origin_may_send_a_token(api):
    answer = preflight(api, APP)

    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == APP
    assert "PATCH" in answer["Access-Control-Allow-Methods"]
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type"} <= {*allowed}
    assert not answer.has_header("Access-Control-Allow-Credentials")


def test_a_named_origin_can_read_the_answer_and_retry_after(api, login):
    pair = login()
    headers = {"Authorization": f"Bearer {pair.json()['access']}", "Origin": APP}
    answer = api.client.get("/api/profile/", headers=headers)

    assert answer["Access-Control-Allow-Origin"] == APP
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]
    assert "origin" in answer["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://app.example.com:8443",
        "null",
    ],
)
def test_other_origins_are_not_allowed(api, origin):
    assert not preflight(api, origin).has_header("Access-Control-Allow-Origin")


def test_the_admin_allows_no_other_origin(api):
    answer = preflight(api, APP, "/admin/")

    assert not answer.has_header("Access-Control-Allow-Origin")
