"""
Which systems are compared, and the requests that they get. Imports only the standard library,
because it runs in the environment of each system.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

PASSWORD = "let-me-in-please"
# The user whose profile is read, the one who logs in, and the one who lists 20 sessions.
READER, CALLER, LISTER = "reader", "caller", "lister"
USERS = (READER, CALLER, LISTER)
FIELDS = {
    *("username", "email", "first_name", "last_name"),
    *("date_joined", "last_login"),
}
HOME = "192.0.2.1"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    address: str = HOME


@dataclass(frozen=True)
class System:
    """
    One system and its paths. None is an operation that it does not have.

    *checks_session* says whether an access token ends with its session; *rotates* says whether a
    refresh token works only once.
    """

    name: str
    title: str
    login: str | None = None
    profile: str = "/profile/"
    verify: str | None = None
    refresh: str | None = None
    logout: str | None = None
    sessions: str | None = None
    schema: str | None = None
    interface: str = "wsgi"
    form: bool = False
    access: str = "access"
    checks_session: bool = False
    rotates: bool = False
    server: tuple[str, ...] = ()

    def log_in(
        self, username: str, password: str = PASSWORD, address: str = HOME
    ) -> Request:
        assert self.login
        given = {"username": username, "password": password}
        if not self.form:
            return post(self.login, given, address)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", self.login, headers, urlencode(given), address)

    def read_profile(self, access: str) -> Request:
        return bearer("GET", self.profile, access)

    def verify_token(self, access: str) -> Request:
        assert self.verify
        if self.form:  # FastAPI's template takes the token from the header
            return bearer("POST", self.verify, access)
        return post(self.verify, {"token": access})

    def refresh_tokens(self, refresh: str) -> Request:
        assert self.refresh
        return post(self.refresh, {"refresh": refresh})


def post(path: str, body: Any, address: str = HOME) -> Request:
    headers = {"Content-Type": "application/json"}
    return Request("POST", path, headers, json.dumps(body), address)


def bearer(method: str, path: str, token: str) -> Request:
    return Request(method, path, {"Authorization": f"Bearer {token}"})


BARE = System("bare", "bare Django view")
OURS = System(
    "ours",
    "authapi",
    login="/api/token/",
    profile="/api/profile/",
    verify="/api/token/verify/",
    refresh="/api/token/refresh/",
    logout="/api/token/blacklist/",
    sessions="/api/sessions/",
    schema="/api/schema/?format=json",
    checks_session=True,
    rotates=True,
    # As ``make run`` starts it. The others have Granian's defaults.
    server=("--blocking-threads", "96"),
)
TUTORIAL = System(
    "simplejwt",
    "simplejwt, usual set-up",
    login="/api/token/",
    profile="/api/profile/",
    verify="/api/token/verify/",
    refresh="/api/token/refresh/",
    schema="/api/schema/?format=json",
    rotates=True,
)
DJOSER = System(
    "djoser",
    "djoser",
    login="/auth/jwt/create/",
    profile="/auth/users/me/",
    verify="/auth/jwt/verify/",
    refresh="/auth/jwt/refresh/",
    rotates=True,
)
NINJA = System(
    "ninja",
    "django-ninja-jwt",
    login="/api/token/pair",
    profile="/api/profile",
    verify="/api/token/verify",
    refresh="/api/token/refresh",
    schema="/api/openapi.json",
    rotates=True,
)
FASTAPI = System(
    "fastapi",
    "FastAPI, SQLAlchemy",
    login="/api/v1/login/access-token",
    profile="/api/v1/users/me",
    verify="/api/v1/login/test-token",
    schema="/api/v1/openapi.json",
    interface="asgi",
    form=True,
    access="access_token",
)
SYSTEMS = {
    system.name: system for system in (BARE, OURS, TUTORIAL, DJOSER, NINJA, FASTAPI)
}
