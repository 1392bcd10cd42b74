"""One in-process case for each line that rejects a token. The attacks are in ``test_attacks_*``."""

import pytest

from authapi.models import Session
from tests.conftest import assert_problem


@pytest.fixture
def claims(variant, login, user):
    """Valid claims of a live session."""
    login()
    return variant.claims(user, Session.objects.get())


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "not_authenticated"),
        ("Basic YTpi", "not_authenticated"),
        ("Bearer ", "token_not_valid"),
        ("Bearer a b", "token_not_valid"),
        ("Bearer a.b.A", "token_not_valid"),
        ("Bearer a.b.AB", "token_not_valid"),
        ("Bearer a.b.AAAA", "token_not_valid"),
    ],
)
def test_malformed_authorization_headers_are_rejected(api, variant, db, value, code):
    answer = api.client.get(variant.profile, headers={"Authorization": value})

    assert_problem(answer, 401, code)


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"token_type": "unknown"}, None),
        ({"aud": "https://evil.example"}, None),
        ({"user_id": 1}, None),
        ({"user_id": "52", "sub": "52"}, None),
        ({"sid": "x"}, None),
        ({"sid": "00000000-0000-4000-8000-000000000000"}, "session_ended"),
        ({"exp": 1}, "expired"),
    ],
    ids=str,
)
def test_invalid_claims_are_rejected(api, variant, claims, replaced, reason):
    answer = api.get(variant.profile, variant.sign(claims, **replaced))

    assert_problem(answer, 401, "token_not_valid", reason)


@pytest.mark.parametrize("headers", [{"kid": "unknown"}, {"typ": "rt+jwt"}], ids=str)
def test_unexpected_token_headers_are_rejected(api, variant, claims, headers):
    answer = api.get(variant.profile, variant.sign(claims, headers))

    assert_problem(answer, 401, "token_not_valid")
