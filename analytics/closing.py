"""Days that are over: texts that outgrew their cap fold by fold, counted afresh from the events."""

import logging
import time
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from analytics import rows
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.rebuild import Day, Rows, recomputed
from analytics.shards import OvertakenError, alone, changes_of, count_change
from analytics.summaries import FieldIds, RowKey, count_of
from events.models import EventType

# After the start of a day. The longest has 25 hours; most of what is late comes within one more.
CLOSED_AFTER_HOURS = 26
# A day that late events go on to reach is counted no more often than that.
QUIET_MINUTES = 10
# Days that are looked up at a time.
DAYS_AT_ONCE = 100

logger = logging.getLogger(__name__)


def has_work(*, now: datetime) -> bool:
    """Say whether a day that is over has rows whose most frequent texts aren't exact."""
    return _due(now).exists()


def close_days(*, now: datetime, seconds: float) -> int:
    """Count such rows afresh, the oldest days first, until none is left or the time is up.

    Returns the number of days that were closed. A day whose shard another worker is at waits for
    the next call, and a late event opens its day again.
    """
    ends_at = time.monotonic() + seconds
    closed = 0
    for day in _days(now):
        if time.monotonic() >= ends_at:
            break
        closed += _close(day)
    return closed


def _due(now: datetime) -> QuerySet[Rollup]:
    return Rollup.objects.filter(
        rough_since__lte=now - timedelta(minutes=QUIET_MINUTES),
        starts_at__lte=now - timedelta(hours=CLOSED_AFTER_HOURS),
    )


def _days(now: datetime) -> list[Day]:
    found: list[tuple[int, date]] = list(
        _due(now)
        .order_by("local_date", "event_type_id")
        .values_list("event_type_id", "local_date")
        .distinct()[:DAYS_AT_ONCE]
    )
    types = EventType.objects.select_related("project").in_bulk({type_id for type_id, _ in found})
    return [_day(types[type_id], local_date) for type_id, local_date in found if type_id in types]


def _day(event_type: EventType, local_date: date) -> Day:
    calendar = Calendar(event_type.project.zone)
    return Day(event_type=event_type, calendar=calendar, local_date=local_date)


def _close(day: Day) -> bool:
    """Count the rough rows of a day afresh; False where another worker changes its shard."""
    with alone(day.shard) as is_free:
        if not is_free:
            return False
        seen = changes_of(day.shard)
        rough = _rough_rows(day)
        # Outside of SQLite's write transaction, as in a fold: this is what takes the time.
        exact = _counted(day, rough)
        encoded = rows.encode(exact)
        try:
            with transaction.atomic():
                count_change(day.shard, seen=seen)
                rows.write_counted(encoded)
                rows.settle(rough.keys() - exact.keys())
        except OvertakenError:
            return False
    return True


def _rough_rows(day: Day) -> dict[RowKey, int]:
    """Return the rows that are marked, with how many values each holds."""
    found = Rollup.objects.filter(
        event_type=day.event_type, local_date=day.local_date, rough_since__isnull=False
    ).values_list("field_id", "grain", "starts_at", "kind", "count")
    return {
        RowKey(day.event_type.pk, field_id, grain, starts_at, kind, day.local_date): count
        for field_id, grain, starts_at, kind, count in found
    }


def _counted(day: Day, rough: Mapping[RowKey, int]) -> Rows:
    """Return the rows of the fields that are rough, of the day and of its hours."""
    counted = recomputed(day, _only(day, {key.field_id for key in rough}))
    whole = {
        (key.field_id, key.kind) for key, count in rough.items() if _is_whole(key, count, counted)
    }
    return {key: summary for key, summary in counted.items() if (key.field_id, key.kind) in whole}


def _is_whole(key: RowKey, count: int, counted: Rows) -> bool:
    found = count_of(counted[key]) if key in counted else 0
    if found != count:
        # What is stored knows more than the events that are left, or lies in another time zone.
        logger.warning(
            "Row %s holds %d values, its events %d: it stays as it is until it is rebuilt.",
            key,
            count,
            found,
        )
    return found == count


def _only(day: Day, field_ids: Collection[int]) -> FieldIds:
    """Return the fields of the event type, with those alone to be summarised that are named."""
    known = day.event_type.fields.values_list("name", "id")
    return {day.event_type.pk: {name: pk if pk in field_ids else None for name, pk in known}}
