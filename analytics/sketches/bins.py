"""The bins of a histogram that people see, on three scales."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from analytics.sketches.histogram import Counts, Floats

Scale: TypeAlias = Literal["linear", "log", "quantile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many numbers lie in lower ≤ n < upper; the last bin also holds n = upper."""

    lower: float
    upper: float
    count: int


def linear_edges(lowest: float, highest: float, *, count: int) -> Floats:
    """Return the edges of bins of equal width."""
    return np.linspace(lowest, highest, count + 1)


def log_edges(lowest: float, highest: float, *, count: int, positive: float | None) -> Floats:
    """Return the edges of bins of equal ratio; `positive` is the lowest number above zero.

    Where every number is negative they are those of the opposite numbers. Where some are
    positive and some not, all that are not share the first bin. A logarithm has nothing to say
    about negative numbers and zeros: these get bins of equal width.
    """
    if lowest > 0:
        return np.geomspace(lowest, highest, count + 1)
    if highest < 0:
        return -np.geomspace(-highest, -lowest, count + 1)[::-1]
    if positive is None:
        return linear_edges(lowest, highest, count=count)
    if count == 1:
        return np.array([lowest, highest])
    return np.concatenate(([lowest], np.geomspace(min(positive, highest), highest, count)))


def binned(values: Floats, counts: Counts, edges: Floats) -> list[Bin]:
    """Return the bins between the edges, each value's count in the bin that the value falls in.

    Edges that coincide are one, so there may be fewer bins than were asked for; the values must
    lie between the first and the last edge.
    """
    edges = np.unique(edges)
    if edges.size == 1:
        edges = np.repeat(edges, 2)
    places = np.searchsorted(edges, values, side="right") - 1
    held = np.zeros(edges.size - 1, dtype=np.int64)
    np.add.at(held, np.minimum(places, held.size - 1), counts)
    ends = edges.tolist()
    return [
        Bin(lower=lower, upper=upper, count=count)
        for lower, upper, count in zip(ends[:-1], ends[1:], held.tolist(), strict=True)
    ]
