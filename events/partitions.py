"""The monthly partitions of the events table on PostgreSQL."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

TABLE = "events_event"
MONTHS_AHEAD = 3  # a worker that stands still for a quarter still finds its partition


def ensure_partitions(connection: BaseDatabaseWrapper, today: date) -> list[str]:
    """Make the partitions from this month on that are missing; return their names.

    What would fall outside all of them goes to the default partition. Nothing on SQLite.
    """
    if connection.vendor != "postgresql":
        return []
    made = []
    with connection.cursor() as cursor:
        for month, name in _missing(cursor, today):
            cursor.execute(
                f"CREATE TABLE {name} PARTITION OF {TABLE} FOR VALUES "
                f"FROM ('{first_id(month)}') TO ('{first_id(_next_month(month))}')"
            )
            _protect(cursor, name)
            made.append(name)
    return made


def lacks_partitions(connection: BaseDatabaseWrapper, today: date) -> bool:
    """Tell whether `ensure_partitions` would make one."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        return any(_missing(cursor, today))


def _missing(cursor: CursorWrapper, today: date) -> Iterator[tuple[date, str]]:
    for month in _months_from(today):
        name = f"{TABLE}_{month:%Y_%m}"
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is None:
            yield month, name


def make_default_partition(connection: BaseDatabaseWrapper) -> None:
    """Make the partition of all that no month's partition takes."""
    name = f"{TABLE}_default"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} PARTITION OF {TABLE} DEFAULT")
        _protect(cursor, name)


def _protect(cursor: CursorWrapper, partition: str) -> None:
    # The table's own triggers reach the rows of a partition, not its TRUNCATE.
    cursor.execute(
        f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {partition} "
        "FOR EACH STATEMENT EXECUTE FUNCTION trackward_append_only()"
    )


def first_id(day: date) -> uuid.UUID:
    """Return the smallest UUIDv7 of a day (UTC)."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _months_from(today: date) -> Iterator[date]:
    month = today.replace(day=1)
    for _ in range(MONTHS_AHEAD + 1):
        yield month
        month = _next_month(month)


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
