"""What a Python program does with the generated client; ``tests/test_clients.py`` runs it."""

import os

from client.api.profile import get_profile, update_profile
from client.api.token import create_token, refresh_token
from client.auth import Auth, Pair
from client.client import AuthenticatedClient, Client
from client.models import (
    CredentialsRequest,
    PatchedProfileUpdateRequest,
    Problem,
    ProblemCode,
    ProblemReason,
    RefreshRequest,
    TokenPair,
    UserProfile,
)
from client.types import Response

URL, USER = os.environ["API_URL"], os.environ["API_USER"]
PASSWORD = os.environ["API_PASSWORD"]

anyone = Client(URL)


def login(password: str) -> Response[Problem | TokenPair]:
    return create_token.sync_detailed(
        client=anyone, body=CredentialsRequest(username=USER, password=password)
    )


def bearer(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(URL, token)


def signed_in(auth: Auth) -> AuthenticatedClient:
    return AuthenticatedClient(auth.base_url, token="", httpx_args={"auth": auth})


pair = login(PASSWORD).parsed
assert isinstance(pair, TokenPair)
print("login")

auth = Auth(URL, pair=Pair(pair.access, pair.refresh))
with signed_in(auth) as client:
    profile = get_profile.sync(client=client)
    assert isinstance(profile, UserProfile)
    assert profile.username == USER
    assert profile.date_joined.tzinfo
    print("profile")

    changes = PatchedProfileUpdateRequest(first_name="Ada")
    changed = update_profile.sync(client=client, body=changes)
    assert isinstance(changed, UserProfile)
    assert (changed.first_name, changed.email) == ("Ada", profile.email)

    changes = PatchedProfileUpdateRequest(email="none")
    problem = update_profile.sync(client=client, body=changes)
    assert isinstance(problem, Problem)
    assert problem.code is ProblemCode.INVALID
    assert problem.errors
    assert problem.errors["email"]
    print("update")

expired = Pair(os.environ["EXPIRED_ACCESS"], os.environ["REFRESH"])
problem = get_profile.sync(client=bearer(expired.access))
assert isinstance(problem, Problem)
assert problem.reason is ProblemReason.EXPIRED
kept: list[Pair | None] = []
with signed_in(Auth(URL, pair=expired, on_change=kept.append)) as client:
    assert isinstance(get_profile.sync(client=client), UserProfile)
renewed = kept.pop()
assert renewed
again = refresh_token.sync(client=anyone, body=RefreshRequest(renewed.refresh))
assert isinstance(again, TokenPair)
assert isinstance(get_profile.sync(client=bearer(again.access)), UserProfile)
print("renewal")

refused = login("wrong")
assert isinstance(refused.parsed, Problem)
assert refused.status_code == refused.parsed.status == 401
assert refused.parsed.code is ProblemCode.NO_ACTIVE_ACCOUNT
print("wrong password")

for _ in range(20):
    refused = login("wrong")
    if refused.status_code == 429:
        break
assert isinstance(refused.parsed, Problem)
assert refused.parsed.code is ProblemCode.THROTTLED
assert 0 < int(refused.headers["Retry-After"]) <= 60
print("throttled")

auth.sign_out()
problem = get_profile.sync(client=bearer(pair.access))
assert isinstance(problem, Problem)
assert problem.reason is ProblemReason.SESSION_ENDED
print("logout")
