"""The values of one event type in one period, counted before they are summarised."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import Any, TypeAlias

from analytics.sketches import (
    ArraySummary,
    ArrayTally,
    BooleanSummary,
    CountSummary,
    DistinctSummary,
    EventSummary,
    NumberSummary,
    Summary,
    TextSummary,
    value_key,
)
from analytics.sketches.distinct import hash_of
from events.limits import NUMBER_CHARACTERS
from events.metadata import number_in
from events.suspicion import VALUES_LOOKED_AT, texts_in
from events.types import Json

# The id under which an event type's events themselves are summarised.
EVENT_FIELD_ID = 0

# Distinct numbers held back until they are summarised: this bounds the memory of a long day.
# Texts are held to the end, for beyond their cap only what is counted in full is exact.
_HELD_NUMBERS = 20_000

_KINDS: Mapping[type[Any], str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    list: "array",
    dict: "object",
}
_NUMBERS = {int, Decimal}

Place: TypeAlias = tuple[int, str]  # a field and a kind
_Shape: TypeAlias = tuple[str, ...]  # the fields that an event has


class Cell:
    """Events of one type in one period, and the values of their fields.

    Events are held until `count_held`, those with the same fields together, and then counted field
    by field: so all that is done for each single value is done by Counter, and that is fast.
    """

    __slots__ = ("_arrays", "_counts", "_held", "_nested", "_numbers", "events", "local_date")

    def __init__(self, local_date: date) -> None:
        self.local_date = local_date
        self.events = EventTally()
        self._held: dict[_Shape, list[Iterable[Json]]] = {}
        self._counts: dict[tuple[str, str], dict[Any, int]] = {}
        self._arrays: defaultdict[str, ArrayTally] = defaultdict(ArrayTally)
        self._numbers: dict[str, NumberSummary] = {}
        self._nested: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, metadata: Mapping[str, Json]) -> None:
        """Take the values of one event in, to be counted with those of others."""
        shape = tuple(metadata)
        held = self._held.get(shape)
        if held is None:
            held = self._held[shape] = []
        held.append(metadata.values())

    def count_held(self) -> None:
        """Count the values that were taken in."""
        for shape, rows in self._held.items():
            for name, column in zip(shape, zip(*rows, strict=True), strict=True):
                self._count(name, column)
        self._held.clear()

    def absorb(self, other: "Cell") -> None:
        """Count in what another cell of the same event type holds."""
        self.events.absorb(other.events)
        other.count_held()
        for (name, kind), found in other._counts.items():
            self._add_counts(name, kind, found)
        for name, arrays in other._arrays.items():
            self._arrays[name].absorb(arrays)
        for name, numbers in other._numbers.items():
            self._take(name, numbers)

    def summaries(self, field_ids: Mapping[str, int]) -> dict[Place, Summary]:
        """Return the summary of every field and kind that got a value, and that of the events."""
        self.count_held()
        made: dict[Place, Summary] = {}
        for (name, kind), counts in self._counts.items():
            made[field_ids[name], kind] = _summary(kind, counts)
            if kind == "text" and (found := _numbers_in(counts)):
                # Beside the text, so that a field may be declared a number at any time.
                made[field_ids[name], "numeric_text"] = NumberSummary.of_counts(found)
        for name, numbers in self._numbers.items():
            rest = made.get((field_ids[name], "number"))
            whole = numbers.merge(rest) if isinstance(rest, NumberSummary) else numbers
            made[field_ids[name], "number"] = whole
        for name, arrays in self._arrays.items():
            made[field_ids[name], "array"] = ArraySummary.of_tally(arrays)
        if self.events.count:
            made[EVENT_FIELD_ID, "event"] = self.events.summary()
        return made

    def nested(self) -> Mapping[str, Sequence[str]]:
        """Return some of the texts in each field's objects, of which only the number is counted.

        They are of what was taken in here, not of other cells.
        """
        self.count_held()
        return self._nested

    def _count(self, name: str, column: Sequence[Json]) -> None:
        types = set(map(type, column))
        if len(types) > 1 and types != _NUMBERS:
            # True and 1 are equal: kinds are counted apart.
            for each in types:
                self._count(name, [value for value in column if type(value) is each])
            return
        kind = _KINDS[types.pop()]
        if kind == "array":
            for array in column:
                self._arrays[name].add(array)  # type: ignore[arg-type]  # all are lists
        else:
            if kind == "object":
                found = self._nested[name]
                texts = chain.from_iterable(map(texts_in, column))
                found += islice(texts, VALUES_LOOKED_AT - len(found))
            hashable = repeat(None, len(column)) if kind == "object" else column
            self._add_counts(name, kind, Counter(hashable))

    def _add_counts(self, name: str, kind: str, found: Mapping[Any, int]) -> None:
        if kind == "text":
            found = _kept(found)
        counts = self._counts.get((name, kind))
        if counts is None:
            self._counts[name, kind] = dict(found)
            return
        for value, count in found.items():
            counts[value] = counts.get(value, 0) + count
        if kind == "number" and len(counts) >= _HELD_NUMBERS:
            self._take(name, NumberSummary.of_counts(self._counts.pop((name, kind))))

    def _take(self, name: str, numbers: NumberSummary) -> None:
        before = self._numbers.get(name)
        self._numbers[name] = numbers if before is None else before.merge(numbers)


class EventTally:
    """Events counted before they are summarised."""

    __slots__ = ("count", "customers", "late", "other_fields", "points_awarded", "points_total")

    def __init__(self) -> None:
        self.count = 0
        self.customers: set[int] = set()
        self.points_awarded = 0
        self.points_total = 0
        self.other_fields = 0
        self.late = 0

    def absorb(self, other: "EventTally") -> None:
        """Count in what another tally holds."""
        self.count += other.count
        self.customers |= other.customers
        self.points_awarded += other.points_awarded
        self.points_total += other.points_total
        self.other_fields += other.other_fields
        self.late += other.late

    def summary(self) -> EventSummary:
        return EventSummary(
            count=self.count,
            customers=DistinctSummary.of_hashes(map(_hash_of, self.customers)),
            points_awarded=self.points_awarded,
            points_total=self.points_total,
            other_fields=self.other_fields,
            late=self.late,
        )


def _summary(kind: str, counts: Mapping[Any, int]) -> Summary:
    match kind:
        case "text":
            return TextSummary.of_counts(counts)
        case "number":
            return NumberSummary.of_counts(counts)
        case "boolean":
            return BooleanSummary(true=counts.get(True, 0), false=counts.get(False, 0))
        case _:
            return CountSummary(count=counts[None])


def _kept(texts: Mapping[str, int]) -> Mapping[str, int]:
    """Return texts as they are counted, and whole where they could be a number."""
    if max(map(len, texts)) <= NUMBER_CHARACTERS:
        return texts
    kept: Counter[str] = Counter()
    for text, count in texts.items():
        kept[text if len(text) <= NUMBER_CHARACTERS else value_key(text)] += count
    return kept


def _numbers_in(texts: Mapping[str, int]) -> dict[int | Decimal, int]:
    found: dict[int | Decimal, int] = {}
    for text, count in texts.items():
        number = _number_in(text)
        if number is not None:
            found[number] = found.get(number, 0) + count
    return found


def _number_in(text: str) -> int | Decimal | None:
    # Most texts don't begin like a number, and most that are one are plain digits.
    first = text[:1]
    if first not in _NUMBER_STARTS or not first:
        return None
    is_plain = first > "0" and len(text) <= _PLAIN_DIGITS and text.isdecimal() and text.isascii()
    return int(text) if is_plain else number_in(text)


_NUMBER_STARTS = frozenset("-0123456789")
_PLAIN_DIGITS = 18


# The same customers come every hour and every day.
@lru_cache(maxsize=50_000)
def _hash_of(customer_id: int) -> int:
    return hash_of(str(customer_id))
