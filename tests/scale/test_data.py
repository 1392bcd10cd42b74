"""What operators do to the data: they migrate, and restore a dump."""

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.programs import program
from tests.scale.load import Load, load
from tests.server import ROOT

AT_ONCE = 4


def test_row_8_instances_migrate_at_once(fleet, machine, report):
    """Each instance may migrate when it starts: they wait for one another."""
    environment = fleet.environment | {
        "DATABASE_URL": machine.postgresql.create_database("at_once")
    }
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(AT_ONCE)
    ]
    said = [process.communicate()[0] for process in running]
    codes = [process.returncode for process in running]

    report(f"{codes.count(0)} of {AT_ONCE} succeed")
    assert codes == [0] * AT_ONCE, said
    fleet.manage("migrate", "--check", DATABASE_URL=environment["DATABASE_URL"])


def commands(heading: str) -> str:
    """The commands of a section of the page on operating the service."""
    page = (ROOT / "project" / "README.md").read_text()
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^    (.*)", section, re.MULTILINE)
    assert lines, heading
    return "\n".join(lines)


def test_row_10_a_dump_is_restored(fleet, machine, report):
    """A session that ended after the dump stays ended, and a token that was spent stays spent."""
    folder = machine.subfolder("dump")
    programs = (
        Path(sys.executable).parent,
        Path(program("pg_dump", "postgresql-client")).parent,
    )
    environment = fleet.environment | {
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    }

    def run(heading: str) -> None:
        done = subprocess.run(
            ["bash", "-eu"],
            input=commands(heading).replace("manage.py", str(ROOT / "manage.py")),
            text=True,
            cwd=folder,
            env=environment,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with load(fleet) as clients:
        run("Back up")
        earlier = {client.refresh for client in clients.clients}
        clients.until_refreshed()
    earlier |= {client.refresh for client in clients.clients}
    fleet.stop()
    machine.postgresql.sql("DROP DATABASE authapi WITH (FORCE)")
    machine.postgresql.create_database("authapi")

    run("Restore a dump")

    fleet.start()
    (asker,) = Load(fleet, 1, pause=0).clients
    with closing(asker.connection), load(fleet) as newcomers:
        answers = [
            asker.until_answered("POST", "/api/token/refresh/", {"refresh": token})
            for token in earlier
        ]
        newcomers.until_refreshed()
    accepted = sum(answer.status != 401 for answer in answers)
    report(
        f"{accepted} of {len(earlier)} earlier tokens accepted; {newcomers.figures()}"
    )
    assert not accepted
    assert not newcomers.lost
