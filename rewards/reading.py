"""Typed reading of a definition's JSON; each refusal names the path of what is wrong."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Context, Decimal
from typing import TypeVar

from events import limits
from events.metadata import RepeatedKeys, exact_number, kind_of, number_in, text_refusal
from events.types import Json, JsonObject

Item = TypeVar("Item")
Word = TypeVar("Word", bound=str)

_SHOWN_CHARACTERS = 40
_BARE = re.compile(r"[^\W\d][\w-]*")
# The default context would round what has more than 28 digits.
_EXACT = Context(prec=2 * limits.EXACT_DIGITS)
_INT_BITS = 128  # 10^30 has 100 bits; a longer integer is never written out in a message


class RuleError(ValueError):
    """A definition that can't be used; the message is a sentence that names `path`.

    The path is "" where the definition as a whole is meant.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'The definition'} {problem}.")
        self.path = path
        self.problem = problem


def read_object(
    value: Json, path: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> JsonObject:
    """Return the object, its keys checked: all required ones, none but those named."""
    if not isinstance(value, Mapping):
        raise RuleError(path, f"must be an object, not {shown(value)}")
    if isinstance(value, RepeatedKeys) and value.repeated:
        raise RuleError(inner(path, value.repeated), "is given twice")
    known = [*required, *optional]
    for key in value:
        if key not in known:
            raise RuleError(inner(path, key), f"is not known; known here: {', '.join(known)}")
    for key in required:
        if key not in value:
            raise RuleError(inner(path, key), "is missing")
    return value


def read_list(
    value: Json,
    path: str,
    read: Callable[[Json, str], Item],
    *,
    least: int = 0,
    most: int,
) -> tuple[Item, ...]:
    """Return the elements of an array, each read with its own path."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise RuleError(path, f"must be an array, not {shown(value)}")
    if not least <= len(value) <= most:
        raise RuleError(path, f"has {len(value)} elements; from {least} to {most} are taken")
    return tuple(read(element, f"{path}[{index}]") for index, element in enumerate(value))


def read_number(value: Json, path: str) -> Decimal:
    """Return a number, given as a JSON number or as its text ("1.5")."""
    number = number_in(value) if isinstance(value, str) else as_number(value)
    if number is None:
        raise RuleError(path, f"must be a number, not {shown(value)}")
    exact = exact_number(number)
    if exact is None:
        raise RuleError(path, "must be below 10^30 and have at most 30 digits")
    return exact


def read_positive(value: Json, path: str) -> Decimal:
    """Return a number above 0."""
    number = read_number(value, path)
    if number <= 0:
        raise RuleError(path, f"must be above 0, not {shown(number)}")
    return number


def read_whole(value: Json, path: str, *, least: int, most: int) -> int:
    """Return a whole number within the bounds, both included."""
    number = read_number(value, path)
    if number != number.to_integral_value() or not least <= number <= most:
        raise RuleError(path, f"must be a whole number from {least} to {most}, not {shown(number)}")
    return int(number)


def read_choice(value: Json, path: str, choices: Sequence[Word]) -> Word:
    """Return the choice that the value is."""
    for choice in choices:
        if value == choice:
            return choice
    raise RuleError(path, f"must be one of {', '.join(choices)}, not {shown(value)}")


def read_choice_or_first(value: Json, path: str, choices: Sequence[Word]) -> Word:
    """Return the choice that the value is, the first one where none is made."""
    return choices[0] if value is None else read_choice(value, path, choices)


def read_flag(value: Json, path: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise RuleError(path, f"must be true or false, not {shown(value)}")
    return value


def read_text(value: Json, path: str, *, least: int = 1, most: int) -> str:
    """Return a text of `least` to `most` characters that every database can store."""
    if not isinstance(value, str):
        raise RuleError(path, f"must be a text, not {shown(value)}")
    if not least <= len(value) <= most:
        raise RuleError(path, f"has {len(value)} characters; from {least} to {most} are taken")
    if text_refusal(value, path):
        raise RuleError(path, "holds a character that can't be stored")
    return value


def as_number(value: Json) -> int | Decimal | None:
    """Return the value where it is a finite number, else None; true and false are none."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def plain(number: int | Decimal) -> int | Decimal:
    """Return an equal number in one form for all its spellings: 1, 1.0 and 1e0 are the int 1."""
    exact = Decimal(number)
    return int(exact) if exact == exact.to_integral_value() else exact.normalize(_EXACT)


def portable(number: int | Decimal) -> int | str:
    """Return the number as JSON that no reader bends: an integer, else its text."""
    one = plain(number)
    return one if isinstance(one, int) else f"{one:f}"


def quoted(value: Json) -> str:
    """Return a definition's value within a sentence: bare where no reader can mistake it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if _BARE.fullmatch(value) and value not in ("true", "false"):
            return value
        case int() | Decimal():
            return str(portable(value))
        case _:
            return f"“{value}”"


def inner(path: str, key: str) -> str:
    """Return the path of a key within an object."""
    return f"{path}.{_storable(key)}" if path else _storable(key)


def shown(value: Json) -> str:
    """Return a value for a message, cut short."""
    match value:
        case str():
            return f'"{_storable(value[:_SHOWN_CHARACTERS])}"'
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > _INT_BITS:
            return "a number of very many digits"
        case int() | Decimal():
            return str(value)[:_SHOWN_CHARACTERS]
        case None:
            return "null"
        case _:
            return f"an {kind_of(value)}"


def _storable(text: str) -> str:
    # Half a surrogate pair in a message would break the response that carries it.
    return text.encode("utf-8", "backslashreplace").decode()
