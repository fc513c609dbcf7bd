"""The rows of rollups and of what is not folded yet, as statistics read them."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from django.db.models import QuerySet, Sum

from analytics import raw, rows
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.sketches import EventSummary, Summary
from analytics.summaries import (
    EVENT_FIELD_ID,
    FieldIds,
    Grain,
    RawEvent,
    RowKey,
    Summariser,
    count_of,
    is_discarded,
    is_event,
)
from events.models import OpenBatch, Project, shard_of
from events.snapshot import snapshot

# Reading this many raw takes most of a second. Beyond, figures end where folding stands.
TAIL_EVENTS = 50_000

# Rows of one place that are held, at 4 kB each, before they are merged.
_MERGED_ROWS = 8
_ROWS_AT_ONCE = 500

Place = TypeVar("Place", bound=Hashable)


class CountKey(NamedTuple):
    """What is counted: the values of a field that came as one kind, or the events of a type."""

    event_type_id: int
    field_id: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Local days of a project, both included."""

    project: Project
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which rows are read: those of some event types, of their events and of some fields.

    `field_ids` names all fields of the types, with an id for those whose values are read; empty
    where no values are.
    """

    days: Days
    type_ids: Sequence[int]
    field_ids: FieldIds = field(default_factory=dict)
    grain: Grain = "day"

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.days.project.zone)

    @property
    def read_field_ids(self) -> list[int]:
        named = chain.from_iterable(ids.values() for ids in self.field_ids.values())
        return [EVENT_FIELD_ID, *sorted(field_id for field_id in named if field_id is not None)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is not folded; `starts_at` is set where that is too much to be read."""

    batches: Sequence[OpenBatch]
    starts_at: datetime | None = None

    def complete_to(self, now: datetime) -> datetime:
        return now if self.starts_at is None else min(now, self.starts_at)

    def events(self, selection: Selection) -> Iterator[RawEvent]:
        """Return those of the selection's days and types, the discarded too, in no order."""
        wanted = set(selection.type_ids)
        only = selection.type_ids[0] if len(wanted) == 1 else None
        for shard in sorted({batch.shard for batch in self.batches}):
            batches = [batch for batch in self.batches if batch.shard == shard]
            for event in raw.read_batches(batches, event_type_id=only):
                day = selection.calendar.place_of(event.occurred_at).day.local_date
                if day in selection.days and event.event_type_id in wanted:
                    yield event


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The rows of the events that are not folded, `tail_rows` in number.

    All that was acknowledged before `complete_to` is in these rows or in those that are folded.
    """

    summaries: Mapping[RowKey, Summary]
    complete_to: datetime
    tail_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """All that was acknowledged before `complete_to` was read, `tail_rows` of the events raw."""

    complete_to: datetime
    tail_rows: int


def read_events(
    selection: Selection,
    take: Callable[[RowKey, EventSummary], None],
    *,
    now: datetime,
    take_discarded: Callable[[RowKey, int], None] | None = None,
) -> Completeness:
    """Hand over the rows of a selection's events: those that are stored, then those of the tail.

    What was discarded comes apart, and by days alone: the row's kind is the reason.
    The rows, the list of what is not in them and the events on that list are read in one
    snapshot: a fold in between neither hides an event nor shows it twice.
    """
    with snapshot():
        tail = read_tail(selection, now=now)
        for key, summary in chain(folded(selection), tail.summaries.items()):
            if is_event(key):
                take(key, event_summary(summary))
            elif take_discarded is not None and is_discarded(key):
                take_discarded(key, count_of(summary))
    return Completeness(complete_to=tail.complete_to, tail_rows=tail.tail_rows)


class EventSums(Generic[Place]):
    """Event summaries merged by place; few of a place are held apart at a time."""

    def __init__(self) -> None:
        self._held: dict[Place, list[EventSummary]] = {}

    def add(self, place: Place, events: EventSummary) -> None:
        held = self._held.setdefault(place, [])
        held.append(events)
        if len(held) >= _MERGED_ROWS:
            held[:] = [EventSummary.merge_all(held)]

    def places(self) -> list[Place]:
        return list(self._held)

    def of(self, place: Place) -> EventSummary:
        """Return the sum of a place, empty where nothing was added."""
        return EventSummary.merge_all(self._held.get(place, ()))


def customers_of(events: EventSummary) -> int:
    """Return how many different customers there were, within the relative error of their count."""
    # An estimate may pass the number of events, which customers can't.
    return min(events.count, events.customers.estimate)


def folded(selection: Selection) -> Iterator[tuple[RowKey, Summary]]:
    """Return the stored rows in the order of their key, a few at a time in memory."""
    found = _rollups(selection).order_by("event_type_id", "field_id", "grain", "starts_at", "kind")
    columns = ("event_type_id", "field_id", "starts_at", "kind", "local_date", "summary")
    for type_id, field_id, starts_at, kind, local_date, stored in found.values_list(
        *columns
    ).iterator(chunk_size=_ROWS_AT_ONCE):
        key = RowKey(type_id, field_id, selection.grain, starts_at, kind, local_date)
        yield key, rows.summary_of(kind, stored)


def folded_counts(selection: Selection) -> Counter[CountKey]:
    """Return how many values the stored rows hold, without a look at any of them."""
    found = _rollups(selection).order_by().values_list("event_type_id", "field_id", "kind")
    return Counter({CountKey(*key): count for *key, count in found.annotate(total=Sum("count"))})


def _rollups(selection: Selection) -> QuerySet[Rollup]:
    start, _ = selection.calendar.span(selection.days.first)
    _, end = selection.calendar.span(selection.days.last)
    return Rollup.objects.filter(
        event_type_id__in=selection.type_ids,
        field_id__in=selection.read_field_ids,
        grain=selection.grain,
        starts_at__gte=start,
        starts_at__lt=end,
        local_date__range=(selection.days.first, selection.days.last),
    )


def read_tail(selection: Selection, *, now: datetime) -> Tail:
    """Return the rows of the events that wait to be folded; of none where these are too many."""
    waiting = waiting_in(selection)
    summariser = Summariser(selection.calendar, selection.field_ids or _NoFields())
    summariser.add(waiting.events(selection))
    found = {key: row for key, row in summariser.rows().items() if key.grain == selection.grain}
    events = (event_summary(row).count for key, row in found.items() if is_event(key))
    return Tail(summaries=found, complete_to=waiting.complete_to(now), tail_rows=sum(events))


def waiting_in(selection: Selection) -> Waiting:
    """Return the batches with events of the selection that are not folded."""
    shards = {shard_of(type_id) for type_id in selection.type_ids}
    waiting = OpenBatch.objects.filter(project_id=selection.days.project.pk, shard__in=shards)
    batches = list(waiting.order_by("batch_id", "shard"))
    if sum(batch.events for batch in batches) <= TAIL_EVENTS:
        return Waiting(batches=batches)
    return Waiting(batches=(), starts_at=min(batch.first_received_at for batch in batches))


def event_summary(summary: Summary) -> EventSummary:
    """Return a summary that must be one of events."""
    if not isinstance(summary, EventSummary):
        raise TypeError(f"The row of events holds a {type(summary).__name__}.")
    return summary


class _NoFields(dict[int, Mapping[str, int | None]]):
    """The fields of event types where no values are read."""

    def __missing__(self, event_type_id: int) -> Mapping[str, int | None]:
        return {}
