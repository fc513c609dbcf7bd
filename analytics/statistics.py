"""The statistics of fields, read from their daily rows with what is not folded yet."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from typing import TypeAlias, TypeVar

from analytics import profiles
from analytics.profiles import Evidence, Kind, ShownType
from analytics.readings import Days, Selection, event_summary, folded, read_tail
from analytics.sketches import (
    VALUES_CAP,
    ArraySummary,
    BooleanSummary,
    CountSummary,
    EventSummary,
    NumberSummary,
    Summary,
    TextSummary,
)
from analytics.summaries import EVENT_FIELD_ID, RowKey, count_of
from events.limits import LISTED_FIELDS
from events.metadata import FieldType
from events.models import EventType, MetadataField, Project
from events.snapshot import snapshot
from events.types import Json

# Each value has one of these kinds, or is null; a numeric text is counted beside its text.
KINDS = ("number", "text", "boolean", "array", "object")


Expected = TypeVar("Expected", bound=Summary)


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
    by kind, numeric texts beside the texts: as numbers where these are asked for, else counted.
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
    def kinds(self) -> dict[Kind, int]:
        """How many values arrived as each kind: as `types`, but texts by what they read as."""
        text = self.text
        read_as: dict[Kind, int] = {
            "numeric_text": self._count("numeric_text"),
            "date": 0 if text is None else text.dates,
            "version": 0 if text is None else text.versions,
        }
        return {
            "number": self._count("number"),
            "boolean": self._count("boolean"),
            "array": self._count("array"),
            "object": self._count("object"),
            "text": self._count("text") - sum(read_as.values()),
            **read_as,
        }

    @property
    def filled(self) -> int:
        """How many events had a value other than null."""
        return sum(self.types.values())

    @property
    def shown_type(self) -> ShownType | None:
        return profiles.type_of(self.declared, self.types, self.text)

    @property
    def numbers(self) -> NumberSummary | None:
        """Those that came as JSON numbers."""
        return self._summary("number", NumberSummary)

    @property
    def number(self) -> NumberSummary | None:
        """The numbers; where the field is declared a number, with those that came as text."""
        numbers = self.numbers
        if self.declared != "number":
            return numbers
        texts = self._summary("numeric_text", NumberSummary)
        return (
            NumberSummary.merge_for_reading((numbers, texts))
            if numbers and texts
            else numbers or texts
        )

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

    def _summary(self, kind: str, expected: type[Expected]) -> Expected | None:
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
        return _total(self.question.field, self.days)

    @cached_property
    def evidence(self) -> Sequence[Evidence]:
        return _evidence(self.question.field, self.days, self.total)

    @property
    def conflicts(self) -> Sequence[Evidence]:
        """What arrived as kinds other than the field's type."""
        return _conflicts(self.total, self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSummary:
    """One field in total; `daily` counts its values other than null on the days with any."""

    field: MetadataField
    total: Values
    daily: Mapping[date, int]
    evidence: Sequence[Evidence]

    @classmethod
    def of(cls, field: MetadataField, days: Mapping[date, Values]) -> "FieldSummary":
        total = _total(field, days)
        return cls(
            field=field,
            total=total,
            daily={day: values.filled for day, values in days.items() if values.filled},
            evidence=_evidence(field, days, total),
        )

    @property
    def conflicts(self) -> Sequence[Evidence]:
        """What arrived as kinds other than the field's type."""
        return _conflicts(self.total, self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeStatistics:
    """The events of one type by day (those with any, in order), and each of the fields asked for.

    `discarded` counts, by reason, those that are in nothing else here.
    `complete_to` and `tail_rows` say what is counted, as in FieldStatistics.
    """

    rows: int
    fields: Sequence[FieldSummary]
    daily: Mapping[date, EventSummary]
    discarded: Mapping[str, int]
    complete_to: datetime
    tail_rows: int


def field_statistics(question: Question, *, now: datetime) -> FieldStatistics:
    """Return the statistics of a field, complete up to `now` unless too much waits to be folded.

    The rows, the list of what is not in them and the events on that list are read in one
    snapshot: a fold in between neither hides an event nor shows it twice.
    """
    days = Days(project=question.project, first=question.first, last=question.last)
    selection = _selection(question.event_type, days, [question.field])
    with snapshot():
        tail = read_tail(selection, now=now)
        groups = _groups(selection, tail.summaries)
        events = _events(_first(groups))
        found = dict(groups)
    return FieldStatistics(
        question=question,
        complete_to=tail.complete_to,
        tail_rows=tail.tail_rows,
        days=_by_day(question.field, events, found.get(question.field.pk, {})),
    )


def type_statistics(
    event_type: EventType, days: Days, *, now: datetime, fields: Sequence[MetadataField]
) -> TypeStatistics:
    """Return the statistics of some fields of a type, at most LISTED_FIELDS, in one snapshot.

    They come in the order in which they were asked for, one by one from the database: only one
    has its days in memory.
    """
    if len(fields) > LISTED_FIELDS:
        raise ValueError(f"{len(fields)} fields were asked for; at most {LISTED_FIELDS} are read.")
    selection = _selection(event_type, days, fields)
    by_id = {field.pk: field for field in fields}
    with snapshot():
        tail = read_tail(selection, now=now)
        groups = _groups(selection, tail.summaries)
        of_type = _first(groups)
        events = _events(of_type)
        found = {
            field_id: FieldSummary.of(by_id[field_id], _by_day(by_id[field_id], events, rows))
            for field_id, rows in groups
        }
    return TypeStatistics(
        rows=sum(summary.count for summary in events.values()),
        fields=[
            found.get(field.pk) or FieldSummary.of(field, _by_day(field, events, {}))
            for field in fields
        ],
        daily=events,
        discarded=_discarded(of_type),
        complete_to=tail.complete_to,
        tail_rows=tail.tail_rows,
    )


def declared_type(field: MetadataField) -> FieldType:
    """Return the type that a field was declared to have."""
    declared: FieldType = field.type  # type: ignore[assignment]  # the choices are these words
    return declared


# The summaries of one field by day and kind.
_Rows: TypeAlias = Mapping[date, Mapping[str, Summary]]


def _selection(event_type: EventType, days: Days, fields: Sequence[MetadataField]) -> Selection:
    known: dict[str, int | None] = dict.fromkeys(event_type.fields.values_list("name", flat=True))
    known |= {field.name: field.pk for field in fields}
    return Selection(days=days, type_ids=[event_type.pk], field_ids={event_type.pk: known})


def _groups(selection: Selection, tail: Mapping[RowKey, Summary]) -> Iterator[tuple[int, _Rows]]:
    """Return the rows of the events, then those of each field that has any."""
    # Folded rows come by field already.
    merged = heapq.merge(folded(selection), sorted(tail.items(), key=_field_id), key=_field_id)
    for field_id, rows in groupby(merged, key=_field_id):
        parts: dict[date, dict[str, list[Summary]]] = {}
        for key, summary in rows:
            parts.setdefault(key.local_date, {}).setdefault(key.kind, []).append(summary)
        yield (
            field_id,
            {
                day: {kind: _merged(found) for kind, found in kinds.items()}
                for day, kinds in sorted(parts.items())
            },
        )


def _field_id(row: tuple[RowKey, Summary]) -> int:
    return row[0].field_id


def _first(groups: Iterator[tuple[int, _Rows]]) -> _Rows:
    """Take the first group, which is that of the events."""
    _, rows = next(groups, (EVENT_FIELD_ID, {}))
    return rows


def _events(rows: _Rows) -> dict[date, EventSummary]:
    """Return the events by day; on some days all that came may have been discarded."""
    return {day: event_summary(kinds["event"]) for day, kinds in rows.items() if "event" in kinds}


def _discarded(rows: _Rows) -> Counter[str]:
    counts: Counter[str] = Counter()
    for kinds in rows.values():
        counts.update({kind: count_of(found) for kind, found in kinds.items() if kind != "event"})
    return counts


def _by_day(
    field: MetadataField, events: Mapping[date, EventSummary], rows: _Rows
) -> dict[date, Values]:
    declared = declared_type(field)
    return {
        day: Values(declared=declared, events=summary, summaries=rows.get(day, {}))
        for day, summary in events.items()
    }


def _total(field: MetadataField, days: Mapping[date, Values]) -> Values:
    parts: dict[str, list[Summary]] = {}
    for values in days.values():
        for kind, summary in values.summaries.items():
            parts.setdefault(kind, []).append(summary)
    declared = declared_type(field)
    if declared != "number" and "numeric_text" in parts:
        # Counted among the texts alone: to merge their figures takes longer than all the rest.
        numeric = sum(map(count_of, parts["numeric_text"]))
        parts["numeric_text"] = [CountSummary(count=numeric)]
    return Values(
        declared=declared,
        events=EventSummary.merge_all(values.events for values in days.values()),
        summaries={kind: _merged(found) for kind, found in sorted(parts.items())},
    )


def _merged(parts: Sequence[Summary]) -> Summary:
    return parts[0] if len(parts) == 1 else type(parts[0]).merge_for_reading(parts)


def _evidence(
    field: MetadataField, days: Mapping[date, Values], total: Values
) -> Sequence[Evidence]:
    samples = {} if field.personal else _samples(total)
    return profiles.evidence_of({day: values.kinds for day, values in days.items()}, samples)


def _samples(total: Values) -> dict[Kind, list[Json]]:
    """Return a few values of each kind; of numbers the extremes, of texts the most frequent."""
    samples: dict[Kind, list[Json]] = {}
    if numbers := total.numbers:
        ends = (numbers.minimum, numbers.maximum)
        samples["number"] = list(dict.fromkeys(end for end in ends if end is not None))
    if boolean := total.boolean:
        came = {True: boolean.true, False: boolean.false}
        samples["boolean"] = [value for value, count in came.items() if count]
    return samples | _text_samples(total)


def _text_samples(total: Values) -> dict[Kind, list[Json]]:
    samples: dict[Kind, list[Json]] = {}
    kinds = total.kinds
    wanted = {kind for kind in profiles.TEXT_KINDS if kinds[kind]}
    for text, _ in total.text.top(VALUES_CAP) if total.text else ():
        kind = profiles.kind_of_text(text)
        samples.setdefault(kind, []).append(text)
        if len(samples[kind]) == profiles.SAMPLES:
            wanted.discard(kind)
            if not wanted:
                break
    return samples


def _conflicts(total: Values, evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    return profiles.conflicts_of(total.declared, total.shown_type, evidence)
