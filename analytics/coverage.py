"""How many events came of each type, and how many of them had each field, by counts alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from analytics.models import Rollup
from analytics.readings import CountKey, Days, Selection, folded_counts, waiting_in
from analytics.statistics import KINDS
from analytics.summaries import EVENT_FIELD_ID, RawEvent
from events.metadata import kind_of
from events.models import EventType, MetadataField
from events.snapshot import snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCoverage:
    """How many of a type's events had a value other than null in a field."""

    field: MetadataField
    filled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCoverage:
    """The events of one type, and each of its fields by name."""

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
    fields = list(event_type.fields.order_by("name", "id"))
    ids = {field.name: field.pk for field in fields}
    found = _counted(
        Selection(days=days, type_ids=[event_type.pk], field_ids={event_type.pk: ids}), now=now
    )
    return TypeCoverage(
        rows=found.events(event_type),
        fields=[FieldCoverage(field=field, filled=found.filled(field)) for field in fields],
        complete_to=found.complete_to,
        tail_rows=found.tail_rows,
    )


def event_counts(days: Days, *, now: datetime) -> EventCounts:
    """Return how many events of each type came, folded or not; the type with the most first."""
    types = list(days.project.event_types.all())
    found = _counted(
        Selection(days=days, type_ids=[event_type.pk for event_type in types]), now=now
    )
    events = [(event_type, found.events(event_type)) for event_type in types]
    return EventCounts(
        events=sorted(events, key=lambda counted: (-counted[1], counted[0].name)),
        complete_to=found.complete_to,
        tail_rows=found.tail_rows,
    )


def last_day(*event_types: EventType) -> date | None:
    """Return the last day with folded events of any of the types, None without any."""
    days = Rollup.objects.filter(
        event_type_id__in=[event_type.pk for event_type in event_types],
        field_id=EVENT_FIELD_ID,
        grain=Rollup.Grain.DAY,
        kind="event",
    )
    return days.order_by("-starts_at").values_list("local_date", flat=True).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What a selection holds."""

    counts: Counter[CountKey]
    complete_to: datetime
    tail_rows: int

    def events(self, event_type: EventType) -> int:
        return self.counts[CountKey(event_type.pk, EVENT_FIELD_ID, "event")]

    def filled(self, field: MetadataField) -> int:
        return sum(self.counts[CountKey(field.event_type_id, field.pk, kind)] for kind in KINDS)


def _counted(selection: Selection, *, now: datetime) -> _Counted:
    tail: Counter[CountKey] = Counter()
    tail_rows = 0
    with snapshot():
        counts = folded_counts(selection)
        waiting = waiting_in(selection)
        for event in waiting.events(selection):
            if event.discarded:
                continue
            tail_rows += 1
            tail.update(_keys(event, selection))
    return _Counted(counts=counts + tail, complete_to=waiting.complete_to(now), tail_rows=tail_rows)


def _keys(event: RawEvent, selection: Selection) -> list[CountKey]:
    ids = selection.field_ids.get(event.event_type_id, {})
    values = [
        CountKey(event.event_type_id, field_id, kind_of(value))
        for name, value in event.metadata.items()
        if (field_id := ids.get(name)) is not None
    ]
    return [CountKey(event.event_type_id, EVENT_FIELD_ID, "event"), *values]
