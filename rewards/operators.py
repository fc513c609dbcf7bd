"""The operators of comparisons: what each wants, what it says of a value seen."""

import operator as compare
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeVar

from events.types import Json, JsonObject
from rewards.fields import Field
from rewards.reading import (
    RuleError,
    as_number,
    plain,
    read_flag,
    read_list,
    read_number,
    read_text,
    shown,
)

LISTED_VALUES = 1_000
VALUE_CHARACTERS = 2_000  # a quarter of what a metadata string may hold in bytes

Known = TypeVar("Known")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A leaf while it is read: its field and its value, not yet understood."""

    field: Field
    value: Json
    path: str
    is_cased: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A leaf's value in its normal form, and what it says of a value seen."""

    wanted: Json
    judge: Callable[[Json], bool | None]
    is_text: bool = False


Reader: TypeAlias = Callable[[Draft], Comparison]


def _where(
    known: Callable[[Json], Known | None], holds: Callable[[Known], bool]
) -> Callable[[Json], bool | None]:
    # Absent, null and of another kind are all the same here: unknown, as NULL is in SQL.
    def judge(seen: Json) -> bool | None:
        value = known(seen)
        return None if value is None else holds(value)

    return judge


def _as_text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _as_folded(value: Json) -> str | None:
    return value.casefold() if isinstance(value, str) else None


def _as_boolean(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _ordering(holds: Callable[[int | Decimal, int | Decimal], bool]) -> Reader:
    def read(draft: Draft) -> Comparison:
        wanted = plain(read_number(draft.value, draft.path))
        return Comparison(wanted=wanted, judge=_where(as_number, lambda seen: holds(seen, wanted)))

    return read


def _within(*, expected: bool) -> Reader:
    def read(draft: Draft) -> Comparison:
        pair = read_list(draft.value, draft.path, read_number, least=2, most=2)
        low, high = (plain(bound) for bound in pair)
        if low > high:
            raise RuleError(draft.path, "must give the lower bound first")
        return Comparison(
            wanted=[low, high],
            judge=_where(as_number, lambda seen: (low <= seen <= high) is expected),
        )

    return read


def _textual(holds: Callable[[str, str], bool], *, least: int = 1) -> Reader:
    def read(draft: Draft) -> Comparison:
        wanted = read_text(draft.value, draft.path, least=least, most=VALUE_CHARACTERS)
        if draft.is_cased is False:
            folded = wanted.casefold()
            judge = _where(_as_folded, lambda seen: holds(seen, folded))
        else:
            judge = _where(_as_text, lambda seen: holds(seen, wanted))
        return Comparison(wanted=wanted, judge=judge, is_text=True)

    return read


def _boolean(holds: Callable[[bool, bool], bool]) -> Reader:
    def read(draft: Draft) -> Comparison:
        wanted = read_flag(draft.value, draft.path)
        if draft.field.is_number:
            raise RuleError(draft.path, f"must be a number, as {draft.field.name} is one")
        return Comparison(
            wanted=wanted, judge=_where(_as_boolean, lambda seen: holds(seen, wanted))
        )

    return read


def _equality(holds: Callable[[object, object], bool]) -> Reader:
    numbers, texts, booleans = _ordering(holds), _textual(holds, least=0), _boolean(holds)

    def read(draft: Draft) -> Comparison:
        if isinstance(draft.value, bool):
            return booleans(draft)
        if isinstance(draft.value, str) and not draft.field.is_number:
            return texts(draft)
        if isinstance(draft.value, str) or as_number(draft.value) is not None:
            return numbers(draft)
        raise RuleError(
            draft.path, f"must be a number, a text, true or false, not {shown(draft.value)}"
        )

    return read


def _listed(*, expected: bool) -> Reader:
    def read(draft: Draft) -> Comparison:
        values = read_list(draft.value, draft.path, _read_listed, least=1, most=LISTED_VALUES)
        texts = [value for value in values if isinstance(value, str)]
        numbers = [value for value in values if not isinstance(value, str)]
        if texts and numbers:
            raise RuleError(draft.path, "must hold only texts or only numbers")
        if numbers:
            members = frozenset(numbers)
            return Comparison(
                wanted=list(values),
                judge=_where(as_number, lambda seen: (seen in members) is expected),
            )
        return _listed_texts(texts, is_cased=draft.is_cased is not False, expected=expected)

    return read


def _read_listed(value: Json, path: str) -> str | int | Decimal:
    if isinstance(value, str):
        return read_text(value, path, least=0, most=VALUE_CHARACTERS)
    return plain(read_number(value, path))


def _listed_texts(texts: list[str], *, is_cased: bool, expected: bool) -> Comparison:
    members = frozenset(texts if is_cased else (text.casefold() for text in texts))
    known = _as_text if is_cased else _as_folded
    return Comparison(
        wanted=list[Json](texts),
        judge=_where(known, lambda seen: (seen in members) is expected),
        is_text=True,
    )


def _presence(*, expected: bool) -> Reader:
    def read(draft: Draft) -> Comparison:
        if draft.value is not None:
            raise RuleError(draft.path, "has no meaning for this operator; leave it out")
        return Comparison(wanted=None, judge=lambda seen: (seen is not None) is expected)

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator: its words in a sentence, and how it reads a leaf's value."""

    words: str
    read: Reader


OPERATORS: Mapping[str, Operator] = {
    "=": Operator(words="is", read=_equality(compare.eq)),
    "!=": Operator(words="is not", read=_equality(compare.ne)),
    "<": Operator(words="is below", read=_ordering(compare.lt)),
    "<=": Operator(words="is at most", read=_ordering(compare.le)),
    ">": Operator(words="is above", read=_ordering(compare.gt)),
    ">=": Operator(words="is at least", read=_ordering(compare.ge)),
    "between": Operator(words="is between", read=_within(expected=True)),
    "notBetween": Operator(words="is not between", read=_within(expected=False)),
    "in": Operator(words="is one of", read=_listed(expected=True)),
    "notIn": Operator(words="is none of", read=_listed(expected=False)),
    "contains": Operator(words="contains", read=_textual(compare.contains)),
    "beginsWith": Operator(words="begins with", read=_textual(str.startswith)),
    "endsWith": Operator(words="ends with", read=_textual(str.endswith)),
    "is": Operator(words="is", read=_boolean(compare.eq)),
    "exists": Operator(words="is given", read=_presence(expected=True)),
    "missing": Operator(words="is not given", read=_presence(expected=False)),
}

VALUE_SCHEMA: JsonObject = {
    "anyOf": [
        {"type": ["number", "boolean", "null"]},
        {"type": "string", "maxLength": VALUE_CHARACTERS},
        {
            "type": "array",
            "minItems": 1,
            "maxItems": LISTED_VALUES,
            "items": {"type": ["number", "string"]},
        },
    ]
}
