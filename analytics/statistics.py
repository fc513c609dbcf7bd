"""The statistics of one field, read from its daily rows with what is not folded yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar

from django.db.models import Min, Sum

from analytics import raw, rows
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.profiles import ShownType, type_of
from analytics.sketches import (
    ArraySummary,
    BooleanSummary,
    EventSummary,
    NumberSummary,
    Summary,
    TextSummary,
)
from analytics.summaries import EVENT_FIELD_ID, FieldIds, RowKey, Summariser, count_of
from events.metadata import FieldType
from events.models import EventType, MetadataField, OpenBatch, Project
from events.snapshot import snapshot

# Reading this many raw takes most of a second. Beyond, figures end where folding stands.
TAIL_EVENTS = 50_000

# Each value has one of these kinds, or is null; a numeric text is counted beside its text.
KINDS = ("number", "text", "boolean", "array", "object")

Kind = TypeVar("Kind", bound=Summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which field is asked about, in which local days (both included)."""

    project: Project
    event_type: EventType
    field: MetadataField
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What one field got in one or more days.

    `events` are those of the type, with or without the field; `summaries` hold the field's values
    by kind.
    """

    declared: FieldType
    events: EventSummary
    summaries: Mapping[str, Summary]

    @property
    def rows(self) -> int:
        return self.events.count

    @property
    def null(self) -> int:
        return self._count("null")

    @property
    def types(self) -> dict[str, int]:
        """How many values came as each JSON kind, whatever the field is declared to be."""
        return {kind: self._count(kind) for kind in KINDS}

    @property
    def missing(self) -> int:
        """How many events came without the field."""
        return self.rows - self.null - sum(self.types.values())

    @property
    def shown_type(self) -> ShownType | None:
        return type_of(self.declared, self.types)

    @property
    def number(self) -> NumberSummary | None:
        """The numbers; where the field is declared a number, with those that came as text."""
        numbers = self._summary("number", NumberSummary)
        if self.declared != "number":
            return numbers
        texts = self._summary("numeric_text", NumberSummary)
        return numbers.merge(texts) if numbers and texts else numbers or texts

    @property
    def text(self) -> TextSummary | None:
        return self._summary("text", TextSummary)

    @property
    def boolean(self) -> BooleanSummary | None:
        return self._summary("boolean", BooleanSummary)

    @property
    def array(self) -> ArraySummary | None:
        return self._summary("array", ArraySummary)

    def _count(self, kind: str) -> int:
        summary = self.summaries.get(kind)
        return 0 if summary is None else count_of(summary)

    def _summary(self, kind: str, expected: type[Kind]) -> Kind | None:
        summary = self.summaries.get(kind)
        if summary is None or isinstance(summary, expected):
            return summary
        raise TypeError(f"A row of the kind {kind} holds a {type(summary).__name__}.")


@dataclass(frozen=True, kw_only=True)
class FieldStatistics:
    """The answer to a question: by day (those with events alone, in order) and in total.

    All that was acknowledged before `complete_to` is counted; `tail_rows` of the events were read
    raw, because they are not folded yet.
    """

    question: Question
    complete_to: datetime
    tail_rows: int
    days: Mapping[date, Values]

    @cached_property
    def total(self) -> Values:
        kinds = sorted({kind for values in self.days.values() for kind in values.summaries})
        return Values(
            declared=declared_type(self.question.field),
            events=EventSummary.merge_all(values.events for values in self.days.values()),
            summaries={kind: self._merged(kind) for kind in kinds},
        )

    def _merged(self, kind: str) -> Summary:
        found = [v.summaries[kind] for v in self.days.values() if kind in v.summaries]
        return type(found[0]).merge_all(found)


def field_statistics(question: Question, *, now: datetime) -> FieldStatistics:
    """Return the statistics of a field, complete up to `now` unless too much waits to be folded.

    The rows, the list of what is not in them and the events on that list are read in one
    snapshot: a fold in between neither hides an event nor shows it twice.
    """
    calendar = Calendar(question.project.zone)
    with snapshot():
        folded = _folded(question, calendar)
        tail = _tail(question, calendar)
    complete_to = now if tail.starts_at is None else min(now, tail.starts_at)
    return FieldStatistics(
        question=question,
        complete_to=complete_to,
        tail_rows=sum(
            count_of(summary) for key, summary in tail.summaries.items() if _is_event(key)
        ),
        days=_by_day(question, folded, tail.summaries),
    )


def declared_type(field: MetadataField) -> FieldType:
    """Return the type that a field was declared to have."""
    declared: FieldType = field.type  # type: ignore[assignment]  # the choices are these words
    return declared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """What is not folded; `starts_at` is set where that is too much to be read."""

    summaries: Mapping[RowKey, Summary]
    starts_at: datetime | None = None


def _folded(question: Question, calendar: Calendar) -> dict[RowKey, Summary]:
    starts = (calendar.day(question.first).starts_at, calendar.day(question.last).starts_at)
    found = Rollup.objects.filter(
        event_type_id=question.event_type.pk,
        field_id__in=(EVENT_FIELD_ID, question.field.pk),
        grain=Rollup.Grain.DAY,
        starts_at__range=starts,
    ).values_list("field_id", "starts_at", "kind", "local_date", "summary")
    return {
        RowKey(question.event_type.pk, field_id, "day", starts_at, kind, local_date): (
            rows.summary_of(kind, stored)
        )
        for field_id, starts_at, kind, local_date, stored in found
    }


def _tail(question: Question, calendar: Calendar) -> _Tail:
    waiting = OpenBatch.objects.filter(
        project_id=question.project.pk, shard=question.event_type.shard
    )
    size = waiting.aggregate(events=Sum("events"), oldest=Min("first_received_at"))
    if (size["events"] or 0) > TAIL_EVENTS:
        return _Tail(summaries={}, starts_at=size["oldest"])
    summariser = Summariser(calendar, _only(question))
    summariser.add(raw.read_batches(waiting, event_type_id=question.event_type.pk))
    in_range = {
        key: summary
        for key, summary in summariser.rows().items()
        if key.grain == "day" and question.first <= key.local_date <= question.last
    }
    return _Tail(summaries=in_range)


def _only(question: Question) -> FieldIds:
    """Return the ids of the type's fields, with only the one asked about to be summarised."""
    known: dict[str, int | None] = dict.fromkeys(
        question.event_type.fields.values_list("name", flat=True)
    )
    known[question.field.name] = question.field.pk
    return {question.event_type.pk: known}


def _by_day(question: Question, *parts: Mapping[RowKey, Summary]) -> dict[date, Values]:
    merged: dict[date, dict[tuple[bool, str], Summary]] = {}
    for part in parts:
        for key, summary in part.items():
            day = merged.setdefault(key.local_date, {})
            place = (_is_event(key), key.kind)
            day[place] = day[place].merge(summary) if place in day else summary
    return {day: _values(question.field, merged[day]) for day in sorted(merged)}


def _values(field: MetadataField, found: Mapping[tuple[bool, str], Summary]) -> Values:
    events = found.get((True, "event"), EventSummary.empty())
    if not isinstance(events, EventSummary):
        raise TypeError(f"The row of events holds a {type(events).__name__}.")
    return Values(
        declared=declared_type(field),
        events=events,
        summaries={kind: summary for (is_event, kind), summary in found.items() if not is_event},
    )


def _is_event(key: RowKey) -> bool:
    return key.field_id == EVENT_FIELD_ID
