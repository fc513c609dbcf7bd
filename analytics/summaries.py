"""The summaries of raw events by field, kind and period, free of any database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, repeat
from typing import Any, Literal, NamedTuple, TypeAlias

from analytics.periods import Calendar, Period, Place
from analytics.sketches import (
    SUMMARIES,
    EventFact,
    EventSummary,
    NumberSummary,
    Summary,
    TextSummary,
    value_key,
)
from events.limits import NUMBER_CHARACTERS
from events.metadata import number_in
from events.types import Json

Grain: TypeAlias = Literal["hour", "day"]

# The id under which an event type's events themselves are summarised.
EVENT_FIELD_ID = 0

# Fields have hours where events arrive as they happen. History that is imported would make a row
# for every field and hour of years, which nobody reads.
RECENT_HOURS = 48

# Values held back until they are summarised together: this bounds the memory of a long day.
_HELD_VALUES = 20_000

_KINDS: Mapping[type[Any], str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """What a rollup needs of one accepted event."""

    event_type_id: int
    customer_id: int
    occurred_at: datetime
    received_at: datetime
    points_awarded: int
    points_total: int
    metadata: dict[str, Json]


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
        self._field_ids = field_ids
        self._cells: dict[tuple[int, Grain, datetime], _Cell] = {}

    def add(self, events: Iterable[RawEvent]) -> None:
        for event in events:
            place = self._calendar.place_of(event.occurred_at)
            counted, valued = self._cells_of(event, place)
            others = self._add_values(event, valued)
            fact = EventFact(
                customer=str(event.customer_id),
                points_awarded=event.points_awarded,
                points_total=event.points_total,
                other_fields=others,
            )
            for cell in counted:
                cell.add(EVENT_FIELD_ID, "event", fact)

    def rows(self) -> dict[RowKey, Summary]:
        """Return the summary of every row that got a value."""
        return {
            RowKey(type_id, field_id, grain, starts_at, kind, cell.local_date): summary
            for (type_id, grain, starts_at), cell in self._cells.items()
            for (field_id, kind), summary in cell.summaries().items()
        }

    def _cells_of(
        self, event: RawEvent, place: Place
    ) -> "tuple[tuple[_Cell, ...], tuple[_Cell, ...]]":
        """Return the cells that count the event, and those that take its values."""
        day = self._cell(event.event_type_id, "day", place.day)
        hour = self._cell(event.event_type_id, "hour", place.hour)
        is_recent = event.received_at - event.occurred_at <= timedelta(hours=RECENT_HOURS)
        return (day, hour), (day, hour) if is_recent else (day,)

    def _cell(self, event_type_id: int, grain: Grain, period: Period) -> "_Cell":
        key = (event_type_id, grain, period.starts_at)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell(period.local_date)
        return cell

    def _add_values(self, event: RawEvent, cells: "tuple[_Cell, ...]") -> int:
        """Take the values in; return how many fields are beyond those the catalogue knows."""
        ids = self._field_ids[event.event_type_id]
        others = 0
        for name, value in event.metadata.items():
            if name not in ids:
                others += 1
                continue
            field_id = ids[name]
            if field_id is None:
                continue
            for cell in cells:
                cell.add(field_id, _KINDS[type(value)], value)
        return others


class _Cell:
    """The values of one event type in one period, by field and kind."""

    __slots__ = ("_done", "_held", "_texts", "local_date")

    def __init__(self, local_date: date) -> None:
        self.local_date = local_date
        self._texts: dict[int, Counter[str]] = {}
        self._held: dict[tuple[int, str], list[Any]] = {}
        self._done: dict[tuple[int, str], Summary] = {}

    def add(self, field_id: int, kind: str, value: Json | EventFact) -> None:
        if kind == "text":
            texts = self._texts.get(field_id)
            if texts is None:
                texts = self._texts[field_id] = Counter()
            texts[_held_text(value)] += 1  # type: ignore[arg-type]  # a text, as its kind says
            return
        key = (field_id, kind)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = []
        held.append(value)
        if len(held) >= _HELD_VALUES:
            self._summarise(key)

    def summaries(self) -> dict[tuple[int, str], Summary]:
        for key in list(self._held):
            self._summarise(key)
        return self._done | self._of_texts()

    def _summarise(self, key: tuple[int, str]) -> None:
        _, kind = key
        made: Summary = SUMMARIES[kind].of(self._held.pop(key))  # type: ignore[attr-defined]
        done = self._done.get(key)
        self._done[key] = made if done is None else done.merge(made)

    def _of_texts(self) -> dict[tuple[int, str], Summary]:
        made: dict[tuple[int, str], Summary] = {}
        for field_id, texts in self._texts.items():
            made[field_id, "text"] = TextSummary.of_counts(texts)
            numbers = [
                repeat(number, count)
                for text, count in texts.items()
                if (number := number_in(text)) is not None
            ]
            if numbers:
                # Beside the text, so that a field may be declared a number at any time.
                made[field_id, "numeric_text"] = NumberSummary.of(chain.from_iterable(numbers))
        return made


def _held_text(text: str) -> str:
    # As it is counted, and whole where it could be a number.
    return text if len(text) <= NUMBER_CHARACTERS else value_key(text)


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
