"""Numbers as people read them."""

import math
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

_DIGITS = 6
# Beyond these a row of zeros says less than an exponent.
_LARGEST, _SMALLEST = 1e15, 1e-6
_WHOLE_DIGITS = 21  # of a whole number as many fit into a line of a phone
_SHOWN_DIGITS = 15  # a binary fraction (IEEE 754) holds as many; what follows is mostly its noise


def exact(number: int | Decimal) -> str:
    """Return all digits, thousands parted by commas."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,f}"


def readable(number: int | Decimal) -> str:
    """Return all digits of a whole number up to 21, of another number the first fifteen."""
    if isinstance(number, int) or _is_short(number) or not number:
        return exact(number)
    cut = Context(prec=_SHOWN_DIGITS).create_decimal(number)
    if abs(cut.adjusted()) >= _WHOLE_DIGITS:
        return f"{cut.normalize():g}"
    return exact(cut) if cut == number else _trimmed(exact(cut))


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_short(number: Decimal) -> bool:
    return number.adjusted() < _WHOLE_DIGITS and number == number.to_integral_value()


def rounded(number: float | Decimal) -> str:
    """Return six significant digits, and those before the point at least.

    A whole decimal number keeps all of its digits, up to 21; a float that large has no more.
    """
    value = float(number)
    size = abs(value)
    if isinstance(number, Decimal) and size >= _LARGEST and _is_short(number):
        return exact(int(number))
    if size and not _SMALLEST <= size < _LARGEST:
        return f"{value:.{_DIGITS}g}"
    places = max(0, _DIGITS - 1 - math.floor(math.log10(size))) if size else 0
    text = f"{value:,.{places}f}"
    return _trimmed(text)


def share(part: int, whole: int) -> str:
    """Return a percentage that is 0 % and 100 % only where it is exactly that."""
    if not whole:
        return "–"
    if 0 < part * 1000 < whole:
        return "< 0.1 %"
    if 0 < (whole - part) * 1000 < whole:
        return "> 99.9 %"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:,.1f} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a figure stands beside an earlier one, in words; `text` begins with an arrow."""

    direction: Literal["up", "down", "same", "new"]
    text: str


def change(current: int, previous: int) -> Change:
    """Return how much more or less there is than before."""
    if current == previous:
        return Change(direction="same", text="→ unchanged")
    if not previous:
        return Change(direction="new", text="▲ new")
    size = share(abs(current - previous), abs(previous))
    if current > previous:
        return Change(direction="up", text=f"▲ {size} more")
    return Change(direction="down", text=f"▼ {size} less")
