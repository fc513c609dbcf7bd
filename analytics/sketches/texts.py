"""The summary of texts: exact counts per value up to a cap, the most frequent beyond it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Self

import msgspec

from analytics.sketches.distinct import DistinctSummary
from analytics.sketches.shapes import shape_of
from analytics.sketches.summary import Summary, pack, unpack

VALUES_CAP = 1_000  # values counted one by one in a summary; the rest are counted together
READING_CAP = 200_000  # the same for what is only read: a year of order numbers, about 30 MB
KEY_CHARACTERS = 256  # a longer text is counted under a shortened key
_KEPT_CHARACTERS = 200
_HASH_DIGITS = 16

_layout = msgspec.msgpack.Decoder(tuple[dict[str, int], int, int, int, bytes | None, int, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSummary(Summary):
    """How often each text came.

    Up to VALUES_CAP distinct values, everything is exact. Above, the summary is capped for good:
    `counts` keeps the VALUES_CAP most frequent, `other` counts all the rest together, `seen`
    estimates the distinct values. A kept value's true count then lies within [count, count +
    kept_error]; a value that isn't kept came at most `dropped_error` times. `dates` and `versions`
    are how many of the texts have that shape, always exact.

    `total`, `distinct` and whether it is capped depend on the values alone. Which values a capped
    summary keeps, their counts and both errors depend also on how the values were split: a value
    dropped from one part is missed there. So a closed day is summarised afresh from its raw rows
    by one `of` or `of_counts`: then the counts are exact, and `kept_error` is 0.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    other: int = 0
    kept_error: int = 0
    dropped_error: int = 0
    seen: DistinctSummary | None = None
    dates: int = 0
    versions: int = 0

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        return cls.of_counts(Counter(texts))

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> Self:
        """Return the summary of texts that were counted elsewhere, by a GROUP BY for example."""
        keyed: dict[str, int] = {}
        shapes = {"date": 0, "version": 0}
        for text, count in counts.items():
            key = text if len(text) <= KEY_CHARACTERS else value_key(text)
            keyed[key] = keyed.get(key, 0) + count
            if (shape := shape_of(text)) is not None:
                shapes[shape] += count
        whole = cls(counts=keyed, dates=shapes["date"], versions=shapes["version"])
        return whole if len(keyed) <= VALUES_CAP else whole._capped([whole], keyed, VALUES_CAP)

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        return cls._merged(list(summaries), VALUES_CAP)

    @classmethod
    def merge_for_reading(cls, summaries: Iterable[Self]) -> Self:
        """Return the summary of all the texts, with up to READING_CAP values counted one by one.

        So it is exact over any range of days none of which is capped. It is not to be stored.
        """
        return cls._merged(list(summaries), READING_CAP)

    @classmethod
    def _merged(cls, every: Sequence[Self], cap: int) -> Self:
        counts = dict(every[0].counts) if every else {}
        for one in every[1:]:
            for value, count in one.counts.items():
                counts[value] = counts.get(value, 0) + count
        if len(counts) > cap or any(one.is_capped for one in every):
            return cls._capped(every, counts, cap)
        return cls(
            counts=counts,
            dates=sum(one.dates for one in every),
            versions=sum(one.versions for one in every),
        )

    @classmethod
    def _capped(cls, parts: Sequence[Self], counts: Mapping[str, int], cap: int) -> Self:
        missed = _missed(parts, counts)
        # What is only read seldom has to drop a value, and sorting takes longer than all the rest.
        ranked = _ranked(counts, len(counts)) if len(counts) > cap else list(counts.items())
        kept, dropped = ranked[:cap], ranked[cap:]
        other = sum(one.other for one in parts) + sum(count for _, count in dropped)
        unseen = sum(one.dropped_error for one in parts)
        highest = max((count + missed[value] for value, count in dropped), default=0)
        return cls(
            counts=dict(kept),
            other=other,
            # Whatever was missed of any value was counted as other: it can't be more than that.
            kept_error=min(other, max((missed[value] for value, _ in kept), default=0)),
            dropped_error=min(other, max(highest, unseen)),
            seen=_seen(parts),
            dates=sum(one.dates for one in parts),
            versions=sum(one.versions for one in parts),
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        counts, other, kept_error, dropped_error, seen, dates, versions = unpack(stored, _layout)
        return cls(
            counts=counts,
            other=other,
            kept_error=kept_error,
            dropped_error=dropped_error,
            seen=None if seen is None else DistinctSummary.from_bytes(seen),
            dates=dates,
            versions=versions,
        )

    def to_bytes(self) -> bytes:
        seen = None if self.seen is None else self.seen.to_bytes()
        counts = dict(sorted(self.counts.items()))
        errors = (self.kept_error, self.dropped_error)
        return pack((counts, self.other, *errors, seen, self.dates, self.versions))

    @property
    def is_capped(self) -> bool:
        return self.seen is not None

    @property
    def total(self) -> int:
        """The number of texts, always exact."""
        return sum(self.counts.values()) + self.other

    @property
    def distinct(self) -> int:
        """The number of distinct texts, exact unless capped."""
        if self.seen is None:
            return len(self.counts)
        return max(self.seen.estimate, VALUES_CAP + 1, len(self.counts))

    @property
    def distinct_error(self) -> float:
        """How far `distinct` may be off, relatively: 0 where exact, else three standard errors."""
        return 0.0 if self.seen is None else self.seen.relative_error

    @property
    def count_error(self) -> int:
        """By how much a listed count may be too low; it is never too high."""
        return self.kept_error

    def top(self, n: int) -> list[tuple[str, int]]:
        """Return the n most frequent values: count descending, then value by code point."""
        return _ranked(self.counts, n)

    def other_after(self, n: int) -> int:
        """Return how many texts the n most frequent values leave, so that all adds up."""
        return self.total - sum(count for _, count in self.top(n))


def value_key(text: str) -> str:
    """Return what a text is counted under: itself, or a long one's start and a hash of it all.

    256 characters are kept whole; of longer texts the first 200, then "…" and 16 hex digits of
    SHA-256. A short text that spells out the key of a long one shares its row.
    """
    if len(text) <= KEY_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:_KEPT_CHARACTERS]}…{digest[:_HASH_DIGITS]}"


def _ranked(counts: Mapping[str, int], n: int) -> list[tuple[str, int]]:
    listed: Iterable[tuple[str, int]] = counts.items()
    if 0 < n < len(counts):
        # Few of very many values: only those that come as often as the last of them are sorted.
        least = nlargest(n, counts.values())[-1]
        listed = [(value, count) for value, count in listed if count >= least]
    return sorted(listed, key=lambda item: (-item[1], item[0]))[:n]


def _seen(parts: Sequence[TextSummary]) -> DistinctSummary:
    # A capped part has seen the values that it kept: they need not be hashed again.
    known = [part.seen for part in parts if part.seen is not None]
    new = {value for part in parts if part.seen is None for value in part.counts}
    return DistinctSummary.merge_all([DistinctSummary.of(new), *known])


def _missed(parts: Sequence[TextSummary], counts: Mapping[str, int]) -> dict[str, int]:
    # By how much each value's count may be too low: in each part by the part's error for values
    # that it kept, or by all that a value it dropped may have had.
    missed = dict.fromkeys(counts, sum(part.dropped_error for part in parts))
    for part in parts:
        known = part.dropped_error - part.kept_error
        for value in part.counts if known else ():
            missed[value] -= known
    return missed
