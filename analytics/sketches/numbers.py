"""The summary of numbers: exact count, sums and extremes, with percentiles within 1 %."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from operator import mul
from typing import Self, assert_never

import msgspec
import numpy as np

from analytics.sketches.bins import Bin, Scale, binned, linear_edges, log_edges
from analytics.sketches.histogram import Floats, LogHistogram
from analytics.sketches.summary import Summary, pack, unpack
from events.limits import EXACT_DIGITS
from events.metadata import exact_number

# A number has 30 digits before and 30 behind the point, its square 60 and 60. With 10^19 of them
# n·Σx² and (Σx)² have 38 more, 158 in all; should that ever not do, Inexact is raised.
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])
_REPORTED = Context(prec=34)  # decimal128; more than anyone reads
_INTEGER_BOUND = 10**EXACT_DIGITS

_layout = msgspec.msgpack.Decoder(
    tuple[int, int, Decimal, Decimal, Decimal | None, Decimal | None, bytes]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary(Summary):
    """Numbers of one field. `outside` counts those that exact_number keeps out of the rest."""

    count: int = 0
    outside: int = 0
    sum: Decimal = Decimal(0)
    sum_squares: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    histogram: LogHistogram = field(default_factory=LogHistogram.empty)

    @classmethod
    def of(cls, values: Iterable[int | Decimal]) -> Self:
        every = list(values)
        numbers = [number for value in every if (number := _counted(value)) is not None]
        if not numbers:
            return cls(outside=len(every))
        return cls(
            count=len(numbers),
            outside=len(every) - len(numbers),
            sum=_exact_sum(numbers),
            sum_squares=_exact_sum_squares(numbers),
            minimum=_plain(min(numbers)),
            maximum=_plain(max(numbers)),
            histogram=LogHistogram.of(map(float, numbers)),
        )

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(
            count=sum(one.count for one in every),
            outside=sum(one.outside for one in every),
            sum=_exact_sum(one.sum for one in every),
            sum_squares=_exact_sum(one.sum_squares for one in every),
            minimum=min((one.minimum for one in every if one.minimum is not None), default=None),
            maximum=max((one.maximum for one in every if one.maximum is not None), default=None),
            histogram=LogHistogram.merge_all(one.histogram for one in every),
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        count, outside, total, squares, minimum, maximum, histogram = unpack(stored, _layout)
        return cls(
            count=count,
            outside=outside,
            sum=total,
            sum_squares=squares,
            minimum=minimum,
            maximum=maximum,
            histogram=LogHistogram.from_bytes(histogram),
        )

    def to_bytes(self) -> bytes:
        return pack(
            (
                self.count,
                self.outside,
                self.sum,
                self.sum_squares,
                self.minimum,
                self.maximum,
                self.histogram.to_bytes(),
            )
        )

    @property
    def mean(self) -> Decimal | None:
        """Σx / n, None without numbers."""
        return _REPORTED.divide(self.sum, Decimal(self.count)) if self.count else None

    @property
    def std(self) -> Decimal | None:
        """The standard deviation of a sample (n − 1), None below two numbers."""
        return self._deviation(self.count - 1) if self.count > 1 else None

    @property
    def std_population(self) -> Decimal | None:
        """The standard deviation of a whole population (n), None without numbers."""
        return self._deviation(self.count) if self.count else None

    def _deviation(self, freedom: int) -> Decimal:
        # n·Σx² − (Σx)² cancels nearly all digits of large, close numbers: so it is exact, and
        # with it never negative. Only the division and the root are rounded.
        with localcontext(_EXACT):
            spread = self.count * self.sum_squares - self.sum * self.sum
        return _REPORTED.sqrt(_REPORTED.divide(spread, Decimal(self.count * freedom)))

    def percentile(self, percent: float) -> float | None:
        """Return the value below which this share of the numbers lies, None without numbers.

        Interpolated at (n − 1)·percent/100 between the buckets' values at the ranks on either
        side, each within 1 % of the number there; the first and the last number are exact.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"A percentile lies between 0 and 100; {percent} does not.")
        if not self.count:
            return None
        position = (self.count - 1) * float(percent) / 100
        rank = math.floor(position)
        low, high = self._value_at(rank), self._value_at(min(rank + 1, self.count - 1))
        return low + (high - low) * (position - rank)

    def _value_at(self, rank: int) -> float:
        lowest, highest = self._range()
        if rank == 0:
            return lowest
        if rank == self.count - 1:
            return highest
        return min(max(self.histogram.value_at(rank), lowest), highest)

    def bins(self, count: int, scale: Scale) -> list[Bin]:
        """Return at most `count` bins whose counts add up to this summary's; none without numbers.

        The edges run from the exact minimum to the exact maximum; a number is in the bin of its
        bucket's value, so it may be 1 % of itself off. Equal numbers are one bin from n to n;
        quantile edges that coincide under ties are one.
        """
        if count < 1:
            raise ValueError(f"A histogram has at least one bin; {count} were asked for.")
        if not self.count:
            return []
        values = np.clip(self.histogram.values, *self._range())
        return binned(values, self.histogram.counts, self._edges(count, scale))

    def _edges(self, count: int, scale: Scale) -> Floats:
        lowest, highest = self._range()
        if lowest == highest:
            return np.array([lowest])
        match scale:
            case "linear":
                return linear_edges(lowest, highest, count=count)
            case "log":
                return log_edges(self.histogram, lowest, highest, count=count)
            case "quantile":
                shares = (100 * place / count for place in range(count + 1))
                return np.array([self.percentile(share) for share in shares], dtype=np.float64)
            case _:
                assert_never(scale)

    def _range(self) -> tuple[float, float]:
        return float(self.minimum or 0), float(self.maximum or 0)


def _counted(value: int | Decimal) -> int | Decimal | None:
    # An integer needs no look at its digits: this is what most numbers are.
    if isinstance(value, int):
        return value if -_INTEGER_BOUND < value < _INTEGER_BOUND else None
    return exact_number(value)


def _exact_sum(numbers: Iterable[int | Decimal]) -> Decimal:
    with localcontext(_EXACT):
        return _plain(sum(numbers))


def _exact_sum_squares(numbers: list[int | Decimal]) -> Decimal:
    with localcontext(_EXACT):
        return _plain(sum(map(mul, numbers, numbers)))


def _plain(number: int | Decimal) -> Decimal:
    # One form for equal numbers, so that 1.0 and 1.00 give equal bytes in either order: no zeros
    # at the end, no power of ten, no minus before zero.
    with localcontext(_EXACT):
        return Decimal(number).normalize() + 0
