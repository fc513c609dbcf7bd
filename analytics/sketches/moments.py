"""The summary of many numbers: exact count, sums and extremes, with a log-bucket histogram."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from operator import mul
from typing import Self, TypeVar

import msgspec

from analytics.sketches.histogram import LogHistogram
from analytics.sketches.summary import Summary, pack, unpack

# A number has 30 digits before and 30 behind the point, its square 60 and 60. With 10^19 of them
# n·Σx² and (Σx)² have 38 more, 158 in all; should that ever not do, Inexact is raised.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])

Number = TypeVar("Number", int, Decimal, int | Decimal)

_layout = msgspec.msgpack.Decoder(
    tuple[int, Decimal, Decimal, Decimal | None, Decimal | None, bytes]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments(Summary):
    """Numbers that exact_number takes, known by their sums, extremes and buckets."""

    count: int = 0
    sum: Decimal = Decimal(0)
    sum_squares: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    histogram: LogHistogram = field(default_factory=LogHistogram.empty)

    @classmethod
    def of(cls, numbers: Iterable[int | Decimal]) -> Self:
        return cls.of_counts(Counter(numbers))

    @classmethod
    def of_counts(cls, counts: Mapping[Number, int]) -> Self:
        """Return the summary of numbers, each as often as its count says."""
        if not counts:
            return cls()
        return cls(
            count=sum(counts.values()),
            sum=total(counts),
            sum_squares=total_squares(counts),
            minimum=plain(min(counts)),
            maximum=plain(max(counts)),
            histogram=LogHistogram.of_counts(_by_float(counts)),
        )

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(
            count=sum(one.count for one in every),
            sum=_exact_sum(one.sum for one in every),
            sum_squares=_exact_sum(one.sum_squares for one in every),
            minimum=min((one.minimum for one in every if one.minimum is not None), default=None),
            maximum=max((one.maximum for one in every if one.maximum is not None), default=None),
            histogram=LogHistogram.merge_all(one.histogram for one in every),
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        count, total, squares, minimum, maximum, histogram = unpack(stored, _layout)
        return cls(
            count=count,
            sum=total,
            sum_squares=squares,
            minimum=minimum,
            maximum=maximum,
            histogram=LogHistogram.from_bytes(histogram),
        )

    def to_bytes(self) -> bytes:
        extremes = (self.minimum, self.maximum)
        histogram = self.histogram.to_bytes()
        return pack((self.count, self.sum, self.sum_squares, *extremes, histogram))


def total(counts: Mapping[Number, int]) -> Decimal:
    """Return Σx, exactly."""
    with localcontext(EXACT):
        return plain(sum(map(mul, counts.keys(), counts.values())))


def total_squares(counts: Mapping[Number, int]) -> Decimal:
    """Return Σx², exactly."""
    with localcontext(EXACT):
        squares = map(mul, counts.keys(), counts.keys())
        return plain(sum(map(mul, squares, counts.values())))


def plain(number: int | Decimal) -> Decimal:
    """Return the one form of equal numbers, so that 1.0 and 1.00 give equal bytes in either order.

    No zeros at the end, no power of ten, no minus before zero.
    """
    with localcontext(EXACT):
        return Decimal(number).normalize() + 0


def _exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return plain(sum(numbers))


def _by_float(counts: Mapping[Number, int]) -> dict[float, int]:
    # Numbers of more than 17 digits may share a float.
    found: dict[float, int] = {}
    for number, count in counts.items():
        nearest = float(number)
        found[nearest] = found.get(nearest, 0) + count
    return found
