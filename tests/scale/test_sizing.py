"""What a core, a session and an instance amount to: the figures of ``project/README.md``."""

import os
from pathlib import Path

from tests.scale.load import PASSWORD, Load

LOGINS = 64
REFRESHES = 600
SESSIONS = 50_000
# Like the service writes it: a new row version for each refresh, mostly on the same page.
_FILL = """
INSERT INTO authapi_session (
    id, user_id, auth_hash, current_jti, previous_jti, created_at, rotated_at, user_agent,
    address, repeated, repeated_before, expires_at
)
SELECT
    gen_random_uuid(), (SELECT min(id) FROM authapi_user), repeat(md5(n::text), 2), md5(n::text),
    md5((-n)::text), now(), now(), repeat('x', 110), '192.0.2.1', false, false,
    now() + interval '14 days'
FROM generate_series(1, {number}) AS n
"""
_SIZE = "SELECT pg_total_relation_size('authapi_session')"


def cpu_seconds(fleet) -> float:
    """What the instances have used of the processors."""
    ticks = 0
    for instance in fleet.instances:
        for pid in instance.server.all():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(fleet) -> float:
    """Megabytes of the instances that are not shared between their processes."""
    kilobytes = 0
    for instance in fleet.instances:
        for pid in instance.server.all():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kilobytes += int(rollup.partition("\nPss:")[2].split()[0])
    return kilobytes / 1000


def test_row_15_sizing(fleet, machine, report):
    clients = Load(fleet, LOGINS, pause=0)
    clients.make_users(LOGINS)

    before = cpu_seconds(fleet)
    for client in clients.clients:
        client.log_in()
    logins = cpu_seconds(fleet) - before
    before = cpu_seconds(fleet)
    for number in range(REFRESHES):
        client = clients.clients[number % LOGINS]
        client.keep(
            client.call("POST", "/api/token/refresh/", {"refresh": client.refresh})
        )
    refreshes = cpu_seconds(fleet) - before
    before = cpu_seconds(fleet)
    for number in range(REFRESHES):
        clients.clients[number % LOGINS].call("GET", "/api/profile/")
    profiles = cpu_seconds(fleet) - before
    for client in clients.clients:
        client.connection.close()

    url = machine.postgresql.create_database("sizing")
    fleet.manage("migrate", "--verbosity=0", DATABASE_URL=url)
    fleet.manage(
        "shell",
        "--command",
        f"User.objects.create_user('a', password={PASSWORD!r})",
        DATABASE_URL=url,
    )
    machine.postgresql.sql(_FILL.format(number=SESSIONS), "sizing")
    machine.postgresql.sql("UPDATE authapi_session SET rotated_at = now()", "sizing")
    machine.postgresql.sql("VACUUM authapi_session", "sizing")
    ((size,),) = machine.postgresql.sql(_SIZE, "sizing")

    report(
        f"a core does {LOGINS / logins:.0f} logins, {REFRESHES / refreshes:.0f} refreshes or"
        f" {REFRESHES / profiles:.0f} profiles a second; a session takes {size / SESSIONS:.0f}"
        f" bytes, an instance {memory(fleet) / len(fleet.instances):.0f} MB"
    )
    assert clients.answers == {200: LOGINS + 2 * REFRESHES}
    assert size / SESSIONS < 2000
