"""Small pictures for the cells of tables, as paths of SVG on a field of 100 by 24."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Shape: TypeAlias = Literal["line", "bars", "share"]

WIDTH, HEIGHT = 100, 24
_TOP, _FLOOR = 2, 22  # a line's own width stays within the picture
_GAP = 0.15  # of a bar's place
MOST_POINTS = 120  # more than one for each pixel is not seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A small picture: its shape, the path that draws it, and what it shows in words."""

    shape: Shape
    path: str
    label: str


def line(values: Sequence[float], *, label: str) -> Spark:
    """Return a line from the first value to the last, over zero."""
    shown = _thinned(values)
    highest = max([*shown, 0]) or 1
    step = WIDTH / max(1, len(shown) - 1)
    points = [
        f"{place * step:.4g} {_FLOOR - (_FLOOR - _TOP) * value / highest:.4g}"
        for place, value in enumerate(shown)
    ]
    if len(points) == 1:
        points = [f"0 {points[0].split()[1]}", f"{WIDTH} {points[0].split()[1]}"]
    return Spark(shape="line", path=f"M{'L'.join(points)}" if points else "", label=label)


def bars(counts: Sequence[int], *, label: str) -> Spark:
    """Return a bar for each count, equally wide; one that is not 0 can always be seen."""
    highest = max([*counts, 0]) or 1
    place_width = WIDTH / max(1, len(counts))
    drawn = [
        _bar(place * place_width, place_width, max(1, HEIGHT * count / highest))
        for place, count in enumerate(counts)
        if count
    ]
    return Spark(shape="bars", path="".join(drawn), label=label)


def share(part: int, whole: int, *, label: str) -> Spark:
    """Return a bar that is filled as far as the part goes."""
    filled = WIDTH * part / whole if whole else 0
    return Spark(shape="share", path=f"M0 7H{filled:.4g}V17H0Z" if filled else "", label=label)


def _bar(left: float, width: float, height: float) -> str:
    right = left + width * (1 - _GAP)
    return f"M{left:.4g} {HEIGHT}V{HEIGHT - height:.4g}H{right:.4g}V{HEIGHT}Z"


def _thinned(values: Sequence[float]) -> list[float]:
    """Return the values, or sums of neighbours where there are more than can be seen."""
    size = -(-len(values) // MOST_POINTS) or 1
    return [sum(values[place : place + size]) for place in range(0, len(values), size)]
