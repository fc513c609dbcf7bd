"""The log-bucket histogram: how many numbers lie in each of 13,819 fixed buckets."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.layout import UnreadableSummaryError
from analytics.sketches.summary import Summary, pack, unpack

Codes: TypeAlias = NDArray[np.int16]
Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

RELATIVE_ERROR = 0.01
_STEPS = 3_454  # from the middle bucket, up and down, until 10^30 and 10^-30 are covered
_WIDTHS_BYTES = (1, 2, 4, 8)

_layout = msgspec.msgpack.Decoder(tuple[int, bytes, bytes])


def _boundaries() -> Floats:
    # The logarithm of numpy differs in the last bit between processors, and with it a bucket.
    # Decimal is the same everywhere: 60 digits leave no doubt about the nearest float.
    exact = Context(prec=60)
    gamma = exact.divide(Decimal(101), Decimal(99))  # (1 + error) / (1 − error)
    rising = [exact.sqrt(gamma)]
    falling = [exact.divide(Decimal(1), rising[0])]
    for _ in range(_STEPS):
        rising.append(exact.multiply(rising[-1], gamma))
        falling.append(exact.divide(falling[-1], gamma))
    return np.array([float(power) for power in (*reversed(falling), *rising)])


# gamma^-3454.5, gamma^-3453.5 … gamma^3454.5: half a step aside, so that 1, the number that
# counts and quantities hold most, lies in the middle of a bucket and not 1 % off at its edge.
BOUNDARIES = _boundaries()
# The value as far, relatively, from either end of its bucket; the first one is that of zero.
_VALUES = np.concatenate(([0.0], BOUNDARIES[:-1] * (1 + RELATIVE_ERROR)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogHistogram(Summary):
    """Numbers of 10^-30 ≤ |n| < 10^30 and zero, each known to 1 % of its value.

    After DDSketch (Masson, Rim, Lee: PVLDB 12, 2019), without its collapsing of buckets. Bucket
    k > 0 holds BOUNDARIES[k − 1] ≤ n < BOUNDARIES[k], bucket −k the same of −n, bucket 0 zero:
    so codes rise with the numbers. Only buckets that hold a number are listed, in rising order.
    """

    codes: Codes
    counts: Counts

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Self:
        return cls.of_counts(Counter(numbers))

    @classmethod
    def of_counts(cls, counts: Mapping[float, int]) -> Self:
        """Return the histogram of numbers, each as often as its count says."""
        signed = np.fromiter(counts.keys(), dtype=np.float64, count=len(counts))
        buckets = np.searchsorted(BOUNDARIES, np.abs(signed), side="right").astype(np.int16)
        codes, places = np.unique(np.sign(signed).astype(np.int16) * buckets, return_inverse=True)
        held = np.zeros(codes.size, dtype=np.int64)
        np.add.at(held, places, np.fromiter(counts.values(), dtype=np.int64, count=len(counts)))
        return cls(codes=codes, counts=held)

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        histograms = [one for one in summaries if one.codes.size]
        if len(histograms) <= 1:
            return histograms[0] if histograms else cls.of(())
        codes = np.concatenate([one.codes for one in histograms])
        counts = np.concatenate([one.counts for one in histograms])
        order = np.argsort(codes, kind="stable")
        merged, starts = np.unique(codes[order], return_index=True)
        return cls(codes=merged, counts=np.add.reduceat(counts[order], starts))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        width, codes, counts = unpack(stored, _layout)
        if width not in _WIDTHS_BYTES or len(codes) * width != len(counts) * 2:
            raise UnreadableSummaryError(
                f"A stored histogram has {len(codes)} bytes of buckets and {len(counts)} bytes "
                f"of counts of {width} bytes each; they don't match."
            )
        return cls(
            codes=np.frombuffer(codes, dtype="<i2").astype(np.int16),
            counts=np.frombuffer(counts, dtype=f"<u{width}").astype(np.int64),
        )

    def to_bytes(self) -> bytes:
        most = int(self.counts.max(initial=0))
        width = next(width for width in _WIDTHS_BYTES if most < 1 << 8 * width)
        codes, counts = self.codes.astype("<i2"), self.counts.astype(f"<u{width}")
        return pack((width, codes.tobytes(), counts.tobytes()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogHistogram):
            return NotImplemented
        return np.array_equal(self.codes, other.codes) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # like every value that compares by its arrays

    @property
    def values(self) -> Floats:
        """The value that stands for each bucket, rising, within 1 % of all numbers in it."""
        return np.sign(self.codes) * _VALUES[np.abs(self.codes)]

    def lowest_positive(self) -> float | None:
        """Return where the lowest bucket of positive numbers begins, None where none is."""
        positive = self.codes[self.codes > 0]
        return float(BOUNDARIES[positive[0] - 1]) if positive.size else None
