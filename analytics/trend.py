"""The events of a type, or of all, by hour, day, week or month."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Literal, TypeAlias, assert_never

from analytics.periods import Calendar, dates_between
from analytics.readings import Days, EventSums, Selection, customers_of, read_events
from analytics.sketches import EventSummary
from analytics.summaries import RowKey
from events.limits import TREND_POINTS
from events.models import EventType

Interval: TypeAlias = Literal["hour", "day", "week", "month"]


class TooManyPointsError(ValueError):
    """The days asked for have more periods than are given at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One period, from `at` in the project's time zone until the next one starts.

    `customers` is how many different ones there were, which may be off by the share
    `customers_error` (0 where it is exact); `late` counts events that were received more than a
    day after they happened.
    """

    at: datetime
    events: int
    customers: int
    points_awarded: int
    late: int
    customers_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Every period of the days asked for, those without events too.

    The first starts with the first day asked for and the last ends with the last one. All that
    was acknowledged before `complete_to` is counted; `tail_rows` of the events were read raw.
    """

    points: Sequence[TrendPoint]
    interval: Interval
    complete_to: datetime
    tail_rows: int


def trend(event_type: EventType | None, days: Days, interval: Interval, *, now: datetime) -> Trend:
    """Return the events of one type, or of all, in each period of the days, folded or not.

    Raises TooManyPointsError.
    """
    periods = _periods(days, interval)
    types = days.project.event_types.values_list("id", flat=True)
    sums: EventSums[datetime | date] = EventSums()

    def take(key: RowKey, events: EventSummary) -> None:
        is_hour = interval == "hour"
        sums.add(key.starts_at if is_hour else _first_day(key.local_date, days, interval), events)

    read = read_events(
        Selection(
            days=days,
            type_ids=list(types) if event_type is None else [event_type.pk],
            grain="hour" if interval == "hour" else "day",
        ),
        take,
        now=now,
    )
    return Trend(
        points=[
            _point(starts_at.astimezone(days.project.zone), sums.of(period))
            for period, starts_at in periods.items()
        ],
        interval=interval,
        complete_to=read.complete_to,
        tail_rows=read.tail_rows,
    )


def _periods(days: Days, interval: Interval) -> dict[datetime | date, datetime]:
    """Return when each period starts, by what its rows are added up under."""
    found = dict(islice(_each_period(days, interval), TREND_POINTS + 1))
    if len(found) > TREND_POINTS:
        raise TooManyPointsError(
            f"From {days.first} to {days.last} there are more than {TREND_POINTS:,} points by the "
            f"{interval}; ask for fewer days or for a longer interval."
        )
    # Where the clock is put back over midnight, a day's last hour starts after the next day.
    return dict(sorted(found.items(), key=lambda period: period[1]))


def _each_period(days: Days, interval: Interval) -> Iterator[tuple[datetime | date, datetime]]:
    calendar = Calendar(days.project.zone)
    for day in dates_between(days.first, days.last):
        if interval == "hour":
            yield from ((hour.starts_at, hour.starts_at) for hour in calendar.hours(day))
        elif day == _first_day(day, days, interval):
            yield day, calendar.day(day).starts_at


def _first_day(day: date, days: Days, interval: Interval) -> date:
    """Return the first day asked for that shares a period with this one."""
    match interval:
        case "hour" | "day":
            return day
        case "week":
            return max(days.first, day - timedelta(days=day.weekday()))
        case "month":
            return max(days.first, day.replace(day=1))
        case _:
            assert_never(interval)


def _point(at: datetime, events: EventSummary) -> TrendPoint:
    return TrendPoint(
        at=at,
        events=events.count,
        customers=customers_of(events),
        points_awarded=events.points_awarded,
        late=events.late,
        customers_error=events.customers.relative_error,
    )
