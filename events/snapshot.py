"""One consistent view of the database for several reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything inside as of one moment, without waiting for writers or stopping them.

    Inside a transaction or a snapshot that runs already it adds nothing: that one's isolation
    holds.
    """
    if connection.in_atomic_block or _is_in_snapshot():
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            # Not `atomic()`: it begins IMMEDIATE and would wait for the write lock.
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def _is_in_snapshot() -> bool:
    # On SQLite Django knows nothing of a transaction that was begun by hand.
    raw = connection.connection
    return connection.vendor == "sqlite" and raw is not None and bool(raw.in_transaction)
