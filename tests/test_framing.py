"""Requests to the real server that a client library would not send."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from socket import SHUT_WR
from threading import Event

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler

from authapi.testing.client import InProcess
from project.whole_requests import complete
from tests.conftest import assert_problem
from tests.server import PASSWORD, USER, http
from tests.wire import half_sent

CREDENTIALS = json.dumps({"username": USER, "password": PASSWORD}).encode()


def chunks() -> Iterator[bytes]:
    yield CREDENTIALS[:10]
    yield CREDENTIALS[10:]


def test_a_chunked_body_is_read(service):
    answer = http.post(
        f"{service.url}/api/token/",
        content=chunks(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 200, answer.text


def test_a_chunked_body_has_the_same_limit(service):
    answer = http.post(
        f"{service.url}/api/token/",
        content=iter([b" " * 40_000] * 2),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; x*=nope''%41", 200),
        ("application/json; charset=undefined", 200),
        ("application/json; charset=hex", 200),
        ("text/plain; x*=nope''%41", 415),
        ("multipart/form-data; boundary=x", 415),
        (";", 415),
    ],
)
def test_unusual_content_type_parameters_are_ignored(service, content_type, status):
    answer = http.post(
        f"{service.url}/api/token/?a=%ff",
        content=CREDENTIALS,
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == status, answer.text


def test_an_unsatisfiable_range_is_a_client_error(service):
    styles = re.search(r'/static/[^"]+\.css', http.get(f"{service.url}/api/docs/").text)
    assert styles

    answer = http.get(service.url + styles[0], headers={"Range": "bytes=5-1"})

    assert answer.status_code == 416
    assert answer.json()["code"] == "invalid"


def test_an_invalid_accept_header_is_ignored(service):
    answer = http.get(
        f"{service.url}/api/schema/", headers={"Accept": "a/b; x*=nope''%41"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/token", "/api/schema/", "/health/live/", "/x/"])
def test_no_path_requires_a_csrf_token(service, path):
    connection = HTTPConnection(service.url.removeprefix("http://"))
    connection.request("POST", path)
    answer = connection.getresponse()

    assert answer.status in {404, 405}
    assert json.loads(answer.read())["code"] in {"not_found", "method_not_allowed"}
    connection.close()


def test_the_docs_reject_other_methods_with_a_problem(service):
    answer = http.post(f"{service.url}/api/docs/")

    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("sent", [b"", b"{", CREDENTIALS])
def test_a_truncated_body_is_rejected(service, sent):
    with half_sent(service, sent) as connection:
        connection.shutdown(SHUT_WR)
        answer = connection.recv(4096)

    assert b" 400 " in answer.splitlines()[0]


@pytest.mark.parametrize("length", [65_537, 3_000_000, 2**63])
def test_an_oversized_length_is_rejected_unread(service, length):
    """
    The server also announces that it closes the connection, or a proxy would lose its next
    request.
    """
    answer = b""
    with half_sent(service, b"{", length) as connection:
        while more := connection.recv(4096):
            answer += more

    assert b" 413 " in answer.splitlines()[0]
    assert b"\r\nconnection: close\r\n" in answer
    assert b"body_too_large" in answer
    for header in (b"x-content-type-options: nosniff", b"x-request-id: "):
        assert header in answer


def test_an_authorization_header_over_8_kb_is_rejected(service):
    headers = {"Authorization": "Bearer " + "a" * 8192}

    answer = httpx.get(f"{service.url}/api/profile/", headers=headers)

    assert_problem(answer, 431, "header_too_large")


class TestInProcess:
    """The same application without its server: what an application's tests call."""

    @pytest.fixture
    def send(self, db):
        with httpx.Client(transport=InProcess(), base_url="http://127.0.0.1") as client:

            def send(path="/api/token/", content=b"{}", **headers):
                named = {
                    name.replace("_", "-"): value for name, value in headers.items()
                }
                return client.post(path, content=content, headers=named)

            yield send

    def test_a_long_accept_header_is_not_read(self, send):
        answer = send(Accept="text/html;" * 200, Content_Type="application/json")

        assert_problem(answer, 400, "invalid")

    def test_a_long_authorization_header_is_refused(self, send):
        answer = send(Authorization="Bearer " + "a" * 8192)

        assert_problem(answer, 431, "header_too_large")

    @pytest.mark.parametrize(
        "media_type",
        ["application/json;" + ";" * 1000, "application/json; x*=nope''%41"],
    )
    def test_odd_parameters_of_a_media_type_are_dropped(self, send, media_type):
        assert_problem(send(Content_Type=media_type), 400, "invalid")

    def test_a_body_shorter_than_its_length_is_refused(self, send):
        answer = send(Content_Type="application/json", Content_Length="10")

        assert_problem(answer, 400, "parse_error")

    @pytest.mark.parametrize("chunks", [2, 4])
    def test_a_body_in_chunks_is_read_up_to_the_limit(self, send, chunks):
        content = iter([b" " * 30_000] * chunks)

        answer = send(content=content, Content_Type="application/json")

        assert answer.status_code == {2: 400, 4: 413}[chunks]

    def test_a_path_that_no_pattern_takes_has_the_usual_limit(self, send):
        assert_problem(send("/a%0Ab"), 404, "not_found")


def test_a_request_is_refused_if_it_gets_no_slot_in_time(db, settings):
    """Served later, a refresh could meet a token that its client has already replaced."""
    settings.PASSWORD_HASHES_AT_ONCE = settings.PASSWORD_LINE = 0
    settings.TURNS = 1
    held, done = Event(), Event()
    serve = WSGIHandler()

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/slow/":
            held.set()
            done.wait()
        return serve(environ, start_response)

    transport = httpx.WSGITransport(complete(application))
    with (
        httpx.Client(transport=transport, base_url=settings.PUBLIC_URL) as client,
        ThreadPoolExecutor() as pool,
    ):
        slow = pool.submit(client.get, "/slow/")
        try:
            assert held.wait(30)
            refused = client.get("/api/profile/")
            probe = client.get("/health/live/")
        finally:
            done.set()

    assert_problem(refused, 503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert probe.status_code == 200
    assert slow.result().status_code == 404
