"""``/health/ready/`` says whether an instance can work, and what it lacks."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from tests.programs import library
from tests.scale.fleet import Instance
from tests.scale.load import load
from tests.scale.servers import wait_until


def lacks(instance) -> dict[str, str]:
    """The parts that an instance says are not ready, and what they are; empty if it is ready."""
    answer = instance.health()
    if answer is None:
        return {"health": "no answer"}
    parts = {name: state for name, state in answer.json().items() if state != "ok"}
    # Requests go on without Redis.
    unready = parts.keys() - {"status", "cache"}
    assert (answer.status_code == 503) == bool(unready), answer.text
    return parts


def wait_until_lacks(instance, part: str, state: str) -> None:
    wait_until(lambda: lacks(instance).get(part) == state, f"{part} is {state}")


def wait_until_ready(instance) -> None:
    wait_until(lambda: not lacks(instance), "an instance is ready")


@contextmanager
def instance_of(fleet, machine, name, **environment):
    """An instance that no proxy sends requests to."""
    folder = machine.subfolder(name)
    instance = Instance(folder, fleet.environment | environment)
    instance.start()
    try:
        wait_until(lambda: instance.health("live"), "an instance starts")
        yield instance
    finally:
        instance.stop()


def test_row_6_ready_needs_tables(fleet, machine, report):
    url = machine.postgresql.create_database("empty")
    with instance_of(fleet, machine, "empty", DATABASE_URL=url) as instance:
        wait_until_lacks(instance, "migrations", "pending")
        fleet.manage("migrate", "--verbosity=0", DATABASE_URL=url)
        wait_until_ready(instance)

    report("without tables: 503, migrations pending; migrated: ready")


def test_row_6_ready_needs_a_database_that_can_be_written(fleet, machine, report):
    def set_read_only(value: str) -> None:
        machine.postgresql.sql(
            f"ALTER SYSTEM SET default_transaction_read_only = {value}"
        )
        machine.postgresql.sql("SELECT pg_reload_conf()")

    instance = fleet.instances[0]
    set_read_only("on")
    try:
        wait_until_lacks(instance, "database", "not writable")
    finally:
        set_read_only("off")
    wait_until_ready(instance)

    report("read-only: 503, database not writable; writable: ready")


def test_row_6_ready_needs_room_on_the_disk(fleet, machine, report):
    """On a file system that is full, as far as the database's tables go."""
    disk = machine.subfolder("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        shutil.chown(disk, "postgres")
        machine.postgresql.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        url = machine.postgresql.create_database("full_disk", "TABLESPACE small")
        fleet.manage("migrate", "--verbosity=0", DATABASE_URL=url)
        with instance_of(fleet, machine, "full_disk", DATABASE_URL=url) as instance:
            wait_until_ready(instance)
            room = os.statvfs(disk)
            filler = disk / "filler"
            filler.write_bytes(b"\0" * room.f_bavail * room.f_bsize)
            wait_until_lacks(instance, "database", "not writable")
            filler.unlink()
            wait_until_ready(instance)
        machine.postgresql.sql("DROP DATABASE full_disk WITH (FORCE)")
        machine.postgresql.sql("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)

    report("full disk: 503, database not writable; with room: ready")


def test_row_9_a_clock_that_is_a_little_off_does_no_harm(fleet, report):
    with load(fleet) as clients:
        first, last = fleet.instances[0], fleet.instances[-1]
        for instance, seconds in ((first, -12), (last, 12)):
            instance.stop()
            instance.environment = with_clock(fleet.environment, seconds)
            instance.start()
            instance.wait()
        clients.until_refreshed(5)

    report(f"12 s each way: {clients.figures()}")
    fleet.restart()
    assert not clients.lost
    assert not clients.bad


@pytest.mark.parametrize("seconds", [60, -60])
def test_row_9_an_instance_with_a_wrong_clock_is_not_ready(
    fleet, machine, report, seconds
):
    """No balancer that asks sends it requests, whose tokens the others would refuse."""
    wrong = with_clock({}, seconds)
    with instance_of(fleet, machine, f"clock{seconds}", **wrong) as instance:
        wait_until_lacks(instance, "clock", "differs")

    report(f"{seconds:+} s: 503, clock differs")


def with_clock(environment, seconds: int) -> dict[str, str]:
    """An environment in which the clock is off. Intervals are measured as ever."""
    return environment | {
        "LD_PRELOAD": library("*/faketime/libfaketimeMT.so.1", "faketime"),
        "FAKETIME": f"{seconds:+}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
