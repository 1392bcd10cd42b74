"""The instances share PostgreSQL's connections with each other and with people."""

import psycopg
import pytest

from tests.scale.fleet import WORKERS
from tests.scale.load import load
from tests.scale.servers import pgbouncer

# More at once than PostgreSQL has connections.
CROWD = 100
_POOL = "from django.conf import settings; print(settings.DATABASE_POOL)"
_IN_USE = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'authapi'"


def test_row_5_connections_are_bounded(fleet, machine, report):
    """However many clients there are, PostgreSQL has connections left, for psql for instance."""
    pool = fleet.manage("shell", "--no-imports", "--command", _POOL)
    # One more, with which the readiness probe looks whether the pool could be used.
    bound = len(fleet.instances) * WORKERS * (int(pool.split()[-1]) + 1)
    counts = []
    with load(fleet, CROWD, pause=0) as clients:
        for _ in range(20):
            clients.until_calls(CROWD)
            counts += machine.postgresql.sql(_IN_USE)[0]
            # As the service's role, for which no connection is reserved.
            psycopg.connect(machine.postgresql.url_of("authapi", "authapi")).close()

    report(f"{clients.figures()}, {max(counts)} connections of at most {bound}")
    assert max(counts) <= bound
    assert not clients.lost
    assert not clients.bad


def test_row_5_pgbouncer_in_transaction_mode(fleet, machine, report):
    """Instances share even fewer connections. The role has the timeouts; migrations go past it."""
    for timeout in ("statement_timeout = '1250ms'", "lock_timeout = '950ms'"):
        machine.postgresql.sql(f"ALTER ROLE authapi SET {timeout}")
    counts = []
    with pgbouncer(machine.subfolder("pgbouncer"), machine.postgresql) as bouncer:
        url = f"postgresql://authapi@127.0.0.1:{bouncer.port}/authapi"
        fleet.environment = fleet.environment | {
            "DATABASE_URL": f"{url}?DISABLE_SERVER_SIDE_CURSORS=true"
        }
        fleet.restart()
        with load(fleet) as clients:
            for _ in range(5):
                clients.until_refreshed(1)
                counts += machine.postgresql.sql(_IN_USE)[0]
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
            connection.execute("SELECT pg_sleep(30)")
        fleet.stop()
    machine.postgresql.sql("ALTER ROLE authapi RESET ALL")

    report(f"{clients.figures()}, {max(counts)} of {bouncer.size} connections")
    assert max(counts) <= bouncer.size
    assert not clients.lost
    assert not clients.bad
