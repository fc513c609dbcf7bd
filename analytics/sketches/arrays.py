"""The summary of arrays: their lengths, with their elements by occurrence and by row."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Self

import msgspec

from analytics.sketches.numbers import NumberSummary
from analytics.sketches.summary import Summary, pack, unpack
from analytics.sketches.texts import TextSummary, value_key
from events.limits import NUMBER_CHARACTERS
from events.metadata import exact_number
from events.types import Json

# Enough for every number that is read, so that taking zeros off its end never rounds it.
_WHOLE = Context(prec=2 * NUMBER_CHARACTERS)

_layout = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes])


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySummary(Summary):
    """Arrays of one field. `elements` counts every occurrence, `rows` an element once an array."""

    lengths: NumberSummary = field(default_factory=NumberSummary)
    elements: TextSummary = field(default_factory=TextSummary)
    rows: TextSummary = field(default_factory=TextSummary)

    @classmethod
    def of(cls, arrays: Iterable[Sequence[Json]]) -> Self:
        tally = ArrayTally()
        for array in arrays:
            tally.add(array)
        return cls.of_tally(tally)

    @classmethod
    def of_tally(cls, tally: "ArrayTally") -> Self:
        return cls(
            lengths=NumberSummary.of_counts(tally.lengths),
            elements=TextSummary.of_counts(tally.elements),
            rows=TextSummary.of_counts(tally.rows),
        )

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(
            lengths=NumberSummary.merge_all(one.lengths for one in every),
            elements=TextSummary.merge_all(one.elements for one in every),
            rows=TextSummary.merge_all(one.rows for one in every),
        )

    @classmethod
    def merge_for_reading(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(
            lengths=NumberSummary.merge_for_reading(one.lengths for one in every),
            elements=TextSummary.merge_for_reading(one.elements for one in every),
            rows=TextSummary.merge_for_reading(one.rows for one in every),
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        lengths, elements, rows = unpack(stored, _layout)
        return cls(
            lengths=NumberSummary.from_bytes(lengths),
            elements=TextSummary.from_bytes(elements),
            rows=TextSummary.from_bytes(rows),
        )

    def to_bytes(self) -> bytes:
        parts = (self.lengths, self.elements, self.rows)
        return pack(tuple(part.to_bytes() for part in parts))

    @property
    def count(self) -> int:
        return self.lengths.count

    @property
    def is_capped(self) -> bool:
        return self.elements.is_capped or self.rows.is_capped


class ArrayTally:
    """Arrays counted in full, before they are summarised."""

    __slots__ = ("elements", "lengths", "rows")

    def __init__(self) -> None:
        self.lengths: Counter[int | Decimal] = Counter()
        self.elements: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()

    def add(self, array: Sequence[Json]) -> None:
        texts = [value_key(element_text(element)) for element in array]
        self.lengths[len(texts)] += 1
        self.elements.update(texts)
        self.rows.update(set(texts))

    def absorb(self, other: "ArrayTally") -> None:
        """Count in what another tally holds."""
        self.lengths.update(other.lengths)
        self.elements.update(other.elements)
        self.rows.update(other.rows)


def element_text(element: Json) -> str:
    """Return the text under which an element is counted, the same for equal elements.

    A string is itself; all else is its JSON, so 1, 1.0 and "1" share a row, as do true and
    "true": a reader of a list of values sees no difference either.
    """
    return element if isinstance(element, str) else _json_text(element)


def _json_text(value: Json) -> str:
    match value:
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
        case int() | Decimal():
            return _number_text(Decimal(value))
        case Mapping():
            pairs = (f"{_json_text(key)}:{_json_text(value[key])}" for key in sorted(value))
            return f"{{{','.join(pairs)}}}"
        case _:
            return f"[{','.join(map(_json_text, value))}]"


def _number_text(number: Decimal) -> str:
    if not number:
        return "0"
    shortest = number.normalize(_WHOLE)
    # A number out of range may have hundreds of zeros to write out: it keeps its power of ten.
    return str(shortest) if exact_number(number) is None else f"{shortest:f}"
