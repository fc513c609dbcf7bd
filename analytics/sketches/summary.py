"""What all summaries can do, with the layout of their bytes: a version, then MessagePack."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Self, TypeVar

import msgspec

from analytics.layout import FIRST_BYTE, VERSION, UnreadableSummaryError

Fields = TypeVar("Fields", bound=tuple[object, ...])

_encoder = msgspec.msgpack.Encoder()


class Summary(ABC):
    """A set of values in little space.

    Merging is associative and commutative, `empty()` changes nothing in a merge, and equal
    summaries have equal bytes.
    """

    __slots__ = ()

    @classmethod
    @abstractmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        """Return the summary of all the values in any number of summaries."""

    @classmethod
    def merge_for_reading(cls, summaries: Iterable[Self]) -> Self:
        """Return the same with all that the summaries tell apart, too much of it to be stored."""
        return cls.merge_all(summaries)

    @classmethod
    @abstractmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Return the summary that `to_bytes` wrote; raises UnreadableSummaryError."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """Return the bytes to store, the same on every machine."""

    @classmethod
    def empty(cls) -> Self:
        """Return the summary of no values."""
        return cls.merge_all(())

    def merge(self, other: Self) -> Self:
        """Return the summary of the values in both, leaving both as they are."""
        return self.merge_all((self, other))


def pack(fields: tuple[object, ...]) -> bytes:
    """Return the stored form of a summary's fields."""
    return FIRST_BYTE + _encoder.encode(fields)


def unpack(stored: bytes, layout: msgspec.msgpack.Decoder[Fields]) -> Fields:
    """Return the fields that `pack` wrote; raises UnreadableSummaryError."""
    if stored[:1] != FIRST_BYTE:
        raise UnreadableSummaryError(
            f"A stored summary starts with {stored[:1].hex() or 'nothing'}; "
            f"this release reads version {VERSION}."
        )
    try:
        return layout.decode(memoryview(stored)[1:])
    except msgspec.DecodeError as error:
        raise UnreadableSummaryError(f"A stored summary can't be read: {error}.") from error
