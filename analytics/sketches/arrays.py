"""The summary of arrays: their lengths, with their elements by occurrence and by row."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import chain
from typing import Self

import msgspec

from analytics.sketches.numbers import NumberSummary
from analytics.sketches.summary import Summary, pack, unpack
from analytics.sketches.texts import TextSummary
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
        texts = [[element_text(element) for element in array] for array in arrays]
        return cls(
            lengths=NumberSummary.of(map(len, texts)),
            elements=TextSummary.of(chain.from_iterable(texts)),
            rows=TextSummary.of(chain.from_iterable(map(set, texts))),
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
