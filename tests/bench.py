"""
Measures the profile endpoint alone, and during many simultaneous logins.

Run by ``make bench``. It is not a test, because machines and their load differ.
"""

import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event

import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from project.run import say  # noqa: E402  # it reads the settings
from tests.server import Service, serve  # noqa: E402  # it reads the settings

CALLS = 300
STORM = 40


def main() -> None:
    logging.getLogger("httpx").setLevel("WARNING")  # a line for each request
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as service:
        token = service.login()["access"]
        alone = profile_times(service, token)
        with storm(service) as answers:
            stormed = profile_times(service, token)
        again = profile_times(service, token)
    for name, times in (("alone", alone), ("in a storm", stormed), ("after", again)):
        say(f"profile {name:11} p50 {median(times):7.1f} ms  p95 {p95(times):7.1f} ms")
    say(f"{STORM} clients that log in at once: {dict(answers)}")
    say(f"ratio of the p50s: {median(stormed) / median(alone):.1f}")


def profile_times(service: Service, token: str) -> list[float]:
    """Milliseconds of each of some profile calls, one after the other."""
    times = []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        client.get("/api/profile/")
        for _ in range(CALLS):
            began = time.perf_counter()
            assert client.get("/api/profile/").status_code == 200
            times.append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def storm(service: Service) -> Iterator[Counter[int]]:
    """Log in with wrong passwords, without a pause, until the block ends; count the statuses."""
    answers: Counter[int] = Counter()
    over = Event()

    def log_in(name: int) -> None:
        body = {"username": f"user{name}", "password": "wrong"}
        with httpx.Client(base_url=service.url, timeout=60) as client:
            while not over.is_set():
                answer = client.post("/api/token/", json=body)
                answers[answer.status_code] += 1
                # Like a client that obeys Retry-After.
                over.wait(float(answer.headers.get("Retry-After", 0)))

    with ThreadPoolExecutor(STORM) as pool:
        running = [pool.submit(log_in, name) for name in range(STORM)]
        time.sleep(1)
        yield answers
        over.set()
    for client in running:
        client.result()


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main()
