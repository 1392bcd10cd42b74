"""A load balancer in front of several instances: each connection goes to the next one."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from selectors import EVENT_READ, DefaultSelector
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit


class LoadBalancer(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.open: set[socket.socket] = set()
        self.to()

    def to(self, *urls: str) -> None:
        """Send connections to these instances in turn, or nowhere. Close those that are open."""
        self.ports = cycle([urlsplit(url).port for url in urls] or [None])
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseRequestHandler):
    server: LoadBalancer

    def setup(self) -> None:
        self.server.open.add(self.request)

    def finish(self) -> None:
        self.server.open.discard(self.request)

    def handle(self) -> None:
        port = next(self.server.ports)
        if port is None:
            return
        with (
            socket.create_connection(("127.0.0.1", port)) as instance,
            DefaultSelector() as selector,
            suppress(OSError),
        ):
            ends = self.request, instance
            for source, target in (ends, ends[::-1]):
                selector.register(source, EVENT_READ, (source, target))
            while True:
                for key, _ in selector.select():
                    source, target = key.data
                    part = source.recv(65536)
                    if not part:
                        return
                    target.sendall(part)


@contextmanager
def load_balancer() -> Iterator[LoadBalancer]:
    with LoadBalancer() as balancer:
        thread = Thread(target=balancer.serve_forever, daemon=True)
        thread.start()
        try:
            yield balancer
        finally:
            balancer.shutdown()
            thread.join()
