"""Raw HTTP, byte by byte, as no client library would send it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_WR, create_connection, socket

from tests.server import Service

HEAD = b"POST /api/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
# Sent last on a connection, to know when all answers have arrived.
LAST = b"GET /health/live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

_ANSWER = re.compile(
    rb"HTTP/1\.[01] (\d{3}) (?:(?!HTTP/1\.[01] \d{3} ).)*?(?:\"code\": ?\"(\w+)\"|(?=HTTP/1)|\Z)",
    re.DOTALL,
)


@contextmanager
def connected(service: Service) -> Iterator[socket]:
    host, port = service.url.removeprefix("http://").split(":")
    with create_connection((host, int(port)), timeout=10) as connection:
        yield connection


@contextmanager
def half_sent(service: Service, sent: bytes, length: int = 500) -> Iterator[socket]:
    """A connection with a half-sent login."""
    with connected(service) as connection:
        head = HEAD + f"Content-Length: {length}\r\n\r\n".encode()
        connection.sendall(head + sent)
        yield connection


def answers(service: Service, sent: bytes, *, cut: bool = False) -> list[str]:
    """
    Send bytes and return the answers until the connection ends, each as ``"400 invalid"``.

    An answer without a code is a success, or comes from the server before Python is involved. With
    *cut*,
    the sender closes its side of the connection.
    """
    received = b""
    with connected(service) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        if cut:
            connection.shutdown(SHUT_WR)
        while more := connection.recv(65536):
            received += more
    return [
        " ".join(word.decode() for word in found if word)
        for found in _ANSWER.findall(received)
    ]
