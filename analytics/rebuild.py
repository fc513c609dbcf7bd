"""Rollups recomputed from the raw events: compared with what is stored, or put in its place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TypeAlias

from django.db.models import BinaryField, Exists, Min, OuterRef, QuerySet
from django.db.models.functions import Substr

from analytics import raw, rows
from analytics.layout import FIRST_BYTE, UnreadableSummaryError
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.shards import (
    Shard,
    changes_of,
    count_change,
    exclusively,
    note_layout,
    outdated_shards,
)
from analytics.sketches import ArraySummary, Summary, TextSummary
from analytics.summaries import (
    EVENT_FIELD_ID,
    FieldIds,
    RowKey,
    Summariser,
    count_of,
    is_event,
)
from events.models import Event, EventType, OpenBatch, Project
from events.snapshot import snapshot

# Rows of a project's former time zone begin up to this far from where their day begins now.
_ZONES_APART = timedelta(hours=27)

Rows: TypeAlias = dict[RowKey, Summary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local day of one event type."""

    event_type: EventType
    calendar: Calendar
    local_date: date

    @property
    def shard(self) -> Shard:
        return Shard(project_id=self.event_type.project_id, number=self.event_type.shard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A shard whose rows another release wrote, and its days that this release can't read."""

    shard: Shard
    days: Sequence[Day]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How many rows were looked at, and a sentence on each that was not as it should be."""

    checked: int
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A row as it lies in the table."""

    count: int
    summary: bytes
    is_rough: bool


def days_of(
    projects: Iterable[Project], *, first: date | None = None, last: date | None = None
) -> list[Day]:
    """Return the days that hold rows or events, by project, shard, event type and date."""
    days = []
    for project in projects:
        calendar = Calendar(project.zone)
        event_types = sorted(project.event_types.all(), key=lambda each: (each.shard, each.pk))
        for event_type in event_types:
            dates = set(_dates_of_rows(event_type)) | set(_dates_of_events(event_type, calendar))
            days += [
                Day(event_type=event_type, calendar=calendar, local_date=day)
                for day in sorted(dates)
                if (first or day) <= day <= (last or day)
            ]
    return days


def check(days: Iterable[Day]) -> Iterator[Verification]:
    """Compare the rows of each day with its raw events, each shard in one snapshot.

    Events that are not folded yet are left out on both sides.
    """
    for _, of_shard in groupby(days, key=lambda day: day.shard):
        with snapshot():
            for day in of_shard:
                stored = _stored_rows(day)
                yield _verification(day, stored, recomputed(day, raw.FieldIdsByType()))


def rebuild(days: Iterable[Day]) -> Iterator[Verification]:
    """Write the rows of each day anew, and say what was wrong with them before.

    Folding waits for one day at a time. In the end a text summary beyond its cap holds its most
    frequent values exactly, which it can't when it grows fold by fold.
    """
    for day in days:
        with exclusively(day.shard):
            stored = _stored_rows(day)
            counted = recomputed(day, raw.FieldIdsByType())
            rows.delete(stored.keys() - counted.keys())
            rows.write_counted(rows.encode(counted))
            count_change(day.shard, seen=changes_of(day.shard))
        yield _verification(day, stored, counted)


def outdated() -> list[Outdated]:
    """Return the shards of another release's layout, with the days that still have it."""
    return [Outdated(shard=shard, days=_outdated_days(shard)) for shard in outdated_shards()]


def renew(shards: Iterable[Outdated]) -> Iterator[Day]:
    """Write the days of each shard anew, and yield them.

    Who is interrupted goes on by another look at what is outdated: a shard counts as renewed after
    the last of its days, and its days are told apart by their rows.
    """
    for each in shards:
        for day, _ in zip(each.days, rebuild(each.days), strict=True):
            yield day
        note_layout(each.shard)


def _outdated_days(shard: Shard) -> list[Day]:
    # Reads every row of the shard; that is little beside what has to be done then.
    project = Project.objects.get(pk=shard.project_id)
    calendar = Calendar(project.zone)
    rows_of_shard = Rollup.objects.annotate(
        first_byte=Substr("summary", 1, 1, output_field=BinaryField())
    ).exclude(first_byte=FIRST_BYTE)
    return [
        Day(event_type=event_type, calendar=calendar, local_date=local_date)
        for event_type in project.event_types.order_by("id")
        if event_type.shard == shard.number
        for local_date in _dates(rows_of_shard.filter(event_type=event_type))
    ]


def _dates_of_rows(event_type: EventType) -> Iterator[date]:
    yield from _dates(Rollup.objects.filter(event_type=event_type))


def _dates(found: QuerySet[Rollup]) -> Iterator[date]:
    yield from found.order_by("local_date").values_list("local_date", flat=True).distinct()


def _dates_of_events(event_type: EventType, calendar: Calendar) -> Iterator[date]:
    # One step through the index for each day that has events.
    events = Event.objects.filter(project_id=event_type.project_id, event_type=event_type)
    first = events.aggregate(moment=Min("occurred_at"))["moment"]
    while first is not None:
        local_date = calendar.date_of(first)
        yield local_date
        following = calendar.day(local_date + timedelta(days=1)).starts_at
        # The second condition where the clock was put back: the next day began before `first`.
        later = events.filter(occurred_at__gte=following, occurred_at__gt=first)
        first = later.aggregate(moment=Min("occurred_at"))["moment"]


def _stored_rows(day: Day) -> dict[RowKey, _Stored]:
    start, end = day.calendar.span(day.local_date)
    found = Rollup.objects.filter(
        event_type=day.event_type,
        starts_at__range=(start - _ZONES_APART, end + _ZONES_APART),
        local_date=day.local_date,
    ).values_list("field_id", "grain", "starts_at", "kind", "count", "summary", "rough_since")
    return {
        RowKey(day.event_type.pk, field_id, grain, starts_at, kind, day.local_date): _Stored(
            count=count,
            summary=bytes(summary),
            # The mark of an hour stands at its day.
            is_rough=rough_since is not None or grain == Rollup.Grain.HOUR,
        )
        for field_id, grain, starts_at, kind, count, summary, rough_since in found
    }


def recomputed(day: Day, field_ids: FieldIds) -> Rows:
    """Return the rows of a day as its raw events give them, those left out that wait to be folded.

    All texts are counted in full before they are capped, so what is kept of them is exact.
    """
    start, end = day.calendar.span(day.local_date)
    unfolded = OpenBatch.objects.filter(batch_id=OuterRef("batch_id"), shard=day.shard.number)
    # One statement reads events and open batches, and so sees both at one moment.
    events = Event.objects.filter(
        ~Exists(unfolded),
        project_id=day.event_type.project_id,
        event_type=day.event_type,
        occurred_at__gte=start,
        occurred_at__lt=end,
    )
    summariser = Summariser(day.calendar, field_ids)
    summariser.add(raw.read(events))
    return {
        key: summary
        for key, summary in summariser.rows().items()
        if key.local_date == day.local_date
    }


def _verification(day: Day, stored: Mapping[RowKey, _Stored], recomputed: Rows) -> Verification:
    keys = sorted(stored.keys() | recomputed.keys())
    names = dict(day.event_type.fields.values_list("id", "name"))
    return Verification(
        checked=len(keys),
        differences=tuple(
            f"{_place(day, key, names)} {problem}"
            for key in keys
            if (problem := _problem(key.kind, stored.get(key), recomputed.get(key)))
        ),
    )


def _place(day: Day, key: RowKey, names: Mapping[int, str]) -> str:
    subject = f"{key.kind} of field {names.get(key.field_id, f'number {key.field_id}')}"
    if key.field_id == EVENT_FIELD_ID:
        subject = "events" if is_event(key) else f"events discarded by {key.kind}"
    project = day.event_type.project.slug
    when = f"the {key.grain} from {key.starts_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{project}, {day.event_type.name}: {subject}, {when},"


def _problem(kind: str, stored: _Stored | None, recomputed: Summary | None) -> str:
    """Return what is wrong with a stored row, "" where nothing is."""
    if recomputed is None:
        return f"holds {stored.count if stored else 0} values; the events have none."
    expected = count_of(recomputed)
    if stored is None:
        return f"is not stored; the events have {expected} values."
    if stored.count != expected:
        return f"is counted as {stored.count} values; the events have {expected}."
    try:
        held = rows.summary_of(kind, stored.summary)
    except UnreadableSummaryError as error:
        return f"can't be read: {error}"
    essence = _essence if stored.is_rough else _whole
    return "" if essence(held) == essence(recomputed) else "holds other values than the events."


def _whole(summary: Summary) -> object:
    return summary.to_bytes()


def _essence(summary: Summary) -> object:
    """Return what of a summary doesn't depend on how its values were split over folds."""
    match summary:
        case ArraySummary():
            texts = (_essence(summary.elements), _essence(summary.rows))
            return (summary.lengths.to_bytes(), *texts)
        case TextSummary(seen=seen) if seen is not None:
            return (summary.total, seen.to_bytes(), summary.dates, summary.versions)
        case _:
            return _whole(summary)
