"""The summary of numbers: each with its count while they are few, sums and buckets beyond."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from functools import cached_property
from itertools import accumulate
from typing import Self, assert_never

import msgspec
import numpy as np

from analytics.sketches.bins import Bin, Scale, binned, linear_edges, log_edges
from analytics.sketches.histogram import RELATIVE_ERROR, Floats, LogHistogram
from analytics.sketches.moments import EXACT, Moments, plain, total, total_squares
from analytics.sketches.summary import Summary, pack, unpack
from events.limits import EXACT_DIGITS
from events.metadata import exact_number

# Levels, ratings, quantities, percents, years: each number is known. Prices and durations have
# more; the buckets of a histogram that is as wide as theirs take about the same space.
EXACT_NUMBERS = 256
# The same for what is only read: the prices and durations of days that were each exact.
READING_NUMBERS = 20_000

_REPORTED = Context(prec=34)  # decimal128; more than anyone reads
_INTEGER_BOUND: int = 10**EXACT_DIGITS
_LAST_DIGITS = frozenset("123456789")

_layout = msgspec.msgpack.Decoder(tuple[int, dict[str, int], bytes | None])


@dataclass(frozen=True, kw_only=True)
class NumberSummary(Summary):
    """Numbers of one field. `outside` counts those that exact_number keeps out of the rest.

    Up to EXACT_NUMBERS distinct ones it is exact: `values` holds how often each came, under its
    shortest decimal text. Beyond, for good, all are in `sketched`: count, sums and extremes are
    exact still, and ranks are known within 1 %.
    """

    outside: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    sketched: Moments | None = None

    @classmethod
    def of(cls, values: Iterable[int | Decimal]) -> Self:
        return cls.of_counts(Counter(values))

    @classmethod
    def of_counts(cls, counts: Mapping[int | Decimal, int]) -> Self:
        """Return the summary of numbers, each as often as its count says."""
        inside = {number: count for number, count in counts.items() if _is_inside(number)}
        outside = 0 if len(inside) == len(counts) else sum(counts.values()) - sum(inside.values())
        if len(inside) > EXACT_NUMBERS:
            return cls(outside=outside, sketched=Moments.of_counts(inside))
        values = {number_key(number): count for number, count in inside.items()}
        return cls(outside=outside, values=values)

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        return cls._merged(list(summaries), EXACT_NUMBERS)

    @classmethod
    def merge_for_reading(cls, summaries: Iterable[Self]) -> Self:
        """Return the summary of all the numbers, exact up to READING_NUMBERS distinct ones.

        So it is exact over any range of days that are. It is not to be stored.
        """
        return cls._merged(list(summaries), READING_NUMBERS)

    @classmethod
    def _merged(cls, every: Sequence[Self], most: int) -> Self:
        values = dict(every[0].values) if every else {}
        for one in every[1:]:
            for key, count in one.values.items():
                values[key] = values.get(key, 0) + count
        sketched = [one.sketched for one in every if one.sketched is not None]
        return cls._made(sum(one.outside for one in every), values, sketched, most=most)

    @classmethod
    def _made(
        cls,
        outside: int,
        values: Mapping[str, int],
        sketched: list[Moments],
        *,
        most: int = EXACT_NUMBERS,
    ) -> Self:
        if not sketched and len(values) <= most:
            return cls(outside=outside, values=values)
        if values:
            sketched = [*sketched, Moments.of_counts(_decimals(values))]
        return cls(outside=outside, sketched=Moments.merge_all(sketched))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        outside, values, sketched = unpack(stored, _layout)
        return cls(
            outside=outside,
            values=values,
            sketched=None if sketched is None else Moments.from_bytes(sketched),
        )

    def to_bytes(self) -> bytes:
        sketched = None if self.sketched is None else self.sketched.to_bytes()
        return pack((self.outside, dict(sorted(self.values.items())), sketched))

    @property
    def is_exact(self) -> bool:
        return self.sketched is None

    @property
    def relative_error(self) -> float:
        """How far percentiles and the places of numbers in bins may be off: 0 where exact."""
        return 0.0 if self.is_exact else RELATIVE_ERROR

    @property
    def distinct(self) -> int | None:
        """The number of distinct numbers, None where they are too many to be told apart."""
        return len(self.values) if self.is_exact else None

    @cached_property
    def count(self) -> int:
        return sum(self.values.values()) if self.sketched is None else self.sketched.count

    @cached_property
    def sum(self) -> Decimal:
        return total(self._numbers) if self.sketched is None else self.sketched.sum

    @cached_property
    def sum_squares(self) -> Decimal:
        return total_squares(self._numbers) if self.sketched is None else self.sketched.sum_squares

    @cached_property
    def minimum(self) -> Decimal | None:
        if self.sketched is not None:
            return self.sketched.minimum
        return plain(min(self._numbers)) if self.values else None

    @cached_property
    def maximum(self) -> Decimal | None:
        if self.sketched is not None:
            return self.sketched.maximum
        return plain(max(self._numbers)) if self.values else None

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
        with localcontext(EXACT):
            spread = self.count * self.sum_squares - self.sum * self.sum
        return _REPORTED.sqrt(_REPORTED.divide(spread, Decimal(self.count * freedom)))

    def percentile(self, percent: float) -> float | None:
        """Return the value below which this share of the numbers lies, None without numbers.

        Interpolated at (n − 1)·percent/100 between the numbers at the ranks on either side, each
        known within `relative_error`; the first and the last number are exact.
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
        lowest, highest = self._range
        if rank == 0:
            return lowest
        if rank == self.count - 1:
            return highest
        return self._ranked.values[bisect_right(self._ranked.up_to, rank)]

    def bins(self, count: int, scale: Scale) -> list[Bin]:
        """Return at most `count` bins whose counts add up to this summary's; none without numbers.

        The edges run from the exact minimum to the exact maximum; where the summary is not exact
        a number is in the bin of its bucket's value, and so it may be 1 % of itself off. Equal
        numbers are one bin from n to n; quantile edges that coincide under ties are one.
        """
        if count < 1:
            raise ValueError(f"A histogram has at least one bin; {count} were asked for.")
        if not self.count:
            return []
        values = np.array(self._ranked.values, dtype=np.float64)
        counts = np.array(self._ranked.counts, dtype=np.int64)
        return binned(values, counts, self._edges(count, scale))

    def _edges(self, count: int, scale: Scale) -> Floats:
        lowest, highest = self._range
        if lowest == highest:
            return np.array([lowest])
        match scale:
            case "linear":
                return linear_edges(lowest, highest, count=count)
            case "log":
                return log_edges(lowest, highest, count=count, positive=self._lowest_positive())
            case "quantile":
                shares = (100 * place / count for place in range(count + 1))
                return np.array([self.percentile(share) for share in shares], dtype=np.float64)
            case _:
                assert_never(scale)

    def _lowest_positive(self) -> float | None:
        if self.sketched is not None:
            return self.sketched.histogram.lowest_positive()
        return next((value for value in self._ranked.values if value > 0), None)

    @property
    def histogram(self) -> LogHistogram:
        """The numbers in buckets, whether or not more is known of them."""
        counted = Moments.of_counts(self._numbers) if self.sketched is None else self.sketched
        return counted.histogram

    @cached_property
    def _numbers(self) -> Mapping[Decimal, int]:
        return _decimals(self.values)

    @cached_property
    def _range(self) -> tuple[float, float]:
        return float(self.minimum or 0), float(self.maximum or 0)

    @cached_property
    def _ranked(self) -> "_Ranked":
        if self.sketched is None:
            pairs = sorted((float(text), count) for text, count in self.values.items())
            return _Ranked.of([value for value, _ in pairs], [count for _, count in pairs])
        histogram = self.sketched.histogram
        values = np.clip(histogram.values, *self._range)
        return _Ranked.of(values.tolist(), histogram.counts.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    """Rising values with their counts; `up_to` counts those up to each value, itself included."""

    values: Sequence[float]
    counts: Sequence[int]
    up_to: Sequence[int]

    @classmethod
    def of(cls, values: Sequence[float], counts: Sequence[int]) -> "_Ranked":
        return cls(values=values, counts=counts, up_to=list(accumulate(counts)))


def number_key(number: int | Decimal) -> str:
    """Return the shortest decimal text of a number, the same for equal ones."""
    text = str(number)
    # An integer has but one text, and a short one without zeros at its end is the shortest: this
    # is what most numbers are.
    if isinstance(number, int) or (text[-1] in _LAST_DIGITS and "E" not in text):
        return text
    return f"{plain(number):f}"


def _is_inside(number: int | Decimal) -> bool:
    """Say whether exact_number takes a number into the statistics."""
    if isinstance(number, int):
        return abs(number) < _INTEGER_BOUND
    text = str(number)
    if len(text) <= EXACT_DIGITS and "E" not in text:
        return True
    return exact_number(number) is not None


def _decimals(values: Mapping[str, int]) -> dict[Decimal, int]:
    return {Decimal(text): count for text, count in values.items()}
