"""The events, customers and points of a project's days beside those of the days before."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from django.db.models import Count

from analytics.readings import (
    Days,
    EventSums,
    Selection,
    customers_of,
    read_events,
)
from analytics.sketches import EventSummary
from analytics.summaries import RowKey
from events.limits import EARLIEST_YEAR
from events.models import EventType, MetadataField

# An event of the first moment of the first year lies on this day in the zones west of Greenwich.
_EARLIEST_DAY = date(EARLIEST_YEAR - 1, 12, 31)

Half: TypeAlias = Literal["current", "previous"]

_ALL_TYPES = None  # stands where a type's id does


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What happened in some days.

    `customers` is how many different ones there were, which may be off by the share
    `customers_error` (0 where it is exact); `points_awarded` is what rules gave, `points_total`
    has streaks and challenges as well; `late` counts events that were received more than a day
    and at most thirty after they happened: what is older is history.
    """

    events: int
    customers: int
    points_awarded: int
    points_total: int
    late: int
    customers_error: float

    @classmethod
    def of(cls, events: EventSummary) -> "Headline":
        return cls(
            events=events.count,
            customers=customers_of(events),
            points_awarded=events.points_awarded,
            points_total=events.points_total,
            late=events.late,
            customers_error=events.customers.relative_error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeLine:
    """One event type with the number of its metadata fields.

    `daily` has the events of the current days that had any, in order; `discarded` counts those of
    the current days that are in nothing else here, by reason.
    """

    event_type: EventType
    fields: int
    current: Headline
    previous: Headline
    daily: Mapping[date, int]
    discarded: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A project's days beside as many days just before them.

    `daily` has the current days with events, in order; `event_types` has every type, the one with
    the most events first. All that was acknowledged before `complete_to` is counted; `tail_rows`
    of the events were read raw, because they are not folded yet.
    """

    days: Days
    previous_days: Days
    current: Headline
    previous: Headline
    daily: Mapping[date, Headline]
    event_types: Sequence[TypeLine]
    complete_to: datetime
    tail_rows: int


def overview(days: Days, *, now: datetime) -> Overview:
    """Return what happened in a project's days, folded or not, and before them."""
    previous_days = days_before(days)
    types = list(days.project.event_types.order_by("name"))
    fields = MetadataField.objects.filter(event_type__project=days.project).order_by()
    counted = fields.values_list("event_type_id").annotate(fields=Count("id"))
    sums = _Sums(days, fields=dict(counted))
    read = read_events(
        Selection(
            days=Days(project=days.project, first=previous_days.first, last=days.last),
            type_ids=[event_type.pk for event_type in types],
        ),
        sums.take,
        now=now,
        take_discarded=sums.take_discarded,
    )
    return Overview(
        days=days,
        previous_days=previous_days,
        current=sums.headline("current"),
        previous=sums.headline("previous"),
        daily=sums.daily(),
        event_types=sorted(map(sums.line, types), key=lambda line: -line.current.events),
        complete_to=read.complete_to,
        tail_rows=read.tail_rows,
    )


def days_before(days: Days) -> Days:
    """Return as many days just before; fewer where the first year begins."""
    last = days.first - timedelta(days=1)
    first = last - min(days.last - days.first, last - _EARLIEST_DAY)
    return Days(project=days.project, first=first, last=last)


class _Sums:
    """The events of both halves by type, and those of the current one by day."""

    def __init__(self, days: Days, *, fields: Mapping[int, int]) -> None:
        self._days = days
        self._fields = fields
        self._halves: EventSums[tuple[Half, int | None]] = EventSums()
        self._daily: EventSums[date] = EventSums()
        # Counted apart: their customers would fill the memory and are on no page.
        self._daily_by_type: dict[int, Counter[date]] = {}
        self._discarded: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def take(self, key: RowKey, events: EventSummary) -> None:
        half: Half = "current" if key.local_date in self._days else "previous"
        self._halves.add((half, _ALL_TYPES), events)
        self._halves.add((half, key.event_type_id), events)
        if half == "current":
            self._daily.add(key.local_date, events)
            counts = self._daily_by_type.setdefault(key.event_type_id, Counter())
            counts[key.local_date] += events.count

    def take_discarded(self, key: RowKey, events: int) -> None:
        if key.local_date in self._days:
            self._discarded[key.event_type_id][key.kind] += events

    def headline(self, half: Half, type_id: int | None = _ALL_TYPES) -> Headline:
        return Headline.of(self._halves.of((half, type_id)))

    def daily(self) -> dict[date, Headline]:
        return {day: Headline.of(self._daily.of(day)) for day in sorted(self._daily.places())}

    def line(self, event_type: EventType) -> TypeLine:
        daily = self._daily_by_type.get(event_type.pk, Counter())
        return TypeLine(
            event_type=event_type,
            fields=self._fields.get(event_type.pk, 0),
            current=self.headline("current", event_type.pk),
            previous=self.headline("previous", event_type.pk),
            daily=dict(sorted(daily.items())),
            discarded=self._discarded[event_type.pk],
        )
