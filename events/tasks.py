"""What workers do for the events' tables."""

from datetime import UTC, date, datetime

from celery import shared_task
from django.db import connection

from events import partitions

_checked: set[date] = set()


def partitions_are_due() -> bool:
    """Tell, once a UTC day in this process, that partitions may be missing."""
    today = datetime.now(UTC).date()
    if today in _checked:
        return False
    _checked.clear()
    _checked.add(today)
    return connection.vendor == "postgresql"


@shared_task(name="events.make_partitions")
def make_partitions() -> None:
    """Make the events' partitions of the coming months."""
    partitions.ensure_partitions(connection, datetime.now(UTC).date())
