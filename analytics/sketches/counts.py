"""The summaries that only count: booleans, values without content, events."""

from collections.abc import Iterable, Sized
from dataclasses import dataclass, field
from typing import Self

import msgspec

from analytics.sketches.distinct import DistinctSummary
from analytics.sketches.summary import Summary, pack, unpack

_count_layout = msgspec.msgpack.Decoder(tuple[int])
_boolean_layout = msgspec.msgpack.Decoder(tuple[int, int])
_event_layout = msgspec.msgpack.Decoder(tuple[int, bytes, int, int, int, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSummary(Summary):
    """How many values there were, for nulls and objects."""

    count: int = 0

    @classmethod
    def of(cls, values: Sized) -> Self:
        return cls(count=len(values))

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        return cls(count=sum(one.count for one in summaries))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        (count,) = unpack(stored, _count_layout)
        return cls(count=count)

    def to_bytes(self) -> bytes:
        return pack((self.count,))


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanSummary(Summary):
    """How often true and how often false came."""

    true: int = 0
    false: int = 0

    @classmethod
    def of(cls, values: Iterable[bool]) -> Self:
        every = list(values)
        return cls(true=every.count(True), false=every.count(False))

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(true=sum(one.true for one in every), false=sum(one.false for one in every))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        true, false = unpack(stored, _boolean_layout)
        return cls(true=true, false=false)

    def to_bytes(self) -> bytes:
        return pack((self.true, self.false))

    @property
    def count(self) -> int:
        return self.true + self.false


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFact:
    """What one event adds to its type's summary.

    `customer` is the id by which customers are told apart; `points_awarded` is what rules gave,
    `points_total` what the event earned in all; `other_fields` counts the metadata fields beyond
    the limit of the event type; a late one was received long after it happened.
    """

    customer: str
    points_awarded: int = 0
    points_total: int = 0
    other_fields: int = 0
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSummary(Summary):
    """The events of one type: how many (and how many of them late), of whom, earning what."""

    count: int = 0
    customers: DistinctSummary = field(default_factory=DistinctSummary)
    points_awarded: int = 0
    points_total: int = 0
    other_fields: int = 0
    late: int = 0

    @classmethod
    def of(cls, facts: Iterable[EventFact]) -> Self:
        every = list(facts)
        return cls(
            count=len(every),
            customers=DistinctSummary.of(fact.customer for fact in every),
            points_awarded=sum(fact.points_awarded for fact in every),
            points_total=sum(fact.points_total for fact in every),
            other_fields=sum(fact.other_fields for fact in every),
            late=sum(fact.is_late for fact in every),
        )

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = list(summaries)
        return cls(
            count=sum(one.count for one in every),
            customers=DistinctSummary.merge_all(one.customers for one in every),
            points_awarded=sum(one.points_awarded for one in every),
            points_total=sum(one.points_total for one in every),
            other_fields=sum(one.other_fields for one in every),
            late=sum(one.late for one in every),
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        count, customers, awarded, total, other_fields, late = unpack(stored, _event_layout)
        return cls(
            count=count,
            customers=DistinctSummary.from_bytes(customers),
            points_awarded=awarded,
            points_total=total,
            other_fields=other_fields,
            late=late,
        )

    def to_bytes(self) -> bytes:
        customers = self.customers.to_bytes()
        points = (self.points_awarded, self.points_total)
        return pack((self.count, customers, *points, self.other_fields, self.late))
