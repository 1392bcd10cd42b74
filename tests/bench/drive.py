"""
Calls one system in its own process, without a server:

    users     make the users
    prepare   the same; log them in, and write the requests that will be counted
    count     send these requests, under valgrind, and write the answers

A call of ``getsid`` tells valgrind to write down what it has counted. Nothing else calls that.
"""

import asyncio
import gc
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.catalog import (
    CALLER,
    LISTER,
    PASSWORD,
    READER,
    SYSTEMS,
    USERS,
    Request,
    System,
    bearer,
    post,
)

# Python has specialized its bytecode after this many requests.
WARM, COUNTED = 10, 20
HEADERS = {
    "Host": "127.0.0.1:8000",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "application/json",
}

Answer = tuple[int, dict[str, str], str]
Send = Callable[..., list[Answer]]


def main(phase: str, name: str) -> None:
    # Threads change only where one waits, never because time has passed.
    sys.setswitchinterval(1000)
    folder = Path(os.environ["BENCH_FOLDER"])
    system = SYSTEMS[name]
    module = import_module(f"tests.bench.systems.{name}")
    senders: dict[str, Callable[[Any], Send]] = {"wsgi": over_wsgi, "asgi": over_asgi}
    send = senders[system.interface](module.application)
    if phase == "users":
        module.make_users(USERS, PASSWORD)
    elif phase == "prepare":
        module.make_users(USERS, PASSWORD)
        plan = prepare(system, send)
        (folder / "plan.json").write_text(json.dumps(plan, default=asdict))
    else:
        plan = json.loads((folder / "plan.json").read_text())
        answers = count(plan, send)
        (folder / "answers.json").write_text(json.dumps(answers))


def prepare(system: System, send: Send) -> dict[str, Any]:
    """Return the requests of each operation, and the probes that follow: a request and its status."""
    if not system.login:
        reads = [Request("GET", system.profile)] * (COUNTED + 1)
        return {"operations": {"profile": _parts(reads[:WARM] + reads)}, "probes": []}

    pairs = [_pair(send, system.log_in(READER)) for _ in range(WARM + COUNTED + 1)]
    accesses = [pair[system.access] for pair in pairs]
    caller = _pair(send, system.log_in(CALLER))
    seen = accesses[-COUNTED - 1 :]
    operations = {
        "profile_new": _parts([system.read_profile(token) for token in accesses]),
        "profile": _parts([system.read_profile(token) for token in seen + seen]),
        "login": _parts([system.log_in(CALLER)] * len(pairs)),
    }
    if system.verify:
        calls = [system.verify_token(token) for token in seen]
        operations["verify"] = _parts(calls + calls)
    if system.refresh:
        calls = [system.refresh_tokens(pair["refresh"]) for pair in pairs]
        operations["refresh"] = _parts(calls)
    if system.checks_session:
        operations["login_new_place"] = _parts(
            [
                system.log_in(CALLER, address=f"198.18.0.{place}")
                for place in range(1, len(pairs) + 1)
            ]
        )
    if system.schema:
        get = Request("GET", system.schema)
        operations["schema"] = _parts([get] * len(pairs))
        ((_, headers, _),) = send([get])
        if "etag" in headers:
            get = Request("GET", system.schema, {"If-None-Match": headers["etag"]})
            operations["schema_304"] = _parts([get] * len(pairs))
    if system.sessions:
        listed = [_pair(send, system.log_in(LISTER)) for _ in range(20)]
        get = bearer("GET", system.sessions, listed[-1][system.access])
        calls = [get] * len(pairs)
        operations["sessions"] = _parts(calls)
    return {
        "operations": operations,
        "probes": _probes(system, send, pairs[-1], caller),
    }


def _parts(requests: list[Request]) -> dict[str, list[Request]]:
    """The last request is traced, those before are counted, the others warm up."""
    return {
        "warm": requests[: -COUNTED - 1],
        "counted": requests[-COUNTED - 1 : -1],
        "traced": requests[-1:],
    }


def _pair(send: Send, request: Request) -> dict[str, str]:
    ((status, _, body),) = send([request])
    assert status == 200, body
    pair: dict[str, str] = json.loads(body)
    return pair


def _probes(
    system: System, send: Send, pair: dict[str, str], other: dict[str, str]
) -> list[tuple[str, Request, int]]:
    """
    Requests that show that the process that was counted had its checks on, each with its status.

    Without them a missing check would look like speed.
    """
    access, signature = pair[system.access], other[system.access].rpartition(".")[2]
    forged = f"{access.rpartition('.')[0]}.{signature}"
    probes = [("forged token", system.read_profile(forged), 401)]
    if system.refresh and system.rotates:
        first = _pair(send, system.log_in(READER))
        spent = system.refresh_tokens(first["refresh"])
        second = _pair(send, spent)
        _pair(send, system.refresh_tokens(second["refresh"]))
        probes.append(("spent refresh token", spent, 401))
    if system.logout:
        logout = post(system.logout, {"refresh": pair["refresh"]})
        probes.append(("logout", logout, 204))
        probes.append(("ended session", system.read_profile(access), 401))
    return probes


def count(plan: dict[str, Any], send: Send) -> dict[str, Any]:
    """Send the requests of *plan*; return the answers, and the SQL of one request each."""
    answers, statements = {}, {}
    # The start ends with a first answer, because Django imports views late.
    first = next(iter(plan["operations"].values()))["warm"][0]
    send([Request(**first)])
    os.getsid(0)
    for name, parts in plan["operations"].items():
        warm, counted, traced = (
            [Request(**request) for request in parts[part]]
            for part in ("warm", "counted", "traced")
        )
        send(warm)
        # Collect what the start left behind, or chance would decide whom that is counted for.
        gc.collect()
        gc.freeze()
        answers[name] = send(counted, mark=True)
        with traced_sql() as statements[name]:
            answers[name] += send(traced)
    probes = [
        (what, status, send([Request(**request)])[0][0])
        for what, request, status in plan["probes"]
    ]
    return {"answers": answers, "statements": statements, "probes": probes}


@contextmanager
def traced_sql() -> Iterator[list[str]]:
    """Collect what Django sends to SQLite, with every BEGIN and COMMIT. Empty for other systems."""
    sql: list[str] = []
    if "django" not in sys.modules:
        yield sql
        return
    from django.db import connection

    connection.ensure_connection()
    connection.connection.set_trace_callback(sql.append)
    yield sql
    connection.connection.set_trace_callback(None)


def over_wsgi(application: Any) -> Send:
    def send(requests: list[Request], *, mark: bool = False) -> list[Answer]:
        taken: list[tuple[list[Any], bytes]] = []
        environs = [environ_of(request) for request in requests]
        if mark:
            os.getsid(0)
        for environ in environs:
            started: list[Any] = []
            body = application(environ, lambda *given, to=started: to.extend(given))
            taken.append((started, b"".join(body)))
            body.close()
        if mark:
            os.getsid(0)
        return [
            (
                int(status.split()[0]),
                {name.lower(): value for name, value in headers},
                body.decode(),
            )
            for (status, headers, *_), body in taken
        ]

    return send


def environ_of(request: Request) -> dict[str, Any]:
    body = request.body.encode()
    url = urlsplit(request.path)
    headers = {**HEADERS, **request.headers}
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in headers.items()
    }
    if body:
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
        environ["CONTENT_LENGTH"] = str(len(body))
    return {
        **environ,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": url.path,
        "QUERY_STRING": url.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def over_asgi(application: Any) -> Send:
    loop = asyncio.new_event_loop()

    async def batch(requests: list[Request], mark: bool) -> list[list[dict[str, Any]]]:
        taken = []
        scopes = [(scope_of(request), request.body.encode()) for request in requests]
        if mark:
            os.getsid(0)
        for scope, body in scopes:
            sent: list[dict[str, Any]] = []

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def give(
                message: dict[str, Any], sent: list[dict[str, Any]] = sent
            ) -> None:
                sent.append(message)

            await application(scope, receive, give)
            taken.append(sent)
        if mark:
            os.getsid(0)
        return taken

    def send(requests: list[Request], *, mark: bool = False) -> list[Answer]:
        return [
            (
                start["status"],
                {name.decode(): value.decode() for name, value in start["headers"]},
                b"".join(part.get("body", b"") for part in parts).decode(),
            )
            for start, *parts in loop.run_until_complete(batch(requests, mark))
        ]

    return send


def scope_of(request: Request) -> dict[str, Any]:
    url = urlsplit(request.path)
    headers = {**HEADERS, **request.headers}
    if request.body:
        headers["Content-Length"] = str(len(request.body))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": url.path,
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in headers.items()
        ],
        "client": (request.address, 50000),
        "server": ("127.0.0.1", 8000),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
