"""The count of distinct texts: a dense HyperLogLog."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.sketches.summary import Summary, UnreadableSummaryError, pack, unpack

Registers: TypeAlias = NDArray[np.uint8]

_INDEX_BITS = 12
_RANK_BITS = 64 - _INDEX_BITS
REGISTERS = 1 << _INDEX_BITS
STANDARD_ERROR = 1.04 / math.sqrt(REGISTERS)  # relative: 1.6 %
_ALPHA = 1 / (2 * math.log(2))
_SPARSE_BYTES = 3  # an index of two bytes, a rank of one

_layout = msgspec.msgpack.Decoder(tuple[bytes, bytes])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistinctSummary(Summary):
    """How many distinct texts there were, within 1.6 % (one standard error).

    HyperLogLog (Flajolet, Fusy, Gandouet, Meunier: AofA 2007) over 64 bits of BLAKE2b of the
    UTF-8 text; with so many bits no correction is needed for large counts.
    """

    registers: Registers

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        registers = np.zeros(REGISTERS, dtype=np.uint8)
        hashes = np.frombuffer(b"".join(map(_hashed, set(texts))), dtype=">u8")
        rest = hashes & ((1 << _RANK_BITS) - 1)
        # 52 bits fit a float exactly, and its exponent is the length in bits of the integer.
        _, bits = np.frexp(rest.astype(np.float64))
        ranks = (_RANK_BITS + 1 - bits).astype(np.uint8)
        np.maximum.at(registers, (hashes >> _RANK_BITS).astype(np.intp), ranks)
        return cls(registers=registers)

    @classmethod
    def merge_all(cls, summaries: Iterable[Self]) -> Self:
        every = [one.registers for one in summaries]
        return cls(registers=np.maximum.reduce(every)) if every else cls.of(())

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        indexes, ranks = unpack(stored, _layout)
        if not indexes and len(ranks) == REGISTERS:
            return cls(registers=np.frombuffer(ranks, dtype=np.uint8))
        if len(indexes) != 2 * len(ranks):
            raise UnreadableSummaryError(
                f"A stored distinct count has {len(indexes)} bytes of register numbers for "
                f"{len(ranks)} registers; two bytes each were expected."
            )
        registers = np.zeros(REGISTERS, dtype=np.uint8)
        registers[np.frombuffer(indexes, dtype="<u2")] = np.frombuffer(ranks, dtype=np.uint8)
        return cls(registers=registers)

    def to_bytes(self) -> bytes:
        (filled,) = np.nonzero(self.registers)
        if filled.size * _SPARSE_BYTES >= REGISTERS:
            return pack((b"", self.registers.tobytes()))
        return pack((filled.astype("<u2").tobytes(), self.registers[filled].tobytes()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DistinctSummary):
            return NotImplemented
        return np.array_equal(self.registers, other.registers)

    __hash__ = None  # type: ignore[assignment]  # like every value that compares by its array

    @property
    def estimate(self) -> int:
        """The number of distinct texts, by Ertl's estimator (arXiv 1702.01284, algorithm 6).

        The textbook's switch from counting empty registers to the harmonic mean is 2 % off
        between 10,000 and 13,000 (measured); this has no switch. What it adds for registers at
        their highest rank is left out: it would take 2^60 texts.
        """
        held: list[int] = np.bincount(self.registers).tolist()
        empty = REGISTERS * _sigma(held[0] / REGISTERS)
        filled = sum(count / 2.0**rank for rank, count in enumerate(held) if rank)
        return round(_ALPHA * REGISTERS**2 / (empty + filled))


def _sigma(share: float) -> float:
    # x + Σ 2^(k−1)·x^(2^k), until a term no longer changes the sum; endless for 1: none is filled.
    if share == 1:
        return math.inf
    total, power, weight = share, share * share, 1.0
    while total != (total := total + power * weight):
        power, weight = power * power, 2 * weight
    return total


def _hashed(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
