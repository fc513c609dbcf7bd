"""How many events came of each type, and how many of them had each field."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import QuerySet, Sum

from analytics import raw
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.profiles import ShownType, type_of
from analytics.statistics import KINDS, TAIL_EVENTS, declared_type
from analytics.summaries import EVENT_FIELD_ID, RawEvent
from events.metadata import kind_of
from events.models import EventType, MetadataField, OpenBatch, Project
from events.snapshot import snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Local days of a project, both included."""

    project: Project
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCoverage:
    """How many of a type's events had a field: `kinds` counts its values by JSON kind."""

    field: MetadataField
    rows: int
    kinds: Mapping[str, int]

    @property
    def filled(self) -> int:
        """How many events had a value other than null."""
        return sum(self.kinds[kind] for kind in KINDS)

    @property
    def shown_type(self) -> ShownType | None:
        return type_of(declared_type(self.field), {kind: self.kinds[kind] for kind in KINDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCoverage:
    """The events of one type, and each of its fields."""

    rows: int
    fields: Sequence[FieldCoverage]
    complete_to: datetime
    tail_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """The number of events by event type, for all types of a project."""

    events: Sequence[tuple[EventType, int]]
    complete_to: datetime
    tail_rows: int


def type_coverage(event_type: EventType, days: Days, *, now: datetime) -> TypeCoverage:
    """Return how often each field of a type came, folded or not."""
    rollups = Rollup.objects.filter(event_type_id=event_type.pk)
    fields = list(event_type.fields.order_by("name", "id"))
    ids = {field.name: field.pk for field in fields}
    with snapshot():
        counts = _folded(rollups, days)
        tail = _tail(days, shards=[event_type.shard])
        tail_rows = 0
        for event in tail.events(days, event_type_id=event_type.pk):
            tail_rows += 1
            counts[_Place(event_type.pk, EVENT_FIELD_ID, "event")] += 1
            for name, value in event.metadata.items():
                if name in ids:
                    counts[_Place(event_type.pk, ids[name], kind_of(value))] += 1
    rows = counts[_Place(event_type.pk, EVENT_FIELD_ID, "event")]
    return TypeCoverage(
        rows=rows,
        fields=[
            FieldCoverage(
                field=field,
                rows=rows,
                kinds={
                    kind: counts[_Place(event_type.pk, field.pk, kind)] for kind in (*KINDS, "null")
                },
            )
            for field in fields
        ],
        complete_to=tail.complete_to(now),
        tail_rows=tail_rows,
    )


def event_counts(days: Days, *, now: datetime) -> EventCounts:
    """Return how many events of each type came, folded or not; the type with the most first."""
    types = list(days.project.event_types.all())
    rollups = Rollup.objects.filter(
        event_type_id__in=[event_type.pk for event_type in types], field_id=EVENT_FIELD_ID
    )
    with snapshot():
        counts = _folded(rollups, days)
        tail = _tail(days, shards=None)
        tail_rows = 0
        for event in tail.events(days):
            tail_rows += 1
            counts[_Place(event.event_type_id, EVENT_FIELD_ID, "event")] += 1
    events = [
        (event_type, counts[_Place(event_type.pk, EVENT_FIELD_ID, "event")]) for event_type in types
    ]
    return EventCounts(
        events=sorted(events, key=lambda counted: (-counted[1], counted[0].name)),
        complete_to=tail.complete_to(now),
        tail_rows=tail_rows,
    )


def last_day(event_type: EventType) -> date | None:
    """Return the last day with folded events, None without any."""
    days = Rollup.objects.filter(
        event_type_id=event_type.pk, field_id=EVENT_FIELD_ID, grain=Rollup.Grain.DAY
    )
    return days.order_by("-starts_at").values_list("local_date", flat=True).first()


class _Place(NamedTuple):
    """Where something is counted."""

    event_type_id: int
    field_id: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """What is not folded; `starts_at` is set where that is too much to be read."""

    batches: Mapping[int, Sequence[OpenBatch]]
    calendar: Calendar
    starts_at: datetime | None = None

    def complete_to(self, now: datetime) -> datetime:
        return now if self.starts_at is None else min(now, self.starts_at)

    def events(self, days: Days, *, event_type_id: int | None = None) -> Iterator[RawEvent]:
        for batches in self.batches.values():
            for event in raw.read_batches(batches, event_type_id=event_type_id):
                local_date = self.calendar.place_of(event.occurred_at).day.local_date
                if days.first <= local_date <= days.last:
                    yield event


def _folded(rollups: QuerySet[Rollup], days: Days) -> Counter[_Place]:
    calendar = Calendar(days.project.zone)
    starts = (calendar.day(days.first).starts_at, calendar.day(days.last).starts_at)
    found = (
        rollups.filter(grain=Rollup.Grain.DAY, starts_at__range=starts)
        .order_by()
        .values_list("event_type_id", "field_id", "kind")
        .annotate(total=Sum("count"))
    )
    return Counter({_Place(*place): total for *place, total in found})


def _tail(days: Days, *, shards: Sequence[int] | None) -> _Tail:
    waiting = OpenBatch.objects.filter(project_id=days.project.pk).order_by("batch_id", "shard")
    if shards is not None:
        waiting = waiting.filter(shard__in=shards)
    calendar = Calendar(days.project.zone)
    batches: dict[int, list[OpenBatch]] = {}
    events, oldest = 0, None
    for batch in waiting.iterator():
        events += batch.events
        oldest = min(oldest or batch.first_received_at, batch.first_received_at)
        batches.setdefault(batch.shard, []).append(batch)
    if events > TAIL_EVENTS:
        return _Tail(batches={}, calendar=calendar, starts_at=oldest)
    return _Tail(batches=batches, calendar=calendar)
