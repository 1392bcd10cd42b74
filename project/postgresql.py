"""
Connections to PostgreSQL that do not let a request wait for longer than it may.

PostgreSQL itself cancels a statement that takes too long. If it hangs or cannot be reached, it does
not even do that: then the connection is closed.
"""

from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool


def options(*, size: int, wait: float, session: bool) -> dict[str, Any]:
    """
    Return Django's ``OPTIONS`` for a pool of at most *size* connections.

    Args:
        wait: how long to wait for a connection, and for each statement, in seconds.
        session: whether PostgreSQL accepts timeouts that last for a session.
    """
    milliseconds = int(wait * 1000)
    timeouts = (
        f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds * 3 // 4}"
    )
    return {
        "pool": {
            "connection_class": type(
                "Connection", (PatientConnection,), {"patience": wait + 0.2}
            ),
            "min_size": 1,
            "max_size": size,
            "timeout": wait,
            # After that, the next request tries anew. By default, pauses grow to minutes.
            "reconnect_timeout": 1,
        },
        # The shortest that libpq allows. Requests do not wait for it, but for the pool.
        "connect_timeout": 2,
        # Milliseconds until a connection to a host that has vanished is closed.
        "tcp_user_timeout": 5000,
        **({"options": timeouts} if session else {}),
    }


class PatientConnection(psycopg.Connection[Any]):
    """A pool's connection that closes if the server does not answer for ``patience`` seconds."""

    patience: float
    _pool: ConnectionPool[Any]

    def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None
    ) -> RV:
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.OperationalError:
            hangs = self.pgconn.transaction_status == TransactionStatus.ACTIVE
            if hangs or self.broken:
                self.close()
                # The others have probably lost their server, too.
                self._pool.drain()
            raise
