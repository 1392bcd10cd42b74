"""A restored dump, by the commands of ``project/README.md``, on PostgreSQL."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import assert_problem, fresh_postgresql
from tests.programs import program
from tests.server import ROOT, free_port, serve
from tests.variants import VARIANTS

MAIN = VARIANTS["main"]


OPERATING = (ROOT / "project" / "README.md").read_text()
RESTORE, *NEXT = re.findall(
    r"^    (.*)$", OPERATING.partition("## Restore a dump")[2], re.MULTILINE
)


@pytest.mark.requirement("ASVS 10.3.3", "ASVS 7.4.1")
def test_sessions_that_ended_after_the_dump_do_not_work_again(tmp_path):
    program("pg_dump", "postgresql-client")
    dump, port = tmp_path / "dump", free_port()
    with fresh_postgresql() as lost, fresh_postgresql() as restored:
        with serve(tmp_path, lost, port=port) as service:
            logged_out, stolen, unchanged = (service.login() for _ in range(3))
            subprocess.run(["pg_dump", "-Fc", f"--file={dump}", lost], check=True)
            assert service.post("/api/token/blacklist/", refresh(logged_out)).is_success
            answer = service.post("/api/token/refresh/", refresh(stolen))
            newest = answer.json()
        environment = {**service.environment, "DATABASE_URL": restored}
        run([RESTORE.replace(" dump", f" {dump}")], environment)
        with serve(tmp_path, restored, port=port) as service:
            # What the database has forgotten.
            assert service.profile(MAIN, logged_out["access"]).is_success
            assert service.post("/api/token/refresh/", refresh(stolen)).is_success

            run(NEXT, environment)

            for pair in (logged_out, stolen, newest, unchanged):
                access = service.profile(MAIN, pair["access"])
                assert_problem(access, 401, "token_not_valid", "session_ended")
                spent = service.post("/api/token/refresh/", refresh(pair))
                assert_problem(spent, 401, "token_not_valid", "session_ended")
            assert service.profile(MAIN, service.login()["access"]).is_success
            code = (
                "from authapi.models import User;"
                "print(User.objects.create_user('new').pk > 1000)"
            )
            assert service.python(code).split()[-1] == "True"


def run(commands: list[str], environment: dict[str, str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        subprocess.run(
            ["bash", "-euc", command],
            cwd=ROOT,
            env={**environment, "PATH": path},
            check=True,
        )


def refresh(pair: dict[str, str]) -> dict[str, str]:
    return {"refresh": pair["refresh"]}
