"""What workers do for the events' tables."""

from datetime import UTC, date, datetime

from celery import shared_task
from django.db import connection

from events.partitions import ensure_partitions, lacks_partitions

_complete_on: date | None = None


def partitions_are_due() -> bool:
    """Tell whether partitions are missing; a day on which none was is not asked again."""
    global _complete_on
    today = datetime.now(UTC).date()
    if today == _complete_on:
        return False
    if lacks_partitions(connection, today):
        return True
    _complete_on = today
    return False


@shared_task(name="events.make_partitions")
def make_partitions() -> None:
    """Make the events' partitions of the coming months."""
    ensure_partitions(connection, datetime.now(UTC).date())
