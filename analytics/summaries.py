"""The summaries of raw events by field, kind and period, free of any database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from analytics.cells import EVENT_FIELD_ID, Cell
from analytics.periods import Calendar, Period
from analytics.sketches import (
    ArraySummary,
    CountSummary,
    EventSummary,
    NumberSummary,
    Summary,
    TextSummary,
)
from events.suspicion import VALUES_LOOKED_AT
from events.types import Json

__all__ = [
    "EVENT_FIELD_ID",
    "HISTORY_DAYS",
    "LATE_HOURS",
    "RECENT_HOURS",
    "FieldIds",
    "Grain",
    "RawEvent",
    "RowKey",
    "Summariser",
    "count_of",
    "is_capped",
    "is_discarded",
    "is_event",
]

Grain: TypeAlias = Literal["hour", "day"]

# Fields have hours where events arrive as they happen. History that is imported would make a row
# for every field and hour of years, which nobody reads.
RECENT_HOURS = 48

_RECENT = timedelta(hours=RECENT_HOURS)

# Later than this, people have looked at the day's figures: pages say how many came since.
LATE_HOURS = 24
_LATE = timedelta(hours=LATE_HOURS)
# What is older came as history, of which everything would be late.
HISTORY_DAYS = 30
_HISTORY = timedelta(days=HISTORY_DAYS)

# JSON whose values are counted together, of some ten thousand events: this bounds the memory.
_HELD_CHARACTERS = 4_000_000


class RawEvent(NamedTuple):
    """What a rollup needs of one event; a tuple, for it is made for each of them.

    One that is `discarded` has the reason there, and is counted by it and nowhere else.
    """

    event_type_id: int
    customer_id: int
    occurred_at: datetime
    received_at: datetime
    points_awarded: int
    points_total: int
    metadata: dict[str, Json]
    characters: int  # of the metadata as JSON
    discarded: str = ""


class RowKey(NamedTuple):
    """What a rollup row is known by, in the order of the primary key."""

    event_type_id: int
    field_id: int
    grain: str
    starts_at: datetime
    kind: str
    local_date: date


# Ids of the fields of each event type by name; None stands for a field that isn't asked for.
FieldIds: TypeAlias = Mapping[int, Mapping[str, int | None]]


class Summariser:
    """Sorts events into rows. The result depends on neither their order nor how they came in,
    but for texts beyond their cap, which are exact here: they are counted in full first."""

    def __init__(self, calendar: Calendar, field_ids: FieldIds) -> None:
        self._calendar = calendar
        self._fields = _FieldsByType(field_ids)
        self._hours: _Cells = {}
        self._days: _Cells = {}
        self._discarded: Counter[RowKey] = Counter()
        self._held_characters = 0

    def add(self, events: Iterable[RawEvent]) -> None:
        for event in events:
            type_id, occurred_at = event.event_type_id, event.occurred_at
            place = self._calendar.place_of(occurred_at)
            if event.discarded:
                self._discarded[_discarded_row(event, place.day)] += 1
                continue
            hour = _cell(self._hours, type_id, place.hour)
            delay = event.received_at - occurred_at
            # What comes too late for the field's hours goes to its day at once.
            valued = hour if delay <= _RECENT else _cell(self._days, type_id, place.day)
            fields = self._fields[type_id]
            valued.add(fields.asked_for(event.metadata))
            self._held_characters += event.characters
            if self._held_characters >= _HELD_CHARACTERS:
                self._count_held()
            tally = hour.events
            tally.count += 1
            tally.customers.add(event.customer_id)
            tally.points_awarded += event.points_awarded
            tally.points_total += event.points_total
            tally.other_fields += fields.unknown_in(event.metadata)
            tally.late += _LATE < delay <= _HISTORY

    def _count_held(self) -> None:
        for cell in chain(self._hours.values(), self._days.values()):
            cell.count_held()
        self._held_characters = 0

    def rows(self) -> dict[RowKey, Summary]:
        """Return the summary of every row that got a value."""
        discarded = {key: CountSummary(count=count) for key, count in self._discarded.items()}
        return discarded | {
            RowKey(type_id, field_id, grain, starts_at, kind, cell.local_date): summary
            for grain, cells in self._by_grain()
            for (type_id, starts_at), cell in cells.items()
            for (field_id, kind), summary in cell.summaries(self._fields[type_id].ids).items()
        }

    def nested(self) -> Mapping[int, Sequence[str]]:
        """Return some of the texts in the objects of each field, by its id."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for field_id, texts in self._nested_by_cell():
            found[field_id] += texts[: VALUES_LOOKED_AT - len(found[field_id])]
        return found

    def _nested_by_cell(self) -> Iterator[tuple[int, Sequence[str]]]:
        for (type_id, _), cell in chain(self._hours.items(), self._days.items()):
            ids = self._fields[type_id].ids
            yield from ((ids[name], texts) for name, texts in cell.nested().items())

    def _by_grain(self) -> "list[tuple[Grain, _Cells]]":
        """Return hours and days; a day holds what came too late for its hours, and its hours."""
        days: _Cells = {}
        for (type_id, _), cell in chain(self._days.items(), self._hours.items()):
            _cell(days, type_id, self._calendar.day(cell.local_date)).absorb(cell)
        return [("hour", self._hours), ("day", days)]


def _discarded_row(event: RawEvent, day: Period) -> RowKey:
    # By day alone: who looks at an hour looks at what came of it.
    return RowKey(
        event.event_type_id, EVENT_FIELD_ID, "day", day.starts_at, event.discarded, day.local_date
    )


class _Fields:
    """The fields of one event type: those that are known, and the ids of those asked for."""

    __slots__ = ("_known", "ids")

    def __init__(self, field_ids: Mapping[str, int | None]) -> None:
        self._known = frozenset(field_ids)
        self.ids = {name: number for name, number in field_ids.items() if number is not None}

    def asked_for(self, metadata: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the fields of an event that are asked for."""
        if metadata.keys() <= self.ids.keys():
            return metadata
        return {name: value for name, value in metadata.items() if name in self.ids}

    def unknown_in(self, metadata: Mapping[str, Json]) -> int:
        """Return how many fields of an event are beyond those that the catalogue knows."""
        return 0 if metadata.keys() <= self._known else len(metadata.keys() - self._known)


class _FieldsByType(dict[int, _Fields]):
    """The fields of event types; each type is looked up when it is met."""

    def __init__(self, field_ids: FieldIds) -> None:
        self._field_ids = field_ids

    def __missing__(self, event_type_id: int) -> _Fields:
        self[event_type_id] = _Fields(self._field_ids[event_type_id])
        return self[event_type_id]


_Cells: TypeAlias = dict[tuple[int, datetime], Cell]


def _cell(cells: _Cells, event_type_id: int, period: Period) -> Cell:
    key = (event_type_id, period.starts_at)
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = Cell(period.local_date)
    return cell


def is_event(key: RowKey) -> bool:
    """Say whether a row is of the events that count themselves, and not of a field."""
    return key.field_id == EVENT_FIELD_ID and key.kind == "event"


def is_discarded(key: RowKey) -> bool:
    """Say whether a row counts the events that were discarded for the reason that is its kind."""
    return key.field_id == EVENT_FIELD_ID and key.kind != "event"


def is_capped(summary: Summary) -> bool:
    """Say whether texts of a summary are beyond their cap: merged, it is no longer exact."""
    return isinstance(summary, TextSummary | ArraySummary) and summary.is_capped


def count_of(summary: Summary) -> int:
    """Return how many values (or events) a summary holds, those out of range included."""
    match summary:
        case NumberSummary():
            return summary.count + summary.outside
        case TextSummary():
            return summary.total
        case EventSummary():
            return summary.count
        case _:
            count: int = summary.count  # type: ignore[attr-defined]
            return count
