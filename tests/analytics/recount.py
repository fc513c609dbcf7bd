"""Statistics counted again from plain metadata, in as simple a way as can be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from events.metadata import exact_number, kind_of
from events.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What one field holds in some events."""

    rows: int
    values: Sequence[Json]

    @classmethod
    def of(cls, events: Sequence[JsonObject], name: str) -> "Recount":
        return cls(rows=len(events), values=[event[name] for event in events if name in event])

    @property
    def types(self) -> dict[str, int]:
        kinds = Counter(map(kind_of, self.values))
        return {kind: kinds[kind] for kind in ("number", "text", "boolean", "array", "object")}

    @property
    def null(self) -> int:
        return sum(value is None for value in self.values)

    @property
    def missing(self) -> int:
        return self.rows - len(self.values)

    @property
    def numbers(self) -> list[Decimal]:
        return [
            exact
            for value in self.values
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
            if (exact := exact_number(value)) is not None
        ]

    @property
    def total(self) -> Fraction:
        return sum(map(Fraction, self.numbers), Fraction())

    @property
    def variance(self) -> Fraction:
        """Of the population."""
        numbers = [Fraction(number) for number in self.numbers]
        mean = sum(numbers, Fraction()) / len(numbers)
        return sum(((number - mean) ** 2 for number in numbers), Fraction()) / len(numbers)

    @property
    def top(self) -> list[tuple[str, int]]:
        texts = Counter(value for value in self.values if isinstance(value, str))
        return sorted(texts.items(), key=lambda item: (-item[1], item[0]))

    def booleans(self, wanted: bool) -> int:
        return sum(value is wanted for value in self.values)

    @property
    def lengths(self) -> list[int]:
        return sorted(len(value) for value in self.values if isinstance(value, list))
