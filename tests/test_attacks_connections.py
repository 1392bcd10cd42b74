"""Connections with misleading lengths, stalls and disconnects do not affect other clients."""

from contextlib import ExitStack, suppress

import pytest

from tests.conftest import assert_problem
from tests.server import PASSWORD, USER
from tests.variants import VARIANTS
from tests.wire import HEAD, LAST, answers, connected, half_sent

CREDENTIALS = f'{{"username": "{USER}", "password": "{PASSWORD}"}}'.encode()
MAIN = VARIANTS["main"]
HIDDEN = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(autouse=True)
def _an_honest_client_is_served(any_service, own_tokens):
    """Before and after each attack."""
    yield
    assert any_service.profile(MAIN, own_tokens["main"]).status_code == 200


class TestSmuggling:
    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + HIDDEN),
            ("Transfer-Encoding: chunked\r\nContent-Length: 6", b"0\r\n\r\nG" + HIDDEN),
            ("Transfer-Encoding: chunked\r\nContent-Length: 0", b"0\r\n\r\n" + HIDDEN),
        ],
        ids=["length-first", "chunked-first", "no-length"],
    )
    def test_conflicting_lengths_do_not_smuggle_a_request(
        self, any_service, headers, body
    ):
        """The chunked length is used, and the connection is closed (RFC 9112, section 6.1)."""
        sent = HEAD + headers.encode() + b"\r\n\r\n" + body

        assert answers(any_service, sent + LAST) == ["400 invalid"]

    @pytest.mark.parametrize(
        "headers",
        [
            *(b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5, 5"),
            *(b"Content-Length: -1", b"Content-Length: +5", b"Content-Length: 0x5"),
            *(b"Content-Length: 5_0", b"Content-Length: five", b"Content-Length:"),
            *(b"Content-Length: " + b"9" * 30, b"Content-Length: \xd9\xa5"),
            *(b"Content-Length : 5", b"Content-Length: 5 5", b"Content-Length: 5.0"),
            *(b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked"),
            *(b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding:"),
            *(b"Transfer-Encoding : chunked", b"Transfer-Encoding:\r\n chunked"),
            *(b"Transfer-Encoding: chunked\x0b", b"X: \0", b"X\0: y", b"X", b": y"),
            *(b" X: y", b"X: a\r\n folded", b"X: a\rb", b"(X): y"),
        ],
        ids=repr,
    )
    def test_ambiguous_headers_are_rejected(self, any_service, headers):
        """The server itself rejects them and closes the connection."""
        sent = HEAD + headers + b"\r\n\r\n{}   " + HIDDEN

        assert answers(any_service, sent + LAST) == ["400"]

    @pytest.mark.parametrize(
        "chunks",
        [
            *(b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n"),
            *(b"0x2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}X\r\n0\r\n\r\n"),
            *(b"F" * 18 + b"\r\n{}\r\n", b"\r\n{}\r\n0\r\n\r\n", b"2 2\r\n{}\r\n"),
            b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
        ],
        ids=lambda chunks: repr(chunks[:20]),
    )
    def test_invalid_chunks_are_rejected(self, any_service, chunks):
        sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + HIDDEN

        assert answers(any_service, sent + LAST) == ["400 invalid"]

    def test_the_body_of_a_get_is_not_the_next_request(self, any_service):
        length = f"Content-Length: {len(HIDDEN)}\r\n\r\n".encode()
        sent = b"GET /api/profile/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length + HIDDEN

        assert answers(any_service, sent + LAST) == ["401 not_authenticated", "200"]

    def test_the_rest_of_an_oversized_body_is_not_the_next_request(self, any_service):
        sent = HEAD + b"Content-Length: 70000\r\n\r\n" + HIDDEN * 2_000

        assert answers(any_service, sent) == ["413 body_too_large"]

    @pytest.mark.parametrize("name", ["Content_Length", "Transfer_Encoding"])
    def test_framing_headers_with_underscores_are_ignored(self, any_service, name):
        sent = HEAD + f"{name}: chunked\r\nContent-Length: 2\r\n\r\n{{}}".encode()

        assert answers(any_service, sent + LAST) == ["400 invalid", "200"]

    def test_pipelined_requests_are_each_answered(self, any_service):
        sent = HEAD + b"Content-Length: 2\r\n\r\n{}"

        assert answers(any_service, sent * 5 + LAST) == [*["400 invalid"] * 5, "200"]

    def test_a_token_does_not_carry_over_to_the_next_request(
        self, any_service, own_tokens
    ):
        ask = b"GET /api/profile/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        token = f"Authorization: Bearer {own_tokens['main']}\r\n".encode()

        found = answers(any_service, ask + token + b"\r\n" + ask + b"\r\n" + LAST)

        assert found == ["200", "401 not_authenticated", "200"]

    def test_expect_continue_is_answered_or_rejected(self, any_service):
        expect = b"Expect: 100-continue\r\nConnection: close\r\n"
        good = f"Content-Length: {len(CREDENTIALS)}\r\n\r\n".encode() + CREDENTIALS
        large = b"Content-Length: 999999999\r\n\r\n"

        assert answers(any_service, HEAD + expect + good) == ["100", "200"]
        assert answers(any_service, HEAD + expect + large) == ["413 body_too_large"]


class TestRequestLines:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("GET http://evil.example/api/profile/ HTTP/1.1", "401 not_authenticated"),
            ("GET http://evil.example//x/ HTTP/1.1", "404 not_found"),
            ("OPTIONS * HTTP/1.1", "404 not_found"),
            ("CONNECT evil.example:80 HTTP/1.1", "405 method_not_allowed"),
            ("GET /api/profile/ HTTP/1.0", "401 not_authenticated"),
            ("GET /api/profile/", "400"),
            ("GET /api/profile/ HTTP/9.9", "400"),
            ("GET /api/profile/ HTTP/1.1 x", "400"),
            ("GET  /api/profile/ HTTP/1.1", "400"),
            ("GET /api/\0profile/ HTTP/1.1", "400"),
            ("GET api/profile/ HTTP/1.1", "400"),
            ("G\u00c9T /api/profile/ HTTP/1.1", "400"),
            ("GET /" + "a" * 70_000 + " HTTP/1.1", "414"),
            ("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "400"),
        ],
        ids=lambda value: ascii(value)[:40],
    )
    def test_unusual_request_lines_are_rejected(self, any_service, line, expected):
        headers = b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

        assert answers(any_service, line.encode() + headers) == [expected]

    @pytest.mark.parametrize(
        "hosts",
        [
            "",
            "Host: evil.example\r\n",
            "Host: 127.0.0.1\r\nHost: evil.example\r\n",
            "Host: evil.example\r\nHost: 127.0.0.1\r\n",
        ],
        ids=["none", "foreign", "ours-first", "foreign-first"],
    )
    def test_exactly_one_known_host_is_required(self, any_service, hosts):
        sent = f"GET /api/profile/ HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"

        assert answers(any_service, sent.encode()) == ["400 invalid"]

    @pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0"])
    def test_protocol_upgrades_are_ignored(self, any_service, protocol):
        sent = (
            "GET /api/profile/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            f"Upgrade: {protocol}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nHTTP2-Settings: AAMA\r\n\r\n"
        )

        found = answers(any_service, sent.encode() + LAST)

        assert found[0] == "401 not_authenticated"


class TestSlowClients:
    @pytest.mark.parametrize("sent", [b"", b"{", CREDENTIALS[:-1]], ids=len)
    def test_sixteen_half_sent_requests_do_not_block_others(
        self, any_service, own_tokens, sent
    ):
        with ExitStack() as waiting:
            for _ in range(16):
                waiting.enter_context(half_sent(any_service, sent))
            for _ in range(8):
                answer = any_service.profile(MAIN, own_tokens["main"])
                assert answer.status_code == 200

    @pytest.mark.parametrize(
        "sent",
        [b"", b"P", HEAD, HEAD + b"X: "],
        ids=["nothing", "byte", "head", "name"],
    )
    def test_two_hundred_idle_connections_do_not_block_others(
        self, any_service, own_tokens, sent
    ):
        """They occupy no thread, because one is assigned only after the headers are read."""
        with ExitStack() as waiting:
            for _ in range(200):
                waiting.enter_context(connected(any_service)).sendall(sent)
            answer = any_service.profile(MAIN, own_tokens["main"])

        assert answer.status_code == 200

    def test_an_endless_chunk_does_not_block_others(self, any_service, own_tokens):
        with ExitStack() as waiting:
            for _ in range(16):
                connection = waiting.enter_context(connected(any_service))
                chunks = b"Transfer-Encoding: chunked\r\n\r\n7FFFFFFF\r\n{"
                connection.sendall(HEAD + chunks)
            answer = any_service.profile(MAIN, own_tokens["main"])

        assert answer.status_code == 200


class TestHangUps:
    @pytest.mark.parametrize(
        "sent",
        [b"", b"{", CREDENTIALS[:-1], CREDENTIALS],
        ids=["no-body", "begun", "almost", "all"],
    )
    def test_disconnecting_during_the_body_is_harmless(self, any_service, sent):
        for _ in range(40):
            with half_sent(any_service, sent, len(CREDENTIALS)):
                pass

    @pytest.mark.parametrize("sent", [b"", b"{", CREDENTIALS], ids=len)
    def test_a_truncated_body_is_rejected(self, any_service, sent):
        head = HEAD + f"Content-Length: {len(CREDENTIALS) + 1}\r\n\r\n".encode()

        assert answers(any_service, head + sent, cut=True) == ["400 parse_error"]

    def test_disconnecting_before_the_answer_is_harmless(self, any_service):
        ask = b"GET /api/schema/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for _ in range(40):
            with connected(any_service) as connection:
                connection.sendall(ask * 5)

    def test_disconnecting_during_a_refresh_leaves_it_complete(self, any_service):
        """The refresh is completed, and a repeat gets the same answer."""
        pair = any_service.login()
        body = f'{{"refresh": "{pair["refresh"]}"}}'.encode()
        head = HEAD.replace(b"/token/", b"/token/refresh/")
        with connected(any_service) as connection:
            length = f"Content-Length: {len(body)}\r\n\r\n".encode()
            connection.sendall(head + length + body)

        again = any_service.post("/api/token/refresh/", {"refresh": pair["refresh"]})

        assert again.status_code == 200
        assert_problem(any_service.post("/api/token/", {}), 400, "invalid")


class TestHttp2:
    """The server does not speak it: one connection could hold every thread with half-sent streams."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"

    def test_a_connection_that_begins_with_it_is_closed(self, any_service):
        received = b""
        with connected(any_service) as connection, suppress(ConnectionError):
            connection.sendall(self.PREFACE + self.SETTINGS)
            while more := connection.recv(4096):
                received += more

        # A server that spoke it would answer with its own settings, a frame of type 4.
        assert not received.startswith(b"\x00\x00")

    def test_many_such_connections_hold_nobody_up(self, any_service):
        for _ in range(30):
            with connected(any_service) as connection:
                connection.sendall(self.PREFACE + self.SETTINGS)

        assert any_service.client.get("/health/live/").status_code == 200
