"""
What djangorestframework-simplejwt answers, case by case: here it is the same, or a documented difference.

The cases are those of its own tests of views and of a protected view, as far as they can be spoken over
HTTP, and what its code answers beside them. Its settings are the defaults, unless a case names one.
``authapi/README.md`` shows the differences to whoever comes from there.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from typing import Any, NamedTuple

import pytest
from rest_framework_simplejwt import settings as simplejwt

from authapi.errors import TokenRejected
from authapi.http.problems import MEDIA_TYPE
from authapi.models import User
from tests.conftest import Answer, Api
from tests.payload import payload
from tests.server import PASSWORD, ROOT
from tests.variants import REFRESH, VARIANTS

PAGE = ROOT / "authapi" / "README.md"
SETTINGS = ROOT / "project" / "settings.py"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
REQUIRED = ["This field is required."]
NO_ACCOUNT = "No active account found with the given credentials"
YESTERDAY = int(time.time()) - 86400


class Difference(NamedTuple):
    """A row of the page's table."""

    topic: str
    simplejwt: str
    here: str
    reason: str


DIFFERENCES = [
    Difference(
        "Field errors",
        '`{"refresh": ["…"]}`',
        '`{"code": "invalid", "errors": {"refresh": ["…"]}}`',
        "a field named `status` or `detail` would clash with the problem's own",
    ),
    Difference(
        "Media type of errors",
        "`application/json`",
        "`application/problem+json`",
        "RFC 9457",
    ),
    Difference(
        "Bodies",
        "JSON or a form; a number passes as text",
        "JSON only (415); text is a JSON string (400)",
        "one way to write a password down, and no form of another site can post it",
    ),
    Difference(
        "Text of `detail`",
        "`Token is invalid`, …",
        "says what to do",
        "it is for people; clients branch on `code` and `reason`",
    ),
    Difference(
        "Codes of a 401",
        "`bad_authorization_header`, `user_inactive`, `user_not_found`; 500 if a deleted user refreshes",
        "`token_not_valid`",
        "one code for every token that is not accepted; `reason` says which case",
    ),
    Difference(
        "Rotation",
        "off: the answer is `{access}`",
        "always: `{access, refresh}`",
        "a stolen refresh token is found out (RFC 9700)",
    ),
    Difference(
        "A spent token",
        "works until it expires; 401 with `BLACKLIST_AFTER_ROTATION`",
        "the client that spent it gets the same pair while its refresh token is unspent; otherwise 401, and the session ends",
        "a lost answer logs nobody out; a thief does not stay",
    ),
    Difference(
        "Claims put on a refresh token",
        "pass to its access tokens",
        "`ACCESS_TOKEN_CLAIMS` makes them at each refresh",
        "a claim is as fresh as the access token",
    ),
    Difference(
        "`last_login`",
        "unchanged",
        "the time of the login",
        "the profile shows it",
    ),
    Difference(
        "Sliding tokens",
        "two views",
        "none (404)",
        "they are access and refresh token at once",
    ),
    Difference(
        "Verify",
        "`{}` for anything that is signed and not expired",
        "whose token it is, and how long it is good; 401 if it would not be accepted now",
        "a check that accepts an ended session misleads",
    ),
    Difference(
        "Logout",
        "200 `{}`, the second time 401",
        "204, the second time too",
        "a repeated logout is no error",
    ),
    Difference(
        "After a logout or a new password",
        "access tokens work until they expire, refresh tokens after a new password too",
        "all tokens of the session are refused at once",
        "every request checks the session, in the query that gets the user",
    ),
]


class Caller:
    """Sends what a case asks for, as the user ``ada``."""

    def __init__(self, api: Api, user: User) -> None:
        self.api, self.user = api, user
        self.credentials = {"username": user.username, "password": PASSWORD}

    def post(self, path: str, body: Any, media_type: str = JSON) -> Answer:
        content = body if isinstance(body, str) else json.dumps(body)
        path = f"/api/token/{path}"
        return self.api.client.generic("POST", path, content, media_type)

    def login(self, **replaced: Any) -> Answer:
        return self.post("", {**self.credentials, **replaced})

    def refresh(self, token: str) -> Answer:
        return self.post("refresh/", {"refresh": token})

    def verify(self, token: str) -> Answer:
        return self.post("verify/", {"token": token})

    def logout(self, token: str) -> Answer:
        return self.post("blacklist/", {"refresh": token})

    def profile(self, token: str, scheme: str = "Bearer") -> Answer:
        return self.send(f"{scheme} {token}")

    def send(self, authorization: str) -> Answer:
        headers = {"Authorization": authorization}
        return self.api.client.get("/api/profile/", headers=headers)

    def pair(self, then: "Change | None" = None) -> dict[str, str]:
        """A pair of tokens, after a change."""
        pair = self.login().json()
        if then:
            then(self, pair)
        return pair

    def access(self, then: "Change | None" = None, **replaced: Any) -> str:
        """An access token, some of its claims *replaced* (``...`` removes one)."""
        return VARIANTS["main"].sign(payload(self.pair(then)["access"]), **replaced)

    def token(self, then: "Change | None" = None, **replaced: Any) -> str:
        """A refresh token, likewise."""
        return REFRESH.sign(payload(self.pair(then)["refresh"]), **replaced)


Change = Callable[[Caller, dict[str, str]], Any]


def disabled(caller: Caller, pair: dict[str, str]) -> None:
    caller.user.is_active = False
    caller.user.save()


def deleted(caller: Caller, pair: dict[str, str]) -> None:
    caller.user.delete()


def new_password(caller: Caller, pair: dict[str, str]) -> None:
    caller.user.set_password("another one entirely")
    caller.user.save()


def logged_out(caller: Caller, pair: dict[str, str]) -> None:
    assert caller.logout(pair["refresh"]).status_code == 204


def spent(caller: Caller, pair: dict[str, str]) -> None:
    assert caller.refresh(pair["refresh"]).status_code == 200


def spent_twice(caller: Caller, pair: dict[str, str]) -> None:
    """The refresh token that came with the first answer is spent as well."""
    newest = caller.refresh(pair["refresh"]).json()["refresh"]
    pair["newest"] = caller.refresh(newest).json()["refresh"]


def login_when_disabled(caller: Caller) -> Answer:
    disabled(caller, {})
    return caller.login()


def newest_after_a_repeat(caller: Caller) -> Answer:
    pair = caller.pair(spent_twice)
    assert caller.refresh(pair["refresh"]).status_code == 401
    return caller.refresh(pair["newest"])


def use_refreshed(caller: Caller) -> Answer:
    return caller.profile(caller.refresh(caller.token()).json()["access"])


@pytest.fixture
def caller(api: Api, user: User) -> Caller:
    return Caller(api, user)


class Reply(NamedTuple):
    """What an answer says: each member that is named, and others that it may have."""

    status: int
    body: Any = ...
    media_type: str = ""

    def describes(self, answer: Answer) -> bool:
        media_type = answer.headers.get("Content-Type", "")
        return (
            answer.status_code == self.status
            and self.media_type in ("", media_type)
            and _tells(self.body, answer.json() if "json" in media_type else None)
        )


def _tells(expected: Any, actual: Any) -> bool:
    """Whether *actual* is as *expected*: a value, a type, a test, or ``...`` for anything."""
    if expected is ...:
        return True
    if isinstance(expected, type):
        return isinstance(actual, expected)
    if callable(expected):
        return bool(expected(actual))
    if isinstance(expected, dict) and expected:
        return isinstance(actual, dict) and all(
            _tells(value, actual.get(name)) for name, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(actual) == len(expected) and all(map(_tells, expected, actual))
    return bool(expected == actual)


def lives_five_minutes(access: str) -> bool:
    claims = payload(access)
    return claims["exp"] - claims["iat"] == 300


def has_plan(access: str) -> bool:
    return payload(access).get("plan") == "pro"


def has_no_plan(access: str) -> bool:
    return "plan" not in payload(access)


@dataclass(frozen=True)
class Case:
    """One call, simplejwt's answer to it, and ours where it differs."""

    name: str
    send: Callable[[Caller], Answer]
    simplejwt: Reply
    topic: str | None = None
    here: Reply | None = None


def field_errors(**fields: list[str]) -> tuple[str, Reply]:
    return "Field errors", Reply(400, {"code": "invalid", "errors": fields})


PAIR = Reply(200, {"access": str, "refresh": str})
ACCESS = Reply(200, {"access": str})
PROFILE = Reply(200, {"username": "ada"})
ANY_401 = Reply(401, {"detail": str})
REJECTED = Reply(401, {"detail": str, "code": "token_not_valid"})
ENDED = Reply(401, {"code": "token_not_valid", "reason": "session_ended"})
REUSED = Reply(401, {"code": "token_not_valid", "reason": "reused"})
NOT_PROVIDED = Reply(401, {"detail": "Authentication credentials were not provided."})
OTHER_TYPE = Reply(415, {"code": "unsupported_media_type"})
NOT_FOUND = Reply(404, {"code": "not_found"})
BAD_HEADER = Reply(401, {"code": "bad_authorization_header"})
EMPTY = Reply(200, {})
NOTHING = Reply(204, None)

# fmt: off
CASES = [
    Case("login: no field", lambda c: c.post("", {}),
         Reply(400, {"username": REQUIRED, "password": REQUIRED}),
         *field_errors(username=REQUIRED, password=REQUIRED)),
    Case("login: no password", lambda c: c.post("", {"username": "ada"}),
         Reply(400, {"password": REQUIRED}), *field_errors(password=REQUIRED)),
    Case("login: no user name", lambda c: c.post("", {"password": PASSWORD}),
         Reply(400, {"username": REQUIRED}), *field_errors(username=REQUIRED)),
    Case("login: a wrong password", lambda c: c.login(password="wrong"), ANY_401),
    Case("login: an unknown user", lambda c: c.login(username="nobody"), ANY_401),
    Case("login: a disabled user", login_when_disabled, ANY_401),
    Case("login: the text of a refusal", lambda c: c.login(password="wrong"),
         Reply(401, {"detail": NO_ACCOUNT})),
    Case("login: the media type of a refusal", lambda c: c.login(password="wrong"),
         Reply(401, media_type=JSON), "Media type of errors", Reply(401, media_type=MEDIA_TYPE)),
    Case("login: a good password", lambda c: c.login(), PAIR),
    Case("login: spaces around the user name", lambda c: c.login(username=" ada "), PAIR),
    Case("login: last_login", lambda c: c.profile(c.access()),
         Reply(200, {"last_login": None}), "`last_login`", Reply(200, {"last_login": str})),
    Case("login: last_login with UPDATE_LAST_LOGIN", lambda c: c.profile(c.access()),
         Reply(200, {"last_login": str})),
    Case("login: JSON with a charset", lambda c: c.post("", c.credentials, f"{JSON}; charset=utf-8"), PAIR),
    Case("login: a form", lambda c: c.post("", f"username=ada&password={PASSWORD}", FORM),
         PAIR, "Bodies", OTHER_TYPE),
    Case("login: a form in parts", lambda c: c.api.client.post("/api/token/", c.credentials),
         PAIR, "Bodies", OTHER_TYPE),
    Case("login: a number as password", lambda c: c.login(password=1),
         ANY_401, "Bodies", Reply(400, {"errors": {"password": ["Not a valid string."]}})),
    Case("login: plain text", lambda c: c.post("", "ada", "text/plain"), Reply(415, {"detail": str})),
    Case("login: half a body", lambda c: c.post("", '{"username": "a'), Reply(400, {"detail": str})),
    Case("login: GET", lambda c: c.api.get("/api/token/"), Reply(405, {"detail": str})),

    Case("refresh: no field", lambda c: c.post("refresh/", {}),
         Reply(400, {"refresh": REQUIRED}), *field_errors(refresh=REQUIRED)),
    Case("refresh: not a token", lambda c: c.refresh("abc"), REJECTED),
    Case("refresh: the text of a refusal", lambda c: c.refresh("abc"),
         Reply(401, {"detail": "Token is invalid"}),
         "Text of `detail`", Reply(401, {"detail": TokenRejected.default_detail})),
    Case("refresh: a token without exp", lambda c: c.refresh(c.token(exp=...)), REJECTED),
    Case("refresh: an expired token", lambda c: c.refresh(c.token(exp=YESTERDAY)), REJECTED),
    Case("refresh: an access token", lambda c: c.refresh(c.access()), REJECTED),
    Case("refresh: an access token comes back", lambda c: c.refresh(c.token()),
         Reply(200, {"access": lives_five_minutes})),
    Case("refresh: which is accepted", use_refreshed, PROFILE),
    Case("refresh: a claim of the token", lambda c: c.refresh(c.token(plan="pro")),
         Reply(200, {"access": has_plan}),
         "Claims put on a refresh token", Reply(200, {"access": has_no_plan})),
    Case("refresh: all of the answer", lambda c: c.refresh(c.token()),
         Reply(200, {"access": str, "refresh": None}), "Rotation", PAIR),
    Case("refresh: all of the answer, with ROTATE_REFRESH_TOKENS",
         lambda c: c.refresh(c.token()), PAIR),
    Case("refresh: a token twice", lambda c: c.refresh(c.token(spent)), ACCESS),
    Case("refresh: a token twice, with BLACKLIST_AFTER_ROTATION",
         lambda c: c.refresh(c.token(spent)), REJECTED, "A spent token", PAIR),
    Case("refresh: the one before, with ROTATE_REFRESH_TOKENS",
         lambda c: c.refresh(c.token(spent_twice)), PAIR, "A spent token", REUSED),
    Case("refresh: the one before, with BLACKLIST_AFTER_ROTATION",
         lambda c: c.refresh(c.token(spent_twice)), REJECTED),
    Case("refresh: the newest afterwards, with BLACKLIST_AFTER_ROTATION",
         newest_after_a_repeat, PAIR, "A spent token", ENDED),
    Case("refresh: a disabled user", lambda c: c.refresh(c.token(disabled)), ANY_401),
    Case("refresh: a deleted user", lambda c: c.refresh(c.token(deleted)),
         Reply(500), "Codes of a 401", ENDED),
    Case("refresh: a new password", lambda c: c.refresh(c.token(new_password)),
         ACCESS, "After a logout or a new password", ENDED),

    Case("sliding: login", lambda c: c.post("sliding/", c.credentials),
         Reply(200, {"token": str}), "Sliding tokens", NOT_FOUND),
    Case("sliding: refresh", lambda c: c.post("sliding/refresh/", {"token": "abc"}),
         REJECTED, "Sliding tokens", NOT_FOUND),

    Case("verify: no field", lambda c: c.post("verify/", {}),
         Reply(400, {"token": REQUIRED}), *field_errors(token=REQUIRED)),
    Case("verify: not a token", lambda c: c.verify("abc"), REJECTED),
    Case("verify: a token without exp", lambda c: c.verify(c.token(exp=...)), REJECTED),
    Case("verify: an expired token", lambda c: c.verify(c.token(exp=YESTERDAY)), REJECTED),
    Case("verify: an access token", lambda c: c.verify(c.access()),
         EMPTY, "Verify", Reply(200, {"token_type": "access", "username": "ada"})),
    Case("verify: a refresh token", lambda c: c.verify(c.token()),
         EMPTY, "Verify", Reply(200, {"token_type": "refresh", "username": "ada"})),
    Case("verify: a token of an unknown type", lambda c: c.verify(c.access(token_type="fake")),
         EMPTY, "Verify", REJECTED),
    Case("verify: after a logout", lambda c: c.verify(c.token(logged_out)), EMPTY, "Verify", ENDED),
    Case("verify: after a logout, with BLACKLIST_AFTER_ROTATION", lambda c: c.verify(c.token(logged_out)),
         Reply(400, {"non_field_errors": ["Token is blacklisted"]}), "Verify", ENDED),
    Case("verify: a disabled user", lambda c: c.verify(c.access(disabled)), EMPTY, "Verify", ENDED),

    Case("logout: no field", lambda c: c.post("blacklist/", {}),
         Reply(400, {"refresh": REQUIRED}), *field_errors(refresh=REQUIRED)),
    Case("logout: a token without exp", lambda c: c.logout(c.token(exp=...)), REJECTED),
    Case("logout: an expired token", lambda c: c.logout(c.token(exp=YESTERDAY)), REJECTED),
    Case("logout: an access token", lambda c: c.logout(c.access()), REJECTED),
    Case("logout: a refresh token", lambda c: c.logout(c.token()), EMPTY, "Logout", NOTHING),
    Case("logout: a second time", lambda c: c.logout(c.token(logged_out)), REJECTED, "Logout", NOTHING),
    Case("logout: the refresh token afterwards", lambda c: c.refresh(c.token(logged_out)), REJECTED),
    Case("logout: the access token afterwards", lambda c: c.profile(c.access(logged_out)),
         PROFILE, "After a logout or a new password", ENDED),

    Case("profile: no header", lambda c: c.api.get("/api/profile/"), NOT_PROVIDED),
    Case("profile: another scheme", lambda c: c.profile(c.access(), "Wrong"), NOT_PROVIDED),
    Case("profile: no token", lambda c: c.send("Bearer"), BAD_HEADER, "Codes of a 401", REJECTED),
    Case("profile: two tokens", lambda c: c.send("Bearer a b"), BAD_HEADER, "Codes of a 401", REJECTED),
    Case("profile: an access token", lambda c: c.profile(c.access()), PROFILE),
    Case("profile: an expired token", lambda c: c.profile(c.access(exp=YESTERDAY)), REJECTED),
    Case("profile: which token was refused", lambda c: c.profile(c.access(exp=YESTERDAY)),
         Reply(401, {"messages": [{"token_class": "AccessToken", "token_type": "access", "message": str}]})),
    Case("profile: a refresh token", lambda c: c.profile(c.token()), REJECTED),
    Case("profile: not a token", lambda c: c.profile("abc"), REJECTED),
    Case("profile: a disabled user", lambda c: c.profile(c.access(disabled)),
         Reply(401, {"code": "user_inactive"}), "Codes of a 401", ENDED),
    Case("profile: a deleted user", lambda c: c.profile(c.access(deleted)),
         Reply(401, {"code": "user_not_found"}), "Codes of a 401", ENDED),
    Case("profile: a new password", lambda c: c.profile(c.access(new_password)),
         PROFILE, "After a logout or a new password", ENDED),
    Case("profile: a new password, with CHECK_REVOKE_TOKEN", lambda c: c.profile(c.access(new_password)),
         Reply(401, {"code": "password_changed"}), "Codes of a 401", ENDED),
]
# fmt: on
SAME = [case for case in CASES if not case.topic]
DIFFERENT = [case for case in CASES if case.topic]


@pytest.mark.parametrize("case", SAME, ids=lambda case: case.name)
def test_answers_like_simplejwt(caller, case):
    answer = case.send(caller)

    assert case.simplejwt.describes(answer), (answer.status_code, answer.content)


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_differs_as_documented(caller, case):
    answer = case.send(caller)

    assert case.here.describes(answer), (answer.status_code, answer.content)
    assert not case.simplejwt.describes(answer), "It does not differ any more."


def test_every_difference_has_a_case():
    assert {case.topic for case in DIFFERENT} == {row.topic for row in DIFFERENCES}
    assert len(DIFFERENCES) <= 13


def test_the_page_lists_exactly_the_differences():
    lines = PAGE.read_text().splitlines()
    start = lines.index("| | simplejwt | here | why |") + 2
    end = lines.index("", start)

    assert lines[start:end] == [f"| {' | '.join(row)} |" for row in DIFFERENCES]


def test_the_page_names_the_installed_version():
    assert f"simplejwt {version('djangorestframework-simplejwt')}" in PAGE.read_text()


def test_the_page_covers_every_setting():
    text = PAGE.read_text()
    table = text[text.index("| `SIMPLE_JWT`") : text.index("Each difference")]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    theirs = {name for row in rows[1:] for name in re.findall("`([A-Z_*]+)`", row[1])}
    ours = {name for row in rows[1:] for name in re.findall("`([A-Z_]+)`", row[2])}

    unnamed = [
        setting
        for setting in simplejwt.DEFAULTS
        if not any(fnmatch(setting, name) for name in theirs)
    ]

    assert not unnamed
    assert ours <= set(re.findall(r"\w+", SETTINGS.read_text()))
