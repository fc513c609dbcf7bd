"""What workers do for the events' tables."""

from datetime import UTC, date, datetime, timedelta

from celery import shared_task
from django.db import connection

from events import jobs, limits, store
from events.partitions import ensure_partitions, lacks_partitions

# A transaction of so many is over in some 50 ms, for which SQLite's writers wait.
RECEIPTS_PER_TRANSACTION = 2_000

_complete_on: date | None = None
_forgotten_on: date | None = None


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


def receipts_are_due() -> bool:
    """Tell whether receipts or batches were kept long enough; a day on which none was is not asked
    again."""
    global _forgotten_on
    today = datetime.now(UTC).date()
    if today == _forgotten_on:
        return False
    day = _first_kept(today)
    if store.has_receipts_before(day) or jobs.has_finished_before(day):
        return True
    _forgotten_on = today
    return False


def _first_kept(today: date) -> date:
    return today - timedelta(days=limits.RECEIPT_DAYS)


@shared_task(name="events.forget_receipts")
def forget_receipts() -> None:
    """Delete the receipts that were kept long enough, and the batches, whose numbers are those of
    receipts."""
    day = _first_kept(datetime.now(UTC).date())
    while store.forget_receipts(day, most=RECEIPTS_PER_TRANSACTION) == RECEIPTS_PER_TRANSACTION:
        pass
    while jobs.forget(day, most=RECEIPTS_PER_TRANSACTION) == RECEIPTS_PER_TRANSACTION:
        pass
