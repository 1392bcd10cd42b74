"""A part fails while clients refresh, and comes back. The instances are not restarted."""

import os
import signal
import time
from functools import partial

import pytest

from tests.scale.fleet import WORKERS
from tests.scale.load import CLIENTS, HASTY, guess_at_once, load
from tests.scale.servers import wait_until

# Seconds that a fault lasts at least: clients have given up and asked again by then.
FAULT = 10


def assert_alive(fleet) -> None:
    """The orchestrator must not restart an instance because a part of it is down."""
    for instance in fleet.instances:
        answer = instance.health("live")
        assert answer, "live does not answer"
        assert answer.status_code == 200


def down(instance) -> set[str]:
    """The parts that an instance says are down."""
    answer = instance.health()
    assert answer, "ready does not answer"
    parts = {name for name, state in answer.json().items() if state != "ok"}
    # Requests go on without Redis.
    assert (answer.status_code == 503) == bool(parts - {"status", "cache"}), answer.text
    return parts - {"status"}


def test_row_2_postgresql_hangs(fleet, machine, report):
    """Every call, and every probe, is answered before PostgreSQL goes on."""
    with load(fleet, patience=HASTY) as clients:
        began = time.monotonic()
        with machine.postgresql.hanging():
            assert_alive(fleet)
            for instance in fleet.instances:
                assert "database" in down(instance)
            first = clients.until_answered(503, CLIENTS)
            clients.over.wait(began + FAULT - time.monotonic())
            clients.until_answered(503, CLIENTS)
        recovered = clients.until_refreshed()

    report(
        f"{clients.figures()}, {CLIENTS} answers after {first:.1f} s,"
        f" recovered in {recovered:.1f} s"
    )
    assert not clients.lost
    assert not clients.bad


@pytest.mark.parametrize("way", ["restarted", "killed", "down"])
def test_row_3_postgresql_is(fleet, machine, report, way):
    """Only a 503 that says when to come back, and a log that stays small."""
    fleet.clear_logs()
    with load(fleet, patience=HASTY) as clients:
        began = time.monotonic()
        if way == "killed":
            machine.postgresql.kill()
        else:
            machine.postgresql.stop("fast")
        try:
            if way == "down":
                clients.until_answered(503, CLIENTS)
                assert_alive(fleet)
                for instance in fleet.instances:
                    assert "database" in down(instance)
                clients.over.wait(began + FAULT - time.monotonic())
        finally:
            machine.postgresql.start()
        fault = time.monotonic() - began
        recovered = clients.until_refreshed()
        seconds = time.monotonic() - began

    lines = fleet.complaints()
    size = sum(map(len, lines))
    report(
        f"{clients.figures()}, {len(lines)} lines ({size / 1000:.1f} kB) logged,"
        f" {fault:.1f} s, recovered in {recovered:.1f} s"
    )
    assert not clients.lost
    assert not clients.bad
    processes = len(fleet.instances) * WORKERS
    assert len(lines) <= processes * (seconds + 2)
    assert size <= 1000 * len(lines)
    if way == "down":
        assert any("connection" in line for line in lines)


def is_whole(instance, killed: int) -> bool:
    workers = instance.workers()
    return len(workers) == WORKERS and killed not in workers


def test_row_4_a_worker_is_killed(fleet, report):
    """The instance starts another."""
    with load(fleet) as clients:
        for instance in fleet.instances:
            killed, _ = instance.workers()
            os.kill(killed, signal.SIGKILL)
            wait_until(partial(is_whole, instance, killed), "another worker")
        recovered = clients.until_refreshed()

    report(f"{clients.figures()}, recovered in {recovered:.1f} s")
    assert all(instance.server.process.poll() is None for instance in fleet.instances)
    assert not clients.lost
    assert not clients.bad


@pytest.mark.parametrize("way", ["down", "hung"])
def test_row_7_redis_is(fleet, machine, report, way):
    """People log in and refresh as ever, limits hold, and the log says why it is slower."""
    fleet.clear_logs()
    with load(fleet) as clients:
        if way == "down":
            machine.redis.server.end()
        else:
            machine.redis.server.freeze()
        try:
            assert_alive(fleet)
            clients.until_refreshed()
            # These log in anew.
            with load(fleet) as newcomers:
                newcomers.until_refreshed()
                tries = guess_at_once(fleet, 8)
        finally:
            machine.redis.repair()
        recovered = clients.until_refreshed()

    report(
        f"{clients.figures()}; logging in: {newcomers.figures()};"
        f" guesses: {dict(tries)}; recovered in {recovered:.1f} s"
    )
    for group in (clients, newcomers):
        assert not group.lost
        assert not group.bad
    # A guess that the fault interrupts may count without an answer, but none is free.
    assert {*tries} == {401, 429}
    assert tries[401] <= 5
    lines = fleet.complaints()
    assert any("redis" in line.lower() for line in lines)
